/**
 * The keys that wait to be worked on.
 *  1. A key is held once, however often it is added.
 *  2. A key is never worked on twice at the same time: added while it is being worked on, it comes again afterwards.
 *  3. Only keys are kept, so memory is bounded by the number of objects.
 */
import type { Cancel, Clock } from '../base/clock.ts'

export type WorkQueueOptions = {
  readonly clock: Clock
  /** Keys worked on at once. */
  readonly concurrency: number
  /** The least time from a start of a key to its next; asked at the start. */
  readonly minIntervalMs?: (key: string) => number
  /** Works on one key. It must not reject: the queue's owner turns failures into `addRateLimited`. */
  readonly work: (key: string) => Promise<void>
  readonly observer?: QueueObserver
}

/** What metrics want to know; times in ms. */
export type QueueObserver = {
  added(): void
  retried(): void
  started(waitedMs: number): void
  finished(workedMs: number): void
}

/** Upstream's per-item exponential limits: 5 ms doubling up to 1,000 s. */
const backoffInitialMs = 5
const backoffMaxMs = 1_000_000

/** Starts paused: keys gather until `start`. */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  /** Ready keys in order, with the moment they became so. */
  readonly #ready = new Map<string, number>()
  /** Keys that are worked on, with the moment they began. */
  readonly #active = new Map<string, number>()
  /** Active keys that were added again. */
  readonly #again = new Set<string>()
  readonly #delayed = new Map<string, { readonly atMs: number; readonly cancel: Cancel }>()
  readonly #failures = new Map<string, number>()
  /** Keys that were started lately, with the moment from which they may be again. */
  readonly #dueMs = new Map<string, number>()
  #isRunning = false
  #idle: (() => void) | undefined

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  /** Keys that are ready but not being worked on. */
  get depth(): number {
    return this.#ready.size
  }

  get activeCount(): number {
    return this.#active.size
  }

  /** Of the keys that are worked on: how long all of them have been together, and the longest. */
  activeSeconds(): { readonly all: number; readonly longest: number } {
    const nowMs = this.#options.clock.monotonicMs()
    let all = 0
    let longest = 0
    for (const startMs of this.#active.values()) {
      const seconds = (nowMs - startMs) / 1000
      all += seconds
      longest = Math.max(longest, seconds)
    }
    return { all, longest }
  }

  /** True when no key is ready, active or delayed. */
  get isIdle(): boolean {
    return this.#ready.size + this.#active.size + this.#delayed.size === 0
  }

  add(key: string): void {
    this.#options.observer?.added()
    // What waits already is in its place: a burst of changes adds the same few keys again and again.
    if (this.#ready.has(key)) return
    if (this.#active.has(key)) {
      this.#again.add(key)
      return
    }
    const waitMs = this.#intervalLeftMs(key)
    if (waitMs > 0) this.#delay(key, waitMs)
    else this.#makeReady(key)
  }

  /** Adds the key after a delay; an earlier one that is already waiting wins. */
  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) this.add(key)
    else this.#delay(key, delayMs)
  }

  /** Adds the key after its back-off, which doubles with every call until `forget`. */
  addRateLimited(key: string): void {
    const failures = this.#failures.get(key) ?? 0
    this.#failures.set(key, failures + 1)
    this.#options.observer?.retried()
    this.addAfter(key, Math.min(backoffMaxMs, backoffInitialMs * 2 ** Math.min(failures, 30)))
  }

  /** The key succeeded: its back-off starts over. */
  forget(key: string): void {
    this.#failures.delete(key)
  }

  failuresOf(key: string): number {
    return this.#failures.get(key) ?? 0
  }

  start(): void {
    this.#isRunning = true
    this.#pump()
  }

  /** Drops what waits and resolves when the keys being worked on are done. Idempotent. */
  async stop(): Promise<void> {
    this.#isRunning = false
    this.#ready.clear()
    this.#again.clear()
    for (const { cancel } of this.#delayed.values()) cancel()
    this.#delayed.clear()
    if (this.#active.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve))
  }

  #intervalLeftMs(key: string): number {
    const dueMs = this.#dueMs.get(key)
    return dueMs === undefined ? 0 : dueMs - this.#options.clock.monotonicMs()
  }

  #makeReady(key: string): void {
    this.#cancelDelay(key)
    if (!this.#ready.has(key)) this.#ready.set(key, this.#options.clock.monotonicMs())
    this.#pump()
  }

  #delay(key: string, delayMs: number): void {
    if (this.#ready.has(key)) return
    const atMs = this.#options.clock.monotonicMs() + delayMs
    const waiting = this.#delayed.get(key)
    if (waiting && waiting.atMs <= atMs) return
    waiting?.cancel()
    const cancel = this.#options.clock.schedule(delayMs, () => {
      this.#delayed.delete(key)
      if (this.#active.has(key)) this.#again.add(key)
      else this.#makeReady(key)
    })
    this.#delayed.set(key, { atMs, cancel })
  }

  #cancelDelay(key: string): void {
    this.#delayed.get(key)?.cancel()
    this.#delayed.delete(key)
  }

  #pump(): void {
    while (this.#isRunning && this.#active.size < this.#options.concurrency) {
      const next = this.#ready.entries().next()
      if (next.done) return
      const [key, readyMs] = next.value
      this.#ready.delete(key)
      this.#begin(key, readyMs)
    }
  }

  #begin(key: string, readyMs: number): void {
    const { clock, observer, work, minIntervalMs } = this.#options
    const startMs = clock.monotonicMs()
    this.#active.set(key, startMs)
    const intervalMs = minIntervalMs?.(key) ?? 0
    if (intervalMs > 0) this.#rememberStart(key, { startMs, dueMs: startMs + intervalMs })
    observer?.started(startMs - readyMs)
    void work(key).finally(() => {
      observer?.finished(clock.monotonicMs() - startMs)
      this.#active.delete(key)
      if (this.#again.delete(key) && this.#isRunning) this.add(key)
      this.#pump()
      if (this.#active.size === 0) this.#idle?.()
    })
  }

  /** Forgets those that are due, as far as the oldest starts go. */
  #rememberStart(key: string, { startMs, dueMs }: { readonly startMs: number; readonly dueMs: number }): void {
    this.#dueMs.delete(key)
    this.#dueMs.set(key, dueMs)
    for (const [oldKey, oldDueMs] of this.#dueMs) {
      if (oldDueMs > startMs) break
      this.#dueMs.delete(oldKey)
    }
  }
}
