/** The schedulers of one process, where several share the cluster (docs/distributed-scheduling.md). */
import { hostname } from 'node:os'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { ObjectInformer } from '../client/informer.ts'
import type { InformerFactory } from '../control/informer-factory.ts'
import { createLoopContext } from '../control/loop-context.ts'
import type { SchedulerConfiguration } from '../scheduler/config/scheduler-configuration.ts'
import { createScheduler, type Scheduler } from '../scheduler/loop.ts'
import { SchedulerMetrics } from '../scheduler/scheduler-metrics.ts'
import { answerQuestions } from '../scheduler/shards/explain-questions.ts'
import { LiveMembers, schedulerLabel, schedulerNamespace } from '../scheduler/shards/live-members.ts'
import { ownerOf, shardKeyOf } from '../scheduler/shards/shard-of.ts'
import { runSharedScheduler } from '../scheduler/shards/shared-scheduler.ts'

export type SchedulersOptions = {
  /** Speaks for `system:kube-scheduler`. */
  readonly client: Client
  readonly informers: InformerFactory
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** One for each scheduler. Stable names come back to their leases at once after a restart. */
  readonly identities: readonly string[]
  readonly config: SchedulerConfiguration | undefined
  /** Default true; false shows what it is good for. */
  readonly prefersOwnNodes?: boolean
}

/** They seem one: what any of them knows is told, and their numbers are added up. `run` resolves when the last has ended. */
export function createSharedSchedulers(options: SchedulersOptions): Scheduler {
  const { client, informers, clock, random, log, identities, config, prefersOwnNodes = true } = options
  const metrics = new SchedulerMetrics()
  const running = new Map<string, Scheduler>()
  // Nodes renew leases too, thousands of them: this informer takes those of schedulers only.
  const leases = new ObjectInformer({
    client,
    clock,
    random,
    log,
    kind: kindRefs.coordinationV1.leases,
    namespace: schedulerNamespace,
    labelSelector: schedulerLabel,
  })
  const live = new LiveMembers({ clock, leases })
  metrics.members = () => live.members.length
  const component = 'default-scheduler'
  const context = createLoopContext({ component, client, informers, clock, random, log: log.child({ component }) })
  const pods = informers.informer(kindRefs.coreV1.pods)
  /** For others: what one of them decided, or what is with a pod of their share. */
  const answer = (namespace: string, name: string) => {
    const decider = [...running.values()].find((s) => s.hasDecided(namespace, name))
    if (decider) return decider.explain(namespace, name)
    const pod = pods.get(`${namespace}/${name}`)
    const owner = pod && ownerOf(shardKeyOf(pod), live.members)
    return owner === undefined ? undefined : running.get(owner)?.explain(namespace, name)
  }
  return {
    metrics,
    hasDecided: (namespace, name) => [...running.values()].some((s) => s.hasDecided(namespace, name)),
    explain: (namespace, name) => {
      const all = [...running.values()]
      return (all.find((s) => s.hasDecided(namespace, name)) ?? all[0])?.explain(namespace, name)
    },
    run: async (signal) => {
      const stop = live.start()
      const stopAnswering = answerQuestions({ client, leases, log, explain: (namespace, name) => answer(namespace, name) })
      const following = leases.run(signal)
      const onTerm = (identity: string) => (scheduler: Scheduler | undefined) => {
        if (scheduler) running.set(identity, scheduler)
        else running.delete(identity)
      }
      const create: Parameters<typeof runSharedScheduler>[0]['create'] = (shared) =>
        createScheduler({ context, host: hostname(), shared: { ...shared, prefersOwnNodes }, metrics, ...(config ? { config } : {}) })
      try {
        await Promise.all(
          identities.map((identity) =>
            runSharedScheduler({ client, clock, random, log, identity, live, create, onTerm: onTerm(identity) }, signal),
          ),
        )
      } finally {
        stop()
        stopAnswering()
        await following
      }
    },
  }
}
