import { mkdir, readFile, realpath, rmdir, stat, writeFile } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { bindMount, mountPointsUnder, unmount } from '../../platform/mount.ts'
import { openBelow, type OpenPlace } from '../../platform/open-below.ts'
import { HostError } from '../pod/pod-host.ts'

/** The group of directories that are made on the way. */
type Made = { readonly gid?: number }

/**
 * The path of a volumeMount's subPath inside its volume. Throws HostError when it leads out of the volume. The answer holds only while
 * nobody changes the volume: good for volumes that containers cannot write.
 */
export async function resolveSubPath(volumePath: string, subPath: string): Promise<string> {
  const { root, real, missing } = await walk(volumePath, subPath)
  if (missing.length > 0) throw failed(`"${subPath}" does not exist in a read-only volume`)
  return join(root, real)
}

/**
 * Binds a subPath to `target` and gives the target: the engine mounts from there, so that a container which swaps the path for a link
 * to the host's files between the check and the mount gains nothing. What a former bind left at the target goes.
 */
export async function bindSubPath(volumePath: string, subPath: string, target: string, made: Made): Promise<string> {
  const place = await openSubPath(volumePath, subPath, made)
  try {
    await clearTarget(target)
    await mkdir(place.isDirectory ? target : dirname(target), { recursive: true })
    if (!place.isDirectory) await writeFile(target, '')
    await bindMount(place.path, target)
    return target
  } finally {
    await place.close()
  }
}

/** Makes the directories of a subPath that are missing. */
export async function makeSubPath(volumePath: string, subPath: string, made: Made): Promise<void> {
  const place = await openSubPath(volumePath, subPath, made)
  await place.close()
}

/** The text of a file inside a volume, of at most `bytesMax`. Rejects for what is no file there, or too large. */
export async function readVolumeFile(volumePath: string, path: string, bytesMax: number): Promise<string> {
  const { root, real, missing } = await walk(volumePath, path)
  if (missing.length > 0) throw new Error(`"${path}" does not exist`)
  const place = await openBelow(root, real.split(sep))
  try {
    const status = await stat(place.path)
    // Who opens a pipe waits for its other end.
    if (!status.isFile()) throw new Error(`"${path}" is no file`)
    if (status.size > bytesMax) throw new Error(`"${path}" is larger than ${bytesMax} bytes`)
    return await readFile(place.path, 'utf8')
  } finally {
    await place.close()
  }
}

async function openSubPath(volumePath: string, subPath: string, made: Made): Promise<OpenPlace> {
  const { root, real, missing } = await walk(volumePath, subPath)
  const parts = [...real.split(sep), ...missing].filter((part) => part !== '')
  return openBelow(root, parts, made).catch((error: unknown) => {
    throw failed(`"${subPath}" changed while it was opened: ${(error as Error).message}`)
  })
}

/** The part of the path that is there, with its links followed inside the volume, and the part that is not. */
async function walk(volumePath: string, subPath: string): Promise<{ root: string; real: string; missing: string[] }> {
  if (subPath.startsWith('/')) throw new HostError('Failed', `error SubPath \`${subPath}\` must not be an absolute path`)
  if (subPath.split('/').includes('..')) throw new HostError('Failed', `unable to provision SubPath \`${subPath}\`: must not contain '..'`)
  const root = await realpath(volumePath)
  const parts = subPath.split('/').filter((p) => p !== '' && p !== '.')
  let at = root
  for (const [i, part] of parts.entries()) {
    const real = await realpath(join(at, part)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw failed(`"${subPath}": ${error.message}`)
    })
    if (real === undefined) return { root, real: relative(root, at), missing: parts.slice(i) }
    if (real !== root && !real.startsWith(root + sep)) throw failed(`"${subPath}" leads out of the volume`)
    at = real
  }
  return { root, real: relative(root, at), missing: [] }
}

async function clearTarget(target: string): Promise<void> {
  for (const point of mountPointsUnder(target)) await unmount(point)
  // Only a directory may stand in the way of a file, and it is empty: what was mounted on it is gone.
  await rmdir(target).catch(() => {})
}

function failed(why: string): HostError {
  return new HostError('Failed', `failed to prepare subPath: ${why}`)
}
