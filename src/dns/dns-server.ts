/**
 * The cluster's DNS server, one on every node: the cluster zone from informers, everything else from the machine's resolvers.
 *  1. A cluster name is never asked of anyone else, and neither is the reverse of a cluster address.
 *  2. Malformed packets are dropped (UDP) or end the connection (TCP); nothing that arrives can stop the server.
 */
import { createSocket, type Socket } from 'node:dgram'
import { createServer, type Server, type Socket as TcpSocket } from 'node:net'
import type { Answer } from 'dns-packet'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { createForwarder, type Forwarder, type Upstream } from './forwarder.ts'
import { decodeMessage, type DnsMessage } from './message.ts'
import { bareResponse, encodeResponse, rcodes, zoneResponse } from './respond.ts'
import { type ClusterView, lookUp } from './zone.ts'

export type DnsServerOptions = {
  readonly view: ClusterView
  readonly zone: string
  /** IPv4 address that pods ask; must be local to the machine or namespace. */
  readonly address: string
  readonly port: number
  readonly upstreams: readonly Upstream[]
  /** IPv4 ranges (`a.b.c.d/len`) whose reverse names are the cluster's alone. */
  readonly ownRanges: readonly string[]
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export type DnsServer = {
  /** Binds both sockets; rejects when one cannot be bound. Gives the port (as asked for, or drawn by the system for 0). */
  listen(): Promise<number>
  close(): Promise<void>
}

const tcpIdleMs = 10_000
const tcpConnectionsMax = 250
/** How often a CNAME of the cluster is followed before the answer goes out as it is. */
const aliasDepthMax = 5

export function createDnsServer(options: DnsServerOptions): DnsServer {
  const forwarder = createForwarder(options)
  const udp = createSocket('udp4')
  const tcp = createServer()
  tcp.maxConnections = tcpConnectionsMax
  serveUdp(udp, options, forwarder)
  serveTcp(tcp, options, forwarder)
  return {
    listen: async () => {
      const port = await bindTcp(tcp, options.port, options.address)
      await bindUdp(udp, port, options.address)
      return port
    },
    close: async () => {
      forwarder.close()
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise<void>((resolve) => tcp.close(() => resolve())),
      ])
    },
  }
}

function serveUdp(socket: Socket, options: DnsServerOptions, forwarder: Forwarder): void {
  socket.on('message', (message, from) => {
    const query = decodeMessage(message)
    if (!query || query.type !== 'query') return
    answer(query, options, forwarder)
      .then((response) => socket.send(encodeResponse(query, response, 'udp'), from.port, from.address))
      .catch((error: unknown) => options.log.warn({ error: String(error) }, 'a DNS query failed'))
  })
  socket.on('error', (error) => options.log.warn({ error: error.message }, 'DNS socket'))
}

function serveTcp(server: Server, options: DnsServerOptions, forwarder: Forwarder): void {
  server.on('connection', (socket: TcpSocket) => {
    let data = Buffer.alloc(0)
    socket.setTimeout(tcpIdleMs, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      data = Buffer.concat([data, chunk])
      while (data.length >= 2 && data.length >= 2 + data.readUInt16BE(0)) {
        const length = data.readUInt16BE(0)
        const query = decodeMessage(data.subarray(2, 2 + length))
        data = data.subarray(2 + length)
        if (!query || query.type !== 'query') return socket.destroy()
        answer(query, options, forwarder)
          .then((response) => {
            const body = encodeResponse(query, response, 'tcp')
            const head = Buffer.alloc(2)
            head.writeUInt16BE(body.length)
            socket.write(Buffer.concat([head, body]))
          })
          .catch(() => socket.destroy())
      }
      return undefined
    })
  })
  // A failure to listen is the caller's to judge.
  server.on('error', (error) => server.listening && options.log.warn({ error: error.message }, 'DNS listener'))
}

type Response = ReturnType<typeof bareResponse>

async function answer(query: DnsMessage, options: DnsServerOptions, forwarder: Forwarder): Promise<Response> {
  const response = await respond(query, options, forwarder)
  return { ...response, answers: inAnyOrder(response.answers ?? [], options.random) }
}

const isAddress = ({ type }: Answer) => type === 'A' || type === 'AAAA'

/** Addresses come in another order each time, as from CoreDNS with its usual configuration: most clients take the first. */
function inAnyOrder(answers: readonly Answer[], random: Random): Answer[] {
  const addresses = answers.filter(isAddress)
  for (let i = addresses.length - 1; i > 0; i--) {
    const j = random.below(i + 1)
    ;[addresses[i], addresses[j]] = [addresses[j]!, addresses[i]!]
  }
  return [...answers.filter((record) => !isAddress(record)), ...addresses]
}

async function respond(query: DnsMessage, options: DnsServerOptions, forwarder: Forwarder): Promise<Response> {
  const question = query.questions?.[0]
  if (query.opcode !== undefined && query.opcode !== 'QUERY') return bareResponse(query, rcodes.notImplemented)
  if (!question || query.questions!.length !== 1) return bareResponse(query, rcodes.formatError)
  const found = lookUp(question, options.view, options.zone)
  const context = { zone: options.zone, nowSeconds: Math.floor(options.clock.now() / 1000) }
  if (found.type !== 'elsewhere') {
    const response = zoneResponse(query, found, context)
    const alias = found.type === 'found' ? found.records.find((r) => r.type === 'CNAME') : undefined
    if (alias?.type === 'CNAME' && question.type !== 'CNAME')
      response.answers = [...(response.answers ?? []), ...(await followAlias(alias.data, question.type, options, forwarder))]
    return response
  }
  if (isOwnReverse(question.name, options.ownRanges)) return zoneResponse(query, { type: 'no-such-name' }, context)
  const packet = await forwarder.ask({ name: question.name, type: question.type })
  if (!packet) return bareResponse(query, rcodes.serverFailure)
  const bare = bareResponse(query, rcodeNumber(packet))
  return { ...bare, answers: packet.answers ?? [], authorities: packet.authorities ?? [] }
}

/** The records that an ExternalName points to, inside the cluster or outside. */
async function followAlias(name: string, type: string, options: DnsServerOptions, forwarder: Forwarder): Promise<Answer[]> {
  let target = name
  for (let depth = 0; depth < aliasDepthMax; depth++) {
    const found = lookUp({ name: target, type }, options.view, options.zone)
    if (found.type === 'elsewhere') return ((await forwarder.ask({ name: target, type }))?.answers ?? []) as Answer[]
    if (found.type === 'no-such-name') return []
    const alias = found.records.find((r) => r.type === 'CNAME')
    if (alias?.type !== 'CNAME')
      return found.records.flatMap((r) => (r.type === 'A' ? [{ type: 'A' as const, name: r.name, ttl: 5, data: r.data }] : []))
    target = alias.data
  }
  return []
}

function rcodeNumber(packet: DnsMessage): number {
  return (
    ({ NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as Record<string, number>)[packet.rcode ?? 'NOERROR'] ??
    rcodes.serverFailure
  )
}

function isOwnReverse(name: string, ranges: readonly string[]): boolean {
  const m = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa\.?$/i.exec(name)
  if (!m) return false
  const address = toNumber([m[4]!, m[3]!, m[2]!, m[1]!])
  return ranges.some((range) => {
    const [base = '', length = '32'] = range.split('/')
    const shift = 2 ** (32 - Number(length))
    return Math.floor(address / shift) === Math.floor(toNumber(base.split('.')) / shift)
  })
}

const toNumber = (parts: readonly string[]) => parts.reduce((sum, p) => sum * 256 + Number(p), 0)

function bindTcp(server: Server, port: number, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, address, () => {
      server.off('error', reject)
      resolve((server.address() as { port: number }).port)
    })
  })
}

function bindUdp(socket: Socket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, address, () => {
      socket.off('error', reject)
      resolve()
    })
  })
}
