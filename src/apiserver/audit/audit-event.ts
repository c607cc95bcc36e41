/** One Event of audit.k8s.io/v1, out of what is known of its request. Pure. */
import { isIP } from 'node:net'
import { toMicroTime } from '../../base/clock.ts'
import { formatGoDuration } from '../../machinery/wire/go-duration.ts'
import type { ApiRequest, ApiResponse, UserInfo } from '../contract.ts'
import type { RequestInfo } from '../http/request-info.ts'
import type { AuditStage, AuditVerdict } from './policy.ts'

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
  /** Spent on waiting for a seat. */
  readonly waitedMs?: number
  readonly trail: AuditTrail | undefined
}

/** One request's place in the log, from its reception on. */
export type AuditTrail = {
  readonly id: string
  readonly verdict: AuditVerdict
  readonly receivedAtMs: number
  /** What the request brought, once it has been read. */
  sent?: SentObject
  /** Another server answers, whose answers are not looked at. */
  isForwarded?: boolean
}

/** `value` only at levels that keep it, with the kind's defaults as upstream records it. */
export type SentObject = { readonly value?: unknown; readonly metadata?: ObjectIdentity }
type ObjectIdentity = {
  readonly name?: string | undefined
  readonly namespace?: string | undefined
  readonly uid?: string | undefined
  readonly resourceVersion?: string | undefined
}

export type EventFacts = Partial<AuditEntry> & Pick<AuditEntry, 'request' | 'info'>
/** What the answer says, as far as it was read: an object, and the Status among them that stands for the outcome. */
export type AnswerFacts = { readonly object?: unknown; readonly status?: object | undefined }

/** Of a request that took longer it is told where the time went. */
const slowMs = 500
const agentCharactersMax = 1024

export function auditEvent(
  stage: AuditStage,
  trail: AuditTrail,
  entry: EventFacts,
  { nowMs, answer }: { readonly nowMs: number; readonly answer?: AnswerFacts },
): Record<string, unknown> {
  const { request, info, caller, user, constraint, response } = entry
  const isAnswered = response !== undefined && stage !== 'RequestReceived'
  const sent = isAnswered ? trail.sent : undefined
  const agent = single(request.headers['user-agent'])
  const addresses = sourceAddresses(request)
  const annotations = isAnswered ? annotationsOf(stage, trail, entry, nowMs) : undefined
  const isBodyKept = trail.verdict.level === 'Request' || trail.verdict.level === 'RequestResponse'
  return {
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: trail.verdict.level,
    auditID: trail.id,
    stage,
    requestURI: request.url,
    verb: info.verb,
    user: caller ? userOf(caller) : {},
    ...(user && caller && user !== caller ? { impersonatedUser: userOf(user) } : {}),
    ...(constraint ? { authenticationMetadata: { impersonationConstraint: constraint } } : {}),
    ...(addresses.length > 0 ? { sourceIPs: addresses } : {}),
    ...(agent ? { userAgent: agent.length > agentCharactersMax ? `${agent.slice(0, agentCharactersMax)}...TRUNCATED` : agent } : {}),
    ...(info.type === 'resource' ? { objectRef: objectRef(info, sent?.metadata) } : {}),
    ...(isAnswered ? { responseStatus: { metadata: {}, ...answer?.status, code: response.code } } : {}),
    ...(isBodyKept && sent?.value !== undefined ? { requestObject: sent.value } : {}),
    ...(answer?.object === undefined ? {} : { responseObject: answer.object }),
    requestReceivedTimestamp: toMicroTime(trail.receivedAtMs),
    stageTimestamp: toMicroTime(stage === 'RequestReceived' ? trail.receivedAtMs : nowMs),
    ...(annotations && Object.keys(annotations).length > 0 ? { annotations } : {}),
  }
}

const single = (value: string | string[] | undefined) => (Array.isArray(value) ? value[0] : value)

/** Whom proxies name, and last who was connected, who alone cannot be invented. */
function sourceAddresses({ headers, remoteAddress }: ApiRequest): string[] {
  const forwarded = single(headers['x-forwarded-for'])
  const real = single(headers['x-real-ip'])
  const remote = remoteAddress ? [remoteAddress] : []
  if (forwarded === undefined && real === undefined) return remote
  const named = (forwarded ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => isIP(part) !== 0)
  const all = real && isIP(real) !== 0 && !named.includes(real) ? [...named, real] : named
  return all.at(-1) === remoteAddress ? all : [...all, ...remote]
}

function userOf({ name, uid, groups, extra }: UserInfo): object {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) }
}

/** What the path does not say of the object, the object that was sent says. */
function objectRef(info: RequestInfo & { type: 'resource' }, sent: ObjectIdentity | undefined): object {
  const { resource, group, version, subresource } = info
  const name = info.name || sent?.name
  const namespace = info.namespace || sent?.namespace
  return {
    resource,
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
    ...(sent?.uid ? { uid: sent.uid } : {}),
    ...(group ? { apiGroup: group } : {}),
    apiVersion: version,
    ...(sent?.resourceVersion ? { resourceVersion: sent.resourceVersion } : {}),
    ...(subresource ? { subresource } : {}),
  }
}

/** What a webhook changed tells of the object: it is noted where bodies are. */
const patchPrefix = 'patch.webhook.admission.k8s.io/'

function annotationsOf(stage: AuditStage, trail: AuditTrail, { annotations: noted, waitedMs = 0 }: EventFacts, nowMs: number) {
  const hidesPatches = trail.verdict.level === 'Metadata' && noted !== undefined
  const annotations = hidesPatches ? Object.fromEntries(Object.entries(noted).filter(([key]) => !key.startsWith(patchPrefix))) : noted
  const tookMs = nowMs - trail.receivedAtMs
  if (stage !== 'ResponseComplete' || tookMs <= slowMs) return annotations
  const latency = (what: string, ms: number) => ({ [`apiserver.latency.k8s.io/${what}`]: formatGoDuration(Math.round(ms * 1e6)) })
  return { ...annotations, ...latency('total', tookMs), ...(waitedMs > 0 ? latency('apf-queue-wait', waitedMs) : {}) }
}
