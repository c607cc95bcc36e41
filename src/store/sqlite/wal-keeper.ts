import type { Log } from '../../base/log.ts'
import type { WorkerLink } from './worker-link.ts'

/**
 * Keeps the write-ahead log bounded: past `checkpointBytes` a second thread copies it into the database file while writes go
 * on; then the writer copies the little that has come since and begins the log anew. By size, not by timer: idle costs nothing.
 */
export class WalKeeper {
  readonly #writer: WorkerLink
  readonly #startReader: () => Promise<WorkerLink>
  readonly #checkpointBytes: number
  readonly #warnings: Log
  #reader: WorkerLink | undefined
  #running: Promise<void> | undefined
  #walBytes = 0
  #isClosed = false

  constructor(options: { writer: WorkerLink; startReader: () => Promise<WorkerLink>; checkpointBytes: number; log: Log }) {
    this.#writer = options.writer
    this.#startReader = options.startReader
    this.#checkpointBytes = options.checkpointBytes
    this.#warnings = options.log
  }

  /** Where to read without waiting behind a write; the writer itself as long as little has been written. */
  get reader(): WorkerLink {
    return this.#reader ?? this.#writer
  }

  /** To be told the log's size after every transaction. */
  grown(walBytes: number): void {
    this.#walBytes = walBytes
    if (this.#isClosed || this.#running || walBytes < this.#checkpointBytes) return
    this.#running = this.#checkpoint().finally(() => {
      this.#running = undefined
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
    await this.#reader?.close()
  }

  /** Never rejects: the next transaction asks again. */
  async #checkpoint(): Promise<void> {
    try {
      this.#reader ??= await this.#startReader()
      await this.#reader.checkpoint({ restart: false })
      // Under load much may have come while the first round ran; the second leaves little for the writer's own.
      if (this.#walBytes > this.#checkpointBytes) await this.#reader.checkpoint({ restart: false })
      await this.#writer.checkpoint({ restart: true })
    } catch (error) {
      this.#warnings.warn({ error, walBytes: this.#walBytes }, 'the write-ahead log could not be moved into the database')
    }
  }
}
