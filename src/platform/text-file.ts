import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname } from 'node:path'

/** The file's text; undefined when there is no such file. Other failures throw. */
export function readTextFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}

/** Changes whenever the file's content may have changed; undefined when there is no such file. */
export function fileVersion(path: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat && `${stat.ino}:${stat.mtimeMs}:${stat.size}`
}

/** Replaces the file in one step, so that a reader sees the old text or the new one. Missing folders are made. */
export function writeTextFile(path: string, text: string, mode = 0o600): void {
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.new`
  writeFileSync(temporary, text, { mode })
  renameSync(temporary, path)
}

export function environmentVariable(name: string): string | undefined {
  return process.env[name]
}

export function homeDirectory(): string {
  return homedir()
}
