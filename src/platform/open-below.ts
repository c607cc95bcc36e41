import { constants } from 'node:fs'
import { chown, type FileHandle, mkdir, open } from 'node:fs/promises'

/** Linux's O_PATH, which Node does not name: a handle on the place itself, good for walking on and for mounting. */
const pathOnly = 0o10000000
const step = pathOnly | constants.O_NOFOLLOW

export type OpenPlace = {
  /** A path that means this very file or directory for every process of this machine, whatever others rename meanwhile. */
  readonly path: string
  readonly isDirectory: boolean
  close(): Promise<void>
}

/**
 * Opens `parts` below the directory `root` one by one without following a link: whoever swaps a part for a link meanwhile makes this
 * reject, never lead elsewhere. With `make`, missing parts become directories of their parent's mode (and of that group).
 */
export async function openBelow(root: string, parts: readonly string[], make?: { readonly gid?: number }): Promise<OpenPlace> {
  let at = await open(root, step)
  try {
    for (const part of parts) {
      const next = await openStep(at, part, make)
      await at.close()
      at = next
    }
    const status = await at.stat()
    if (status.isSymbolicLink()) throw new Error(`"${parts.join('/')}" is a link`)
    const place = at
    return { path: fdPath(place), isDirectory: status.isDirectory(), close: () => place.close() }
  } catch (error) {
    await at.close().catch(() => {})
    throw error
  }
}

async function openStep(parent: FileHandle, name: string, make: { readonly gid?: number } | undefined): Promise<FileHandle> {
  const path = `${fdPath(parent)}/${name}`
  try {
    return await open(path, step)
  } catch (error) {
    if (!make || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const { mode } = await parent.stat()
    await mkdir(path)
    const made = await open(path, step | constants.O_DIRECTORY)
    // The umask must not have a say in who may write there.
    const madeDirectory = await open(`${fdPath(made)}/.`, constants.O_RDONLY | constants.O_DIRECTORY)
    await madeDirectory.chmod(mode & 0o7777)
    await madeDirectory.close()
    if (make.gid !== undefined) await chown(`${fdPath(made)}/.`, -1, make.gid)
    return made
  }
}

function fdPath(handle: FileHandle): string {
  return `/proc/${process.pid}/fd/${handle.fd}`
}
