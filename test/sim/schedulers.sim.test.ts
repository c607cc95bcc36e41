import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { shardKeyOf } from '../../src/scheduler/shards/shard-of.ts'
import { cpuByNode, type SchedulerWorld, withSchedulers } from './scheduler-world.ts'

const leaseMs = 15_000
const unbound = async (w: SchedulerWorld) => (await w.pods()).filter((p) => !p.spec?.nodeName).length

async function grow(w: SchedulerWorld, nodes: number, pods: number): Promise<void> {
  for (let i = 0; i < nodes; i++) await w.addNode({ name: `n${i}`, cpu: '4' })
  for (let i = 0; i < pods; i++) await w.addPod({ name: `p${i}`, requests: { cpu: '500m' } })
}

const allJoined = (w: SchedulerWorld) =>
  w.until('all have joined', async () => w.schedulers.every((s) => s.metrics.members() === w.schedulers.length))

test('each places its share, and together they place all', () =>
  withSchedulers({ seed: 1, schedulers: 3 }, async (w) => {
    await allJoined(w)
    await grow(w, 20, 90)
    await w.until('all bound', async () => (await unbound(w)) === 0)
    const shares = w.schedulers.map((s) => s.metrics.boundCount)
    assert.equal(
      shares.reduce((a, b) => a + b),
      90,
    )
    for (const share of shares) assert.ok(share >= 15, `shares ${shares.join()}`)
    assert.match(w.schedulers[0]!.metrics.render(), /^keelson_scheduler_members 3$/m)
  }))

test('when one dies its pods are placed by the others within the lease; pods that it left waiting too', () =>
  withSchedulers({ seed: 2, schedulers: 3 }, async (w) => {
    await allJoined(w)
    w.crash(0)
    await grow(w, 20, 60)
    await w.clock.advance(2_000)
    const left = await unbound(w)
    assert.ok(left > 5 && left < 40, `${left} wait for the dead one`)
    const diedMs = w.clock.now()
    await w.until('all bound', async () => (await unbound(w)) === 0)
    assert.ok(w.clock.now() - diedMs <= leaseMs, `${w.clock.now() - diedMs} ms`)
    assert.equal(w.schedulers[1]!.metrics.boundCount + w.schedulers[2]!.metrics.boundCount, 60)
    assert.equal(w.schedulers[1]!.metrics.members(), 2)
  }))

test('one that ends in good order gives its share at once', () =>
  withSchedulers({ seed: 3, schedulers: 2 }, async (w) => {
    await allJoined(w)
    await w.stop(0)
    await grow(w, 10, 30)
    const startedMs = w.clock.now()
    await w.until('all bound', async () => (await unbound(w)) === 0)
    assert.ok(w.clock.now() - startedMs < 1_000)
  }))

test('views that lag collide on full nodes; the API lets nothing through, losers go elsewhere, the same seed gives the same trace', async () => {
  const trace = async (seed: number) => {
    let result: readonly string[] = []
    await withSchedulers({ seed, schedulers: 4, lagMs: 50 }, async (w) => {
      await allJoined(w)
      // Room for exactly as many as there are.
      await grow(w, 12, 12 * 8)
      await w.until('all bound', async () => (await unbound(w)) === 0)
      const pods = await w.pods()
      for (const [node, cpu] of cpuByNode(pods)) assert.equal(cpu, 4_000, node)
      assert.ok(w.conflicts() > 0, 'nobody was too late')
      result = [`conflicts ${w.conflicts()}`, ...pods.map((p) => `${p.metadata.name} ${p.spec?.nodeName}`)]
    })
    return result
  }
  assert.deepEqual(await trace(7), await trace(7))
})

test('a group goes to one scheduler whole, and a pod that fits nowhere waits at one', () =>
  withSchedulers({ seed: 5, schedulers: 3 }, async (w) => {
    await allJoined(w)
    await grow(w, 4, 0)
    await w.client.resource(kindRefs.schedulingV1alpha2.podGroups, 'default').create({
      metadata: { name: 'g' },
      spec: { schedulingPolicy: { gang: { minCount: 6 } } },
    })
    for (let i = 0; i < 6; i++) await w.addPod({ name: `g${i}`, requests: { cpu: '2' }, spec: { schedulingGroup: { podGroupName: 'g' } } })
    await w.until('the group bound', async () => (await unbound(w)) === 0)
    assert.deepEqual(
      w.schedulers.map((s) => s.metrics.boundCount).sort((a, b) => a - b),
      [0, 0, 6],
    )
    const keys = new Set((await w.pods()).map(shardKeyOf))
    assert.deepEqual([...keys], ['group/default/g'])
    await w.addPod({ name: 'huge', requests: { cpu: '64' } })
    await w.until('told', async () => (await w.pods()).some((p) => p.status?.conditions?.some((c) => c.reason === 'Unschedulable')))
    assert.equal(
      w.schedulers.reduce((sum, s) => sum + s.metrics.unplacedCount, 0),
      1,
    )
  }))
