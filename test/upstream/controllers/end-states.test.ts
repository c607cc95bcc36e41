/** Kubernetes 1.36's controllers were given these scenarios, on nodes that pretend as ours do: ours must leave the same objects and have told the same. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { seededRandom } from '../../../src/base/random.ts'
import { virtualClock } from '../../../src/platform/virtual-clock.ts'
import { type Cluster, startCluster } from '../../../src/roles/embedded.ts'
import { type Changes, followChanges } from './changes.ts'
import { play } from './play.ts'
import { metricsSource, withMetrics } from './pod-metrics.ts'
import { scenarios } from './scenarios.ts'

const recorded = JSON.parse(readFileSync(new URL('recorded.json', import.meta.url), 'utf8')) as Readonly<Record<string, readonly string[]>>
const clock = virtualClock()
const metrics = metricsSource()
const stopping = new AbortController()
/** The flags that the recording names; see record.ts. */
const settings = {
  autoscaling: { periodMs: 3_000, startupMs: 0, firstReadinessMs: 0 },
  endpointsPerSliceMax: 3,
  mirroredPerSubsetMax: 4,
  nodes: { graceMs: 600_000, startupGraceMs: 600_000 },
}
let cluster: Cluster
let changes: Changes

before(async () => {
  cluster = await startCluster({
    clock,
    random: seededRandom(7),
    nodes: 3,
    controllers: settings,
    network: { podCidr: '10.244.0.0/16,fd00:10:244::/56', serviceCidr: '10.96.0.0/12,fd00:10:96::/112' },
    wrapClient: (client) => withMetrics(client, metrics, () => clock.now()),
  })
  changes = followChanges(cluster.client, clock, stopping.signal)
  await clock.advance(5_000)
})
after(async () => {
  stopping.abort()
  let isClosed = false
  const closing = cluster.close().then(() => (isClosed = true))
  await clock.runUntil(() => isClosed, 60_000)
  await closing
})

test('every scenario is recorded', () => assert.deepEqual(Object.keys(recorded).sort(), Object.keys(scenarios).sort()))

for (const [namespace, scenario] of Object.entries(scenarios))
  test(namespace, async () => {
    const stage = {
      client: cluster.client,
      metrics,
      changes,
      now: () => clock.now(),
      advance: (ms: number) => clock.advance(ms),
      stepMs: 100,
      quietMs: 4_000,
    }
    assert.deepEqual(await play(stage, namespace, scenario), recorded[namespace])
  })
