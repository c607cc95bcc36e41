import type { QueueObserver } from './work-queue.ts'

/** Upstream's buckets of the work queue's durations, in seconds. */
const bucketsSeconds = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10] as const

type Histogram = { readonly counts: number[]; sum: number; count: number }
type LoopNumbers = {
  adds: number
  retries: number
  panics: number
  readonly results: Map<ReconcileOutcome, number>
  readonly queueSeconds: Histogram
  readonly workSeconds: Histogram
  depth: () => number
  active: () => number
}

export type ReconcileOutcome = 'success' | 'requeue_after' | 'conflict' | 'error'

const newHistogram = (): Histogram => ({ counts: bucketsSeconds.map(() => 0), sum: 0, count: 0 })

function observe(histogram: Histogram, seconds: number): void {
  histogram.sum += seconds
  histogram.count++
  const bucket = bucketsSeconds.findIndex((le) => seconds <= le)
  if (bucket >= 0) histogram.counts[bucket]!++
}

/** The numbers of every loop of a process, shown in the Prometheus text format under upstream's workqueue_* names. */
export class ControllerMetrics {
  readonly #loops = new Map<string, LoopNumbers>()

  observerOf(name: string): QueueObserver {
    const loop = this.#loop(name)
    return {
      added: () => void loop.adds++,
      retried: () => void loop.retries++,
      started: (waitedMs) => observe(loop.queueSeconds, waitedMs / 1000),
      finished: (workedMs) => observe(loop.workSeconds, workedMs / 1000),
    }
  }

  watchQueue(name: string, queue: { readonly depth: number; readonly activeCount: number }): void {
    const loop = this.#loop(name)
    loop.depth = () => queue.depth
    loop.active = () => queue.activeCount
  }

  countResult(name: string, outcome: ReconcileOutcome): void {
    const { results } = this.#loop(name)
    results.set(outcome, (results.get(outcome) ?? 0) + 1)
  }

  /** A bug of ours: anything thrown that is not the API's refusal. */
  countPanic(name: string): void {
    this.#loop(name).panics++
  }

  resultsOf(name: string): ReadonlyMap<ReconcileOutcome, number> {
    return this.#loop(name).results
  }

  panicsOf(name: string): number {
    return this.#loop(name).panics
  }

  /** The Prometheus text exposition. */
  expose(): string {
    const lines: string[] = []
    const family = (name: string, type: string, help: string, of: (loop: LoopNumbers, labels: string) => readonly string[]) => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`)
      for (const [loopName, loop] of this.#loops) lines.push(...of(loop, `name="${loopName}"`))
    }
    const single = (name: string, type: string, help: string, value: (loop: LoopNumbers) => number) =>
      family(name, type, help, (loop, labels) => [`${name}{${labels}} ${value(loop)}`])
    single('workqueue_adds_total', 'counter', 'Keys added to the queue.', (loop) => loop.adds)
    single('workqueue_retries_total', 'counter', 'Keys added again after a failure.', (loop) => loop.retries)
    single('workqueue_depth', 'gauge', 'Keys that wait.', (loop) => loop.depth())
    single('workqueue_active', 'gauge', 'Keys being worked on.', (loop) => loop.active())
    family('workqueue_queue_duration_seconds', 'histogram', 'Time a key waited.', (loop, labels) =>
      histogramLines('workqueue_queue_duration_seconds', labels, loop.queueSeconds),
    )
    family('workqueue_work_duration_seconds', 'histogram', 'Time a key was worked on.', (loop, labels) =>
      histogramLines('workqueue_work_duration_seconds', labels, loop.workSeconds),
    )
    family('keelson_reconcile_total', 'counter', 'Reconciliations by result.', (loop, labels) =>
      [...loop.results].map(([result, count]) => `keelson_reconcile_total{${labels},result="${result}"} ${count}`),
    )
    single('keelson_reconcile_panics_total', 'counter', 'Reconciliations that threw something else than a refusal.', (loop) => loop.panics)
    return `${lines.join('\n')}\n`
  }

  #loop(name: string): LoopNumbers {
    let loop = this.#loops.get(name)
    if (!loop) {
      const zero = () => 0
      loop = {
        adds: 0,
        retries: 0,
        panics: 0,
        results: new Map(),
        queueSeconds: newHistogram(),
        workSeconds: newHistogram(),
        depth: zero,
        active: zero,
      }
      this.#loops.set(name, loop)
    }
    return loop
  }
}

function histogramLines(name: string, labels: string, histogram: Histogram): string[] {
  let cumulative = 0
  const lines = bucketsSeconds.map((le, i) => {
    cumulative += histogram.counts[i]!
    return `${name}_bucket{${labels},le="${le}"} ${cumulative}`
  })
  return [
    ...lines,
    `${name}_bucket{${labels},le="+Inf"} ${histogram.count}`,
    `${name}_sum{${labels}} ${histogram.sum}`,
    `${name}_count{${labels}} ${histogram.count}`,
  ]
}
