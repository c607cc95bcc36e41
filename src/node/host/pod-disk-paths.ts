import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { claimNameOf } from '../../kinds/storage/volume-binding.ts'
import type { PodDiskPaths, VolumePath } from '../stats/disk-figures.ts'
import type { PodVolumes } from '../volumes/pod-volumes.ts'
import { isApiVolume, isSecretVolume } from '../volumes/volume-files.ts'
import { identityOf, podDirectories, type PodDirectoryRoots } from './pod-directories.ts'

/** Where a pod's volumes and logs lie. What is not the node's to make, a hostPath, is not the pod's either. */
export function podDiskPaths(roots: PodDirectoryRoots, volumes: Pick<PodVolumes, 'path'>): (pod: Pod) => Promise<PodDiskPaths> {
  return async (pod) => {
    const { logs } = podDirectories(roots, identityOf(pod))
    const { namespace = '' } = pod.metadata
    return {
      volumes: (pod.spec?.volumes ?? []).flatMap((volume): VolumePath[] => {
        if (volume.hostPath) return []
        const claim = claimNameOf(pod, volume)
        return [
          {
            name: volume.name,
            path: volumes.path(pod, volume),
            claim: claim === undefined ? undefined : { name: claim, namespace },
            isEphemeral: volume.emptyDir ? volume.emptyDir.medium !== 'Memory' : isApiVolume(volume) && !isSecretVolume(volume),
          },
        ]
      }),
      logs: new Map((await readdir(logs).catch(() => [])).map((container) => [container, join(logs, container)])),
    }
  }
}
