import { type Status, StatusError } from '../machinery/status-error.ts'

/** What a code means when the answer carries no Status of its own (a proxy's page, an old server), as client-go words it. */
const reasonByCode: Readonly<Record<number, { reason: string; message: string }>> = {
  400: { reason: 'BadRequest', message: 'the server rejected our request for an unknown reason' },
  401: { reason: 'Unauthorized', message: 'the server has asked for the client to provide credentials' },
  403: { reason: 'Forbidden', message: 'the server does not allow this request' },
  404: { reason: 'NotFound', message: 'the server could not find the requested resource' },
  405: { reason: 'MethodNotAllowed', message: 'the server does not allow this method on the requested resource' },
  406: { reason: 'NotAcceptable', message: 'the server was unable to respond with a content type that the client supports' },
  409: { reason: 'Conflict', message: 'the server reported a conflict' },
  410: { reason: 'Gone', message: 'the server no longer has what was asked for' },
  413: { reason: 'RequestEntityTooLarge', message: 'the request is too large' },
  415: { reason: 'UnsupportedMediaType', message: 'the server was unable to understand the content type that was sent' },
  422: { reason: 'Invalid', message: 'the server rejected our request due to an error in our request' },
  429: { reason: 'TooManyRequests', message: 'the server has received too many requests and has asked us to try again later' },
  500: { reason: 'InternalError', message: 'an error on the server has prevented the request from succeeding' },
  503: { reason: 'ServiceUnavailable', message: 'the server is currently unable to handle the request' },
  504: {
    reason: 'Timeout',
    message: 'the server was unable to return a response in the time allotted, but may still be processing the request',
  },
}

/** The StatusError of an answer with a code ≥ 400: its Status if the body is one, else one made from the code. No reason is the empty one. */
export function responseError(code: number, body: string): StatusError {
  const status = parseStatus(body)
  if (status)
    return new StatusError({
      ...status,
      code: status.code ?? code,
      message: status.message ?? `HTTP ${code}`,
    })
  const known = reasonByCode[code] ?? { reason: '', message: `the server responded with the status code ${code}` }
  const detail = body.trim().slice(0, 200)
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    ...known,
    message: detail ? `${known.message}: ${detail}` : known.message,
    code,
  })
}

/** A connection that broke: code 503, the transport's error as the cause. */
export function connectionError(cause: unknown): StatusError {
  const message = cause instanceof Error ? cause.message || cause.name : String(cause)
  const status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason: 'ServiceUnavailable', code: 503 }
  return new StatusError(status, { cause })
}

function parseStatus(body: string): Status | undefined {
  if (!body.startsWith('{')) return undefined
  try {
    const value = JSON.parse(body) as Status & { kind?: string }
    return value.kind === 'Status' ? value : undefined
  } catch {
    // Not JSON after all (a proxy's answer): the caller shows the text instead.
    return undefined
  }
}
