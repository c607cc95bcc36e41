import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { Revision } from '../../store/contract.ts'
import type { Core, RequestContext } from '../core.ts'

/** How long a read waits for a revision that a client names and that has not happened here yet, as upstream's cache does. */
const namedWaitMaxMs = 3_000
/**
 * The same for a revision that the store has: the member of an etcd that tells this server of changes may hang, and another must take
 * its place first. Upstream reads from the store itself then.
 */
const freshWaitMaxMs = 15_000

/** A resourceVersion parameter as a number; undefined when unset. Throws 400 when it is none. */
export function parseResourceVersion(text: string | undefined): Revision | undefined {
  if (text === undefined || text === '') return undefined
  if (!/^\d{1,15}$/.test(text)) {
    const quoted = JSON.stringify(text)
    throw statusErrors.badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${quoted}: strconv.ParseUint: parsing ${quoted}: invalid syntax`,
    )
  }
  return Number(text) as Revision
}

/**
 * Makes the cache at least as new as every write that anybody has been answered, where other servers write to the same store
 * (upstream's ConsistentListFromCache). Undefined where this server is the only one: its own writes are in its cache. Throws 504, 503.
 */
export function freshCache(core: Core, context: RequestContext): Promise<void> | undefined {
  const fresh = core.storage.store.freshRevision()
  return typeof fresh === 'number' ? undefined : fresh.then((revision) => cacheAtFresh(core, context, revision))
}

/** Makes the cache at least as new as the `revision` that a client named (undefined: as the store is now). Throws 504 when that takes too long. */
export async function cacheAtLeast(core: Core, context: RequestContext, revision: Revision | undefined): Promise<void> {
  if (revision === undefined) await cacheAtFresh(core, context, await core.storage.store.freshRevision())
  else await waitFor(core, context, revision, namedWaitMaxMs)
}

/** Makes the cache at least as new as a `revision` that the store has said to be its present one. Throws 504 when that takes too long. */
export function cacheAtFresh(core: Core, context: RequestContext, revision: Revision): Promise<void> {
  return waitFor(core, context, revision, freshWaitMaxMs)
}

async function waitFor(core: Core, context: RequestContext, wanted: Revision, waitMaxMs: number): Promise<void> {
  const { cache } = core.storage
  if (cache.revision >= wanted) return
  const timeout = new AbortController()
  const cancel = core.clock.schedule(waitMaxMs, () => timeout.abort())
  try {
    await cache.waitFor(wanted, AbortSignal.any([timeout.signal, context.signal]))
  } catch (error) {
    if (timeout.signal.aborted) throw tooLarge(wanted, cache.revision)
    throw error
  } finally {
    cancel()
  }
}

function tooLarge(wanted: number, current: number): StatusError {
  const error = statusErrors.timeout(`Timeout: Too large resource version: ${wanted}, current: ${current}`, 1)
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
  return new StatusError({ ...error.status, details: { ...error.status.details, causes } })
}
