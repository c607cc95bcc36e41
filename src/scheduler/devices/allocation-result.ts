import type { NodeSelector, NodeSelectorRequirement } from '../../kinds/generated/types/core-v1.ts'
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceClass,
  DeviceRequestAllocationResult,
} from '../../kinds/generated/types/resource-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { formatQuantity, parseQuantity } from '../../machinery/quantity.ts'
import type { Alternative } from './claim-requests.ts'
import type { GrantedClaim, GrantedDevice } from './device-search.ts'

export type AllocationContext = {
  readonly nodeName: string
  readonly classOf: (name: string) => DeviceClass | undefined
  readonly shareId: () => string
  /** RFC 3339. */
  readonly now: string
}

/** What the claim's status says of the devices that were found: which, set up how, and from which nodes they can be used. */
export function allocationResult(granted: GrantedClaim, context: AllocationContext): AllocationResult {
  const config = configOf(granted, context)
  const nodeSelector = nodeSelectorOf(granted.devices, context.nodeName)
  return {
    devices: {
      results: granted.devices.map((device) => resultOf(device, context.shareId)),
      ...(config.length > 0 ? { config } : {}),
    },
    ...(nodeSelector ? { nodeSelector } : {}),
    allocationTimestamp: context.now,
  }
}

function resultOf({ request, device: pooled, share }: GrantedDevice, shareId: () => string): DeviceRequestAllocationResult {
  const { pool, device } = pooled
  const consumed = Object.entries(device.capacity ?? {}).map(([name, { value }]) => [
    name,
    formatQuantity({ nano: share?.get(name) ?? 0n, format: parseQuantity(value).format }),
  ])
  return {
    request: request.name,
    driver: pool.driver,
    pool: pool.name,
    device: device.name,
    ...(request.isAdmin ? { adminAccess: true } : {}),
    ...(request.tolerations.length > 0 ? { tolerations: [...request.tolerations] } : {}),
    ...(device.bindingConditions?.length ? { bindingConditions: [...device.bindingConditions] } : {}),
    ...(device.bindingFailureConditions?.length ? { bindingFailureConditions: [...device.bindingFailureConditions] } : {}),
    ...(share ? { shareID: shareId(), ...(consumed.length > 0 ? { consumedCapacity: Object.fromEntries(consumed) } : {}) } : {}),
  }
}

/** Each class's settings once, for all requests that use it; then the claim's own that concern what was chosen. */
function configOf({ claim: { claim, requests }, chosen }: GrantedClaim, { classOf }: AllocationContext): DeviceAllocationConfiguration[] {
  const used = requests.map((request, i) => request.alternatives[chosen[i]!]!)
  const byClass = Map.groupBy(used, (alternative) => alternative.className)
  const ofClasses = [...byClass].flatMap(([className, alternatives]) =>
    (classOf(className)?.spec.config ?? []).map(
      (config): DeviceAllocationConfiguration => ({ source: 'FromClass', requests: alternatives.map((a) => a.name), ...config }),
    ),
  )
  const ofClaim = (claim.spec.devices?.config ?? [])
    .filter(({ requests: named = [] }) => named.length === 0 || used.some((alternative) => isNamed(named, alternative)))
    .map((config): DeviceAllocationConfiguration => ({ source: 'FromClaim', ...config }))
  return [...ofClasses, ...ofClaim]
}

const isNamed = (names: readonly string[], { name }: Alternative) => names.includes(name) || names.includes(name.split('/')[0]!)

/** A device of one node ties the claim to it; others add up what they ask of nodes. Undefined: it can be used everywhere. */
function nodeSelectorOf(devices: readonly GrantedDevice[], nodeName: string): NodeSelector | undefined {
  const expressions: NodeSelectorRequirement[] = []
  const fields: NodeSelectorRequirement[] = []
  for (const { device: pooled } of devices) {
    const { spec } = pooled.slice
    const { nodeName: own, nodeSelector } = spec.perDeviceNodeSelection ? pooled.device : spec
    if (own || pooled.device.bindsToNode)
      return { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] }] }
    const [term] = nodeSelector?.nodeSelectorTerms ?? []
    addNew(expressions, term?.matchExpressions)
    addNew(fields, term?.matchFields)
  }
  if (expressions.length === 0 && fields.length === 0) return undefined
  return {
    nodeSelectorTerms: [
      { ...(expressions.length > 0 ? { matchExpressions: expressions } : {}), ...(fields.length > 0 ? { matchFields: fields } : {}) },
    ],
  }
}

function addNew(to: NodeSelectorRequirement[], from: readonly NodeSelectorRequirement[] = []): void {
  for (const requirement of from) if (!to.some((known) => deepEqual(known, requirement))) to.push(requirement)
}
