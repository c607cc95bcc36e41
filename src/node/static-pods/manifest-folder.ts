import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { watchFolder } from '../../platform/folder-watch.ts'
import type { Manifest } from './read-manifest.ts'

export type ManifestFolderOptions = {
  /** A folder of manifests, or one manifest. What is not there may come. */
  readonly path: string
  readonly nodeName: string
  readonly clock: Clock
  readonly log: Log
}

const manifestsMax = 500
const manifestBytesMax = 2 ** 20

/**
 * Reads the manifests of static pods, and reads them again when a file changes. A file that cannot be used is told of and left out; one
 * whose name begins with a dot is none. The returned function ends it.
 */
export async function watchManifests(options: ManifestFolderOptions, onPods: (pods: readonly Pod[]) => void): Promise<() => void> {
  const { path, nodeName, clock, log } = options
  // The rules of pods are many: only a node with such a folder loads them.
  const { readManifest } = await import('./read-manifest.ts')
  const told = new Map<string, string>()
  const tell = (file: string, error: string) => {
    if (told.get(file) === error) return
    told.set(file, error)
    log.warn({ file, error }, 'a manifest of a static pod cannot be used')
  }
  const look = () => {
    const found = new Map<string, Pod>()
    for (const file of manifestFiles(path)) {
      const manifest = readFile(file, (text) => readManifest(text, { path: file, nodeName }))
      if ('error' in manifest) {
        tell(file, manifest.error)
        continue
      }
      const { namespace, name } = manifest.pod.metadata
      if (found.has(`${namespace}/${name}`)) tell(file, `another file describes ${namespace}/${name}, too`)
      else {
        told.delete(file)
        found.set(`${namespace}/${name}`, manifest.pod)
      }
    }
    onPods([...found.values()])
  }
  mkdirSync(dirname(path), { recursive: true })
  const end = watchFolder(path, look, { clock })
  look()
  return end
}

function manifestFiles(path: string): string[] {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return stat?.isFile() ? [path] : []
  const names = readdirSync(path).filter((name) => !name.startsWith('.'))
  return names
    .sort()
    .map((name) => join(path, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile())
    .slice(0, manifestsMax)
}

function readFile(file: string, read: (text: string) => Manifest): Manifest {
  try {
    if (statSync(file).size > manifestBytesMax) return { error: `it is larger than ${manifestBytesMax} bytes` }
    return read(readFileSync(file, 'utf8'))
  } catch (error) {
    return { error: (error as Error).message }
  }
}
