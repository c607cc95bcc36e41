import { isOpenOffer, type Offer, offers } from '../../kinds/keelson/offer.ts'
import { keyOfObject, type Resource } from '../registry.ts'
import { type Allocation, noAllocation, type Write, type WriteHook } from '../objects/write-hooks.ts'
import { takeOfOffer } from './node-usage.ts'
import { noRoom } from './place-pods.ts'
import type { PlacementGuard } from './placement-guard.ts'

/** An open offer keeps its room from the moment that it is written; it is refused where the node has not so much left. */
export function offerRoomHook(guard: PlacementGuard, offerResource: Resource): WriteHook {
  const keyOf = ({ metadata }: Offer) => keyOfObject(offerResource, metadata.namespace ?? '', metadata.name ?? '')
  return {
    handles: ({ kind }) => kind === offers,
    allocate: (write) => allocate(guard, write, keyOf(write.object as Offer)),
    deleted: (object) => guard.settle(keyOf(object as Offer)),
  }
}

function allocate(guard: PlacementGuard, { resource, object, old, dryRun }: Write, key: ReturnType<typeof keyOfObject>): Allocation {
  const offer = object as Offer
  // Validation, which comes after this, tells what is wrong with it.
  if (offers.validate!(offer).length > 0) return noAllocation
  if (old || !isOpenOffer(offer)) return { commit: () => guard.settle(key), release: () => {} }
  const { name = '' } = offer.metadata
  const reserved = guard.reserve([{ key, take: takeOfOffer(offer) }])
  if (reserved.type === 'lacking')
    throw noRoom({ resource: resource.name, name }, `node ${JSON.stringify(offer.spec.nodeName)} has not so much room`, reserved.lacks)
  if (!dryRun) return reserved.allocation
  reserved.allocation.release()
  return noAllocation
}

/** What the placement of pods wrote about a node goes with it. */
export function nodeMarksHook(guard: PlacementGuard): WriteHook {
  return {
    handles: ({ kind }) => kind.group === '' && kind.kind === 'Node',
    allocate: () => noAllocation,
    deleted: () => {},
    claimsOf: ({ metadata }) => guard.claimsOfNode(metadata.name ?? ''),
  }
}
