/**
 * The audit log: one Event of audit.k8s.io/v1 a stage and request (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/).
 *  1. Bodies are recorded at the levels Request and RequestResponse only, as JSON whatever they were sent in.
 *  2. Where a sink makes requests wait, it does so with a bound; where it does not, what is too much is dropped and counted.
 */
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { type BinaryCodec, lazyBinaryCodec } from '../objects/binary-codec.ts'
import type { ApiResponse } from '../contract.ts'
import type { RequestInfo } from '../http/request-info.ts'
import { type AnswerFacts, type AuditEntry, auditEvent, type AuditTrail, type EventFacts } from './audit-event.ts'
import { type AuditMetrics, createAuditMetrics } from './audit-metrics.ts'
import { type AuditPolicy, type AuditStage, auditVerdict } from './policy.ts'

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

export type AuditLog = {
  /** Before a request is taken up: waits while the log is behind. */
  ready(): Promise<void> | undefined
  /** Rejects with 500 where the request must be recorded and cannot be. */
  received(facts: Pick<AuditEntry, 'request' | 'info' | 'caller'>): AuditTrail | Promise<AuditTrail>
  /** Gives the answer to send: a stream is followed to its end. */
  answered(entry: AuditEntry): ApiResponse | Promise<ApiResponse>
  /** Families of `/metrics`. */
  metricsText(): string
}

const auditIdBytesMax = 64
const recordedBodyBytesMax = 4 * 1024 * 1024

export function createAuditLog(parts: {
  policy: AuditPolicy
  backends: readonly AuditBackend[]
  clock: Clock
  random: Random
  metrics?: AuditMetrics
  /** Reads bodies in protobuf. */
  binary?: () => Promise<Pick<BinaryCodec, 'decode'>>
}): AuditLog {
  const { policy, backends, clock, random, metrics = createAuditMetrics(), binary = lazyBinaryCodec() } = parts
  const begin = ({ request, info, caller }: Pick<AuditEntry, 'request' | 'info' | 'caller'>): AuditTrail => {
    const given = single(request.headers['audit-id'])
    const id = given && given.length <= auditIdBytesMax && /^[\w.-]+$/.test(given) ? given : random.uuid()
    const verdict = auditVerdict(policy, caller, info)
    metrics.level(verdict.level)
    return { id, verdict, receivedAtMs: clock.now() }
  }
  /** False: a strict backend could not take it. */
  const record = (stage: AuditStage, trail: AuditTrail, facts: EventFacts, answer?: AnswerFacts): Promise<boolean> | undefined => {
    if (!isRecorded(trail, stage)) return undefined
    const event = auditEvent(stage, trail, facts, { nowMs: clock.now(), ...(answer ? { answer } : {}) })
    metrics.event()
    const pending = backends.flatMap(({ sink, isStrict, truncates }) => {
      const fitting = truncates ? truncated(event, truncates) : event
      if (!fitting) metrics.failed('truncate', 1)
      const written = fitting && sink.write(fitting)
      return written ? [written.then((isWritten) => isWritten || !isStrict)] : []
    })
    return pending.length === 0 ? undefined : Promise.all(pending).then((all) => all.every(Boolean))
  }
  const read = (entry: AuditEntry, trail: AuditTrail, body: ApiResponse['body']): AnswerFacts | Promise<AnswerFacts> => {
    const type = single(entry.response.headers['content-type'])
    if (!isObjectRead(entry, trail, body)) return {}
    const facts = (codec?: Pick<BinaryCodec, 'decode'>) => answerFacts(body as Uint8Array, trail, codec)
    return type?.startsWith('application/vnd.kubernetes.protobuf') ? binary().then(facts) : facts()
  }
  const complete = async (entry: AuditEntry, trail: AuditTrail, stages: readonly AuditStage[]): Promise<ApiResponse> => {
    const answer = await read(entry, trail, entry.response.body)
    for (const stage of stages) await record(stage, trail, entry, answer)
    return entry.response
  }
  const streamed = async (entry: AuditEntry, trail: AuditTrail, body: AsyncIterable<Uint8Array>): Promise<ApiResponse> => {
    const keeps = isObjectRead(entry, trail, noBytes)
    if (isLongRunning(entry.info)) await record('ResponseStarted', trail, entry)
    const ended = async (whole: Uint8Array | undefined) => {
      await record('ResponseComplete', trail, entry, whole && (await read(entry, trail, whole)))
    }
    return { ...entry.response, body: followed(body, keeps && !isLongRunning(entry.info), ended) }
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
      return written.then((isWritten) => {
        if (isWritten) return trail
        metrics.rejected()
        throw statusErrors.internal(new Error('failed to store audit event'))
      })
    },
    answered: (entry) => {
      const trail = entry.trail ?? begin(entry)
      const { response, info } = entry
      response.headers['audit-id'] = trail.id
      if (trail.verdict.level === 'None') return response
      // Who was not authenticated was not received, and his request is not taken up.
      if (!entry.trail) return complete(entry, trail, ['ResponseStarted'])
      if (!(response.body instanceof Uint8Array)) return streamed(entry, trail, response.body)
      return complete(entry, trail, isLongRunning(info) ? ['ResponseStarted', 'ResponseComplete'] : ['ResponseComplete'])
    },
    metricsText: () => metrics.text(),
  }
}

const noBytes = new Uint8Array()
const single = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)

const isRecorded = ({ verdict }: AuditTrail, stage: AuditStage) => verdict.level !== 'None' && !verdict.omitStages.includes(stage)

/** Upstream's: what may go on for as long as somebody likes. */
function isLongRunning(info: RequestInfo): boolean {
  return info.verb === 'watch' || (info.type === 'resource' && longRunning.has(info.subresource))
}
const longRunning: ReadonlySet<string> = new Set(['attach', 'exec', 'proxy', 'log', 'portforward'])

/** An object to record, or the Status of an outcome. What others answer, and what is said to who takes no form, is not read. */
function isObjectRead({ response }: AuditEntry, { verdict, isForwarded }: AuditTrail, body: ApiResponse['body']): boolean {
  if (isForwarded || response.code === notAcceptable || !(body instanceof Uint8Array)) return false
  return verdict.level === 'RequestResponse' || response.code >= 400 || statusHead.test(Buffer.from(body.subarray(0, 40)).toString())
}
const notAcceptable = 406
const statusHead = /^\{\s*"kind":\s*"Status"/

/** Undefined: it is too large without its bodies too. */
function truncated(event: Record<string, unknown>, { eventBytesMax }: TruncateOptions): object | undefined {
  const fits = (value: object) => Buffer.byteLength(JSON.stringify(value)) <= eventBytesMax
  if (fits(event)) return event
  const { requestObject: _q, responseObject: _a, annotations, ...rest } = event
  const bare = { ...rest, annotations: { ...(annotations as object | undefined), 'audit.k8s.io/truncated': 'true' } }
  return fits(bare) ? bare : undefined
}

/** `keeps`: what has gone by is handed over at the end, up to a bound. */
async function* followed(
  body: AsyncIterable<Uint8Array>,
  keeps: boolean,
  ended: (whole: Uint8Array | undefined) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const blocks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const block of body) {
      bytes += block.byteLength
      // Blocks are filled again once they have been sent.
      if (keeps && bytes <= recordedBodyBytesMax) blocks.push(Buffer.from(block))
      yield block
    }
  } finally {
    await ended(keeps && bytes <= recordedBodyBytesMax ? Buffer.concat(blocks) : undefined)
  }
}

type Objects = { kind?: unknown; metadata?: { managedFields?: unknown }; items?: unknown[] }

/** What is no API object (a version, a page of text) is not recorded; what is too large neither. */
function answerFacts(body: Uint8Array, { verdict }: AuditTrail, codec: Pick<BinaryCodec, 'decode'> | undefined): AnswerFacts {
  if (body.byteLength === 0 || body.byteLength > recordedBodyBytesMax) return {}
  const value = decoded(body, codec) as Objects | null | undefined
  if (typeof value !== 'object' || value === null || typeof value.kind !== 'string') return {}
  if (verdict.omitManagedFields)
    for (const object of [value, ...(Array.isArray(value.items) ? (value.items as Objects[]) : [])]) delete object.metadata?.managedFields
  const status = value.kind === 'Status' ? statusOf(value) : undefined
  return { status, ...(verdict.level === 'RequestResponse' ? { object: value } : {}) }
}

function decoded(body: Uint8Array, codec: Pick<BinaryCodec, 'decode'> | undefined): unknown {
  try {
    return codec ? codec.decode(body) : JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    return undefined
  }
}

/** The outcome's own words are no secret. */
function statusOf(answer: object): object {
  const { status, message, reason, details } = answer as Readonly<Record<string, unknown>>
  return {
    ...(status ? { status } : {}),
    ...(message ? { message } : {}),
    ...(reason ? { reason } : {}),
    ...(details ? { details } : {}),
  }
}
