import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'
import { startCluster } from '../../src/roles/embedded.ts'

test('the last state that a deleted pod shows is how it ended, not that it is about to begin', async () => {
  const clock = virtualClock()
  const cluster = await startCluster({ clock, random: seededRandom(1) })
  const pods = cluster.clientset.coreV1().pods('default')
  const seen: Pod[] = []
  const abort = new AbortController()
  const watching = (async () => {
    for await (const event of pods.watch({ signal: abort.signal })) if (event.type !== 'BOOKMARK') seen.push(event.object)
  })().catch(() => {})
  await clock.advance(2000)
  await pods.create({ metadata: { name: 'web' }, spec: { containers: [{ name: 'c', image: 'registry.example/web:1' }] } })
  assert(await clock.runUntil(() => seen.at(-1)?.status?.phase === 'Running', 30_000))
  await pods.delete('web', { gracePeriodSeconds: 1 })
  await clock.advance(10_000)
  abort.abort()
  await watching
  await cluster.close()
  const phases = seen.map((pod) => pod.status?.phase)
  assert.deepEqual([...new Set(phases)], ['Pending', 'Running', 'Succeeded'])
  assert.equal(phases.lastIndexOf('Running') < phases.indexOf('Succeeded'), true)
  assert.equal(seen.at(-1)?.status?.containerStatuses?.[0]?.state?.terminated?.exitCode, 0)
})

for (const [title, finalizers, expected] of [
  [
    'a pod that goes is written when it is asked to, when its containers have ended, and when it is gone',
    [],
    ['asked', 'Succeeded', 'gone'],
  ],
  [
    'one that somebody holds back tells of its sandbox, too',
    ['example.com/held'],
    ['asked', 'Succeeded', 'without a sandbox', 'to be taken'],
  ],
] as const)
  test(title, async () => {
    const clock = virtualClock()
    const cluster = await startCluster({ clock, random: seededRandom(1) })
    const pods = cluster.clientset.coreV1().pods('default')
    await clock.advance(2000)
    const spec = { containers: [{ name: 'c', image: 'registry.example/web:1' }] }
    await pods.create({ metadata: { name: 'web', finalizers: [...finalizers] }, spec })
    await clock.advance(5000)
    const told: string[] = []
    const abort = new AbortController()
    const { resourceVersion = '' } = (await pods.get('web')).metadata
    const watching = (async () => {
      for await (const event of pods.watch({ signal: abort.signal, resourceVersion }))
        if (event.type !== 'BOOKMARK') told.push(event.type === 'DELETED' ? 'gone' : stateOf(event.object))
    })().catch(() => {})
    await pods.delete('web')
    await clock.advance(10_000)
    abort.abort()
    await watching
    await cluster.close()
    assert.deepEqual(told, expected)
  })

function stateOf({ metadata, status }: Pod): string {
  if (metadata.deletionGracePeriodSeconds === 0) return 'to be taken'
  if (status?.phase === 'Running') return 'asked'
  const hasSandbox = status?.conditions?.find(({ type }) => type === 'PodReadyToStartContainers')?.status === 'True'
  return hasSandbox ? (status?.phase ?? '') : 'without a sandbox'
}
