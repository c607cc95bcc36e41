import type { Readable, Writable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import type { Status } from '../../kinds/generated/types/meta-v1.ts'
import type { ProcessStreams } from '../runtime/contract.ts'

export type CommandOptions = {
  readonly stdin: boolean
  readonly stdout: boolean
  readonly stderr: boolean
  readonly tty: boolean
}

/** The client's ends of a remote command, whatever protocol carries them. */
export type CommandChannels = {
  readonly stdin: Readable | undefined
  readonly stdout: Writable | undefined
  readonly stderr: Writable | undefined
  onResize(handler: (size: { width: number; height: number }) => void): void
  /** Tells how it ended, as the last thing. */
  finish(status: Status): Promise<void>
  /** Aborts when the client is gone. */
  readonly gone: AbortSignal
}

/** What may still arrive of the output after the process has ended. */
const drainMs = 5_000

/**
 * Joins a process with the client's channels until it ends, then tells its exit as a Status. Never rejects. `after` runs a callback
 * after a time (the clock's).
 */
export async function runRemoteCommand(
  start: () => Promise<ProcessStreams>,
  channels: CommandChannels,
  after: (delayMs: number, callback: () => void) => () => void,
): Promise<void> {
  let running: ProcessStreams
  try {
    running = await start()
  } catch (error) {
    await channels.finish(failureStatus(error))
    return
  }
  const onGone = () => running.close()
  if (channels.gone.aborted) onGone()
  channels.gone.addEventListener('abort', onGone, { once: true })
  channels.onResize((size) => running.resize(size))
  const outputs = [join(running.stdout, channels.stdout), join(running.stderr, channels.stderr)]
  if (channels.stdin && running.stdin) void pipeline(channels.stdin, running.stdin).catch(() => {})
  let status: Status
  try {
    const { exitCode } = await running.done
    status = exitStatus(exitCode)
  } catch (error) {
    status = failureStatus(error)
  }
  const late = Promise.withResolvers<void>()
  const cancel = after(drainMs, late.resolve)
  await Promise.race([Promise.all(outputs), late.promise])
  cancel()
  channels.gone.removeEventListener('abort', onGone)
  await channels.finish(status)
  running.close()
}

async function join(from: NodeJS.ReadableStream | undefined, to: Writable | undefined): Promise<void> {
  if (!from) return
  if (!to) {
    ;(from as Readable).resume()
    return
  }
  from.pipe(to, { end: false })
  // An engine's stream may be a duplex whose other half nobody ends.
  await finished(from as Readable, { writable: false }).catch(() => {})
}

/** v4 and later tell the exit as a Status on the error channel. */
export function exitStatus(exitCode: number | undefined): Status {
  if (exitCode === undefined || exitCode === 0) return { metadata: {}, status: 'Success' }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
  }
}

export function failureStatus(error: unknown): Status {
  const message = `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`
  return { metadata: {}, status: 'Failure', message, reason: 'InternalError', details: { causes: [{ message }] }, code: 500 }
}

/** Reads `{"Width":80,"Height":24}` objects out of a stream of JSON texts. */
export function readSizes(stream: Readable, handler: (size: { width: number; height: number }) => void): void {
  let text = ''
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      const size = parseSize(text.slice(0, end + 1))
      text = text.slice(end + 1)
      if (size) handler(size)
    }
    if (text.length > 1024) text = ''
  })
  stream.on('error', () => {})
}

export function parseSize(text: string): { width: number; height: number } | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown }
    return typeof Width === 'number' && typeof Height === 'number' ? { width: Width, height: Height } : undefined
  } catch {
    return undefined
  }
}
