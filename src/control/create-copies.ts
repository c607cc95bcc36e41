import type { ResourceClient } from '../client/contract.ts'
import type { KubeObject } from '../machinery/object.ts'
import { slowStart } from './slow-start.ts'

/**
 * Creates `count` objects that differ in what the server gives them alone: all at once where the client can, else one by one, slowly at
 * first. Tells of each that is there and of each refusal; one that holds for all of them is told once. `error`: the first refusal.
 */
export async function createCopies<T extends KubeObject>(
  resource: ResourceClient<T>,
  copies: {
    readonly count: number
    readonly wanted: () => T
    readonly created: (object: T) => void
    readonly refused: (error: unknown) => void
  },
): Promise<{ readonly error: unknown }> {
  const { count, wanted, created, refused } = copies
  let error: unknown
  const refuse = (reason: unknown) => {
    refused(reason)
    error ??= reason
  }
  try {
    const results = count > 1 ? await resource.createAlike?.(wanted(), count) : undefined
    for (const result of results ?? []) {
      if (result.status === 'fulfilled') created(result.value)
      else refuse(result.reason)
    }
    if (results) return { error }
  } catch (reason) {
    refuse(reason)
    return { error }
  }
  return slowStart(count, async () => {
    try {
      created(await resource.create(wanted()))
    } catch (reason) {
      refused(reason)
      throw reason
    }
  })
}
