import { unreachable } from '../../base/assert.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { Informer } from '../../client/informer-contract.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { podsOfClaim } from '../../control/pods-of-claim.ts'
import { readKind, watchKind } from '../../control/watch-declaration.ts'
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '../../kinds/generated/types/core-v1.ts'
import {
  claimKeysOf,
  classNameOfClaim,
  classNameOfVolume,
  defaultStorageClass,
  volumeAnnotations,
} from '../../kinds/storage/volume-binding.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { keyOf, type KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { isUnplaced, planClaim, planVolume, type Step, type Write } from './plan.ts'

const { nodes, persistentVolumes, persistentVolumeClaims, pods } = kindRefs.coreV1
const { storageClasses } = kindRefs.storageV1

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

const claimPrefix = 'claim/'
const volumePrefix = 'volume/'
const classIndex = 'storage-class-of-unbound'
/** Writes of one binding, and some: more means that somebody works against it. */
const stepsMax = 12

/** Binds claims to volumes, asks for new ones, and gives back those whose claims are gone. */
export const persistentVolumeController: ControllerDefinition = {
  name: 'persistent-volume-binder',
  account: 'persistent-volume-binder',
  eventSource: 'persistentvolume-controller',
  watches: [
    watchKind(persistentVolumeClaims, keysOfClaim),
    watchKind(persistentVolumes, keysOfVolume),
    watchKind(storageClasses, keysOfClass),
    watchKind(pods, keysOfPod),
    readKind(nodes),
  ],
  writes: [persistentVolumes, persistentVolumeClaims],
  // Who looks for a free volume looks at all of them: one claim after the other.
  concurrency: 1,
  reconcile,
}

/** The claim's own, and the volume's that it names or that is reserved for it. */
function keysOfClaim({ current, old }: Change<PersistentVolumeClaim>, context: LoopContext): readonly string[] {
  const claim = (current ?? old)!
  const keys = [`${claimPrefix}${keyOf(claim)}`]
  const { volumeName } = claim.spec ?? {}
  if (volumeName) keys.push(`${volumePrefix}${volumeName}`)
  if (!current)
    for (const volume of volumesOf(context).byIndex(referenceIndex, keyOf(claim))) keys.push(`${volumePrefix}${volume.metadata.name}`)
  return keys
}

/** The volume's own, the claim's that it is for, and while it is free every claim's that waits for one of its class. */
function keysOfVolume({ current, old }: Change<PersistentVolume>, context: LoopContext): readonly string[] {
  const keys = new Set<string>()
  for (const volume of [current, old]) {
    if (!volume) continue
    keys.add(`${volumePrefix}${volume.metadata.name}`)
    const { namespace, name } = volume.spec?.claimRef ?? {}
    if (name) keys.add(`${claimPrefix}${namespace}/${name}`)
  }
  if (current && !current.spec?.claimRef && current.status?.phase === 'Available')
    for (const claim of unboundOf(context, classNameOfVolume(current))) keys.add(`${claimPrefix}${keyOf(claim)}`)
  // Also those that ask for it by name, whoever has it.
  for (const claim of claimsOf(context).byIndex(volumeIndex, (current ?? old)?.metadata.name ?? ''))
    keys.add(`${claimPrefix}${keyOf(claim)}`)
  return [...keys]
}

function keysOfClass({ current, old }: Change<KubeObject>, context: LoopContext): readonly string[] {
  const name = (current ?? old)?.metadata.name ?? ''
  return [...unboundOf(context, name), ...unboundOf(context, '')].map((claim) => `${claimPrefix}${keyOf(claim)}`)
}

/** Claims that wait for their first consumer are told who comes, goes, and where it is put. */
function keysOfPod({ current, old }: Change<Pod>, context: LoopContext): readonly string[] {
  const trace = (pod: Pod | undefined) => pod && `${pod.spec?.nodeName} ${isPodTerminal(pod)} ${isUnplaced(pod)}`
  const pod = current ?? old
  if (!pod || trace(current) === trace(old)) return []
  return claimKeysOf(pod)
    .filter((key) => {
      const claim = context.informer(persistentVolumeClaims).get(key)
      return claim && !claim.spec?.volumeName
    })
    .map((key) => `${claimPrefix}${key}`)
}

const referenceIndex = 'claim-ref'
const volumeIndex = 'volume-name'

function volumesOf(context: LoopContext): Informer<PersistentVolume> {
  const informer = context.informer(persistentVolumes)
  informer.addIndex(referenceIndex, ({ spec }) => (spec?.claimRef?.name ? [`${spec.claimRef.namespace}/${spec.claimRef.name}`] : []))
  informer.addIndex('storage-class', (volume) => [classNameOfVolume(volume)])
  return informer
}

function claimsOf(context: LoopContext): Informer<PersistentVolumeClaim> {
  const informer = context.informer(persistentVolumeClaims)
  informer.addIndex(classIndex, (claim) => (claim.spec?.volumeName ? [] : [classNameOfClaim(claim) ?? '']))
  informer.addIndex(volumeIndex, ({ spec }) => (spec?.volumeName ? [spec.volumeName] : []))
  return informer
}

function unboundOf(context: LoopContext, className: string): readonly PersistentVolumeClaim[] {
  return claimsOf(context).byIndex(classIndex, className)
}

async function reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
  const step = key.startsWith(claimPrefix)
    ? () => claimStep(context, key.slice(claimPrefix.length))
    : () => volumeStep(context, key.slice(volumePrefix.length))
  for (let i = 0; i < stepsMax; i++) {
    const next = await step()
    if (next?.event) context.event(next.about, next.event)
    if (!next?.write) return
    await perform(context, next.write)
  }
}

type StepOf = Step & { readonly about: KubeObject }

async function claimStep(context: LoopContext, key: string): Promise<StepOf | undefined> {
  const claim = context.informer(persistentVolumeClaims).get(key)
  if (!claim) return undefined
  const volumes = volumesOf(context)
  const named = claim.spec?.volumeName ? await volumeNamed(context, claim) : undefined
  const className = classNameOfClaim(claim)
  const isFree = !claim.spec?.volumeName
  const step = planClaim(
    {
      claim,
      named,
      // Those of its class, and those that are reserved for it whatever their class.
      volumes: isFree ? [...volumes.byIndex(referenceIndex, key), ...volumes.byIndex('storage-class', className ?? '')] : [],
      storageClass: className ? context.informer(storageClasses).get(className) : undefined,
      defaultClass: isFree && className === undefined ? defaultStorageClass(context.informer(storageClasses).list()) : undefined,
      consumers: isFree ? podsOfClaim(context.informer(pods), key).filter((pod) => !isPodTerminal(pod)) : [],
      nodeOf: (name) => context.informer(nodes).get(name),
    },
    context.clock.now(),
  )
  return { ...step, about: claim }
}

/** A bound claim is called lost on the API's word only: the cache may not know a volume yet. */
async function volumeNamed(context: LoopContext, claim: PersistentVolumeClaim): Promise<PersistentVolume | undefined> {
  const name = claim.spec?.volumeName ?? ''
  const known = context.informer(persistentVolumes).get(name)
  if (known || claim.metadata.annotations?.[volumeAnnotations.bindCompleted] === undefined || claim.status?.phase === 'Lost') return known
  return read(() => context.client.resource(persistentVolumes).get(name))
}

async function volumeStep(context: LoopContext, name: string): Promise<StepOf | undefined> {
  const volume = context.informer(persistentVolumes).get(name)
  if (!volume) return undefined
  const claim = await claimReferred(context, volume)
  return { ...planVolume(volume, claim, context.clock.now()), about: volume }
}

/** A volume is given back on the API's word only: the cache may be behind a claim that was just made. */
async function claimReferred(context: LoopContext, volume: PersistentVolume): Promise<PersistentVolumeClaim | undefined> {
  const { namespace = '', name = '', uid } = volume.spec?.claimRef ?? {}
  if (!uid) return undefined
  const isIt = (claim: PersistentVolumeClaim | undefined) => (claim?.metadata.uid === uid ? claim : undefined)
  const known = isIt(context.informer(persistentVolumeClaims).get(`${namespace}/${name}`))
  const { phase } = volume.status ?? {}
  if (known || phase === 'Released' || phase === 'Failed') return known
  return isIt(await read(() => context.client.resource(persistentVolumeClaims, namespace).get(name)))
}

async function read<T>(get: () => Promise<T>): Promise<T | undefined> {
  try {
    return await get()
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined
    throw error
  }
}

async function perform({ client }: LoopContext, write: Write): Promise<void> {
  switch (write.type) {
    case 'volume':
      await client.resource(persistentVolumes).update(write.volume)
      return
    case 'volumeStatus':
      await client.resource(persistentVolumes).updateStatus(write.volume)
      return
    case 'claim':
      await client.resource(persistentVolumeClaims, write.claim.metadata.namespace).update(write.claim)
      return
    case 'claimStatus':
      await client.resource(persistentVolumeClaims, write.claim.metadata.namespace).updateStatus(write.claim)
      return
    default:
      unreachable(write)
  }
}
