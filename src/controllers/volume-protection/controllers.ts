import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { podsOfClaim } from '../../control/pods-of-claim.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { claimKeysOf, claimProtection, volumeProtection } from '../../kinds/storage/volume-binding.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { isBound, planProtection, usesClaim } from './plan.ts'

const { persistentVolumes, persistentVolumeClaims, pods } = kindRefs.coreV1

/** Keeps claims that pods use. */
export const claimProtectionController: ControllerDefinition = {
  name: 'pvc-protection',
  watches: [watchKind(persistentVolumeClaims), watchKind(pods, keysOfPod)],
  writes: [persistentVolumeClaims],
  reconcile: async (context, key) => {
    const claim = context.informer(persistentVolumeClaims).get(key)
    if (!claim) return
    const users = claim.metadata.deletionTimestamp ? podsOfClaim(context.informer(pods), key).filter(usesClaim) : []
    await protect(context, persistentVolumeClaims, claim, planProtection(claim, claimProtection, users.length > 0))
  },
}

/** Only the end of a pod can set a claim free, and only one that waits for it. */
function keysOfPod(
  { current, old }: { readonly current: Pod | undefined; readonly old: Pod | undefined },
  context: LoopContext,
): readonly string[] {
  if (current && !isPodTerminal(current) && usesClaim(current) === (old !== undefined && usesClaim(old))) return []
  const keys = new Set([...(old ? claimKeysOf(old) : []), ...(current ? claimKeysOf(current) : [])])
  return [...keys].filter((key) => context.informer(persistentVolumeClaims).get(key)?.metadata.deletionTimestamp)
}

/** Keeps volumes that claims are bound to. */
export const volumeProtectionController: ControllerDefinition = {
  name: 'pv-protection',
  watches: [watchKind(persistentVolumes)],
  writes: [persistentVolumes],
  reconcile: async (context, key) => {
    const volume = context.informer(persistentVolumes).get(key)
    if (volume) await protect(context, persistentVolumes, volume, planProtection(volume, volumeProtection, isBound(volume)))
  },
}

async function protect<T extends KubeObject>(
  { client }: LoopContext,
  kind: KindRef<T>,
  object: T,
  finalizers: readonly string[] | undefined,
): Promise<void> {
  if (!finalizers) return
  const { namespace, name = '', resourceVersion } = object.metadata
  try {
    await client.resource(kind, namespace).patch(name, { type: 'merge', body: { metadata: { resourceVersion, finalizers } } })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
