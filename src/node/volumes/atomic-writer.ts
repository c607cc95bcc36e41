import { chmod, chown, mkdir, mkdtemp, readFile, readlink, readdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { VolumeFiles } from './volume-files.ts'

export type FileOwner = { readonly uid?: number; readonly gid?: number }

const dataLink = '..data'
const nextLink = '..data_tmp'

/**
 * Shows a new set of files in `directory` in one step, as upstream's volumes do: the files lie in a fresh `..<time>` directory, `..data`
 * points to it, and every user-visible name is a link through `..data`. A reader sees the old set or the new one, never a mixture.
 * False: the files are as they were. With a gid, files are readable by the group and directories keep it (fsGroup).
 */
export async function writeAtomically(
  directory: string,
  files: VolumeFiles,
  options: { readonly owner: FileOwner; readonly stamp: string },
): Promise<boolean> {
  await mkdir(directory, { recursive: true })
  const oldDirectory = await readlink(join(directory, dataLink)).catch(() => undefined)
  if (oldDirectory !== undefined && (await isSame(join(directory, oldDirectory), files))) {
    // An agent that died after the files were in place has left their names to the next one.
    await linkNames(directory, files)
    return false
  }
  const fresh = await mkdtemp(join(directory, `..${options.stamp}.`))
  await chmod(fresh, options.owner.gid === undefined ? 0o755 : 0o2775)
  await applyOwner(fresh, options.owner)
  for (const [path, file] of files) await writeOne(fresh, path, file, options.owner)
  await symlink(fresh.slice(directory.length + 1), join(directory, nextLink)).catch(async () => {
    // Left behind by an agent that died in between.
    await unlink(join(directory, nextLink))
    await symlink(fresh.slice(directory.length + 1), join(directory, nextLink))
  })
  await rename(join(directory, nextLink), join(directory, dataLink))
  await linkNames(directory, files)
  await dropOld(directory, fresh.slice(directory.length + 1))
  return true
}

async function writeOne(root: string, path: string, { data, mode }: { data: Uint8Array; mode: number }, owner: FileOwner): Promise<void> {
  const target = join(root, path)
  const parent = dirname(target)
  if (parent !== root) {
    await mkdir(parent, { recursive: true })
    for (let at = parent; at !== root; at = dirname(at)) {
      await chmod(at, owner.gid === undefined ? 0o755 : 0o2775)
      await applyOwner(at, owner)
    }
  }
  await writeFile(target, data)
  // The umask must not have a say, and the owner is set first: a change of owner clears bits of the mode.
  await applyOwner(target, owner)
  await chmod(target, owner.gid === undefined ? mode : mode | 0o440)
}

async function applyOwner(path: string, { uid, gid }: FileOwner): Promise<void> {
  if (uid !== undefined || gid !== undefined) await chown(path, uid ?? -1, gid ?? -1)
}

async function isSame(directory: string, files: VolumeFiles): Promise<boolean> {
  const present = await listFiles(directory).catch(() => undefined)
  if (!present || present.length !== files.size) return false
  for (const [path, file] of files) {
    const data = await readFile(join(directory, path)).catch(() => undefined)
    if (!data || !data.equals(file.data)) return false
  }
  return true
}

async function listFiles(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.filter((e) => !e.isDirectory()).map((e) => join(e.parentPath, e.name).slice(directory.length + 1))
}

/** Links for the first path segment of each file; links of names that are gone are removed. */
async function linkNames(directory: string, files: VolumeFiles): Promise<void> {
  const names = new Set([...files.keys()].map((path) => path.split('/')[0]!))
  const present = await readdir(directory)
  for (const name of names) {
    if (!present.includes(name)) await symlink(join(dataLink, name), join(directory, name))
  }
  for (const name of present) if (!name.startsWith('..') && !names.has(name)) await unlink(join(directory, name))
}

async function dropOld(directory: string, keep: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith('..') && name !== dataLink && name !== keep) await rm(join(directory, name), { recursive: true, force: true })
  }
}
