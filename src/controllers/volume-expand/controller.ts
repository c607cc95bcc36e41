import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition } from '../../control/contract.ts'
import { readKind, watchKind } from '../../control/watch-declaration.ts'
import type { PersistentVolumeClaim } from '../../kinds/generated/types/core-v1.ts'
import { keyOf } from '../../machinery/object.ts'
import { planExpansionEvent } from './plan.ts'

const { persistentVolumeClaims, persistentVolumes } = kindRefs.coreV1

/** A claim may have been bound to less than it asked for. */
const trace = (claim: PersistentVolumeClaim | undefined) => `${claim?.status?.phase} ${claim?.spec?.resources?.requests?.storage}`

/** Says of claims that were asked to grow whom they wait for. Local volumes are grown by their own provisioner. */
export const volumeExpandController: ControllerDefinition = {
  name: 'expand',
  eventSource: 'volume_expand',
  watches: [
    watchKind(persistentVolumeClaims, ({ current, old }) =>
      current?.spec?.volumeName && trace(current) !== trace(old) ? [keyOf(current)] : [],
    ),
    readKind(persistentVolumes),
  ],
  writes: [],
  reconcile: async (context, key) => {
    const claim = context.informer(persistentVolumeClaims).get(key)
    const volume = claim && context.informer(persistentVolumes).get(claim.spec?.volumeName ?? '')
    const event = volume && planExpansionEvent(claim, volume)
    if (event) context.event(claim, { type: 'Normal', ...event })
  },
}
