/** Several schedulers on one API server under the virtual clock, each with a view of its own that lags behind. */
import { type Clock, sleep } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { seededRandom } from '../../src/base/random.ts'
import { createTestApi } from '../../src/apiserver/test-api.ts'
import type { Client, ResourceClient, WatchEvent } from '../../src/client/contract.ts'
import { delegateResource } from '../../src/client/delegate-resource.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { InformerFactory } from '../../src/control/informer-factory.ts'
import type { Pod } from '../../src/kinds/generated/types/core-v1.ts'
import { podRequests } from '../../src/kinds/pod-requests.ts'
import type { KindRef } from '../../src/kinds/kind.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { statusErrors } from '../../src/machinery/status-error.ts'
import { virtualClock, type VirtualClock } from '../../src/platform/virtual-clock.ts'
import { createSharedSchedulers } from '../../src/roles/schedulers.ts'
import { type NodeInput, type PodInput, testNode, testPod } from '../../src/scheduler/core/fixtures.ts'
import type { Scheduler } from '../../src/scheduler/loop.ts'

export type SchedulerWorld = {
  readonly client: Client
  readonly clock: VirtualClock
  readonly schedulers: readonly Scheduler[]
  /** From this moment on nothing that it does reaches the API, and its lease is not given back. */
  crash(index: number): void
  /** It ends in good order. */
  stop(index: number): Promise<void>
  addNode(input: NodeInput): Promise<void>
  addPod(input: PodInput): Promise<void>
  pods(): Promise<readonly Pod[]>
  /** Conflicts over nodes of all schedulers together. */
  conflicts(): number
  bound(): number
  /** Runs virtual time until it holds; throws after `limitMs` of it. */
  until(what: string, condition: () => Promise<boolean>, limitMs?: number): Promise<void>
}

export type WorldOptions = {
  readonly seed: number
  readonly schedulers: number
  /** How late every event of a watch comes. */
  readonly lagMs?: number
  readonly prefersOwnNodes?: boolean
}

export async function withSchedulers(options: WorldOptions, body: (world: SchedulerWorld) => Promise<void>): Promise<void> {
  const clock = virtualClock()
  const random = seededRandom(options.seed)
  const { api, client } = await createTestApi({ clock, random, freezesObjects: false })
  const preference = options.prefersOwnNodes === undefined ? {} : { prefersOwnNodes: options.prefersOwnNodes }
  const members = Array.from({ length: options.schedulers }, (_, i) => {
    const stopping = new AbortController()
    const line = { isCut: false }
    const own = distant(client, { clock, lagMs: options.lagMs ?? 0, line })
    const informers = new InformerFactory({ client: own, clock, random, log: silentLog })
    const parts = { client: own, informers, clock, random, log: silentLog, identities: [`s${i + 1}`], config: undefined, ...preference }
    const scheduler = createSharedSchedulers(parts)
    informers.start(stopping.signal)
    const running = scheduler.run(stopping.signal)
    // Whoever stops it waits for its end; until then a failure must not count as nobody's.
    running.catch(() => undefined)
    const stop = async () => {
      stopping.abort(new Error('the test stops it'))
      await clock.settle()
      await running.catch(() => undefined)
      await informers.ended()
    }
    return { scheduler, line, stop }
  })
  const nodes = client.resource(kindRefs.coreV1.nodes)
  const pods = client.resource(kindRefs.coreV1.pods, 'default')
  const sum = (of: (scheduler: Scheduler) => number) => members.reduce((total, { scheduler }) => total + of(scheduler), 0)
  const world: SchedulerWorld = {
    client,
    clock,
    schedulers: members.map(({ scheduler }) => scheduler),
    crash: (index) => void (members[index]!.line.isCut = true),
    stop: (index) => members[index]!.stop(),
    addNode: async (input) => {
      const node = testNode(input)
      await nodes.updateStatus({ ...(await nodes.create(node)), status: node.status! })
    },
    addPod: async (input) => {
      const pod = testPod(input)
      const { uid: _, ...metadata } = pod.metadata
      await pods.create({ ...pod, metadata })
    },
    pods: async () => (await pods.list()).items,
    conflicts: () => sum((s) => s.metrics.bindConflicts.node),
    bound: () => sum((s) => s.metrics.boundCount),
    until: async (what, condition, limitMs = 120_000) => {
      for (const end = clock.now() + limitMs; clock.now() < end; await clock.advance(100)) {
        await clock.settle()
        if (await condition()) return
      }
      throw new Error(`did not happen: ${what}`)
    },
  }
  try {
    await body(world)
  } finally {
    for (const { line, stop } of members) {
      line.isCut = true
      await stop()
    }
    await api.close()
  }
}

/** CPU given away on each node, in thousandths. */
export function cpuByNode(pods: readonly Pod[]): ReadonlyMap<string, number> {
  const used = new Map<string, number>()
  for (const pod of pods) {
    const node = pod.spec?.nodeName
    if (node) used.set(node, (used.get(node) ?? 0) + (podRequests(pod).cpu ?? 0))
  }
  return used
}

/** A client far away: events come late, and when the line is cut nothing comes or goes. */
function distant(client: Client, options: { readonly clock: Clock; readonly lagMs: number; readonly line: { isCut: boolean } }): Client {
  const { clock, lagMs, line } = options
  const through = async <T>(call: () => Promise<T>): Promise<T> => {
    if (line.isCut) throw statusErrors.serviceUnavailable('simulated: the line is cut')
    return call()
  }
  return {
    ...client,
    createBatch: (writes, more) => through(() => client.createBatch!(writes, more)),
    resource: <T extends KubeObject>(kind: KindRef<T>, namespace?: string): ResourceClient<T> => {
      const near = client.resource<T>(kind, namespace)
      return {
        ...delegateResource(near),
        get: (name, more) => through(() => near.get(name, more)),
        list: (more) => through(() => near.list(more)),
        create: (object, more) => through(() => near.create(object, more)),
        update: (object, more) => through(() => near.update(object, more)),
        patch: (name, patch, more) => through(() => near.patch(name, patch, more)),
        subresource: (name, subresource, body, more) => through(() => near.subresource(name, subresource, body, more)),
        watch: (more) => late(near.watch(more), { clock, lagMs, line, signal: more.signal }),
      }
    },
  }
}

type Arriving<T> = { readonly atMs: number; readonly event: WatchEvent<T> }

/** Each event the same time after it happened, however many are on the way. */
async function* late<T>(
  events: AsyncIterable<WatchEvent<T>>,
  {
    clock,
    lagMs,
    line,
    signal,
  }: { readonly clock: Clock; readonly lagMs: number; readonly line: { isCut: boolean }; readonly signal: AbortSignal },
): AsyncGenerator<WatchEvent<T>> {
  if (lagMs === 0) {
    for await (const event of events) if (!line.isCut) yield event
    return
  }
  const arriving: Arriving<T>[] = []
  let wake: (() => void) | undefined
  let isOver = false
  const reading = (async () => {
    for await (const event of events) {
      arriving.push({ atMs: clock.now() + lagMs, event })
      wake?.()
    }
  })().finally(() => {
    isOver = true
    wake?.()
  })
  // A reader that goes away does not wait for it.
  reading.catch(() => undefined)
  for (;;) {
    const next = arriving.shift()
    if (next) {
      if (next.atMs > clock.now()) await sleep(clock, next.atMs - clock.now(), signal).catch(() => undefined)
      if (signal.aborted) return
      if (!line.isCut) yield next.event
    } else if (isOver) return await reading
    else await new Promise<void>((resolve) => (wake = resolve))
  }
}
