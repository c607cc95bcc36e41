import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { DeviceRequestAllocationResult, DeviceTaint, ResourceClaim, ResourceSlice } from '../../kinds/generated/types/resource-v1.ts'
import { toleratesDevice } from '../../kinds/resource/device-taints.ts'
import { controllerOf } from '../../machinery/object.ts'

/** What of the cluster a pod's eviction hangs on. */
export type DeviceView = {
  /** `namespace/name`. */
  readonly claim: (key: string) => ResourceClaim | undefined
  /** All slices of a pool, those of an earlier generation among them. */
  readonly slicesOf: (driver: string, pool: string) => readonly ResourceSlice[]
}

/**
 * When a pod must end because of NoExecute taints of devices that it uses: a moment (wall clock, ms; in the past: now), or `never`. Source:
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#device-taints-and-tolerations
 */
export function evictionTimeMs(pod: Pod, view: DeviceView): number | 'never' {
  if (!pod.spec?.nodeName) return 'never'
  const times = claimKeysOf(pod).flatMap((key) => {
    const claim = view.claim(key)
    return claim && isReservedFor(claim, pod) ? claimTimes(claim, view) : []
  })
  return times.length > 0 ? Math.min(...times) : 'never'
}

/** The claims of its devices that are made, as `namespace/name`. */
export function claimKeysOf({ metadata, spec, status }: Pod): string[] {
  return (spec?.resourceClaims ?? []).flatMap(({ name, resourceClaimName }) => {
    const made = resourceClaimName ?? status?.resourceClaimStatuses?.find((one) => one.name === name)?.resourceClaimName
    return made ? [`${metadata.namespace}/${made}`] : []
  })
}

/** A claim of another pod that had the name is none of this one's. */
function isReservedFor(claim: ResourceClaim, { metadata }: Pod): boolean {
  const owner = controllerOf(claim)
  if (owner?.kind === 'Pod' && owner.uid !== metadata.uid) return false
  return claim.status?.reservedFor?.some(({ resource, uid }) => resource === 'pods' && uid === metadata.uid) ?? false
}

function claimTimes({ status }: ResourceClaim, { slicesOf }: DeviceView): number[] {
  return (status?.allocation?.devices?.results ?? []).flatMap((result) =>
    taintsOf(result, slicesOf(result.driver, result.pool)).flatMap((taint) => {
      const time = taintTime(result, taint)
      return time === undefined ? [] : [time]
    }),
  )
}

function taintsOf({ device: name }: DeviceRequestAllocationResult, slices: readonly ResourceSlice[]): readonly DeviceTaint[] {
  const newest = Math.max(...slices.map(({ spec }) => spec.pool.generation))
  const current = slices.filter(({ spec }) => spec.pool.generation === newest)
  const device = current.flatMap(({ spec }) => spec.devices ?? []).find((one) => one.name === name)
  return (device?.taints ?? []).filter(({ effect }) => effect === 'NoExecute')
}

/** Undefined: it is tolerated for ever. Of several tolerations the shortest counts; those must name the effect. */
function taintTime({ tolerations = [] }: DeviceRequestAllocationResult, taint: DeviceTaint): number | undefined {
  const matching = tolerations.filter((one) => one.effect === 'NoExecute' && toleratesDevice(one, taint))
  if (matching.some(({ tolerationSeconds }) => tolerationSeconds === undefined)) return undefined
  const seconds = matching.map(({ tolerationSeconds = 0 }) => Math.max(0, tolerationSeconds))
  const since = Date.parse(taint.timeAdded ?? '') || 0
  return since + (seconds.length > 0 ? Math.min(...seconds) * 1000 : 0)
}
