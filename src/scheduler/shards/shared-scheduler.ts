/** One of several schedulers on a cluster: holds a lease of its own, by which the others know it, and schedules while it holds it. */
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Client } from '../../client/contract.ts'
import { leadWhileHolding } from '../../client/leader-lease.ts'
import { type LiveMembers, schedulerLabel, schedulerLeaseName, schedulerNamespace } from './live-members.ts'
import type { Scheduler, SharedScheduling } from '../loop.ts'

export type SharedSchedulerOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Unique among the schedulers of the cluster; a name for objects. */
  readonly identity: string
  readonly live: LiveMembers
  /** Called for each term: a scheduler that lost its lease knows too little to go on. */
  readonly create: (shared: SharedScheduling) => Scheduler
  /** Told which scheduler runs now. */
  readonly onTerm?: (scheduler: Scheduler | undefined) => void
}

/** Renewals come often enough that two may fail before the others take the share. */
const renewMs = 4_000

/** Runs until the signal aborts. The lease is given back then, so that the others take its pods at once; after a crash when it expires. */
export async function runSharedScheduler(options: SharedSchedulerOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, random, log, identity, live, create, onTerm } = options
  await leadWhileHolding(
    {
      client,
      clock,
      random,
      log,
      namespace: schedulerNamespace,
      name: schedulerLeaseName(identity),
      identity,
      labels: { [schedulerLabel]: 'true' },
      retryMs: renewMs,
    },
    async (term) => {
      const scheduler = create({ identity, live })
      onTerm?.(scheduler)
      await scheduler.run(term).finally(() => onTerm?.(undefined))
    },
    signal,
  )
}
