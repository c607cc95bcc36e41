import { connectionErrorText } from '../../machinery/connection-error.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { DialTarget } from '../reach/node-dialer.ts'

/** 502 that names the node and what stood in the way. */
export function unreachable(nodeName: string, { host, port }: DialTarget, cause: unknown): StatusError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new StatusError(
    {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: `the agent of node ${JSON.stringify(nodeName)} cannot be reached at ${host}:${port}: ${why}`,
      reason: 'ServiceUnavailable',
      code: 502,
    },
    { cause },
  )
}

/** 503 in upstream's words for a proxied pod or service that does not answer. */
export function unreachableService(cause: unknown): StatusError {
  return statusErrors.serviceUnavailable(`error trying to reach service: ${connectionErrorText(cause)}`)
}
