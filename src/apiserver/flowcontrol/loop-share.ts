import type { Clock } from '../../base/clock.ts'

/**
 * Turns on the event loop, which all requests share. Work that may be long (an arriving request, a block of a big answer, a slice of
 * filtering or encoding) asks for a turn before each piece; while the loop has time for everybody a turn costs nothing and waits for
 * nothing. When it has not, turns are given one after another, a few milliseconds' worth between two looks at the sockets, always to the
 * key that has had the least time (start-time fair queuing). So a flood of one client delays another by a few turns, however
 * much waits. Loops inside the process take no turns and are never held up by more than one round.
 */
export type LoopShare = {
  /** Undefined: go on at once. `costMs` is a guess of what the piece will take; real time corrects the guesses together. */
  turn(key: string, costMs: number): Promise<void> | undefined
  /** Turns that wait now. */
  readonly waiting: number
}

/** Where nobody needs to share: every turn comes at once. */
export const unlimitedShare: LoopShare = { turn: () => undefined, waiting: 0 }

/** Between two looks at the sockets. */
const roundMs = 5
/** The same while all of a round is one key's: its writes then meet in one commit of the store, where many short rounds make many. */
const aloneMs = 20
/** How far real time may bend the guesses. */
const scale = { min: 0.25, max: 40, weight: 0.2 } as const

export function createLoopShare(clock: Clock): LoopShare {
  return new Share(clock)
}

type Line = { readonly key: string; readonly waiting: Waiter[]; hadMs: number }
type Waiter = { readonly costMs: number; readonly go: () => void }

class Share implements LoopShare {
  readonly #clock: Clock
  readonly #lines = new Map<string, Line>()
  /** Lines in which somebody waits, the least served first. */
  readonly #heap: Line[] = []
  #waiting = 0
  #virtualTime = 0
  #isArmed = false
  #roundStartMs = 0
  /** Guessed cost of what this round was given. */
  #grantedMs = 0
  #scale = 1
  /** Whose all of this round was so far; undefined: nobody's yet, or several keys'. */
  #onlyKey: string | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get waiting(): number {
    return this.#waiting
  }

  turn(key: string, costMs: number): Promise<void> | undefined {
    this.#arm()
    if (this.#waiting === 0 && this.#hasTime(key)) {
      this.#count(key, costMs)
      return undefined
    }
    return new Promise((go) => {
      let line = this.#lines.get(key)
      if (!line) this.#lines.set(key, (line = { key, waiting: [], hadMs: this.#virtualTime }))
      line.waiting.push({ costMs, go })
      this.#waiting++
      if (line.waiting.length > 1) return
      line.hadMs = Math.max(line.hadMs, this.#virtualTime)
      push(this.#heap, line)
    })
  }

  #arm(): void {
    if (this.#isArmed) return
    this.#isArmed = true
    this.#roundStartMs = this.#clock.monotonicMs()
    this.#grantedMs = 0
    this.#clock.schedule(0, () => this.#nextRound())
  }

  #nextRound(): void {
    this.#learn()
    this.#isArmed = false
    if (this.#waiting === 0) {
      // Nobody waits: what everyone had is forgiven.
      this.#lines.clear()
      this.#virtualTime = 0
      return
    }
    this.#arm()
    while (this.#waiting > 0 && this.#hasTime(this.#heap[0]!.key)) this.#grant()
  }

  #hasTime(key: string): boolean {
    const isAlone = this.#heap.length <= 1 && (this.#grantedMs === 0 || this.#onlyKey === key)
    return this.#grantedMs * this.#scale < (isAlone ? aloneMs : roundMs)
  }

  #count(key: string, costMs: number): void {
    this.#onlyKey = this.#grantedMs === 0 || this.#onlyKey === key ? key : undefined
    this.#grantedMs += costMs
  }

  #learn(): void {
    if (this.#grantedMs < 0.5) return
    const ratio = (this.#clock.monotonicMs() - this.#roundStartMs) / this.#grantedMs
    this.#scale = Math.min(scale.max, Math.max(scale.min, this.#scale * (1 - scale.weight) + ratio * scale.weight))
  }

  #grant(): void {
    const line = popMin(this.#heap)!
    const { costMs, go } = line.waiting.shift()!
    this.#count(line.key, costMs)
    this.#waiting--
    this.#virtualTime = Math.max(this.#virtualTime, line.hadMs)
    line.hadMs += costMs
    if (line.waiting.length > 0) push(this.#heap, line)
    go()
  }
}

function push(heap: Line[], line: Line): void {
  let at = heap.push(line) - 1
  while (at > 0) {
    const parent = (at - 1) >> 1
    if (heap[parent]!.hadMs <= line.hadMs) break
    heap[at] = heap[parent]!
    at = parent
  }
  heap[at] = line
}

function popMin(heap: Line[]): Line | undefined {
  const first = heap[0]
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && heap[child + 1]!.hadMs < heap[child]!.hadMs) child++
    if (heap[child]!.hadMs >= last.hadMs) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = last
  return first
}
