import type { Pod, Volume } from '../generated/types/core-v1.ts'

/** A disk that two pods of a node may share only if both read it, if at all. */
export type ExclusiveDisk = { readonly id: string; readonly mayShareReadOnly: boolean; readonly isReadOnly: boolean }

const none: readonly ExclusiveDisk[] = []

/** The disks that a pod names directly and that a node mounts once (upstream's VolumeRestrictions). */
export function exclusiveDisksOf(pod: Pod): readonly ExclusiveDisk[] {
  const volumes = pod.spec?.volumes
  return volumes ? volumes.flatMap(disksOfVolume) : none
}

export function disksConflict(a: ExclusiveDisk, b: ExclusiveDisk): boolean {
  return a.id === b.id && !(a.mayShareReadOnly && a.isReadOnly && b.isReadOnly)
}

function disksOfVolume({ gcePersistentDisk: gce, awsElasticBlockStore: ebs, iscsi, rbd }: Volume): readonly ExclusiveDisk[] {
  if (gce) return [{ id: `gce ${gce.pdName}`, mayShareReadOnly: true, isReadOnly: gce.readOnly === true }]
  if (ebs) return [{ id: `ebs ${ebs.volumeID}`, mayShareReadOnly: false, isReadOnly: false }]
  if (iscsi) return [{ id: `iscsi ${iscsi.iqn}`, mayShareReadOnly: true, isReadOnly: iscsi.readOnly === true }]
  if (!rbd) return none
  const id = (monitor: string) => `rbd ${monitor} ${rbd.pool ?? 'rbd'} ${rbd.image}`
  return rbd.monitors.map((monitor) => ({ id: id(monitor), mayShareReadOnly: true, isReadOnly: rbd.readOnly === true }))
}
