/**
 * The audit log: one Event of audit.k8s.io/v1 a stage and request (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/).
 *  1. Bodies are recorded at the levels Request and RequestResponse only, as JSON whatever they were sent in.
 *  2. Where a sink makes requests wait, it does so with a bound; where it does not, what is too much is dropped and counted.
 */
import { toMicroTime } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { type BinaryCodec, lazyBinaryCodec } from '../binary-codec.ts'
import type { ApiRequest, ApiResponse, UserInfo } from '../contract.ts'
import type { RequestInfo } from '../request-info.ts'
import { type AuditPolicy, type AuditStage, type AuditVerdict, auditVerdict } from './policy.ts'

export type AuditSink = {
  /** Takes events in order. A promise where the request must wait: whether the event was recorded. */
  write(event: object): Promise<boolean> | undefined
  /** Settles when there is room again; undefined: there is room, or nobody need wait for it. */
  full(): Promise<void> | undefined
  close(): Promise<void>
}

/** `isStrict`: a request whose reception cannot be recorded is refused. */
export type AuditBackend = { readonly sink: AuditSink; readonly isStrict?: boolean; readonly truncates?: TruncateOptions }

/** Events beyond this lose their bodies; those that are still too large are dropped. */
export type TruncateOptions = { readonly eventBytesMax: number }

/** What is known of a request when its answer is. `caller` is who asked, `user` whom it was judged as. */
export type AuditEntry = {
  readonly request: ApiRequest
  readonly info: RequestInfo
  readonly caller: UserInfo | undefined
  readonly user: UserInfo | undefined
  /** The constrained verb of the impersonation. */
  readonly constraint?: string | undefined
  readonly response: ApiResponse
  readonly annotations?: Readonly<Record<string, string>>
  readonly trail: AuditTrail | undefined
}

/** One request's place in the log, from its reception on. */
export type AuditTrail = { readonly id: string; readonly verdict: AuditVerdict; readonly receivedAtMs: number }

export type AuditLog = {
  /** Before a request is taken up: waits while the log is behind. */
  ready(): Promise<void> | undefined
  /** Rejects with 500 where the request must be recorded and cannot be. */
  received(facts: Pick<AuditEntry, 'request' | 'info' | 'caller' | 'user'>): AuditTrail | Promise<AuditTrail>
  /** Gives the answer to send: a stream is followed to its end. */
  answered(entry: AuditEntry): ApiResponse | Promise<ApiResponse>
}

const auditIdBytesMax = 64
const recordedBodyBytesMax = 4 * 1024 * 1024

export function createAuditLog(parts: {
  policy: AuditPolicy
  backends: readonly AuditBackend[]
  clock: Clock
  random: Random
  /** Reads bodies in protobuf. */
  binary?: () => Promise<Pick<BinaryCodec, 'decode'>>
}): AuditLog {
  const { policy, backends, clock, random, binary = lazyBinaryCodec() } = parts
  const begin = ({ request, info, user }: Pick<AuditEntry, 'request' | 'info' | 'user'>): AuditTrail => {
    const given = single(request.headers['audit-id'])
    const id = given && given.length <= auditIdBytesMax && /^[\w.-]+$/.test(given) ? given : random.uuid()
    return { id, verdict: auditVerdict(policy, user, info), receivedAtMs: clock.now() }
  }
  /** False: a strict backend could not take it. */
  const record = (stage: AuditStage, trail: AuditTrail, more: Facts, bodies: Bodies = {}): Promise<boolean> | undefined => {
    if (trail.verdict.level === 'None' || trail.verdict.omitStages.includes(stage)) return undefined
    const event = eventOf(stage, trail, { ...more, ...bodies }, clock.now())
    const pending = backends.flatMap(({ sink, isStrict, truncates }) => {
      const fitting = truncates ? truncated(event, truncates) : event
      const written = fitting && sink.write(fitting)
      return written ? [written.then((isRecorded) => isRecorded || !isStrict)] : []
    })
    return pending.length === 0 ? undefined : Promise.all(pending).then((all) => all.every(Boolean))
  }
  const bodiesFor = (trail: AuditTrail, entry: AuditEntry): Bodies | Promise<Bodies> => {
    const { level } = trail.verdict
    if (level !== 'Request' && level !== 'RequestResponse') return {}
    const answer = level === 'RequestResponse' ? entry.response : undefined
    const isBinary = isProtobuf(entry.request.headers['content-type']) || (answer && isProtobuf(answer.headers['content-type']))
    const read = (codec: Pick<BinaryCodec, 'decode'> | undefined) => bodiesOf(entry, answer, { trail, codec })
    return isBinary ? binary().then(read) : read(undefined)
  }
  const answered = (entry: AuditEntry, trail: AuditTrail, bodies: Bodies): ApiResponse | Promise<ApiResponse> => {
    const { response } = entry
    const sent = (written: Promise<unknown> | undefined, answer: ApiResponse) => (written ? written.then(() => answer) : answer)
    if (response.body instanceof Uint8Array || entry.info.verb !== 'watch')
      return sent(record('ResponseComplete', trail, entry, bodies), response)
    const started = record('ResponseStarted', trail, entry, bodies)
    return sent(started, { ...response, body: followed(response.body, () => void record('ResponseComplete', trail, entry, bodies)) })
  }
  return {
    ready: () => {
      const full = backends.flatMap(({ sink }) => sink.full() ?? [])
      return full.length === 0 ? undefined : Promise.all(full).then(() => {})
    },
    received: (facts) => {
      const trail = begin(facts)
      const written = record('RequestReceived', trail, facts)
      if (!written) return trail
      return written.then((isRecorded) => {
        if (!isRecorded) throw statusErrors.internal(new Error('failed to store audit event'))
        return trail
      })
    },
    answered: (entry) => {
      // Who was not authenticated was not received.
      const trail = entry.trail ?? begin(entry)
      entry.response.headers['audit-id'] = trail.id
      const bodies = bodiesFor(trail, entry)
      return bodies instanceof Promise ? bodies.then((read) => answered(entry, trail, read)) : answered(entry, trail, bodies)
    },
  }
}

type Facts = Partial<AuditEntry> & Pick<AuditEntry, 'request' | 'info'>
type Bodies = { readonly requestObject?: unknown; readonly responseObject?: unknown }

const isProtobuf = (contentType: string | string[] | undefined) =>
  single(contentType)?.startsWith('application/vnd.kubernetes.protobuf') ?? false

function bodiesOf(
  { request, response }: AuditEntry,
  answer: ApiResponse | undefined,
  { trail, codec }: { readonly trail: AuditTrail; readonly codec: Pick<BinaryCodec, 'decode'> | undefined },
): Bodies {
  const { omitManagedFields } = trail.verdict
  const read = (body: ApiResponse['body'] | undefined, type: string | string[] | undefined) =>
    bodyOf(body, { omitManagedFields, codec: isProtobuf(type) ? codec : undefined })
  const requestObject = read(request.body, request.headers['content-type'])
  const responseObject = answer && read(response.body, response.headers['content-type'])
  return { ...(requestObject === undefined ? {} : { requestObject }), ...(responseObject === undefined ? {} : { responseObject }) }
}

/** Undefined: it is too large without its bodies too. */
function truncated(event: Record<string, unknown>, { eventBytesMax }: TruncateOptions): object | undefined {
  const fits = (value: object) => Buffer.byteLength(JSON.stringify(value)) <= eventBytesMax
  if (fits(event)) return event
  const { requestObject: _q, responseObject: _a, annotations, ...rest } = event
  const bare = { ...rest, annotations: { ...(annotations as object | undefined), 'audit.k8s.io/truncated': 'true' } }
  return fits(bare) ? bare : undefined
}

async function* followed(body: AsyncIterable<Uint8Array>, ended: () => void): AsyncGenerator<Uint8Array> {
  try {
    yield* body
  } finally {
    ended()
  }
}

function eventOf(
  stage: AuditStage,
  { id, verdict, receivedAtMs }: AuditTrail,
  entry: Facts & Bodies,
  nowMs: number,
): Record<string, unknown> {
  const { request, info, caller, user, constraint, response, annotations } = entry
  const { level } = verdict
  const isAnswered = response !== undefined && stage !== 'RequestReceived'
  const agent = single(request.headers['user-agent'])
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level,
    auditID: id,
    stage,
    requestURI: request.url,
    verb: info.verb,
    user: caller ? userOf(caller) : {},
    ...(user && caller && user !== caller ? { impersonatedUser: userOf(user) } : {}),
    ...(constraint ? { authenticationMetadata: { impersonationConstraint: constraint } } : {}),
    ...(request.remoteAddress ? { sourceIPs: [request.remoteAddress] } : {}),
    ...(agent ? { userAgent: agent } : {}),
    ...(info.type === 'resource' ? { objectRef: objectRef(info) } : {}),
    ...(isAnswered ? { responseStatus: statusOf(response) } : {}),
    ...(entry.requestObject === undefined ? {} : { requestObject: entry.requestObject }),
    ...(entry.responseObject === undefined ? {} : { responseObject: entry.responseObject }),
    requestReceivedTimestamp: toMicroTime(receivedAtMs),
    stageTimestamp: toMicroTime(nowMs),
    ...(isAnswered && annotations ? { annotations } : {}),
  }
}

const single = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)

function userOf({ name, uid, groups, extra }: UserInfo): object {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) }
}

function objectRef(info: RequestInfo & { type: 'resource' }): object {
  const { resource, namespace, name, group, version, subresource } = info
  return {
    resource,
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(group ? { apiGroup: group } : {}),
    apiVersion: version,
    ...(subresource ? { subresource } : {}),
  }
}

/** A failure's own words are no secret; an object is not looked at. */
function statusOf({ code, body }: ApiResponse): object {
  const failure = code >= 400 && body instanceof Uint8Array ? (parsed(body) as { kind?: string; status?: string } | undefined) : undefined
  if (failure?.kind !== 'Status') return { metadata: {}, code }
  const { status, message, reason } = failure as { status?: string; message?: string; reason?: string }
  return { metadata: {}, ...(status ? { status } : {}), ...(message ? { message } : {}), ...(reason ? { reason } : {}), code }
}

type Reading = { readonly omitManagedFields: boolean; readonly codec: Pick<BinaryCodec, 'decode'> | undefined }

/** The body as an object. Undefined: there is none, or none that can be read and is of a size worth keeping. */
function bodyOf(body: ApiResponse['body'] | undefined, { omitManagedFields, codec }: Reading): unknown {
  if (!(body instanceof Uint8Array) || body.byteLength === 0 || body.byteLength > recordedBodyBytesMax) return undefined
  const value = codec ? decoded(body, codec) : parsed(body)
  if (!omitManagedFields || typeof value !== 'object' || value === null) return value
  const { items } = value as { items?: unknown[] }
  for (const object of [value, ...(Array.isArray(items) ? items : [])])
    delete (object as { metadata?: { managedFields?: unknown } }).metadata?.managedFields
  return value
}

function decoded(body: Uint8Array, codec: Pick<BinaryCodec, 'decode'>): unknown {
  try {
    return codec.decode(body)
  } catch {
    return undefined
  }
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
