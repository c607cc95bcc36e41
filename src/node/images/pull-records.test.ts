import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RegistryAuth } from '../runtime/contract.ts'
import { PullRecords } from './pull-records.ts'

const image = { id: 'sha256:1', reference: 'registry.test/app:1', repository: 'registry.test/app' }
const ann = { username: 'ann', password: 'x' }
const bob = { username: 'bob', password: 'y' }

/** Records beside what they keep; `again` is what an agent has that starts anew. */
function world() {
  let stored: string | undefined
  const open = () => new PullRecords({ stored, keep: (text) => (stored = text) })
  return { records: open(), again: open, stored: () => stored }
}
const ask = (records: PullRecords, ...credentials: readonly RegistryAuth[]) => records.mayUse(image, async () => credentials)

test('an image that this node did not pull is for everyone', async () => {
  const { records, stored } = world()
  assert.equal(await ask(records), true)
  assert.equal(stored(), undefined)
})

test('an image that came with credentials is for those who bring them, also after a restart', async () => {
  const { records, again, stored } = world()
  records.begin(image.reference)
  records.pulled(image, ann)
  for (const one of [records, again()]) {
    assert.equal(await ask(one), false)
    assert.equal(await ask(one, bob), false)
    assert.equal(await ask(one, bob, ann), true)
    assert.equal(await one.mayUse({ ...image, repository: 'registry.test/other' }, async () => [ann]), false)
  }
  assert.doesNotMatch(stored()!, /ann|bob/)
  records.pulled(image, bob)
  assert.equal(await ask(records, bob), true)
  assert.equal(await ask(records, ann), true)
})

test('an image that came without credentials once is for everyone', async () => {
  const { records } = world()
  records.pulled(image, ann)
  records.pulled(image, undefined)
  assert.equal(await ask(records), true)
})

test('a pull that a crash cut off leaves an image that must be asked for; a failed one leaves nothing', async () => {
  const { records, again } = world()
  records.begin(image.reference)
  assert.equal(await ask(again(), ann), false)
  records.failed(image.reference)
  assert.equal(await ask(again()), true)
})

test('what is kept and cannot be read is as nothing', async () => {
  assert.equal(await ask(new PullRecords({ stored: '', keep: () => {} })), true)
})

test('records of images that are gone are forgotten', async () => {
  const { records, again } = world()
  records.pulled(image, ann)
  records.retain(new Set(['sha256:1']))
  assert.equal(await ask(again()), false)
  records.retain(new Set())
  assert.equal(await ask(again()), true)
})
