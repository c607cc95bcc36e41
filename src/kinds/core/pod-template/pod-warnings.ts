/**
 * Advice about pods and the templates of pods: what is accepted and still not meant, or will not work any more. In upstream's words
 * and order (pkg/api/pod/warnings.go).
 */
import { isQuantity, quantityMilli } from '../../../machinery/quantity.ts'
import { dns1123Label } from '../../../machinery/names.ts'
import type {
  Container,
  ContainerPort,
  EnvVar,
  PersistentVolumeClaimSpec,
  PodAffinityTerm,
  PodSpec,
  PodTemplateSpec,
  Volume,
  WeightedPodAffinityTerm,
} from '../../generated/types/core-v1.ts'
import type { ObjectMeta } from '../../generated/types/meta-v1.ts'
import { namedKeyWarning, nodeLabelWarning, nodeTermWarnings } from '../../node-label-warnings.ts'

type Annotations = Readonly<Record<string, string>>

/** Of a pod: its paths start at `spec`. */
export function podWarnings(spec: PodSpec, metadata: ObjectMeta): string[] {
  return specWarnings(spec, metadata.annotations ?? {}, '')
}

/** Of a template inside a workload. `path` leads to it: `spec.template`. */
export function templateWarnings(template: PodTemplateSpec | undefined, path: string): string[] {
  return template?.spec ? specWarnings(template.spec, template.metadata?.annotations ?? {}, `${path}.`) : []
}

/** Of a workload whose pods have its name in theirs. */
export function workloadNameWarnings({ name }: { readonly name?: string }): string[] {
  return nameWarnings(name, 'this is used in Pod names and hostnames')
}

export function podNameWarnings({ name }: { readonly name?: string }): string[] {
  return nameWarnings(name, "this is used in the Pod's hostname")
}

function nameWarnings(name: string | undefined, use: string): string[] {
  const messages = name ? dns1123Label(name) : []
  const why = `${use}, which can result in surprising behavior; a DNS label is recommended`
  return messages.length === 0 ? [] : [`metadata.name: ${why}: [${messages.join(' ')}]`]
}

function specWarnings(spec: PodSpec, annotations: Annotations, prefix: string): string[] {
  const at = `${prefix}spec`
  return [
    ...placementWarnings(spec, at),
    ...annotationWarnings(annotations, prefix),
    ...(spec.volumes ?? []).flatMap((volume, i) => volumeWarnings(volume, `${at}.volumes[${i}]`)),
    ...duplicates(spec.hostAliases, (alias) => alias.ip, `${at}.hostAliases`, 'ip'),
    ...duplicates(spec.imagePullSecrets, (secret) => secret.name ?? '', `${at}.imagePullSecrets`, 'name'),
    ...(spec.imagePullSecrets ?? []).flatMap(({ name }, i) => (name ? [] : [`${at}.imagePullSecrets[${i}].name: invalid empty name ""`])),
    ...byteWarnings(spec.overhead, `${at}.overhead`),
    ...securityAnnotationWarnings(spec, annotations, prefix),
    ...containersOf(spec, at).flatMap(({ container, path }) => containerWarnings(container, path)),
    ...portWarnings(spec, at),
    ...((spec.terminationGracePeriodSeconds ?? 0) < 0
      ? [`${at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`]
      : []),
    ...affinityWarnings(spec, at),
  ]
}

function placementWarnings({ nodeSelector, affinity, topologySpreadConstraints }: PodSpec, at: string): string[] {
  const node = affinity?.nodeAffinity
  const required = node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? []
  const preferred = node?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  const path = `${at}.affinity.nodeAffinity`
  return [
    ...Object.keys(nodeSelector ?? {}).flatMap((key) => {
      const message = nodeLabelWarning(key)
      return message === undefined ? [] : [`${at}.nodeSelector[${key}]: ${message}`]
    }),
    ...required.flatMap((term, i) =>
      nodeTermWarnings(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`),
    ),
    ...preferred.flatMap(({ preference }, i) =>
      nodeTermWarnings(preference, `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`),
    ),
    ...(topologySpreadConstraints ?? []).flatMap(({ topologyKey, labelSelector }, i) => [
      ...namedKeyWarning(`${at}.topologySpreadConstraints[${i}].topologyKey`, topologyKey),
      ...(labelSelector ? [] : [`${at}.topologySpreadConstraints[${i}].labelSelector: ${nullSelector}`]),
    ]),
  ]
}

const nullSelector = 'a null labelSelector results in matching no pod'

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
}

function annotationWarnings(annotations: Annotations, prefix: string): string[] {
  return Object.entries(deprecatedAnnotations).flatMap(([key, message]) =>
    Object.hasOwn(annotations, key) ? [`${prefix}metadata.annotations[${key}]: ${message}`] : [],
  )
}

const seccompPod = 'seccomp.security.alpha.kubernetes.io/pod'
const seccompContainer = 'container.seccomp.security.alpha.kubernetes.io/'
const appArmorContainer = 'container.apparmor.security.beta.kubernetes.io/'

/** Annotations that have become fields, where the field is not there. */
function securityAnnotationWarnings(spec: PodSpec, annotations: Annotations, prefix: string): string[] {
  const warn = (key: string, message: string) =>
    Object.hasOwn(annotations, key) ? [`${prefix}metadata.annotations[${key}]: ${message}`] : []
  const noSeccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead'
  const podSecurity = spec.securityContext
  return [
    ...(podSecurity?.seccompProfile ? [] : warn(seccompPod, noSeccomp)),
    ...containersOf(spec, '').flatMap(({ container: { name, securityContext } }) => [
      ...(securityContext?.seccompProfile ? [] : warn(seccompContainer + name, noSeccomp)),
      ...(podSecurity?.appArmorProfile || securityContext?.appArmorProfile
        ? []
        : warn(appArmorContainer + name, 'deprecated since v1.30; use the "appArmorProfile" field instead')),
    ]),
  ]
}

/** Volumes whose plugins are gone or going. */
const deprecatedVolumes: Readonly<Partial<Record<keyof Volume, string>>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}

function volumeWarnings(volume: Volume, path: string): string[] {
  const warnings: string[] = []
  for (const source in volume) {
    const message = Object.hasOwn(deprecatedVolumes, source) ? deprecatedVolumes[source as keyof Volume] : undefined
    if (message !== undefined) warnings.push(`${path}.${source === 'storageos' ? 'storageOS' : source}: ${message}`)
  }
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec
  return claim ? [...warnings, ...claimWarnings(claim, `${path}.ephemeral.volumeClaimTemplate.spec`)] : warnings
}

/** A claim for parts of a byte. */
export function claimWarnings({ resources }: PersistentVolumeClaimSpec, path: string): string[] {
  return (['requests', 'limits'] as const).flatMap((list) =>
    fractionWarning(resources?.[list]?.['storage'], `${path}.resources.${list}[storage]`),
  )
}

function byteWarnings(list: Readonly<Record<string, string | number>> | undefined, path: string): string[] {
  if (!list) return []
  return ['memory', 'ephemeral-storage'].flatMap((name) => fractionWarning(list[name], `${path}[${name}]`))
}

function fractionWarning(quantity: string | number | undefined, path: string): string[] {
  if (quantity === undefined || !isQuantity(quantity) || quantityMilli(quantity) % 1000 === 0) return []
  return [`${path}: fractional byte value ${JSON.stringify(String(quantity))} is invalid, must be an integer`]
}

function duplicates<T>(items: readonly T[] | undefined, keyOf: (item: T) => string, path: string, field: string): string[] {
  const seen = new Set<string>()
  return (items ?? []).flatMap((item, i) => {
    const key = keyOf(item)
    if (seen.has(key)) return [`${path}[${i}].${field}: duplicate ${field} ${JSON.stringify(key)}`]
    seen.add(key)
    return []
  })
}

type Placed = { readonly container: Container; readonly path: string }

function containersOf(spec: PodSpec, at: string): Placed[] {
  return (['initContainers', 'containers', 'ephemeralContainers'] as const).flatMap((list) =>
    (spec[list] ?? []).map((container, i) => ({ container, path: `${at}.${list}[${i}]` })),
  )
}

function containerWarnings({ resources, env }: Container, path: string): string[] {
  return [
    ...byteWarnings(resources?.limits, `${path}.resources.limits`),
    ...byteWarnings(resources?.requests, `${path}.resources.requests`),
    ...environmentWarnings(env, path),
  ]
}

/** A variable that is set again is fine only where its new value is made of the old one. */
function environmentWarnings(variables: readonly EnvVar[] | undefined, path: string): string[] {
  const seen = new Set<string>()
  return (variables ?? []).flatMap(({ name, value = '', valueFrom }, i) => {
    if (!seen.has(name)) {
      seen.add(name)
      return []
    }
    const reference = `$(${name})`
    if (!valueFrom && value !== reference && value.includes(reference)) return []
    return [`${path}.env[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`]
  })
}

/** Ports of all containers together: they share one address. */
function portWarnings(spec: PodSpec, at: string): string[] {
  const warnings: string[] = []
  const known = new Map<string, { readonly port: ContainerPort; readonly path: string }[]>()
  for (const { container, path } of containersOf(spec, at))
    container.ports?.forEach((port, i) => {
      const place = `${path}.ports[${i}]`
      if (port.hostIP && !port.hostPort) warnings.push(`${place}: hostIP set without hostPort: ${describePort(port)}`)
      const key = `${port.containerPort}/${port.protocol}`
      const others = known.get(key) ?? []
      known.set(key, others)
      for (const other of others) {
        const what = conflictOf(port, other.port)
        if (what) warnings.push(`${place}: ${what} port definition with ${other.path}`)
      }
      others.push({ port, path: place })
    })
  return warnings
}

function conflictOf(port: ContainerPort, other: ContainerPort): string | undefined {
  const [ip, otherIp] = [port.hostIP ?? '', other.hostIP ?? '']
  const [number, otherNumber] = [port.hostPort ?? 0, other.hostPort ?? 0]
  if (ip === otherIp && number === otherNumber) return 'duplicate'
  if (number === 0 || otherNumber === 0) return 'overlapping'
  return number === otherNumber && (ip === '') !== (otherIp === '') ? 'dangerously ambiguous' : undefined
}

const describePort = ({ name = '', hostPort = 0, containerPort, protocol = 'TCP', hostIP = '' }: ContainerPort) =>
  `{Name:${name} HostPort:${hostPort} ContainerPort:${containerPort} Protocol:${protocol} HostIP:${hostIP}}`

function affinityWarnings({ affinity }: PodSpec, at: string): string[] {
  return (['podAffinity', 'podAntiAffinity'] as const).flatMap((kind) => {
    const path = `${at}.affinity.${kind}`
    const {
      requiredDuringSchedulingIgnoredDuringExecution: required = [],
      preferredDuringSchedulingIgnoredDuringExecution: preferred = [],
    } = affinity?.[kind] ?? {}
    return [
      ...required.flatMap((term: PodAffinityTerm, i: number) =>
        term.labelSelector ? [] : [`${path}.requiredDuringSchedulingIgnoredDuringExecution[${i}].labelSelector: ${nullSelector}`],
      ),
      ...preferred.flatMap(({ podAffinityTerm }: WeightedPodAffinityTerm, i: number) =>
        podAffinityTerm?.labelSelector
          ? []
          : [`${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm.labelSelector: ${nullSelector}`],
      ),
    ]
  })
}
