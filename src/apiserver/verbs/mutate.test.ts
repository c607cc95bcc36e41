import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { createClientset } from '../../client/clientset.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { Operation } from '../../store/contract.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { overtaken } from '../overtaken-store.ts'
import { createTestApi } from '../test-api.ts'

test('a change that met a conflict is made on what the other writer left', async () => {
  const stops = (operation: Operation) =>
    operation.type === 'put' && Buffer.from(operation.value).includes('"keelson.dev/run-state":"stopped"')
  const body = { metadata: { labels: { from: 'another' } } }
  const store = overtaken(createMemoryStore(), stops, () => pods.patch('web', { type: 'merge', body }))
  const { api, client } = await createTestApi({ clock: virtualClock(), random: seededRandom(1), store })
  const pods = createClientset(client).coreV1().pods('default')
  try {
    await pods.create({ metadata: { name: 'web' }, spec: { containers: [{ name: 'c', image: 'i' }] } })
    await pods.stop('web')
    const { metadata } = await pods.get('web')
    assert.deepEqual(metadata.labels, { from: 'another' })
    assert.equal(metadata.annotations?.['keelson.dev/run-state'], 'stopped')
  } finally {
    await api.close()
  }
})
