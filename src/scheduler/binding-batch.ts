import { batchWritesMax } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { LoopContext } from '../control/contract.ts'
import type { Binding } from '../kinds/generated/types/core-v1.ts'

type Waiting = { readonly binding: Binding; resolve(): void; reject(error: unknown): void }

/**
 * Posts Bindings. What is decided in one turn goes to the API in one call where the client has one, at most `batchWritesMax` at a time, and
 * each has its own answer; elsewhere each is a request.
 */
export class BindingBatch {
  readonly #client: LoopContext['client']
  #waiting: Waiting[] = []

  constructor({ client }: LoopContext) {
    this.#client = client
  }

  /** Resolves when the pod is bound. Rejects with what the API answers. */
  async post(binding: Binding, signal: AbortSignal): Promise<void> {
    const { name = '', namespace = '' } = binding.metadata
    if (!this.#client.createBatch) {
      await this.#client.resource(kindRefs.coreV1.pods, namespace).subresource<Binding, unknown>(name, 'binding', binding, { signal })
      return
    }
    await new Promise<void>((resolve, reject) => {
      // The first of a turn waits for the others: the loop decides on without a pause, and what it leaves is sent after it.
      if (this.#waiting.length === 0) queueMicrotask(() => void this.#send(signal))
      this.#waiting.push({ binding, resolve, reject })
      if (this.#waiting.length >= batchWritesMax) void this.#send(signal)
    })
  }

  async #send(signal: AbortSignal): Promise<void> {
    const batch = this.#waiting
    if (batch.length === 0) return
    this.#waiting = []
    try {
      const writes = batch.map(({ binding }) => ({
        kind: kindRefs.coreV1.pods,
        namespace: binding.metadata.namespace,
        name: binding.metadata.name ?? '',
        subresource: 'binding',
        body: binding,
      }))
      const outcomes = await this.#client.createBatch!(writes, { signal })
      for (const [i, outcome] of outcomes.entries()) {
        if (outcome.status === 'fulfilled') batch[i]!.resolve()
        else batch[i]!.reject(outcome.reason)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }
}
