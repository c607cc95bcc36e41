import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { decode, encode, type Packet } from 'dns-packet'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import type { Service } from '../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../kinds/generated/types/discovery-v1.ts'
import { systemClock } from '../platform/system-clock.ts'
import { createDnsServer, type DnsServer } from './dns-server.ts'
import type { DnsMessage } from './message.ts'
import { parseResolvConf } from './upstreams.ts'

const many = Array.from({ length: 80 }, (_, i) => ({ addresses: [`10.244.3.${i + 1}`], conditions: { ready: true } }))
const services: Service[] = [
  { metadata: { name: 'web', namespace: 'shop' }, spec: { clusterIP: '10.96.1.1', ports: [{ port: 80 }] } },
  { metadata: { name: 'wide', namespace: 'shop' }, spec: { clusterIP: 'None' } },
  { metadata: { name: 'alias', namespace: 'shop' }, spec: { type: 'ExternalName', externalName: 'web.shop.svc.cluster.local' } },
  { metadata: { name: 'out', namespace: 'shop' }, spec: { type: 'ExternalName', externalName: 'example.test' } },
]
const wideSlice: EndpointSlice = {
  metadata: { name: 'wide-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'wide' } },
  addressType: 'IPv4',
  endpoints: many,
}
const upstream = createSocket('udp4')
const asked: string[] = []
let server: DnsServer
let port = 0

before(async () => {
  upstream.on('message', (message, from) => {
    const query = decode(message)
    const name = query.questions![0]!.name
    asked.push(name)
    const answers = name === 'example.test' ? [{ type: 'A' as const, name, ttl: 60, data: '192.0.2.1' }] : []
    upstream.send(
      encode({ type: 'response', id: query.id!, flags: answers.length ? 0 : 3, questions: query.questions!, answers }),
      from.port,
      from.address,
    )
  })
  await new Promise<void>((resolve) => upstream.bind(0, '127.0.0.1', resolve))
  server = createDnsServer({
    view: {
      service: (namespace, name) => services.find((s) => s.metadata.namespace === namespace && s.metadata.name === name),
      slices: (_, name) => (name === 'wide' ? [wideSlice] : []),
      hasNamespace: () => true,
      serviceByAddress: () => undefined,
      slicesByAddress: () => [],
    },
    zone: 'cluster.local',
    address: '127.0.0.1',
    port: 0,
    upstreams: [{ address: '127.0.0.1', port: upstream.address().port }],
    ownRanges: ['10.96.0.0/12'],
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
  })
  port = await server.listen()
})

after(async () => {
  await server.close()
  upstream.close()
})

function ask(name: string, type: 'A' | 'PTR' | 'SOA' = 'A', extra: Partial<Packet> = {}): Promise<DnsMessage> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.on('message', (message) => {
      socket.close()
      resolve(decode(message))
    })
    socket.send(encode({ type: 'query', id: 7, flags: 0x100, questions: [{ name, type }], ...extra }), port, '127.0.0.1')
  })
}

const addressesOf = (packet: DnsMessage) => (packet.answers ?? []).flatMap((a) => (a.type === 'A' ? [a.data] : []))

test("the zone's authority is an answer where it is asked for, and the word of a denial elsewhere", async () => {
  const whole = await ask('cluster.local', 'SOA')
  assert.deepEqual([whole.answers?.map(({ type }) => type), whole.authorities], [['SOA'], []])
  const denied = await ask('none.shop.svc.cluster.local', 'SOA')
  assert.deepEqual([denied.answers, denied.authorities?.map(({ type }) => type)], [[], ['SOA']])
})

test('a service resolves with authority, and the id and question come back', async () => {
  const packet = await ask('web.shop.svc.cluster.local')
  assert.deepEqual(addressesOf(packet), ['10.96.1.1'])
  assert.equal(packet.id, 7)
  assert.equal(packet.flag_aa, true)
  assert.equal(packet.questions![0]!.name, 'web.shop.svc.cluster.local')
})

test('a name that does not exist is denied with a start of authority, and nobody else is asked', async () => {
  const packet = await ask('nope.shop.svc.cluster.local')
  assert.equal(packet.rcode, 'NXDOMAIN')
  assert.equal(packet.authorities![0]!.type, 'SOA')
  assert(!asked.includes('nope.shop.svc.cluster.local'))
})

test('an answer that does not fit is truncated over UDP to what does, and whole over TCP', async () => {
  const cut = await ask('wide.shop.svc.cluster.local')
  assert.equal(cut.flag_tc, true)
  const count = addressesOf(cut).length
  const sizeWith = (n: number) =>
    encode({ ...cut, type: 'response', answers: Array.from({ length: n }, () => cut.answers![0]!) } as Packet).length
  assert.ok(count > 0 && sizeWith(count) <= 512 && sizeWith(count + 1) > 512, `${count} addresses`)
  const whole = await new Promise<DnsMessage>((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const query = encode({ type: 'query', id: 8, flags: 0x100, questions: [{ name: 'wide.shop.svc.cluster.local', type: 'A' }] })
    socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 0xff]), query]))
    let data = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      data = Buffer.concat([data, chunk])
      if (data.length < 2 || data.length < 2 + data.readUInt16BE(0)) return
      socket.destroy()
      resolve(decode(data.subarray(2)))
    })
  })
  assert.equal(addressesOf(whole).length, 80)
})

test('addresses come in another order each time: who takes the first does not always take the same', async () => {
  const firsts = new Set<string>()
  for (let i = 0; i < 12; i++) firsts.add(addressesOf(await ask('wide.shop.svc.cluster.local'))[0]!)
  assert.ok(firsts.size > 3, [...firsts].join())
})

test('an ExternalName carries the addresses of what it points to', async () => {
  assert.deepEqual(addressesOf(await ask('alias.shop.svc.cluster.local')), ['10.96.1.1'])
  assert.deepEqual(addressesOf(await ask('out.shop.svc.cluster.local')), ['192.0.2.1'])
})

test('other names are forwarded and kept', async () => {
  assert.deepEqual(addressesOf(await ask('example.test')), ['192.0.2.1'])
  const before = asked.length
  assert.deepEqual(addressesOf(await ask('EXAMPLE.test')), ['192.0.2.1'])
  assert.equal(asked.length, before)
  assert.equal((await ask('missing.test')).rcode, 'NXDOMAIN')
})

test("the reverse of a cluster address that is nobody's is denied here", async () => {
  assert.equal((await ask('9.9.96.10.in-addr.arpa', 'PTR')).rcode, 'NXDOMAIN')
  assert(!asked.includes('9.9.96.10.in-addr.arpa'))
})

test('nonsense is dropped and the server goes on', async () => {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.send(Buffer.from('nonsense'), port, '127.0.0.1', () => resolve()))
  socket.close()
  assert.deepEqual(addressesOf(await ask('web.shop.svc.cluster.local')), ['10.96.1.1'])
  assert.equal((await ask('web.shop.svc.cluster.local', 'A', { questions: [] })).rcode, 'FORMERR')
})

test('resolvers come from resolv.conf, without ourselves', () => {
  assert.deepEqual(parseResolvConf('# c\nnameserver 10.96.0.10\nsearch x\nnameserver 192.0.2.53\nnameserver fe80::1\n', ['10.96.0.10']), [
    { address: '192.0.2.53', port: 53 },
  ])
})
