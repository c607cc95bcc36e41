import type { Clock } from '../base/clock.ts'

type Timer = { readonly at: number; readonly order: number; readonly callback: () => void; isCancelled: boolean }

/**
 * A clock that moves only when it is told to. Timers fire in order of time, then of their creation, so that the same
 * program gives the same trace. Between two timers every promise reaction that is ready runs to its end; what waits for anything else (a
 * file, a socket, another thread) is not waited for, so a program under it must not.
 */
export type VirtualClock = Clock & {
  /** Moves time forward by `ms`, firing every timer that falls due on the way. */
  advance(ms: number): Promise<void>
  /** Fires timers until `condition` holds; false when `limitMs` of virtual time passed first. */
  runUntil(condition: () => boolean, limitMs: number): Promise<boolean>
  /** Lets everything run that is ready at the present instant. */
  settle(): Promise<void>
  pendingTimers(): number
}

export function virtualClock(startMs = Date.UTC(2026, 0, 1)): VirtualClock {
  let now = startMs
  let order = 0
  const timers: Timer[] = []
  const takeDue = (limit: number): Timer | undefined => {
    const next = timers[0]
    if (!next || next.at > limit) return undefined
    popMin(timers)
    return next
  }
  const settle = async () => {
    // A macrotask turn drains the whole microtask queue; a few turns let setImmediate-based hand-overs finish too.
    for (let turn = 0; turn < 4; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
  }
  const step = async (limit: number): Promise<boolean> => {
    const timer = takeDue(limit)
    if (!timer) return false
    now = Math.max(now, timer.at)
    if (!timer.isCancelled) {
      timer.callback()
      await settle()
    }
    return true
  }
  return {
    now: () => now,
    monotonicMs: () => now - startMs,
    schedule: (delayMs, callback) => {
      const timer: Timer = { at: now + Math.max(0, delayMs), order: order++, callback, isCancelled: false }
      pushHeap(timers, timer)
      return () => {
        timer.isCancelled = true
      }
    },
    settle,
    pendingTimers: () => timers.filter((t) => !t.isCancelled).length,
    advance: async (ms) => {
      const limit = now + ms
      await settle()
      while (await step(limit));
      now = limit
    },
    runUntil: async (condition, limitMs) => {
      const limit = now + limitMs
      await settle()
      while (!condition()) if (!(await step(limit))) return condition()
      return true
    },
  }
}

const isBefore = (a: Timer, b: Timer) => a.at < b.at || (a.at === b.at && a.order < b.order)

function pushHeap(heap: Timer[], timer: Timer): void {
  let i = heap.push(timer) - 1
  while (i > 0) {
    const parent = (i - 1) >> 1
    if (!isBefore(timer, heap[parent]!)) break
    heap[i] = heap[parent]!
    i = parent
  }
  heap[i] = timer
}

function popMin(heap: Timer[]): void {
  const last = heap.pop()!
  if (heap.length === 0) return
  let i = 0
  for (;;) {
    let child = 2 * i + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
    if (!isBefore(heap[child]!, last)) break
    heap[i] = heap[child]!
    i = child
  }
  heap[i] = last
}
