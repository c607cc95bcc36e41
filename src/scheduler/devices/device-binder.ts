import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { LoopContext } from '../../control/contract.ts'
import type { ContainerExtendedResourceRequest, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { AllocationResult, ResourceClaim } from '../../kinds/generated/types/resource-v1.ts'
import { keyOf } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import type { Reservation } from '../core/judgement.ts'
import { waitForChange } from '../wait-for-change.ts'
import type { ClaimLedger } from './claim-ledger.ts'
import { isReservedFor } from './pod-claims.ts'

/** Set before an allocation is written and kept as long as it stands, so that a claim does not go away with its devices in use. */
const finalizer = 'resource.kubernetes.io/delete-protection'
const conflictsMax = 5
/** How long a pod waits for devices that have to be attached first; upstream's default. */
const conditionsTimeoutMs = 600_000

/** A claim of the pod; `allocation` where it was decided with the pod, else the claim has one. */
export type DecidedClaim = {
  readonly claim: ResourceClaim
  readonly allocation: AllocationResult | undefined
  /** Of the claim for resources that are asked for by name, which does not exist yet: which container gets what of it. */
  readonly mappings?: readonly ContainerExtendedResourceRequest[]
}

export type DeviceBinder = {
  readonly reserve: (pod: Pod, claims: readonly DecidedClaim[]) => Reservation
  /** Gives the devices of a claim back that nobody, or only this pod, has reserved. */
  readonly deallocate: (claim: ResourceClaim, signal: AbortSignal) => Promise<void>
  /** Of a claim that the scheduler has made. */
  readonly delete: (claim: ResourceClaim, signal?: AbortSignal) => Promise<void>
}

/** Writes allocations and reservations of devices to claims, and takes them back. */
export function createDeviceBinder(context: LoopContext, ledger: ClaimLedger): DeviceBinder {
  return {
    reserve: (pod, claims) => {
      for (const { claim, allocation } of claims) if (allocation) ledger.reserve(claim, allocation)
      const reserved: ResourceClaim[] = []
      const made: ResourceClaim[] = []
      const unusable = new Set<ResourceClaim>()
      const create = async ({ claim, allocation }: DecidedClaim, signal: AbortSignal): Promise<ResourceClaim> => {
        const created = await createExtended(context, claim, signal)
        made.push(created)
        ledger.reserve(created, allocation!)
        ledger.release(claim)
        return created
      }
      return {
        plugin: 'DynamicResources',
        release: () => {
          for (const { claim, allocation } of claims) if (allocation) ledger.release(claim)
          for (const claim of made) ledger.release(claim)
        },
        prepare: async (signal) => {
          for (const decided of claims) {
            if (!decided.allocation && isReservedFor(decided.claim, pod)) continue
            const claim = decided.mappings ? await create(decided, signal) : decided.claim
            const written = await writeDecision(context, { pod, decided: { ...decided, claim }, signal })
            ledger.settle(written)
            if (decided.mappings) await writeMappings(context, { pod, claim, mappings: decided.mappings, signal })
            reserved.push(written)
            try {
              await conditionsMet(context, written, signal)
            } catch (error) {
              if (!signal.aborted) unusable.add(written)
              throw error
            }
          }
        },
        undo: async () => {
          const names = new Set(made.map((claim) => claim.metadata.uid))
          for (const claim of reserved.splice(0))
            if (!names.has(claim.metadata.uid)) await removeReservation(context, { claim, pod, isUnusable: unusable.has(claim) })
          for (const claim of made.splice(0)) await deleteExtended(context, claim)
        },
      }
    },
    delete: (claim, signal) => deleteExtended(context, claim, signal),
    deallocate: async (claim, signal) => {
      const { allocation: _a, reservedFor: _r, devices: _d, ...status } = claim.status ?? {}
      try {
        await claimsOf(context, claim).updateStatus({ ...claim, status }, { signal })
      } catch (error) {
        if (!signal.aborted) context.log.info({ claim: keyOf(claim), error: String(error) }, 'could not give devices back')
      }
    },
  }
}

/** The API gives it its name and uid. */
function createExtended(context: LoopContext, { metadata, ...claim }: ResourceClaim, signal: AbortSignal): Promise<ResourceClaim> {
  const { name: _n, uid: _u, ...unnamed } = metadata
  return claimsOf(context, { ...claim, metadata }).create({ ...claim, metadata: unnamed }, { signal })
}

/** Devices of a claim that is gone are free; who cannot delete it leaves it to its owner's end. */
async function deleteExtended(context: LoopContext, claim: ResourceClaim, signal?: AbortSignal): Promise<void> {
  const { name = '', uid } = claim.metadata
  const options = signal ? { signal } : {}
  try {
    await claimsOf(context, claim).patch(name, { type: 'merge', body: { metadata: { uid, finalizers: null } } }, options)
    await claimsOf(context, claim).delete(name, { ...options, ...(uid ? { preconditions: { uid } } : {}) })
  } catch (error) {
    if (!signal?.aborted && !isStatus(error, 'NotFound'))
      context.log.info({ claim: keyOf(claim), error: String(error) }, 'could not delete a claim for extended resources')
  }
}

async function writeMappings(
  { client }: LoopContext,
  input: {
    readonly pod: Pod
    readonly claim: ResourceClaim
    readonly mappings: readonly ContainerExtendedResourceRequest[]
    readonly signal: AbortSignal
  },
): Promise<void> {
  const { pod, claim, mappings, signal } = input
  const extendedResourceClaimStatus = { requestMappings: [...mappings], resourceClaimName: claim.metadata.name ?? '' }
  const body = { metadata: { uid: pod.metadata.uid }, status: { extendedResourceClaimStatus } }
  await client
    .resource(kindRefs.coreV1.pods, pod.metadata.namespace)
    .patch(pod.metadata.name!, { type: 'strategic', body }, { subresource: 'status', signal })
}

const claimsOf = ({ client }: LoopContext, { metadata }: ResourceClaim) =>
  client.resource(kindRefs.resourceV1.resourceClaims, metadata.namespace)

/** The claim as it then is. A claim that others changed meanwhile is looked at again; one that they allocated is not ours any more. */
async function writeDecision(
  context: LoopContext,
  { pod, decided, signal }: { readonly pod: Pod; readonly decided: DecidedClaim; readonly signal: AbortSignal },
): Promise<ResourceClaim> {
  const resource = claimsOf(context, decided.claim)
  const { name = '', uid } = decided.claim.metadata
  let claim = decided.claim
  for (let attempt = 1; ; attempt++) {
    try {
      checkStill(claim, decided, uid)
      const { finalizers = [] } = claim.metadata
      if (decided.allocation && !finalizers.includes(finalizer))
        claim = await resource.update({ ...claim, metadata: { ...claim.metadata, finalizers: [...finalizers, finalizer] } }, { signal })
      const reference = { resource: 'pods', name: pod.metadata.name ?? '', uid: pod.metadata.uid ?? '' }
      const reservedFor = isReservedFor(claim, pod) ? (claim.status?.reservedFor ?? []) : [...(claim.status?.reservedFor ?? []), reference]
      const allocation = decided.allocation ?? claim.status!.allocation!
      return await resource.updateStatus({ ...claim, status: { ...claim.status, allocation, reservedFor } }, { signal })
    } catch (error) {
      if (!isStatus(error, 'Conflict') || attempt === conflictsMax) throw error
      claim = await resource.get(name, { signal })
    }
  }
}

function checkStill(claim: ResourceClaim, { allocation }: DecidedClaim, uid: string | undefined): void {
  const key = keyOf(claim)
  if (claim.metadata.uid !== uid) throw new Error(`claim ${key} was replaced in the meantime`)
  if (claim.metadata.deletionTimestamp) throw new Error(`claim ${key} got deleted in the meantime`)
  if (allocation && claim.status?.allocation) throw new Error(`claim ${key} got allocated elsewhere in the meantime`)
  if (!allocation && !claim.status?.allocation) throw new Error(`claim ${key} got deallocated elsewhere in the meantime`)
}

/** Devices that did not become usable are given back too, unless others have reserved them. */
async function removeReservation(
  context: LoopContext,
  { claim, pod, isUnusable }: { readonly claim: ResourceClaim; readonly pod: Pod; readonly isUnusable: boolean },
): Promise<void> {
  const resource = claimsOf(context, claim)
  const reservedFor = [{ $patch: 'delete', uid: pod.metadata.uid }]
  const body = { metadata: { uid: claim.metadata.uid }, status: { reservedFor } }
  try {
    const left = await resource.patch(claim.metadata.name!, { type: 'strategic', body }, { subresource: 'status' })
    if (isUnusable && !left.status?.reservedFor?.length) await resource.updateStatus({ ...left, status: {} })
  } catch (error) {
    // The claim's controller does it when the pod is gone.
    context.log.info({ claim: keyOf(claim), error: String(error) }, 'could not take a reservation back')
  }
}

/** Waits for devices that must be attached before the pod can run: their drivers say so in the claim's `status.devices`. */
async function conditionsMet(context: LoopContext, claim: ResourceClaim, signal: AbortSignal): Promise<void> {
  const waited = (claim.status?.allocation?.devices?.results ?? []).filter((r) => r.bindingConditions?.length)
  if (waited.length === 0) return
  const informer = context.informer(kindRefs.resourceV1.resourceClaims)
  const key = keyOf(claim)
  const isTrue = (of: (typeof waited)[number], type: string) =>
    (informer.get(key)?.status?.devices ?? [])
      .filter((d) => d.driver === of.driver && d.pool === of.pool && d.device === of.device && d.shareID === of.shareID)
      .some((d) => d.conditions?.some((c) => c.type === type && c.status === 'True'))
  await waitForChange({
    clock: context.clock,
    onChange: (listener) => informer.onChange(listener),
    isDone: () => {
      for (const device of waited) {
        const failed = device.bindingFailureConditions?.find((type) => isTrue(device, type))
        if (failed !== undefined) throw new Error(`claim ${key} failed to bind: device ${device.device} has condition ${failed}`)
      }
      return waited.every((device) => device.bindingConditions!.every((type) => isTrue(device, type)))
    },
    timeoutMs: conditionsTimeoutMs,
    late: `claim ${key}: timed out waiting for its devices' binding conditions`,
    signal,
  })
}
