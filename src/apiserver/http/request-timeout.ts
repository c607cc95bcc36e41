import type { Clock } from '../../base/clock.ts'
import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import { goDurationFault, parseGoDuration } from '../../machinery/wire/go-duration.ts'
import type { RequestInfo } from './request-info.ts'

export type RequestLimits = {
  /** For a request that is no watch, log or proxy; a client may ask for less by `timeout`. */
  readonly requestTimeoutMs: number
  /** A watch that names no timeout ends after this to twice this, so that watchers spread over servers again. */
  readonly watchSecondsMin: number
}

export const defaultLimits: RequestLimits = { requestTimeoutMs: 60_000, watchSecondsMin: 1_800 }

/** What the client asked for, within the server's own bound. Throws 400 for what is no duration. */
export function timeoutOf({ query }: RequestInfo, { requestTimeoutMs }: RequestLimits): number {
  const text = query.text.includes('timeout=') ? query.get('timeout') : undefined
  if (!text) return requestTimeoutMs
  const nanos = parseGoDuration(text)
  if (nanos === undefined) throw statusErrors.badRequest(`invalid timeout specified in the request URL - ${goDurationFault(text)}`)
  return nanos > 0 ? Math.min(nanos / 1e6, requestTimeoutMs) : requestTimeoutMs
}

const timeoutWords = {
  read: 'Timeout: request did not complete within the allotted timeout',
  write: 'Timeout: request did not complete within requested timeout - context deadline exceeded',
} as const

/** One promise: a race of two costs each request four. */
export function withTimeout<T>(
  clock: Clock,
  { ms, isWrite, onTimeout }: { readonly ms: number; readonly isWrite: boolean; readonly onTimeout: (why: StatusError) => void },
  work: () => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(ms, () => {
      const why = statusErrors.timeout(timeoutWords[isWrite ? 'write' : 'read'], 0)
      onTimeout(why)
      reject(why)
    })
    work().then(
      (value) => {
        cancel()
        resolve(value)
      },
      (error: unknown) => {
        cancel()
        reject(error)
      },
    )
  })
}
