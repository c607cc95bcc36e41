/** The entry `keelson/controllers`: control loops of one's own, on Keelson and on any Kubernetes. */
import type { Clock } from '../base/clock.ts'
import { type Log, silentLog } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { leadWhileHolding } from '../client/leader-lease.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import type { ControllerDefinition } from './contract.ts'
import { ControllerMetrics } from './controller-metrics.ts'
import { InformerFactory } from './informer-factory.ts'
import { createLoopContext } from './loop-context.ts'
import { runControllers as runDefinitions } from './run-controllers.ts'

export type { LoopContext, ReconcileResult, WatchDeclaration } from './contract.ts'
export { keysOfController, readKind, watchKind } from './watch-declaration.ts'

/** A loop: whenever something changes that it watches, it is given the key and brings what is closer to what is wanted. */
export type Controller = Pick<ControllerDefinition, 'name' | 'watches' | 'concurrency' | 'minIntervalMs' | 'reconcile'>

export type RunControllersOptions = {
  readonly client: Client
  readonly controllers: readonly Controller[]
  /** Given: of all processes that name this Lease one works, and another takes over when it ends or is not heard of for 15 s. */
  readonly leaderElection?: {
    readonly namespace: string
    readonly name: string
    /** Unique among the processes. */
    readonly identity: string
  }
  /** Default: nothing is logged. What `reconcile` throws is told here, and tried again with back-off. */
  readonly log?: Log
  /** Default: real time and real chance; a test gives those of its cluster. */
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * Runs them until the signal aborts; resolves when the last `reconcile` under way has ended. They share one informer a kind, and read in it
 * what they have written themselves. What cannot be read, for want of a right for instance, is logged and tried again.
 */
export async function runControllers(options: RunControllersOptions, signal: AbortSignal): Promise<void> {
  const { client, leaderElection, log = silentLog, clock = systemClock, random = systemRandom } = options
  const work = (term: AbortSignal) => {
    const informers = new InformerFactory({ client, clock, random, log })
    return runDefinitions(
      {
        definitions: options.controllers.map((controller) => ({ ...controller, eventSource: controller.name, writes: [] })),
        contextFor: ({ name }) =>
          createLoopContext({ component: name, client, informers, clock, random, log: log.child({ controller: name }) }),
        informers,
        metrics: new ControllerMetrics(),
      },
      term,
    )
  }
  if (!leaderElection) return work(signal)
  await leadWhileHolding({ client, clock, random, log, ...leaderElection }, work, signal)
}
