/**
 * A whole cluster in one process under the virtual clock: its store's every event recorded and checked, its control plane
 * killed and started again between any two writes, its nodes cut off and joined again, its requests disturbed.
 */
import assert from 'node:assert/strict'
import { type Log, silentLog } from '../../src/base/log.ts'
import { seededRandom } from '../../src/base/random.ts'
import { type Clientset, createClientset } from '../../src/client/clientset.ts'
import type { Client } from '../../src/client/contract.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import type { FakeRuntimeOptions } from '../../src/node/runtime/fake/fake-runtime.ts'
import { type VirtualClock, virtualClock } from '../../src/platform/virtual-clock.ts'
import { type Cluster, startCluster } from '../../src/roles/embedded.ts'
import { nodeUser } from '../../src/roles/identity.ts'
import { type SimulatedNode, startSimulatedNodes } from '../../src/roles/simulated-nodes.ts'
import { noRevision } from '../../src/store/contract.ts'
import { createMemoryStore } from '../../src/store/memory.ts'
import { createFaults, type FaultRates, type Faults, gatedClient } from './faults.ts'
import { Invariants } from './invariants.ts'

export type WorldOptions = {
  readonly seed: number
  readonly nodes?: number
  readonly log?: Log
  readonly faults?: FaultRates
  /** The control plane dies right after its write number so many, again and again with the next numbers; then no more. */
  readonly crashAfterWrites?: readonly number[]
  readonly runtime?: Partial<Omit<FakeRuntimeOptions, 'clock' | 'random'>>
}

/** A store's event as the trace keeps it: when, what, and the object's bytes as text. */
export type TraceEvent = {
  readonly atMs: number
  readonly revision: number
  readonly type: 'put' | 'delete'
  readonly key: string
  readonly text: string
}

export type World = {
  readonly clock: VirtualClock
  /** The administrator's; never disturbed by faults, and of the control plane of the moment. */
  readonly clientset: Clientset
  readonly trace: readonly TraceEvent[]
  /** Every stored object by its storage key, as of the newest event. */
  readonly live: ReadonlyMap<string, KubeObject>
  readonly nodes: readonly SimulatedNode[]
  readonly invariants: Invariants
  readonly faults: Faults
  /** How often the control plane has died. */
  readonly crashes: number
  /** Moves time on, starting the control plane again whenever it died. */
  advance(ms: number): Promise<void>
  /** Moves time until the condition holds; fails when it does not within the limit (virtual; default 10 minutes). */
  until(what: string, condition: () => boolean, limitMs?: number): Promise<void>
  /** Moves time until nothing but leases and heartbeats was written for a minute; fails after an hour (virtual). */
  untilQuiet(): Promise<void>
  /** The node's requests and watches fail until it is joined again. */
  cutOff(nodeName: string): void
  join(nodeName: string): void
  close(): Promise<void>
}

/** Writes that a cluster at rest goes on with. */
const restless = (key: string) =>
  /^\/registry\/(?:coordination\.k8s\.io\/leases|core\/nodes|core\/events|events\.k8s\.io\/events)\//.test(key)

export async function startWorld(options: WorldOptions): Promise<World> {
  const { seed, log = silentLog } = options
  const clock = virtualClock()
  const random = seededRandom(seed)
  const store = createMemoryStore({ clock, historyEventsMax: 1_000_000 })
  const faults = createFaults({ seed: seed + 1000, clock, rates: options.faults ?? {} })
  const live = new Map<string, KubeObject>()
  const { after = 0, lag = 0, watch = 0 } = options.faults ?? {}
  const invariants = new Invariants(live, clock, { mayCreateTwice: after > 0 && lag + watch > 0 })
  const trace: TraceEvent[] = []
  const recording = new AbortController()
  let lastChangeMs = clock.now()
  const recorded = (async () => {
    for await (const { events } of store.watch('', { after: noRevision, signal: recording.signal })) {
      for (const event of events) {
        const bytes = event.type === 'put' ? event.value : event.previous.value
        const text = Buffer.from(bytes).toString()
        trace.push({ atMs: clock.now(), revision: event.revision, type: event.type, key: event.key, text })
        if (!restless(event.key)) lastChangeMs = clock.now()
        const object = JSON.parse(text) as KubeObject
        if (event.type === 'put') live.set(event.key, object)
        else live.delete(event.key)
        invariants.check(event.type, event.key, object)
      }
    }
  })()

  const crashPoints = [...(options.crashAfterWrites ?? [])]
  let writes = 0
  let crashes = 0
  const startControlPlane = () => {
    const life = { isDead: false }
    const onWrite = () => {
      writes++
      if (crashPoints.length > 0 && writes >= crashPoints[0]!) {
        crashPoints.shift()
        life.isDead = true
      }
    }
    return startCluster({
      clock,
      random: seededRandom(random.below(2 ** 31)),
      log,
      store,
      nodes: 0,
      wrapClient: (client) => gatedClient({ current: () => faults.wrap(client), isDead: () => life.isDead, onWrite }),
    }).then((cluster) => ({ cluster, life }))
  }
  let current: { cluster: Cluster; life: { isDead: boolean } } | undefined = await startControlPlane()
  const cutOff = new Set<string>()
  const nodesStopping = new AbortController()
  const nodes = startSimulatedNodes(
    {
      names: Array.from({ length: options.nodes ?? 3 }, (_, i) => `node-${i + 1}`),
      clientFor: (name) =>
        gatedClient({
          current: () => {
            const client = current?.cluster.controlPlane.api.clientFor(nodeUser(name))
            return client && faults.wrap(client)
          },
          isDead: () => cutOff.has(name) || (current?.life.isDead ?? true),
        }),
      clock,
      random,
      log,
      ...(options.runtime ? { runtime: options.runtime } : {}),
    },
    nodesStopping.signal,
  )
  const finish = async (task: Promise<unknown>, what: string) => {
    let isDone = false
    void task.finally(() => {
      isDone = true
    })
    assert.ok(await clock.runUntil(() => isDone, 300_000), `${what}: not within 5 minutes`)
    await task
  }
  const restartIfDead = async () => {
    if (!current?.life.isDead) return
    const { cluster } = current
    current = undefined
    crashes++
    await finish(cluster.close(), 'the old control plane ends')
    current = await startControlPlane()
  }
  const stepMs = 50
  const advance = async (ms: number) => {
    const endMs = clock.now() + ms
    while (clock.now() < endMs) {
      await clock.advance(Math.min(stepMs, endMs - clock.now()))
      await restartIfDead()
      invariants.assertKept()
    }
  }
  const until = async (what: string, condition: () => boolean, limitMs = 600_000) => {
    const endMs = clock.now() + limitMs
    await clock.settle()
    while (!condition()) {
      assert.ok(clock.now() < endMs, `${what}: not within ${limitMs / 1000} s`)
      await advance(stepMs)
    }
  }
  const client: Client = gatedClient({ current: () => current?.cluster.client, isDead: () => false })
  return {
    clock,
    clientset: createClientset(client),
    trace,
    live,
    nodes,
    invariants,
    faults,
    get crashes() {
      return crashes
    },
    advance,
    until,
    untilQuiet: () => until('at rest', () => clock.now() - lastChangeMs > 60_000, 3_600_000),
    cutOff: (name) => void cutOff.add(name),
    join: (name) => void cutOff.delete(name),
    close: async () => {
      nodesStopping.abort(new Error('the simulation is over'))
      await finish(Promise.allSettled(nodes.map((node) => node.done)), 'the nodes end')
      await finish(current?.cluster.close() ?? Promise.resolve(), 'the control plane ends')
      recording.abort()
      await recorded
      invariants.assertKept()
    },
  }
}

/** Runs the body in a world that is closed after it, whatever happens. */
export async function inWorld<T>(options: WorldOptions, body: (world: World) => Promise<T>): Promise<T> {
  const world = await startWorld(options)
  try {
    return await body(world)
  } finally {
    await world.close()
  }
}
