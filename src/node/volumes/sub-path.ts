import { chown, mkdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { HostError } from '../pod/pod-host.ts'

/**
 * The path of a volumeMount's subPath inside its volume, made as a directory when it is missing. Throws HostError when a link in it
 * leads out of the volume, so that a container cannot reach the host's files by a link that it made itself.
 */
export async function resolveSubPath(
  volumePath: string,
  subPath: string,
  options: { readonly mayMake: boolean; readonly gid?: number },
): Promise<string> {
  if (subPath.startsWith('/') || subPath.split('/').includes('..'))
    throw new HostError('Failed', `failed to prepare subPath: "${subPath}" must be relative and without ".."`)
  const root = await realpath(volumePath)
  let at = root
  for (const part of subPath.split('/').filter((p) => p !== '' && p !== '.')) {
    const next = join(at, part)
    const real = await realpath(next).catch(() => undefined)
    if (real === undefined) {
      if (!options.mayMake) throw new HostError('Failed', `failed to prepare subPath: "${subPath}" does not exist in a read-only volume`)
      await mkdir(next, { mode: (await stat(at)).mode & 0o7777 })
      if (options.gid !== undefined) await chown(next, -1, options.gid)
      at = next
      continue
    }
    if (real !== root && !real.startsWith(root + sep))
      throw new HostError('Failed', `failed to prepare subPath: "${subPath}" leads out of the volume`)
    at = real
  }
  return at
}
