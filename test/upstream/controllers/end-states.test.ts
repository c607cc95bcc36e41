/** Kubernetes 1.36's controllers were given these scenarios, on nodes that pretend as ours do: ours must leave the same objects and have told the same. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { seededRandom } from '../../../src/base/random.ts'
import { virtualClock } from '../../../src/platform/virtual-clock.ts'
import { type Cluster, startCluster } from '../../../src/roles/embedded.ts'
import { endStateLines } from './end-state-lines.ts'
import { scenarios } from './scenarios.ts'

const recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as Readonly<Record<string, readonly string[]>>
const clock = virtualClock()
let cluster: Cluster

before(async () => {
  cluster = await startCluster({ clock, random: seededRandom(7), nodes: 3 })
  await clock.advance(5_000)
})
after(async () => {
  let isClosed = false
  const closing = cluster.close().then(() => (isClosed = true))
  await clock.runUntil(() => isClosed, 60_000)
  await closing
})

test('every scenario is recorded', () => assert.deepEqual(Object.keys(recorded).sort(), Object.keys(scenarios).sort()))

for (const [namespace, run] of Object.entries(scenarios))
  test(namespace, async () => {
    const { clientset, client } = cluster
    await clientset
      .coreV1()
      .namespaces()
      .create({ metadata: { name: namespace } })
    await clock.advance(2_000)
    const until = async (what: string, condition: () => Promise<boolean>) => {
      for (const endMs = clock.now() + 300_000; !(await condition()); await clock.advance(100))
        assert.ok(clock.now() < endMs, `${what}: not within 5 minutes`)
    }
    await run({ clientset, namespace, until, advance: (ms) => clock.advance(ms) })
    await clock.advance(4_000)
    assert.deepEqual(await endStateLines(client, namespace), recorded[namespace])
  })
