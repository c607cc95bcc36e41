import { fieldErrors } from '../machinery/field-error.ts'
import { StatusError, statusErrors } from '../machinery/status-error.ts'
import { StoreUnavailable } from '../store/contract.ts'
import { admitConnect } from './admission/connect.ts'
import type { Aggregation } from './aggregation/aggregation.ts'
import type { AuditEntry, AuditTrail } from './audit/audit-event.ts'
import type { AuditLog } from './audit/audit-log.ts'
import { auditedBody } from './audit/audited-body.ts'
import { encodeAnswer, encodeFailure } from './encoding/answer-encoding.ts'
import type { BinaryCodec } from './objects/binary-codec.ts'
import { httpBody, patchTypeOf } from './http/body.ts'
import type { ApiRequest, ApiResponse, Asking, Attributes, Authenticator, Decision, UserInfo } from './contract.ts'
import type { Core, RequestContext } from './core.ts'
import { type Dispatch, dispatchVerb } from './dispatch.ts'
import { anonymous, authenticate, refusal } from './authn/identity.ts'
import { impersonate } from './authn/impersonation.ts'
import type { ApiMetrics, RequestLabels } from './metrics.ts'
import { type Format, negotiate } from './http/negotiation.ts'
import type { Dialer } from './reach/node-dialer.ts'
import type { Resource } from './registry.ts'
import {
  fieldTerms,
  labelRequirements,
  parseRequest,
  type PathRequest,
  type RequestInfo,
  type ResourceRequest,
} from './http/request-info.ts'
import { addPlaceHeaders, arrivalTurn, enterGate, type Fairness, heldBody, paceOf } from './flowcontrol/fairness.ts'
import type { Place, Ticket } from './flowcontrol/flow-gate.ts'
import type { Pace } from './flowcontrol/pace.ts'
import { answerPath, nothingThere } from './http/path-answers.ts'
import { RequestEnd } from './http/request-end.ts'
import { type RequestLimits, timeoutOf, withTimeout } from './http/request-timeout.ts'
import { labelsOf } from './request-labels.ts'
import { proxyRequest } from './subresources/proxy.ts'
import { hasTable, type IncludeObject } from './encoding/table.ts'
import { type Answer, methodNotAllowed, parametersFrom } from './verb-request.ts'

/** Answers paths that are no resources (discovery, OpenAPI, health, metrics). Undefined: not mine. */
export type PathHandler = (request: PathRequest, context: PathContext) => Promise<ApiResponse | undefined> | ApiResponse | undefined
export type PathContext = {
  readonly user: UserInfo
  readonly headers: ApiRequest['headers']
  readonly signal: AbortSignal
  readonly method: string
}

export type PipelineParts = {
  readonly core: Core
  readonly dispatch: Dispatch
  readonly authenticator: Authenticator
  readonly paths: PathHandler
  readonly metrics: ApiMetrics
  /** Carries requests to `…/proxy`. */
  readonly dialer: Dialer | undefined
  /** Asked for when a client speaks protobuf. */
  readonly binary: () => Promise<BinaryCodec>
  /** Ends what would go on for long when the server closes. */
  readonly closing: AbortSignal
  /** Absent: nothing is recorded, and nothing spent on it. */
  readonly audit: AuditLog | undefined
  /** Group versions that other servers answer. */
  readonly aggregation: Pick<Aggregation, 'find'>
  readonly limits: RequestLimits
  /** Priority and fairness; absent for callers in this process, whom nobody holds up. */
  readonly fairness: Fairness | undefined
}

/** Who may have his connection taken over, and for what. */
export type Admitted = { readonly info: RequestInfo; readonly user: UserInfo; annotate(key: string, value: string): void }
/** Passes bytes until either side ends. */
export type OpenConnection = { run(): Promise<void> }

export type Pipeline = {
  handle(request: ApiRequest): Promise<ApiResponse>
  /**
   * For connections that are taken over: authenticates, impersonates and authorizes, opens the other side, and settles when the connection
   * has ended. Throws StatusError until it is open.
   */
  takeOver(request: ApiRequest, open: (admitted: Admitted) => Promise<OpenConnection>): Promise<void>
}

/**
 * The fixed order of steps: parse, authenticate, impersonate, wait for a turn and seats, authorize, verb, encode. Every failure becomes a Status;
 * what is no StatusError is a bug, logged and answered with 500. A request that is no watch ends within a minute.
 */
export function createPipeline(parts: PipelineParts): Pipeline {
  const { core, metrics } = parts
  const handle = async (request: ApiRequest): Promise<ApiResponse> => {
    const startMs = core.clock.monotonicMs()
    const turn = parts.fairness && arrivalTurn(parts.fairness, request)
    if (turn) await turn
    const exchange = newExchange(request)
    let response: ApiResponse
    try {
      response = await serve(parts, request, exchange)
    } catch (error) {
      response = await failure(parts, request, error, exchange.info)
    }
    for (const warning of exchange.warnings) {
      const header = `299 - ${JSON.stringify(warning)}`
      const known = response.headers.warning
      response.headers.warning = known === undefined ? header : [...(Array.isArray(known) ? known : [known]), header]
    }
    if (exchange.place) addPlaceHeaders(response, exchange.place)
    const durationMs = core.clock.monotonicMs() - startMs
    const labels = labelsOf(core, request, exchange.info)
    const bytes = response.body instanceof Uint8Array ? { bytes: response.body.length } : {}
    metrics.request(labels, response.code, { durationMs, waitedMs: exchange.waitedMs, ...bytes })
    if (exchange.isTerminated) metrics.terminated(labels, response.code)
    if (request.signal.aborted) metrics.aborted(labels)
    return parts.audit ? parts.audit.answered({ request, response, ...audited(exchange) }) : response
  }
  return {
    handle,
    takeOver: (request, open) => takeOver(parts, request, open),
  }
}

async function takeOver(parts: PipelineParts, request: ApiRequest, open: (admitted: Admitted) => Promise<OpenConnection>): Promise<void> {
  const { core, metrics, audit } = parts
  const startMs = core.clock.monotonicMs()
  const exchange = newExchange(request)
  const { info } = exchange
  const count = (code: number) =>
    metrics.request(labelsOf(core, request, info), code, { durationMs: core.clock.monotonicMs() - startMs, waitedMs: 0 })
  let connection: OpenConnection
  try {
    const user = await speakerOf(parts, request, exchange, request)
    const judging = audit ? authorizeNoted(core, exchange, request) : authorize(core, user, info, request)
    if (judging) await judging
    connection = await open({ info, user, annotate: (key, value) => annotate(exchange, key, value) })
  } catch (error) {
    const response = await failure(parts, request, error, info)
    count(response.code)
    await audit?.answered({ request, response, ...audited(exchange) })
    throw error
  }
  const stopped = info.type === 'resource' ? metrics.watchStarted(labelsOf(core, request, info)) : undefined
  const running = connectionEnd(connection)
  const response = { code: 101, headers: {}, body: running }
  const followed = audit ? await audit.answered({ request, response, ...audited(exchange) }) : response
  for await (const _ of followed.body as AsyncIterable<Uint8Array>);
  stopped?.()
  count(101)
}

/** A connection as a body without blocks: it ends when the connection does. */
const connectionEnd = (connection: OpenConnection): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => ({ next: () => connection.run().then(() => ({ done: true, value: undefined })) }),
})

const newExchange = (request: ApiRequest): Exchange => ({
  info: parseRequest(request.method, request.url),
  user: undefined,
  constraint: undefined,
  warnings: [],
  annotations: undefined,
  caller: undefined,
  trail: undefined,
  place: undefined,
  pace: undefined,
  waitedMs: 0,
  isTerminated: false,
  ticket: undefined,
  isCounted: false,
})

function annotate(exchange: Exchange, key: string, value: string): void {
  exchange.annotations = { [key]: value, ...exchange.annotations }
}

/** What becomes known about a request on its way. */
type Exchange = {
  readonly info: RequestInfo
  user: UserInfo | undefined
  /** The constrained verb by which the caller speaks for `user`. */
  constraint: string | undefined
  /** Who asked, where `user` is somebody else. */
  caller: UserInfo | undefined
  trail: AuditTrail | undefined
  readonly warnings: string[]
  /** What admission noted for the audit entry. */
  annotations: Record<string, string> | undefined
  /** Where priority and fairness put it, and how it shares the event loop. */
  place: Place | undefined
  pace: Pace | undefined
  waitedMs: number
  /** The server ended it: there was no room, or it took too long. */
  isTerminated: boolean
  /** Its seats, and whether it counts as under way: both end with its time, however long its work goes on. */
  ticket: Ticket | undefined
  isCounted: boolean
}

function audited(exchange: Exchange): Omit<AuditEntry, 'request' | 'response'> {
  const { info, user, constraint, caller, trail, waitedMs, annotations } = exchange
  return { info, user, constraint, caller: caller ?? user, trail, waitedMs, ...(annotations ? { annotations } : {}) }
}

/** Everything that a request waits for is within its time, and ends with it. */
function serve(parts: PipelineParts, request: ApiRequest, exchange: Exchange): Promise<ApiResponse> {
  const { core, limits } = parts
  const { info } = exchange
  if (isLongRunning(info)) return served(parts, request, exchange, undefined)
  const end = new RequestEnd(request.signal)
  const onTimeout = (why: StatusError) => {
    exchange.isTerminated = true
    end.expire(why)
    exchange.ticket?.finish()
    leave(parts, exchange)
  }
  const time = { ms: timeoutOf(info, limits), isWrite: kindOf(info) === 'mutating', onTimeout }
  return withTimeout(core.clock, time, () => served(parts, request, exchange, end))
}

/** `end`: of a request that has an end of its own. */
async function served(parts: PipelineParts, request: ApiRequest, exchange: Exchange, end: RequestEnd | undefined): Promise<ApiResponse> {
  const { core, fairness } = parts
  const { info } = exchange
  const asking = end ?? request
  const waiting = parts.audit?.ready()
  if (waiting) await waiting
  const user = await speakerOf(parts, request, exchange, asking)
  const isWatch = info.verb === 'watch'
  // What takes a connection over is no work of this server's: only the start of a watch is.
  if (!fairness || (isLongRunning(info) && !isWatch)) return judged(parts, request, exchange, { ticket: undefined, end })
  const place = fairness.gate.place(user, info)
  exchange.place = place
  const pace = paceOf(fairness, core.clock, { place, end })
  exchange.pace = pace
  const entering = enterGate(fairness, core, { place, info, asking })
  let ticket: Ticket
  try {
    if (entering instanceof Promise) {
      const fromMs = core.clock.monotonicMs()
      ticket = await entering
      exchange.waitedMs = core.clock.monotonicMs() - fromMs
    } else ticket = entering
  } catch (error) {
    parts.metrics.rejected(kindOf(info))
    exchange.isTerminated = true
    throw error
  }
  exchange.ticket = ticket
  let response: ApiResponse
  try {
    response = await judged(parts, request, exchange, { ticket: isWatch ? ticket : undefined, end })
  } catch (error) {
    ticket.finish()
    throw error
  }
  // Also of a watch that does not begin: nobody serves the kind any more.
  if (response.body instanceof Uint8Array) {
    ticket.finish()
    return response
  }
  if (isWatch) return response
  // Whoever leaves before the first block never begins to read.
  if (request.signal.aborted) ticket.finish()
  else request.signal.addEventListener('abort', () => ticket.finish(), { once: true })
  return { ...response, body: heldBody(response.body, { clock: core.clock, ticket, pace }) }
}

/** Whom the request is judged as. Who asked is recorded before it is known whether he may speak for another. */
async function speakerOf(parts: PipelineParts, request: ApiRequest, exchange: Exchange, asking: Asking): Promise<UserInfo> {
  const { core, audit } = parts
  const { info } = exchange
  const caller = await authenticateMeasured(parts, request, asking)
  exchange.caller = caller
  exchange.user = caller
  if (audit) exchange.trail = await audit.received({ request, info, caller })
  const impersonating = impersonate(core.authorizer, request.headers, () => attributesOf(caller, info), asking)
  const impersonated = impersonating && (await impersonating)
  exchange.user = impersonated?.user ?? caller
  exchange.constraint = impersonated?.constraint
  return exchange.user
}

/** As `authenticate`, counted with its result and the time that it took. */
async function authenticateMeasured(parts: PipelineParts, request: ApiRequest, asking: Asking): Promise<UserInfo> {
  const { core, authenticator, metrics } = parts
  const fromMs = core.clock.monotonicMs()
  const { bearerToken, clientCertificate } = request.credentials
  const isWithout = bearerToken === undefined && clientCertificate === undefined
  try {
    const user = await authenticate(authenticator, request, asking)
    if (clientCertificate?.notAfterMs !== undefined && user !== anonymous)
      metrics.certificateShown(clientCertificate.notAfterMs - core.clock.now())
    metrics.authenticated(isWithout && user === anonymous ? 'failure' : 'success', core.clock.monotonicMs() - fromMs)
    return user
  } catch (error) {
    metrics.authenticated(isWithout ? 'failure' : 'error', core.clock.monotonicMs() - fromMs)
    throw error
  }
}

const kindOf = (info: RequestInfo) => (info.verb === 'get' || info.verb === 'list' || info.verb === 'head' ? 'readOnly' : 'mutating')

/** `ticket` is given back when a watch has told its initial state. */
async function judged(
  parts: PipelineParts,
  request: ApiRequest,
  exchange: Exchange,
  { ticket, end }: { readonly ticket: Ticket | undefined; readonly end: RequestEnd | undefined },
): Promise<ApiResponse> {
  const { core, metrics } = parts
  const { info } = exchange
  const fromMs = core.clock.monotonicMs()
  const asking = end ?? request
  try {
    const judging = parts.audit ? authorizeNoted(core, exchange, asking) : authorize(core, exchange.user!, info, asking)
    if (judging) await judging
    metrics.authorized('allowed', core.clock.monotonicMs() - fromMs)
  } catch (error) {
    metrics.authorized(error instanceof StatusError ? 'no-opinion' : 'error', core.clock.monotonicMs() - fromMs)
    throw error
  }
  if (end) {
    end.proceed()
    exchange.isCounted = true
    metrics.inflight(kindOf(info), 1)
    try {
      return await perform(parts, request, exchange, { end, started: undefined })
    } finally {
      leave(parts, exchange)
    }
  }
  const signal = AbortSignal.any([request.signal, parts.closing])
  const finish = () => ticket?.finish()
  signal.addEventListener('abort', finish, { once: true })
  // Node keeps a joined signal for as long as it has a listener: one that never aborts must not keep it.
  const forget = () => signal.removeEventListener('abort', finish)
  try {
    const response = await perform(parts, request, exchange, {
      end: { signal, proceed: () => signal.throwIfAborted() },
      started: finish,
    })
    if (response.body instanceof Uint8Array) forget()
    return response
  } catch (error) {
    forget()
    throw error
  }
}

/** It counts no more among the requests under way. */
function leave({ metrics }: PipelineParts, exchange: Exchange): void {
  if (exchange.isCounted) metrics.inflight(kindOf(exchange.info), -1)
  exchange.isCounted = false
}

const proxied = new Set(['nodes', 'pods', 'services'])

function isLongRunning(info: RequestInfo): boolean {
  return info.type === 'resource' && (info.verb === 'watch' || info.subresource === 'log' || info.subresource === 'proxy')
}

/** As `authorize`, with the decision and its reason in the audit entry. */
async function authorizeNoted(core: Core, exchange: Exchange, asking: Asking): Promise<void> {
  const { info } = exchange
  const user = exchange.user!
  const attributes = attributesOf(user, info)
  const decision = await core.authorizer.authorize(attributes, asking)
  const { allowed, reason, error } = decision
  const notes = { 'authorization.k8s.io/decision': allowed ? 'allow' : 'forbid', 'authorization.k8s.io/reason': reason || (error ?? '') }
  exchange.annotations = { ...notes, ...exchange.annotations }
  if (!allowed) throw refusal(attributes, decision)
}

type ResourceAttributes = Extract<Attributes, { type: 'resource' }>

/** Throws 403 when the policy says no; at once where it can judge at once, so that nothing is spent on waiting. */
export function authorize(core: Core, user: UserInfo, info: RequestInfo, asking?: Asking): Promise<void> | undefined {
  const demand = (decision: Decision) => {
    if (!decision.allowed) throw refusal(attributes, decision)
  }
  const attributes = attributesOf(user, info)
  const decision = core.authorizer.authorize(attributes, asking)
  if (decision instanceof Promise) return decision.then(demand)
  demand(decision)
  return undefined
}

function attributesOf(user: UserInfo, info: RequestInfo): Attributes {
  if (info.type === 'path') return { type: 'path', user, verb: info.verb, path: info.path }
  const { verb, group, version, resource, subresource, namespace, name } = info
  const narrowed = isCollection(verb) ? selectorsOf(info.query.get('fieldSelector'), info.query.get('labelSelector')) : undefined
  const attributes = { type: 'resource', user, verb, group, version, resource, subresource, namespace, name } as const
  return narrowed ? { ...attributes, ...narrowed } : attributes
}

const isCollection = (verb: string) => verb === 'list' || verb === 'watch' || verb === 'deletecollection'

function selectorsOf(fields: string | undefined, labels: string | undefined): Pick<ResourceAttributes, 'fieldSelector' | 'labelSelector'> {
  const fieldSelector = fieldTerms(fields)
  const labelSelector = labelRequirements(labels)
  return { ...(fieldSelector ? { fieldSelector } : {}), ...(labelSelector ? { labelSelector } : {}) }
}

async function perform(
  parts: PipelineParts,
  request: ApiRequest,
  exchange: Exchange,
  { end, started }: { readonly end: Ending; readonly started: (() => void) | undefined },
): Promise<ApiResponse> {
  const { core } = parts
  const { info } = exchange
  const user = exchange.user!
  const route = parts.aggregation.find(info)
  if (route) {
    started?.()
    if (exchange.trail) exchange.trail.isForwarded = true
    return route.proxy(request, { user, signal: end.signal })
  }
  if (info.type === 'path') {
    const { headers, method } = request
    const response = await answerPath(parts.paths, info, { user, headers, signal: end.signal, method }, request)
    return response ?? nothingThere(core.registry, info.path)
  }
  if (info.subresource === 'proxy' && proxied.has(info.resource) && info.group === '') {
    if (!parts.dialer) throw statusErrors.serviceUnavailable('this server has no way to its nodes')
    await admitConnect(core, new HttpContext(exchange, user, { end, agent: '' }), info)
    if (exchange.trail) exchange.trail.isForwarded = true
    return proxyRequest(core, parts.dialer, request, info)
  }
  const agent = single(request.headers['user-agent']) ?? ''
  const resource = core.registry.find(info.group, info.version, info.resource)
  if (!resource) return nothingThere(core.registry, info.path)
  // Upstream offers HEAD of no resource.
  if (request.method === 'HEAD' || (info.verb === 'watch' && request.method !== 'GET')) throw methodNotAllowed()
  const format = negotiate(single(request.headers.accept), {
    pretty: info.query.get('pretty'),
    agent,
    allowsTable: hasTable(resource, info.subresource),
    isCollection: info.verb === 'list' || info.verb === 'watch',
  })
  const context = new HttpContext(exchange, user, { end, agent: agent.split('/', 1)[0]!, isRemote: true, started })
  const { deprecationWarning, verbs } = resource.kind
  const isServed = info.subresource !== '' || (verbs as readonly string[]).includes(info.verb)
  if (deprecationWarning !== undefined && isServed) {
    context.warn(deprecationWarning)
    context.annotate?.('k8s.io/deprecated', 'true')
    parts.metrics.deprecated(resource, info.subresource)
  }
  const answer = await answerTo(parts, { request, info, resource, context, trail: exchange.trail })
  return encodeAnswer(answer, {
    format,
    include: format.as === 'Table' ? includeOf(info) : 'None',
    nowMs: core.clock.now(),
    binary: format.encoding === 'protobuf' ? await parts.binary() : undefined,
    mayCompress: mayCompress(request),
    pace: exchange.pace,
  })
}

type Ending = Pick<RequestEnd, 'signal' | 'proceed'>

/** Of a class, for one is made for each request: of an object with a getter in a literal V8 makes a dictionary. */
class HttpContext implements RequestContext {
  readonly user: UserInfo
  readonly verb: string
  readonly agent: string
  readonly isRemote: boolean
  readonly pace: Pace | undefined
  readonly started: (() => void) | undefined
  readonly annotate: RequestContext['annotate']
  readonly #exchange: Exchange
  readonly #end: Ending

  constructor(exchange: Exchange, user: UserInfo, { end, agent, isRemote = false, started }: ContextParts) {
    this.user = user
    this.verb = exchange.info.verb
    this.agent = agent
    this.isRemote = isRemote
    this.pace = exchange.pace
    this.started = started
    // Without a log nobody reads what is noted.
    this.annotate = exchange.trail && ((key, value) => annotate(exchange, key, value))
    this.#exchange = exchange
    this.#end = end
  }

  get signal(): AbortSignal {
    return this.#end.signal
  }

  proceed(): void {
    this.#end.proceed()
  }

  warn(message: string): void {
    const { warnings } = this.#exchange
    if (!warnings.includes(message)) warnings.push(message)
  }
}

type ContextParts = Pick<RequestContext, 'agent' | 'isRemote' | 'started'> & { readonly end: Ending }

async function answerTo(
  parts: PipelineParts,
  call: { request: ApiRequest; info: ResourceRequest; resource: Resource; context: RequestContext; trail: AuditTrail | undefined },
): Promise<Answer> {
  const { core, metrics } = parts
  const { request, info, resource, context, trail } = call
  const { verb, subresource, namespace, name, rest, query } = info
  const contentType = single(request.headers['content-type'])
  const patch = verb === 'patch' ? (patchTypeOf(contentType) === 'apply' ? 'apply' : 'other') : undefined
  const parsed = parametersFrom(query, verb, patch)
  const parameters = verb === 'watch' && !parsed.timeoutSeconds ? { ...parsed, timeoutSeconds: watchTimeout(parts) } : parsed
  const plainBody = await httpBody({
    bytes: request.body,
    contentType,
    schemas: core.schemas,
    knownKinds: (apiVersion, kind) => core.registry.findKind(apiVersion, kind) !== undefined,
    binary: parts.binary,
  })
  const body = trail ? auditedBody(plainBody, trail, { core, resource }) : plainBody
  // A name that came out of a field selector is for the policy, not a name in the path.
  const isPathName = !isCollection(verb) || info.path.includes('/watch/')
  const answer = await dispatchVerb(core, parts.dispatch, context, {
    resource,
    verb,
    subresource,
    namespace,
    name: isPathName ? name : '',
    parameters,
    body,
    rest,
    query,
  })
  if (answer.type !== 'watch') return answer
  return { ...answer, batches: counted(metrics, { resource, labels: labelsOf(core, request, info) }, answer.batches) }
}

async function* counted(
  metrics: ApiMetrics,
  { resource, labels }: { readonly resource: Resource; readonly labels: RequestLabels },
  batches: (Answer & { type: 'watch' })['batches'],
): typeof batches extends AsyncIterable<infer B> ? AsyncGenerator<B> : never {
  const stopped = metrics.watchStarted(labels)
  try {
    for await (const batch of batches) {
      if (batch.type === 'events') metrics.watchEvents(resource, batch.events)
      yield batch
    }
  } finally {
    stopped()
  }
}

const watchTimeout = ({ core, limits }: PipelineParts) => limits.watchSecondsMin + core.random.below(Math.max(1, limits.watchSecondsMin))

const includes: readonly string[] = ['None', 'Metadata', 'Object']

function includeOf(info: ResourceRequest): IncludeObject {
  const include = info.query.get('includeObject') || 'Metadata'
  if (includes.includes(include)) return include as IncludeObject
  const { message } = fieldErrors.invalid('includeObject', include, "must be 'Metadata', 'Object', 'None', or empty")
  throw statusErrors.badRequest(`Unable to convert to Table as requested: includeObject: ${message}`)
}

function mayCompress(request: ApiRequest): boolean {
  // Without a weight, as upstream reads it.
  return (single(request.headers['accept-encoding']) ?? '').split(',').some((encoding) => encoding.trim() === 'gzip')
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function failure(parts: PipelineParts, request: ApiRequest, error: unknown, info: RequestInfo): Promise<ApiResponse> {
  return encodeFailure(failureOf(parts, request, error), formatOfFailure(request, info), parts.binary)
}

function failureOf({ core }: PipelineParts, request: ApiRequest, error: unknown): StatusError {
  if (error instanceof StatusError) return error
  if (request.signal.aborted) return statusErrors.timeout('the request was cancelled', 0)
  if (error instanceof StoreUnavailable) return statusErrors.serviceUnavailable(error.message)
  core.log.error({ error, method: request.method, path: request.url.split('?', 1)[0] }, 'a request failed unexpectedly')
  return statusErrors.internal(error)
}

/** The form of a failure, which is no table and no metadata alone, whatever was agreed on; undefined to whoever takes nothing else. */
function formatOfFailure({ headers }: ApiRequest, { query }: RequestInfo): Format | undefined {
  try {
    const agent = single(headers['user-agent']) ?? ''
    return negotiate(single(headers.accept), { pretty: query.get('pretty'), agent, allowsTable: false, isAsItIs: true })
  } catch {
    return undefined
  }
}
