import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { Revision } from '../../store/contract.ts'
import type { Core, RequestContext } from '../core.ts'

/** How long a read waits for a revision that has not happened here yet, as upstream's cache does. */
const waitMaxMs = 3_000

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
  return typeof fresh === 'number' ? undefined : fresh.then((revision) => cacheAtLeast(core, context, revision))
}

/** Makes the cache at least as new as `revision` (undefined: as the store is now). Throws 504 when that takes too long. */
export async function cacheAtLeast(core: Core, context: RequestContext, revision: Revision | undefined): Promise<void> {
  const { cache, store } = core.storage
  const wanted = revision ?? (await store.freshRevision())
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
