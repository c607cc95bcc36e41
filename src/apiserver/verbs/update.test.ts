import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { createClientset } from '../../client/clientset.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { overtaken } from '../overtaken-store.ts'
import { createTestApi } from '../test-api.ts'

test('an apply that would make what another makes meanwhile changes it', async () => {
  const makes = ({ key, expected }: { readonly key: string; readonly expected: unknown }) =>
    key.endsWith('/shared') && expected === 'absent'
  const store = overtaken(createMemoryStore(), makes, () => maps.create({ metadata: { name: 'shared' }, data: { a: '1' } }))
  const { api, client } = await createTestApi({ clock: virtualClock(), random: seededRandom(1), store })
  const maps = createClientset(client).coreV1().configMaps('default')
  try {
    const { data, metadata } = await maps.apply({ metadata: { name: 'shared' }, data: { b: '2' } }, { fieldManager: 'm' })
    assert.deepEqual(data, { a: '1', b: '2' })
    assert.deepEqual(
      (await maps.list()).items.map(({ metadata: { uid } }) => uid),
      [metadata.uid],
    )
  } finally {
    await api.close()
  }
})
