/**
 * The client's side of port-forward over WebSocket, subprotocol v4.channel.k8s.io: channel 0 carries the bytes, channel 1 says in text
 * why there are none; the first message on each is the port itself, in two bytes.
 */
import { statusErrors } from '../machinery/status-error.ts'
import type { Client, WebSocketChannel } from './contract.ts'

/** One connection to a port of a pod. */
export type PortConnection = {
  /** What the pod sends, as it comes. Ends with the connection; throws a StatusError where the port could not be reached. Read it once. */
  readonly data: AsyncIterable<Uint8Array>
  /** Resolves when the bytes have been handed to the connection. */
  send(data: Uint8Array): Promise<void>
  /** Ends the connection in both directions. */
  close(): void
}

const channel = { data: 0, error: 1 } as const
const portBytes = 2

/** Resolves when the API server has agreed; whether anything listens on the port is found out by reading. `port`: 1 to 65535. */
export async function forwardPort(
  client: Client,
  path: string,
  { port, signal }: { readonly port: number; readonly signal?: AbortSignal },
): Promise<PortConnection> {
  if (!client.openWebSocket) throw new Error('port-forward needs a client that carries WebSockets (createHttpClient)')
  const query = { ports: String(port) }
  const socket = await client.openWebSocket({ path, query, protocols: ['v4.channel.k8s.io'], ...(signal ? { signal } : {}) })
  return {
    data: received(socket, signal),
    send: (data) => {
      const message = new Uint8Array(data.length + 1)
      message[0] = channel.data
      message.set(data, 1)
      return socket.send(message)
    },
    close: () => socket.close(),
  }
}

async function* received(socket: WebSocketChannel, signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
  const announced = new Set<number>()
  for await (const message of socket.messages) {
    const [from = -1] = message
    const payload = message.subarray(announced.has(from) ? 1 : 1 + portBytes)
    announced.add(from)
    if (payload.length === 0) continue
    if (from === channel.error) {
      socket.close()
      throw statusErrors.serviceUnavailable(new TextDecoder().decode(payload))
    }
    if (from === channel.data) yield payload
  }
  signal?.throwIfAborted()
}
