import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../apiserver/test-api.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Event } from '../kinds/generated/types/events-v1.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { testPod } from './core/fixtures.ts'
import { EventSeriesWriter, type PodEvent } from './event-series.ts'

const minuteMs = 60_000
const pod = testPod({ name: 'p' })
pod.metadata.resourceVersion = '7'

async function setUp() {
  const clock = virtualClock()
  const random = seededRandom(1)
  const { api, client } = await createTestApi({ clock, random })
  let dropped = 0
  const writer = new EventSeriesWriter({ client, clock, random, log: silentLog, host: 'machine', onDropped: () => dropped++ })
  const events = client.resource(kindRefs.eventsV1.events, 'default')
  const tell = (more: Partial<PodEvent> = {}) =>
    writer.write([
      {
        ...{ pod, type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', note: 'no room', reporter: 'default-scheduler' },
        ...{ atMs: clock.now(), ...more },
      },
    ])
  const end = async () => {
    writer.close()
    await api.close()
  }
  return { clock, client, events, tell, end, all: async () => (await events.list()).items, dropped: () => dropped }
}

const counts = (events: readonly Event[]) => events.map(({ series }) => series?.count ?? 1)

test('an event says what of which pod was tried by whom, in the newer form', async () => {
  const { tell, all, client, end } = await setUp()
  await tell()
  const [event] = await all()
  const { metadata, apiVersion: _, kind: __, ...rest } = event!
  assert.match(metadata.name ?? '', /^p\.[0-9a-f]+$/)
  const regarding = { kind: 'Pod', apiVersion: 'v1', namespace: 'default', name: 'p', uid: pod.metadata.uid, resourceVersion: '7' }
  assert.deepEqual(
    JSON.parse(JSON.stringify(rest)),
    JSON.parse(
      JSON.stringify({
        ...{ action: 'Scheduling', reason: 'FailedScheduling', note: 'no room', type: 'Warning', regarding },
        ...{ reportingController: 'default-scheduler', reportingInstance: 'default-scheduler-machine' },
        ...{ eventTime: '2026-01-01T00:00:00.000000Z', deprecatedSource: {} },
        ...{ deprecatedFirstTimestamp: null, deprecatedLastTimestamp: null },
      }),
    ),
  )
  const old = await client.resource(kindRefs.coreV1.events, 'default').get(metadata.name!)
  assert.deepEqual([old.involvedObject.name, old.message, old.reportingComponent, old.source], ['p', 'no room', 'default-scheduler', {}])
  await end()
})

test('the same again makes a series of two; how long it became is written when it has been quiet for six minutes', async () => {
  const { clock, tell, all, end } = await setUp()
  for (let i = 0; i < 5; i++) {
    await tell()
    assert.deepEqual(counts(await all()), [i === 0 ? 1 : 2])
    await clock.advance(minuteMs)
  }
  await clock.advance(12 * minuteMs)
  const [event] = await all()
  assert.deepEqual([event?.series?.count, event?.series?.lastObservedTime], [5, '2026-01-01T00:04:00.000000Z'])
  assert.equal(clock.pendingTimers(), 0)
  await tell()
  assert.deepEqual(
    counts(await all()).sort((a, b) => a - b),
    [1, 5],
  )
  await end()
})

test('a series that goes on is written anew every half an hour', async () => {
  const { clock, tell, all, end } = await setUp()
  for (let i = 0; i < 40; i++) {
    await tell()
    await clock.advance(minuteMs)
  }
  const [count] = counts(await all())
  assert.ok(count! > 30 && count! < 40, `${count}`)
  await end()
})

test('another state of the pod, action, reporter or companion is another event', async () => {
  const { tell, all, end } = await setUp()
  const others: Partial<PodEvent>[] = [
    {},
    { pod: { ...pod, metadata: { ...pod.metadata, resourceVersion: '8' } } },
    { action: 'Binding' },
    { reporter: 'other' },
    { related: testPod({ name: 'strong' }) },
    { type: 'Normal' },
  ]
  for (const more of others) await tell(more)
  assert.deepEqual(
    counts(await all()),
    others.map(() => 1),
  )
  await end()
})

test('a series whose event has expired begins with a new event', async () => {
  const { events, tell, all, end } = await setUp()
  await tell()
  await events.delete((await all())[0]!.metadata.name!)
  await tell()
  assert.deepEqual(counts(await all()), [2])
  await end()
})

test('a note is cut to 1,024 bytes; a pod whose name is too long for its event has one by a name of its own', async () => {
  const { tell, all, dropped, end } = await setUp()
  await tell({ note: 'ä'.repeat(1_000) })
  await tell({ pod: testPod({ name: 'x'.repeat(250) }) })
  const [cut, long] = (await all()).sort((a, b) => a.regarding!.name!.length - b.regarding!.name!.length)
  assert.equal(Buffer.byteLength(cut!.note!), 1_024)
  assert.ok(cut!.note!.endsWith('ä ...'))
  assert.match(long!.metadata.name ?? '', /^[0-9a-f-]{36}$/)
  assert.equal(dropped(), 0)
  await end()
})

test('events of two writers in the same millisecond are all kept; those that the API refuses are counted', async () => {
  const { clock, client, tell, all, dropped, end } = await setUp()
  const refused: Client = { ...client, resource: () => client.resource(kindRefs.eventsV1.events, 'missing') as never }
  const parts = { clock, random: seededRandom(2), log: silentLog, host: 'other' }
  let lost = 0
  const event = { pod, type: 'Normal', reason: 'Scheduled', action: 'Binding', note: '', reporter: 'b', atMs: clock.now() } as const
  await tell()
  await new EventSeriesWriter({ ...parts, client, onDropped: () => lost++ }).write([event])
  assert.equal((await all()).length, 2)
  await new EventSeriesWriter({ ...parts, client: refused, onDropped: () => lost++ }).write([event])
  assert.deepEqual([dropped(), lost], [0, 1])
  await end()
})
