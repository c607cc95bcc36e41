import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { Semaphore } from './semaphore.ts'

/** Work that ends when told to. */
function gate() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { work: () => promise, open: resolve }
}

test('lets in as many as it may, the others in order of arrival', async () => {
  const semaphore = new Semaphore(1)
  const first = gate()
  const order: number[] = []
  const all = [semaphore.run(first.work), ...[1, 2, 3].map((n) => semaphore.run(async () => void order.push(n)))]
  assert.deepEqual(order, [])
  first.open()
  await Promise.all(all)
  assert.deepEqual(order, [1, 2, 3])
})

test('those who go first are let in before all who wait, in their own order', async () => {
  const semaphore = new Semaphore(1)
  const first = gate()
  const order: string[] = []
  const enter = (name: string, goesFirst: boolean) => semaphore.run(async () => void order.push(name), undefined, { goesFirst })
  const all = [semaphore.run(first.work), enter('a', false), enter('b', false), enter('c', true), enter('d', true)]
  first.open()
  await Promise.all(all)
  assert.deepEqual(order, ['c', 'd', 'a', 'b'])
})

test('those who wait with a signal are refused when it aborts, the others are let in', async () => {
  const semaphore = new Semaphore(1)
  const first = gate()
  const stopping = new AbortController()
  const holder = semaphore.run(first.work)
  const refused = [false, true].map((goesFirst) => semaphore.run(async () => {}, stopping.signal, { goesFirst }))
  const other = semaphore.run(async () => 'in')
  assert.equal(getEventListeners(stopping.signal, 'abort').length, 1)
  stopping.abort(new Error('enough'))
  for (const one of refused) await assert.rejects(one, /enough/)
  first.open()
  await holder
  assert.equal(await other, 'in')
  await assert.rejects(
    semaphore.run(async () => {}, stopping.signal),
    /enough/,
  )
})

test('a signal that never aborts is left alone when nobody waits with it any more', async () => {
  const semaphore = new Semaphore(1)
  const { signal } = new AbortController()
  await Promise.all([1, 2, 3].map((n) => semaphore.run(async () => n, signal)))
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})
