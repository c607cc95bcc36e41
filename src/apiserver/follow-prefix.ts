import { StreamOverflow } from '../base/bounded-stream.ts'
import { type Revision, StoreCompacted } from '../store/contract.ts'
import type { CacheBatch, WatchCache } from '../store/watch-cache-contract.ts'

/**
 * Calls `look` after every batch of changes under the prefix, and without one after the cache has started over, or when they came faster
 * than they were looked at. Resolves when the signal aborts. What changed up to `after` (default: the revision at the call) is the
 * caller's to look at first.
 */
export async function followPrefix<T>(
  cache: WatchCache<T>,
  prefix: string,
  options: { readonly look: (batch?: CacheBatch<T>) => Promise<void> | void; readonly signal: AbortSignal; readonly after?: Revision },
): Promise<void> {
  const { look, signal } = options
  let { after = cache.revision } = options
  while (!signal.aborted) {
    const batches = cache.watch(prefix, { after, signal })
    try {
      for await (const batch of batches) await look(batch)
      return
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof StoreCompacted) && !(error instanceof StreamOverflow)) throw error
      after = cache.revision
      await look()
    }
  }
}
