import assert from 'node:assert/strict'
import { it } from 'node:test'
import { committed, describeStore, put } from './conformance.ts'
import { createMemoryStore } from './memory.ts'

describeStore(
  'memory',
  async () => {
    const store = createMemoryStore()
    return { store, dispose: () => store.close() }
  },
  { runs: 200, isDurable: false },
)

it('memory: forgets its oldest events by itself', async () => {
  const store = createMemoryStore({ historyEventsMax: 3 })
  for (let i = 0; i < 10; i++) await committed(store, put('a', `${i}`))
  assert.deepEqual([store.revision, store.compactRevision], [10, 7])
})
