import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestApi } from '../apiserver/test-api.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { InformerFactory } from '../control/informer-factory.ts'
import { createLoopContext } from '../control/loop-context.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { testNode, testPod } from './core/fixtures.ts'
import { createScheduler } from './loop.ts'

/** Pods wait when the scheduler starts; gives how many were bound in the end. */
async function boundBy(podCount: number, wrap: (client: Client) => Client): Promise<{ readonly bound: number }> {
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
  const scheduler = createScheduler({ context: createLoopContext({ component: 'default-scheduler', informers, ...parts }) })
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

test('binds in one call what it decided in one turn', async () => {
  const sizes: number[] = []
  const wrap = (client: Client): Client => ({
    ...client,
    createBatch: (writes, options) => {
      sizes.push(writes.length)
      return client.createBatch!(writes, options)
    },
  })
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
