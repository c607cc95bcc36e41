import type { TLSSocket } from 'node:tls'
import { openSocket, prepareRequest, type Target } from './target.ts'

/** When each event came in, by its place in the stream (ms of performance.now). */
export type WatchConnection = {
  readonly arrivals: readonly number[]
  /** Names of the first `namesMax` objects, in the order of their events. */
  readonly names: readonly string[]
  /** Resolves when so many events have come. Throws after 120 s and when the server ends the watch. */
  until(count: number): Promise<void>
  close(): void
}

const lineFeed = 10
const closingBrace = 125
const timeoutMs = 120_000

/**
 * A watch over a connection of its own that counts the events and parses none: on two cores a hundred watchers that parse would
 * measure themselves. A frame ends in `}` and a line feed, which neither the object's JSON nor the chunks around it have.
 */
export async function openWatch(target: Target, path: string, options: { readonly readsNames: boolean }): Promise<WatchConnection> {
  const socket = await openSocket(target)
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.once('data', (head: Buffer) => {
      const text = head.toString('latin1')
      if (!text.startsWith('HTTP/1.1 200')) return reject(new Error(`the watch was refused: ${text.slice(0, 200)}`))
      resolve(counted(socket, head, options))
    })
    socket.write(prepareRequest(target, { method: 'GET', path }))
  })
}

function counted(socket: TLSSocket, head: Buffer, { readsNames }: { readonly readsNames: boolean }): WatchConnection {
  const arrivals: number[] = []
  const names: string[] = []
  let last = 0
  let rest = ''
  let waiting: { readonly count: number; readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined
  const read = (data: Buffer) => {
    const now = performance.now()
    for (let at = data.indexOf(lineFeed); at >= 0; at = data.indexOf(lineFeed, at + 1)) {
      if ((at === 0 ? last : data[at - 1]) === closingBrace) arrivals.push(now)
    }
    last = data[data.length - 1]!
    if (readsNames) {
      const text = rest + data.toString('latin1')
      const frames = text.split('}\n')
      rest = frames.pop()!
      for (const frame of frames) names.push(/"name":"([^"]+)"/.exec(frame)?.[1] ?? '')
    }
    if (waiting && arrivals.length >= waiting.count) {
      waiting.resolve()
      waiting = undefined
    }
  }
  read(head.subarray(head.indexOf('\r\n\r\n') + 4))
  socket.on('data', read)
  socket.on('close', () => waiting?.reject(new Error(`the server ended the watch after ${arrivals.length} events`)))
  return {
    arrivals,
    names,
    until: (count) =>
      new Promise((resolve, reject) => {
        if (arrivals.length >= count) return resolve()
        const timer = setTimeout(() => reject(new Error(`${arrivals.length} of ${count} events within ${timeoutMs} ms`)), timeoutMs)
        waiting = { count, resolve: () => (clearTimeout(timer), resolve()), reject }
      }),
    close: () => socket.destroy(),
  }
}
