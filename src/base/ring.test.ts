import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRing } from './ring.ts'

test('lets go of the oldest when there is no room for another', () => {
  const gone: string[] = []
  const keep = createRing<string>(2, (oldest) => gone.push(oldest))
  for (const thing of ['a', 'b', 'c', 'd']) keep(thing)
  assert.deepEqual(gone, ['a', 'b'])
})

test('does not let go of what takes its own place', () => {
  const gone: string[] = []
  const keep = createRing<string>(1, (oldest) => gone.push(oldest))
  for (const thing of ['a', 'a', 'b']) keep(thing)
  assert.deepEqual(gone, ['a'])
})
