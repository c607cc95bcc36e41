import assert from 'node:assert/strict'
import { test } from 'node:test'
import { textOfShared } from '../../machinery/shared-value.ts'
import { specOfText } from './spec-of-text.ts'

const cases: readonly (readonly [title: string, specs: readonly object[]])[] = [
  ['of no node', [{ containers: [] }, { containers: [] }]],
  ['of several nodes', [{ nodeName: 'a' }, { nodeName: 'b' }, {}, { nodeName: '' }]],
  ['with a node behind the others', [1, 2, 1].map((n) => ({ volumes: [{ name: 'v' }], nodeName: `n-${n}` }))],
  ['with fields around the node', [1, 2, 3].map((n) => ({ volumes: [{ name: 'v' }], nodeName: `n-${n}`, restartPolicy: 'Always' }))],
  ['with something of that name within', ['a', 'b', 'a'].map((nodeName) => ({ affinity: { matchLabels: { x: 'y', nodeName } } }))],
  ['with both', ['a', 'b', 'a'].map((nodeName) => ({ affinity: { matchLabels: { x: 'y', nodeName } }, nodeName: 'n' }))],
  ['with a text that looks like it', [{ note: ',"nodeName":"n' }, { note: ',"nodeName":"n"}' }]],
  ['of a name that has a quote', ['a"b', 'a"c', 'a"b', 'a\\'].map((nodeName) => ({ priority: 0, nodeName }))],
  ['that are long', ['a', 'b'].map((nodeName) => ({ note: 'x'.repeat(20_000), nodeName }))],
]

for (const [title, specs] of cases)
  test(`specs ${title} are what their texts say`, () => {
    for (const spec of specs) {
      const text = JSON.stringify(spec)
      const parsed = specOfText(text)
      assert.equal(JSON.stringify(parsed), text)
      assert.equal(textOfShared(parsed) ?? text, text)
    }
  })

test('what has not been seen for long is parsed anew', () => {
  const spec = (n: number) => JSON.stringify({ containers: [{ name: `c-${n}` }], nodeName: 'n' })
  const containersOf = (n: number) => (specOfText(spec(n)) as { containers: unknown }).containers
  const first = containersOf(0)
  assert.equal(containersOf(0), first)
  for (let n = 1; n <= 600; n++) containersOf(n)
  assert.notEqual(containersOf(0), first)
})
