import { createHash } from 'node:crypto'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { podRequests } from '../../kinds/pod-requests.ts'
import { isPodTerminal, isPodTerminating, podCondition } from '../../kinds/pod-status.ts'

/** A pod that is in the cluster. Times are those at which the change was seen. */
export type LivePod = {
  readonly pod: Pod
  readonly cpuMilli: number
  readonly memoryBytes: number
  readonly createdMs: number
  readonly boundMs: number | undefined
  readonly runningMs: number | undefined
  /** Told to go before it had ended by itself. */
  readonly isSentAway: boolean
}

export type PodCounts = { created: number; completed: number; failed: number; deleted: number }

/** Follows every pod of a cluster from its creation to its end. */
export class PodRecord {
  readonly live = new Map<string, LivePod>()
  readonly counts: PodCounts = { created: 0, completed: 0, failed: 0, deleted: 0 }
  readonly waitingMs: number[] = []
  readonly startingMs: number[] = []
  /** By the reason of the condition DisruptionTarget. */
  readonly evictions = new Map<string, number>()
  #restartsOfGone = 0
  readonly #trace = createHash('sha256')

  note({ current, old }: { readonly current: Pod | undefined; readonly old: Pod | undefined }, nowMs: number): void {
    const uid = (current ?? old)?.metadata.uid ?? ''
    const known = this.live.get(uid)
    if (!current) {
      if (known) this.#end(known)
      this.live.delete(uid)
      this.#write(nowMs, old, 'gone')
      return
    }
    const next = followed(known ?? fresh(current, nowMs), current, nowMs)
    if (!known) this.counts.created++
    if (next.boundMs !== undefined && known?.boundMs === undefined) this.waitingMs.push(next.boundMs - next.createdMs)
    if (next.runningMs !== undefined && known?.runningMs === undefined)
      this.startingMs.push(next.runningMs - (next.boundMs ?? next.createdMs))
    const reason = disruptionOf(current)
    if (reason && !disruptionOf(known?.pod)) this.evictions.set(reason, (this.evictions.get(reason) ?? 0) + 1)
    this.live.set(uid, next)
    if (traced(known?.pod) !== traced(current)) this.#write(nowMs, current, traced(current))
  }

  get restarts(): number {
    let sum = this.#restartsOfGone
    for (const { pod } of this.live.values()) sum += restartsOf(pod)
    return sum
  }

  /** A hash of all that happened to pods, in its order. */
  traceHash(): string {
    return `sha256:${this.#trace.copy().digest('hex')}`
  }

  /** Pods that ended and were not deleted count too. */
  ended(phase: 'Succeeded' | 'Failed'): number {
    let count = phase === 'Succeeded' ? this.counts.completed : this.counts.failed
    for (const { pod } of this.live.values()) if (pod.status?.phase === phase) count++
    return count
  }

  #end({ pod, isSentAway }: LivePod): void {
    this.#restartsOfGone += restartsOf(pod)
    const { phase } = pod.status ?? {}
    if (isSentAway) this.counts.deleted++
    else if (phase === 'Succeeded') this.counts.completed++
    else if (phase === 'Failed') this.counts.failed++
    else this.counts.deleted++
  }

  #write(nowMs: number, pod: Pod | undefined, what: string): void {
    this.#trace.update(`${nowMs} ${pod?.metadata.namespace}/${pod?.metadata.name} ${what}\n`)
  }
}

/** Holds its place on a node: bound, and neither ended nor about to be gone. */
export const isPlaced = ({ pod, boundMs }: LivePod) => boundMs !== undefined && !isPodTerminal(pod)
export const isWaiting = ({ pod, boundMs }: LivePod) => boundMs === undefined && !isPodTerminal(pod) && !isPodTerminating(pod)

function fresh(pod: Pod, nowMs: number): LivePod {
  const { cpu = 0, memory = 0 } = podRequests(pod)
  return { pod, cpuMilli: cpu, memoryBytes: memory, createdMs: nowMs, boundMs: undefined, runningMs: undefined, isSentAway: false }
}

function followed(known: LivePod, pod: Pod, nowMs: number): LivePod {
  const boundMs = known.boundMs ?? (pod.spec?.nodeName ? nowMs : undefined)
  const isStarted = pod.status?.phase !== undefined && pod.status.phase !== 'Pending'
  const isSentAway = known.isSentAway || (isPodTerminating(pod) && !isPodTerminal(pod))
  return { ...known, pod, boundMs, isSentAway, runningMs: known.runningMs ?? (isStarted ? nowMs : undefined) }
}

const disruptionOf = (pod: Pod | undefined) => {
  const condition = pod && podCondition(pod, 'DisruptionTarget')
  return condition?.status === 'True' ? condition.reason : undefined
}
const restartsOf = (pod: Pod) => (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)
const traced = (pod: Pod | undefined) =>
  pod ? `${pod.spec?.nodeName ?? '-'} ${pod.status?.phase ?? '-'} ${isPodTerminating(pod) ? 'ending' : ''}${restartsOf(pod)}` : ''
