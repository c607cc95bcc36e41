import { statSync } from 'node:fs'

export type FileLock = { release(): void }

const sqliteBusy = 5

/**
 * A lock of the operating system on a file, which is made where there is none and dies with this process: a write transaction of SQLite, as
 * Node has no lock of its own. Undefined while another process has it. Who has it may remove the file. Throws where it cannot be made.
 */
export async function tryFileLock(path: string): Promise<FileLock | undefined> {
  const { DatabaseSync } = await import('node:sqlite')
  const lock = new DatabaseSync(path, { timeout: 0 })
  const inode = inodeOf(path)
  try {
    // No file beside this one.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined
    throw error
  }
  // Removed meanwhile by who had it: the next comer makes another.
  if (inode === undefined || inodeOf(path) !== inode) {
    lock.close()
    return undefined
  }
  return { release: () => lock.close() }
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino
}
