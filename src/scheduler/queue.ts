import type { Cancel, Clock } from '../base/clock.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { pinnedNode } from './core/pinned-node.ts'
import type { PodShape } from './core/pod-shape.ts'
import { BinaryHeap } from './binary-heap.ts'

/** A pod that waits for a node. */
export type QueuedPod = {
  readonly key: string
  pod: Pod
  shape: PodShape
  readonly priority: number
  /** The only node that it may go to, where its affinity names one. */
  readonly pinnedTo: string | undefined
  /** When it first came, and its place among equals. */
  readonly sinceMs: number
  readonly order: number
  attempts: number
  /** By the monotonic clock: when it was tried first, and when this attempt began. */
  firstTriedMs: number | undefined
  triedMs: number
  /** Plugins that rejected it last time: what events may help. */
  rejectedBy: ReadonlySet<string>
  lastFailureMs: number
  /** Nodes whose room others took while this pod's binding was on its way. */
  readonly lostRaces: Set<string>
}

export type QueueOptions = {
  readonly clock: Clock
  /** Called when a pod has become ready to be tried while none was. */
  readonly onReady: () => void
  readonly backoffInitialMs?: number
  readonly backoffMaxMs?: number
  readonly unschedulableMaxMs?: number
}

type Place = 'active' | 'backoff' | 'unschedulable' | 'gated'
type Slot = { readonly queued: QueuedPod; place: Place; readyAtMs: number }

/**
 * Where pods wait: `active` (to be tried now, by priority, then by age), `backoff` (ready at a time), `unschedulable` (until an
 * event that may help, or 5 minutes), `gated` (scheduling gates).
 *
 * 1. A key is in at most one place; a pod taken by `pop` is in none until `retry` or `park`.
 * 2. There is one timer, and only while something waits for a time.
 */
export class SchedulingQueue {
  readonly #options: Required<QueueOptions>
  readonly #slots = new Map<string, Slot>()
  /** Those that are unschedulable, so that an event looks at them only. */
  readonly #parked = new Map<string, Slot>()
  readonly #active = new BinaryHeap<QueuedPod>(
    (a, b) =>
      a.priority > b.priority || (a.priority === b.priority && (a.sinceMs < b.sinceMs || (a.sinceMs === b.sinceMs && a.order < b.order))),
  )
  readonly #timed = new BinaryHeap<{ readonly atMs: number; readonly slot: Slot }>((a, b) => a.atMs < b.atMs)
  #order = 0
  #timer: { readonly atMs: number; readonly cancel: Cancel } | undefined
  #isClosed = false

  constructor(options: QueueOptions) {
    this.#options = { backoffInitialMs: 1_000, backoffMaxMs: 10_000, unschedulableMaxMs: 300_000, ...options }
  }

  /** A pod that needs a node: new, or changed while it waited. `mayHelp`: the change may make a parked pod schedulable. */
  put(key: string, { pod, shape, mayHelp }: { readonly pod: Pod; readonly shape: PodShape; readonly mayHelp: boolean }): void {
    const known = this.#slots.get(key)
    if (!known) {
      const queued: QueuedPod = {
        key,
        pod,
        shape,
        priority: pod.spec?.priority ?? 0,
        pinnedTo: pinnedNode(pod.spec),
        sinceMs: this.#options.clock.now(),
        order: this.#order++,
        attempts: 0,
        firstTriedMs: undefined,
        triedMs: 0,
        rejectedBy: new Set(),
        lastFailureMs: 0,
        lostRaces: new Set(),
      }
      const slot: Slot = { queued, place: 'gated', readyAtMs: 0 }
      this.#slots.set(key, slot)
      if (!isGated(pod)) this.#activate(slot)
      return
    }
    known.queued.pod = pod
    known.queued.shape = shape
    if (known.place === 'gated' && !isGated(pod)) this.#activate(known)
    else if (known.place === 'unschedulable' && mayHelp) this.#wake(known)
  }

  /** The pod needs no node any more. */
  remove(key: string): void {
    this.#slots.delete(key)
    this.#parked.delete(key)
  }

  has(key: string): boolean {
    return this.#slots.has(key)
  }

  get(key: string): QueuedPod | undefined {
    return this.#slots.get(key)?.queued
  }

  /** The next pod to try. It stays known to the queue only after `park` or `retry`. */
  pop(): QueuedPod | undefined {
    for (;;) {
      const queued = this.#active.pop()
      if (!queued) return undefined
      const slot = this.#slots.get(queued.key)
      // Removed or replaced meanwhile: its entry in the heap is void.
      if (!slot || slot.queued !== queued || slot.place !== 'active') continue
      this.#slots.delete(queued.key)
      return this.#tried(queued)
    }
  }

  /** Takes a pod out wherever it waits, to be tried now; undefined when it is not here or is gated. */
  take(key: string): QueuedPod | undefined {
    const slot = this.#slots.get(key)
    if (!slot || slot.place === 'gated') return undefined
    this.remove(key)
    return this.#tried(slot.queued)
  }

  #tried(queued: QueuedPod): QueuedPod {
    queued.attempts++
    queued.triedMs = this.#options.clock.monotonicMs()
    queued.firstTriedMs ??= queued.triedMs
    return queued
  }

  /** No node took it: wait for an event that may help one of the plugins. */
  park(queued: QueuedPod, rejectedBy: ReadonlySet<string>): void {
    queued.rejectedBy = rejectedBy
    queued.lastFailureMs = this.#options.clock.now()
    const slot: Slot = { queued, place: 'unschedulable', readyAtMs: queued.lastFailureMs + this.#options.unschedulableMaxMs }
    this.#slots.set(queued.key, slot)
    this.#parked.set(queued.key, slot)
    this.#addTimed(slot)
  }

  /** It cannot be tried yet: wait for an event that may help one of the plugins, and no longer than that. */
  waitFor(queued: QueuedPod, plugins: ReadonlySet<string>): void {
    queued.attempts--
    this.park(queued, plugins)
    queued.lastFailureMs = 0
  }

  /** It failed for a passing reason (a refused binding): try again after its back-off. */
  retry(queued: QueuedPod): void {
    queued.lastFailureMs = this.#options.clock.now()
    const slot: Slot = { queued, place: 'unschedulable', readyAtMs: 0 }
    this.#slots.set(queued.key, slot)
    this.#wake(slot)
  }

  /** It failed through no fault of its own and may fit elsewhere: it is tried again at once, before younger ones. */
  retryNow(queued: QueuedPod): void {
    queued.attempts--
    const slot: Slot = { queued, place: 'active', readyAtMs: 0 }
    this.#slots.set(queued.key, slot)
    this.#activate(slot)
  }

  /** Wakes every parked pod that the event may help. */
  wakeIf(mayHelp: (queued: QueuedPod) => boolean): void {
    for (const slot of this.#parked.values()) if (mayHelp(slot.queued)) this.#wake(slot)
  }

  /** What kept a pod waiting has been settled for it: it is tried at once, whatever its back-off. */
  activate(key: string): void {
    const slot = this.#slots.get(key)
    if (slot?.place === 'unschedulable' || slot?.place === 'backoff') this.#activate(slot)
  }

  counts(): Readonly<Record<Place, number>> {
    const counts = { active: 0, backoff: 0, unschedulable: 0, gated: 0 }
    for (const { place } of this.#slots.values()) counts[place]++
    return counts
  }

  /** Drops everything and the timer. */
  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#timer = undefined
    this.#slots.clear()
    this.#parked.clear()
  }

  #activate(slot: Slot): void {
    this.#parked.delete(slot.queued.key)
    slot.place = 'active'
    this.#active.push(slot.queued)
    this.#options.onReady()
  }

  #wake(slot: Slot): void {
    const readyAtMs = slot.queued.lastFailureMs + this.#backoffMs(slot.queued.attempts)
    if (readyAtMs <= this.#options.clock.now()) return this.#activate(slot)
    this.#parked.delete(slot.queued.key)
    slot.place = 'backoff'
    slot.readyAtMs = readyAtMs
    this.#addTimed(slot)
  }

  #backoffMs(attempts: number): number {
    return Math.min(this.#options.backoffMaxMs, this.#options.backoffInitialMs * 2 ** Math.min(30, Math.max(0, attempts - 1)))
  }

  #addTimed(slot: Slot): void {
    this.#timed.push({ atMs: slot.readyAtMs, slot })
    this.#arm()
  }

  #arm(): void {
    this.#dropVoid()
    const next = this.#timed.peek()
    if (this.#timer && this.#timer.atMs !== next?.atMs) {
      this.#timer.cancel()
      this.#timer = undefined
    }
    if (!next || this.#timer || this.#isClosed) return
    const cancel = this.#options.clock.schedule(Math.max(0, next.atMs - this.#options.clock.now()), () => this.#fire())
    this.#timer = { atMs: next.atMs, cancel }
  }

  /** Entries whose slot has moved on since. */
  #dropVoid(): void {
    for (let next = this.#timed.peek(); next; next = this.#timed.peek()) {
      const { slot, atMs } = next
      const isTimed = slot.place === 'backoff' || slot.place === 'unschedulable'
      if (this.#slots.get(slot.queued.key) === slot && isTimed && slot.readyAtMs === atMs) return
      this.#timed.pop()
    }
  }

  #fire(): void {
    this.#timer = undefined
    const now = this.#options.clock.now()
    for (this.#dropVoid(); (this.#timed.peek()?.atMs ?? Number.POSITIVE_INFINITY) <= now; this.#dropVoid()) {
      const { slot } = this.#timed.pop()!
      this.#activate(slot)
    }
    this.#arm()
  }
}

export function isGated(pod: Pod): boolean {
  return (pod.spec?.schedulingGates?.length ?? 0) > 0
}
