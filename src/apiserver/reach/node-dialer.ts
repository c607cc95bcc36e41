import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { connect as connectTcp } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { dialed, type DialResponse, sendDialed } from './dial.ts'
import { connectionThrough, openTunnel } from './pod-tunnel.ts'

/** Where a request or a tunnel goes. `isNode`: a node agent, spoken to with the server's own client certificate. */
export type DialTarget = {
  readonly host: string
  readonly port: number
  readonly isSecure: boolean
  readonly isNode: boolean
  /** How to get there other than by this machine's routes. */
  readonly open?: (() => Promise<Duplex>) | undefined
}

export type DialRequest = {
  readonly method: string
  /** With query. */
  readonly path: string
  readonly headers: OutgoingHttpHeaders
  readonly body: Uint8Array | undefined
  readonly signal: AbortSignal
}

export type Tunnels = {
  /** IPv4 ranges of the cluster: for no address of theirs may a packet leave this machine. */
  readonly ranges: readonly string[]
  /** A connection to an address of a pod, made by the agent of its node. */
  open(agent: DialTarget, to: { readonly host: string; readonly port: number }): Promise<Duplex>
}

/** Connections from the API server to node agents, pods and services. Failures are the socket's own errors. */
export type Dialer = {
  request(target: DialTarget, request: DialRequest): Promise<DialResponse>
  /** A connected stream on which an HTTP/1.1 upgrade can be written verbatim. */
  connect(target: DialTarget): Promise<Duplex>
  /** Absent where this machine is on the pod network itself. */
  readonly tunnels?: Tunnels
  close(): void
}

/** A connection that was closed before it answered: nothing has been done that must not be done twice. */
function canRepeat(method: string, error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return (method === 'GET' || method === 'HEAD') && (code === 'ECONNRESET' || code === 'EPIPE')
}

/**
 * The identity is read for each connection: it may be renewed meanwhile. `offPodNetwork`: no route of this machine leads to these ranges
 * of pods and services, and a packet for one would go who knows where.
 */
export function createDialer(
  identity: { readonly ca: string; readonly certificate: string; readonly key: string },
  { offPodNetwork }: { readonly offPodNetwork?: readonly string[] | undefined } = {},
): Dialer {
  const own = () => ({ ca: identity.ca, cert: identity.certificate, key: identity.key })
  const nodes = new Agent({ keepAlive: true, maxSockets: 256, maxFreeSockets: 4 })
  // What runs behind a pod's or service's https port is the workload's own affair, as upstream's proxy sees it.
  const workloads = new Agent({ keepAlive: false, rejectUnauthorized: false })
  return {
    request: async ({ host, port, isSecure, isNode, open }, { method, path, headers, body, signal }) => {
      const options = { host, port, method, path, headers, signal }
      // What opens connections itself is used only where there is no agent.
      const way = open && { createConnection: connectionThrough(open, isSecure ? { rejectUnauthorized: false } : undefined) }
      const sent = isSecure
        ? httpsRequest({ ...options, ...(way ?? (isNode ? { ...own(), agent: nodes } : { agent: workloads })) })
        : httpRequest({ ...options, ...(way ?? { agent: false }) })
      try {
        return await sendDialed(sent, { host, port }, body)
      } catch (error) {
        // The node closes what has been idle; it may have done so at this very moment.
        if (!isNode || !isSecure || !sent.reusedSocket || !canRepeat(method, error) || signal.aborted) throw error
        return sendDialed(httpsRequest({ ...options, ...own(), agent: false }), { host, port }, body)
      }
    },
    connect: async ({ host, port, isSecure, isNode, open }) => {
      const socket = await open?.()
      if (!isSecure) return socket ?? dialed(connectTcp({ host, port }), { host, port }, 'connect')
      const trust = isNode ? own() : { rejectUnauthorized: false }
      return dialed(connectTls({ host, port, ...(socket ? { socket } : {}), ...trust }), { host, port }, 'secureConnect')
    },
    ...(offPodNetwork
      ? { tunnels: { ranges: offPodNetwork, open: (agent, to) => openTunnel({ ...agent, ...own(), connections: nodes }, to) } }
      : {}),
    close: () => {
      nodes.destroy()
      workloads.destroy()
    },
  }
}
