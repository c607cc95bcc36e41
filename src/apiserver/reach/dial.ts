import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

type Endpoint = { readonly host: string; readonly port: number }

export type DialResponse = {
  readonly code: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array>
}

const connectTimeoutMs = 10_000
const timedOut = ({ host, port }: Endpoint) => new Error(`dial tcp ${host}:${port}: i/o timeout`)

/** Sends a request that has been begun; the connection must come about in time, the answer may take its own. Rejects with the socket's errors. */
export function sendDialed(sent: ClientRequest, to: Endpoint, body: Uint8Array | undefined): Promise<DialResponse> {
  return new Promise((resolve, reject) => {
    sent.setTimeout(connectTimeoutMs, () => {
      if (!sent.socket || sent.socket.connecting) sent.destroy(timedOut(to))
    })
    sent.once('response', (response: IncomingMessage) =>
      resolve({ code: response.statusCode ?? 502, headers: response.headers, body: response }),
    )
    sent.once('error', reject)
    sent.end(body)
  })
}

/** Waits until a socket is connected, by TLS where `event` says so. Rejects with its errors. */
export function dialed(socket: Socket, to: Endpoint, event: 'connect' | 'secureConnect'): Promise<Socket> {
  return new Promise((resolve, reject) => {
    socket.setTimeout(connectTimeoutMs, () => socket.destroy(timedOut(to)))
    socket.once(event, () => {
      socket.setTimeout(0)
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}
