import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import type { LoopContext } from './contract.ts'
import { EventRecorder } from './event-recorder.ts'
import type { InformerFactory } from './informer-factory.ts'
import { writeThroughClient } from './write-through-client.ts'

export type LoopContextOptions = {
  /** Events name it as their source: `deployment-controller`. */
  readonly component: string
  readonly client: Client
  readonly informers: InformerFactory
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** What one loop is given: its client shows every write in the shared informers at once; its events carry its name. */
export function createLoopContext(options: LoopContextOptions): LoopContext {
  const { informers, clock, random, log } = options
  const recorder = new EventRecorder({ client: options.client, clock, log, component: options.component })
  return {
    client: writeThroughClient(options.client, informers),
    clock,
    random,
    log,
    informer: (kind) => informers.informer(kind),
    extensionKinds: () => [],
    event: (about, event) => recorder.record(about, event),
    eventsWritten: () => recorder.flushed(),
  }
}
