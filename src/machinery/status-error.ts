import type { Status, StatusCause } from '../kinds/generated/types/meta-v1.ts'
import type { FieldError } from './field-error.ts'
import { goQuote } from './go-text.ts'

export type { Status, StatusCause }

/** The one error type of the API: what a request answers when it fails, on the server and in the client. */
export class StatusError extends Error {
  override name = 'StatusError'
  readonly status: Status & { code: number; message: string }

  constructor(status: Status & { code: number; message: string }, options?: ErrorOptions) {
    super(status.message, options)
    const { reason, ...unexplained } = status
    // Upstream leaves out what is empty.
    this.status = reason === '' ? unexplained : status
  }

  get code(): number {
    return this.status.code
  }

  get reason(): string {
    return this.status.reason ?? ''
  }
}

export type ResourceName = { readonly group: string; readonly resource: string }

const qualified = (r: ResourceName) => (r.group ? `${r.resource}.${r.group}` : r.resource)

function failure(code: number, reason: string, message: string, details?: Status['details'], options?: ErrorOptions): StatusError {
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details ? { details } : {}),
    code,
  }
  return new StatusError(status, options)
}

const expiredContinueMessage =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue ' +
  'parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided ' +
  'token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was ' +
  'returned and now may show up in the list.'

/** Builders for every failure, with upstream's code, reason and wording (k8s.io/apimachinery/pkg/api/errors). */
export const statusErrors = {
  badRequest: (message: string) => failure(400, 'BadRequest', message),
  /** `why` is for reviews and logs: the answer says nothing of it. */
  unauthorized: (why?: string) =>
    failure(401, 'Unauthorized', 'Unauthorized', undefined, why === undefined ? undefined : { cause: new Error(why) }),
  forbidden: (r: ResourceName, name: string, why: string) =>
    failure(403, 'Forbidden', `${qualified(r)}${name ? ` ${goQuote(name)}` : ''} is forbidden: ${why}`, {
      ...(name ? { name } : {}),
      ...(r.group ? { group: r.group } : {}),
      kind: r.resource,
    }),
  forbiddenPath: (message: string) => failure(403, 'Forbidden', message, {}),
  notFound: (r: ResourceName, name: string) =>
    failure(404, 'NotFound', `${qualified(r)} ${goQuote(name)} not found`, {
      name,
      ...(r.group ? { group: r.group } : {}),
      kind: r.resource,
    }),
  pathNotFound: () => failure(404, 'NotFound', 'the server could not find the requested resource', {}),
  methodNotSupported: (r: ResourceName, verb: string) =>
    failure(405, 'MethodNotAllowed', `${verb} is not supported on resources of kind "${qualified(r)}"`, {
      ...(r.group ? { group: r.group } : {}),
      kind: r.resource,
    }),
  notAcceptable: (supported: readonly string[]) =>
    failure(406, 'NotAcceptable', `only the following media types are accepted: ${supported.join(', ')}`),
  /** As `notAcceptable`, of a form that what is asked for does not have. */
  notThatForm: (message: string) => failure(406, 'NotAcceptable', message),
  /** As `notAcceptable`, of media types that the address does not answer in at all. */
  noRepresentation: (available: readonly string[]) =>
    failure(406, 'NotAcceptable', `406: Not Acceptable\n\nAvailable representations: ${available.join(', ')}`, {}),
  alreadyExists: (r: ResourceName, name: string, { isBeingDeleted = false } = {}) =>
    failure(409, 'AlreadyExists', `${isBeingDeleted ? 'object is being deleted: ' : ''}${qualified(r)} ${goQuote(name)} already exists`, {
      name,
      ...(r.group ? { group: r.group } : {}),
      kind: r.resource,
    }),
  conflict: (r: ResourceName, name: string, why: string) =>
    failure(409, 'Conflict', `Operation cannot be fulfilled on ${qualified(r)} ${goQuote(name)}: ${why}`, {
      name,
      ...(r.group ? { group: r.group } : {}),
      kind: r.resource,
    }),
  /** The usual stale-version conflict. */
  staleVersion: (r: ResourceName, name: string) =>
    statusErrors.conflict(r, name, 'the object has been modified; please apply your changes to the latest version and try again'),
  /** Server-side apply's conflicts: one cause a field. */
  applyConflict: (message: string, causes: StatusCause[]) => failure(409, 'Conflict', message, { causes }),
  expired: (message: string) => failure(410, 'Expired', message),
  /** A list that can go on only from what is there now: `token` continues it so. */
  expiredContinue: (token: string) => {
    const { status } = failure(410, 'Expired', expiredContinueMessage)
    return new StatusError({ ...status, metadata: { continue: token } })
  },
  gone: (message: string) => failure(410, 'Gone', message),
  requestEntityTooLarge: (message: string) => failure(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`),
  unsupportedMediaType: (supported: readonly string[]) =>
    failure(
      415,
      'UnsupportedMediaType',
      `the body of the request was in an unknown format - accepted media types include: ${supported.join(', ')}`,
    ),
  /** A patch of an unknown kind is turned away before anything else is looked at, in fewer words. */
  unsupportedPatchType: () => failure(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {}),
  invalid: (kind: { readonly group: string; readonly kind: string }, name: string, errors: readonly FieldError[]) => {
    const list = [...new Set(errors.map((e) => `${e.field}: ${e.message}`))]
    const body = list.length === 1 ? list[0] : `[${list.join(', ')}]`
    const qualifiedKind = kind.group ? `${kind.kind}.${kind.group}` : kind.kind
    return failure(422, 'Invalid', `${qualifiedKind} ${goQuote(name)} is invalid: ${body}`, {
      ...(name ? { name } : {}),
      ...(kind.group ? { group: kind.group } : {}),
      ...(kind.kind ? { kind: kind.kind } : {}),
      causes: errors.map((e) => ({ reason: e.reason, message: e.message, field: e.field })),
    })
  },
  /** What cannot be done, and upstream says no more of it than that. */
  unprocessable: (message: string, options?: ErrorOptions) => failure(422, 'Invalid', message, {}, options),
  tooManyRequests: (message: string, retryAfterSeconds: number) =>
    failure(429, 'TooManyRequests', message, retryAfterSeconds > 0 ? { retryAfterSeconds } : {}),
  internal: (cause: unknown) =>
    failure(
      500,
      'InternalError',
      `Internal error occurred: ${cause instanceof Error ? cause.message : String(cause)}`,
      { causes: [{ message: cause instanceof Error ? cause.message : String(cause) }] },
      { cause },
    ),
  serviceUnavailable: (message: string) => failure(503, 'ServiceUnavailable', message),
  timeout: (message: string, retryAfterSeconds: number) => failure(504, 'Timeout', message, { retryAfterSeconds }),
} as const

/** Whether it is a failure of the API, for this reason if one is given: `NotFound`, `Conflict`, `AlreadyExists`, `Forbidden`, … */
export function isStatus(error: unknown, reason?: string): error is StatusError {
  return error instanceof StatusError && (reason === undefined || error.reason === reason)
}
