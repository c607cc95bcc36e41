import { statusErrors } from '../machinery/status-error.ts'

/**
 * At most `inflightMax` requests at work; up to `waitingMax` more wait in order of arrival. Past that a request is refused
 * at once with 429 and Retry-After, so that an overloaded server stays quick to say so.
 */
export class RequestLimiter {
  readonly #inflightMax: number
  readonly #waitingMax: number
  readonly #waiting: Waiter[] = []
  #head = 0
  #inflight = 0

  constructor(options: { inflightMax: number; waitingMax: number }) {
    this.#inflightMax = options.inflightMax
    this.#waitingMax = options.waitingMax
  }

  /** Undefined: go on at once. A promise: wait for it. Throws 429. Every entry that succeeds needs one `leave`. */
  enter(signal: AbortSignal): Promise<void> | undefined {
    if (this.#inflight < this.#inflightMax) {
      this.#inflight++
      return undefined
    }
    if (this.#waiting.length - this.#head >= this.#waitingMax) {
      throw statusErrors.tooManyRequests('too many requests, please try again later.', 1)
    }
    return new Promise((resolve, reject) => {
      const waiter: Waiter = { start: resolve, isGone: false }
      this.#waiting.push(waiter)
      signal.addEventListener('abort', () => {
        waiter.isGone = true
        reject(signal.reason as Error)
      })
    })
  }

  leave(): void {
    while (this.#head < this.#waiting.length) {
      const next = this.#waiting[this.#head++]!
      if (this.#head > 1024 && this.#head * 2 > this.#waiting.length) {
        this.#waiting.splice(0, this.#head)
        this.#head = 0
      }
      if (next.isGone) continue
      next.start()
      return
    }
    this.#inflight--
  }
}

type Waiter = { readonly start: () => void; isGone: boolean }
