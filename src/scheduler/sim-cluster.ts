import assert from 'node:assert/strict'
import { createTestApi } from '../apiserver/test-api.ts'
import { type Random, seededRandom } from '../base/random.ts'
import { silentLog } from '../base/log.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { InformerFactory } from '../control/informer-factory.ts'
import { createLoopContext } from '../control/loop-context.ts'
import type { Event, Node, Pod } from '../kinds/generated/types/core-v1.ts'
import { virtualClock, type VirtualClock } from '../platform/virtual-clock.ts'
import { type NodeInput, type PodInput, testNode, testPod } from './core/fixtures.ts'
import { createScheduler, type Scheduler, type SchedulerConfig } from './loop.ts'

/** A scheduler on an API server in memory under the virtual clock, for tests of the loop. */
export type SimCluster = {
  readonly client: Client
  readonly clock: VirtualClock
  readonly random: Random
  readonly scheduler: Scheduler
  addNode(input: NodeInput): Promise<Node>
  addPod(input: PodInput): Promise<Pod>
  pod(name: string): Promise<Pod>
  events(name: string): Promise<Event[]>
  /** Of the objects that there are events about, once for each. */
  eventNames(): Promise<string[]>
  /** Runs virtual time until it holds; fails after a minute of it. */
  until(what: string, condition: () => Promise<boolean>, limitMs?: number): Promise<void>
}

export async function withCluster(
  seed: number,
  body: (cluster: SimCluster) => Promise<void>,
  config: Partial<SchedulerConfig> = {},
  {
    takesFirst = false,
    wrap = (own) => own,
  }: {
    /** Of nodes that are equally good the scheduler then takes the first, and does not draw. */
    readonly takesFirst?: boolean
    /** The scheduler's client. */
    readonly wrap?: (client: Client) => Client
  } = {},
): Promise<void> {
  const clock = virtualClock()
  const random = seededRandom(seed)
  const { api, client } = await createTestApi({ clock, random })
  const informers = new InformerFactory({ client, clock, random, log: silentLog })
  const stop = new AbortController()
  const draws = takesFirst ? firstOf(random) : random
  const context = createLoopContext({
    component: 'default-scheduler',
    client: wrap(client),
    informers,
    clock,
    random: draws,
    log: silentLog,
  })
  const scheduler = createScheduler({ context, config, host: 'machine' })
  informers.start(stop.signal)
  const running = scheduler.run(stop.signal)
  const pods = client.resource(kindRefs.coreV1.pods, 'default')
  await client
    .resource(kindRefs.coreV1.namespaces)
    .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } })
    .catch(() => undefined)
  const allEvents = async () => (await client.resource(kindRefs.coreV1.events, 'default').list()).items
  const cluster: SimCluster = {
    client,
    clock,
    random,
    scheduler,
    addNode: async (input) => {
      const node = testNode(input)
      const created = await client.resource(kindRefs.coreV1.nodes).create(node)
      return client.resource(kindRefs.coreV1.nodes).updateStatus({ ...created, status: node.status! })
    },
    addPod: (input) => {
      const pod = testPod(input)
      const { uid: _, ...metadata } = pod.metadata
      return pods.create({ ...pod, metadata })
    },
    pod: (name) => pods.get(name),
    events: async (name) => (await allEvents()).filter((e) => e.involvedObject.name === name),
    eventNames: async () => (await allEvents()).map((e) => e.involvedObject.name ?? ''),
    until: async (what, condition, limitMs = 60_000) => {
      for (const end = clock.now() + limitMs; clock.now() < end; await clock.advance(100)) {
        await clock.settle()
        if (await condition()) return
      }
      assert.fail(`did not happen: ${what}`)
    },
  }
  try {
    await body(cluster)
  } finally {
    stop.abort(new Error('the test is over'))
    await clock.settle()
    await running.catch(() => undefined)
    await informers.ended()
    await api.close?.()
  }
}

/** Draws nothing: always the first. */
export const firstOf = (random: Random): Random => ({ ...random, below: () => 0 })
