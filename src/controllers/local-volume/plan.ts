/**
 * The built-in provisioner: claims of classes with provisioner `local.keelson.dev` get a directory on the disk of one node. The
 * volume says which node by its affinity; that node's agent makes the directory when it is first mounted, and removes it with
 * the volume. Nothing but a directory: sizes are promised, not enforced, so a volume grows by being asked to.
 */
import type { Node, PersistentVolume, PersistentVolumeClaim } from '../../kinds/generated/types/core-v1.ts'
import type { StorageClass } from '../../kinds/generated/types/storage-v1.ts'
import { localVolumeDriver, localVolumeFinalizer, volumeAnnotations } from '../../kinds/storage/volume-binding.ts'
import { compareQuantity } from '../../machinery/quantity.ts'

export type ClaimObserved = {
  readonly claim: PersistentVolumeClaim
  readonly storageClass: StorageClass
  /** Where it is wanted: the node that was selected or that a consumer is on. Undefined: nobody cares. */
  readonly wantedNode: string | undefined
  readonly nodes: readonly Node[]
  /** How many local volumes each node has. */
  readonly volumesOn: (node: string) => number
}

export type ClaimPlan =
  | { readonly type: 'none' }
  | { readonly type: 'provision'; readonly volume: PersistentVolume }
  /** The selected node is gone: the scheduler is asked again. */
  | { readonly type: 'deselect'; readonly claim: PersistentVolumeClaim }
  | { readonly type: 'refuse'; readonly message: string }

const { selectedNode, provisionedBy } = volumeAnnotations
const hostnameLabel = 'kubernetes.io/hostname'
const offeredModes = ['ReadWriteOnce', 'ReadWriteOncePod']

/** What becomes of a claim that asks for a local volume and has none. */
export function planProvisioning(observed: ClaimObserved): ClaimPlan {
  const { claim, storageClass, wantedNode } = observed
  const reason = unsupported(claim)
  if (reason) return { type: 'refuse', message: `failed to provision volume with StorageClass "${storageClass.metadata.name}": ${reason}` }
  const isDelayed = storageClass.volumeBindingMode === 'WaitForFirstConsumer'
  if (isDelayed && wantedNode === undefined) return { type: 'none' }
  const node = wantedNode === undefined ? emptiest(observed) : observed.nodes.find(({ metadata }) => metadata.name === wantedNode)
  if (node) return { type: 'provision', volume: volumeFor(claim, storageClass, node) }
  const { [selectedNode]: selected, ...annotations } = claim.metadata.annotations ?? {}
  if (selected !== undefined) return { type: 'deselect', claim: { ...claim, metadata: { ...claim.metadata, annotations } } }
  return {
    type: 'refuse',
    message: `failed to provision volume with StorageClass "${storageClass.metadata.name}": no node is ready to hold it`,
  }
}

function unsupported({ spec = {} }: PersistentVolumeClaim): string | undefined {
  if (spec.selector) return 'claim Selector is not supported'
  if (spec.volumeMode === 'Block') return 'block volumes are not offered by this class'
  const mode = spec.accessModes?.find((wanted) => !offeredModes.includes(wanted))
  if (mode) return `access mode ${mode} is not offered by this class: its volumes are directories of one node`
  if (spec.dataSourceRef || spec.dataSource) return 'data sources are not offered by this class'
  return undefined
}

/** For a claim that waits for no consumer: the ready node with the fewest volumes, then the first by name. */
function emptiest({ nodes, volumesOn }: ClaimObserved): Node | undefined {
  const isReady = ({ spec, status }: Node) =>
    !spec?.unschedulable && (status?.conditions ?? []).some(({ type, status: value }) => type === 'Ready' && value === 'True')
  const nameOf = ({ metadata }: Node) => metadata.name ?? ''
  return nodes.filter(isReady).sort((a, b) => volumesOn(nameOf(a)) - volumesOn(nameOf(b)) || (nameOf(a) < nameOf(b) ? -1 : 1))[0]
}

function volumeFor(claim: PersistentVolumeClaim, storageClass: StorageClass, node: Node): PersistentVolume {
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = claim.metadata
  const hostname = node.metadata.labels?.[hostnameLabel] ?? node.metadata.name ?? ''
  const volumeName = `pvc-${uid}`
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: volumeName, annotations: { [provisionedBy]: localVolumeDriver } },
    spec: {
      accessModes: [...(claim.spec?.accessModes ?? [])],
      capacity: { storage: claim.spec?.resources?.requests?.storage ?? '0' },
      claimRef: { kind: 'PersistentVolumeClaim', namespace, name, uid, apiVersion: 'v1', resourceVersion },
      csi: { driver: localVolumeDriver, volumeHandle: volumeName },
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: hostnameLabel, operator: 'In', values: [hostname] }] }] },
      },
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name ?? '',
      ...(claim.spec?.volumeAttributesClassName ? { volumeAttributesClassName: claim.spec.volumeAttributesClassName } : {}),
      volumeMode: 'Filesystem',
      ...(storageClass.mountOptions ? { mountOptions: [...storageClass.mountOptions] } : {}),
    },
  }
}

export type VolumePlan =
  | { readonly type: 'none' }
  | { readonly type: 'delete' }
  /** No node is left that could remove the directory: the finalizer that waits for it goes. */
  | { readonly type: 'release'; readonly volume: PersistentVolume }

/** What becomes of a local volume whose claim is gone. */
export function planReclaim(volume: PersistentVolume, nodeExists: boolean): VolumePlan {
  const { metadata, spec, status } = volume
  if (!metadata.deletionTimestamp)
    return spec?.persistentVolumeReclaimPolicy === 'Delete' && status?.phase === 'Released' ? { type: 'delete' } : { type: 'none' }
  const finalizers = metadata.finalizers ?? []
  if (nodeExists || !finalizers.includes(localVolumeFinalizer)) return { type: 'none' }
  return {
    type: 'release',
    volume: { ...volume, metadata: { ...metadata, finalizers: finalizers.filter((f) => f !== localVolumeFinalizer) } },
  }
}

export type GrowthPlan = { readonly volume?: PersistentVolume; readonly claim?: PersistentVolumeClaim }

/** The next write of a bound claim that asks for more than it has: first the volume grows, then the claim is told. */
export function planGrowth(claim: PersistentVolumeClaim, volume: PersistentVolume): GrowthPlan {
  const wanted = claim.spec?.resources?.requests?.storage ?? '0'
  const offered = volume.spec?.capacity?.storage ?? '0'
  if (compareQuantity(wanted, offered) > 0)
    return { volume: { ...volume, spec: { ...volume.spec, capacity: { ...volume.spec?.capacity, storage: wanted } } } }
  const told = claim.status?.capacity?.storage ?? '0'
  if (claim.status?.phase !== 'Bound' || compareQuantity(offered, told) <= 0 || compareQuantity(wanted, told) <= 0) return {}
  const { allocatedResources: _a, allocatedResourceStatuses: _s, conditions = [], ...status } = claim.status
  const others = conditions.filter(({ type }) => type !== 'Resizing' && type !== 'FileSystemResizePending')
  const next = { ...status, capacity: { ...status.capacity, storage: offered }, ...(others.length > 0 ? { conditions: others } : {}) }
  return { claim: { ...claim, status: next } }
}
