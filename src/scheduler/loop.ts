import type { LoopContext } from '../control/contract.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { Binder } from './binder.ts'
import { ClusterObserver, schedulerInformers } from './cluster-observer.ts'
import { defaultConfiguration, type SchedulerConfiguration } from './config/scheduler-configuration.ts'
import type { Placed } from './core/decision.ts'
import { type DecisionRecord, DecisionRecords } from './core/decision-records.ts'
import { type Diagnosis, diagnosisOfRefusal, fitErrorMessage } from './core/fit-error.ts'
import { judge, type Judged, type Refused } from './core/judgement.ts'
import { isAssigned } from './core/pod-shape.ts'
import { scan } from './core/scan.ts'
import { type PodToPlace, type SharedCluster, sharedCluster } from './core/scheduler-core.ts'
import { Snapshot } from './core/snapshot.ts'
import { defaultSpreadOf } from './default-spread.ts'
import { explainPod } from './explain/explain.ts'
import type { SchedulingExplanation } from './explain/explanation.ts'
import { type SchedulingFailure, writePodCondition } from './pod-condition.ts'
import { askExtenders, concerns } from './extenders/extender-client.ts'
import type { ExtenderConfig } from './extenders/extender-config.ts'
import { extenderJudgement } from './extenders/extender-judgement.ts'
import { noPreemption, Preemptor } from './preemptor.ts'
import { type ProfileRuntime, profileRuntimes } from './profile-runtime.ts'
import { isGated, type QueuedPod, SchedulingQueue } from './queue.ts'
import { SchedulerMetrics } from './scheduler-metrics.ts'

export type SchedulerConfig = SchedulerConfiguration & {
  /** Bindings and status writes under way at once: a full house pauses decisions. */
  readonly writesMax: number
  /** Pods whose last decision is remembered, 256 bytes each. */
  readonly recordsMax: number
}

export const defaultSchedulerConfig: SchedulerConfig = { ...defaultConfiguration, writesMax: 128, recordsMax: 1 << 16 }

export type Scheduler = {
  /** Schedules until the signal aborts; resolves when everything under way has ended. */
  run(signal: AbortSignal): Promise<void>
  /** Why the pod is where it is, or nowhere; undefined when there is no such pod. */
  explain(namespace: string, name: string): SchedulingExplanation | undefined
  readonly metrics: SchedulerMetrics
}

/** Watches pods and nodes, decides, and binds. `context.client` must speak for `system:kube-scheduler`. */
export function createScheduler(options: { readonly context: LoopContext; readonly config?: Partial<SchedulerConfig> }): Scheduler {
  const loop = new SchedulerLoop(options.context, { ...defaultSchedulerConfig, ...options.config })
  return { run: (signal) => loop.run(signal), explain: (namespace, name) => loop.explain(namespace, name), metrics: loop.metrics }
}

/** One try to place one pod. */
type Attempt = { readonly queued: QueuedPod; readonly profile: ProfileRuntime; readonly target: PodToPlace }

/**
 * One decision at a time, synchronously on the snapshot; its write to the API runs beside the next decisions.
 *
 * 1. A decided pod is assumed on its node before anything else is decided, and forgotten if the binding fails.
 * 2. Between taking a pod from the queue and its decision there is no await, so no event can fall in between.
 * 3. At most `writesMax` writes are under way; nothing runs while the queue is empty.
 */
class SchedulerLoop {
  readonly metrics = new SchedulerMetrics()
  readonly #context: LoopContext
  readonly #config: SchedulerConfig
  readonly #cluster: SharedCluster
  readonly #profiles: ReadonlyMap<string, ProfileRuntime>
  readonly #queue: SchedulingQueue
  readonly #observer: ClusterObserver
  readonly #preemptor: Preemptor
  readonly #binder: Binder
  readonly #informers: ReturnType<typeof schedulerInformers>
  readonly #records: DecisionRecords
  /** Decided pods whose volumes or devices are being made ready; they hold no place among the writes while they wait. */
  readonly #preparing = new Set<Promise<void>>()
  readonly #writes = new Set<Promise<void>>()
  #wake: (() => void) | undefined
  /** Waits for a free place among the writes. */
  #onWritten: (() => void) | undefined

  constructor(context: LoopContext, config: SchedulerConfig) {
    this.#context = context
    this.#config = config
    this.#cluster = sharedCluster(new Snapshot(config))
    this.#records = new DecisionRecords({ recordsMax: config.recordsMax })
    this.#queue = new SchedulingQueue({
      clock: context.clock,
      onReady: () => this.#wake?.(),
      backoffInitialMs: config.podInitialBackoffSeconds * 1_000,
      backoffMaxMs: config.podMaxBackoffSeconds * 1_000,
    })
    this.#observer = new ClusterObserver({
      cluster: this.#cluster,
      queue: this.#queue,
      isOurs: (pod) => this.#isOurs(pod),
    })
    this.#informers = schedulerInformers(context)
    this.#profiles = profileRuntimes({ profiles: config.profiles, cluster: this.#cluster, context, informers: this.#informers })
    this.#preemptor = new Preemptor({ context, budgets: this.#informers.budgets, metrics: this.metrics })
    this.#binder = new Binder({
      context,
      observer: this.#observer,
      nominations: this.#cluster.nominations,
      metrics: this.metrics,
      extender: config.extenders.find((e) => e.bindVerb !== ''),
      onFailed: (queued, message, signal) => this.#bindingFailed(queued, message, signal),
    })
    this.metrics.watchQueue(() => this.#queue.counts())
  }

  async run(signal: AbortSignal): Promise<void> {
    const { storage, ...others } = this.#informers
    await Promise.all([...Object.values(others), ...Object.values(storage)].map((informer) => informer.synced(signal)))
    const stopObserving = this.#observer.start(this.#informers)
    const wakeUp = () => this.#wake?.()
    signal.addEventListener('abort', wakeUp)
    try {
      while (!signal.aborted) {
        const queued = this.#queue.pop()
        if (!queued) await new Promise<void>((resolve) => (this.#wake = resolve))
        else {
          this.#tryToSchedule(queued, signal)
          if (this.#writes.size >= this.#config.writesMax) await new Promise<void>((resolve) => (this.#onWritten = resolve))
        }
        this.#wake = undefined
      }
    } finally {
      signal.removeEventListener('abort', wakeUp)
      stopObserving()
      this.#queue.close()
      await Promise.all([...this.#preparing, ...this.#writes])
    }
  }

  /** A bug in a plugin must not stop the others: it is logged, and the pod tries again after its back-off. */
  #tryToSchedule(queued: QueuedPod, signal: AbortSignal): void {
    try {
      this.#schedule(queued, signal)
    } catch (error) {
      this.#context.log.error(
        { pod: queued.key, error: String(error), stack: error instanceof Error ? error.stack : undefined },
        'scheduling failed',
      )
      this.metrics.panicked()
      this.#queue.retry(queued)
    }
  }

  #schedule(queued: QueuedPod, signal: AbortSignal): void {
    const profile = this.#profileOf(queued.pod)
    const judged = judge(profile.podPlugins, queued.pod)
    if ('kind' in judged) return this.#refused({ queued, profile, target: this.#target(queued, []) }, judged, signal)
    const extenders = this.#config.extenders.filter((e) => concerns(e, queued.pod))
    if (extenders.length === 0) return this.#decide({ queued, profile, target: this.#target(queued, judged) }, signal)
    this.#track(this.#preparing, this.#askAndDecide({ queued, profile, target: this.#target(queued, judged) }, extenders, signal))
  }

  #decide({ queued, profile, target }: Attempt, signal: AbortSignal): void {
    const { core } = profile
    const startedMs = this.#context.clock.monotonicMs()
    const position = core.snapshot.log.end
    const decision = core.decide(target)
    this.metrics.decided(decision.kind, this.#context.clock.monotonicMs() - startedMs)
    if (decision.kind === 'Unplaced') return this.#unplaced({ queued, profile, target }, core.diagnose(target), signal)
    const nodeName = core.snapshot.nodeName(decision.row)
    this.#recordPlaced(queued, decision, position)
    const reservations = (target.judged ?? []).flatMap((j) => (j.reserve ? [j.reserve(decision.row)] : []))
    this.#observer.assume(queued.key, queued.pod, nodeName)
    if (reservations.length === 0) this.#track(this.#writes, this.#binder.bind(queued, nodeName, signal))
    else this.#track(this.#preparing, this.#binder.prepareAndBind(queued, { nodeName, reservations }, signal))
  }

  /** The only decision that waits for others: what they leave is decided on the snapshot as it is after their answer. */
  async #askAndDecide(attempt: Attempt, extenders: readonly ExtenderConfig[], signal: AbortSignal): Promise<void> {
    const { queued, profile, target } = attempt
    const { snapshot } = profile.core
    const release = this.#observer.hold(queued.key)
    try {
      const nodes = scan(profile.core.planOf(target), snapshot).rows.map((row) => snapshot.nodes[row]!)
      const answer = await askExtenders(extenders, { pod: queued.pod, nodes, signal })
      if (!this.#isStillPending(queued)) return
      const judged = [...(target.judged ?? []), extenderJudgement(answer, snapshot)]
      this.#decide({ queued, profile, target: this.#target(queued, judged) }, signal)
    } catch (error) {
      if (!signal.aborted) await this.#bindingFailed(queued, error instanceof Error ? error.message : String(error), signal)
    } finally {
      release()
    }
  }

  #refused(attempt: Attempt, refused: Refused, signal: AbortSignal): void {
    this.metrics.decided('Unplaced', 0)
    this.#unplaced(attempt, diagnosisOfRefusal(this.#cluster.snapshot.nodeCount, refused), signal)
  }

  #unplaced({ queued, profile, target }: Attempt, diagnosis: Diagnosis, signal: AbortSignal): void {
    this.#records.set(queued.pod.metadata.uid ?? queued.key, {
      ...this.#recordBase(queued, this.#cluster.snapshot.log.end),
      feasible: 0,
      placed: undefined,
      best: [],
      rejections: [...diagnosis.nodesByPlugin].map(([plugin, nodes]) => ({ plugin, nodes })),
    })
    const preemption = profile.preempts ? this.#preemptor.plan(profile.core, target, diagnosis) : noPreemption
    this.#queue.park(queued, new Set(diagnosis.nodesByPlugin.keys()))
    const message = fitErrorMessage(diagnosis, preemption.message)
    this.#context.event(queued.pod, { type: 'Warning', reason: 'FailedScheduling', message })
    const { nominatedNodeName } = preemption
    const failure = { reason: 'Unschedulable', message, ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }) }
    this.#track(this.#writes, this.#report(queued, failure, signal))
    if (preemption.victims.length > 0) this.#track(this.#writes, this.#preemptor.evict(target, preemption, signal))
  }

  #recordBase(queued: QueuedPod, position: number): Pick<DecisionRecord, 'position' | 'atMs' | 'attempts' | 'nodeCount'> {
    return { position, atMs: this.#context.clock.now(), attempts: queued.attempts, nodeCount: this.#cluster.snapshot.nodeCount }
  }

  #recordPlaced(queued: QueuedPod, decision: Placed, position: number): void {
    const nodeName = (row: number) => this.#cluster.snapshot.nodeName(row)
    const { row, score, ties, draw, feasible } = decision
    this.#records.set(queued.pod.metadata.uid ?? queued.key, {
      ...this.#recordBase(queued, position),
      feasible,
      placed: { node: nodeName(row), score, ties, draw },
      best: decision.best(8).map((b) => ({ node: nodeName(b.row), score: b.score })),
      rejections: [],
    })
  }

  explain(namespace: string, name: string): SchedulingExplanation | undefined {
    const key = `${namespace}/${name}`
    const pod = this.#informers.pods.get(key)
    if (!pod) return undefined
    const { core, podPlugins } = this.#profileOf(pod)
    const judged = judge(podPlugins, pod)
    return explainPod({
      core,
      target: {
        key,
        pod,
        priority: pod.spec?.priority ?? 0,
        defaultSpread: defaultSpreadOf(pod, this.#informers),
        judged: 'kind' in judged ? [] : judged,
      },
      refused: 'kind' in judged ? judged : undefined,
      record: this.#records.get(pod.metadata.uid ?? key),
      isOurs: this.#isOurs(pod),
      isGated: isGated(pod),
    })
  }

  #isOurs(pod: Pod): boolean {
    return this.#profiles.has(pod.spec?.schedulerName || 'default-scheduler')
  }

  /** Of a pod that is another scheduler's: the first profile, so that it can be explained. */
  #profileOf(pod: Pod): ProfileRuntime {
    return this.#profiles.get(pod.spec?.schedulerName || 'default-scheduler') ?? this.#profiles.values().next().value!
  }

  #target({ key, pod, priority }: QueuedPod, judged: readonly Judged[]): PodToPlace {
    return { key, pod, priority, defaultSpread: defaultSpreadOf(pod, this.#informers), judged }
  }

  #track(among: Set<Promise<void>>, work: Promise<void>): void {
    const tracked = work.finally(() => {
      among.delete(tracked)
      this.#onWritten?.()
      this.#onWritten = undefined
    })
    among.add(tracked)
  }

  /** Somebody bound it first, it was replaced, or the server had trouble: look at what is and try again after the back-off. */
  async #bindingFailed(queued: QueuedPod, message: string, signal: AbortSignal): Promise<void> {
    if (!this.#isStillPending(queued)) return
    this.#queue.retry(queued)
    this.#context.event(queued.pod, { type: 'Warning', reason: 'FailedScheduling', message })
    await this.#report(queued, { reason: 'SchedulerError', message }, signal)
  }

  /** Whether the pod still needs a node; it then goes on as what it is now. */
  #isStillPending(queued: QueuedPod): boolean {
    const current = this.#informers.pods.get(queued.key)
    if (current === undefined || isAssigned(current) || current.metadata.deletionTimestamp !== undefined) return false
    queued.pod = current
    queued.shape = this.#cluster.snapshot.shapeOf(current)
    return true
  }

  async #report(queued: QueuedPod, failure: Omit<SchedulingFailure, 'signal'>, signal: AbortSignal): Promise<void> {
    await writePodCondition(this.#context, this.#latest(queued), { ...failure, signal })
  }

  #latest(queued: QueuedPod): Pod {
    return this.#informers.pods.get(queued.key) ?? queued.pod
  }
}
