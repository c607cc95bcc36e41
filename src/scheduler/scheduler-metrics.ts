/** Upstream's buckets of the scheduling algorithm's duration, in seconds. */
const bucketsSeconds = [0.000_01, 0.000_1, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1] as const

/** The scheduler's numbers, shown in the Prometheus text format under upstream's names. */
export class SchedulerMetrics {
  placedCount = 0
  unplacedCount = 0
  boundCount = 0
  bindingFailedCount = 0
  panicCount = 0
  preemptionAttempts = 0
  preemptionVictims = 0
  readonly #durations = bucketsSeconds.map(() => 0)
  #durationSumSeconds = 0
  #queue: () => Readonly<Record<string, number>> = () => ({})

  watchQueue(counts: () => Readonly<Record<string, number>>): void {
    this.#queue = counts
  }

  decided(kind: 'Placed' | 'Unplaced', durationMs: number): void {
    if (kind === 'Placed') this.placedCount++
    else this.unplacedCount++
    const seconds = durationMs / 1000
    this.#durationSumSeconds += seconds
    const bucket = bucketsSeconds.findIndex((le) => seconds <= le)
    if (bucket >= 0) this.#durations[bucket]!++
  }

  bound(): void {
    this.boundCount++
  }

  bindingFailed(): void {
    this.bindingFailedCount++
  }

  /** A bug of ours. */
  panicked(): void {
    this.panicCount++
  }

  preempted(victims: number): void {
    this.preemptionAttempts++
    this.preemptionVictims += victims
  }

  /** Text exposition format 0.0.4. */
  render(): string {
    const attempts = [
      ['scheduled', this.boundCount],
      ['unschedulable', this.unplacedCount],
      ['error', this.bindingFailedCount],
    ] as const
    const lines = [
      '# TYPE scheduler_schedule_attempts_total counter',
      ...attempts.map(([result, n]) => `scheduler_schedule_attempts_total{profile="default-scheduler",result="${result}"} ${n}`),
      '# TYPE scheduler_pending_pods gauge',
      ...Object.entries(this.#queue()).map(([queue, n]) => `scheduler_pending_pods{queue="${queue}"} ${n}`),
      '# TYPE scheduler_preemption_attempts_total counter',
      `scheduler_preemption_attempts_total ${this.preemptionAttempts}`,
      '# TYPE scheduler_preemption_victims_total counter',
      `scheduler_preemption_victims_total ${this.preemptionVictims}`,
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
    return `${lines.join('\n')}\n`
  }
}
