import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Container, Pod, Volume } from '../../kinds/generated/types/core-v1.ts'
import { limitExcess } from './local-storage.ts'
import { evictionMessage, evictionOrder } from './plan-eviction.ts'

const use = (name: string, usedMebibytes: number, requestMebibytes: number, priority = 0) => ({
  used: usedMebibytes * 2 ** 20,
  byContainer: new Map([['c', usedMebibytes * 2 ** 20]]),
  pod: {
    metadata: { name },
    spec: { priority, containers: [{ name: 'c', resources: { requests: { memory: `${requestMebibytes}Mi` } } }] },
  },
})

test('pods over their request go first, then lower priority, then the larger excess', () => {
  const uses = [
    use('within', 90, 100),
    use('over-a-little', 110, 100),
    use('over-a-lot', 300, 100),
    use('over-but-important', 900, 100, 1000),
    use('critical', 900, 100, 2_000_000_000),
  ]
  assert.deepEqual(
    evictionOrder(uses, 'memory').map(({ pod }) => pod.metadata.name),
    ['over-a-lot', 'over-a-little', 'over-but-important', 'within'],
  )
})

test('the message names what ran short and who used more than it asked for', () => {
  assert.equal(
    evictionMessage({ signal: 'memory.available', bound: 100 * 2 ** 20, available: 50 * 2 ** 20 + 4096 }, use('p', 300, 100)),
    'The node was low on resource: memory. Threshold quantity: 100Mi, available: 51204Ki. ' +
      'Container c was using 300Mi, request is 100Mi, has larger consumption of memory. ',
  )
  assert.equal(
    evictionMessage({ signal: 'nodefs.inodesFree', bound: 51_200, available: 40_000 }, use('p', 300, 100)),
    'The node was low on resource: inodes. Threshold quantity: 50Ki, available: 40k. ',
  )
})

test('of pods that fill the process table the least important goes first, then the one with the most', () => {
  const uses = [use('few', 1, 0), use('many', 3, 0), use('most-but-important', 9, 0, 1000)]
  assert.deepEqual(
    evictionOrder(uses, 'pids').map(({ pod }) => pod.metadata.name),
    ['many', 'few', 'most-but-important'],
  )
})

test('a static pod is never evicted', () => {
  const { pod, ...rest } = use('fixed', 300, 100)
  const annotations = { 'kubernetes.io/config.source': 'file' }
  assert.deepEqual(evictionOrder([{ ...rest, pod: { ...pod, metadata: { ...pod.metadata, annotations } } }], 'memory'), [])
})

type Case = {
  readonly volumes?: Volume[]
  readonly limits?: Record<string, string>
  readonly use: { readonly volumes?: Record<string, number>; readonly containers?: Record<string, number> }
}

function check(
  name: string,
  { volumes = [], limits = {}, use: { volumes: used = {}, containers = {} } }: Case,
  wanted: string | undefined,
) {
  test(name, () => {
    const list: Container[] = ['a', 'b'].map((c) => ({
      name: c,
      ...(limits[c] ? { resources: { limits: { 'ephemeral-storage': limits[c] } } } : {}),
    }))
    const pod: Pod = { metadata: { name: 'p' }, spec: { containers: list, volumes } }
    const figures = { volumes: new Map(Object.entries(used)), containers: new Map(Object.entries(containers)) }
    assert.equal(limitExcess(pod, figures)?.message, wanted)
  })
}

const disk: Volume = { name: 'disk', emptyDir: { sizeLimit: '1Mi' } }
const mebibyte = 2 ** 20
check('a volume within its limit is fine', { volumes: [disk], use: { volumes: { disk: mebibyte } } }, undefined)
check(
  'a volume beyond its limit is not',
  { volumes: [disk], use: { volumes: { disk: mebibyte + 1 } } },
  'Usage of EmptyDir volume "disk" exceeds the limit "1Mi". ',
)
check('a volume without a limit is fine', { volumes: [{ name: 'disk', emptyDir: {} }], use: { volumes: { disk: 2 ** 40 } } }, undefined)
check(
  'a container beyond its limit',
  { limits: { a: '1Mi', b: '5Mi' }, use: { containers: { a: 2 * mebibyte } } },
  'Container a exceeded its local ephemeral storage limit "1Mi". ',
)
check(
  'volumes count against the sum of the limits',
  {
    limits: { a: '1Mi', b: '1Mi' },
    volumes: [{ name: 'v', emptyDir: {} }],
    use: { containers: { a: mebibyte }, volumes: { v: 2 * mebibyte } },
  },
  'Pod ephemeral local storage usage exceeds the total limit of containers 2Mi. ',
)
check('without limits nothing is exceeded', { use: { containers: { a: 2 ** 40 } } }, undefined)
