import {
  AUTHORITATIVE_ANSWER,
  type Answer,
  type DecodedPacket,
  encode,
  type Packet,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet'
import type { ZoneAnswer, ZoneRecord } from './zone.ts'

/** Seconds that a client may keep an answer of the cluster zone, and a denial. */
const ttlSeconds = 5
const denialTtlSeconds = 5

export const rcodes = { noError: 0, formatError: 1, serverFailure: 2, nameError: 3, notImplemented: 4, refused: 5 } as const

/** Largest UDP answer for a client that does not say what it takes (RFC 1035), and the most that is sent to one that does. */
const plainUdpBytes = 512
const udpBytesMax = 1232

type Response = Packet & { flags: number }

/** The response to a query of the cluster zone. `nowSeconds` makes the SOA's serial. */
export function zoneResponse(
  query: DecodedPacket,
  answer: Exclude<ZoneAnswer, { type: 'elsewhere' }>,
  context: { zone: string; nowSeconds: number },
): Response {
  const records = answer.type === 'found' ? answer.records : []
  if (asksForAuthority(query, context.zone))
    return { ...skeleton(query, rcodes.noError, AUTHORITATIVE_ANSWER), answers: [startOfAuthority(context)], additionals: optOf(query) }
  const denial = records.length === 0 ? [startOfAuthority(context)] : []
  return {
    ...skeleton(query, answer.type === 'found' ? rcodes.noError : rcodes.nameError, AUTHORITATIVE_ANSWER),
    answers: records.map((r) => toAnswer(r)),
    additionals: [...(answer.type === 'found' ? answer.additional.map((r) => toAnswer(r)) : []), ...optOf(query)],
    authorities: denial,
  }
}

function asksForAuthority({ questions }: DecodedPacket, zone: string): boolean {
  const question = questions?.[0]
  return question?.type === 'SOA' && question.name.toLowerCase().replace(/\.$/, '') === zone
}

/** A response without records. */
export function bareResponse(query: DecodedPacket, rcode: number): Response {
  return { ...skeleton(query, rcode, 0), additionals: optOf(query) }
}

/**
 * Encodes for TCP, or for UDP cut to what the client takes: as many answers as have room, for clients that know no TCP, with the truncation
 * flag that sends the others there.
 */
export function encodeResponse(query: DecodedPacket, response: Response, transport: 'udp' | 'tcp'): Buffer {
  const whole = encode(response)
  const limit = udpLimit(query)
  if (transport === 'tcp' || whole.length <= limit) return whole
  const { answers = [], flags } = response
  const cut = { ...response, flags: flags | TRUNCATED_RESPONSE, authorities: [], additionals: optOf(query) }
  const withFirst = (count: number) => encode({ ...cut, answers: answers.slice(0, count) })
  let [fitting, tooMany] = [0, answers.length + 1]
  while (tooMany - fitting > 1) {
    const count = (fitting + tooMany) >> 1
    if (withFirst(count).length <= limit) fitting = count
    else tooMany = count
  }
  return withFirst(fitting)
}

export function udpLimit(query: DecodedPacket): number {
  const opt = query.additionals?.find((a) => a.type === 'OPT')
  const size = opt?.type === 'OPT' ? opt.udpPayloadSize : plainUdpBytes
  return Math.max(plainUdpBytes, Math.min(size, udpBytesMax))
}

function skeleton(query: DecodedPacket, rcode: number, flags: number): Response {
  const desired = (query.flags ?? 0) & RECURSION_DESIRED
  return { type: 'response', id: query.id ?? 0, flags: flags | desired | RECURSION_AVAILABLE | rcode, questions: query.questions ?? [] }
}

function optOf(query: DecodedPacket): Answer[] {
  if (!query.additionals?.some((a) => a.type === 'OPT')) return []
  return [
    {
      type: 'OPT',
      name: '.',
      udpPayloadSize: udpBytesMax,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    } as Answer,
  ]
}

function toAnswer(record: ZoneRecord): Answer {
  const base = { name: record.name, ttl: ttlSeconds, class: 'IN' } as const
  if (record.type === 'SRV') return { ...base, type: 'SRV', data: { priority: 0, weight: 100, port: record.port, target: record.target } }
  return { ...base, type: record.type, data: record.data } as Answer
}

function startOfAuthority({ zone, nowSeconds }: { zone: string; nowSeconds: number }): Answer {
  return {
    type: 'SOA',
    name: zone,
    ttl: denialTtlSeconds,
    data: {
      mname: `ns.dns.${zone}`,
      rname: `hostmaster.${zone}`,
      serial: nowSeconds,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: denialTtlSeconds,
    },
  }
}
