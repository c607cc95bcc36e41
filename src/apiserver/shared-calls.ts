import type { Asking } from './contract.ts'

/**
 * Equal questions at the same time are one call, which ends when the last of those who asked has left. At most `sizeMax` at once: what
 * comes beyond is refused by who asks.
 */
export class SharedCalls<T> {
  readonly #sizeMax: number
  readonly #calls = new Map<string, Call<T>>()

  constructor({ sizeMax }: { readonly sizeMax: number }) {
    this.#sizeMax = sizeMax
  }

  /** Whether a question would be one too many. */
  isFullFor(key: string): boolean {
    return this.#calls.size >= this.#sizeMax && !this.#calls.has(key)
  }

  /** Rejects with the signal's reason when the asker leaves, else as the call does. Who asks without `asking` waits to the end. */
  ask(key: string, asking: Asking | undefined, make: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const known = this.#calls.get(key)
    const call = known ?? this.#begin(key, make)
    call.waiting++
    const signal = asking?.signal
    return signal ? this.#waitFor(key, call, signal) : call.answer
  }

  #begin(key: string, make: (signal: AbortSignal) => Promise<T>): Call<T> {
    const abort = new AbortController()
    const call: Call<T> = { abort, waiting: 0, answer: make(abort.signal).finally(() => this.#forget(key, call)) }
    // Whoever has left hears of nothing.
    call.answer.catch(() => {})
    this.#calls.set(key, call)
    return call
  }

  #waitFor(key: string, call: Call<T>, signal: AbortSignal): Promise<T> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(signal.reason as Error)
        if (--call.waiting > 0) return
        // Who asks now must not get the end of this one for an answer.
        this.#forget(key, call)
        call.abort.abort(signal.reason)
      }
      if (signal.aborted) return leave()
      signal.addEventListener('abort', leave, { once: true })
      const settled = () => signal.removeEventListener('abort', leave)
      call.answer.finally(settled).then(resolve, reject)
    })
  }

  #forget(key: string, call: Call<T>): void {
    if (this.#calls.get(key) === call) this.#calls.delete(key)
  }
}

type Call<T> = { readonly abort: AbortController; readonly answer: Promise<T>; waiting: number }
