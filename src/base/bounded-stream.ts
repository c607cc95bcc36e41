/**
 * A bounded hand-over from a producer to one `for await` consumer.
 * When `sizeMax` items wait unread the stream ends itself with `overflow`: the consumer then starts over from fresh state.
 */
export class BoundedStream<T> implements AsyncIterable<T>, AsyncIterator<T> {
  readonly #items: T[] = []
  readonly #sizeMax: number
  readonly #onEnd: (() => void) | undefined
  #head = 0
  #wake: (() => void) | undefined
  #end: { error?: unknown } | undefined

  constructor(options: { sizeMax: number; onEnd?: () => void }) {
    this.#sizeMax = options.sizeMax
    this.#onEnd = options.onEnd
  }

  get size(): number {
    return this.#items.length - this.#head
  }

  get ended(): boolean {
    return this.#end !== undefined
  }

  /** False when the stream has ended or ends now because it is full. */
  push(item: T): boolean {
    if (this.#end) return false
    if (this.size >= this.#sizeMax) {
      this.fail(new StreamOverflow(this.#sizeMax))
      return false
    }
    this.#items.push(item)
    this.#wake?.()
    return true
  }

  /** Ends after the items that wait have been read. Idempotent. */
  close(): void {
    this.#finish({})
  }

  /** The consumer's next read past the waiting items throws `error`. Idempotent. */
  fail(error: unknown): void {
    this.#finish({ error })
  }

  #finish(end: { error?: unknown }): void {
    if (this.#end) return
    this.#end = end
    this.#wake?.()
    this.#onEnd?.()
  }

  async next(): Promise<IteratorResult<T>> {
    for (;;) {
      if (this.#head < this.#items.length) {
        const value = this.#items[this.#head++] as T
        if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
          this.#items.splice(0, this.#head)
          this.#head = 0
        }
        return { done: false, value }
      }
      if (this.#end) {
        if ('error' in this.#end) throw this.#end.error
        return { done: true, value: undefined }
      }
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#wake = undefined
    }
  }

  return(): Promise<IteratorResult<T>> {
    this.close()
    this.#head = this.#items.length
    return Promise.resolve({ done: true, value: undefined })
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}

export class StreamOverflow extends Error {
  override name = 'StreamOverflow'
  constructor(sizeMax: number) {
    super(`the consumer fell more than ${sizeMax} items behind`)
  }
}
