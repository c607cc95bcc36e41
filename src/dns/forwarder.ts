import { createSocket, type Socket } from 'node:dgram'
import { connect } from 'node:net'
import { encode, type Packet, RECURSION_DESIRED } from 'dns-packet'
import type { Clock } from '../base/clock.ts'
import type { Random } from '../base/random.ts'
import { decodeMessage, type DnsMessage } from './message.ts'

export type Upstream = { readonly address: string; readonly port: number }

/** Asks the machine's own resolvers for names that are not the cluster's; undefined when none of them answered. */
export type Forwarder = { ask(question: { name: string; type: string }): Promise<DnsMessage | undefined>; close(): void }

const attemptMs = 2000
/** Questions under way at once; more are refused, so that a dead upstream cannot pile them up. */
const pendingMax = 1000
const cacheSizeMax = 10_000
const cacheSecondsMax = 30

type Question = { readonly name: string; readonly type: string }
type Pending = { readonly settle: (packet: DnsMessage | undefined) => void; readonly upstream: Upstream; readonly question: Question }

export function createForwarder(options: { upstreams: readonly Upstream[]; clock: Clock; random: Random }): Forwarder {
  const { clock, random, upstreams } = options
  const cache = new Map<string, { packet: DnsMessage; expiresAtMs: number }>()
  const underWay = new Map<string, Promise<DnsMessage | undefined>>()
  const pending = new Map<number, Pending>()
  let socket: Socket | undefined

  const openSocket = (): Socket => {
    if (socket) return socket
    socket = createSocket('udp4')
    socket.on('message', (message, from) => {
      const packet = decodeMessage(message)
      const waiting = packet && pending.get(packet.id ?? -1)
      // The id, the sender and the question must match: anything else is not the answer that was asked for.
      if (
        !waiting ||
        from.address !== waiting.upstream.address ||
        from.port !== waiting.upstream.port ||
        !isSameQuestion(packet, waiting.question)
      )
        return
      waiting.settle(packet)
    })
    socket.on('error', () => {})
    return socket
  }

  const attempt = (upstream: Upstream, question: Question): Promise<DnsMessage | undefined> =>
    new Promise((resolve) => {
      let id = random.below(65_536)
      while (pending.has(id)) id = random.below(65_536)
      const cancel = clock.schedule(attemptMs, () => settle(undefined))
      const settle = (packet: DnsMessage | undefined) => {
        cancel()
        pending.delete(id)
        resolve(packet)
      }
      pending.set(id, { settle, upstream, question })
      openSocket().send(encode(queryFor(id, question)), upstream.port, upstream.address, (error) => error && settle(undefined))
    })

  const askAll = async (question: Question): Promise<DnsMessage | undefined> => {
    for (const upstream of upstreams) {
      if (pending.size >= pendingMax) return undefined
      const packet = await attempt(upstream, question)
      if (!packet) continue
      return packet.flag_tc ? ((await askByTcp(upstream, question, clock)) ?? packet) : packet
    }
    return undefined
  }

  return {
    ask: async (question) => {
      const key = `${question.type} ${question.name.toLowerCase()}`
      const cached = cache.get(key)
      if (cached && cached.expiresAtMs > clock.now()) return cached.packet
      const running = underWay.get(key)
      if (running) return running
      const asking = askAll(question).finally(() => underWay.delete(key))
      underWay.set(key, asking)
      const packet = await asking
      if (packet) {
        cache.delete(key)
        if (cache.size >= cacheSizeMax) cache.delete(cache.keys().next().value!)
        const seconds = cacheSeconds(packet)
        if (seconds > 0) cache.set(key, { packet, expiresAtMs: clock.now() + seconds * 1000 })
      }
      return packet
    },
    close: () => {
      for (const p of [...pending.values()]) p.settle(undefined)
      socket?.close()
      socket = undefined
    },
  }
}

function queryFor(id: number, question: Question): Packet {
  return { type: 'query', id, flags: RECURSION_DESIRED, questions: [{ name: question.name, type: question.type as 'A', class: 'IN' }] }
}

function askByTcp(upstream: Upstream, question: Question, clock: Clock): Promise<DnsMessage | undefined> {
  return new Promise((resolve) => {
    const socket = connect(upstream.port, upstream.address)
    const cancel = clock.schedule(attemptMs, () => finish(undefined))
    const finish = (packet: DnsMessage | undefined) => {
      cancel()
      socket.destroy()
      resolve(packet)
    }
    let data = Buffer.alloc(0)
    socket.on('connect', () => {
      const query = encode(queryFor(1, question))
      const head = Buffer.alloc(2)
      head.writeUInt16BE(query.length)
      socket.write(Buffer.concat([head, query]))
    })
    socket.on('data', (chunk: Buffer) => {
      data = Buffer.concat([data, chunk])
      if (data.length >= 2 && data.length >= 2 + data.readUInt16BE(0)) finish(decodeMessage(data.subarray(2, 2 + data.readUInt16BE(0))))
    })
    socket.on('error', () => finish(undefined))
    socket.on('close', () => finish(undefined))
  })
}

function isSameQuestion(packet: DnsMessage, question: Question): boolean {
  const asked = packet.questions?.[0]
  return asked !== undefined && asked.name.toLowerCase() === question.name.toLowerCase() && asked.type === question.type
}

/** The least time to live among the records, at most `cacheSecondsMax`; failures are not kept. */
function cacheSeconds(packet: DnsMessage): number {
  if (packet.rcode !== 'NOERROR' && packet.rcode !== 'NXDOMAIN') return 0
  const ttls = [...(packet.answers ?? []), ...(packet.authorities ?? [])].map((r) => ('ttl' in r ? (r.ttl ?? 0) : 0))
  return Math.min(cacheSecondsMax, ...(ttls.length > 0 ? ttls : [5]))
}
