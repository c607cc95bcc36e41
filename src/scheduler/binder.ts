import type { LoopContext } from '../control/contract.ts'
import type { Binding, Pod } from '../kinds/generated/types/core-v1.ts'
import { checkFitAnnotation, isFitConflict } from '../kinds/keelson/placement.ts'
import { isStatus, StatusError } from '../machinery/status-error.ts'
import { BindingBatch } from './binding-batch.ts'
import type { ClusterObserver } from './cluster-observer.ts'
import type { Reservation } from './core/judgement.ts'
import type { Nominations } from './core/nominations.ts'
import type { EventOutlet } from './event-outlet.ts'
import { bindByExtender, concerns } from './extenders/extender-client.ts'
import { profileOf } from './profile-runtime.ts'
import { writeNomination } from './pod-condition.ts'
import type { ExtenderConfig } from './extenders/extender-config.ts'
import type { QueuedPod } from './queue.ts'
import type { SchedulerMetrics } from './scheduler-metrics.ts'

export type BinderOptions = {
  readonly context: LoopContext
  readonly events: EventOutlet
  readonly observer: ClusterObserver
  readonly nominations: Nominations
  readonly metrics: SchedulerMetrics
  /** Binds in place of the API's subresource the pods that concern it. */
  readonly extender: ExtenderConfig | undefined
  /** Puts a pod that is still pending back into the queue and tells why; the message goes into its condition. */
  readonly onFailed: (queued: QueuedPod, message: string) => Promise<void>
  /** Others place pods too: the API server is to say whether the node still has the room. */
  readonly checksFit: boolean
  /** Puts a pod that is still pending back into the queue at once: another scheduler took the room. */
  readonly onLostRace: (queued: QueuedPod, nodeName: string) => void
}

/** Carries out a placement that has been decided and assumed: makes ready what the pod needs on the node, then posts the Binding. */
export class Binder {
  readonly #options: BinderOptions
  readonly #batch: BindingBatch

  constructor(options: BinderOptions) {
    this.#options = options
    this.#batch = new BindingBatch(options.context)
  }

  /** Makes the reservations true, then binds. A pod that goes away meanwhile ends the wait. */
  async prepareAndBind(
    queued: QueuedPod,
    { nodeName, reservations }: { readonly nodeName: string; readonly reservations: readonly Reservation[] },
    signal: AbortSignal,
  ): Promise<void> {
    const gone = new AbortController()
    const stopWatching = this.#options.observer.onGone(queued.key, () => gone.abort(new Error('the pod is gone')))
    let plugin = ''
    const nominated = writeNomination(this.#options.context, queued.pod, nodeName, signal)
    try {
      for (const reservation of reservations) {
        plugin = reservation.plugin
        await reservation.prepare(AbortSignal.any([signal, gone.signal]))
      }
      await nominated
    } catch (error) {
      await nominated
      for (const reservation of reservations) await reservation.undo?.()
      this.#options.observer.forget(queued.key, queued.pod)
      if (!signal.aborted && !gone.signal.aborted)
        await this.#failed(queued, { nodeName, step: `running PreBind plugin "${plugin}"`, error })
      return
    } finally {
      for (const reservation of reservations) reservation.release()
      stopWatching()
    }
    await this.bind(queued, nodeName, signal, reservations)
  }

  async bind(queued: QueuedPod, nodeName: string, signal: AbortSignal, reservations: readonly Reservation[] = []): Promise<void> {
    const { events, observer, nominations, metrics, extender, checksFit, onLostRace } = this.#options
    const { name = '', namespace = '' } = queued.pod.metadata
    try {
      if (extender && concerns(extender, queued.pod)) await bindByExtender(extender, queued.pod, nodeName, signal)
      else await this.#batch.post(bindingOf(queued.pod, nodeName, checksFit), signal)
      metrics.bound({ ...this.#attemptAt(queued), attempts: queued.attempts, podMs: this.#sinceMs(queued.firstTriedMs) })
      nominations.delete(queued.key)
      const note = `Successfully assigned ${namespace}/${name} to ${nodeName}`
      events.add({ pod: queued.pod, type: 'Normal', reason: 'Scheduled', action: 'Binding', note, reporter: profileOf(queued.pod) })
    } catch (error) {
      for (const reservation of reservations) await reservation.undo?.()
      observer.forget(queued.key, queued.pod)
      if (signal.aborted || isStatus(error, 'NotFound')) return
      if (isFitConflict(error)) {
        metrics.conflicted('node')
        return onLostRace(queued, nodeName)
      }
      if (isStatus(error, 'Conflict')) metrics.conflicted('pod')
      await this.#failed(queued, { nodeName, step: 'binding rejected: running Bind plugin "DefaultBinder"', error })
    }
  }

  #sinceMs(fromMs: number | undefined): number {
    const nowMs = this.#options.context.clock.monotonicMs()
    return nowMs - (fromMs ?? nowMs)
  }

  #attemptAt({ pod, triedMs }: QueuedPod) {
    return { profile: profileOf(pod), ms: this.#sinceMs(triedMs) }
  }

  async #failed(
    queued: QueuedPod,
    { nodeName, step, error }: { readonly nodeName: string; readonly step: string; readonly error: unknown },
  ): Promise<void> {
    const why = error instanceof Error ? error.message : String(error)
    const message = `${step}: ${why}`
    this.#options.metrics.bindingFailed(this.#attemptAt(queued))
    this.#options.context.log.warn({ pod: queued.key, node: nodeName, isApiError: error instanceof StatusError }, message)
    await this.#options.onFailed(queued, message)
  }
}

function bindingOf({ metadata: { name = '', namespace = '', uid } }: Pod, nodeName: string, checksFit: boolean): Binding {
  return {
    apiVersion: 'v1',
    kind: 'Binding',
    metadata: { name, namespace, ...(uid ? { uid } : {}), ...(checksFit ? { annotations: { [checkFitAnnotation]: 'true' } } : {}) },
    target: { kind: 'Node', name: nodeName },
  }
}
