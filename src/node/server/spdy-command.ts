import type { Duplex } from 'node:stream'
import { type CommandChannels, type CommandOptions, readSizes } from './remote-command.ts'
import { createSpdySession, type SpdyServerStream } from './spdy-session.ts'

/** Protocols of remote commands over SPDY, best first. v1 and v2 have no resize stream; before v4 the error stream holds plain text. */
export const spdyCommandProtocols = ['v4.channel.k8s.io', 'v3.channel.k8s.io', 'v2.channel.k8s.io', 'channel.k8s.io'] as const

/** How long a client may take to open the streams that its request announced. */
const openTimeoutMs = 30_000

/**
 * Waits until the client has opened every stream of its request, and gives them as channels. Undefined: it did not in time.
 */
export async function spdyCommandChannels(
  connection: { readonly socket: Duplex; readonly head: Uint8Array; readonly protocol: string },
  options: CommandOptions,
  after: (delayMs: number, callback: () => void) => () => void,
): Promise<CommandChannels | undefined> {
  const { protocol } = connection
  const hasResize = options.tty && (protocol.startsWith('v3') || protocol.startsWith('v4'))
  const wanted = new Set(['error', ...(options.stdin ? ['stdin'] : []), ...(options.stdout ? ['stdout'] : [])])
  if (options.stderr && !options.tty) wanted.add('stderr')
  if (hasResize) wanted.add('resize')
  const streams = new Map<string, SpdyServerStream>()
  const opened = Promise.withResolvers<boolean>()
  const session = createSpdySession(connection.socket, connection.head, (stream) => {
    const type = stream.headers.streamtype ?? ''
    if (!wanted.has(type) || streams.has(type)) return stream.reset()
    streams.set(type, stream)
    if (streams.size === wanted.size) opened.resolve(true)
  })
  const gone = new AbortController()
  void session.closed.then(() => {
    gone.abort()
    opened.resolve(false)
  })
  const cancel = after(openTimeoutMs, () => opened.resolve(false))
  const isComplete = await opened.promise
  cancel()
  if (!isComplete) {
    session.close()
    return undefined
  }
  // The client's half of what only we write on is of no interest, but must be read to its end.
  for (const type of ['error', 'stdout', 'stderr']) streams.get(type)?.resume()
  return {
    stdin: streams.get('stdin'),
    stdout: streams.get('stdout'),
    stderr: streams.get('stderr'),
    gone: gone.signal,
    onResize: (handler) => {
      const resize = streams.get('resize')
      if (resize) readSizes(resize, handler)
    },
    finish: async (status) => {
      const error = streams.get('error')!
      const isStatus = protocol.startsWith('v4')
      const text = isStatus ? JSON.stringify(status) : status.status === 'Success' ? '' : (status.message ?? '')
      await ended(streams.get('stdout'))
      await ended(streams.get('stderr'))
      if (text) error.write(text)
      await ended(error)
      await ended(streams.get('stdin'))
      session.close()
    },
  }
}

function ended(stream: SpdyServerStream | undefined): Promise<void> {
  if (!stream || stream.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    stream.once('close', () => resolve())
    stream.end(() => resolve())
  })
}
