import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../apiserver/test-api.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { EventRecorder } from './event-recorder.ts'

const about = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', namespace: 'default', uid: 'u' } }

async function recorded(body: (recorder: EventRecorder, clock: ReturnType<typeof virtualClock>) => Promise<void>) {
  const clock = virtualClock()
  const { api, client } = await createTestApi({ clock, random: seededRandom(1) })
  const recorder = new EventRecorder({ client, clock, log: silentLog, component: 'test' })
  await body(recorder, clock)
  await recorder.flushed()
  const { items } = await client.resource(kindRefs.coreV1.events, 'default').list()
  await api.close()
  return { items, recorder }
}

test('an event names its object, its source and its time; the same again raises its count', async () => {
  const { items } = await recorded(async (recorder, clock) => {
    for (let i = 0; i < 3; i++) {
      recorder.record(about, { type: 'Normal', reason: 'Started', message: 'Started container c' })
      await recorder.flushed()
      await clock.advance(10_000)
    }
  })
  assert.equal(items.length, 1)
  const [event] = items
  assert.deepEqual(
    [event?.involvedObject, event?.type, event?.reason, event?.message, event?.count, event?.source?.component],
    [{ kind: 'Pod', apiVersion: 'v1', namespace: 'default', name: 'p', uid: 'u' }, 'Normal', 'Started', 'Started container c', 3, 'test'],
  )
  assert.deepEqual([event?.firstTimestamp, event?.lastTimestamp], ['2026-01-01T00:00:00Z', '2026-01-01T00:00:20Z'])
  assert.match(event?.metadata.name ?? '', /^p\.[0-9a-f]+$/)
})

test('many different messages of one reason become one', async () => {
  const { items } = await recorded(async (recorder) => {
    for (let i = 0; i < 20; i++) recorder.record(about, { type: 'Warning', reason: 'Failed', message: `failure ${i}` })
    await recorder.flushed()
  })
  assert.equal(items.length, 10)
  const combined = items.filter(({ message }) => message?.startsWith('(combined from similar events): '))
  assert.deepEqual(
    combined.map(({ message, count, reportingComponent }) => [message, count, reportingComponent ?? '']),
    [['(combined from similar events): failure 19', 11, '']],
  )
})

test('one object can not flood: 25 in a burst, then one in five minutes', async () => {
  const { items, recorder } = await recorded(async (recorder, clock) => {
    for (let i = 0; i < 40; i++) recorder.record(about, { type: 'Normal', reason: `R${i}`, message: 'm' })
    recorder.record(about, { type: 'Warning', reason: 'Another', message: 'm' })
    recorder.record(about, { type: 'Normal', reason: 'R0', message: 'm' })
    await recorder.flushed()
    await clock.advance(301_000)
    recorder.record(about, { type: 'Normal', reason: 'R0', message: 'm' })
    await recorder.flushed()
  })
  assert.equal(items.length, 26)
  assert.equal(recorder.droppedCount, 16)
  assert.equal(items.find(({ reason }) => reason === 'R0')?.count, 3)
})

test('what two components say of one object in the same millisecond is kept', async () => {
  const clock = virtualClock()
  const { api, client } = await createTestApi({ clock, random: seededRandom(1) })
  const recorders = ['one', 'two'].map((component) => new EventRecorder({ client, clock, log: silentLog, component }))
  for (const recorder of recorders) recorder.record(about, { type: 'Normal', reason: 'Started', message: 'm' })
  for (const recorder of recorders) await recorder.flushed()
  const { items } = await client.resource(kindRefs.coreV1.events, 'default').list()
  assert.deepEqual(new Set(items.map(({ source }) => source?.component)), new Set(['one', 'two']))
  await api.close()
})

test('an event that is told just as the last one has been written is written, too', async () => {
  const clock = virtualClock()
  const { api, client } = await createTestApi({ clock, random: seededRandom(1) })
  const events = client.resource(kindRefs.coreV1.events, 'default')
  for (let turns = 0; turns < 16; turns++) {
    let written = () => {}
    const told: Client = {
      ...client,
      resource: (kind, namespace) => {
        const resource = client.resource(kind, namespace)
        const create: typeof resource.create = async (...args) => {
          const made = await resource.create(...args)
          written()
          return made
        }
        return { ...resource, create }
      },
    }
    const recorder = new EventRecorder({ client: told, clock, log: silentLog, component: 'test' })
    written = () => {
      written = () => {}
      void later(turns, () => recorder.record(about, { type: 'Normal', reason: 'Second', message: `after ${turns} turns` }))
    }
    recorder.record(about, { type: 'Normal', reason: 'First', message: `before ${turns} turns` })
    await clock.advance(1_000)
    const { items } = await events.list()
    assert.ok(
      items.some(({ message }) => message === `after ${turns} turns`),
      `after ${turns} turns`,
    )
  }
  await api.close()
})

async function later(microtasks: number, work: () => void): Promise<void> {
  for (let i = 0; i < microtasks; i++) await Promise.resolve()
  work()
}
