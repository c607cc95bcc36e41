import type { Cancel, Clock } from '../../base/clock.ts'
import type { FlowSchema, PriorityLevelConfiguration } from '../../kinds/generated/types/flowcontrol-v1.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { UserInfo } from '../contract.ts'
import type { RequestInfo } from '../http/request-info.ts'
import { type Classified, type Classifier, compileClassifier } from './classifier.ts'
import { flowMetricsText, type FlowStatistics, newStatistics, observe, type RejectReason } from './flow-metrics.ts'
import { startingLevels, startingSchemas } from './flow-objects.ts'
import {
  boundedSeats,
  configure,
  createSeatPool,
  enqueue,
  type Holding,
  leaveQueue,
  type Level,
  release,
  type SeatPool,
  startNext,
  tryStart,
  type Waiting,
} from './seat-pool.ts'

/** Lets requests start in their turn. Pure of stores and sockets: what is configured is told to it. */
export type FlowGate = {
  /** Where a request belongs. */
  place(user: UserInfo, info: RequestInfo): Place
  /**
   * Waits for the request's seats; at once (no promise) where they are free. Rejects with 429 when it is refused, or has waited too long.
   * `seats` is asked for only where the level counts them.
   */
  enter(place: Place, options: EnterOptions): Ticket | Promise<Ticket>
  /** What is wrong is left out: schemas of levels that are not there. Mandatory objects that are missing are thought of as there. */
  configure(schemas: readonly FlowSchema[], levels: readonly PriorityLevelConfiguration[]): void
  readonly pool: SeatPool
  readonly schemas: readonly FlowSchema[]
  statistics(): Iterable<FlowStatistics>
  metrics(): Generator<string>
}

export type Place = {
  readonly schema: FlowSchema
  readonly level: Level
  /** Who shares queues and turns: all requests of one flow of a schema. */
  readonly flow: string
}

/** The right to run; to be finished once. Further calls do nothing. */
export type Ticket = { finish(): void }

/** Upstream's limits of requests at work, reading and writing together. */
export const seatsTotal = 600
/** A quarter of the time that a request has as a whole. */
const waitMsMax = 15_000
const retryAfterSeconds = 1

/** `seats`: of requests at work, reading and writing together. */
export function createFlowGate(clock: Clock, seats = seatsTotal): FlowGate {
  return new Gate(clock, seats)
}

/** The signal of `asking` is read only where the request has to wait. */
type EnterOptions = { readonly seats: () => number; readonly isWatch?: boolean; readonly asking: { readonly signal: AbortSignal } }

class Gate implements FlowGate {
  readonly pool: SeatPool
  schemas: readonly FlowSchema[] = []
  readonly #clock: Clock
  readonly #statistics = new Map<string, FlowStatistics>()
  #bySchema = new WeakMap<FlowSchema, FlowStatistics>()
  #classify: Classifier = () => undefined
  #fallback: Classified | undefined

  constructor(clock: Clock, seats: number) {
    this.#clock = clock
    this.pool = createSeatPool(seats)
    this.configure([], [])
  }

  configure(schemas: readonly FlowSchema[], levels: readonly PriorityLevelConfiguration[]): void {
    const allLevels = withMandatory(levels, startingLevels)
    configure(this.pool, allLevels)
    const names = new Set(allLevels.map((level) => level.metadata.name))
    this.schemas = withMandatory(schemas, startingSchemas).filter((schema) => names.has(schema.spec?.priorityLevelConfiguration.name))
    this.#classify = compileClassifier(this.schemas)
    const catchAll = this.schemas.find((schema) => schema.metadata.name === 'catch-all')!
    this.#fallback = { schema: catchAll, level: 'catch-all', flow: '' }
    this.#bySchema = new WeakMap()
  }

  place(user: UserInfo, info: RequestInfo): Place {
    const { schema, level, flow } = this.#classify(user, info) ?? this.#fallback!
    return { schema, level: this.pool.levels.get(level)!, flow: `${schema.metadata.name ?? ''}/${flow}` }
  }

  enter({ schema, level, flow }: Place, { seats, isWatch = false, asking }: EnterOptions): Ticket | Promise<Ticket> {
    const statistics = this.#statisticsOf(schema, level.name)
    const width = boundedSeats(level, level.limits.isExempt ? 1 : seats())
    observe(statistics.seats, width)
    const holding = tryStart(this.pool, level, flow, width)
    if (holding) {
      if (!level.limits.isExempt) observe(statistics.waits.executed, 0)
      return this.#ticket(holding, statistics, { seats: width, isWatch })
    }
    return this.#wait({ level, flow, seats: width, statistics, signal: asking.signal }).then((granted) =>
      this.#ticket(granted, statistics, { seats: width, isWatch }),
    )
  }

  statistics(): Iterable<FlowStatistics> {
    return this.#statistics.values()
  }

  *metrics(): Generator<string> {
    yield* flowMetricsText(this.pool, this.#statistics.values())
  }

  #statisticsOf(schema: FlowSchema, level: string): FlowStatistics {
    let known = this.#bySchema.get(schema)
    if (known) return known
    const name = schema.metadata.name ?? ''
    const key = `${level}/${name}`
    known = this.#statistics.get(key)
    if (!known) this.#statistics.set(key, (known = newStatistics(name, level)))
    this.#bySchema.set(schema, known)
    return known
  }

  #ticket(holding: Holding, statistics: FlowStatistics, { seats, isWatch }: { readonly seats: number; readonly isWatch: boolean }): Ticket {
    const startMs = this.#clock.monotonicMs()
    statistics.dispatched++
    statistics.executing++
    statistics.executingSeats += seats
    let isOpen = true
    return {
      finish: () => {
        if (!isOpen) return
        isOpen = false
        const tookMs = this.#clock.monotonicMs() - startMs
        statistics.executing--
        statistics.executingSeats -= seats
        observe(isWatch ? statistics.executions.watch : statistics.executions.regular, tookMs / 1000)
        release(this.pool, holding, tookMs)
        if (this.pool.waiting > 0) this.#startWaiting()
      },
    }
  }

  #startWaiting(): void {
    for (let next = startNext(this.pool); next; next = startNext(this.pool)) started.get(next.waiting)?.(next.holding)
  }

  #wait(request: {
    readonly level: Level
    readonly flow: string
    readonly seats: number
    readonly statistics: FlowStatistics
    readonly signal: AbortSignal
  }): Promise<Holding> {
    const { level, flow, seats, statistics, signal } = request
    const refuse = (reason: RejectReason) => {
      statistics.rejected.set(reason, (statistics.rejected.get(reason) ?? 0) + 1)
      return statusErrors.tooManyRequests('too many requests, please try again later.', retryAfterSeconds)
    }
    const waiting: Waiting = { flow, seats, queue: undefined }
    if (!enqueue(this.pool, level, waiting)) return Promise.reject(refuse(level.queuing ? 'queue-full' : 'concurrency-limit'))
    const queuedMs = this.#clock.monotonicMs()
    statistics.inQueue++
    return new Promise((resolve, reject) => {
      let cancel: Cancel | undefined
      const leave = (isExecuted: boolean) => {
        cancel?.()
        signal.removeEventListener('abort', onAbort)
        started.delete(waiting)
        statistics.inQueue--
        const { executed, refused } = statistics.waits
        observe(isExecuted ? executed : refused, (this.#clock.monotonicMs() - queuedMs) / 1000)
      }
      const giveUp = (reason: RejectReason) => {
        leave(false)
        leaveQueue(this.pool, level, waiting)
        reject(refuse(reason))
      }
      const onAbort = () => giveUp('cancelled')
      cancel = this.#clock.schedule(waitMsMax, () => giveUp('time-out'))
      signal.addEventListener('abort', onAbort, { once: true })
      started.set(waiting, (holding) => {
        leave(true)
        resolve(holding)
      })
      // Seats may be free beside a flow that has its share of them: the request that waits need not be the one to wait for.
      this.#startWaiting()
    })
  }
}

/** How each waiting request is told that it may start. */
const started = new WeakMap<Waiting, (holding: Holding) => void>()

function withMandatory<T extends { metadata: { name?: string } }>(
  objects: readonly T[],
  starting: readonly { readonly object: T; readonly isMandatory: boolean }[],
): readonly T[] {
  const names = new Set(objects.map((o) => o.metadata.name))
  return [...objects, ...starting.filter((s) => s.isMandatory && !names.has(s.object.metadata.name)).map((s) => s.object)]
}
