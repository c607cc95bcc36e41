import type { Worker } from 'node:worker_threads'
import { StoreUnavailable } from '../contract.ts'
import type { RowChunk, Values, WorkerReply, WorkerRequest, WorkerSettings, WriteRequest } from './messages.ts'
import { newStoreThread } from './store-thread.ts'

type Body<R> = R extends { readonly id: number } ? Omit<R, 'id'> : never
type Waiting = {
  readonly resolve: (reply: WorkerReply) => void
  readonly reject: (error: Error) => void
  readonly onRows: ((rows: RowChunk) => void) | undefined
}

/** Of the first request. */
const openId = 0

/** A request-and-reply link to one thread of the store. Requests are served in order; a thread that dies fails all of them. */
export class WorkerLink {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #exited: Promise<void>
  #nextId = openId
  #failure: StoreUnavailable | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (reply: WorkerReply) => this.#receive(reply))
    worker.on('error', (error: Error) => this.#die(`a thread of the store failed: ${error.message}`, error))
    this.#exited = new Promise((resolve) => {
      worker.once('exit', () => {
        this.#die('the store is closed')
        resolve()
      })
    })
  }

  /** Opens the database in the thread; rejects with StoreUnavailable, in the thread's own words, when it cannot. */
  static async start(
    settings: WorkerSettings,
    thread: Worker = newStoreThread(),
  ): Promise<{ readonly link: WorkerLink; readonly revision: number; readonly compactRevision: number }> {
    thread.ref()
    const link = new WorkerLink(thread)
    try {
      const first = await link.#request({ type: 'open', settings })
      if (first.type !== 'ready') throw unexpected(first)
      return { link, revision: first.revision, compactRevision: first.compactRevision }
    } catch (error) {
      await link.#exited
      throw error
    }
  }

  async write(request: WriteRequest): Promise<{ readonly wanted: Values | undefined; readonly walBytes: number }> {
    const reply = await this.#request({ type: 'write', ...request }, request.slab instanceof ArrayBuffer ? [request.slab] : [])
    if (reply.type !== 'written') throw unexpected(reply)
    return reply
  }

  async read(rowIds: readonly number[]): Promise<Values> {
    const reply = await this.#request({ type: 'read', rowIds })
    if (reply.type !== 'values') throw unexpected(reply)
    return reply.values
  }

  async load(onRows: (rows: RowChunk) => void): Promise<void> {
    await this.#request({ type: 'load' }, [], onRows)
  }

  async checkpoint(options: { restart: boolean }): Promise<void> {
    await this.#request({ type: 'checkpoint', restart: options.restart })
  }

  async close(): Promise<void> {
    if (!this.#failure) await this.#request({ type: 'close' }).catch(() => undefined)
    await this.#exited
  }

  #request(body: Body<WorkerRequest>, transfer: ArrayBuffer[] = [], onRows?: (rows: RowChunk) => void): Promise<WorkerReply> {
    if (this.#failure) return Promise.reject(this.#failure)
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onRows })
      this.#worker.postMessage({ ...body, id }, transfer)
    })
  }

  #receive(reply: WorkerReply): void {
    const waiting = this.#waiting.get(reply.id)
    if (!waiting) return
    if (reply.type === 'rows') {
      waiting.onRows?.(reply.rows)
      return
    }
    this.#waiting.delete(reply.id)
    if (reply.type === 'failed')
      waiting.reject(new StoreUnavailable(reply.id === openId ? reply.message : `the store cannot do it now: ${reply.message}`))
    else waiting.resolve(reply)
  }

  #die(message: string, cause?: Error): void {
    this.#failure ??= new StoreUnavailable(message, { cause })
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure)
    this.#waiting.clear()
  }
}

const unexpected = (reply: WorkerReply) => new Error(`the store thread answered out of turn: ${reply.type}`)
