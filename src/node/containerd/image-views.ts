import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { mountPointsUnder, mountReadOnly } from '../../platform/mount.ts'
import { runProgram, runProgramChecked } from '../../platform/run-program.ts'

/** The files of images on the host, for volumes that show them. */
export type ImageViews = {
  /**
   * Mounts the files of the image (by the engine's id, `sha256:…`) on the directory, read-only. Idempotent. `key` names the view at the engine. Rejects with what the engine says.
   */
  mount(imageId: string, directory: string, key: string): Promise<void>
  /** Forgets views by their keys, when nothing is mounted from them any more. Idempotent. */
  remove(keys: readonly string[]): Promise<void>
}

/**
 * Views by containerd's snapshots, through its own client `ctr`: CRI knows mounts of images from containerd 2.1 on only. A view is a root
 * of containerd's garbage collection, so its layers outlive the image.
 */
export function containerdImageViews(socket: string): ImageViews {
  const ctr: Ctr = (...args) => runProgramChecked('ctr', ['--address', socket, '--namespace', 'k8s.io', ...args])
  const forget = (key: string) => runProgram('ctr', ['--address', socket, '--namespace', 'k8s.io', 'snapshots', 'rm', key])
  return {
    mount: async (imageId, directory, key) => {
      if (mountPointsUnder(directory).includes(directory)) return
      const parent = chainId(await ctr('content', 'get', imageId))
      await forget(key)
      const mounts = parseMounts(await rootedView(ctr, key, parent))
      await mkdir(directory, { recursive: true })
      for (const mount of mounts) await mountReadOnly(mount, directory)
    },
    remove: async (keys) => {
      for (const key of keys) await forget(key)
    },
  }
}

export type Ctr = (...args: readonly string[]) => Promise<string>

const viewTriesMax = 5

/** Makes a view that the engine keeps. Before it has its label a collection that is under way may take it: then it is made again. */
export async function rootedView(ctr: Ctr, key: string, parent: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    const mounts = await ctr('snapshots', 'view', '--mounts', key, parent)
    try {
      await ctr('snapshots', 'label', key, 'containerd.io/gc.root=keelson')
      return mounts
    } catch (error) {
      if (tries === viewTriesMax || !/does not exist/.test(String(error))) throw error
    }
  }
}

/**
 * The name of the snapshot of all layers, from the image's configuration (JSON).
 * Source: OCI image specification, config, "Layer ChainID".
 */
export function chainId(configuration: string): string {
  const { rootfs } = JSON.parse(configuration) as { rootfs?: { diff_ids?: string[] } }
  const [first, ...rest] = rootfs?.diff_ids ?? []
  if (first === undefined) throw new Error('the image has no layers')
  return rest.reduce((chain, layer) => `sha256:${createHash('sha256').update(`${chain} ${layer}`).digest('hex')}`, first)
}

function parseMounts(text: string) {
  const mounts = JSON.parse(text) as { Type: string; Source: string; Options: string[] | null }[]
  return mounts.map(({ Type, Source, Options }) => ({ type: Type, source: Source, options: Options ?? [] }))
}
