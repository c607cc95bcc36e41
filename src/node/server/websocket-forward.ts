import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { decodeChannel, encodeChannel } from './channel-message.ts'
import { NotServed } from './log-options.ts'
import { type Dial, joinPipes } from './port-forward.ts'

/** Port-forward without SPDY, for clients that speak plain WebSocket: the ports are fixed by the query. */
export const webSocketForwardProtocols = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'] as const

/** The channel's number is one byte, and each port has two. */
const portsMax = 127

/** The ports of `?port=80&port=81,82`. Throws NotServed 400. */
export function forwardedPorts(query: URLSearchParams): number[] {
  const texts = query.getAll('port').flatMap((text) => text.split(','))
  if (texts.length === 0) throw new NotServed(400, 'query parameter "port" is required')
  if (texts.length > portsMax) throw new NotServed(400, `at most ${portsMax} ports can be forwarded at once`)
  return texts.map((text) => {
    const port = Number(text)
    if (!/^\d+$/.test(text) || port < 1 || port > 65_535)
      throw new NotServed(400, `query parameter "port" must be between 1 and 65535: "${text}"`)
    return port
  })
}

/**
 * Serves one connection a port: the i-th port's bytes are on channel 2i, its failure as text on channel 2i + 1; the first message on
 * each is the port itself, as two bytes, the low one first. Ends with the socket, or when every port's connection has ended: as no message
 * says that one direction has, the end that the pod makes is that of both, as with upstream's runtimes.
 */
export async function serveWebSocketForward(socket: WebSocket, protocol: string, ports: readonly number[], dial: Dial): Promise<void> {
  const isBase64 = protocol.includes('base64')
  const write = (channel: number, payload: Uint8Array, done: () => void) => {
    if (socket.readyState !== socket.OPEN) return done()
    socket.send(encodeChannel(channel, payload, isBase64), { binary: !isBase64 }, () => done())
  }
  const send = (channel: number, payload: Uint8Array) => new Promise<void>((resolve) => write(channel, payload, resolve))
  const pipes = ports.map((_, i) => channelPipe(socket, (chunk, done) => write(2 * i, chunk, done)))
  const ended = new Set<Duplex>()
  socket.on('message', (data: Buffer) => {
    const message = decodeChannel(data, isBase64)
    const pipe = message && message.channel % 2 === 0 ? pipes[message.channel / 2] : undefined
    if (pipe && message && message.payload.length > 0 && !ended.has(pipe) && !pipe.push(message.payload)) socket.pause()
  })
  const end = () => {
    for (const pipe of pipes) {
      if (pipe.destroyed) continue
      pipe.once('end', () => pipe.destroy())
      pipe.push(null)
    }
  }
  socket.once('close', end)
  socket.on('error', () => {})
  await Promise.all(
    ports.map(async (port, i) => {
      const number = Buffer.from([port & 255, port >> 8])
      await send(2 * i, number)
      await send(2 * i + 1, number)
      try {
        await joinUntilEnd(pipes[i]!, await dial(port), () => ended.add(pipes[i]!))
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        await send(2 * i + 1, Buffer.from(`an error occurred forwarding ${port} -> ${port}: ${why}`))
      }
    }),
  )
  socket.close(1000)
}

/** Rejects with what broke the connection to the pod: engines dial after they have agreed to. */
async function joinUntilEnd(pipe: Duplex, target: Duplex, onEnd: () => void): Promise<void> {
  let failure: Error | undefined
  target.once('error', (error) => (failure = error))
  target.once('end', () => {
    onEnd()
    pipe.push(null)
  })
  await joinPipes(pipe, target)
  // What the pod sent last may still wait for the socket.
  if (!pipe.destroyed && !pipe.writableFinished) await new Promise<void>((resolve) => pipe.once('finish', resolve).once('close', resolve))
  if (failure) throw failure
}

/** One channel as a pipe: what is written goes out on it, what comes in on it is pushed. */
function channelPipe(socket: WebSocket, send: (chunk: Buffer, done: () => void) => void): Duplex {
  const pipe = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, callback) => send(chunk, callback),
  })
  pipe.on('error', () => {})
  return pipe
}
