import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import type { Event } from '../../src/kinds/generated/types/core-v1.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'
import { type Cluster, startCluster } from '../../src/roles/embedded.ts'
import { defaultRebalancePolicy } from '../../src/scheduler/rebalance/rebalance-policy.ts'
import { deployment } from './scenario.ts'

type World = {
  readonly cluster: Cluster
  readonly until: (what: string, condition: () => Promise<boolean>) => Promise<void>
  readonly nodesOf: () => Promise<readonly string[]>
  readonly events: (reason: string) => Promise<readonly Event[]>
}

/** Two nodes of which the first is tainted after two copies of a deployment have come to it. */
async function withMisplaced(mode: 'Report' | 'Move', body: (world: World) => Promise<void>): Promise<void> {
  const clock = virtualClock()
  const rebalance = { mode, periodMs: 60_000, policy: defaultRebalancePolicy }
  const cluster = await startCluster({ nodes: 2, clock, random: seededRandom(3), rebalance })
  const core = cluster.clientset.coreV1()
  const until = async (what: string, condition: () => Promise<boolean>) => {
    for (const end = clock.now() + 900_000; clock.now() < end; await clock.advance(1_000)) if (await condition().catch(() => false)) return
    assert.fail(`did not happen: ${what}`)
  }
  const running = async () =>
    (await core.pods('default').list()).items.filter((p) => p.status?.phase === 'Running' && !p.metadata.deletionTimestamp)
  const nodesOf = async () => (await running()).map((p) => p.spec?.nodeName ?? '')
  const events = async (reason: string) => (await core.events('default').list()).items.filter((e) => e.reason === reason)
  try {
    await until('accounts and nodes', async () => {
      await core.serviceAccounts('default').get('default')
      const { items } = await core.nodes().list()
      return items.length === 2 && items.every((n) => n.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'))
    })
    await core.nodes().patch('node-2', { type: 'merge', body: { spec: { unschedulable: true } } })
    await cluster.clientset
      .appsV1()
      .deployments('default')
      .create(deployment('web', { replicas: 2 }))
    await until('both on one node', async () => (await nodesOf()).join() === 'node-1,node-1')
    await core.nodes().patch('node-2', { type: 'merge', body: { spec: { unschedulable: null } } })
    const taints = [{ key: 'dedicated', value: 'db', effect: 'NoSchedule' }]
    await core.nodes().patch('node-1', { type: 'merge', body: { spec: { taints } } })
    await body({ cluster, until, nodesOf, events })
  } finally {
    await cluster.close()
  }
}

test('pods in the wrong place move one after the other, each with its reason', () =>
  withMisplaced('Move', async ({ until, nodesOf, events }) => {
    await until('both elsewhere', async () => (await nodesOf()).join() === 'node-2,node-2')
    const moved = await events('Rebalanced')
    assert.equal(moved.length, 2)
    assert.match(
      moved[0]!.message!,
      /^Evicted to move from node node-1 to node-2, gains 100 % \(a broken rule is kept again: 100 %\): TaintToleration: untolerated taint dedicated=db:NoSchedule$/,
    )
  }))

test('where only reports are wanted, nothing moves; a budget is kept', () =>
  withMisplaced('Report', async ({ until, nodesOf, events }) => {
    await until('a report', async () => (await events('RebalanceProposed')).length > 0)
    assert.match((await events('RebalanceProposed'))[0]!.message!, /^Should move from node node-1 to node-2, gains 100 %/)
    assert.equal((await nodesOf()).join(), 'node-1,node-1')
  }))
