import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { Informer } from '../../client/informer-contract.ts'
import type { LoopContext } from '../../control/contract.ts'
import type { DeviceClass, ResourceClaim, ResourceSlice } from '../../kinds/generated/types/resource-v1.ts'

/** What the scheduler reads to find out which devices there are, who has them, and what is asked for. */
export type DeviceSources = {
  readonly claims: Informer<ResourceClaim>
  readonly classes: Informer<DeviceClass>
  readonly slices: Informer<ResourceSlice>
}

export function deviceSources(context: LoopContext): DeviceSources {
  const { resourceClaims, deviceClasses, resourceSlices } = kindRefs.resourceV1
  return {
    claims: context.informer(resourceClaims),
    classes: context.informer(deviceClasses),
    slices: context.informer(resourceSlices),
  }
}
