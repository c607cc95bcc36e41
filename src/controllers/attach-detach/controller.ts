import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { podsOfClaim } from '../../control/pods-of-claim.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Node, PersistentVolume, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { VolumeAttachment } from '../../kinds/generated/types/storage-v1.ts'
import { isNodeReady } from '../../kinds/node-status.ts'
import { claimKeysOf } from '../../kinds/storage/volume-binding.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { attachmentName, holdsVolumes, isAttachable, isManaged, type Plan, planAttachments, uniqueVolumeName } from './plan.ts'

const { nodes, persistentVolumes, persistentVolumeClaims, pods } = kindRefs.coreV1
const { csiDrivers, volumeAttachments } = kindRefs.storageV1

type Change<T> = { readonly current: T | undefined; readonly old: T | undefined }

/** Of one volume, by node: since when nobody there wants it, and what was told of it last, so that it is told once. */
type Memory = { readonly unwantedSinceMs: Map<string, number>; readonly told: Map<string, string> }

const byNode = 'attachments-of-node'
const byVolume = 'attachments-of-volume'
const podsByNode = 'node-name'
const byReport = 'nodes-reporting-volume'

/** Attaches volumes of CSI drivers to the nodes whose pods use them: a key is the name of a volume. */
export function attachDetachController(): ControllerDefinition {
  const memories = new Map<string, Memory>()
  return {
    name: 'attachdetach',
    watches: [
      watchKind(persistentVolumes, ({ current, old }) =>
        hasDriver(current) || hasDriver(old) ? [(current ?? old)!.metadata.name ?? ''] : [],
      ),
      watchKind(persistentVolumeClaims, ({ current }) => (current?.spec?.volumeName ? [current.spec.volumeName] : [])),
      watchKind(pods, keysOfPod),
      watchKind(volumeAttachments, ({ current, old }) => namesOf((current ?? old)?.spec.source.persistentVolumeName)),
      watchKind(nodes, keysOfNode),
      watchKind(csiDrivers, (_change, context) =>
        context
          .informer(persistentVolumes)
          .list()
          .filter(hasDriver)
          .map(({ metadata }) => metadata.name ?? ''),
      ),
    ],
    writes: [volumeAttachments, nodes],
    // Volumes of one node write to its one status.
    concurrency: 1,
    reconcile: (context, key) => reconcile(context, key, memories),
  }
}

const namesOf = (name: string | undefined) => (name ? [name] : [])
const hasDriver = (volume: PersistentVolume | undefined) => volume?.spec?.csi !== undefined

function keysOfPod({ current, old }: Change<Pod>, context: LoopContext): readonly string[] {
  const pod = current ?? old
  const claims = pod ? claimKeysOf(pod) : []
  if (claims.length === 0) return []
  if (current && old && holdsVolumes(current) === holdsVolumes(old) && current.spec?.nodeName === old.spec?.nodeName) return []
  return claims.flatMap((key) => namesOf(context.informer(persistentVolumeClaims).get(key)?.spec?.volumeName))
}

/** Who waits for a node waits for what it unmounts, for it to answer or to be given up, or for it to be there. */
function keysOfNode({ current, old }: Change<Node>, context: LoopContext): readonly string[] {
  const trace = (node: Node | undefined) => node && [isNodeReady(node), node.spec?.taints, node.status?.volumesInUse, isManaged(node)]
  if (deepEqual(trace(current), trace(old))) return []
  const name = (current ?? old)?.metadata.name ?? ''
  const held = attachmentsBy(context, byNode, name).flatMap(({ spec }) => namesOf(spec.source.persistentVolumeName))
  return isManaged(current) && !isManaged(old) ? [...held, ...wantedOn(context, name)] : held
}

/** Volumes that pods wait for on a node. */
function wantedOn(context: LoopContext, nodeName: string): readonly string[] {
  const informer = context.informer(pods)
  informer.addIndex(podsByNode, ({ spec }) => namesOf(spec?.nodeName))
  const claims = informer.byIndex(podsByNode, nodeName).flatMap(claimKeysOf)
  return claims.flatMap((key) => namesOf(context.informer(persistentVolumeClaims).get(key)?.spec?.volumeName))
}

function attachmentsBy(context: LoopContext, index: typeof byNode | typeof byVolume, value: string): readonly VolumeAttachment[] {
  const informer = context.informer(volumeAttachments)
  informer.addIndex(byNode, ({ spec }) => [spec.nodeName])
  informer.addIndex(byVolume, ({ spec }) => namesOf(spec.source.persistentVolumeName))
  return informer.byIndex(index, value)
}

async function reconcile(context: LoopContext, name: string, memories: Map<string, Memory>): Promise<ReconcileResult> {
  const volume = context.informer(persistentVolumes).get(name)
  const driver = volume?.spec?.csi && context.informer(csiDrivers).get(volume.spec.csi.driver)
  const attachments = volume ? attachmentsBy(context, byVolume, name).filter(isOwn(volume)) : []
  if (!volume || (!isAttachable(volume, driver) && attachments.length === 0)) return void memories.delete(name)
  const memory = memories.get(name) ?? { unwantedSinceMs: new Map<string, number>(), told: new Map<string, string>() }
  const { claimRef } = volume.spec ?? {}
  const claim = claimRef && context.informer(persistentVolumeClaims).get(`${claimRef.namespace}/${claimRef.name}`)
  const isClaimed = claim?.spec?.volumeName === name && isAttachable(volume, driver)
  const nodeInformer = context.informer(nodes)
  const nowMs = context.clock.now()
  const plan = planAttachments(
    {
      volume,
      pods: isClaimed ? podsOfClaim(context.informer(pods), `${claimRef?.namespace}/${claimRef?.name}`) : [],
      attachments,
      node: (nodeName) => nodeInformer.get(nodeName),
      unwantedSinceMs: (nodeName) => memory.unwantedSinceMs.get(nodeName),
    },
    nowMs,
  )
  for (const nodeName of memory.unwantedSinceMs.keys()) if (!plan.unwanted.includes(nodeName)) memory.unwantedSinceMs.delete(nodeName)
  for (const nodeName of plan.unwanted) if (!memory.unwantedSinceMs.has(nodeName)) memory.unwantedSinceMs.set(nodeName, nowMs)
  await act(context, volume, plan)
  tell(context, { volume, attachments, plan, memory })
  if (memory.told.size > 0 || memory.unwantedSinceMs.size > 0) memories.set(name, memory)
  else memories.delete(name)
  return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs }
}

const isOwn = (volume: PersistentVolume) => (attachment: VolumeAttachment) =>
  attachment.metadata.name === attachmentName(volume, attachment.spec.nodeName)

async function act(context: LoopContext, volume: PersistentVolume, plan: Plan): Promise<void> {
  const resource = context.client.resource(volumeAttachments)
  // Nodes hear of it before the volume goes: nobody mounts what is about to be taken away.
  await report(context, volume, plan.reported)
  for (const { metadata } of plan.detach) {
    await resource.delete(metadata.name ?? '', metadata.uid ? { preconditions: { uid: metadata.uid } } : {}).catch((error: unknown) => {
      if (!isStatus(error, 'NotFound')) throw error
    })
  }
  for (const nodeName of plan.attach) {
    const spec = { attacher: volume.spec?.csi?.driver ?? '', nodeName, source: { persistentVolumeName: volume.metadata.name ?? '' } }
    await resource.create({ metadata: { name: attachmentName(volume, nodeName) }, spec }).catch((error: unknown) => {
      if (!isStatus(error, 'AlreadyExists')) throw error
    })
  }
}

/** Brings `status.volumesAttached` of every node into step with where the volume is. */
async function report(context: LoopContext, volume: PersistentVolume, reported: ReadonlySet<string>): Promise<void> {
  const informer = context.informer(nodes)
  informer.addIndex(byReport, ({ status }) => (status?.volumesAttached ?? []).map((one) => one.name))
  const name = uniqueVolumeName(volume)
  const stale = informer.byIndex(byReport, name).filter(({ metadata }) => !reported.has(metadata.name ?? ''))
  const missing = [...reported].flatMap((nodeName) => {
    const node = informer.get(nodeName)
    return node && !node.status?.volumesAttached?.some((one) => one.name === name) ? [node] : []
  })
  const write = async (node: Node, volumesAttached: NonNullable<Node['status']>['volumesAttached']) => {
    const { name: nodeName = '', resourceVersion } = node.metadata
    const body = { metadata: { resourceVersion }, status: { volumesAttached } }
    await context.client
      .resource(nodes)
      .patch(nodeName, { type: 'merge', body }, { subresource: 'status' })
      .catch((error: unknown) => {
        if (!isStatus(error, 'NotFound')) throw error
      })
  }
  for (const node of stale)
    await write(
      node,
      (node.status?.volumesAttached ?? []).filter((one) => one.name !== name),
    )
  for (const node of missing) await write(node, [...(node.status?.volumesAttached ?? []), { name, devicePath: '' }])
}

/** Events on the pods that wait, once for each thing that there is to tell. */
function tell(
  context: LoopContext,
  about: {
    readonly volume: PersistentVolume
    readonly attachments: readonly VolumeAttachment[]
    readonly plan: Plan
    readonly memory: Memory
  },
): void {
  const { volume, attachments, plan } = about
  const { told } = about.memory
  const title = `volume ${JSON.stringify(volume.metadata.name)}`
  const once = (nodeName: string, what: string, event: { type: 'Normal' | 'Warning'; message: string } | undefined) => {
    if (told.get(nodeName) === what) return
    told.set(nodeName, what)
    if (event) for (const pod of waitingOn(context, volume, nodeName)) context.event(pod, { ...event, reason: reasons[event.type] })
  }
  for (const { nodeName, reason } of plan.refused)
    once(nodeName, reason, { type: 'Warning', message: `Multi-Attach error for ${title} ${reason}` })
  for (const nodeName of plan.attach) once(nodeName, 'asked', undefined)
  for (const { spec, status } of attachments) {
    const { nodeName } = spec
    const failure = status?.attachError?.message
    // What was attached before this controller started is no news.
    const success = told.has(nodeName) ? ({ type: 'Normal', message: `AttachVolume.Attach succeeded for ${title} ` } as const) : undefined
    if (status?.attached) once(nodeName, 'attached', success)
    else if (failure) once(nodeName, failure, { type: 'Warning', message: `AttachVolume.Attach failed for ${title} : ${failure}` })
    else if (!success) once(nodeName, 'asked', undefined)
  }
  const known = new Set([...plan.attach, ...plan.refused.map(({ nodeName }) => nodeName), ...attachments.map(({ spec }) => spec.nodeName)])
  for (const nodeName of told.keys()) if (!known.has(nodeName)) told.delete(nodeName)
}

const reasons = { Normal: 'SuccessfulAttachVolume', Warning: 'FailedAttachVolume' } as const

function waitingOn(context: LoopContext, { spec }: PersistentVolume, nodeName: string): readonly Pod[] {
  const users = podsOfClaim(context.informer(pods), `${spec?.claimRef?.namespace}/${spec?.claimRef?.name}`)
  return users.filter((pod) => pod.spec?.nodeName === nodeName && holdsVolumes(pod))
}
