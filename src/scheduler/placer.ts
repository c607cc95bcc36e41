import type { LoopContext } from '../control/contract.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import type { ClusterObserver, SchedulerInformers } from './cluster-observer.ts'
import type { Placed } from './core/decision.ts'
import { type DecisionRecord, DecisionRecords } from './core/decision-records.ts'
import type { Diagnosis } from './core/fit-error.ts'
import { judge, type Judged, type Refused, type Reservation } from './core/judgement.ts'
import type { PodToPlace, SharedCluster } from './core/scheduler-core.ts'
import { defaultSpreadOf } from './default-spread.ts'
import { profileOf, type ProfileRuntime } from './profile-runtime.ts'
import type { QueuedPod } from './queue.ts'
import type { SchedulerMetrics } from './scheduler-metrics.ts'

/** One try to place one pod; `refused` where no node is to be asked. */
export type Attempt = {
  readonly queued: QueuedPod
  readonly profile: ProfileRuntime
  readonly target: PodToPlace
  readonly refused: Refused | undefined
}

/** A pod that counts on its node from now on, until it is bound or taken back. */
export type Placement = {
  readonly kind: 'Placed'
  readonly attempt: Attempt
  readonly nodeName: string
  readonly reservations: readonly Reservation[]
}

export type Misfit = { readonly kind: 'Unplaced'; readonly diagnosis: Diagnosis }

/** A filter could not answer: no verdict about the pod. */
export type Failure = { readonly kind: 'Failed'; readonly plugin: string; readonly message: string }

export type PlacerOptions = {
  readonly context: LoopContext
  readonly cluster: SharedCluster
  readonly informers: SchedulerInformers
  readonly profiles: ReadonlyMap<string, ProfileRuntime>
  readonly observer: ClusterObserver
  readonly metrics: SchedulerMetrics
  readonly recordsMax: number
}

/** Decides, assumes and remembers; writes nothing. */
export class Placer {
  readonly #options: PlacerOptions
  readonly #records: DecisionRecords

  constructor(options: PlacerOptions) {
    this.#options = options
    this.#records = new DecisionRecords({ recordsMax: options.recordsMax })
  }

  /** Looks at what the pod alone needs. */
  attempt(queued: QueuedPod): Attempt {
    const { key, pod, priority } = queued
    return { queued, ...this.asked({ key, pod, priority }) }
  }

  /** As `attempt`, for a pod that waits in no queue. */
  asked({ key, pod, priority }: Pick<QueuedPod, 'key' | 'pod' | 'priority'>): Omit<Attempt, 'queued'> {
    const profile = this.#profileOf(pod)
    const judged = judge(profile.podPlugins, pod)
    const isRefused = 'kind' in judged
    const defaultSpread = defaultSpreadOf(pod, this.#options.informers)
    const target = { key, pod, priority, defaultSpread, judged: isRefused ? [] : judged }
    return { profile, target, refused: isRefused ? judged : undefined }
  }

  /** With more to be judged than before: the answers of extenders, the domain of a group. */
  withJudged(attempt: Attempt, more: Judged): Attempt {
    const { queued, target } = attempt
    return { ...attempt, target: { ...target, pod: queued.pod, judged: [...(target.judged ?? []), more] } }
  }

  place(attempt: Attempt): Placement | Misfit | Failure {
    const { clock } = this.#options.context
    const startedMs = clock.monotonicMs()
    const seat = this.seat(attempt)
    this.#options.metrics.decided(seat ? 'Placed' : 'Unplaced', {
      profile: profileOf(attempt.target.pod),
      ms: clock.monotonicMs() - startedMs,
    })
    return seat ?? { kind: 'Unplaced', diagnosis: attempt.profile.core.diagnose(attempt.target) }
  }

  /** Counts a try of several pods together as one of each. */
  tried<T extends { readonly kind: 'Placed' | 'Unplaced' }>(pods: readonly QueuedPod[], attempt: () => T): T {
    const { clock } = this.#options.context
    const startedMs = clock.monotonicMs()
    const outcome = attempt()
    const ms = (clock.monotonicMs() - startedMs) / pods.length
    for (const { pod } of pods) this.#options.metrics.decided(outcome.kind, { profile: profileOf(pod), ms })
    return outcome
  }

  /** As `place`, without counting it and without a word about why no node takes it. */
  seat(attempt: Attempt): Placement | Failure | undefined {
    const { queued, target } = attempt
    const { core } = attempt.profile
    const position = core.snapshot.log.end
    const decision = core.decide(target)
    for (const { plugin, failure } of target.judged ?? []) {
      const failureAt = failure?.()
      const why = failureAt && core.failureOf(target, plugin.name, failureAt)
      if (why !== undefined) return { kind: 'Failed', plugin: plugin.name, message: `running "${plugin.name}" filter plugin: ${why}` }
    }
    if (decision.kind === 'Unplaced') return undefined
    const nodeName = core.snapshot.nodeName(decision.row)
    this.#recordPlaced(queued, decision, position)
    const reservations = (target.judged ?? []).flatMap((j) => (j.reserve ? [j.reserve(decision.row)] : []))
    this.#options.observer.assume(queued.key, queued.pod, nodeName)
    return { kind: 'Placed', attempt, nodeName, reservations }
  }

  /** Within the turn that placed it: nobody has seen it, so nobody is told. */
  takeBack({ attempt: { queued }, reservations }: Placement): void {
    for (const reservation of reservations) reservation.release()
    this.#options.observer.takeBack(queued.key)
  }

  recordOf(pod: Pod, key: string): DecisionRecord | undefined {
    return this.#records.get(pod.metadata.uid ?? key)
  }

  recordUnplaced(queued: QueuedPod, diagnosis: Diagnosis): void {
    this.#records.set(queued.pod.metadata.uid ?? queued.key, {
      ...this.#recordBase(queued, this.#options.cluster.snapshot.log.end),
      feasible: 0,
      placed: undefined,
      best: [],
      rejections: [...diagnosis.nodesByPlugin].map(([plugin, nodes]) => ({ plugin, nodes })),
    })
  }

  #recordPlaced(queued: QueuedPod, decision: Placed, position: number): void {
    const nodeName = (row: number) => this.#options.cluster.snapshot.nodeName(row)
    const { row, score, ties, draw, feasible } = decision
    this.#records.set(queued.pod.metadata.uid ?? queued.key, {
      ...this.#recordBase(queued, position),
      feasible,
      placed: { node: nodeName(row), score, ties, draw },
      best: decision.best(8).map((b) => ({ node: nodeName(b.row), score: b.score })),
      rejections: [],
    })
  }

  #recordBase(queued: QueuedPod, position: number): Pick<DecisionRecord, 'position' | 'atMs' | 'attempts' | 'nodeCount'> {
    const { context, cluster } = this.#options
    return { position, atMs: context.clock.now(), attempts: queued.attempts, nodeCount: cluster.snapshot.nodeCount }
  }

  /** Of a pod that is another scheduler's: the first profile, so that it can be explained. */
  #profileOf(pod: Pod): ProfileRuntime {
    const { profiles } = this.#options
    return profiles.get(profileOf(pod)) ?? profiles.values().next().value!
  }
}
