import { type Distribution, familyHead, histogramText, labelText, newDistribution, observe, sampleText } from '../base/exposition-text.ts'
import type { QueueObserver } from './work-queue.ts'

/** Upstream's buckets of the work queue's durations, in seconds. */
const bucketsSeconds = [1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10] as const

/** What a queue tells when it is asked. */
export type QueueState = {
  readonly depth: number
  readonly activeCount: number
  activeSeconds(): { readonly all: number; readonly longest: number }
}
type LoopNumbers = {
  adds: number
  retries: number
  panics: number
  readonly results: Map<ReconcileOutcome, number>
  readonly queueSeconds: Distribution
  readonly workSeconds: Distribution
  queue: QueueState
}

export type ReconcileOutcome = 'success' | 'requeue_after' | 'conflict' | 'error'

const noQueue: QueueState = { depth: 0, activeCount: 0, activeSeconds: () => ({ all: 0, longest: 0 }) }

/** The numbers of every loop of a process, shown in the Prometheus text format under upstream's workqueue_* names. */
export class ControllerMetrics {
  readonly #loops = new Map<string, LoopNumbers>()

  observerOf(name: string): QueueObserver {
    const loop = this.#loop(name)
    return {
      added: () => void loop.adds++,
      retried: () => void loop.retries++,
      started: (waitedMs) => observe(loop.queueSeconds, bucketsSeconds, waitedMs / 1000),
      finished: (workedMs) => observe(loop.workSeconds, bucketsSeconds, workedMs / 1000),
    }
  }

  watchQueue(name: string, queue: QueueState): void {
    this.#loop(name).queue = queue
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
    let text = ''
    const family = (
      name: string,
      type: 'counter' | 'gauge' | 'histogram',
      help: string,
      of: (loop: LoopNumbers, labels: string) => string,
    ) => {
      text += familyHead(name, type, help)
      for (const [loopName, loop] of this.#loops) text += of(loop, labelText({ name: loopName }))
    }
    const single = (name: string, type: 'counter' | 'gauge', help: string, value: (loop: LoopNumbers) => number) =>
      family(name, type, help, (loop, labels) => sampleText(name, labels, value(loop)))
    const durations = (name: string, help: string, of: (loop: LoopNumbers) => Distribution) =>
      family(name, 'histogram', help, (loop, labels) => histogramText(name, labels, of(loop), bucketsSeconds))
    single('workqueue_adds_total', 'counter', 'Keys added to the queue.', (loop) => loop.adds)
    single('workqueue_retries_total', 'counter', 'Keys added again after a failure.', (loop) => loop.retries)
    single('workqueue_depth', 'gauge', 'Keys that wait.', ({ queue }) => queue.depth)
    single('workqueue_active', 'gauge', 'Keys being worked on.', ({ queue }) => queue.activeCount)
    const unfinished = 'How long the keys being worked on have been, together.'
    single('workqueue_unfinished_work_seconds', 'gauge', unfinished, ({ queue }) => queue.activeSeconds().all)
    const longest = 'How long the key being worked on longest has been.'
    single('workqueue_longest_running_processor_seconds', 'gauge', longest, ({ queue }) => queue.activeSeconds().longest)
    durations('workqueue_queue_duration_seconds', 'Time a key waited.', (loop) => loop.queueSeconds)
    durations('workqueue_work_duration_seconds', 'Time a key was worked on.', (loop) => loop.workSeconds)
    family('keelson_reconcile_total', 'counter', 'Reconciliations by result.', ({ results }, labels) =>
      [...results].map(([result, count]) => sampleText('keelson_reconcile_total', `${labels},${labelText({ result })}`, count)).join(''),
    )
    single('keelson_reconcile_panics_total', 'counter', 'Reconciliations that threw something else than a refusal.', (loop) => loop.panics)
    return text
  }

  #loop(name: string): LoopNumbers {
    let loop = this.#loops.get(name)
    if (!loop) {
      loop = {
        adds: 0,
        retries: 0,
        panics: 0,
        results: new Map(),
        queueSeconds: newDistribution(bucketsSeconds),
        workSeconds: newDistribution(bucketsSeconds),
        queue: noQueue,
      }
      this.#loops.set(name, loop)
    }
    return loop
  }
}
