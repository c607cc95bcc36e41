import { request as httpRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'

/** Where a request or a tunnel goes. `isNode`: a node agent, spoken to with the server's own client certificate. */
export type DialTarget = { readonly host: string; readonly port: number; readonly isSecure: boolean; readonly isNode: boolean }

export type DialRequest = {
  readonly method: string
  /** With query. */
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly body: Uint8Array | undefined
  readonly signal: AbortSignal
}

export type DialResponse = {
  readonly code: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: AsyncIterable<Uint8Array>
}

/** Connections from the API server to node agents, pods and services. Failures are the socket's own errors. */
export type Dialer = {
  request(target: DialTarget, request: DialRequest): Promise<DialResponse>
  /** A connected stream on which an HTTP/1.1 upgrade can be written verbatim. */
  connect(target: DialTarget): Promise<Duplex>
  close(): void
}

const connectTimeoutMs = 10_000

/** The identity is read for each connection: it may be renewed meanwhile. */
export function createDialer(identity: { readonly ca: string; readonly certificate: string; readonly key: string }): Dialer {
  const own = () => ({ ca: identity.ca, cert: identity.certificate, key: identity.key })
  const nodes = new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 4 })
  // What runs behind a pod's or service's https port is the workload's own affair, as upstream's proxy sees it.
  const workloads = new Agent({ keepAlive: false, rejectUnauthorized: false })
  return {
    request: (target, { method, path, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const { host, port, isSecure, isNode } = target
        const options = { host, port, method, path, headers, signal }
        const sent = isSecure
          ? httpsRequest({ ...options, ...(isNode ? { ...own(), agent: nodes } : { agent: workloads }) })
          : httpRequest({ ...options, agent: false })
        sent.setTimeout(connectTimeoutMs, () => {
          if (!sent.socket || sent.socket.connecting) sent.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`))
        })
        sent.once('response', (response: IncomingMessage) =>
          resolve({ code: response.statusCode ?? 502, headers: response.headers, body: response }),
        )
        sent.once('error', reject)
        sent.end(body)
      }),
    connect: ({ host, port, isSecure, isNode }) =>
      new Promise((resolve, reject) => {
        const socket = isSecure
          ? connectTls({ host, port, ...(isNode ? own() : { rejectUnauthorized: false }) })
          : connectTcp({ host, port })
        socket.setTimeout(connectTimeoutMs, () => socket.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)))
        socket.once(isSecure ? 'secureConnect' : 'connect', () => {
          socket.setTimeout(0)
          socket.off('error', reject)
          resolve(socket)
        })
        socket.once('error', reject)
      }),
    close: () => {
      nodes.destroy()
      workloads.destroy()
    },
  }
}
