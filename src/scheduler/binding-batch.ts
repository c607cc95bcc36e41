import { kindRefs } from '../client/generated/kind-refs.ts'
import type { LoopContext } from '../control/contract.ts'
import type { Binding } from '../kinds/generated/types/core-v1.ts'
import { TurnBatch } from './turn-batch.ts'

/** Posts Bindings: what is decided in one turn in one call where the client has one; elsewhere each is a request. */
export class BindingBatch {
  readonly #client: LoopContext['client']
  readonly #batch: TurnBatch<Binding, object>

  constructor({ client }: LoopContext) {
    this.#client = client
    this.#batch = new TurnBatch((bindings, signal) =>
      client.createBatch!(
        bindings.map((body) => {
          const { namespace, name = '' } = body.metadata
          return { kind: kindRefs.coreV1.pods, namespace, name, subresource: 'binding', body }
        }),
        { signal },
      ),
    )
  }

  /** Resolves when the pod is bound. Rejects with what the API answers. */
  async post(binding: Binding, signal: AbortSignal): Promise<void> {
    const { name = '', namespace = '' } = binding.metadata
    if (this.#client.createBatch) await this.#batch.post(binding, signal)
    else await this.#client.resource(kindRefs.coreV1.pods, namespace).subresource<Binding, unknown>(name, 'binding', binding, { signal })
  }
}
