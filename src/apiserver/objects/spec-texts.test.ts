import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSpecTexts } from './spec-texts.ts'

const cases: readonly (readonly [title: string, specs: readonly object[]])[] = [
  ['of no node', [{ containers: [] }, { containers: [] }]],
  ['of several nodes', [{ nodeName: 'a' }, { nodeName: 'b' }, {}, { nodeName: '' }]],
  ['with fields around the node', [1, 2, 3].map((n) => ({ volumes: [{ name: 'v' }], nodeName: `n-${n}`, restartPolicy: 'Always' }))],
  ['with something of that name within', ['a', 'b', 'a'].map((nodeName) => ({ affinity: { matchLabels: { nodeName } } }))],
  ['with both', ['a', 'b', 'a'].map((nodeName) => ({ affinity: { matchLabels: { nodeName } }, nodeName: 'n', priority: 0 }))],
  ['of a name that has a quote', [{ nodeName: 'a"b' }, { nodeName: 'a"c' }, { nodeName: 'a"b' }]],
  ['that are long', ['a', 'b'].map((nodeName) => ({ nodeName, note: 'x'.repeat(20_000) }))],
]

for (const [title, specs] of cases)
  test(`specs ${title} are what their texts say`, () => {
    const parse = createSpecTexts()
    for (const spec of specs) assert.deepEqual(parse(JSON.stringify(spec)), spec)
  })

test('what has not been seen for long is parsed anew', () => {
  const parse = createSpecTexts()
  const spec = (n: number) => JSON.stringify({ nodeName: 'n', containers: [{ name: `c-${n}` }] })
  const containersOf = (n: number) => (parse(spec(n)) as { containers: unknown }).containers
  const first = containersOf(0)
  assert.equal(containersOf(0), first)
  for (let n = 1; n <= 600; n++) containersOf(n)
  assert.notEqual(containersOf(0), first)
})
