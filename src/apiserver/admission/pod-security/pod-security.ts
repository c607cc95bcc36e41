import { namespaces } from '../../../kinds/core/namespace.ts'
import { pods } from '../../../kinds/core/pod.ts'
import type { Container, Pod, PodSpec, PodTemplateSpec } from '../../../kinds/generated/types/core-v1.ts'
import type { KindDefinition } from '../../../kinds/kind.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import { statusErrors } from '../../../machinery/status-error.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../../contract.ts'
import type { ObjectReader } from '../../object-reader.ts'
import { refusal } from '../refusal.ts'
import { violationsOf } from './checks.ts'
import type { PodParts, Violation } from './pod-parts.ts'
import { isSame, isStricter, type LevelVersion, policyOf, textOf } from './policy.ts'

const prefix = 'pod-security.kubernetes.io/'
/** A change to a namespace's policy looks at no more of its pods. */
const podsCheckedMax = 3000
const ignoredSubresources = new Set(['exec', 'attach', 'binding', 'eviction', 'log', 'portforward', 'proxy', 'status'])
const controllers = new Set([
  ...['/replicationcontrollers', '/podtemplates', 'apps/replicasets', 'apps/deployments', 'apps/statefulsets', 'apps/daemonsets'],
  ...['batch/jobs', 'batch/cronjobs'],
])
const isNamespace = (kind: KindDefinition) => kind.group === '' && kind.plural === 'namespaces'
const isPod = (kind: KindDefinition) => kind.group === '' && kind.plural === 'pods'

/**
 * Holds pods to the Pod Security Standard that their namespace's labels name: `enforce` refuses, `warn` warns, `audit` notes.
 * What makes pods is only warned about, and a stricter label tells which pods that are there would be refused
 * (https://kubernetes.io/docs/concepts/security/pod-security-admission/).
 */
export function podSecurity(reader: ObjectReader): AdmissionPlugin {
  return {
    name: 'PodSecurity',
    treatsAlike: () => true,
    handles: (operation, kind, subresource) => {
      if (operation !== 'CREATE' && operation !== 'UPDATE') return false
      if (isPod(kind)) return !ignoredSubresources.has(subresource)
      return subresource === '' && (isNamespace(kind) || controllers.has(`${kind.group}/${kind.plural}`))
    },
    validate: (request) => {
      if (isNamespace(request.kind)) return judgeNamespace(reader, request)
      const { policy, errors } = policyOf(reader.get(namespaces, '', request.namespace ?? '')?.metadata.labels)
      const { enforce, audit, warn } = policy
      const isEnforced = isPod(request.kind)
      if (
        errors.length === 0 &&
        (!isEnforced || enforce.level === 'privileged') &&
        audit.level === 'privileged' &&
        warn.level === 'privileged'
      )
        return
      if (isEnforced && request.old && !isSignificant(request.object as Pod, request.old as Pod)) return
      const pod = podOf(request.object!)
      if (!pod) return
      const text = (level: LevelVersion) => detailOf(violationsOf(level, pod))
      const violated = isEnforced ? text(enforce) : ''
      if (isEnforced) request.annotate(`${prefix}enforce-policy`, textOf(enforce))
      const noted = text(audit)
      if (noted !== '') request.annotate(`${prefix}audit-violations`, `would violate PodSecurity ${quoted(audit)}: ${noted}`)
      if (violated !== '') throw refusal(request, `violates PodSecurity ${quoted(enforce)}: ${violated}`)
      const warning = text(warn)
      if (warning !== '') request.warn(`would violate PodSecurity ${quoted(warn)}: ${warning}`)
    },
  }
}

const quoted = (level: LevelVersion) => JSON.stringify(textOf(level))
const detailOf = (violations: readonly Violation[]) =>
  violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ')

function judgeNamespace(reader: ObjectReader, { object, old, kind, name, warn }: AdmissionRequest): void {
  const next = policyOf(object?.metadata.labels)
  const before = old ? policyOf(old.metadata.labels) : undefined
  const isNews = !before || JSON.stringify(before.errors) !== JSON.stringify(next.errors)
  if (next.errors.length > 0 && isNews) throw statusErrors.invalid(kind, name || (object?.metadata.name ?? ''), next.errors)
  if (!before) return
  const [now, was] = [next.policy.enforce, before.policy.enforce]
  if (isSame(now, was) || now.level === 'privileged') return
  if (now.version === was.version && !isStricter(now.level, was.level)) return
  for (const warning of warningsAbout(reader.list(pods, name), { namespace: name, enforce: now })) warn(warning)
}

/** What a new policy would refuse of the pods that are there: equal violations in one line, under the first name. */
export function warningsAbout(
  all: readonly Pod[],
  { namespace, enforce }: { readonly namespace: string; readonly enforce: LevelVersion },
): string[] {
  const found = new Map<string, string[]>()
  for (const pod of all.slice(0, podsCheckedMax)) {
    const reasons = pod.spec ? violationsOf(enforce, { metadata: pod.metadata, spec: pod.spec }).map(({ reason }) => reason) : []
    if (reasons.length === 0) continue
    const key = reasons.join(', ')
    found.set(key, [...(found.get(key) ?? []), pod.metadata.name ?? ''])
  }
  const lines = [...found].map(([reasons, names]) => {
    const [first, ...others] = names.sort()
    const more = others.length === 0 ? '' : ` (and ${others.length} other ${others.length === 1 ? 'pod' : 'pods'})`
    return `${first}${more}: ${reasons}`
  })
  return [
    ...(all.length > podsCheckedMax
      ? [`new PodSecurity enforce level only checked against the first ${podsCheckedMax} of ${all.length} existing pods`]
      : []),
    ...(lines.length > 0
      ? [`existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level ${quoted(enforce)}`]
      : []),
    ...lines.sort(),
  ]
}

/** The pod, or the template of what makes pods. */
function podOf(object: KubeObject): PodParts | undefined {
  const { kind, metadata } = object
  const { spec, template } = object as { spec?: unknown; template?: PodTemplateSpec }
  if (kind === 'Pod') return spec ? { metadata, spec: spec as PodSpec } : undefined
  const made =
    kind === 'CronJob'
      ? (spec as { jobTemplate?: { spec?: { template?: PodTemplateSpec } } } | undefined)?.jobTemplate?.spec?.template
      : ((spec as { template?: PodTemplateSpec } | undefined)?.template ?? template)
  return made?.spec ? { metadata: made.metadata, spec: made.spec } : undefined
}

/** Whether an update changes what the standards look at: of a pod that is there, only images, seccomp annotations and new containers can. */
function isSignificant(next: Pod, old: Pod): boolean {
  const annotation = (pod: Pod, key: string) => pod.metadata.annotations?.[key]
  const differs = (key: string) => annotation(next, key) !== annotation(old, key)
  const changes = (container: Container, before: Container | undefined) =>
    !before || container.image !== before.image || differs(`container.seccomp.security.alpha.kubernetes.io/${container.name}`)
  if (differs('seccomp.security.alpha.kubernetes.io/pod')) return true
  for (const field of ['containers', 'initContainers'] as const) {
    const [now, then] = [next.spec?.[field] ?? [], old.spec?.[field] ?? []]
    if (now.length !== then.length || now.some((container, i) => changes(container, then[i]))) return true
  }
  const before = new Map((old.spec?.ephemeralContainers ?? []).map((container) => [container.name, container as Container]))
  return (next.spec?.ephemeralContainers ?? []).some((container) => changes(container as Container, before.get(container.name)))
}
