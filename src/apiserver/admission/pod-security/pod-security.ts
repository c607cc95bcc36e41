import { namespaces } from '../../../kinds/core/namespace.ts'
import { pods } from '../../../kinds/core/pod.ts'
import type { Container, Pod, PodSpec, PodTemplateSpec } from '../../../kinds/generated/types/core-v1.ts'
import type { KindDefinition } from '../../../kinds/kind.ts'
import { describeFieldErrors } from '../../../machinery/field-error.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import { statusErrors } from '../../../machinery/status-error.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../../contract.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import { refusal } from '../refusal.ts'
import { violationsOf } from './checks.ts'
import { defaultPodSecurity, type PodSecurityConfiguration } from './configuration.ts'
import type { PodParts, Violation } from './pod-parts.ts'
import type { PodSecurityMetrics } from './pod-security-metrics.ts'
import { isOpen, isSame, isStricter, type LevelVersion, type Policy, policyOf, textOf } from './policy.ts'

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

type Parts = {
  readonly reader: ObjectReader
  /** Default: nothing where no label says so, and nobody is exempt. */
  readonly configuration?: PodSecurityConfiguration | undefined
  readonly metrics?: PodSecurityMetrics | undefined
}

/**
 * Holds pods to the Pod Security Standard that their namespace's labels name: `enforce` refuses, `warn` warns, `audit` notes.
 * What makes pods is only warned about, and a stricter label tells which pods that are there would be refused
 * (https://kubernetes.io/docs/concepts/security/pod-security-admission/).
 */
export function podSecurity({ reader, configuration = defaultPodSecurity, metrics }: Parts): AdmissionPlugin {
  const { defaults, exemptions } = configuration
  return {
    name: 'PodSecurity',
    treatsAlike: () => true,
    handles: (operation, kind, subresource) => {
      if (operation !== 'CREATE' && operation !== 'UPDATE') return false
      if (isPod(kind)) return !ignoredSubresources.has(subresource)
      return subresource === '' && (isNamespace(kind) || controllers.has(`${kind.group}/${kind.plural}`))
    },
    validate: (request) => {
      if (isNamespace(request.kind)) return judgeNamespace(reader, configuration, request)
      const exempted = exemptions.namespaces.has(request.namespace ?? '')
        ? 'namespace'
        : exemptions.usernames.has(request.user.name)
          ? 'user'
          : undefined
      if (exempted) return exempt(request, exempted, metrics)
      const given = policyOf(reader.get(namespaces, '', request.namespace ?? '')?.metadata.labels, defaults)
      const { enforce, audit, warn } = given.policy
      const isEnforced = isPod(request.kind)
      if (given.errors.length === 0 && (isEnforced ? isOpen(given.policy) : audit.level === 'privileged' && warn.level === 'privileged')) {
        if (!isEnforced) return
        request.annotate(`${prefix}enforce-policy`, 'privileged:latest')
        return metrics?.evaluated(request, 'enforce', { isAllowed: true, by: enforce })
      }
      if (isEnforced && request.old && !isSignificant(request.object as Pod, request.old as Pod)) return
      const pod = podOf(request.object!)
      if (!pod) return
      if (exemptions.runtimeClasses.has(pod.spec.runtimeClassName ?? '')) return exempt(request, 'runtimeClass', metrics)
      judge(request, pod, { ...given, isEnforced, metrics })
    },
  }
}

function exempt(request: AdmissionRequest, reason: string, metrics: PodSecurityMetrics | undefined): void {
  request.annotate(`${prefix}exempt`, reason)
  metrics?.exempted(request)
}

type Judging = ReturnType<typeof policyOf> & { readonly isEnforced: boolean; readonly metrics: PodSecurityMetrics | undefined }

function judge(request: AdmissionRequest, pod: PodParts, { policy, errors, isEnforced, metrics }: Judging): void {
  const { enforce, audit, warn } = policy
  const found = (mode: keyof Policy): string => {
    const text = detailOf(violationsOf(policy[mode], pod))
    if (mode === 'enforce' || text !== '') metrics?.evaluated(request, mode, { isAllowed: text === '', by: policy[mode] })
    return text
  }
  if (errors.length > 0) {
    request.annotate(`${prefix}error`, `Failed to parse policy: ${describeFieldErrors(errors)}`)
    metrics?.failed(request)
  }
  const violated = isEnforced ? found('enforce') : ''
  if (isEnforced) request.annotate(`${prefix}enforce-policy`, textOf(enforce))
  const noted = found('audit')
  if (noted !== '') request.annotate(`${prefix}audit-violations`, `would violate PodSecurity ${quoted(audit)}: ${noted}`)
  if (violated !== '') throw refusal(request, `violates PodSecurity ${quoted(enforce)}: ${violated}`)
  const warning = found('warn')
  if (warning !== '') request.warn(`would violate PodSecurity ${quoted(warn)}: ${warning}`)
}

const quoted = (level: LevelVersion) => JSON.stringify(textOf(level))
const detailOf = (violations: readonly Violation[]) =>
  violations.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ')

function judgeNamespace(reader: ObjectReader, { defaults, exemptions }: PodSecurityConfiguration, request: AdmissionRequest): void {
  const { object, old, kind, name } = request
  const { labels } = object?.metadata ?? {}
  const own = name || (object?.metadata.name ?? '')
  const next = policyOf(labels, defaults)
  const before = old ? policyOf(old.metadata.labels, defaults) : undefined
  const isNews = !before || JSON.stringify(before.errors) !== JSON.stringify(next.errors)
  if (next.errors.length > 0 && isNews) throw statusErrors.invalid(kind, own, next.errors)
  if (before) {
    const [now, was] = [next.policy.enforce, before.policy.enforce]
    if (isSame(now, was) || now.level === 'privileged') return
    if (now.version === was.version && !isStricter(now.level, was.level)) return
  }
  if (exemptions.namespaces.has(own)) {
    const warning = exemptNamespaceWarning(own, next.policy, { labels, defaults })
    if (warning !== undefined) request.warn(warning)
    return
  }
  if (!before) return
  const checked = reader.list(pods, own).filter(({ spec }) => !exemptions.runtimeClasses.has(spec?.runtimeClassName ?? ''))
  for (const warning of warningsAbout(foremost(checked), { namespace: own, enforce: next.policy.enforce })) request.warn(warning)
}

/** Of labels that say something and hold for nobody. */
function exemptNamespaceWarning(
  namespace: string,
  policy: Policy,
  { labels = {}, defaults }: { readonly labels: Readonly<Record<string, string>> | undefined; readonly defaults: Policy },
): string | undefined {
  const modes = ['enforce', 'audit', 'warn'] as const
  const isLike = (a: LevelVersion, b: LevelVersion) => isSame(a, b) || (a.level === 'privileged' && b.level === 'privileged')
  if (isOpen(policy) || modes.every((mode) => isLike(policy[mode], defaults[mode]))) return undefined
  const isSaid = (mode: string) => labels[`${prefix}${mode}`] !== undefined || labels[`${prefix}${mode}-version`] !== undefined
  const told = modes.filter((mode) => policy[mode].level !== 'privileged' && isSaid(mode)).map((mode) => `${mode}=${textOf(policy[mode])}`)
  return `namespace ${JSON.stringify(namespace)} is exempt from Pod Security, and the policy (${told.join(', ')}) will be ignored`
}

/** One pod of each controller before all others of it. */
function foremost<T extends KubeObject>(all: readonly T[]): readonly T[] {
  const seen = new Set<string>()
  const later: T[] = []
  const first = all.filter((pod) => {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller)?.uid
    if (owner === undefined || !seen.has(owner)) {
      if (owner !== undefined) seen.add(owner)
      return true
    }
    later.push(pod)
    return false
  })
  return [...first, ...later]
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

/** Whether an update changes what the standards look at: of a pod that is there, only images and new containers can. */
function isSignificant(next: Pod, old: Pod): boolean {
  const changes = (container: Container, before: Container | undefined) => !before || container.image !== before.image
  for (const field of ['containers', 'initContainers'] as const) {
    const [now, then] = [next.spec?.[field] ?? [], old.spec?.[field] ?? []]
    if (now.length !== then.length || now.some((container, i) => changes(container, then[i]))) return true
  }
  const before = new Map((old.spec?.ephemeralContainers ?? []).map((container) => [container.name, container as Container]))
  return (next.spec?.ephemeralContainers ?? []).some((container) => changes(container as Container, before.get(container.name)))
}
