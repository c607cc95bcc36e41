import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { createSpdySession, type SpdyServerStream } from './spdy-session.ts'

export const portForwardProtocol = 'portforward.k8s.io'
/** SPDY frames inside WebSocket messages. */
export const tunnelProtocol = 'SPDY/3.1+portforward.k8s.io'

export type Dial = (port: number) => Promise<Duplex>

type Pair = { data: SpdyServerStream | undefined; error: SpdyServerStream | undefined }

/** Serves one client's port-forward session: a data and an error stream for each connection that it forwards. Resolves at its end. */
export async function servePortForward(socket: Duplex, head: Uint8Array, dial: Dial): Promise<void> {
  const pairs = new Map<string, Pair>()
  const session = createSpdySession(socket, head, (stream) => {
    const { streamtype, port = '' } = stream.headers
    // Old clients give no request id: their streams come in pairs, the error stream first.
    const id = stream.headers.requestid ?? String(streamtype === 'data' ? stream.spdyId - 2 : stream.spdyId)
    const pair = pairs.get(id) ?? { data: undefined, error: undefined }
    if (streamtype === 'data') pair.data = stream
    else if (streamtype === 'error') pair.error = stream
    else return stream.reset()
    pairs.set(id, pair)
    if (!pair.data || !pair.error) return
    pairs.delete(id)
    void forward(pair.data, pair.error, Number(port), dial)
  })
  await session.closed
}

async function forward(data: SpdyServerStream, error: SpdyServerStream, port: number, dial: Dial): Promise<void> {
  error.resume()
  let target: Duplex
  try {
    if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`invalid port ${port}`)
    target = await dial(port)
  } catch (failure) {
    error.end(`an error occurred forwarding ${port} -> ${port}: ${failure instanceof Error ? failure.message : String(failure)}`)
    data.end()
    return
  }
  await joinPipes(data, target)
  error.end()
}

/** Joins two byte pipes, each direction ending by itself; one that breaks takes the other with it. Resolves when both have ended. */
export async function joinPipes(a: Duplex, b: Duplex): Promise<void> {
  const oneWay = (from: Duplex, to: Duplex) =>
    new Promise<void>((resolve) => {
      from.pipe(to)
      from.once('end', resolve)
      from.once('close', () => {
        // Cut off, not ended: nobody is left who could end the other side.
        if (!from.readableEnded) to.destroy()
        resolve()
      })
      from.once('error', () => {
        to.destroy()
        resolve()
      })
      to.once('close', () => {
        // Nobody reads it any more; what it was given before still goes out.
        if (!from.readableEnded) closeAfterWriting(from)
        resolve()
      })
    })
  await Promise.all([oneWay(a, b), oneWay(b, a)])
}

function closeAfterWriting(pipe: Duplex): void {
  if (pipe.writableEnded && !pipe.writableFinished) pipe.once('finish', () => pipe.destroy())
  else pipe.destroy()
}

/** A WebSocket as a pipe of bytes: the boundaries of its messages mean nothing. */
export function webSocketPipe(socket: WebSocket): Duplex {
  const pipe = new Duplex({
    read: () => socket.resume(),
    write: (chunk: Buffer, _encoding, callback) => {
      if (socket.readyState !== socket.OPEN) return callback(new Error('the connection is closed'))
      socket.send(chunk, { binary: true }, (error) => callback(error ?? undefined))
    },
    final: (callback) => {
      socket.close(1000)
      callback()
    },
    destroy: (error, callback) => {
      socket.terminate()
      callback(error)
    },
  })
  socket.on('message', (data: Buffer) => {
    if (!pipe.push(data)) socket.pause()
  })
  socket.once('close', () => {
    pipe.push(null)
    pipe.destroy()
  })
  socket.on('error', () => pipe.destroy())
  pipe.on('error', () => {})
  return pipe
}
