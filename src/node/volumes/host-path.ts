import { mkdir, stat, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { HostPathVolumeSource } from '../../kinds/generated/types/core-v1.ts'
import { failedMount } from './volume-files.ts'

/** Checks (or makes) what a hostPath volume names, by its type. Throws HostError with upstream's text. */
export async function setUpHostPath(volume: string, { path, type = '' }: HostPathVolumeSource): Promise<string> {
  const wrong = (what: string) => failedMount(volume, `hostPath type check failed: ${path} is not ${what}`)
  const found = await stat(path).catch(() => undefined)
  switch (type) {
    case '':
      // The engine would make a missing path silently; so that it is a directory for sure, it is made here.
      if (!found) await mkdir(path, { recursive: true })
      break
    case 'DirectoryOrCreate':
      if (!found) await mkdir(path, { recursive: true, mode: 0o755 })
      else if (!found.isDirectory()) throw wrong('a directory')
      break
    case 'FileOrCreate':
      if (!found) await makeFile(path).catch(() => Promise.reject(wrong('a file')))
      else if (!found.isFile()) throw wrong('a file')
      break
    case 'Directory':
      if (!found?.isDirectory()) throw wrong('a directory')
      break
    case 'File':
      if (!found?.isFile()) throw wrong('a file')
      break
    case 'Socket':
      if (!found?.isSocket()) throw wrong('a socket file')
      break
    case 'CharDevice':
      if (!found?.isCharacterDevice()) throw wrong('a character device')
      break
    case 'BlockDevice':
      if (!found?.isBlockDevice()) throw wrong('a block device')
      break
  }
  return path
}

/** The parent has to be there: a file in a directory that nobody made is a mistake, not a wish. */
async function makeFile(path: string): Promise<void> {
  if (!(await stat(dirname(path))).isDirectory()) throw new Error('the parent is no directory')
  await writeFile(path, '', { mode: 0o644, flag: 'wx' })
}
