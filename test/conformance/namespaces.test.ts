import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { at, type TestJson } from '../../src/apiserver/test-requests.ts'
import { changed, startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
after(() => conformance.close())
const namespaces = conformance.collection('/api/v1/namespaces')

test('Namespaces should patch a Namespace', async () => {
  const made = await namespaces.create({ metadata: { name: 'patched' } })
  assert.deepEqual(at(made, 'spec.finalizers'), ['kubernetes'])
  await namespaces.strategic('patched', { metadata: { labels: { testLabel: 'testValue' } } })
  const read = await namespaces.get('patched')
  assert.deepEqual(at(read, 'metadata.labels'), { testLabel: 'testValue', 'kubernetes.io/metadata.name': 'patched' })
})

test('Namespaces should apply an update to a Namespace', async () => {
  const made = await namespaces.create({ metadata: { name: 'updated' } })
  await namespaces.replace('updated', changed(made, { 'metadata.labels.updated': 'yes' }))
  assert.equal(at(await namespaces.get('updated'), 'metadata.labels.updated'), 'yes')
})

test('Namespaces should apply changes to a namespace status', async () => {
  await namespaces.create({ metadata: { name: 'status' } })
  assert.equal(at(await namespaces.get('status/status'), 'status.phase'), 'Active')
  const patched = await namespaces.merge('status/status', {
    metadata: { annotations: { 'patched-status': 'status' } },
    status: { conditions: [{ type: 'StatusPatch', status: 'True', reason: 'E2E', message: 'Patched by a test' }] },
  })
  assert.equal(at(patched, 'metadata.annotations.patched-status'), 'status')
  assert.equal(at(patched, 'status.phase'), 'Active')
  const [condition] = at(patched, 'status.conditions') as TestJson[]
  const more = { type: 'StatusUpdate', status: 'True', reason: 'E2E', message: 'Updated by a test' }
  const updated = await namespaces.replace('status/status', changed(patched, { 'status.conditions': [condition, more] }))
  assert.deepEqual(
    (at(updated, 'status.conditions') as TestJson[]).map((c) => [c.type, c.status, c.reason, c.message]),
    [
      ['StatusPatch', 'True', 'E2E', 'Patched by a test'],
      ['StatusUpdate', 'True', 'E2E', 'Updated by a test'],
    ],
  )
  assert.deepEqual((await namespaces.get('status')).status, updated.status)
})

test('Namespaces should apply a finalizer to a Namespace', async () => {
  const fake = 'e2e.example.com/fakeFinalizer'
  const made = await namespaces.create({ metadata: { name: 'finalized' } })
  const held = await namespaces.replace('finalized/finalize', changed(made, { 'spec.finalizers': [fake, 'kubernetes'] }))
  assert.deepEqual(at(held, 'spec.finalizers'), [fake, 'kubernetes'])
  assert.deepEqual(at(await namespaces.get('finalized'), 'spec.finalizers'), [fake, 'kubernetes'])
  const freed = await namespaces.replace('finalized/finalize', changed(held, { 'spec.finalizers': ['kubernetes'] }))
  assert.deepEqual(at(freed, 'spec.finalizers'), ['kubernetes'])
  assert.deepEqual(at(await namespaces.get('finalized'), 'spec.finalizers'), ['kubernetes'])
  // Beside that subresource nobody changes them.
  await namespaces.replace('finalized', changed(freed, { 'spec.finalizers': [fake] }))
  assert.deepEqual(at(await namespaces.get('finalized'), 'spec.finalizers'), ['kubernetes'])
})

test('a namespace that is deleted stays, Terminating, until the last finalizer is taken off it', async () => {
  const made = await namespaces.create({ metadata: { name: 'held' } })
  const held = await namespaces.replace('held/finalize', changed(made, { 'spec.finalizers': ['e2e.example.com/fakeFinalizer'] }))
  const watch = await namespaces.watch(`fieldSelector=metadata.name%3Dheld&resourceVersion=${String(at(held, 'metadata.resourceVersion'))}`)
  assert.equal(at(await namespaces.remove('held'), 'status.phase'), 'Terminating')
  const ending = await watch.until('MODIFIED', 'held')
  assert.ok(at(ending, 'metadata.deletionTimestamp'))
  const late = await conformance.send('POST', '/api/v1/namespaces/held/configmaps', { body: { metadata: { name: 'late' } } })
  assert.deepEqual([late.code, late.json.reason], [403, 'Forbidden'])
  await namespaces.replace('held/finalize', changed(ending, { 'spec.finalizers': [] }))
  await watch.until('DELETED', 'held')
  watch.stop()
  await namespaces.gone('held')
})
