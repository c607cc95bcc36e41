import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KubeObject } from '../machinery/object.ts'
import { ObjectIndex } from './object-index.ts'

const object = (name: string, labels: Record<string, string>, version = 1): KubeObject => ({
  metadata: { name, namespace: 'a', resourceVersion: String(version), labels },
})
const labelsOf = ({ metadata }: KubeObject) => Object.keys(metadata.labels ?? {})
const names = (objects: readonly KubeObject[]) => objects.map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`)

/** The buckets after `changes`, each a key and its object, or undefined for a removal. */
function check(changes: readonly (readonly [string, KubeObject | undefined])[], expected: Record<string, readonly string[]>) {
  const index = new ObjectIndex<KubeObject>()
  index.addIndex('label', labelsOf)
  for (const [key, value] of changes) {
    index.set(key, value)
    // A list that somebody has read must not be what the next one reads.
    for (const bucket of index.values('label')) index.byIndex('label', bucket)
  }
  assert.deepEqual(Object.fromEntries([...index.values('label')].map((value) => [value, names(index.byIndex('label', value))])), expected)
}

test('an object is in the buckets of its values, in its newest state', () => {
  const [x, y] = [object('x', { p: '', q: '' }), object('y', { q: '' })]
  check(
    [
      ['x', x],
      ['y', y],
    ],
    { p: ['x@1'], q: ['x@1', 'y@1'] },
  )
  // The same values: it keeps its place.
  check(
    [
      ['x', x],
      ['y', y],
      ['x', object('x', { p: '', q: '' }, 2)],
    ],
    { p: ['x@2'], q: ['x@2', 'y@1'] },
  )
  check(
    [
      ['x', x],
      ['x', object('x', { q: '', r: '' }, 2)],
    ],
    { q: ['x@2'], r: ['x@2'] },
  )
  // As many values, other ones.
  check(
    [
      ['y', y],
      ['y', object('y', { r: '' }, 2)],
    ],
    { r: ['y@2'] },
  )
  check(
    [
      ['y', y],
      ['y', object('y', {}, 2)],
    ],
    {},
  )
  check(
    [
      ['x', x],
      ['y', y],
      ['x', undefined],
    ],
    { q: ['y@1'] },
  )
  check([['x', undefined]], {})
})

test('an index that comes later has what is there', () => {
  const index = new ObjectIndex<KubeObject>()
  index.set('x', object('x', { p: '' }))
  index.addIndex('label', labelsOf)
  index.addIndex('label', () => assert.fail('an index of that name is there'))
  assert.deepEqual(names(index.byIndex('label', 'p')), ['x@1'])
  assert.deepEqual(names(index.list('a')), ['x@1'])
  assert.deepEqual(index.byIndex('label', 'none'), [])
  assert.throws(() => index.byIndex('other', ''), /no index "other"/)
})
