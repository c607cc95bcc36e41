/**
 * The slices of a service: (service, its pods, its slices) → writes.
 *  1. A slice holds at most 100 endpoints, or as many as is set, all with the same ports and address type.
 *  2. An endpoint stays in the slice where it is; new ones fill the slices that are written anyway, then the fullest with room, then new ones.
 *  3. What is right already is not written. A service without endpoints keeps one empty slice, so that consumers know that it was seen.
 */
import type { Node, Pod, Service } from '../../kinds/generated/types/core-v1.ts'
import type { Endpoint, EndpointSlice } from '../../kinds/generated/types/discovery-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { type AddressType, type EndpointGroup, endpointGroups, portsKey } from './endpoints-of-pods.ts'
import { assignZones, wantsTopologyHints } from './topology-hints.ts'

export const serviceNameLabel = 'kubernetes.io/service-name'
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by'
export const manager = 'endpointslice-controller.k8s.io'
const headlessLabel = 'service.kubernetes.io/headless'
const defaultPerSliceMax = 100

export type Observed = {
  readonly service: Service
  /** The pods that the service selects. */
  readonly pods: readonly Pod[]
  readonly nodeOf: (name: string) => Node | undefined
  /** For services whose endpoints are shared out among the zones; see zoneShares. */
  readonly zoneShares: () => ReadonlyMap<string, number> | string
  /** The service's slices that this controller manages. */
  readonly slices: readonly EndpointSlice[]
  /** Endpoints in a slice; default 100. */
  readonly perSliceMax?: number | undefined
}

export type Action =
  | { readonly type: 'create'; readonly slice: EndpointSlice }
  | { readonly type: 'update'; readonly slice: EndpointSlice }
  | { readonly type: 'delete'; readonly slice: EndpointSlice }

export type SlicesPlan = {
  readonly actions: readonly Action[]
  /** What there is to tell of sharing endpoints out among the zones, where that begins, ends or cannot be done. */
  readonly events: readonly { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }[]
}

export function planSlices(observed: Observed): SlicesPlan {
  const { service, slices, perSliceMax = defaultPerSliceMax } = observed
  const actions: Action[] = []
  const events: SlicesPlan['events'][number][] = []
  const addressTypes = addressTypesOf(service)
  for (const slice of slices) if (!addressTypes.includes(slice.addressType as AddressType)) actions.push({ type: 'delete', slice })
  for (const addressType of addressTypes) {
    const own = slices.filter((slice) => slice.addressType === addressType && !slice.metadata.deletionTimestamp)
    const groups = endpointGroups(service, observed.pods, observed.nodeOf, addressType)
    const { wanted, refusal } = wantsTopologyHints(service)
      ? withZones(groups, observed.zoneShares())
      : { wanted: groups, refusal: undefined }
    const changes = planAddressType({ service, addressType, labels: labelsOf(service), perSliceMax }, own, wanted)
    const told = wantsTopologyHints(service) ? toldOfHints({ wanted, refusal, own, isChanged: changes.length > 0 }) : undefined
    if (told) events.push({ ...told, message: `${told.message}, addressType: ${addressType}` })
    actions.push(...changes)
  }
  return { actions, events }
}

type Groups = ReadonlyMap<string, EndpointGroup>

/** Every ready endpoint with a hint for the zone that it is given to; without any hint when they cannot be shared out fairly. */
function withZones(
  groups: Groups,
  shares: ReadonlyMap<string, number> | string,
): { readonly wanted: Groups; readonly refusal: string | undefined } {
  const all = [...groups.values()].flatMap(({ endpoints }) => endpoints)
  const zones = typeof shares === 'string' ? shares : assignZones(all, shares)
  const hinted = (endpoint: Endpoint): Endpoint => {
    const { hints: _, ...bare } = endpoint
    const zone = typeof zones === 'string' ? undefined : zones.get(endpoint)
    return zone === undefined ? bare : { ...bare, hints: { forZones: [{ name: zone }] } }
  }
  const wanted = new Map([...groups].map(([key, { ports, endpoints }]) => [key, { ports, endpoints: endpoints.map(hinted) }]))
  return { wanted, refusal: typeof zones === 'string' ? zones : undefined }
}

const hasHints = (slices: readonly { readonly endpoints?: readonly Endpoint[] | null }[]) =>
  slices.some(({ endpoints }) => endpoints?.some(({ hints }) => hints !== undefined))

function toldOfHints(state: {
  readonly wanted: Groups
  readonly refusal: string | undefined
  readonly own: readonly EndpointSlice[]
  readonly isChanged: boolean
}): SlicesPlan['events'][number] | undefined {
  const { wanted, refusal, own, isChanged } = state
  if (refusal !== undefined) return isChanged ? { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message: refusal } : undefined
  const isNew = hasHints([...wanted.values()]) && own.length > 0 && !hasHints(own)
  return isNew ? { type: 'Normal', reason: 'TopologyAwareHintsEnabled', message: 'Topology Aware Hints has been enabled' } : undefined
}

function addressTypesOf(service: Service): AddressType[] {
  const families = service.spec?.ipFamilies ?? []
  if (families.length > 0) return families.map((family) => family as AddressType)
  return [service.spec?.clusterIP?.includes(':') ? 'IPv6' : 'IPv4']
}

/** What the slices of one address type have in common. */
type Form = { readonly service: Service; readonly addressType: AddressType; readonly labels: Labels; readonly perSliceMax: number }

function planAddressType(form: Form, slices: readonly EndpointSlice[], wanted: Groups): Action[] {
  const { service, addressType, labels } = form
  const byPorts = Map.groupBy(slices, (slice) => portsKey(slice.ports ?? []))
  const actions: Action[] = []
  for (const [key, group] of wanted) actions.push(...planGroup(form, group, byPorts.get(key) ?? []))
  const leftOver = slices.filter((slice) => !wanted.has(portsKey(slice.ports ?? [])))
  if (wanted.size > 0) return [...actions, ...leftOver.map((slice): Action => ({ type: 'delete', slice }))]
  const [placeholder, ...others] = leftOver
  if (!placeholder) return [{ type: 'create', slice: newSlice(service, addressType, labels, { ports: [], endpoints: [] }) }]
  const empty = { ...placeholder, metadata: { ...placeholder.metadata, labels: { ...labels } }, endpoints: [], ports: [] }
  const isRight = (placeholder.endpoints ?? []).length === 0 && (placeholder.ports ?? []).length === 0 && hasLabels(placeholder, labels)
  return [...(isRight ? [] : [{ type: 'update' as const, slice: empty }]), ...others.map((slice): Action => ({ type: 'delete', slice }))]
}

type Draft = { readonly slice: EndpointSlice; readonly endpoints: Endpoint[]; isChanged: boolean }

function planGroup({ service, addressType, labels, perSliceMax }: Form, group: EndpointGroup, slices: readonly EndpointSlice[]): Action[] {
  const missing = new Map(group.endpoints.map((endpoint) => [identityOf(endpoint), endpoint]))
  const drafts = slices.map((slice): Draft => {
    const draft: Draft = { slice, endpoints: [], isChanged: !hasLabels(slice, labels) }
    for (const endpoint of slice.endpoints ?? []) {
      const identity = identityOf(endpoint)
      const next = missing.get(identity)
      missing.delete(identity)
      if (next) draft.endpoints.push(next)
      draft.isChanged ||= !next || !deepEqual(next, endpoint)
    }
    return draft
  })
  const added = [...missing.values()]
  // Slices that are written anyway come first, then the fullest: few writes, and few slices in the end.
  const byPreference = drafts
    .filter((draft) => draft.endpoints.length > 0)
    .sort((a, b) => Number(b.isChanged) - Number(a.isChanged) || b.endpoints.length - a.endpoints.length)
  const emptied = drafts.filter((draft) => draft.endpoints.length === 0)
  for (const draft of [...byPreference, ...emptied]) {
    const room = added.splice(0, perSliceMax - draft.endpoints.length)
    if (room.length === 0) continue
    draft.endpoints.push(...room)
    draft.isChanged = true
  }
  const actions = drafts.flatMap((draft): Action[] => {
    if (draft.endpoints.length === 0) return [{ type: 'delete', slice: draft.slice }]
    if (!draft.isChanged) return []
    const metadata = { ...draft.slice.metadata, labels: { ...labels } }
    return [{ type: 'update', slice: { ...draft.slice, metadata, endpoints: draft.endpoints } }]
  })
  for (let i = 0; i < added.length; i += perSliceMax)
    actions.push({
      type: 'create',
      slice: newSlice(service, addressType, labels, { ...group, endpoints: added.slice(i, i + perSliceMax) }),
    })
  return actions
}

function identityOf(endpoint: Endpoint): string {
  return `${endpoint.targetRef?.uid ?? ''} ${endpoint.addresses.join()}`
}

type Labels = Readonly<Record<string, string>>

const isReserved = (key: string) => key === serviceNameLabel || key === managedByLabel || key === headlessLabel

function labelsOf(service: Service): Labels {
  const labels: Record<string, string> = {}
  for (const [key, value] of Object.entries(service.metadata.labels ?? {})) if (!isReserved(key)) labels[key] = value
  if (service.spec?.clusterIP === 'None') labels[headlessLabel] = ''
  return { ...labels, [serviceNameLabel]: service.metadata.name ?? '', [managedByLabel]: manager }
}

function hasLabels(slice: EndpointSlice, labels: Labels): boolean {
  return deepEqual(slice.metadata.labels ?? {}, labels)
}

function newSlice(service: Service, addressType: AddressType, labels: Labels, group: EndpointGroup): EndpointSlice {
  const { name = '', namespace = '', uid = '' } = service.metadata
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      generateName: `${name.slice(0, 246)}-`,
      namespace,
      labels: { ...labels },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    addressType,
    endpoints: [...group.endpoints],
    ports: [...group.ports],
  }
}
