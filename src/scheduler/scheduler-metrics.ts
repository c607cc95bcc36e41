/** Upstream's buckets of the scheduling algorithm's duration, in seconds. */
const bucketsSeconds = [0.000_01, 0.000_1, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1] as const

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
  readonly #durations = bucketsSeconds.map(() => 0)
  #durationSumSeconds = 0
  readonly #queues = new Set<() => Readonly<Record<string, number>>>()

  /** Counts these pods as pending too, until the returned function is called. */
  watchQueue(counts: () => Readonly<Record<string, number>>): () => void {
    this.#queues.add(counts)
    return () => void this.#queues.delete(counts)
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
    const attempts = [
      ['scheduled', this.boundCount],
      ['unschedulable', this.unplacedCount],
      ['error', this.bindingFailedCount],
    ] as const
    const lines = [
      '# TYPE scheduler_schedule_attempts_total counter',
      ...attempts.map(([result, n]) => `scheduler_schedule_attempts_total{profile="default-scheduler",result="${result}"} ${n}`),
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
    return `${lines.join('\n')}\n`
  }

  #pending(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {}
    for (const counts of this.#queues) for (const [queue, n] of Object.entries(counts())) sums[queue] = (sums[queue] ?? 0) + n
    return sums
  }
}
