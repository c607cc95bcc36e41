import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { EventInput } from '../../control/event-recorder.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import type { PodLoop } from '../pod/pod-loop.ts'
import type { PodRecords, TerminalReason } from '../pod/pod-records.ts'
import { shutdownGrace, type ShutdownGroup, shutdownGroups, type ShutdownPeriod } from './plan-shutdown.ts'

/**
 * Tells when the machine is about to stop (true), and when it will not after all (false); what it is given resolves when the pods have
 * ended, and the machine may go. What it gives back ends it.
 */
export type ShutdownSource = (tell: (isComing: boolean) => Promise<void>) => () => void

export type NodeShutdownOptions = {
  readonly periods: readonly ShutdownPeriod[]
  readonly clock: Clock
  readonly log: Log
  readonly loop: () => Pick<PodLoop, 'pods' | 'worker' | 'evict' | 'onLooked'>
  readonly nodeEvent: (event: EventInput) => void
  /** The node's condition is another. */
  readonly onChange: () => void
  /** The machine does not stop after all: what ends or has ended for it may run again. */
  readonly onCancelled: () => void
}

const shutdownReason = 'Terminated'
const terminal: TerminalReason = {
  reason: shutdownReason,
  message: 'Pod was terminated in response to imminent node shutdown.',
  hasStarted: true,
}

/** Whether a pod of this node was ended, or was not begun, because the machine was about to stop. */
export function hasEndedForShutdown({ terminal: reason }: PodRecords): boolean {
  return reason?.reason === shutdownReason || reason?.reason === 'NodeShutdown'
}

/** Ends the pods of a machine that is about to stop, the least important first, each group within its time. */
export class NodeShutdown {
  readonly #options: NodeShutdownOptions
  #isComing = false

  constructor(options: NodeShutdownOptions) {
    this.#options = options
  }

  /** From here on the node is not Ready, and takes no pods. */
  get isComing(): boolean {
    return this.#isComing
  }

  /** Resolves when all pods have ended or had their time. */
  async tell(isComing: boolean): Promise<void> {
    const { log, nodeEvent, onChange, periods, loop } = this.#options
    if (isComing === this.#isComing) return
    this.#isComing = isComing
    const what = isComing ? 'shutdown event' : 'shutdown cancellation'
    log.warn({}, `detected a ${what} of the machine`)
    nodeEvent({ type: 'Normal', reason: 'NodeShutdown', message: `Shutdown manager detected ${what}` })
    onChange()
    if (!isComing) return this.#options.onCancelled()
    const active = loop()
      .pods()
      .filter((pod) => !isPodTerminal(pod))
    for (const group of shutdownGroups(periods, active)) {
      if (!this.#isComing) return
      await this.#end(group)
    }
    log.info({ pods: active.length }, 'the pods have ended, or had their time')
  }

  async #end(group: ShutdownGroup): Promise<void> {
    const { clock, log, loop } = this.#options
    const { priority, seconds, pods } = group
    log.info({ priority, seconds, pods: pods.length }, 'pods end for the shutdown of the machine')
    for (const pod of pods) loop().evict(pod.metadata.uid ?? '', { ...terminal, graceSeconds: shutdownGrace(group, pod) })
    let cancel = () => {}
    const timeout = new Promise<void>((resolve) => (cancel = clock.schedule(seconds * 1000, resolve)))
    await Promise.race([timeout, Promise.all(pods.map((pod) => this.#ended(pod)))])
    cancel()
  }

  /** Nothing of it is left on the machine, and the API has been told so. */
  #ended({ metadata: { uid = '' } }: Pod): Promise<void> {
    const loop = this.#options.loop()
    const hasEnded = () => {
      const worker = loop.worker(uid)
      return !worker || (worker.records.isTornDown && isPodTerminal(worker.pod))
    }
    return new Promise((resolve) => {
      if (hasEnded()) return resolve()
      const remove = loop.onLooked(uid, () => {
        if (!hasEnded()) return
        remove()
        resolve()
      })
    })
  }
}
