import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { LoopContext } from '../../control/contract.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
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
export type DecidedClaim = { readonly claim: ResourceClaim; readonly allocation: AllocationResult | undefined }

export type DeviceBinder = {
  readonly reserve: (pod: Pod, claims: readonly DecidedClaim[]) => Reservation
  /** Gives the devices of a claim back that nobody, or only this pod, has reserved. */
  readonly deallocate: (claim: ResourceClaim, signal: AbortSignal) => Promise<void>
}

/** Writes allocations and reservations of devices to claims, and takes them back. */
export function createDeviceBinder(context: LoopContext, ledger: ClaimLedger): DeviceBinder {
  return {
    reserve: (pod, claims) => {
      for (const { claim, allocation } of claims) if (allocation) ledger.reserve(claim, allocation)
      const reserved: ResourceClaim[] = []
      const unusable = new Set<ResourceClaim>()
      return {
        plugin: 'DynamicResources',
        release: () => claims.forEach(({ claim, allocation }) => allocation && ledger.release(claim)),
        prepare: async (signal) => {
          for (const decided of claims) {
            if (!decided.allocation && isReservedFor(decided.claim, pod)) continue
            const written = await writeDecision(context, { pod, decided, signal })
            ledger.settle(written)
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
          for (const claim of reserved.splice(0)) await removeReservation(context, { claim, pod, isUnusable: unusable.has(claim) })
        },
      }
    },
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
