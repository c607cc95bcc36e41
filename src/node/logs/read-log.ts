/**
 * Reads a container's log for `kubectl logs`: from a line or a time on, whole or followed, in upstream's format.
 *
 * 1. The file is read in blocks of bounded size, never whole.
 * 2. Following waits for the file system's notice; it polls nothing, and goes on in the next file when the log is rotated.
 * 3. A followed log ends when its container has ended and every line has been read.
 */
import { parseCriLogLine } from './cri-log-line.ts'
import type { LogFile, LogFiles } from './log-files.ts'

export type LogOptions = {
  readonly follow: boolean
  /** Entries from the end; undefined: all. */
  readonly tailLines: number | undefined
  readonly sinceMs: number | undefined
  readonly timestamps: boolean
  /** Output ends after this many bytes. */
  readonly limitBytes: number | undefined
  readonly stream: 'All' | 'Stdout' | 'Stderr'
}

export type LogSource = {
  readonly files: LogFiles
  readonly path: string
  /** The container writes no more. */
  readonly hasEnded: () => boolean
  /** Calls back when `hasEnded` may have changed. */
  readonly onEnd: (listener: () => void) => () => void
}

const blockBytes = 64 * 1024
/** A line that is longer than this (an engine cuts at 16 KiB) is taken as torn. */
const lineBytesMax = 1024 * 1024
const newline = 0x0a

/** Chunks of output. Throws an Error when there is no log. */
export async function* readLog(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  let file = await source.files.open(source.path)
  if (!file) throw new Error(`failed to open log file "${source.path}": no such file or directory`)
  const bell = createBell()
  const unwatch = options.follow ? source.files.watch(source.path, bell.ring) : () => {}
  const unlisten = options.follow ? source.onEnd(bell.ring) : () => {}
  signal.addEventListener('abort', bell.ring, { once: true })
  const writer = new LogFormatter(options)
  try {
    let offset = options.tailLines === undefined ? 0 : await tailOffset(file, options.tailLines)
    while (!signal.aborted) {
      // Asked before reading: what was written before the end is then surely read.
      const hasEnded = source.hasEnded()
      bell.reset()
      for (;;) {
        const block = await file.read(offset, blockBytes)
        if (block.length === 0 || signal.aborted) break
        offset += block.length
        const output = writer.take(block)
        if (output.length > 0) yield output
        if (writer.isFull) return
      }
      if (!options.follow) return
      const next: LogFile | undefined = await rotated(source, file)
      if (next) {
        // What was still written to the old file between the last look at it and its replacement.
        for (let block = await file.read(offset, blockBytes); block.length > 0; block = await file.read(offset, blockBytes)) {
          offset += block.length
          const output = writer.take(block)
          if (output.length > 0) yield output
        }
        await file.close()
        file = next
        offset = 0
      } else if (hasEnded) return
      else await bell.rung()
    }
  } finally {
    unwatch()
    unlisten()
    signal.removeEventListener('abort', bell.ring)
    await file.close()
  }
}

async function rotated({ files, path }: LogSource, file: LogFile): Promise<LogFile | undefined> {
  const identity = await files.identity(path)
  return identity === undefined || identity === file.identity ? undefined : files.open(path)
}

/** Wakes one waiter; a ring without a waiter is kept for the next. */
function createBell() {
  let isRung = false
  let wake: (() => void) | undefined
  return {
    ring: () => {
      isRung = true
      wake?.()
    },
    reset: () => {
      isRung = false
    },
    rung: async () => {
      if (!isRung) await new Promise<void>((resolve) => (wake = resolve))
      wake = undefined
    },
  }
}

/** Where the last `lines` entries begin. */
export async function tailOffset(file: LogFile, lines: number): Promise<number> {
  const size = await file.size()
  if (lines <= 0) return size
  let found = 0
  for (let end = size; end > 0; end -= Math.min(blockBytes, end)) {
    const start = Math.max(0, end - blockBytes)
    const block = await file.read(start, end - start)
    for (let i = block.length - 1; i >= 0; i--) {
      // The newline at the very end closes the last entry; it begins none.
      if (block[i] !== newline || start + i === size - 1) continue
      if (++found === lines) return start + i + 1
    }
  }
  return 0
}

/** Turns raw log bytes into output. */
class LogFormatter {
  readonly #options: LogOptions
  #rest: Buffer = Buffer.alloc(0)
  #left: number
  #isLineOpen = false
  #isPast: boolean

  constructor(options: LogOptions) {
    this.#options = options
    this.#left = options.limitBytes ?? Number.POSITIVE_INFINITY
    this.#isPast = options.sinceMs === undefined
  }

  get isFull(): boolean {
    return this.#left <= 0
  }

  take(block: Buffer): Buffer {
    let data = this.#rest.length > 0 ? Buffer.concat([this.#rest, block]) : block
    const parts: Buffer[] = []
    for (let end = data.indexOf(newline); end >= 0 && !this.isFull; end = data.indexOf(newline)) {
      this.#takeLine(data.subarray(0, end), parts)
      data = data.subarray(end + 1)
    }
    this.#rest = data.length > lineBytesMax ? Buffer.alloc(0) : Buffer.from(data)
    return Buffer.concat(parts)
  }

  #takeLine(line: Buffer, parts: Buffer[]): void {
    const entry = parseCriLogLine(line)
    if (!entry || !this.#isWanted(entry.timestamp, entry.stream)) return
    // One line of the program may be several entries: the time stands before the first alone.
    const stamp = this.#options.timestamps && !this.#isLineOpen ? Buffer.from(`${fixedNanos(entry.timestamp)} `) : Buffer.alloc(0)
    this.#isLineOpen = entry.isPartial
    const output = Buffer.concat([stamp, entry.text, entry.isPartial ? Buffer.alloc(0) : Buffer.from('\n')])
    parts.push(output.length > this.#left ? output.subarray(0, this.#left) : output)
    this.#left -= output.length
  }

  #isWanted(timestamp: string, stream: 'stdout' | 'stderr'): boolean {
    const { sinceMs, stream: wanted } = this.#options
    if (wanted !== 'All' && wanted.toLowerCase() !== stream) return false
    // Entries are in order of time: once past the moment, no more comparing.
    if (!this.#isPast) this.#isPast = Date.parse(timestamp.slice(0, 23).replace(/Z$/, '') + zoneOf(timestamp)) >= sinceMs!
    return this.#isPast
  }
}

/** Engines leave out trailing zeros; upstream shows nine digits always. */
function fixedNanos(timestamp: string): string {
  return timestamp.replace(/(?:\.(\d*))?(Z|[+-]\d\d:\d\d)$/, (_, digits = '', zone) => `.${digits.padEnd(9, '0')}${zone}`)
}

function zoneOf(timestamp: string): string {
  return timestamp.endsWith('Z') ? 'Z' : timestamp.slice(-6)
}
