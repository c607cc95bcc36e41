import { createHash } from 'node:crypto'
import type { Node, PersistentVolume, Pod } from '../../kinds/generated/types/core-v1.ts'
import type { CSIDriver, VolumeAttachment } from '../../kinds/generated/types/storage-v1.ts'
import { isNodeReady } from '../../kinds/node-status.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { localVolumeDriver } from '../../kinds/storage/volume-binding.ts'
import { taintKeys } from '../../control/taints.ts'

/** A volume that is still mounted on a node that does not answer is taken from it after so long. */
export const forceDetachMs = 6 * 60_000

export type Observed = {
  readonly volume: PersistentVolume
  /** All pods that use the volume through its claim. */
  readonly pods: readonly Pod[]
  /** Those that this controller would make: see attachmentName. */
  readonly attachments: readonly VolumeAttachment[]
  readonly node: (name: string) => Node | undefined
  /** Since when (ms) nobody on a node wants the volume; undefined: this is the first look. */
  readonly unwantedSinceMs: (nodeName: string) => number | undefined
}

export type Plan = {
  /** Nodes to attach it to. */
  readonly attach: readonly string[]
  /** To detach: the node's status is told first, then the attachment goes. */
  readonly detach: readonly VolumeAttachment[]
  /** Nodes whose status should list the volume. */
  readonly reported: ReadonlySet<string>
  /** Nodes on which nobody wants it while it is still there. */
  readonly unwanted: readonly string[]
  /** Nodes that must wait because the volume is elsewhere and may be in one place only. */
  readonly refused: readonly { readonly nodeName: string; readonly reason: string; readonly pods: readonly Pod[] }[]
  /** When the next node that does not answer loses the volume. */
  readonly requeueAfterMs: number | undefined
}

/** The name of the one attachment of a volume to a node, upstream's: drivers compute it too. */
export function attachmentName(volume: PersistentVolume, nodeName: string): string {
  const { driver = '', volumeHandle = '' } = volume.spec?.csi ?? {}
  return `csi-${createHash('sha256').update(`${volumeHandle}${driver}${nodeName}`).digest('hex')}`
}

/** As nodes' statuses name a volume. */
export function uniqueVolumeName({ spec }: PersistentVolume): string {
  return `kubernetes.io/csi/${spec?.csi?.driver}^${spec?.csi?.volumeHandle}`
}

/** Volumes of CSI drivers are attached unless their driver says that it needs none; Keelson's own lie on the node already. */
export function isAttachable({ spec }: PersistentVolume, driver: CSIDriver | undefined): boolean {
  return spec?.csi !== undefined && spec.csi.driver !== localVolumeDriver && driver?.spec.attachRequired !== false
}

/** A pod holds its volumes from its placement until its containers have ended. */
export function holdsVolumes(pod: Pod): boolean {
  if (!pod.spec?.nodeName || isPodTerminal(pod)) return false
  const statuses = pod.status?.containerStatuses ?? []
  return pod.metadata.deletionTimestamp === undefined || statuses.length === 0 || statuses.some(({ state }) => state?.running !== undefined)
}

/** Which attachments there should be (https://kubernetes.io/docs/concepts/storage/persistent-volumes/). */
export function planAttachments(observed: Observed, nowMs: number): Plan {
  const { volume, attachments } = observed
  const wanted = Map.groupBy(observed.pods.filter(holdsVolumes), (pod) => pod.spec?.nodeName ?? '')
  const held = new Map(attachments.map((attachment) => [attachment.spec.nodeName, attachment]))
  const detach: VolumeAttachment[] = []
  const unwanted: string[] = []
  let requeueAfterMs: number | undefined
  for (const [nodeName, attachment] of held) {
    if (wanted.has(nodeName) || attachment.metadata.deletionTimestamp) continue
    unwanted.push(nodeName)
    const waitMs = detachWaitMs(observed, nodeName, nowMs)
    if (waitMs === 0) detach.push(attachment)
    else if (waitMs !== undefined) requeueAfterMs = Math.min(requeueAfterMs ?? waitMs, waitMs)
  }
  const attach: string[] = []
  const refused: Plan['refused'][number][] = []
  const places = new Set(held.keys())
  for (const [nodeName, pods] of [...wanted].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (held.has(nodeName) || !isManaged(observed.node(nodeName))) continue
    if (places.size > 0 && isForOnePlace(volume)) refused.push({ nodeName, pods, reason: refusal(observed, pods) })
    else {
      attach.push(nodeName)
      places.add(nodeName)
    }
  }
  const leaving = new Set(detach)
  const reported = new Set(
    attachments
      .filter((attachment) => attachment.status?.attached && !attachment.metadata.deletionTimestamp && !leaving.has(attachment))
      .map(({ spec }) => spec.nodeName),
  )
  return { attach, detach, reported, unwanted, refused, requeueAfterMs }
}

/** The agent of the node says that it leaves attaching to the controller; as that of upstream does by default. */
export const managedAnnotation = 'volumes.kubernetes.io/controller-managed-attach-detach'
export const isManaged = (node: Node | undefined): boolean => node?.metadata.annotations?.[managedAnnotation] !== undefined

/** 0: at once. Undefined: until the node says that it has unmounted it. */
function detachWaitMs({ volume, node, unwantedSinceMs }: Observed, nodeName: string, nowMs: number): number | undefined {
  const found = node(nodeName)
  const isMounted = found?.status?.volumesInUse?.includes(uniqueVolumeName(volume)) ?? false
  const isOff = found?.spec?.taints?.some(({ key }) => key === taintKeys.outOfService) ?? false
  if (!isMounted || isOff) return 0
  // A node that answers will unmount it.
  if (found && isNodeReady(found)) return undefined
  return Math.max(0, (unwantedSinceMs(nodeName) ?? nowMs) + forceDetachMs - nowMs)
}

function isForOnePlace({ spec }: PersistentVolume): boolean {
  return !(spec?.accessModes ?? []).some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany')
}

function refusal({ pods }: Observed, waiting: readonly Pod[]): string {
  const users = pods.filter((pod) => holdsVolumes(pod) && !waiting.includes(pod)).map(({ metadata }) => metadata.name ?? '')
  return users.length > 0
    ? `Volume is already used by pod(s) ${users.sort((a, b) => a.localeCompare(b)).join(', ')}`
    : "Volume is already exclusively attached to one node and can't be attached to another"
}
