/** Which start of a CronJob is due: only the most recent of those that passed, however many were missed. */

/** The first scheduled time after one; undefined: there is none. */
export type Next = (afterMs: number) => number | undefined

export type Due = {
  /** The most recent scheduled time that has passed since `sinceMs`; undefined: none has. */
  readonly atMs: number | undefined
  /** More than a hundred have: probably a clock is wrong. */
  readonly isManyMissed: boolean
  /** The schedule names no two different times. */
  readonly isInvalid: boolean
}

const missedMax = 100
const none: Due = { atMs: undefined, isManyMissed: false, isInvalid: false }

/** Pure. Times in ms. */
export function dueTime(next: Next, sinceMs: number, nowMs: number): Due {
  const first = next(sinceMs)
  const second = first === undefined ? undefined : next(first)
  if (first === undefined || second === undefined) return { ...none, isInvalid: true }
  if (nowMs < first) return none
  if (nowMs < second) return { ...none, atMs: first }
  // An estimate, as upstream's: exact only for schedules that are regular.
  const intervalMs = second - first
  const missedCount = Math.floor((nowMs - first) / intervalMs) + 1
  // Two intervals back from the estimate; from there on one by one. An irregular schedule may have its last start before that.
  const nearMs = first + (missedCount - 2) * intervalMs
  const atMs = lastUntil(next, nearMs, nowMs) ?? lastUntil(next, first - 1, nowMs)
  return { atMs, isManyMissed: missedCount > missedMax, isInvalid: false }
}

/** Steps are bounded so that a clock that is years wrong costs little. */
const stepsMax = 10_000

function lastUntil(next: Next, fromMs: number, nowMs: number): number | undefined {
  let last: number | undefined
  let time = next(fromMs)
  for (let step = 0; step < stepsMax && time !== undefined && time <= nowMs; step++) {
    last = time
    time = next(time)
  }
  return last
}
