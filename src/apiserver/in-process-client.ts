import { assert } from '../base/assert.ts'
import {
  batchWritesMax,
  type BatchWrite,
  type Client,
  type DeleteOptions,
  type Patch,
  type ResourceClient,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from '../client/contract.ts'
import { chosenResource } from '../client/delegate-resource.ts'
import { createRestClient, type Transport } from '../client/rest-client.ts'
import type { KindRef } from '../kinds/kind.ts'
import { apiVersionOf, type KubeObject, type ObjectList } from '../machinery/object.ts'
import { type Status, statusErrors } from '../machinery/status-error.ts'
import { valueBody } from './http/body.ts'
import type { ApiRequest, ApiResponse, UserInfo } from './contract.ts'
import type { Core, RequestContext } from './core.ts'
import { type Dispatch, dispatchBatch, dispatchVerb } from './dispatch.ts'
import { type ListedView, viewOf } from './objects/object-storage.ts'
import { authorize } from './pipeline.ts'
import type { Resource } from './registry.ts'
import { type Query, selectedName } from './http/request-info.ts'
import { createAlike, type Settled } from './verbs/create-alike.ts'
import { disruptPod, type DisruptRequest } from './verbs/disrupt.ts'
import { type Answer, noParameters, type Parameters, type PatchBody, type VerbRequest } from './verb-request.ts'

export type InProcessParts = {
  readonly core: Core
  readonly dispatch: Dispatch
  readonly user: UserInfo
  /** The field manager of its writes. */
  readonly agent: string
  /** Serves `raw`: the whole pipeline with this user. */
  readonly handle: (request: ApiRequest) => Promise<ApiResponse>
  /** Every object that goes out; the identity, or a freeze where tests want a mutation to fail at once. */
  readonly handOut: <T extends object>(object: T) => T
  /** What lists and watches give of an object: all of it when absent. */
  readonly listed?: ListedView
  /** Ends every watch of the client when the server closes. */
  readonly closing: AbortSignal
}

/**
 * The client of everything that runs in the server's own process. The chain is the same (authorization, admission,
 * validation); objects go in as copies and come out by reference, shared with the cache: never change one. What another
 * server answers (aggregated kinds) is asked for as clients on the wire do, without the wire.
 */
export function createInProcessClient(parts: InProcessParts): Client {
  const { core, agent } = parts
  const raw = transportOf(parts)
  const remote = createRestClient({
    transport: (request) => raw({ ...request, headers: { 'user-agent': agent, ...request.headers } }),
    clock: core.clock,
  })
  return {
    resource: (kind, namespace) => {
      const own = resourceClient(parts, kind, namespace)
      const found = () => core.registry.find(kind.group, kind.version, kind.plural)
      const served = found()
      if (served && !served.isCustom) return own
      const foreign = remote.resource(kind, namespace)
      // A custom kind may be served in a moment, or not any more.
      return chosenResource(() => (found() ? own : foreign))
    },
    createBatch: (writes, options) => createBatch(parts, writes, options?.signal),
    disruptPod: (pod, condition, options) => disrupt(parts, { ...pod, condition }, options?.signal),
    raw,
  }
}

function transportOf({ handle, closing }: InProcessParts): Transport {
  return async ({ method, path, query, headers = {}, body, signal }) => {
    const response = await handle({
      method,
      url: withQuery(path, query),
      headers,
      body: typeof body === 'string' ? Buffer.from(body) : body,
      credentials: { clientCertificate: undefined, bearerToken: undefined },
      remoteAddress: '',
      signal: signal ?? closing,
    })
    const flat = Object.fromEntries(
      Object.entries(response.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
    )
    return { code: response.code, headers: flat, body: response.body instanceof Uint8Array ? once(response.body) : response.body }
  }
}

/** Upstream's program of each identity, which is what field managers are named after. */
const programs: readonly (readonly [RegExp, string])[] = [
  [/^system:node:/, 'kubelet'],
  [/^system:serviceaccount:kube-system:|^system:kube-controller-manager$/, 'kube-controller-manager'],
  [/^system:kube-scheduler$/, 'kube-scheduler'],
  [/^system:apiserver$/, 'kube-apiserver'],
]

/** The name under which a part of the cluster, known by its user's name, owns fields. */
export function agentOf(userName: string): string {
  return programs.find(([pattern]) => pattern.test(userName))?.[1] ?? 'keelson'
}

type Call = {
  readonly verb: string
  readonly name?: string
  readonly subresource?: string
  readonly parameters?: Partial<Parameters>
  readonly body?: unknown
  readonly patch?: PatchBody
  readonly signal?: AbortSignal | undefined
}

const emptyQuery: Query = { text: '', get: () => undefined, getAll: () => [] }

/** The parameters that authorization looks at. */
function selectorQuery(parameters: Partial<Parameters> | undefined): Query {
  if (!parameters?.fieldSelector && !parameters?.labelSelector) return emptyQuery
  const { fieldSelector, labelSelector } = parameters
  return { ...emptyQuery, get: (name) => (name === 'fieldSelector' ? fieldSelector : name === 'labelSelector' ? labelSelector : undefined) }
}

/** Whether the caller may; what a verb then learns of the request. */
function admitCall(parts: InProcessParts, resource: Resource, namespace: string, request: Call): RequestContext | Promise<RequestContext> {
  const { core, user, agent, closing } = parts
  const { verb, name = '', subresource = '', signal } = request
  signal?.throwIfAborted()
  if (closing.aborted) throw statusErrors.serviceUnavailable('the API server is shutting down')
  const { kind } = resource
  const path = ''
  const judging = authorize(core, user, {
    type: 'resource',
    path,
    query: selectorQuery(request.parameters),
    verb,
    group: kind.group,
    version: kind.version,
    resource: kind.plural,
    subresource,
    namespace,
    name: name || selectedName(request.parameters?.fieldSelector),
    rest: '',
  })
  const context: RequestContext = { user, verb, signal: signal ?? closing, agent, warn: () => {}, readsWarnings: false, takesObjects: true }
  return judging ? judging.then(() => context) : context
}

async function call(parts: InProcessParts, resource: Resource, namespace: string, request: Call): Promise<Answer> {
  const { core, dispatch } = parts
  const admitted = admitCall(parts, resource, namespace, request)
  const context = admitted instanceof Promise ? await admitted : admitted
  return dispatchVerb(core, dispatch, context, verbRequest(core, resource, namespace, request))
}

function verbRequest({ schemas }: Core, resource: Resource, namespace: string, request: Call): VerbRequest {
  const { verb, name = '', subresource = '', parameters } = request
  return {
    resource,
    verb,
    subresource,
    namespace,
    name,
    parameters: parameters ? { ...noParameters, ...parameters } : noParameters,
    body: valueBody(schemas, request.body, request.patch),
    rest: '',
    query: emptyQuery,
  }
}

/** See `createBatch` of Client. */
async function createBatch(
  parts: InProcessParts,
  writes: readonly BatchWrite[],
  signal: AbortSignal | undefined,
): Promise<readonly PromiseSettledResult<object>[]> {
  assert(writes.length <= batchWritesMax, `a batch has at most ${batchWritesMax} writes`)
  const { core, dispatch, handOut } = parts
  const prepare = async ({ kind, namespace = '', name, subresource, body }: BatchWrite) => {
    const resource = core.registry.find(kind.group, kind.version, kind.plural)
    if (!resource) throw statusErrors.pathNotFound()
    const request: Call = { verb: 'create', name, subresource, body, ...writeCall(undefined), signal }
    const admitted = admitCall(parts, resource, namespace, request)
    const context = admitted instanceof Promise ? await admitted : admitted
    return { context, request: verbRequest(core, resource, namespace, request) }
  }
  const prepared = await Promise.allSettled(writes.map(prepare))
  const allowed = prepared.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  // One caller, one signal: what one write knows of its request goes for all.
  const answers = allowed[0]
    ? await dispatchBatch(
        core,
        dispatch,
        allowed[0].context,
        allowed.map(({ request }) => request),
      )
    : []
  const outcomes = answers.values()
  return prepared.map((one): PromiseSettledResult<object> => {
    if (one.status === 'rejected') return one
    const outcome = outcomes.next().value!
    return outcome.status === 'rejected' ? outcome : { status: 'fulfilled', value: handOut(objectOf(outcome.value)) }
  })
}

/** See `disruptPod` of Client. */
async function disrupt(
  parts: InProcessParts,
  disruption: Omit<DisruptRequest, 'resource'>,
  signal: AbortSignal | undefined,
): Promise<KubeObject | Status> {
  const { core, handOut } = parts
  const { namespace, name, uid, condition } = disruption
  const resource = core.registry.find('', 'v1', 'pods')
  if (!resource) throw statusErrors.pathNotFound()
  const mayPatch = admitCall(parts, resource, namespace, { verb: 'patch', name, subresource: 'status', signal })
  if (mayPatch instanceof Promise) await mayPatch
  const mayDelete = admitCall(parts, resource, namespace, { verb: 'delete', name, signal })
  const context = mayDelete instanceof Promise ? await mayDelete : mayDelete
  const done = await disruptPod(core, context, { ...disruption, resource })
  if (done) return handOut(done.last ?? viewOf(resource, done.value))
  const value = { metadata: { uid }, status: { conditions: [condition] } }
  await call(parts, resource, namespace, {
    verb: 'patch',
    name,
    subresource: 'status',
    patch: { type: 'strategic', value },
    ...writeCall({}),
    signal,
  })
  const removed = await call(parts, resource, namespace, { verb: 'delete', name, ...deleteCall({ preconditions: { uid } }), signal })
  // What a delete answers is the object or a Status.
  return handOut(objectOf(removed) as KubeObject | Status)
}

/** See `createAlike` of ResourceClient. */
async function callAlike(
  parts: InProcessParts,
  resource: Resource,
  namespace: string,
  { object, count }: { readonly object: object; readonly count: number },
): Promise<readonly Settled[] | undefined> {
  const { core } = parts
  const request: Call = { verb: 'create', body: object, ...writeCall(undefined) }
  const context = await admitCall(parts, resource, namespace, request)
  const parameters = { ...noParameters, ...request.parameters }
  const own = valueBody(core.schemas, object, undefined).object(resource.kind, context, parameters.fieldValidation)
  return createAlike(core, context, { resource, namespace, object: own, parameters, count })
}

function resourceClient<T extends KubeObject>(parts: InProcessParts, ref: KindRef<T>, scope: string | undefined): ResourceClient<T> {
  const { core } = parts
  const namespace = ref.scope === 'Namespaced' ? (scope ?? '') : ''
  const find = () => {
    const resource = core.registry.find(ref.group, ref.version, ref.plural)
    if (!resource) throw statusErrors.pathNotFound()
    return resource
  }
  const send = async (request: Call) => call(parts, find(), namespace, request)
  const one = async (request: Call) => parts.handOut(objectOf(await send(request))) as T
  return {
    get: (name, options) => one({ verb: 'get', name, parameters: { resourceVersion: options?.resourceVersion }, signal: options?.signal }),
    list: async (options = {}) => {
      const { signal, ...parameters } = options
      const list = listOf(await send({ verb: 'list', parameters, signal }), parts.listed ?? viewOf) as ObjectList<T>
      for (const item of list.items) parts.handOut(item)
      return list
    },
    watch: (options) => watchEvents<T>(parts, send, options),
    create: (object, options) => one({ verb: 'create', body: object, ...writeCall(options) }),
    createAlike: async (object, count) => {
      const resource = find()
      const settled = await callAlike(parts, resource, namespace, { object, count })
      return settled?.map((one) =>
        one.status === 'fulfilled' ? { status: one.status, value: parts.handOut(viewOf(resource, one.value)) as T } : one,
      )
    },
    update: (object, options) => one({ verb: 'update', name: object.metadata.name ?? '', body: object, ...writeCall(options) }),
    updateStatus: (object, options) =>
      one({ verb: 'update', name: object.metadata.name ?? '', subresource: 'status', body: object, ...writeCall(options) }),
    patch: (name, patch, options) =>
      one({
        verb: 'patch',
        name,
        patch: patchOf(patch),
        ...writeCall(options),
        ...(options?.subresource ? { subresource: options.subresource } : {}),
      }),
    apply: (object, options) => {
      const value = { apiVersion: apiVersionOf(ref), kind: ref.kind, ...object }
      const { parameters, signal } = writeCall(options)
      return one({
        verb: 'patch',
        name: object.metadata.name ?? '',
        patch: { type: 'apply', value },
        parameters: { ...parameters, force: options.force ?? false },
        signal,
        ...(options.subresource ? { subresource: options.subresource } : {}),
      })
    },
    delete: (name, options) => one({ verb: 'delete', name, ...deleteCall(options) }) as Promise<T | Status>,
    deleteCollection: async (options = {}) => {
      const { labelSelector, fieldSelector } = options
      const { parameters, signal } = deleteCall(options)
      await send({ verb: 'deletecollection', parameters: { ...parameters, labelSelector, fieldSelector }, signal })
    },
    subresource: async (name, subresource, body, options) => {
      const verb = options?.method === 'GET' ? 'get' : options?.method === 'PUT' ? 'update' : 'create'
      return objectOf(await send({ verb, name, subresource, body: body ?? {}, ...writeCall(options) })) as never
    },
  }
}

function writeCall(options: WriteOptions | undefined): {
  readonly parameters: Partial<Parameters>
  readonly signal: AbortSignal | undefined
} {
  if (!options) return { parameters: { fieldValidation: 'Ignore' }, signal: undefined }
  const { dryRun = false, fieldManager, fieldValidation = 'Ignore', signal } = options
  return { parameters: { dryRun, fieldManager, fieldValidation }, signal }
}

function deleteCall(options: DeleteOptions | undefined): {
  readonly parameters: Partial<Parameters>
  readonly signal: AbortSignal | undefined
} {
  const { signal, dryRun = false, ...deletion } = options ?? {}
  return { parameters: { dryRun, deletion }, signal }
}

function patchOf(patch: Patch): PatchBody {
  return { type: patch.type, value: patch.body }
}

function objectOf(answer: Answer): object {
  if (answer.type === 'object') return viewOf(answer.resource, answer.value)
  if (answer.type === 'plain') return answer.object
  throw statusErrors.internal(new Error(`an answer of type ${answer.type} has no object`))
}

function listOf(answer: Answer, view: typeof viewOf): ObjectList {
  if (answer.type !== 'list') throw statusErrors.internal(new Error(`an answer of type ${answer.type} is no list`))
  const { resource, page } = answer
  return {
    kind: resource.kind.listKind,
    apiVersion: resource.apiVersion,
    metadata: {
      resourceVersion: String(page.revision),
      ...(page.continueToken ? { continue: page.continueToken } : {}),
      ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
    },
    items: page.items.map((value) => view(resource, value)),
  }
}

async function* watchEvents<T extends KubeObject>(
  parts: InProcessParts,
  send: (request: Call) => Promise<Answer>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const { signal, sendInitialEvents, ...rest } = options
  const combined = AbortSignal.any([signal, parts.closing])
  const match = sendInitialEvents === undefined ? {} : { sendInitialEvents, resourceVersionMatch: 'NotOlderThan' }
  const answer = await send({ verb: 'watch', parameters: { ...rest, ...match }, signal: combined })
  const view = parts.listed ?? viewOf
  if (answer.type !== 'watch') throw statusErrors.internal(new Error('a watch was not answered by a watch'))
  for await (const batch of answer.batches) {
    if (batch.type === 'error') throw batch.error
    if (batch.type === 'bookmark') {
      yield { type: 'BOOKMARK', resourceVersion: String(batch.revision), isInitialEventsEnd: batch.isInitialEventsEnd }
      continue
    }
    for (const { type, value } of batch.events) yield { type, object: parts.handOut(view(answer.resource, value)) as T }
  }
  signal.throwIfAborted()
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

function withQuery(path: string, query: Readonly<Record<string, string | readonly string[]>> | undefined): string {
  if (!query) return path
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query))
    for (const one of typeof value === 'string' ? [value] : value) parameters.append(name, one)
  const text = parameters.toString()
  return text === '' ? path : `${path}${path.includes('?') ? '&' : '?'}${text}`
}
