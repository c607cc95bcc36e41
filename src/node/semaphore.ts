type Waiter = { readonly take: () => void; readonly refuse: (reason: unknown) => void; readonly signal: AbortSignal | undefined }

/** Lets at most `limit` holders in at once; the others wait in order of arrival, those who go first before all others. */
export class Semaphore {
  #first: Waiter[] = []
  #waiting: Waiter[] = []
  /** One listener a signal, however many wait with it: a signal looks through all of its listeners whenever one is added. */
  readonly #signals = new Map<AbortSignal, { count: number; readonly onAbort: () => void }>()
  #free: number

  constructor(limit: number) {
    this.#free = limit
  }

  /** Runs `work` inside. Rejects with the signal's reason when it aborts while waiting. */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal, { goesFirst = false } = {}): Promise<T> {
    await this.#enter(signal, goesFirst)
    try {
      return await work()
    } finally {
      const next = this.#first.shift() ?? this.#waiting.shift()
      if (next) {
        this.#unlisten(next.signal)
        next.take()
      } else this.#free++
    }
  }

  async #enter(signal: AbortSignal | undefined, goesFirst: boolean): Promise<void> {
    signal?.throwIfAborted()
    if (this.#free > 0) {
      this.#free--
      return
    }
    const entered = Promise.withResolvers<void>()
    const line = goesFirst ? this.#first : this.#waiting
    line.push({ take: entered.resolve, refuse: entered.reject, signal })
    this.#listen(signal)
    await entered.promise
  }

  #listen(signal: AbortSignal | undefined): void {
    if (!signal) return
    const known = this.#signals.get(signal)
    if (known) {
      known.count++
      return
    }
    const onAbort = () => {
      this.#signals.delete(signal)
      const refused = [...this.#first, ...this.#waiting].filter((waiter) => waiter.signal === signal)
      this.#first = this.#first.filter((waiter) => waiter.signal !== signal)
      this.#waiting = this.#waiting.filter((waiter) => waiter.signal !== signal)
      for (const { refuse } of refused) refuse(signal.reason)
    }
    this.#signals.set(signal, { count: 1, onAbort })
    signal.addEventListener('abort', onAbort, { once: true })
  }

  #unlisten(signal: AbortSignal | undefined): void {
    const known = signal && this.#signals.get(signal)
    if (!known || --known.count > 0) return
    this.#signals.delete(signal)
    signal.removeEventListener('abort', known.onAbort)
  }
}
