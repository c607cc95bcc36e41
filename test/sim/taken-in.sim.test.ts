import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../src/base/random.ts'
import type { PodSpec } from '../../src/kinds/generated/types/core-v1.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'
import { startCluster } from '../../src/roles/embedded.ts'

const priorities = { low: 1, middle: 100, high: 1_000 } as const
const steps = 150

const pick = <T>(random: Random, items: readonly T[]): T => items[random.below(items.length)]!

/** Pods that want much of a node and its ports, push each other out, end by themselves and are deleted, half of them by force. */
function somePod(random: Random): PodSpec {
  const cpu = pick(random, ['500m', '1', '2', '3'])
  const ports = random.below(3) === 0 ? { ports: [{ containerPort: 80, hostPort: 8_000 + random.below(2) }] } : {}
  return {
    terminationGracePeriodSeconds: pick(random, [0, 1, 5, 30]),
    priorityClassName: pick(random, Object.keys(priorities)),
    restartPolicy: 'Never',
    containers: [{ name: 'c', image: random.below(4) === 0 ? 'fake-exit:0' : 'web:1', resources: { requests: { cpu } }, ...ports }],
  }
}

for (const seed of [1, 2])
  test(`no node refuses what the scheduler gives it, whatever comes and goes (seed ${seed})`, async () => {
    const [clock, random] = [virtualClock(), seededRandom(seed)]
    const cluster = await startCluster({ nodes: 3, clock, random: seededRandom(seed) })
    const pods = cluster.clientset.coreV1().pods('default')
    for (const [name, value] of Object.entries(priorities))
      await cluster.clientset.schedulingV1().priorityClasses().create({ metadata: { name }, value })
    await clock.advance(5_000)
    const refused = new Set<string>()
    let ended = 0
    const stop = new AbortController()
    const watching = (async () => {
      for await (const event of pods.watch({ signal: stop.signal })) {
        if (event.type === 'BOOKMARK') continue
        const { metadata, status } = event.object
        if (event.type === 'DELETED') ended++
        if (status?.phase === 'Failed' && status.reason !== undefined) refused.add(`${metadata.name}: ${status.reason}: ${status.message}`)
      }
    })().catch(() => {})
    for (let step = 0; step < steps; step++) {
      const live = (await pods.list()).items.filter(({ metadata }) => !metadata.deletionTimestamp)
      if (live.length === 0 || random.below(2) === 0) await pods.create({ metadata: { name: `pod-${step}` }, spec: somePod(random) })
      else await pods.delete(pick(random, live).metadata.name!, random.below(2) === 0 ? { gracePeriodSeconds: 0 } : {})
      await clock.advance(random.below(3) === 0 ? random.below(2_000) : random.below(50))
    }
    await clock.advance(60_000)
    stop.abort()
    await watching
    const waiting = (await pods.list()).items.filter(({ spec, status }) => spec?.nodeName !== undefined && status?.phase === 'Pending')
    await cluster.close()
    assert.deepEqual([...refused], [])
    assert.deepEqual(
      waiting.map(({ metadata }) => metadata.name),
      [],
    )
    assert.ok(ended > 20)
  })
