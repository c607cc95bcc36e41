/** A file of lines that is put aside when it has grown, as audit logs are kept; at most so many old ones, and none that is too old. */
import {
  createReadStream,
  createWriteStream,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  type WriteStream,
} from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Clock } from '../base/clock.ts'

export type RotatingFileOptions = {
  /** `-` is the standard output, which is never put aside. */
  readonly path: string
  /** 0: never put aside. */
  readonly bytesMax: number
  /** Old files that are kept; 0: all. */
  readonly backupsMax: number
  /** 0: however old. */
  readonly ageMaxMs: number
  /** Whether what is put aside is compressed. */
  readonly isCompressed?: boolean
  readonly clock: Clock
  /** Told once for each failure of the file. */
  readonly onError: (error: Error) => void
}

/** Bytes that may wait for the disk before writers are asked to wait. */
const waitingBytesMax = 8 * 1024 * 1024

export type RotatingFile = { write(line: string): void; full(): Promise<void> | undefined; close(): Promise<void> }

/** Throws when the file cannot be opened. Files are of mode 0600. */
export function openRotatingFile(options: RotatingFileOptions): RotatingFile {
  const { path, bytesMax, clock, onError } = options
  const isStdout = path === '-'
  let size = 0
  const open = (): WriteStream | NodeJS.WriteStream => {
    if (isStdout) return process.stdout
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // Opened at once: a stream that opens later could not be renamed yet.
    const stream = createWriteStream(path, { fd: openSync(path, 'a', 0o600) })
    stream.on('error', onError)
    return stream
  }
  if (!isStdout) size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  let stream = open()
  let room: Promise<void> | undefined
  const putAside = () => {
    stream.end()
    const aged = agedName(path, clock.now())
    renameSync(path, aged)
    if (options.isCompressed) stream.once('close', () => void compress(aged).catch(onError))
    dropOld(options)
    stream = open()
    size = 0
  }
  return {
    write: (line) => {
      const text = `${line}\n`
      const bytes = Buffer.byteLength(text)
      if (!isStdout && bytesMax > 0 && size > 0 && size + bytes > bytesMax) putAside()
      size += bytes
      stream.write(text)
    },
    full: () => {
      if (stream.writableLength < waitingBytesMax) return undefined
      const waitedFor = stream
      room ??= new Promise<void>((resolve) => {
        const done = () => {
          room = undefined
          resolve()
        }
        waitedFor.once('drain', done)
        waitedFor.once('close', done)
      })
      return room
    },
    close: () => (isStdout ? Promise.resolve() : new Promise((resolve) => stream.end(() => resolve()))),
  }
}

/** `audit.log` → `audit-2026-01-02T03-04-05.678.log`. */
function agedName(path: string, nowMs: number): string {
  const extension = extname(path)
  const stamp = new Date(nowMs).toISOString().replace(/:/g, '-').replace('Z', '')
  for (let i = 0; ; i++) {
    const aged = `${path.slice(0, path.length - extension.length)}-${stamp}${i === 0 ? '' : `-${i}`}${extension}`
    if (!statSync(aged, { throwIfNoEntry: false })) return aged
  }
}

/** The plain file goes when the compressed one is whole. */
async function compress(path: string): Promise<void> {
  const unfinished = `${path}.gz.part`
  await pipeline(createReadStream(path), createGzip(), createWriteStream(unfinished, { mode: 0o600 }))
  renameSync(unfinished, `${path}.gz`)
  rmSync(path, { force: true })
}

function dropOld({ path, backupsMax, ageMaxMs, clock }: RotatingFileOptions): void {
  const extension = extname(path)
  const stem = `${basename(path, extension)}-`
  const dir = dirname(path)
  const aged = readdirSync(dir)
    .filter(
      (name) =>
        name.startsWith(stem) &&
        (name.endsWith(extension) || name.endsWith(`${extension}.gz`)) &&
        /^\d{4}-\d\d-\d\dT/.test(name.slice(stem.length)),
    )
    .sort()
    .reverse()
  aged.forEach((name, i) => {
    const isTooOld = ageMaxMs > 0 && clock.now() - statSync(join(dir, name)).mtimeMs > ageMaxMs
    if ((backupsMax > 0 && i >= backupsMax) || isTooOld) rmSync(join(dir, name), { force: true })
  })
}
