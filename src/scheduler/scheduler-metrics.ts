import { type Distribution, familyHead, histogramText, labelText, newDistribution, observe } from '../base/exposition-text.ts'

/** Upstream's buckets of the scheduling algorithm's duration, in seconds. */
const bucketsSeconds = [0.000_01, 0.000_1, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1] as const

/** Of a whole attempt, and of all attempts at a pod together. */
const attemptSeconds = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i)
const podSeconds = Array.from({ length: 20 }, (_, i) => 0.01 * 2 ** i)
/** Attempts that are told apart: what took more is of `15+`. */
const attemptsMax = 15

type AttemptResult = 'scheduled' | 'unschedulable' | 'error'
/** `profile`: of the pod; `ms`: since the attempt began. */
type Attempt = { readonly profile: string; readonly ms: number }

/** The scheduler's numbers, shown in the Prometheus text format under upstream's names. */
export class SchedulerMetrics {
  placedCount = 0
  unplacedCount = 0
  boundCount = 0
  bindingFailedCount = 0
  panicCount = 0
  droppedEventCount = 0
  preemptionAttempts = 0
  preemptionVictims = 0
  /** Bindings that were refused because somebody else was first: to the room of the node, or to the pod. */
  readonly bindConflicts = { node: 0, pod: 0 }
  /** Schedulers that share the cluster, this one included; 0: it is alone. */
  members: () => number = () => 0
  /** By profile and result. Profiles are the configuration's. */
  readonly #attempts = new Map<string, Distribution>()
  /** By the attempts that a pod took. */
  readonly #pods = new Map<string, Distribution>()
  readonly #durations = bucketsSeconds.map(() => 0)
  #durationSumSeconds = 0
  readonly #queues = new Set<() => Readonly<Record<string, number>>>()

  /** Counts these pods as pending too, until the returned function is called. */
  watchQueue(counts: () => Readonly<Record<string, number>>): () => void {
    this.#queues.add(counts)
    return () => void this.#queues.delete(counts)
  }

  /** Tells these profiles with noughts before anything happens to pods of theirs. */
  expect(profiles: Iterable<string>): void {
    for (const profile of profiles)
      for (const result of ['scheduled', 'unschedulable', 'error'] satisfies AttemptResult[])
        distributionOf(this.#attempts, labelText({ profile, result }), attemptSeconds)
  }

  /** Every node has been judged. */
  decided(kind: 'Placed' | 'Unplaced', { profile, ms }: Attempt): void {
    if (kind === 'Placed') this.placedCount++
    else {
      this.unplacedCount++
      this.#attempted('unschedulable', { profile, ms })
    }
    const seconds = ms / 1000
    this.#durationSumSeconds += seconds
    const bucket = bucketsSeconds.findIndex((le) => seconds <= le)
    if (bucket >= 0) this.#durations[bucket]!++
  }

  /** `podMs`: since the pod was tried first. */
  bound({ attempts, podMs, ...attempt }: Attempt & { readonly attempts: number; readonly podMs: number }): void {
    this.boundCount++
    this.#attempted('scheduled', attempt)
    const label = labelText({ attempts: attempts >= attemptsMax ? `${attemptsMax}+` : String(attempts) })
    observe(distributionOf(this.#pods, label, podSeconds), podSeconds, podMs / 1000)
  }

  bindingFailed(attempt: Attempt): void {
    this.bindingFailedCount++
    this.#attempted('error', attempt)
  }

  /** Somebody else was first. */
  conflicted(over: 'node' | 'pod'): void {
    this.bindConflicts[over]++
  }

  /** A bug of ours. */
  panicked(): void {
    this.panicCount++
  }

  /** There was no room for it among those that wait. */
  eventDropped(): void {
    this.droppedEventCount++
  }

  preempted(victims: number): void {
    this.preemptionAttempts++
    this.preemptionVictims += victims
  }

  /** Text exposition format 0.0.4. */
  render(): string {
    const lines = [
      '# TYPE scheduler_schedule_attempts_total counter',
      ...[...this.#attempts].map(([labels, { count }]) => `scheduler_schedule_attempts_total{${labels}} ${count}`),
      '# TYPE scheduler_pending_pods gauge',
      ...Object.entries(this.#pending()).map(([queue, n]) => `scheduler_pending_pods{queue="${queue}"} ${n}`),
      '# TYPE scheduler_preemption_attempts_total counter',
      `scheduler_preemption_attempts_total ${this.preemptionAttempts}`,
      '# TYPE scheduler_preemption_victims_total counter',
      `scheduler_preemption_victims_total ${this.preemptionVictims}`,
      '# TYPE keelson_scheduler_bind_conflicts_total counter',
      ...Object.entries(this.bindConflicts).map(([over, n]) => `keelson_scheduler_bind_conflicts_total{over="${over}"} ${n}`),
      '# TYPE keelson_scheduler_dropped_events_total counter',
      `keelson_scheduler_dropped_events_total ${this.droppedEventCount}`,
      '# TYPE keelson_scheduler_members gauge',
      `keelson_scheduler_members ${this.members()}`,
      '# TYPE scheduler_scheduling_algorithm_duration_seconds histogram',
    ]
    let total = 0
    bucketsSeconds.forEach((le, i) => {
      total += this.#durations[i]!
      lines.push(`scheduler_scheduling_algorithm_duration_seconds_bucket{le="${le}"} ${total}`)
    })
    const count = this.placedCount + this.unplacedCount
    lines.push(`scheduler_scheduling_algorithm_duration_seconds_bucket{le="+Inf"} ${count}`)
    lines.push(`scheduler_scheduling_algorithm_duration_seconds_sum ${this.#durationSumSeconds}`)
    lines.push(`scheduler_scheduling_algorithm_duration_seconds_count ${count}`)
    return (
      `${lines.join('\n')}\n` +
      histogramsText(
        'scheduler_scheduling_attempt_duration_seconds',
        'Time of an attempt, with its binding.',
        this.#attempts,
        attemptSeconds,
      ) +
      histogramsText(
        'scheduler_pod_scheduling_sli_duration_seconds',
        'Time from the first attempt at a pod to its binding.',
        this.#pods,
        podSeconds,
      )
    )
  }

  #attempted(result: AttemptResult, { profile, ms }: Attempt): void {
    observe(distributionOf(this.#attempts, labelText({ profile, result }), attemptSeconds), attemptSeconds, ms / 1000)
  }

  #pending(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {}
    for (const counts of this.#queues) for (const [queue, n] of Object.entries(counts())) sums[queue] = (sums[queue] ?? 0) + n
    return sums
  }
}

function distributionOf(series: Map<string, Distribution>, labels: string, bounds: readonly number[]): Distribution {
  let distribution = series.get(labels)
  if (!distribution) series.set(labels, (distribution = newDistribution(bounds)))
  return distribution
}

function histogramsText(name: string, help: string, series: ReadonlyMap<string, Distribution>, bounds: readonly number[]): string {
  let text = familyHead(name, 'histogram', help)
  for (const [labels, distribution] of series) text += histogramText(name, labels, distribution, bounds)
  return text
}
