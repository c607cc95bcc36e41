import { batchWritesMax } from '../client/contract.ts'

type Waiting<T, R> = { readonly thing: T; resolve(result: R): void; reject(error: unknown): void }

/**
 * Gathers what is asked for in one turn of the event loop, at most `batchWritesMax` at a time, for one call that answers each: the loop
 * decides on without a pause, and what it leaves is sent after it.
 */
export class TurnBatch<T, R> {
  readonly #send: (things: readonly T[], signal: AbortSignal) => Promise<readonly PromiseSettledResult<R>[]>
  #waiting: Waiting<T, R>[] = []

  constructor(send: (things: readonly T[], signal: AbortSignal) => Promise<readonly PromiseSettledResult<R>[]>) {
    this.#send = send
  }

  /** Resolves and rejects with the thing's own answer. */
  post(thing: T, signal: AbortSignal): Promise<R> {
    return new Promise((resolve, reject) => {
      // The first of a turn waits for the others.
      if (this.#waiting.length === 0) queueMicrotask(() => void this.#sendAll(signal))
      this.#waiting.push({ thing, resolve, reject })
      if (this.#waiting.length >= batchWritesMax) void this.#sendAll(signal)
    })
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    const batch = this.#waiting
    if (batch.length === 0) return
    this.#waiting = []
    try {
      const outcomes = await this.#send(
        batch.map(({ thing }) => thing),
        signal,
      )
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') batch[i]!.resolve(outcome.value)
        else batch[i]!.reject(outcome.reason)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
