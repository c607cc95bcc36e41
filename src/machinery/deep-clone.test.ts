import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deepClone, deepCloneBeside } from './deep-clone.ts'

test('a copy shares nothing, and keeps a field that is called __proto__', () => {
  const value = { list: [{ a: 1 }], none: null, map: JSON.parse('{"__proto__":{"b":2}}') as object }
  const copy = deepClone(value)
  assert.deepEqual(copy, value)
  assert.notEqual(copy.list[0], value.list[0])
  assert(Object.hasOwn(copy.map, '__proto__'))
})

test('a copy beside its original names the outermost parts that were left alone', () => {
  const original = { spec: { containers: [{ name: 'a' }, { name: 'b' }] }, status: { phase: 'Pending' }, labels: {} }
  const [first, second] = original.spec.containers
  const changed = { ...original, spec: { containers: [first, { ...second, image: 'x' }] }, labels: [] }
  const { copy, untouched } = deepCloneBeside(changed, original)
  assert.deepEqual(copy, changed)
  assert.deepEqual([...untouched], [copy.spec.containers[0], copy.status])
  assert.notEqual(copy.status, original.status)
})

test('a part that nobody changes is left alone and not copied', () => {
  const original = { owners: [{ name: 'a' }], labels: { a: '1' } }
  const { copy, untouched } = deepCloneBeside({ ...original, labels: {} }, original, [original.owners])
  assert.equal(copy.owners, original.owners)
  assert(untouched.has(copy.owners))
})

test('what moved to another place does not count as left alone', () => {
  const [a, b] = [{ name: 'a' }, { name: 'b' }]
  assert.equal(deepCloneBeside([b, a], [a, b]).untouched.size, 0)
})

test('what nobody changes is not copied below what a change left alone either', () => {
  const fields = { a: { b: 1 } }
  const original = { metadata: { name: 'x', managed: [{ fields }] }, status: {} }
  const { managed } = original.metadata
  const { copy, untouched } = deepCloneBeside({ ...original, status: { c: 1 } }, original, [managed])
  assert.equal(copy.metadata.managed, managed)
  assert.notEqual(copy.metadata, original.metadata)
  assert.deepEqual([...untouched], [managed, copy.metadata])
})
