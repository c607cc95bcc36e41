import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evictionOrder } from './plan-eviction.ts'

test('pods over their request go first, then lower priority, then the larger excess', () => {
  const use = (name: string, usedMebibytes: number, requestMebibytes: number, priority = 0) => ({
    usedBytes: usedMebibytes * 2 ** 20,
    pod: {
      metadata: { name },
      spec: { priority, containers: [{ name: 'c', resources: { requests: { memory: `${requestMebibytes}Mi` } } }] },
    },
  })
  const order = evictionOrder([
    use('within', 90, 100),
    use('over-a-little', 110, 100),
    use('over-a-lot', 300, 100),
    use('over-but-important', 900, 100, 1000),
    use('critical', 900, 100, 2_000_000_000),
  ])
  assert.deepEqual(
    order.map(({ pod }) => pod.metadata.name),
    ['over-a-lot', 'over-a-little', 'over-but-important', 'within'],
  )
})
