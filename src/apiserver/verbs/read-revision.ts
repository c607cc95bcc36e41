import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { Revision } from '../../store/contract.ts'
import type { Core, RequestContext } from '../core.ts'

/** How long a read waits for a revision that has not happened here yet, as upstream's cache does. */
const waitMaxMs = 3_000

/** A resourceVersion parameter as a number; undefined when unset. Throws 400 when it is none. */
export function parseResourceVersion(text: string | undefined): Revision | undefined {
  if (text === undefined || text === '') return undefined
  if (!/^\d{1,15}$/.test(text)) {
    throw statusErrors.badRequest(`invalid resource version "${text}": strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  }
  return Number(text) as Revision
}

/** Makes the cache at least as new as `revision` (undefined: as the store is now). Throws 504 when that takes too long. */
export async function cacheAtLeast(core: Core, context: RequestContext, revision: Revision | undefined): Promise<void> {
  const { cache, store } = core.storage
  const wanted = revision ?? store.revision
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
  const error = statusErrors.timeout(`Too large resource version: ${wanted}, current: ${current}`, 1)
  const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }]
  return new StatusError({ ...error.status, details: { ...error.status.details, causes } })
}
