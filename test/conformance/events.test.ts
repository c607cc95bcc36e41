import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { at } from '../../src/apiserver/test-requests.ts'
import { changed, namesOf, startConformanceApi } from './conformance-api.ts'

/** Events of both groups: one storage, two versions. */
const conformance = await startConformanceApi()
after(() => conformance.close())
const namespace = await conformance.namespace('events')
const core = conformance.collection(`/api/v1/namespaces/${namespace}/events`)
const ofGroup = conformance.collection(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)

const coreEvent = (name: string, labels: Readonly<Record<string, string>>) => ({
  metadata: { name, labels },
  message: 'This is a test event',
  reason: 'Test',
  type: 'Normal',
  count: 1,
  involvedObject: { namespace },
})

test('Events should manage the lifecycle of an event', async () => {
  const everywhere = conformance.collection('/api/v1/events')
  const selector = 'labelSelector=testevent-constant%3Dtrue'
  await core.create(coreEvent('event-test', { 'testevent-constant': 'true' }))
  assert.deepEqual(namesOf(await everywhere.list(selector)), ['event-test'])
  await core.strategic('event-test', { message: 'This is a test event - patched' })
  const patched = await core.get('event-test')
  assert.equal(patched.message, 'This is a test event - patched')
  const series = { count: 100, lastObservedTime: '2014-07-11T17:00:00.000001Z' }
  await core.replace('event-test', changed(patched, { series }))
  assert.deepEqual((await core.get('event-test')).series, series)
  await core.remove('event-test')
  assert.deepEqual(await everywhere.list(selector), [])
})

test('Events should delete a collection of events', async () => {
  const selector = 'labelSelector=testevent-set%3Dtrue'
  for (const name of ['set-1', 'set-2', 'set-3']) await core.create(coreEvent(name, { 'testevent-set': 'true' }))
  assert.deepEqual(namesOf(await core.list(selector)), ['set-1', 'set-2', 'set-3'])
  await core.removeAll(selector)
  assert.deepEqual(await core.list(selector), [])
})

const groupEvent = (name: string, labels: Readonly<Record<string, string>>) => ({
  metadata: { name, labels },
  eventTime: '2026-01-01T00:00:00.000001Z',
  reportingController: 'test-controller',
  reportingInstance: 'test-node',
  action: 'Do',
  reason: 'Test',
  type: 'Normal',
  note: 'This is a test event',
  regarding: { namespace },
})

test('Events API should ensure that an event can be fetched, patched, deleted, and listed', async () => {
  const selector = 'labelSelector=testevent-constant%3Dtrue'
  const field = 'fieldSelector=reportingController%3Dtest-controller'
  const everywhere = conformance.collection('/apis/events.k8s.io/v1/events')
  await ofGroup.create(groupEvent('event-api', { 'testevent-constant': 'true' }))
  assert.equal((await ofGroup.get('event-api')).note, 'This is a test event')
  assert.deepEqual(namesOf(await ofGroup.list(selector)), ['event-api'])
  assert.deepEqual(namesOf(await everywhere.list(`${selector}&${field}`)), ['event-api'])
  // Where the text speaks of a new note, the release itself refuses one: what goes on in the same words is a series.
  const note = 'This is a test event - patched'
  const refused = await conformance.send('PATCH', `${ofGroup.path}/event-api`, {
    body: { note },
    type: 'application/strategic-merge-patch+json',
  })
  assert.equal(refused.json.message, `Event "event-api" is invalid: message: Invalid value: "${note}": field is immutable`)
  await ofGroup.strategic('event-api', { series: { count: 2, lastObservedTime: '2026-01-01T00:00:01.000001Z' } })
  const patched = await ofGroup.get('event-api')
  assert.deepEqual(patched.series, { count: 2, lastObservedTime: '2026-01-01T00:00:01.000001Z' })
  const series = { count: 100, lastObservedTime: '2014-07-11T17:00:00.000001Z' }
  await ofGroup.replace('event-api', changed(patched, { series }))
  const read = await ofGroup.get('event-api')
  assert.deepEqual(read.series, series)
  assert.equal(read.note, 'This is a test event')
  assert.equal(at(await core.get('event-api'), 'message'), 'This is a test event')
  await ofGroup.remove('event-api')
  await ofGroup.gone('event-api')
  assert.deepEqual(await ofGroup.list(selector), [])
  assert.deepEqual(await everywhere.list(selector), [])
})

test('Events API should delete a collection of events', async () => {
  const selector = 'labelSelector=testevent-set%3Dtrue'
  for (const name of ['api-1', 'api-2', 'api-3']) await ofGroup.create(groupEvent(name, { 'testevent-set': 'true' }))
  assert.deepEqual(namesOf(await ofGroup.list(selector)), ['api-1', 'api-2', 'api-3'])
  await ofGroup.removeAll(selector)
  assert.deepEqual(await ofGroup.list(selector), [])
})
