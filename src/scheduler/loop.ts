import type { LoopContext } from '../control/contract.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { Binder } from './binder.ts'
import { ClusterObserver, schedulerInformers } from './cluster-observer.ts'
import type { Placed } from './core/decision.ts'
import { type DecisionRecord, DecisionRecords } from './core/decision-records.ts'
import { type Diagnosis, diagnosisOfRefusal, fitErrorMessage } from './core/fit-error.ts'
import { judge, type Judged, type PodPlugin, type Refused } from './core/judgement.ts'
import type { Plugin } from './core/plugin.ts'
import { SchedulerCore, type PodToPlace } from './core/scheduler-core.ts'
import { defaultSpreadOf } from './default-spread.ts'
import { allPlugins } from './plugins/all.ts'
import { explainPod } from './explain/explain.ts'
import type { SchedulingExplanation } from './explain/explanation.ts'
import { type SchedulingFailure, writePodCondition } from './pod-condition.ts'
import { Preemptor } from './preemptor.ts'
import { isGated, type QueuedPod, SchedulingQueue } from './queue.ts'
import { podPlugins } from './pod-plugins.ts'
import { SchedulerMetrics } from './scheduler-metrics.ts'

export type SchedulerConfig = {
  /** `spec.schedulerName` values that this scheduler serves. */
  readonly schedulerNames: readonly string[]
  readonly plugins: readonly Plugin[]
  /** Bindings and status writes under way at once: a full house pauses decisions. */
  readonly writesMax: number
  /** Pods whose last decision is remembered, 256 bytes each. */
  readonly recordsMax: number
}

export const defaultSchedulerConfig: SchedulerConfig = {
  schedulerNames: ['default-scheduler'],
  plugins: allPlugins,
  writesMax: 128,
  recordsMax: 1 << 16,
}

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
  readonly #core: SchedulerCore
  readonly #queue: SchedulingQueue
  readonly #observer: ClusterObserver
  readonly #preemptor: Preemptor
  readonly #binder: Binder
  readonly #informers: ReturnType<typeof schedulerInformers>
  readonly #records: DecisionRecords
  readonly #podPlugins: readonly PodPlugin[]
  /** Decided pods whose volumes or devices are being made ready; they hold no place among the writes while they wait. */
  readonly #preparing = new Set<Promise<void>>()
  readonly #writes = new Set<Promise<void>>()
  #wake: (() => void) | undefined
  /** Waits for a free place among the writes. */
  #onWritten: (() => void) | undefined

  constructor(context: LoopContext, config: SchedulerConfig) {
    this.#context = context
    this.#config = config
    this.#core = new SchedulerCore({ plugins: config.plugins, random: context.random })
    this.#records = new DecisionRecords({ recordsMax: config.recordsMax })
    this.#queue = new SchedulingQueue({ clock: context.clock, onReady: () => this.#wake?.() })
    this.#observer = new ClusterObserver({
      core: this.#core,
      queue: this.#queue,
      isOurs: (pod) => this.#isOurs(pod),
    })
    this.#informers = schedulerInformers(context)
    this.#podPlugins = podPlugins({ context, snapshot: this.#core.snapshot, informers: this.#informers })
    this.#preemptor = new Preemptor({ context, core: this.#core, budgets: this.#informers.budgets, metrics: this.metrics })
    this.#binder = new Binder({
      context,
      observer: this.#observer,
      nominations: this.#core.nominations,
      metrics: this.metrics,
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
    const judged = judge(this.#podPlugins, queued.pod)
    const target = this.#target(queued, 'kind' in judged ? [] : judged)
    if ('kind' in judged) return this.#refused(queued, target, judged, signal)
    const startedMs = this.#context.clock.monotonicMs()
    const position = this.#core.snapshot.log.end
    const decision = this.#core.decide(target)
    this.metrics.decided(decision.kind, this.#context.clock.monotonicMs() - startedMs)
    if (decision.kind === 'Unplaced') return this.#unplaced(queued, target, this.#core.diagnose(target), signal)
    const nodeName = this.#core.snapshot.nodeName(decision.row)
    this.#recordPlaced(queued, decision, position)
    const reservations = judged.flatMap((j) => (j.reserve ? [j.reserve(decision.row)] : []))
    this.#observer.assume(queued.key, queued.pod, nodeName)
    if (reservations.length === 0) this.#track(this.#writes, this.#binder.bind(queued, nodeName, signal))
    else this.#track(this.#preparing, this.#binder.prepareAndBind(queued, { nodeName, reservations }, signal))
  }

  #refused(queued: QueuedPod, target: PodToPlace, refused: Refused, signal: AbortSignal): void {
    this.metrics.decided('Unplaced', 0)
    this.#unplaced(queued, target, diagnosisOfRefusal(this.#core.snapshot.nodeCount, refused), signal)
  }

  #unplaced(queued: QueuedPod, target: PodToPlace, diagnosis: Diagnosis, signal: AbortSignal): void {
    this.#records.set(queued.pod.metadata.uid ?? queued.key, {
      ...this.#recordBase(queued, this.#core.snapshot.log.end),
      feasible: 0,
      placed: undefined,
      best: [],
      rejections: [...diagnosis.nodesByPlugin].map(([plugin, nodes]) => ({ plugin, nodes })),
    })
    const preemption = this.#preemptor.plan(target, diagnosis)
    this.#queue.park(queued, new Set(diagnosis.nodesByPlugin.keys()))
    const message = fitErrorMessage(diagnosis, preemption.message)
    this.#context.event(queued.pod, { type: 'Warning', reason: 'FailedScheduling', message })
    const { nominatedNodeName } = preemption
    const failure = { reason: 'Unschedulable', message, ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }) }
    this.#track(this.#writes, this.#report(queued, failure, signal))
    if (preemption.victims.length > 0) this.#track(this.#writes, this.#preemptor.evict(target, preemption, signal))
  }

  #recordBase(queued: QueuedPod, position: number): Pick<DecisionRecord, 'position' | 'atMs' | 'attempts' | 'nodeCount'> {
    return { position, atMs: this.#context.clock.now(), attempts: queued.attempts, nodeCount: this.#core.snapshot.nodeCount }
  }

  #recordPlaced(queued: QueuedPod, decision: Placed, position: number): void {
    const nodeName = (row: number) => this.#core.snapshot.nodeName(row)
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
    const judged = judge(this.#podPlugins, pod)
    return explainPod({
      core: this.#core,
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
    return this.#config.schedulerNames.includes(pod.spec?.schedulerName || 'default-scheduler')
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
    const current = this.#informers.pods.get(queued.key)
    const isStillPending = current !== undefined && !current.spec?.nodeName && current.metadata.uid === queued.pod.metadata.uid
    if (!isStillPending) return
    queued.pod = current
    queued.shape = this.#core.snapshot.shapeOf(current)
    this.#queue.retry(queued)
    this.#context.event(queued.pod, { type: 'Warning', reason: 'FailedScheduling', message })
    await this.#report(queued, { reason: 'SchedulerError', message }, signal)
  }

  async #report(queued: QueuedPod, failure: Omit<SchedulingFailure, 'signal'>, signal: AbortSignal): Promise<void> {
    await writePodCondition(this.#context, this.#latest(queued), { ...failure, signal })
  }

  #latest(queued: QueuedPod): Pod {
    return this.#informers.pods.get(queued.key) ?? queued.pod
  }
}
