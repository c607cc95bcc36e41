import { unreachable } from '../../base/assert.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { podsOfClaim } from '../../control/pods-of-claim.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Node, PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { StorageClass } from '../../kinds/generated/types/storage-v1.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import {
  claimKeysOf,
  classNameOfClaim,
  localVolumeDriver,
  volumeAnnotations,
  volumeReachableFrom,
} from '../../kinds/storage/volume-binding.ts'
import { keyOf } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { planGrowth, planProvisioning, planReclaim } from './plan.ts'

const { nodes, persistentVolumes, persistentVolumeClaims, pods } = kindRefs.coreV1
const { storageClasses } = kindRefs.storageV1

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

const claimPrefix = 'claim/'
const volumePrefix = 'volume/'
const waitingIndex = 'claims-waiting-for-local-volume'

/** Provisions, grows and deletes the volumes of the built-in local storage class, and of any other class that names its provisioner. */
export const localVolumeController: ControllerDefinition = {
  name: 'local-volume-provisioner',
  watches: [
    watchKind(persistentVolumeClaims, ({ current }) => (current ? [`${claimPrefix}${keyOf(current)}`] : [])),
    watchKind(persistentVolumes, keysOfVolume),
    watchKind(pods, keysOfPod),
    watchKind(nodes, keysOfNode),
    watchKind(storageClasses, (_change, context) => waiting(context).map((claim) => `${claimPrefix}${keyOf(claim)}`)),
  ],
  writes: [persistentVolumes, persistentVolumeClaims],
  // So that two claims which may go anywhere see each other's volume.
  concurrency: 1,
  reconcile: (context, key) =>
    key.startsWith(claimPrefix)
      ? reconcileClaim(context, key.slice(claimPrefix.length))
      : reconcileVolume(context, key.slice(volumePrefix.length)),
}

const isLocal = ({ spec }: PersistentVolume) => spec?.csi?.driver === localVolumeDriver

function keysOfVolume({ current }: Change<PersistentVolume>): readonly string[] {
  if (!current || !isLocal(current)) return []
  const { namespace, name } = current.spec?.claimRef ?? {}
  return [`${volumePrefix}${current.metadata.name}`, ...(name ? [`${claimPrefix}${namespace}/${name}`] : [])]
}

/** A consumer's node tells where a claim is wanted. */
function keysOfPod({ current, old }: Change<Pod>, context: LoopContext): readonly string[] {
  if (!current?.spec?.nodeName || old?.spec?.nodeName) return []
  return claimKeysOf(current)
    .filter((key) => context.informer(persistentVolumeClaims).get(key)?.spec?.volumeName === undefined)
    .map((key) => `${claimPrefix}${key}`)
}

/** A node that comes or becomes ready may hold what waits; one that goes leaves volumes that nobody will clean up. */
function keysOfNode({ current, old }: Change<Node>, context: LoopContext): readonly string[] {
  const isReady = (node: Node | undefined) => (node?.status?.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True')
  if (current && old && isReady(current) === isReady(old)) return []
  const claims = waiting(context).map((claim) => `${claimPrefix}${keyOf(claim)}`)
  const volumes = current
    ? []
    : context
        .informer(persistentVolumes)
        .list()
        .filter((v) => isLocal(v) && v.metadata.deletionTimestamp)
  return [...claims, ...volumes.map(({ metadata }) => `${volumePrefix}${metadata.name}`)]
}

function waiting(context: LoopContext): readonly PersistentVolumeClaim[] {
  const informer = context.informer(persistentVolumeClaims)
  informer.addIndex(waitingIndex, (claim) => (isWaiting(claim) ? [''] : []))
  return informer.byIndex(waitingIndex, '')
}

/** The binder has said that the volume is ours to make. */
const isWaiting = ({ metadata, spec }: PersistentVolumeClaim) =>
  !spec?.volumeName && !metadata.deletionTimestamp && metadata.annotations?.[volumeAnnotations.provisioner] === localVolumeDriver

async function reconcileClaim(context: LoopContext, key: string): Promise<ReconcileResult> {
  const claim = context.informer(persistentVolumeClaims).get(key)
  if (!claim) return
  if (claim.spec?.volumeName) return grow(context, claim)
  if (!isWaiting(claim)) return
  const storageClass = context.informer(storageClasses).get(classNameOfClaim(claim) ?? '')
  if (storageClass?.provisioner !== localVolumeDriver) return
  if (context.informer(persistentVolumes).get(`pvc-${claim.metadata.uid}`)) return
  const plan = planProvisioning({
    claim,
    storageClass,
    wantedNode: wantedNode(context, claim, storageClass),
    nodes: context.informer(nodes).list(),
    volumesOn: countByNode(context),
  })
  switch (plan.type) {
    case 'none':
      return
    case 'refuse':
      context.event(claim, { type: 'Warning', reason: 'ProvisioningFailed', message: plan.message })
      return
    case 'deselect':
      await context.client.resource(persistentVolumeClaims, claim.metadata.namespace).update(plan.claim)
      return
    case 'provision': {
      const name = plan.volume.metadata.name ?? ''
      try {
        await context.client.resource(persistentVolumes).create(plan.volume)
      } catch (error) {
        if (isStatus(error, 'AlreadyExists')) return
        throw error
      }
      context.event(claim, { type: 'Normal', reason: 'ProvisioningSucceeded', message: `Successfully provisioned volume ${name}` })
      return
    }
    default:
      unreachable(plan)
  }
}

function wantedNode(context: LoopContext, claim: PersistentVolumeClaim, storageClass: StorageClass): string | undefined {
  if (storageClass.volumeBindingMode !== 'WaitForFirstConsumer') return undefined
  const selected = claim.metadata.annotations?.[volumeAnnotations.selectedNode]
  if (selected) return selected
  return podsOfClaim(context.informer(pods), keyOf(claim))
    .filter((pod) => !isPodTerminal(pod))
    .map(({ spec }) => spec?.nodeName)
    .find((name) => name)
}

/** Counted at the first question only: most claims say where they are wanted. */
function countByNode(context: LoopContext): (node: string) => number {
  let counts: Map<string, number> | undefined
  return (node) => {
    if (!counts) {
      counts = new Map()
      for (const volume of context.informer(persistentVolumes).list()) {
        const name = isLocal(volume) ? nodeOf(context, volume)?.metadata.name : undefined
        if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1)
      }
    }
    return counts.get(node) ?? 0
  }
}

function nodeOf(context: LoopContext, volume: PersistentVolume): Node | undefined {
  return context
    .informer(nodes)
    .list()
    .find((node) => volumeReachableFrom(volume, node))
}

async function grow(context: LoopContext, claim: PersistentVolumeClaim): Promise<void> {
  const volume = context.informer(persistentVolumes).get(claim.spec?.volumeName ?? '')
  if (!volume || !isLocal(volume) || claim.status?.phase !== 'Bound') return
  const plan = planGrowth(claim, volume)
  if (plan.volume) await context.client.resource(persistentVolumes).update(plan.volume)
  // The volume's new state comes back as a change of its own and leads to the second write.
  if (!plan.claim) return
  await context.client.resource(persistentVolumeClaims, claim.metadata.namespace).updateStatus(plan.claim)
  context.event(claim, { type: 'Normal', reason: 'VolumeResizeSuccessful', message: 'Resize volume succeeded' })
}

async function reconcileVolume(context: LoopContext, name: string): Promise<ReconcileResult> {
  const volume = context.informer(persistentVolumes).get(name)
  if (!volume || !isLocal(volume)) return
  const plan = planReclaim(volume, nodeOf(context, volume) !== undefined)
  const resource = context.client.resource(persistentVolumes)
  const { uid = '' } = volume.metadata
  try {
    if (plan.type === 'delete') await resource.delete(name, { preconditions: { uid } })
    else if (plan.type === 'release') await resource.update(plan.volume)
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
