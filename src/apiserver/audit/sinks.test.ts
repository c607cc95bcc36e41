import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { allowAll, createTestApi } from '../test-api.ts'
import { sender } from '../test-requests.ts'
import type { ReviewPeer } from '../reach/review-peer.ts'
import { createAuditLog } from './audit-log.ts'
import { batchSink, defaultBatch, defaultLogBatch } from './batch-sink.ts'
import { fileSink, fileTarget, legacyLine } from './file-sink.ts'
import { parseAuditPolicy } from './policy.ts'
import { blockingWebhookSink, webhookTarget } from './webhook-sink.ts'

/** The other side of a webhook: what it got, and whether it takes more. */
function hook() {
  const batches: unknown[][] = []
  const state = { isAway: false, release: undefined as (() => void) | undefined, holds: false }
  const peer: ReviewPeer = {
    post: async (document) => {
      if (state.isAway) throw new Error('away')
      if (state.holds) await new Promise<void>((resolve) => (state.release = resolve))
      batches.push((document as { items: unknown[] }).items)
      return null
    },
    close: () => {},
  }
  return { batches, state, peer }
}
const sinkOf = (peer: ReviewPeer, batch: object, clock: Clock, dropped: (events: number) => void = () => {}) =>
  batchSink(webhookTarget(peer, { log: silentLog, failed: () => {} }), { ...defaultBatch, ...batch }, { clock, dropped })
const event = (n: number) => ({ auditID: String(n) })

test('a batch goes when it is full, or when its first event has waited', async () => {
  const clock = virtualClock()
  const { batches, peer } = hook()
  const sink = sinkOf(peer, { batchMax: 3 }, clock)
  for (let i = 0; i < 4; i++) void sink.write(event(i))
  await clock.advance(0)
  assert.deepEqual(batches, [[event(0), event(1), event(2)]])
  await clock.advance(29_000)
  assert.equal(batches.length, 1)
  await clock.advance(2_000)
  assert.deepEqual(batches[1], [event(3)])
  void sink.write(event(4))
  await sink.close()
  assert.deepEqual(batches[2], [event(4)])
})

test('a webhook that is slow costs events, not memory and not requests', async () => {
  const clock = virtualClock()
  const { batches, state, peer } = hook()
  const lost: number[] = []
  const sink = sinkOf(peer, { bufferMax: 5, batchMax: 2 }, clock, (events) => lost.push(events))
  state.holds = true
  for (let i = 0; i < 20; i++) assert.equal(sink.write(event(i)), undefined)
  await clock.advance(0)
  state.holds = false
  state.release?.()
  await clock.advance(60_000)
  assert.equal(batches.flat().length, 5)
  assert.deepEqual(lost, [15])
})

test('calls are paced', async () => {
  const clock = virtualClock()
  const { batches, peer } = hook()
  const sink = sinkOf(peer, { batchMax: 1, callsPerSecond: 1, burst: 2 }, clock)
  for (let i = 0; i < 5; i++) void sink.write(event(i))
  await clock.advance(0)
  assert.equal(batches.length, 2)
  await clock.advance(3_000)
  assert.equal(batches.length, 5)
})

async function apiWith(isStrict: boolean) {
  const clock = virtualClock()
  const random = seededRandom(1)
  const { batches, state, peer } = hook()
  const policy = parseAuditPolicy('apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]')
  const backends = [{ sink: blockingWebhookSink(peer, { log: silentLog, failed: () => {} }), isStrict }]
  const audit = createAuditLog({ policy, backends, clock, random })
  const { api } = await createTestApi({ clock, random, audit, authorizer: allowAll })
  return { api, batches, state, send: sender(api) }
}

test('who is recorded blockingly has been recorded before the answer', async () => {
  const { api, batches, send } = await apiWith(false)
  assert.equal((await send('GET', '/version')).code, 200)
  assert.deepEqual(
    batches.flat().map((e) => (e as { stage: string }).stage),
    ['RequestReceived', 'ResponseComplete'],
  )
  await api.close()
})
for (const isStrict of [true, false])
  test(`a request that cannot be recorded is ${isStrict ? 'refused' : 'answered all the same'}`, async () => {
    const { api, state, send } = await apiWith(isStrict)
    state.isAway = true
    assert.equal((await send('GET', '/api/v1/namespaces/default')).code, isStrict ? 500 : 200)
    await api.close()
  })

test('an event that is too large loses its bodies', async () => {
  const clock = virtualClock()
  const random = seededRandom(1)
  const events: Record<string, unknown>[] = []
  const sink = { write: (e: object) => void events.push(e as Record<string, unknown>), full: () => undefined, close: async () => {} }
  const policy = parseAuditPolicy(
    'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: RequestResponse}]',
  )
  const backends = [{ sink: { ...sink, write: (e: object) => (sink.write(e), undefined) }, truncates: { eventBytesMax: 2_000 } }]
  const { api } = await createTestApi({ clock, random, audit: createAuditLog({ policy, backends, clock, random }) })
  const body = { metadata: { name: 'big' }, data: { k: 'x'.repeat(5_000) } }
  assert.equal((await sender(api)('POST', '/api/v1/namespaces/default/configmaps', { body })).code, 201)
  assert.equal(events[0]?.requestObject, undefined)
  assert.equal((events[0]?.annotations as Record<string, string> | undefined)?.['audit.k8s.io/truncated'], 'true')
  await api.close()
})

test('the legacy format is one line of text', () => {
  const line = legacyLine({
    requestReceivedTimestamp: '2026-01-01T00:00:00.000000Z',
    auditID: 'id',
    stage: 'ResponseComplete',
    sourceIPs: ['10.0.0.1'],
    verb: 'get',
    user: { username: 'ann', groups: ['a', 'b'] },
    userAgent: 'kubectl',
    requestURI: '/version',
    responseStatus: { code: 200 },
  })
  assert.equal(
    line,
    '2026-01-01T00:00:00.000000Z AUDIT: id="id" stage="ResponseComplete" ip="10.0.0.1" method="get" user="ann" groups="\\"a\\",\\"b\\"" as="<self>" asgroups="<lookup>" user-agent="kubectl" namespace="<none>" uri="/version" response="200"',
  )
})

test('a batch that is too large goes in several calls, and what is not taken is counted', async () => {
  const { batches, state, peer } = hook()
  let failures = 0
  const target = webhookTarget(peer, { log: silentLog, failed: (events) => (failures += events), bytesMax: 20 })
  await target.deliver([event(1), event(2), event(3)], 1_000)
  assert.deepEqual(batches, [[event(1)], [event(2)], [event(3)]])
  state.isAway = true
  await target.deliver([event(4)], 1_000)
  assert.equal(failures, 1)
})

test('a file that is behind makes requests wait, or costs events', async () => {
  const lines: string[] = []
  let release = () => {}
  let full: Promise<void> | undefined = new Promise((resolve) => (release = resolve))
  const file = { write: (line: string) => void lines.push(line), full: () => full, close: async () => {} }
  assert(fileSink(file, 'json').full())
  let lost = 0
  const clock = virtualClock()
  const dropped = (events: number) => (lost += events)
  const batch = batchSink(fileTarget(file, 'json'), { ...defaultLogBatch, bufferMax: 2 }, { clock, dropped })
  assert.equal(batch.full(), undefined)
  for (let i = 1; i <= 5; i++) void batch.write(event(i))
  await clock.advance(0)
  full = undefined
  release()
  await batch.close()
  assert.deepEqual([lines.length, lost], [2, 3])
})

test('an event that is written just as the last batch has gone goes with the next', async () => {
  for (let turns = 0; turns < 16; turns++) {
    const clock = virtualClock()
    const delivered: object[] = []
    let gone = () => {}
    const deliver = async (events: readonly object[]) => {
      delivered.push(...events)
      gone()
    }
    const sink = batchSink({ deliver, close: () => {} }, defaultBatch, { clock, dropped: () => {} })
    gone = () => {
      gone = () => {}
      void later(turns, () => void sink.write(event(2)))
    }
    void sink.write(event(1))
    await clock.advance(100_000)
    assert.deepEqual(delivered, [event(1), event(2)], `after ${turns} turns`)
  }
})

async function later(microtasks: number, work: () => void): Promise<void> {
  for (let i = 0; i < microtasks; i++) await Promise.resolve()
  work()
}
