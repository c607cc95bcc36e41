import { assert } from '../base/assert.ts'
import { settledEach } from '../base/settled.ts'
import {
  batchWritesMax,
  type BatchWrite,
  type Client,
  type DeleteOptions,
  type Patch,
  type PodChange,
  type ResourceClient,
  type WatchEvent,
  type WatchOptions,
  type WriteOptions,
} from '../client/contract.ts'
import { chosenResource } from '../client/delegate-resource.ts'
import { podPatch } from '../client/pod-patch.ts'
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
import { changePods } from './verbs/change-pods.ts'
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
    changePods: (changes, options) => changeEach(parts, changes, options?.signal),
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

/** Throws, or rejects, where the caller may not. */
function admitCall(parts: InProcessParts, resource: Resource, namespace: string, request: Call): Promise<void> | undefined {
  const { core, user, closing } = parts
  const { verb, name = '', subresource = '', signal } = request
  signal?.throwIfAborted()
  if (closing.aborted) throw statusErrors.serviceUnavailable('the API server is shutting down')
  const { kind } = resource
  return authorize(core, user, {
    type: 'resource',
    path: '',
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
}

/** What a verb learns of the request. */
function contextOf({ user, agent, closing }: InProcessParts, { verb, signal }: Pick<Call, 'verb' | 'signal'>): RequestContext {
  return { user, verb, signal: signal ?? closing, agent, warn: () => {}, readsWarnings: false, takesObjects: true }
}

async function call(parts: InProcessParts, resource: Resource, namespace: string, request: Call): Promise<Answer> {
  const { core, dispatch } = parts
  const admitting = admitCall(parts, resource, namespace, request)
  if (admitting) await admitting
  return dispatchVerb(core, dispatch, contextOf(parts, request), verbRequest(core, resource, namespace, request))
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
  const preparing = settledEach(writes, ({ kind, namespace = '', name, subresource, body }) => {
    const resource = core.registry.find(kind.group, kind.version, kind.plural)
    if (!resource) throw statusErrors.pathNotFound()
    const request: Call = { verb: 'create', name, subresource, body, ...writeCall(undefined), signal }
    const admitting = admitCall(parts, resource, namespace, request)
    const prepare = () => verbRequest(core, resource, namespace, request)
    return admitting ? admitting.then(prepare) : prepare()
  })
  const prepared = preparing instanceof Promise ? await preparing : preparing
  const allowed = prepared.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  // One caller, one signal: what one write knows of its request goes for all.
  const context = contextOf(parts, { verb: 'create', signal })
  const answers = allowed.length > 0 ? await dispatchBatch(core, dispatch, context, allowed) : []
  const outcomes = answers.values()
  return prepared.map((one): PromiseSettledResult<object> => {
    if (one.status === 'rejected') return one
    const outcome = outcomes.next().value!
    return outcome.status === 'rejected' ? outcome : { status: 'fulfilled', value: handOut(objectOf(outcome.value)) }
  })
}

/** See `changePods` of Client. */
async function changeEach(
  parts: InProcessParts,
  changes: readonly PodChange[],
  signal: AbortSignal | undefined,
): Promise<readonly PromiseSettledResult<KubeObject | Status>[]> {
  assert(changes.length <= batchWritesMax, `a batch has at most ${batchWritesMax} writes`)
  const { core } = parts
  const pods = core.registry.find('', 'v1', 'pods')
  if (!pods) throw statusErrors.pathNotFound()
  const admitting = settledEach(changes, ({ namespace, name, deletes }) => {
    const mayPatch = admitCall(parts, pods, namespace, { verb: 'patch', name, subresource: 'status', signal })
    const mayDelete = () => (deletes ? admitCall(parts, pods, namespace, { verb: 'delete', name, signal }) : undefined)
    return mayPatch ? mayPatch.then(mayDelete) : mayDelete()
  })
  // Without a wait where there is nothing to wait for: a caller that counts its time then has counted the work.
  const admitted = admitting instanceof Promise ? await admitting : admitting
  const allowed = changes.filter((_, i) => admitted[i]!.status === 'fulfilled')
  const done = (await changePods(core, contextOf(parts, { verb: 'delete', signal }), { pods, changes: allowed })).values()
  return settledEach(changes, (change, i) => {
    const refused = admitted[i]!
    if (refused.status === 'rejected') throw refused.reason
    const outcome = done.next().value!
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value ? parts.handOut(outcome.value) : changeByRequests(parts, pods, change, signal)
  })
}

/** Where somebody is to see the patch. */
async function changeByRequests(
  parts: InProcessParts,
  pods: Resource,
  change: PodChange,
  signal: AbortSignal | undefined,
): Promise<KubeObject | Status> {
  const { namespace, name, uid, deletes } = change
  const patch = { type: 'strategic', value: podPatch(change) } as const
  const patched = await call(parts, pods, namespace, { verb: 'patch', name, subresource: 'status', patch, ...writeCall({}), signal })
  const answer = deletes
    ? await call(parts, pods, namespace, { verb: 'delete', name, ...deleteCall({ preconditions: { uid } }), signal })
    : patched
  // What they answer is the object or a Status.
  return parts.handOut(objectOf(answer) as KubeObject | Status)
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
  await admitCall(parts, resource, namespace, request)
  const context = contextOf(parts, request)
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
