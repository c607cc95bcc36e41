import type { Informer } from '../client/informer-contract.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { claimKeysOf } from '../kinds/storage/volume-binding.ts'

const index = 'claims-of-pod'

/** To be called before the informer is filled: over many pods that are there already it would take seconds. */
export function indexPodsByClaim(informer: Informer<Pod>): void {
  informer.addIndex(index, claimKeysOf)
}

/** The pods that use a claim (`namespace/name`), ended ones among them. */
export function podsOfClaim(informer: Informer<Pod>, claimKey: string): readonly Pod[] {
  indexPodsByClaim(informer)
  return informer.byIndex(index, claimKey)
}
