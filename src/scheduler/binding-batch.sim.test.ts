import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../apiserver/test-api.ts'
import type { Clock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { InformerFactory } from '../control/informer-factory.ts'
import { createLoopContext } from '../control/loop-context.ts'
import { virtualClock, type VirtualClock } from '../platform/virtual-clock.ts'
import { testNode, testPod } from './core/fixtures.ts'
import { createScheduler, type SchedulerConfig } from './loop.ts'

/** Pods wait when the scheduler starts; gives how many were bound in the end. */
async function boundBy(
  podCount: number,
  wrap: (client: Client) => Client,
  { config = {}, clockOf = (clock) => clock }: { config?: Partial<SchedulerConfig>; clockOf?: (clock: VirtualClock) => Clock } = {},
): Promise<{ readonly bound: number }> {
  const clock = virtualClock()
  const random = seededRandom(3)
  const { api, client } = await createTestApi({ clock, random })
  const nodes = client.resource(kindRefs.coreV1.nodes)
  const node = testNode({ name: 'a', cpu: '1000', pods: '1000' })
  await nodes.updateStatus({ ...(await nodes.create(node)), status: node.status! })
  const pods = client.resource(kindRefs.coreV1.pods, 'default')
  for (let i = 0; i < podCount; i++) {
    const { metadata: _, ...pod } = testPod({ name: `p${i}`, requests: { cpu: '1' } })
    await pods.create({ ...pod, metadata: { name: `p${i}` } })
  }
  const parts = { client: wrap(client), clock, random, log: silentLog }
  const informers = new InformerFactory(parts)
  const stop = new AbortController()
  const context = createLoopContext({ component: 'default-scheduler', informers, ...parts, clock: clockOf(clock) })
  const scheduler = createScheduler({ context, config })
  informers.start(stop.signal)
  const running = scheduler.run(stop.signal)
  try {
    for (let i = 0; i < 600 && scheduler.metrics.boundCount < podCount; i++) await clock.advance(100)
    const { items } = await pods.list()
    return { bound: items.filter((pod) => pod.spec?.nodeName === 'a').length }
  } finally {
    stop.abort(new Error('the test is over'))
    await clock.settle()
    await running.catch(() => undefined)
    await informers.ended()
    await api.close()
  }
}

/** How many bindings each call had. */
function notedBatches() {
  const sizes: number[] = []
  const wrap = (client: Client): Client => ({
    ...client,
    createBatch: (writes, options) => {
      sizes.push(writes.length)
      return client.createBatch!(writes, options)
    },
  })
  return { sizes, wrap }
}

test('binds in one call what it decided in one turn', async () => {
  const { sizes, wrap } = notedBatches()
  assert.deepEqual(await boundBy(300, wrap), { bound: 300 })
  assert.ok(sizes.length <= 5, `300 bindings in calls of ${sizes.join(', ')}`)
})

test('goes on with those that were bound when one of a call was refused, and tries the refused one again', async () => {
  let refusals = 0
  const wrap = (client: Client): Client => ({
    ...client,
    createBatch: async (writes, options) => {
      const outcomes = [...(await client.createBatch!(writes.slice(1), options))]
      refusals++
      return refusals > 3 ? [...(await client.createBatch!(writes.slice(0, 1), options)), ...outcomes] : [refused, ...outcomes]
    },
  })
  const refused = { status: 'rejected', reason: new Error('simulated') } as const
  assert.deepEqual(await boundBy(20, wrap), { bound: 20 })
  assert.ok(refusals > 3)
})

test('binds one by one where the transport has no call for many', async () => {
  const wrap = ({ createBatch: _, ...client }: Client): Client => client
  assert.deepEqual(await boundBy(20, wrap), { bound: 20 })
})

for (const [limits, mostUnderWay] of [
  [{ writesMax: 10, batchedWritesMax: 60 }, 60],
  [{ writesMax: 10, batchedWritesMax: 1_000 }, 100],
] as const)
  test(`has at most ${limits.batchedWritesMax} of 100 bindings under way where many go in one call`, async () => {
    let underWay = 0
    const seen: number[] = []
    const wrap = (client: Client): Client => ({
      ...client,
      createBatch: async (writes, options) => {
        seen.push((underWay += writes.length))
        const outcomes = await client.createBatch!(writes, options)
        underWay -= writes.length
        return outcomes
      },
    })
    assert.deepEqual(await boundBy(100, wrap, { config: limits }), { bound: 100 })
    assert.equal(Math.max(...seen), mostUnderWay)
  })

test('gives others a turn when it has decided for a while', async () => {
  const { sizes, wrap } = notedBatches()
  // A decision takes a millisecond or some by this clock, which also moves when somebody looks at it.
  let lookedMs = 0
  const clockOf = (clock: VirtualClock): Clock => ({ ...clock, monotonicMs: () => clock.monotonicMs() + ++lookedMs })
  assert.deepEqual(await boundBy(100, wrap, { config: { turnMs: 20 }, clockOf }), { bound: 100 })
  assert.ok(Math.max(...sizes) <= 20, `bound in calls of ${sizes.join(', ')}`)
})
