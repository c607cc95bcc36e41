import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { podsOfClaim } from '../../control/pods-of-claim.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { attributesClassProtection, claimKeysOf, claimProtection, volumeProtection } from '../../kinds/storage/volume-binding.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { attributesClassesOf, isBound, planProtection, usesClaim } from './plan.ts'

const { persistentVolumes, persistentVolumeClaims, pods } = kindRefs.coreV1
const { volumeAttributesClasses } = kindRefs.storageV1
const byAttributesClass = 'volume-attributes-class'

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

/** Keeps classes of volume attributes that claims or volumes have, or are about to have. */
export const attributesClassProtectionController: ControllerDefinition = {
  name: 'vac-protection',
  account: 'volumeattributesclass-protection-controller',
  watches: [
    watchKind(volumeAttributesClasses),
    // Only what lets a class go can set it free.
    watchKind(persistentVolumeClaims, ({ current, old }) => releasedClasses(current, old)),
    watchKind(persistentVolumes, ({ current, old }) => releasedClasses(current, old)),
  ],
  writes: [volumeAttributesClasses],
  reconcile: async (context, key) => {
    const attributesClass = context.informer(volumeAttributesClasses).get(key)
    if (!attributesClass) return
    const isUsed = [persistentVolumeClaims, persistentVolumes].some((kind: KindRef<KubeObject>) => {
      const informer = context.informer(kind)
      informer.addIndex(byAttributesClass, attributesClassesOf)
      return informer.byIndex(byAttributesClass, key).length > 0
    })
    await protect(context, volumeAttributesClasses, attributesClass, planProtection(attributesClass, attributesClassProtection, isUsed))
  },
}

function releasedClasses(current: KubeObject | undefined, old: KubeObject | undefined): readonly string[] {
  const kept = current ? attributesClassesOf(current) : []
  return old ? attributesClassesOf(old).filter((name) => !kept.includes(name)) : []
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
