import type { Level, SeatPool } from './seat-pool.ts'

export type RejectReason = 'queue-full' | 'concurrency-limit' | 'time-out' | 'cancelled'

/** What has been counted of one FlowSchema at one level. Plain additions: it lies on the way of every request. */
export type FlowStatistics = {
  readonly schema: string
  readonly level: string
  dispatched: number
  readonly rejected: Map<RejectReason, number>
  inQueue: number
  executing: number
  executingSeats: number
  /** Of requests that went on to be worked on, and of those that gave up or were given up. */
  readonly waits: { readonly executed: Histogram; readonly refused: Histogram }
  /** To a watch, the work is what comes before its first event. */
  readonly executions: { readonly regular: Histogram; readonly watch: Histogram }
  readonly seats: Histogram
}

type Histogram = { readonly bounds: readonly number[]; readonly counts: number[]; sum: number; count: number }

const secondsBounds = [0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]
const seatBounds = [1, 2, 4, 8, 16, 32, 64, 100]
const prefix = 'apiserver_flowcontrol_'

export function newStatistics(schema: string, level: string): FlowStatistics {
  const histogram = (bounds: readonly number[]): Histogram => ({ bounds, counts: bounds.map(() => 0), sum: 0, count: 0 })
  return {
    schema,
    level,
    dispatched: 0,
    rejected: new Map(),
    inQueue: 0,
    executing: 0,
    executingSeats: 0,
    waits: { executed: histogram(secondsBounds), refused: histogram(secondsBounds) },
    executions: { regular: histogram(secondsBounds), watch: histogram(secondsBounds) },
    seats: histogram(seatBounds),
  }
}

export function observe(histogram: Histogram, value: number): void {
  histogram.sum += value
  histogram.count++
  const { bounds, counts } = histogram
  for (let i = 0; i < bounds.length; i++) {
    if (value > bounds[i]!) continue
    counts[i]!++
    return
  }
}

/** The metrics of priority and fairness by upstream's names, in the Prometheus text format. */
export function* flowMetricsText(pool: SeatPool, statistics: Iterable<FlowStatistics>): Generator<string> {
  const all = [...statistics]
  yield* family('rejected_requests_total', 'counter', 'Requests refused, by the reason.', function* () {
    for (const s of all) for (const [reason, count] of s.rejected) yield [{ ...labelsOf(s), reason }, count]
  })
  const counts: readonly (readonly [string, string, string, (s: FlowStatistics) => number])[] = [
    ['dispatched_requests_total', 'counter', 'Requests started.', (s) => s.dispatched],
    ['current_inqueue_requests', 'gauge', 'Requests waiting in queues.', (s) => s.inQueue],
    ['current_executing_requests', 'gauge', 'Requests being worked on.', (s) => s.executing],
    ['current_executing_seats', 'gauge', 'Seats in use.', (s) => s.executingSeats],
  ]
  for (const [name, type, help, read] of counts)
    yield* family(name, type, help, function* () {
      for (const s of all) yield [labelsOf(s), read(s)]
    })
  const limits: readonly (readonly [string, string, (level: Level) => number])[] = [
    ['nominal_limit_seats', 'Seats of a level by its shares.', (l) => l.limits.nominal],
    ['lower_limit_seats', 'Seats that a level keeps when others borrow.', (l) => l.limits.lower],
    ['upper_limit_seats', 'Seats that a level may have with all that it may borrow.', (l) => l.limits.upper],
    ['current_inqueue_seats', 'Seats that waiting requests will take.', (l) => l.waitingSeats],
  ]
  for (const [name, help, read] of limits)
    yield* family(name, 'gauge', help, function* () {
      for (const level of pool.levels.values()) yield [{ priority_level: level.name }, read(level)]
    })
  yield* histograms('request_wait_duration_seconds', 'Time in a queue.', all, ({ waits }) => [
    [{ execute: 'true' }, waits.executed],
    [{ execute: 'false' }, waits.refused],
  ])
  yield* histograms('request_execution_seconds', 'Time of the work on a request.', all, ({ executions }) => [
    [{ type: 'regular' }, executions.regular],
    [{ type: 'watch' }, executions.watch],
  ])
  yield* histograms('work_estimated_seats', 'Seats that requests took.', all, ({ seats }) => [[{}, seats]])
}

const labelsOf = ({ schema, level }: FlowStatistics) => ({ flow_schema: schema, priority_level: level })

type Labels = Readonly<Record<string, string>>

const text = (labels: Labels) =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')

function* family(name: string, type: string, help: string, values: () => Iterable<readonly [Labels, number]>): Generator<string> {
  yield `# HELP ${prefix}${name} ${help}\n# TYPE ${prefix}${name} ${type}\n`
  for (const [labels, value] of values()) yield `${prefix}${name}{${text(labels)}} ${value}\n`
}

function* histograms(
  name: string,
  help: string,
  all: readonly FlowStatistics[],
  read: (statistics: FlowStatistics) => readonly (readonly [more: Labels, Histogram])[],
): Generator<string> {
  yield `# HELP ${prefix}${name} ${help}\n# TYPE ${prefix}${name} histogram\n`
  for (const [statistics, more, histogram] of all.flatMap((s) => read(s).map(([labels, one]) => [s, labels, one] as const))) {
    const { bounds, counts, sum, count } = histogram
    if (count === 0) continue
    const labels = text({ ...labelsOf(statistics), ...more })
    let below = 0
    for (const [i, bound] of bounds.entries()) {
      below += counts[i]!
      yield `${prefix}${name}_bucket{${labels},le="${bound}"} ${below}\n`
    }
    yield `${prefix}${name}_bucket{${labels},le="+Inf"} ${count}\n${prefix}${name}_sum{${labels}} ${sum}\n${prefix}${name}_count{${labels}} ${count}\n`
  }
}
