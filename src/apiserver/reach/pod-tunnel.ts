/**
 * The way to pods for a server that is not on the pod network (its nodes are other machines, or network namespaces of this one): the
 * agent of the pod's node opens the connection, and bytes pass through it unread.
 */
import type { IncomingMessage } from 'node:http'
import { Agent, type AgentOptions, request as httpsRequest } from 'node:https'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { callbackify } from 'node:util'
import { contains, parseAddress, parseCidr } from '../../base/ipv4.ts'
import { nodes } from '../../kinds/core/node.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import type { Core } from '../core.ts'
import type { Dialer, DialTarget } from './node-dialer.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import { nodeTarget } from '../subresources/node-target.ts'

/** How to get to an address other than by this machine's routes; undefined: by them. */
export type PodWay = (to: { readonly host: string; readonly port: number }) => (() => Promise<Duplex>) | undefined

export const directWay: PodWay = () => undefined

const openWithinMs = 10_000
const errorBytesMax = 1024

/**
 * Asks an agent for a connection to a pod of its node. Rejects with what the agent says, or with the socket's own errors. `connections`
 * remembers TLS sessions, so that the next handshake is a short one.
 */
export function openTunnel(
  agent: Pick<DialTarget, 'host' | 'port'> & {
    readonly ca: string
    readonly cert: string
    readonly key: string
    readonly connections: Agent
  },
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Duplex> {
  const { host: at, port: atPort, ca, cert, key, connections } = agent
  return new Promise((resolve, reject) => {
    const headers = { connection: 'Upgrade', upgrade: 'tcp' }
    const asked = httpsRequest({
      host: at,
      port: atPort,
      ca,
      cert,
      key,
      path: `/dial/${encodeURIComponent(host)}/${port}`,
      headers,
      agent: connections,
    })
    asked.setTimeout(openWithinMs, () => asked.destroy(new Error(`dial tcp ${host}:${port}: i/o timeout`)))
    asked.once('upgrade', (_response, socket, head) => {
      socket.setTimeout(0)
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    asked.once('response', (response: IncomingMessage) => {
      void textOf(response).then((text) => reject(new Error(text || `the agent answered ${response.statusCode}`)), reject)
    })
    asked.once('error', (error: NodeJS.ErrnoException) => {
      // The agent may close a kept connection just as it is used again; of those there are few.
      if (asked.reusedSocket && error.code === 'ECONNRESET') resolve(openTunnel(agent, { host, port }))
      else reject(error)
    })
    asked.end()
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const block of response) if (text.length < errorBytesMax) text += String(block)
  return text.slice(0, errorBytesMax).trim()
}

/**
 * The agents' way to what lies in a node's part of the pod range. Where the dialer makes no tunnels it is this machine's routes.
 * Only IPv4, as the pod network itself.
 */
export function podWay(core: Pick<Core, 'registry' | 'storage'>, dialer: Dialer | undefined): PodWay {
  const { tunnels } = dialer ?? {}
  if (!tunnels) return directWay
  const ranges = tunnels.ranges.filter((range) => !range.includes(':')).map(parseCidr)
  const owners = new Map<string, string>()
  const reader = createObjectReader(core.registry, core.storage)
  const ownerOf = (host: string): string | undefined => {
    const remembered = owners.get(host)
    const known = remembered === undefined ? undefined : reader.get(nodes, '', remembered)
    if (known && owns(known, host)) return remembered
    const found = reader.list(nodes, '').find((node) => owns(node, host))?.metadata.name
    if (owners.size >= ownersMax) owners.clear()
    if (found !== undefined) owners.set(host, found)
    return found
  }
  return ({ host, port }) => {
    if (!isIpv4(host)) return undefined
    const owner = ownerOf(host)
    if (owner !== undefined) return async () => tunnels.open(nodeTarget(core, owner), { host, port })
    return ranges.some((range) => contains(range, parseAddress(host))) ? () => nowhere(host, port) : undefined
  }
}

async function nowhere(host: string, port: number): Promise<never> {
  throw new Error(`dial tcp ${host}:${port}: connect: no route to host`)
}

/** Addresses whose node is remembered. */
const ownersMax = 10_000

const isIpv4 = (host: string) => /^\d{1,3}(\.\d{1,3}){3}$/.test(host)

function owns({ spec }: Node, host: string): boolean {
  const range = spec?.podCIDR
  return range !== undefined && !range.includes(':') && contains(parseCidr(range), parseAddress(host))
}

/** A dialer that takes the agents' way to pods. */
export function throughAgents(dialer: Dialer, way: PodWay): Dialer {
  if (way === directWay) return dialer
  const onItsWay = (target: DialTarget): DialTarget => (target.isNode ? target : { ...target, open: way(target) })
  return {
    ...dialer,
    request: (target, request) => dialer.request(onItsWay(target), request),
    connect: (target) => dialer.connect(onItsWay(target)),
  }
}

type Done = (error: Error | null, socket: Duplex) => void

/** For a request's `createConnection`: over a stream that is opened first, by TLS where its options are given. */
export function connectionThrough(open: () => Promise<Duplex>, tls: ConnectionOptions | undefined) {
  return (options: object, done: Done): undefined => {
    callbackify(open)((error, socket) => done(error, tls && !error ? connectTls({ ...options, ...tls, socket }) : socket))
    return undefined
  }
}

/** An agent for HTTPS whose connections take the given way. */
export function agentThrough(options: AgentOptions, way: PodWay): Agent {
  const agent = new Agent(options)
  if (way === directWay) return agent
  const direct = agent.createConnection.bind(agent)
  agent.createConnection = (connection, done) => {
    const { host, port } = connection as { host: string; port: number }
    const open = way({ host, port })
    return open ? connectionThrough(open, {})(connection, done as Done) : direct(connection, done)
  }
  return agent
}
