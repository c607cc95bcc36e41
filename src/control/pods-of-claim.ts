import type { Informer } from '../client/informer-contract.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { claimKeysOf } from '../kinds/storage/volume-binding.ts'

const index = 'claims-of-pod'

/** The pods that use a claim (`namespace/name`), ended ones among them. */
export function podsOfClaim(informer: Informer<Pod>, claimKey: string): readonly Pod[] {
  informer.addIndex(index, claimKeysOf)
  return informer.byIndex(index, claimKey)
}
