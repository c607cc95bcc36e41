import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { evictPod } from '../../control/pod-changes.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { ResourceClaim, ResourceSlice } from '../../kinds/generated/types/resource-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { keyOf } from '../../machinery/object.ts'
import { claimKeysOf, type DeviceView, evictionTimeMs } from './plan.ts'

const { pods } = kindRefs.coreV1
const { resourceClaims, resourceSlices } = kindRefs.resourceV1

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

const byPool = 'slices-of-pool'
const claimsByPool = 'claims-of-pool'

/** Deletes the pods whose devices have NoExecute taints that their claims do not tolerate, each when its toleration ends. */
export function deviceTaintEvictionController(): ControllerDefinition {
  /** Pods whose time runs; that it stops is told. */
  const waiting = new Set<string>()
  return {
    name: 'device-taint-eviction',
    watches: [watchKind(pods, keysOfPod), watchKind(resourceClaims, keysOfClaim), watchKind(resourceSlices, keysOfSlice)],
    writes: [pods],
    reconcile: (context, key) => reconcile(context, key, waiting),
  }
}

/** Pods without claims, which are most, cost nothing. */
function keysOfPod({ current, old }: Change<Pod>): readonly string[] {
  const pod = (current ?? old)!
  if (!pod.spec?.resourceClaims?.length) return []
  const isSame = current && old && current.spec?.nodeName === old.spec?.nodeName && deepEqual(claimKeysOf(current), claimKeysOf(old))
  return isSame ? [] : [keyOf(pod)]
}

/** The pods that it is reserved for, now or before. */
function keysOfClaim({ current, old }: Change<ResourceClaim>): readonly string[] {
  const trace = (claim: ResourceClaim | undefined) => claim?.status && [claim.status.allocation, claim.status.reservedFor]
  if (deepEqual(trace(current), trace(old))) return []
  return [current, old].flatMap((claim) => (claim ? usersOf(claim) : []))
}

function usersOf({ metadata, status }: ResourceClaim): string[] {
  return (status?.reservedFor ?? []).flatMap(({ resource, name }) => (resource === 'pods' ? [`${metadata.namespace}/${name}`] : []))
}

/** The users of devices of its pool; also when it goes, for a later generation may have hidden its taints. */
function keysOfSlice({ current, old }: Change<ResourceSlice>, context: LoopContext): readonly string[] {
  const evicts = (slice: ResourceSlice | undefined) =>
    slice?.spec.devices?.some(({ taints }) => taints?.some(({ effect }) => effect === 'NoExecute')) ?? false
  if (!evicts(current) && !evicts(old)) return []
  const informer = context.informer(resourceClaims)
  informer.addIndex(claimsByPool, ({ status }) => (status?.allocation?.devices?.results ?? []).map((one) => poolKey(one.driver, one.pool)))
  const { driver, pool } = (current ?? old)!.spec
  return informer.byIndex(claimsByPool, poolKey(driver, pool.name)).flatMap(usersOf)
}

const poolKey = (driver: string, pool: string) => `${driver}/${pool}`

function viewOf(context: LoopContext): DeviceView {
  const slices = context.informer(resourceSlices)
  slices.addIndex(byPool, ({ spec }) => [poolKey(spec.driver, spec.pool.name)])
  return {
    claim: (key) => context.informer(resourceClaims).get(key),
    slicesOf: (driver, pool) => slices.byIndex(byPool, poolKey(driver, pool)),
  }
}

async function reconcile(context: LoopContext, key: string, waiting: Set<string>): Promise<ReconcileResult> {
  const pod = context.informer(pods).get(key)
  if (!pod || pod.metadata.deletionTimestamp) return void waiting.delete(key)
  const tell = (message: string) => context.event(pod, { type: 'Normal', reason: 'DeviceTaintManagerEviction', message })
  const nowMs = context.clock.now()
  const timeMs = evictionTimeMs(pod, viewOf(context))
  if (timeMs === 'never') {
    if (waiting.delete(key)) tell('Cancelling deletion')
    return
  }
  if (timeMs > nowMs) {
    waiting.add(key)
    return { requeueAfterMs: timeMs - nowMs }
  }
  waiting.delete(key)
  tell('Marking for deletion')
  const message = 'Device Taint manager: deleting due to NoExecute taint'
  await evictPod(context, pod, { reason: 'DeletionByDeviceTaintManager', message })
}
