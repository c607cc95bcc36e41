import { kindRefs } from '../client/generated/kind-refs.ts'
import type { LoopContext } from '../control/contract.ts'
import type { Binding, Pod } from '../kinds/generated/types/core-v1.ts'
import { isStatus, StatusError } from '../machinery/status-error.ts'
import { ClusterObserver, schedulerInformers } from './cluster-observer.ts'
import { fitErrorMessage } from './core/fit-error.ts'
import type { Plugin } from './core/plugin.ts'
import { SchedulerCore, type PodToPlace } from './core/scheduler-core.ts'
import { defaultSpreadOf } from './default-spread.ts'
import { allPlugins } from './plugins/all.ts'
import { writePodCondition } from './pod-condition.ts'
import { type QueuedPod, SchedulingQueue } from './queue.ts'
import { SchedulerMetrics } from './scheduler-metrics.ts'

export type SchedulerConfig = {
  /** `spec.schedulerName` values that this scheduler serves. */
  readonly schedulerNames: readonly string[]
  readonly plugins: readonly Plugin[]
  /** Bindings and status writes under way at once: a full house pauses decisions. */
  readonly writesMax: number
}

export const defaultSchedulerConfig: SchedulerConfig = { schedulerNames: ['default-scheduler'], plugins: allPlugins, writesMax: 128 }

export type Scheduler = {
  /** Schedules until the signal aborts; resolves when everything under way has ended. */
  run(signal: AbortSignal): Promise<void>
  readonly metrics: SchedulerMetrics
}

/** Watches pods and nodes, decides, and binds. `context.client` must speak for `system:kube-scheduler`. */
export function createScheduler(options: { readonly context: LoopContext; readonly config?: Partial<SchedulerConfig> }): Scheduler {
  const loop = new SchedulerLoop(options.context, { ...defaultSchedulerConfig, ...options.config })
  return { run: (signal) => loop.run(signal), metrics: loop.metrics }
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
  readonly #informers: ReturnType<typeof schedulerInformers>
  readonly #writes = new Set<Promise<void>>()
  #wake: (() => void) | undefined

  constructor(context: LoopContext, config: SchedulerConfig) {
    this.#context = context
    this.#config = config
    this.#core = new SchedulerCore({ plugins: config.plugins, random: context.random })
    this.#queue = new SchedulingQueue({ clock: context.clock, onReady: () => this.#wake?.() })
    const names = new Set(config.schedulerNames)
    this.#observer = new ClusterObserver({
      core: this.#core,
      queue: this.#queue,
      isOurs: (pod) => names.has(pod.spec?.schedulerName || 'default-scheduler'),
    })
    this.#informers = schedulerInformers(context)
    this.metrics.watchQueue(() => this.#queue.counts())
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Object.values(this.#informers).map((informer) => informer.synced(signal)))
    const stopObserving = this.#observer.start(this.#informers)
    const wakeUp = () => this.#wake?.()
    signal.addEventListener('abort', wakeUp)
    try {
      while (!signal.aborted) {
        const queued = this.#queue.pop()
        if (!queued) await new Promise<void>((resolve) => (this.#wake = resolve))
        else {
          this.#tryToSchedule(queued, signal)
          if (this.#writes.size >= this.#config.writesMax) await Promise.race(this.#writes)
        }
        this.#wake = undefined
      }
    } finally {
      signal.removeEventListener('abort', wakeUp)
      stopObserving()
      this.#queue.close()
      await Promise.all(this.#writes)
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
    const target = this.#target(queued)
    const startedMs = this.#context.clock.monotonicMs()
    const decision = this.#core.decide(target)
    this.metrics.decided(decision.kind, this.#context.clock.monotonicMs() - startedMs)
    if (decision.kind === 'Placed') {
      const nodeName = this.#core.snapshot.nodeName(decision.row)
      this.#observer.assume(queued.key, queued.pod, nodeName)
      this.#track(this.#bind(queued, nodeName, signal))
      return
    }
    const diagnosis = this.#core.diagnose(target)
    this.#queue.park(queued, diagnosis.plugins)
    const message = fitErrorMessage(diagnosis.nodeCount, diagnosis.reasons)
    this.#context.event(queued.pod, { type: 'Warning', reason: 'FailedScheduling', message })
    this.#track(this.#report(queued, { reason: 'Unschedulable', message }, signal))
  }

  #target({ key, pod, priority }: QueuedPod): PodToPlace {
    return { key, pod, priority, defaultSpread: defaultSpreadOf(pod, this.#informers) }
  }

  #track(write: Promise<void>): void {
    const tracked = write.finally(() => this.#writes.delete(tracked))
    this.#writes.add(tracked)
  }

  async #bind(queued: QueuedPod, nodeName: string, signal: AbortSignal): Promise<void> {
    const { name = '', namespace = '', uid } = queued.pod.metadata
    const binding: Binding = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name, namespace, ...(uid ? { uid } : {}) },
      target: { kind: 'Node', name: nodeName },
    }
    try {
      await this.#context.client
        .resource(kindRefs.coreV1.pods, namespace)
        .subresource<Binding, unknown>(name, 'binding', binding, { signal })
      this.metrics.bound()
      this.#core.nominations.delete(queued.key)
      this.#context.event(queued.pod, {
        type: 'Normal',
        reason: 'Scheduled',
        message: `Successfully assigned ${namespace}/${name} to ${nodeName}`,
      })
    } catch (error) {
      this.#observer.forget(queued.key, queued.pod)
      if (signal.aborted || isStatus(error, 'NotFound')) return
      await this.#bindingFailed(queued, nodeName, error, signal)
    }
  }

  /** Somebody bound it first, it was replaced, or the server had trouble: look at what is and try again after the back-off. */
  async #bindingFailed(queued: QueuedPod, nodeName: string, error: unknown, signal: AbortSignal): Promise<void> {
    this.metrics.bindingFailed()
    const current = this.#informers.pods.get(queued.key)
    const isStillPending = current !== undefined && !current.spec?.nodeName && current.metadata.uid === queued.pod.metadata.uid
    if (!isStillPending) return
    queued.pod = current
    this.#queue.retry(queued)
    const message = `binding rejected: running Bind plugin "DefaultBinder": ${error instanceof Error ? error.message : String(error)}`
    this.#context.log.warn({ pod: queued.key, node: nodeName, isApiError: error instanceof StatusError }, message)
    this.#context.event(queued.pod, { type: 'Warning', reason: 'FailedScheduling', message })
    await this.#report(queued, { reason: 'SchedulerError', message }, signal)
  }

  async #report(queued: QueuedPod, failure: { readonly reason: string; readonly message: string }, signal: AbortSignal): Promise<void> {
    await writePodCondition(this.#context, this.#latest(queued), { ...failure, signal })
  }

  #latest(queued: QueuedPod): Pod {
    return this.#informers.pods.get(queued.key) ?? queued.pod
  }
}
