/**
 * For tests: controllers on a real API server in this process, under a virtual clock, with nodes that only pretend. Pods are
 * bound (where their affinity names a node: to it) and become ready after a moment, and end a moment after their deletion; faults can be put between controllers and API.
 */
import { type Clock, sleep, toTime } from '../base/clock.ts'
import { type Log, silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createTestApi } from '../apiserver/test-api.ts'
import { type Clientset, createClientset } from '../client/clientset.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../control/contract.ts'
import { ControllerMetrics } from '../control/controller-metrics.ts'
import { InformerFactory } from '../control/informer-factory.ts'
import { createLoopContext } from '../control/loop-context.ts'
import { eventSourceOf, runControllers } from '../control/run-controllers.ts'
import { watchKind } from '../control/watch-declaration.ts'
import type { Pod, PodStatus } from '../kinds/generated/types/core-v1.ts'
import { namedNodes } from '../kinds/node-selection.ts'
import { isPodTerminal, podCondition } from '../kinds/pod-status.ts'
import { splitKey } from '../machinery/object.ts'
import { isStatus, statusErrors } from '../machinery/status-error.ts'
import { type VirtualClock, virtualClock } from '../platform/virtual-clock.ts'

export type SimCluster = {
  readonly clock: VirtualClock
  readonly client: Client
  readonly clientset: Clientset
  readonly metrics: ControllerMetrics
  /** Moves time until the condition holds; throws when it does not within the limit (virtual; default 5 minutes). */
  readonly until: (what: string, condition: () => Promise<boolean> | boolean, limitMs?: number) => Promise<void>
  /** The process of the controllers ends and another one begins: nothing is remembered. */
  readonly restart: () => Promise<void>
  readonly stop: () => Promise<void>
}

export type SimOptions = {
  /** A function where every life of the controllers needs fresh ones. */
  readonly definitions: readonly ControllerDefinition[] | (() => readonly ControllerDefinition[])
  readonly seed?: number
  readonly log?: Log
  /** Wraps the client that the controllers get (not the nodes'): faults. */
  readonly wrap?: (client: Client, clock: Clock) => Client
  /** Wraps the client that the controllers' watches come by. */
  readonly wrapWatches?: (client: Client, clock: Clock) => Client
  /** How long the controllers' watches hold every event back (virtual), one after the other. */
  readonly watchLagMs?: number
  /** How pods behave; `false`: there are no nodes. */
  readonly nodes?:
    | false
    | {
        readonly readyAfterMs?: number
        readonly endAfterMs?: number
        readonly canRun?: (pod: Pod) => boolean
        /** How a pod ends by itself, and how long after it became ready; undefined: it runs on. */
        readonly outcome?: (pod: Pod) => PodOutcome | undefined
      }
}

export type PodOutcome = { readonly afterMs: number; readonly status: Pick<PodStatus, 'phase' | 'containerStatuses' | 'conditions'> }

const { pods } = kindRefs.coreV1

export async function simCluster(options: SimOptions): Promise<SimCluster> {
  const clock = virtualClock()
  const random = seededRandom(options.seed ?? 1)
  const log = options.log ?? silentLog
  const { api, client } = await createTestApi({ clock, random, log })
  const metrics = new ControllerMetrics()
  const abort = new AbortController()
  const run = (
    definitions: readonly ControllerDefinition[],
    clients: { readonly acting: Client; readonly watching: Client },
    signal: AbortSignal,
  ) => {
    const informers = new InformerFactory({ client: clients.watching, clock, random, log })
    const contextFor = (definition: ControllerDefinition) =>
      createLoopContext({ component: eventSourceOf(definition), client: clients.acting, informers, clock, random, log })
    return runControllers({ definitions, contextFor, informers, metrics }, signal)
  }
  const lagging = options.watchLagMs ? laggingClient(client, clock, options.watchLagMs) : client
  const { definitions } = options
  const startLife = () => {
    const life = new AbortController()
    const acting = options.wrap?.(client, clock) ?? client
    const watching = options.wrapWatches?.(lagging, clock) ?? lagging
    const ended = run(typeof definitions === 'function' ? definitions() : definitions, { acting, watching }, life.signal)
    return { life, ended }
  }
  let controllers = startLife()
  const endLife = async () => {
    controllers.life.abort()
    let hasEnded = false
    void controllers.ended.finally(() => (hasEnded = true))
    await clock.runUntil(() => hasEnded, 60_000)
    await controllers.ended
  }
  const nodes =
    options.nodes === false ? undefined : run([pretendingNodes(options.nodes ?? {})], { acting: client, watching: client }, abort.signal)
  await clock.settle()
  return {
    clock,
    client,
    clientset: createClientset(client),
    metrics,
    until: async (what, condition, limitMs = 300_000) => {
      const endMs = clock.now() + limitMs
      while (!(await condition())) {
        if (clock.now() >= endMs) throw new Error(`${what}: not within ${limitMs / 1000} s`)
        await clock.advance(50)
      }
    },
    restart: async () => {
      await endLife()
      controllers = startLife()
      await clock.settle()
    },
    stop: async () => {
      abort.abort()
      await Promise.all([endLife(), nodes])
      await api.close()
    },
  }
}

function pretendingNodes(behaviour: Exclude<SimOptions['nodes'], false | undefined>): ControllerDefinition {
  let next = 1
  const deleted = new Map<string, number>()
  const started = new Map<string, number>()
  const ending = new Map<string, number>()
  const { readyAfterMs = 500, endAfterMs = 500, canRun = () => true, outcome = () => undefined } = behaviour
  return {
    name: 'pretending-nodes',
    watches: [watchKind(pods)],
    writes: [pods],
    concurrency: 100,
    reconcile: async (context: LoopContext, key: string) => {
      const pod = context.informer(pods).get(key)
      if (!pod) return undefined
      const { namespace = '', name } = splitKey(key)
      const uid = pod.metadata.uid ?? ''
      const resource = context.client.resource(pods, namespace)
      const nowMs = context.clock.now()
      const waitMs = (since: Map<string, number>, durationMs: number) => {
        const first = since.get(uid) ?? nowMs
        since.set(uid, first)
        return first + durationMs - nowMs
      }
      if (pod.metadata.deletionTimestamp) {
        const left = waitMs(deleted, endAfterMs)
        if (left > 0) return { requeueAfterMs: left }
        // What was cut short has failed: said while somebody's finalizer keeps the pod.
        if (!isPodTerminal(pod) && pod.spec?.nodeName && pod.metadata.finalizers?.length)
          await resource.updateStatus({ ...pod, status: { ...pod.status, phase: 'Failed' } })
        await resource.delete(name, { gracePeriodSeconds: 0 }).catch((error: unknown) => {
          if (!isStatus(error, 'NotFound')) throw error
        })
        return undefined
      }
      if (isPodTerminal(pod) || !canRun(pod)) return undefined
      if (!pod.spec?.nodeName) {
        const [named] = namedNodes(pod.spec!) ?? []
        const target = { apiVersion: 'v1', kind: 'Node', name: named ?? `node-${1 + (next++ % 3)}` }
        await resource.subresource(name, 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { name, namespace }, target })
        return undefined
      }
      const ready = podCondition(pod, 'Ready')
      if (ready) {
        const end = outcome(pod)
        if (!end) return undefined
        const left = waitMs(ending, end.afterMs)
        if (left > 0) return { requeueAfterMs: left }
        const conditions = end.status.conditions ?? [{ ...ready, status: 'False' as const, reason: 'PodCompleted' }]
        await resource.updateStatus({ ...pod, status: { ...pod.status, ...end.status, conditions } })
        return undefined
      }
      const left = waitMs(started, readyAfterMs)
      if (left > 0) return { requeueAfterMs: left }
      const podIP = `10.244.0.${1 + (started.size % 250)}`
      const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: toTime(nowMs) }]
      await resource.updateStatus({ ...pod, status: { ...pod.status, phase: 'Running', conditions, podIP, podIPs: [{ ip: podIP }] } })
      return undefined
    },
  }
}

function laggingClient(client: Client, clock: Clock, lagMs: number): Client {
  return {
    raw: (request) => client.raw(request),
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      return {
        ...resource,
        watch: async function* (options) {
          for await (const event of resource.watch(options)) {
            await sleep(clock, lagMs, options.signal)
            yield event
          }
        },
      }
    },
  }
}

/** Of a share of the writes the answer is thrown away after they were done, as a crash between two writes does; others fail before, some with a conflict. */
export function faultyClient(client: Client, options: { readonly seed: number; readonly share: number }): Client {
  const random = seededRandom(options.seed)
  const strike = () => random.next() < options.share
  const faulty = async <T>(write: () => Promise<T>): Promise<T> => {
    if (strike()) throw statusErrors.staleVersion({ group: '', resource: 'simulated' }, 'conflict')
    if (strike()) throw new Error('simulated: crashed before the write')
    const result = await write()
    if (strike()) throw new Error('simulated: crashed after the write')
    return result
  }
  return {
    raw: (request) => client.raw(request),
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      return {
        ...resource,
        create: (object, write) => faulty(() => resource.create(object, write)),
        createAlike: async () => undefined,
        update: (object, write) => faulty(() => resource.update(object, write)),
        updateStatus: (object, write) => faulty(() => resource.updateStatus(object, write)),
        patch: (name, patch, write) => faulty(() => resource.patch(name, patch, write)),
        delete: (name, write) => faulty(() => resource.delete(name, write)),
      }
    },
  }
}
