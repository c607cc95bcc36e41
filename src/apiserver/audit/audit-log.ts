/**
 * The audit log: one Event of audit.k8s.io/v1 a stage and request (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/).
 *  1. Bodies are recorded at the levels Request and RequestResponse only.
 *  2. Events wait for the file in a bounded queue; while it is full, new requests wait for it (upstream's mode `blocking`).
 */
import { toMicroTime } from '../../base/clock.ts'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { ApiRequest, ApiResponse, UserInfo } from '../contract.ts'
import type { RequestInfo } from '../request-info.ts'
import { type AuditPolicy, type AuditStage, type AuditVerdict, auditVerdict } from './policy.ts'

/** Takes whole lines in order. `full`: settles when there is room again; undefined: there is room. */
export type AuditSink = { write(line: string): void; full(): Promise<void> | undefined; close(): Promise<void> }

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
  received(facts: Pick<AuditEntry, 'request' | 'info' | 'caller' | 'user'>): AuditTrail
  /** Gives the answer to send: a stream is followed to its end. */
  answered(entry: AuditEntry): ApiResponse
}

const auditIdBytesMax = 64
const recordedBodyBytesMax = 4 * 1024 * 1024

export function createAuditLog(parts: { policy: AuditPolicy; sink: AuditSink; clock: Clock; random: Random }): AuditLog {
  const { policy, sink, clock, random } = parts
  const begin = ({ request, info, user }: Pick<AuditEntry, 'request' | 'info' | 'user'>): AuditTrail => {
    const given = single(request.headers['audit-id'])
    const id = given && given.length <= auditIdBytesMax && /^[\w.-]+$/.test(given) ? given : random.uuid()
    return { id, verdict: auditVerdict(policy, user, info), receivedAtMs: clock.now() }
  }
  const record = (stage: AuditStage, trail: AuditTrail, more: Partial<AuditEntry> & Pick<AuditEntry, 'request' | 'info'>) => {
    if (trail.verdict.level === 'None' || trail.verdict.omitStages.includes(stage)) return
    sink.write(JSON.stringify(eventOf(stage, trail, more, clock.now())))
  }
  return {
    ready: () => sink.full(),
    received: (facts) => {
      const trail = begin(facts)
      record('RequestReceived', trail, facts)
      return trail
    },
    answered: (entry) => {
      // Who was not authenticated was not received.
      const trail = entry.trail ?? begin(entry)
      const { response } = entry
      response.headers['audit-id'] = trail.id
      if (response.body instanceof Uint8Array || entry.info.verb !== 'watch') {
        record('ResponseComplete', trail, entry)
        return response
      }
      record('ResponseStarted', trail, entry)
      return { ...response, body: followed(response.body, () => record('ResponseComplete', trail, entry)) }
    },
  }
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
  entry: Partial<AuditEntry> & Pick<AuditEntry, 'request' | 'info'>,
  nowMs: number,
): object {
  const { request, info, caller, user, constraint, response, annotations } = entry
  const { level, omitManagedFields } = verdict
  const isAnswered = response !== undefined && stage !== 'RequestReceived'
  const takesRequest = level === 'Request' || level === 'RequestResponse'
  const asked = takesRequest ? bodyOf(request.body, omitManagedFields) : undefined
  const answered = isAnswered && level === 'RequestResponse' ? bodyOf(response.body, omitManagedFields) : undefined
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
    ...(asked === undefined ? {} : { requestObject: asked }),
    ...(answered === undefined ? {} : { responseObject: answered }),
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

/** The body as an object. Undefined: there is none, or none in JSON of a size worth keeping. */
function bodyOf(body: ApiRequest['body'] | ApiResponse['body'], omitManagedFields: boolean): unknown {
  if (!(body instanceof Uint8Array) || body.byteLength === 0 || body.byteLength > recordedBodyBytesMax) return undefined
  const value = parsed(body)
  if (!omitManagedFields || typeof value !== 'object' || value === null) return value
  const { items } = value as { items?: unknown[] }
  for (const object of [value, ...(Array.isArray(items) ? items : [])])
    delete (object as { metadata?: { managedFields?: unknown } }).metadata?.managedFields
  return value
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}
