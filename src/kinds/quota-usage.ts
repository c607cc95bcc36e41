/**
 * What an object takes of its namespace's quotas, and which quotas it concerns
 * (https://kubernetes.io/docs/concepts/policy/resource-quotas/). Used where requests are refused and where usage is told.
 */
import { addQuantity, compareQuantity, formatQuantity, quantityOfMilli, quantityOfUnits } from '../machinery/quantity.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { Container, PersistentVolumeClaim, Pod, ResourceQuota, Service } from './generated/types/core-v1.ts'
import type { ResourceClaim } from './generated/types/resource-v1.ts'
import { podLimits, podRequests } from './pod-requests.ts'
import { isPodTerminal } from './pod-status.ts'
import { qosClass } from './qos.ts'

/** Amounts by the names that quotas use: `pods`, `requests.cpu`, `count/deployments.apps`, … */
export type Usage = Readonly<Record<string, string>>

type Kind = { readonly group: string; readonly kind: string; readonly plural: string }

/** Kinds that quotas also count by their bare name. */
export const countedByName: ReadonlySet<string> = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
])
const computeResources = new Set(['cpu', 'memory', 'ephemeral-storage'])

/** The name by which a quota limits how many objects of a kind there are. */
export const countName = ({ group, plural }: Omit<Kind, 'kind'>): string => `count/${group === '' ? plural : `${plural}.${group}`}`

/** Pods that have ended take nothing but their place in `count/pods`. Throws QuantityError for an amount that is none. */
export function quotaUsage({ group, plural }: Kind, object: KubeObject): Usage {
  // Upstream counts no events, for nobody ever did.
  if (plural === 'events' && (group === '' || group === 'events.k8s.io')) return {}
  const usage: Record<string, string> = { [countName({ group, plural })]: '1' }
  if (group === 'resource.k8s.io' && plural === 'resourceclaims') addDevices(usage, object as ResourceClaim)
  if (group !== '') return usage
  if (countedByName.has(plural)) usage[plural] = '1'
  if (plural === 'pods') addPod(usage, object as Pod)
  if (plural === 'services') addService(usage, object as Service)
  if (plural === 'persistentvolumeclaims') addClaim(usage, object as PersistentVolumeClaim)
  return usage
}

function addPod(usage: Record<string, string>, pod: Pod): void {
  if (isPodTerminal(pod)) return
  usage.pods = '1'
  const requests = podRequests(pod)
  for (const name in requests) {
    const text = amountText(name, requests[name]!)
    const isHuge = name.startsWith('hugepages-')
    if (computeResources.has(name) || isHuge) usage[name] = text
    if (computeResources.has(name) || isHuge || name.includes('/')) usage[`requests.${name}`] = text
  }
  const limits = podLimits(pod)
  for (const name in limits) if (computeResources.has(name)) usage[`limits.${name}`] = amountText(name, limits[name]!)
}

function amountText(name: string, amount: number): string {
  if (name === 'cpu') return formatQuantity(quantityOfMilli(amount))
  return formatQuantity(quantityOfUnits(amount, name.includes('/') ? 'DecimalSI' : 'BinarySI'))
}

function addService(usage: Record<string, string>, { spec }: Service): void {
  const ports = spec?.ports ?? []
  const isBalanced = spec?.type === 'LoadBalancer'
  const hasNodePorts = spec?.type === 'NodePort' || (isBalanced && spec.allocateLoadBalancerNodePorts !== false)
  const nodePorts = hasNodePorts ? ports.length : isBalanced ? ports.filter(({ nodePort = 0 }) => nodePort !== 0).length : 0
  if (isBalanced) usage['services.loadbalancers'] = '1'
  if (nodePorts > 0) usage['services.nodeports'] = String(nodePorts)
}

function addClaim(usage: Record<string, string>, { spec }: PersistentVolumeClaim): void {
  const storage = spec?.resources?.requests?.storage
  if (storage !== undefined) usage['requests.storage'] = String(storage)
  if (!spec?.storageClassName) return
  const prefix = `${spec.storageClassName}.storageclass.storage.k8s.io`
  usage[`${prefix}/persistentvolumeclaims`] = '1'
  if (storage !== undefined) usage[`${prefix}/requests.storage`] = String(storage)
}

/** A claim that takes all devices of a class counts as many as a claim can be given. */
const devicesPerClaimMax = 32

/** The devices that a claim may get of each class; of alternatives, the most that one of them may. */
function addDevices(usage: Record<string, string>, { spec }: ResourceClaim): void {
  const totals = new Map<string, number>()
  for (const { exactly, firstAvailable = [] } of spec.devices?.requests ?? []) {
    const ofRequest = new Map<string, number>()
    for (const { deviceClassName, allocationMode, count = 1 } of exactly ? [exactly] : firstAvailable) {
      const devices = allocationMode === 'All' ? devicesPerClaimMax : count
      ofRequest.set(deviceClassName, Math.max(devices, ofRequest.get(deviceClassName) ?? 0))
    }
    for (const [name, devices] of ofRequest) totals.set(name, (totals.get(name) ?? 0) + devices)
  }
  for (const [name, devices] of totals) usage[`${name}.deviceclass.resource.k8s.io/devices`] = String(devices)
}

/** The sum of both, name by name. */
export function addUsage(a: Usage, b: Usage): Usage {
  const sum: Record<string, string> = { ...a }
  for (const name in b) sum[name] = addQuantity(sum[name] ?? '0', b[name]!)
  return sum
}

/** Names of which `usage` is more than `hard` allows. */
export function exceeded(usage: Usage, hard: Usage): readonly string[] {
  return Object.keys(hard).filter((name) => usage[name] !== undefined && compareQuantity(usage[name], hard[name]!) > 0)
}

type Requirement = { readonly scopeName: string; readonly operator: string; readonly values?: readonly string[] }

/** Whether a quota's scopes take the object in; only pods and claims for volumes have scopes, and a quota without any concerns everything. */
export function isInScope({ spec }: ResourceQuota, { group, plural }: Kind, object: KubeObject): boolean {
  if (!spec?.scopes?.length && !spec?.scopeSelector) return true
  const requirements: Requirement[] = [
    ...(spec.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...(spec.scopeSelector?.matchExpressions ?? []),
  ]
  if (group !== '') return false
  if (plural === 'persistentvolumeclaims')
    return requirements.every((requirement) => matchesClaim(requirement, object as PersistentVolumeClaim))
  return plural === 'pods' && requirements.every((requirement) => matchesScope(requirement, object as Pod))
}

/** A claim that is being modified is of the class that it had, has and shall have. */
function matchesClaim({ scopeName, operator, values = [] }: Requirement, { spec, status }: PersistentVolumeClaim): boolean {
  if (scopeName !== 'VolumeAttributesClass') return false
  const { currentVolumeAttributesClassName: current, modifyVolumeStatus: modify } = status ?? {}
  const names = [spec?.volumeAttributesClassName, current, modify?.targetVolumeAttributesClassName].filter((name) => Boolean(name))
  if (operator === 'DoesNotExist') return names.length === 0
  if (operator === 'Exists') return names.length > 0
  return names.some((name) => values.includes(name!)) === (operator === 'In')
}

function matchesScope({ scopeName, operator, values = [] }: Requirement, { spec }: Pod): boolean {
  switch (scopeName) {
    case 'Terminating':
      return spec?.activeDeadlineSeconds !== undefined
    case 'NotTerminating':
      return spec?.activeDeadlineSeconds === undefined
    case 'BestEffort':
      return spec !== undefined && qosClass(spec) === 'BestEffort'
    case 'NotBestEffort':
      return spec !== undefined && qosClass(spec) !== 'BestEffort'
    case 'CrossNamespacePodAffinity':
      return hasForeignAffinity(spec)
    case 'PriorityClass':
      return matchesPriority(spec?.priorityClassName ?? '', operator, values)
    default:
      return false
  }
}

function matchesPriority(name: string, operator: string, values: readonly string[]): boolean {
  switch (operator) {
    case 'In':
      return values.includes(name)
    case 'NotIn':
      return !values.includes(name)
    case 'DoesNotExist':
      return name === ''
    default:
      return name !== ''
  }
}

function hasForeignAffinity(spec: Pod['spec']): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {}
  const terms = [podAffinity, podAntiAffinity].flatMap((affinity) => [
    ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ])
  return terms.some(({ namespaces, namespaceSelector }) => (namespaces?.length ?? 0) > 0 || namespaceSelector !== undefined)
}

/** What a pod's containers must state because a quota limits it; upstream's words, undefined: nothing is missing. */
export function unstatedResources({ spec }: Pod, hard: Usage): string | undefined {
  const missing = new Map<string, string[]>()
  for (const container of [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])])
    for (const name of Object.keys(hard)) if (mustState(name) && !states(container, name)) push(missing, name, container.name)
  if (missing.size === 0 || spec?.resources !== undefined) return undefined
  const parts = [...missing].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, containers]) => `${name} for: ${containers.sort().join(',')}`)
  return `must specify ${parts.join('; ')}`
}

const mustState = (name: string) => /^((requests|limits)\.)?(cpu|memory)$/.test(name)

function states({ resources }: Container, name: string): boolean {
  const [, field = 'requests', resource = ''] = /^(?:(requests|limits)\.)?(.+)$/.exec(name) ?? []
  return (field === 'limits' ? resources?.limits : resources?.requests)?.[resource] !== undefined
}

function push(map: Map<string, string[]>, key: string, value: string): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}
