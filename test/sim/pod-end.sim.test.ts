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
