import type { Revision, StoreUnavailable } from '../contract.ts'
import type { ForgetRequest } from './messages.ts'

/**
 * Rows that compactions want gone, oldest first. They leave a chunk a transaction, so that no write waits for more than that,
 * and none while a read that may want them is pinned.
 */
export class CompactionQueue {
  #rowIds: number[]
  #head = 0
  #pins = 0
  /** compactRevision has to be written even when no row goes with it. */
  #isRevisionDue = false
  #waiting: { readonly end: number; readonly resolve: () => void; readonly reject: (error: Error) => void }[] = []

  constructor(garbage: readonly number[]) {
    this.#rowIds = [...garbage]
  }

  get isReady(): boolean {
    return this.#pins === 0 && (this.#isRevisionDue || this.#head < this.#rowIds.length)
  }

  /** Resolves when the rows are gone, durably; rejects when a transaction with some of them failed (they stay in the queue). */
  add(rowIds: readonly number[]): Promise<void> {
    for (const rowId of rowIds) this.#rowIds.push(rowId)
    this.#isRevisionDue = true
    return new Promise((resolve, reject) => this.#waiting.push({ end: this.#rowIds.length, resolve, reject }))
  }

  /** The next chunk for a transaction. It stays in the queue until `forgotten`. */
  take(revisions: { readonly compactRevision: Revision; readonly revision: Revision }): ForgetRequest | undefined {
    if (!this.isReady) return undefined
    return { ...revisions, rowIds: this.#rowIds.slice(this.#head, this.#head + chunkRows) }
  }

  /** A chunk is durably gone. */
  forgotten(chunk: ForgetRequest, compactRevision: Revision): void {
    this.#head += chunk.rowIds.length
    if (chunk.compactRevision === compactRevision) this.#isRevisionDue = false
    while (this.#waiting[0] && this.#waiting[0].end <= this.#head && !this.#isRevisionDue) this.#waiting.shift()!.resolve()
    if (this.#head < 4096 || this.#head * 2 < this.#rowIds.length) return
    this.#rowIds = this.#rowIds.slice(this.#head)
    this.#waiting = this.#waiting.map((waiting) => ({ ...waiting, end: waiting.end - this.#head }))
    this.#head = 0
  }

  fail(error: StoreUnavailable): void {
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error)
  }

  /** Rows stay until the returned function has been called as often as this one. */
  pin(onFree: () => void): () => void {
    this.#pins++
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#pins--
      if (this.isReady) onFree()
    }
  }
}

/** Deleting a row dirties a page of its own: this many are a few milliseconds of a transaction. */
const chunkRows = 128
