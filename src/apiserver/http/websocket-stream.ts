import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { statusErrors } from '../../machinery/status-error.ts'
import type { ApiRequest, ApiResponse } from '../contract.ts'
import type { RequestInfo } from './request-info.ts'

/** Each message is a part of the answer, as bytes or as base64. Without a protocol: bytes. */
const protocols = ['binary.k8s.io', 'base64.binary.k8s.io'] as const

/** Whether an upgrade asks for what is an answer in parts anyway (a log, a watch), to come as messages. */
export function isStreamedAnswer(info: RequestInfo, { headers }: Pick<ApiRequest, 'headers'>): boolean {
  if (info.type !== 'resource' || String(headers.upgrade).toLowerCase() !== 'websocket') return false
  return info.verb === 'watch' || (info.verb === 'get' && info.resource === 'pods' && info.subresource === 'log')
}

/**
 * Sends an answer over a WebSocket: of a log the bytes as they come, after an empty message; of a watch an event a message. Ends with
 * the answer, or when the client is gone. Throws StatusError when the client speaks none of the protocols.
 * Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
 */
export async function sendOverWebSocket(
  connection: { readonly request: ApiRequest; readonly socket: Duplex; readonly head: Uint8Array },
  { body, headers }: ApiResponse,
  isWatch: boolean,
): Promise<void> {
  const { request, socket, head } = connection
  const asked = String(request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
  const protocol = asked.find((one) => protocols.some((known) => known === one))
  if (asked.length > 0 && !protocol && !isWatch)
    throw statusErrors.badRequest(`requested protocol(s) are not supported: ${asked.join(', ')}`)
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ noServer: true, perMessageDeflate: false, handleProtocols: () => protocol ?? false })
  const webSocket = await new Promise<WebSocket>((resolve, reject) => {
    socket.once('close', () => reject(new Error('the connection ended before it was taken over')))
    server.handleUpgrade(request as unknown as IncomingMessage, socket, Buffer.from(head), resolve)
  })
  const isText = isWatch && String(headers['content-type']).includes('json')
  const encode = (part: Uint8Array) => (protocol === 'base64.binary.k8s.io' ? Buffer.from(part).toString('base64') : part)
  const send = (part: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      const message = isWatch ? part : encode(part)
      webSocket.send(message, { binary: isWatch ? !isText : typeof message !== 'string' }, (error) => (error ? reject(error) : resolve()))
    })
  try {
    if (!isWatch) await send(new Uint8Array())
    for await (const part of partsOf(body, isText)) await send(part)
    webSocket.close(1000)
  } catch {
    // The client has gone; so has the answer's reader.
    webSocket.terminate()
  }
}

async function* partsOf(body: ApiResponse['body'], areLines: boolean): AsyncIterable<Uint8Array> {
  if (body instanceof Uint8Array) {
    if (body.length > 0) yield body
    return
  }
  let rest = Buffer.alloc(0)
  for await (const block of body) {
    if (!areLines) yield block
    else {
      rest = Buffer.concat([rest, block])
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        yield rest.subarray(0, end + 1)
        rest = rest.subarray(end + 1)
      }
    }
  }
}
