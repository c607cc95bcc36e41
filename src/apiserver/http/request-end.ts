/** When a request is over before it is answered: its client has left, or its time has run out. */
export class RequestEnd {
  readonly #client: AbortSignal
  #made: AbortController | undefined
  #expired: Error | undefined

  constructor(client: AbortSignal) {
    this.#client = client
  }

  /** Aborts then. Made for the first who asks: most requests wait for nobody else. */
  get signal(): AbortSignal {
    if (this.#made) return this.#made.signal
    const client = this.#client
    const controller = (this.#made = new AbortController())
    const leave = () => controller.abort(client.reason)
    if (this.#expired) controller.abort(this.#expired)
    else if (client.aborted) leave()
    else client.addEventListener('abort', leave, { once: true })
    return controller.signal
  }

  /** Throws why it is over, where it is: to be called before anything is written. */
  proceed(): void {
    if (this.#expired) throw this.#expired
    this.#client.throwIfAborted()
  }

  /** Its time has run out. */
  expire(reason: Error): void {
    this.#expired = reason
    this.#made?.abort(reason)
  }
}
