import { StreamOverflow } from '../base/bounded-stream.ts'
import { StoreCompacted } from '../store/contract.ts'
import type { WatchCache } from '../store/watch-cache-contract.ts'

/**
 * Calls `look` after every batch of changes under the prefix, and after the cache has started over. Resolves when the signal
 * aborts. What changed before the call is the caller's to look at first: watching starts at the call.
 */
export async function followPrefix<T>(
  cache: WatchCache<T>,
  prefix: string,
  { look, signal }: { readonly look: () => Promise<void> | void; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const batches = cache.watch(prefix, { after: cache.revision, signal })
    try {
      for await (const _ of batches) await look()
      return
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof StoreCompacted) && !(error instanceof StreamOverflow)) throw error
      await look()
    }
  }
}
