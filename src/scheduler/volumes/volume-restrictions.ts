import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { disksConflict, exclusiveDisksOf } from '../../kinds/storage/exclusive-disks.ts'
import type { Informer } from '../../client/informer-contract.ts'
import type { PodPlugin } from '../core/judgement.ts'
import type { Rejection } from '../core/plugin.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { claimsOf, type PodClaim, type VolumeSources } from './volume-sources.ts'

const claimIndex = 'claim'
const inUse = 'node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod'
const diskConflict = 'node(s) had no available disk'

/**
 * Keeps pods off volumes that they may not share: a claim in mode ReadWriteOncePod serves one pod in the cluster, and disks that
 * are attached to a node by a pod there are not mounted a second time by another.
 */
export function volumeRestrictions(options: {
  readonly snapshot: Snapshot
  readonly sources: VolumeSources
  readonly pods: Informer<Pod>
}): PodPlugin {
  const { snapshot, sources, pods } = options
  pods.addIndex(claimIndex, (pod) => claimsOf(pod).map((c) => c.key))
  const conflictOf = (pod: Pod, claims: readonly PodClaim[]): string | undefined =>
    claims
      .filter(({ key }) => sources.claims.get(key)?.spec?.accessModes?.includes('ReadWriteOncePod'))
      .find(({ key }) =>
        pods.byIndex(claimIndex, key).some((other) => other.metadata.uid !== pod.metadata.uid && snapshot.pod(podKey(other)) !== undefined),
      )?.key
  return {
    name: 'VolumeRestrictions',
    judge: (pod) => {
      const claims = claimsOf(pod)
      const claim = claims.length === 0 ? undefined : conflictOf(pod, claims)
      const disks = exclusiveDisksOf(pod)
      if (claim === undefined && disks.length === 0) return undefined
      const users = claim === undefined ? undefined : pods.byIndex(claimIndex, claim).map(podKey)
      // Preemption asks again with pods lifted out: what counts is who is in the snapshot at that moment.
      const isInUse = () => users?.some((key) => key !== podKey(pod) && (snapshot.pod(key)?.row ?? -1) >= 0) === true
      const hasConflict = (row: number) =>
        disks.some((disk) => snapshot.podsOf(row).some((entry) => exclusiveDisksOf(entry.pod).some((o) => disksConflict(disk, o))))
      return {
        kind: 'Judged',
        plugin: {
          name: 'VolumeRestrictions',
          weight: 0,
          compiled: {
            domainFilter: (row) => !isInUse() && !hasConflict(row),
            reject: () => (isInUse() ? claimRejection(claim!) : diskRejection),
          },
        },
      }
    },
  }
}

const podKey = (pod: Pod) => `${pod.metadata.namespace}/${pod.metadata.name}`

const claimRejection = (claim: string): Rejection => ({
  reasons: [inUse],
  details: [`claim ${claim} allows one pod, and another runs with it`],
  isResolvable: true,
})

const diskRejection: Rejection = {
  reasons: [diskConflict],
  details: ['a pod here uses the same disk'],
  isResolvable: true,
}
