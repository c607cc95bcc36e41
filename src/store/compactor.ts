import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Store } from './contract.ts'

export type CompactorOptions = {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** History is kept for at least this long and at most twice as long; upstream's API server keeps five minutes. */
  readonly keepMs?: number
}

/**
 * Compacts the store at a steady pace to where it was one period ago. A store in which nothing happened is left alone.
 * Returns the stop; a compaction under way is not waited for (the store's own close does that).
 */
export function startCompactor({ store, clock, log, keepMs = 300_000 }: CompactorOptions): () => void {
  let before = store.revision
  const round = () => {
    const target = before
    before = store.revision
    if (target > store.compactRevision) {
      store.compact(target).catch((error: unknown) => log.warn({ error, revision: target }, 'the store could not be compacted'))
    }
    cancel = clock.schedule(keepMs, round)
  }
  let cancel = clock.schedule(keepMs, round)
  return () => cancel()
}
