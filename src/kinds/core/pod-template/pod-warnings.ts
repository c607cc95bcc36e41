/**
 * Advice about pods and the templates of pods: what is accepted and still not meant, or will not work any more. In upstream's words
 * and order (pkg/api/pod/warnings.go). Every pod that is written passes here and almost none has anything to be said of: what is
 * told is pushed to one list, and paths are made only for what is told.
 */
import { isQuantity, quantityMilli } from '../../../machinery/quantity.ts'
import { workedOut } from '../../../machinery/shared-value.ts'
import { dns1123Label } from '../../../machinery/names.ts'
import type {
  Affinity,
  AppArmorProfile,
  Container,
  ContainerPort,
  EnvVar,
  PersistentVolumeClaimSpec,
  PodSpec,
  PodTemplateSpec,
  Volume,
} from '../../generated/types/core-v1.ts'
import type { ObjectMeta } from '../../generated/types/meta-v1.ts'
import { addressWarnings } from '../../addresses.ts'
import {
  appArmorKeyPrefix as appArmorContainer,
  appArmorProfileOf,
  seccompContainerKeyPrefix as seccompContainer,
  seccompPodKey as seccompPod,
} from './profile-annotations.ts'
import { volumePathWarnings } from './volume-path-warnings.ts'
import { namedKeyWarning, nodeLabelWarning, nodeTermWarnings } from '../../node-label-warnings.ts'

type Annotations = Readonly<Record<string, string>>
const none: Annotations = {}

/** Of a pod: its paths start at `spec`. */
export function podWarnings(spec: PodSpec, { annotations = none }: ObjectMeta): readonly string[] {
  const speaksOfSpec = hasSecurityAnnotation(annotations) || deprecatedAnnotationNames.some((name) => Object.hasOwn(annotations, name))
  if (speaksOfSpec) return specWarnings(spec, annotations, '')
  return workedOut(spec, specWarnings, () => specWarnings(spec, none, ''))
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
  const out: string[] = []
  placementWarnings(spec, at, out)
  annotationWarnings(annotations, prefix, out)
  spec.volumes?.forEach((volume, i) => volumeWarnings(volume, () => `${at}.volumes[${i}]`, out))
  spec.volumes?.forEach((volume) => volumePathWarnings(volume, out))
  duplicates(spec.hostAliases, (alias) => alias.ip, `${at}.hostAliases`, 'ip', out)
  duplicates(spec.imagePullSecrets, (secret) => secret.name ?? '', `${at}.imagePullSecrets`, 'name', out)
  spec.imagePullSecrets?.forEach(({ name }, i) => {
    if (!name) out.push(`${at}.imagePullSecrets[${i}].name: invalid empty name ""`)
  })
  byteWarnings(spec.overhead, () => `${at}.overhead`, out)
  securityAnnotationWarnings(spec, annotations, prefix, out)
  forEachContainer(spec, (container, list, i) => containerWarnings(container, () => `${at}.${list}[${i}]`, out))
  portWarnings(spec, at, out)
  portNameWarnings(spec, at, out)
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0)
    out.push(`${at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1`)
  if (spec.affinity) affinityWarnings(spec.affinity, at, out)
  spec.dnsConfig?.nameservers?.forEach((address, i) => out.push(...addressWarnings(`${at}.dnsConfig.nameservers[${i}]`, address)))
  spec.hostAliases?.forEach(({ ip }, i) => out.push(...addressWarnings(`${at}.hostAliases[${i}].ip`, ip)))
  return out
}

function placementWarnings({ nodeSelector, affinity, topologySpreadConstraints }: PodSpec, at: string, out: string[]): void {
  for (const key in nodeSelector) {
    const message = nodeLabelWarning(key)
    if (message !== undefined) out.push(`${at}.nodeSelector[${key}]: ${message}`)
  }
  const node = affinity?.nodeAffinity
  const path = `${at}.affinity.nodeAffinity`
  node?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms?.forEach((term, i) =>
    out.push(...nodeTermWarnings(term, `${path}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[${i}]`)),
  )
  node?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ preference }, i) =>
    out.push(
      ...nodeTermWarnings(preference, `${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}].preference`, { checksValues: true }),
    ),
  )
  topologySpreadConstraints?.forEach(({ topologyKey, labelSelector }, i) => {
    out.push(...namedKeyWarning(`${at}.topologySpreadConstraints[${i}].topologyKey`, topologyKey))
    if (!labelSelector) out.push(`${at}.topologySpreadConstraints[${i}].labelSelector: ${nullSelector}`)
  })
}

const nullSelector = 'a null labelSelector results in matching no pod'

const deprecatedAnnotations: Readonly<Record<string, string>> = {
  'scheduler.alpha.kubernetes.io/critical-pod': 'non-functional in v1.16+; use the "priorityClassName" field instead',
  'security.alpha.kubernetes.io/sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
  'security.alpha.kubernetes.io/unsafe-sysctls': 'non-functional in v1.11+; use the "sysctls" field instead',
}

const deprecatedAnnotationNames = Object.keys(deprecatedAnnotations)

function annotationWarnings(annotations: Annotations, prefix: string, out: string[]): void {
  for (const key of deprecatedAnnotationNames)
    if (Object.hasOwn(annotations, key)) out.push(`${prefix}metadata.annotations[${key}]: ${deprecatedAnnotations[key]}`)
}

/** Annotations that have become fields, where the field is not there. */
function securityAnnotationWarnings(spec: PodSpec, annotations: Annotations, prefix: string, out: string[]): void {
  if (!hasSecurityAnnotation(annotations)) return
  const warn = (key: string, message: string) => {
    if (Object.hasOwn(annotations, key)) out.push(`${prefix}metadata.annotations[${key}]: ${message}`)
  }
  const noSeccomp = 'non-functional in v1.27+; use the "seccompProfile" field instead'
  const podSecurity = spec.securityContext
  if (!podSecurity?.seccompProfile) warn(seccompPod, noSeccomp)
  forEachContainer(spec, ({ name, securityContext }) => {
    if (!securityContext?.seccompProfile) warn(seccompContainer + name, noSeccomp)
    // Of a pod it is told where the field is made of the annotation.
    if (
      prefix !== '' &&
      !securityContext?.appArmorProfile &&
      !isPodProfile(annotations[appArmorContainer + name], podSecurity?.appArmorProfile)
    )
      warn(appArmorContainer + name, 'deprecated since v1.30; use the "appArmorProfile" field instead')
  })
}

function isPodProfile(text: string | undefined, profile: AppArmorProfile | undefined): boolean {
  const said = text === undefined ? undefined : appArmorProfileOf(text)
  return said !== undefined && said.type === profile?.type && said.localhostProfile === profile.localhostProfile
}

function hasSecurityAnnotation(annotations: Annotations): boolean {
  for (const key in annotations)
    if (key === seccompPod || key.startsWith(seccompContainer) || key.startsWith(appArmorContainer)) return true
  return false
}

/** Volumes whose plugins are gone or going. */
const deprecatedVolumes: Readonly<Partial<Record<keyof Volume, string>>> = {
  photonPersistentDisk: 'deprecated in v1.11, non-functional in v1.16+',
  gitRepo: 'deprecated in v1.11, and disabled by default in v1.33+',
  scaleIO: 'deprecated in v1.16, non-functional in v1.22+',
  flocker: 'deprecated in v1.22, non-functional in v1.25+',
  storageos: 'deprecated in v1.22, non-functional in v1.25+',
  quobyte: 'deprecated in v1.22, non-functional in v1.25+',
  glusterfs: 'deprecated in v1.25, non-functional in v1.26+',
  cephfs: 'deprecated in v1.28, non-functional in v1.31+',
  rbd: 'deprecated in v1.28, non-functional in v1.31+',
}

function volumeWarnings(volume: Volume, path: () => string, out: string[]): void {
  for (const source in volume) {
    const message = Object.hasOwn(deprecatedVolumes, source) ? deprecatedVolumes[source as keyof Volume] : undefined
    if (message !== undefined) out.push(`${path()}.${source === 'storageos' ? 'storageOS' : source}: ${message}`)
  }
  const claim = volume.ephemeral?.volumeClaimTemplate?.spec
  if (claim) out.push(...claimWarnings(claim, `${path()}.ephemeral.volumeClaimTemplate.spec`))
}

/** A claim for parts of a byte. */
export function claimWarnings({ resources }: PersistentVolumeClaimSpec, path: string): string[] {
  const out: string[] = []
  for (const list of ['requests', 'limits'] as const)
    fractionWarning(resources?.[list]?.['storage'], () => `${path}.resources.${list}[storage]`, out)
  return out
}

const byteResources = ['memory', 'ephemeral-storage'] as const

function byteWarnings(list: Readonly<Record<string, string | number>> | undefined, path: () => string, out: string[]): void {
  if (list) for (const name of byteResources) fractionWarning(list[name], () => `${path()}[${name}]`, out)
}

function fractionWarning(quantity: string | number | undefined, path: () => string, out: string[]): void {
  if (quantity === undefined || !isQuantity(quantity) || quantityMilli(quantity) % 1000 === 0) return
  out.push(`${path()}: fractional byte value ${JSON.stringify(String(quantity))} is invalid, must be an integer`)
}

function duplicates<T>(items: readonly T[] | undefined, keyOf: (item: T) => string, path: string, field: string, out: string[]): void {
  if (!items || items.length < 2) return
  const seen = new Set<string>()
  items.forEach((item, i) => {
    const key = keyOf(item)
    if (seen.has(key)) out.push(`${path}[${i}].${field}: duplicate ${field} ${JSON.stringify(key)}`)
    seen.add(key)
  })
}

const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const

function forEachContainer(spec: PodSpec, visit: (container: Container, list: string, i: number) => void): void {
  for (const list of containerLists) {
    const containers: readonly Container[] | undefined = spec[list]
    if (containers) for (let i = 0; i < containers.length; i++) visit(containers[i]!, list, i)
  }
}

function containerWarnings({ resources, env }: Container, path: () => string, out: string[]): void {
  for (const name of byteResources)
    for (const list of ['limits', 'requests'] as const)
      fractionWarning(resources?.[list]?.[name], () => `${path()}.resources.${list}[${name}]`, out)
  environmentWarnings(env, path, out)
}

/** A variable that is set again is fine only where its new value is made of the old one. */
function environmentWarnings(variables: readonly EnvVar[] | undefined, path: () => string, out: string[]): void {
  if (!variables || variables.length < 2) return
  const seen = new Set<string>()
  variables.forEach(({ name, value = '', valueFrom }, i) => {
    if (!seen.has(name)) {
      seen.add(name)
      return
    }
    const reference = `$(${name})`
    if (!valueFrom && value !== reference && value.includes(reference)) return
    out.push(`${path()}.env[${i}]: hides previous definition of ${JSON.stringify(name)}, which may be dropped when using apply`)
  })
}

/** A name means one port: the first that has it. */
function portNameWarnings(spec: PodSpec, at: string, out: string[]): void {
  const known = new Map<string, () => string>()
  forEachContainer(spec, ({ ports }, list, container) =>
    ports?.forEach(({ name }, i) => {
      if (!name) return
      const path = () => `${at}.${list}[${container}].ports[${i}]`
      const first = known.get(name)
      if (!first) known.set(name, path)
      else
        out.push(
          `${path()}: duplicate port name ${JSON.stringify(name)} with ${first()}, services and probes that select ports by name will use ${first()}`,
        )
    }),
  )
}

type PlacedPort = { readonly port: ContainerPort; readonly path: () => string }

/** Ports of all containers together: they share one address. */
function portWarnings(spec: PodSpec, at: string, out: string[]): void {
  const known = new Map<string, PlacedPort[]>()
  forEachContainer(spec, ({ ports }, list, container) =>
    ports?.forEach((port, i) => {
      const path = () => `${at}.${list}[${container}].ports[${i}]`
      if (port.hostIP && !port.hostPort) out.push(`${path()}: hostIP set without hostPort: ${describePort(port)}`)
      const key = `${port.containerPort}/${port.protocol}`
      const others = known.get(key)
      if (!others) {
        known.set(key, [{ port, path }])
        return
      }
      for (const other of others) {
        const what = conflictOf(port, other.port)
        if (what) out.push(`${path()}: ${what} port definition with ${other.path()}`)
      }
      others.push({ port, path })
    }),
  )
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

function affinityWarnings(affinity: Affinity, at: string, out: string[]): void {
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const path = `${at}.affinity.${kind}`
    affinity[kind]?.requiredDuringSchedulingIgnoredDuringExecution?.forEach((term, i) => {
      if (!term.labelSelector) out.push(`${path}.requiredDuringSchedulingIgnoredDuringExecution[${i}].labelSelector: ${nullSelector}`)
    })
    affinity[kind]?.preferredDuringSchedulingIgnoredDuringExecution?.forEach(({ podAffinityTerm }, i) => {
      if (podAffinityTerm?.labelSelector) return
      out.push(`${path}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm.labelSelector: ${nullSelector}`)
    })
  }
}
