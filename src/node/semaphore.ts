/** Lets at most `limit` holders in at once; the others wait in order of arrival. */
export class Semaphore {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(limit: number) {
    this.#free = limit
  }

  /** Runs `work` inside. Rejects with the signal's reason when it aborts while waiting. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.#enter(signal)
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free++
    }
  }

  async #enter(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return
    }
    const entered = Promise.withResolvers<void>()
    const take = () => entered.resolve()
    const onAbort = () => {
      const index = this.#waiting.indexOf(take)
      // Not found: it has just been let in, and holds its place.
      if (index < 0) return
      this.#waiting.splice(index, 1)
      entered.reject(signal!.reason)
    }
    this.#waiting.push(take)
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await entered.promise
    } finally {
      signal?.removeEventListener('abort', onAbort)
    }
  }
}
