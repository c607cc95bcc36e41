import { watch } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'

/** One log file held open: it stays readable after it has been rotated away. */
export type LogFile = {
  /** Changes with rotation. */
  readonly identity: string
  size(): Promise<number>
  /** Up to `length` bytes from `offset`; empty at the end. */
  read(offset: number, length: number): Promise<Buffer>
  close(): Promise<void>
}

/** Where containers' logs are: files on a machine, or a simulated engine's memory. */
export type LogFiles = {
  /** Undefined: there is no such log (any more). */
  open(path: string): Promise<LogFile | undefined>
  /** The identity of what lies at the path now. */
  identity(path: string): Promise<string | undefined>
  /** Calls back when the log at the path may have grown or been replaced. */
  watch(path: string, onChange: () => void): () => void
}

export function machineLogFiles(): LogFiles {
  return {
    open: openFile,
    identity: async (path) => (await stat(path).catch(() => undefined))?.ino.toString(),
    watch: watchFile,
  }
}

async function openFile(path: string): Promise<LogFile | undefined> {
  const file = await open(path, 'r').catch(() => undefined)
  if (!file) return undefined
  const { ino } = await file.stat()
  return {
    identity: ino.toString(),
    size: async () => (await file.stat()).size,
    read: async (offset, length) => {
      const buffer = Buffer.allocUnsafe(length)
      const { bytesRead } = await file.read(buffer, 0, length, offset)
      return buffer.subarray(0, bytesRead)
    },
    close: () => file.close(),
  }
}

/** The directory is watched, not the file: rotation puts another file at the path. */
function watchFile(path: string, onChange: () => void): () => void {
  const name = basename(path)
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_, changed) => {
      if (changed === null || changed === name) onChange()
    })
    watcher.on('error', onChange)
    return () => watcher.close()
  } catch {
    return () => {}
  }
}

/** A simulated engine's logs as files. */
export function memoryLogFiles(source: {
  readLog(path: string): string
  onLogChange(path: string, listener: () => void): () => void
}): LogFiles {
  return {
    open: async (path) => ({
      identity: path,
      size: async () => Buffer.byteLength(source.readLog(path)),
      read: async (offset, length) => Buffer.from(source.readLog(path)).subarray(offset, offset + length),
      close: async () => {},
    }),
    identity: async (path) => path,
    watch: (path, onChange) => source.onLogChange(path, onChange),
  }
}
