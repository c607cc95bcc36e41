import { join } from 'node:path'
import type { Pod, Volume } from '../../kinds/generated/types/core-v1.ts'

export type PodDirectoryRoots = {
  /** The agent's own directory; pods lie below `pods/<uid>`. */
  readonly root: string
  /** Containers' logs lie below `pods/<namespace>_<name>_<uid>/<container>/<attempt>.log`. */
  readonly logs: string
  /** A memory-backed directory for secrets. */
  readonly memory: string
}

export type PodDirectories = ReturnType<typeof podDirectories>

/** Where everything of a pod lies; the layout is upstream's, so that tools which know it work. Pure. */
export function podDirectories(roots: PodDirectoryRoots, { uid, namespace, name }: { uid: string; namespace: string; name: string }) {
  const pod = join(roots.root, 'pods', uid)
  return {
    pod,
    etcHosts: join(pod, 'etc-hosts'),
    volumes: join(pod, 'volumes'),
    containers: join(pod, 'containers'),
    subPaths: join(pod, 'volume-subpaths'),
    memory: join(roots.memory, uid),
    logs: join(roots.logs, 'pods', `${namespace}_${name}_${uid}`),
    volume: (volume: Volume) => join(pod, 'volumes', `kubernetes.io~${volumePlugin(volume)}`, volume.name),
    memoryVolume: (volume: Volume) => join(roots.memory, uid, volume.name),
    terminationLog: (container: string, attempt: number) => join(pod, 'containers', container, String(attempt)),
  }
}

export function identityOf(pod: Pod): { uid: string; namespace: string; name: string } {
  const { uid = '', namespace = '', name = '' } = pod.metadata
  return { uid, namespace, name }
}

/** Upstream's name of what makes the volume, without its `kubernetes.io/`. */
export function volumePlugin(volume: Volume): string {
  if (volume.hostPath) return 'host-path'
  if (volume.emptyDir) return 'empty-dir'
  if (volume.configMap) return 'configmap'
  if (volume.secret) return 'secret'
  if (volume.projected) return 'projected'
  if (volume.image) return 'image'
  if (volume.persistentVolumeClaim || volume.ephemeral) return 'csi'
  return 'downward-api'
}
