import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Runtime } from '../runtime/contract.ts'

export type LogRotationOptions = {
  readonly runtime: Runtime
  readonly clock: Clock
  readonly log: Log
  readonly running: () => readonly { readonly id: string; readonly logPath: string }[]
  /** A log is rotated when it is larger than this; default 10 MiB. */
  readonly bytesMax?: number
  /** Files kept a container, the present one included; default 5. */
  readonly filesMax?: number
  readonly checkPeriodMs?: number
}

const defaultBytesMax = 10 * 2 ** 20
const defaultFilesMax = 5
const defaultPeriodMs = 10_000

/** Keeps containers' logs bounded until the signal aborts. Nothing is looked at while no container runs. */
export async function rotateLogs(options: LogRotationOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const container of options.running()) {
      await rotateOne(options, container).catch((error: unknown) =>
        options.log.warn({ path: container.logPath, error: String(error) }, 'a log could not be rotated'),
      )
      if (signal.aborted) return
    }
    await sleep(options.clock, options.checkPeriodMs ?? defaultPeriodMs, signal).catch(() => {})
  }
}

async function rotateOne(options: LogRotationOptions, { id, logPath }: { readonly id: string; readonly logPath: string }): Promise<void> {
  const found = await stat(logPath).catch(() => undefined)
  if (!found || found.size < (options.bytesMax ?? defaultBytesMax)) return
  await dropOld(logPath, options.filesMax ?? defaultFilesMax)
  const rotatedPath = `${logPath}.${stampOf(options.clock.now())}`
  await rename(logPath, rotatedPath)
  try {
    await options.runtime.reopenLog(id)
  } catch (error) {
    // The engine still writes to the old file: give it its name back, so that nothing is lost.
    await rename(rotatedPath, logPath).catch(() => {})
    throw error
  }
}

/** Leaves room for the file that is about to be rotated; all rotated files but the newest are packed. */
async function dropOld(logPath: string, filesMax: number): Promise<void> {
  const directory = dirname(logPath)
  const old = (await readdir(directory)).filter((name) => name.startsWith(`${basename(logPath)}.`)).sort()
  for (const name of old.splice(0, Math.max(0, old.length - (filesMax - 2)))) await rm(join(directory, name), { force: true })
  for (const name of old) if (!name.endsWith('.gz')) await pack(join(directory, name))
}

async function pack(path: string): Promise<void> {
  const packed = `${path}.gz`
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${packed}.tmp`))
  await rename(`${packed}.tmp`, packed)
  await rm(path)
}

/** `20261123-040208`. */
function stampOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
}
