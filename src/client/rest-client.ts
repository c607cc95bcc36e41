/**
 * The client over any transport that carries bare requests: HTTPS, or a function in a test. Browser-safe.
 *  1. A request is repeated only when the server said so (429 or 503 with Retry-After) or when it is a read whose connection broke.
 *  2. Every failure is a StatusError.
 */
import { type Clock, sleep } from '../base/clock.ts'
import type { KindRef } from '../kinds/kind.ts'
import type { KubeObject, ObjectList } from '../machinery/object.ts'
import { StatusError } from '../machinery/status-error.ts'
import type {
  Client,
  DeleteOptions,
  Patch,
  RawRequest,
  RawResponse,
  ResourceClient,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './contract.ts'
import { checkNamespace, queryString, resourcePath } from './resource-path.ts'
import { connectionError, responseError } from './response-error.ts'
import type { Status } from './types.ts'

/** Sends one request; rejects with the transport's own error when the connection breaks before the answer's head. */
export type Transport = (request: RawRequest) => Promise<RawResponse>

export type RestClientOptions = {
  readonly transport: Transport
  readonly clock: Clock
  /** How often a request is repeated at most. Default 10, as in client-go. */
  readonly retriesMax?: number
}

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
} as const satisfies Record<Patch['type'], string>

/** How often a read is repeated after its connection broke. */
const readRetriesMax = 3
const retryAfterMaxSeconds = 60

/** Throws nothing by itself: what goes wrong is the rejection of a call, a StatusError. */
export function createRestClient(options: RestClientOptions): Client {
  const send = (request: RawRequest) => sendWithRetries(options, request)
  return {
    resource: (kind, namespace) => resourceClient(send, kind, namespace),
    raw: send,
  }
}

type Send = (request: RawRequest) => Promise<RawResponse>

async function sendWithRetries({ transport, clock, retriesMax = 10 }: RestClientOptions, request: RawRequest): Promise<RawResponse> {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  for (let attempt = 0; ; attempt++) {
    request.signal?.throwIfAborted()
    let response: RawResponse
    try {
      response = await transport(request)
    } catch (error) {
      if (request.signal?.aborted) throw request.signal.reason
      if (error instanceof StatusError) throw error
      if (!isRead || attempt >= readRetriesMax || !isConnectionReset(error)) throw connectionError(error)
      await sleep(clock, 50 * 2 ** attempt, request.signal)
      continue
    }
    const seconds = response.code === 429 || response.code === 503 ? Number(response.headers['retry-after']) : Number.NaN
    if (!Number.isFinite(seconds) || attempt >= retriesMax) return response
    await readText(response)
    await sleep(clock, Math.min(retryAfterMaxSeconds, Math.max(0, seconds)) * 1000, request.signal)
  }
}

function isConnectionReset(error: unknown): boolean {
  const code = (error as { code?: unknown })?.code
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNREFUSED' || code === 'UND_ERR_SOCKET'
}

async function readText(response: RawResponse): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of response.body) text += decoder.decode(chunk, { stream: true })
  } catch (error) {
    throw connectionError(error)
  }
  return text + decoder.decode()
}

type Call = {
  readonly method: string
  readonly path: string
  readonly query?: Parameters<typeof queryString>[0]
  readonly body?: unknown
  readonly contentType?: string
  readonly signal?: AbortSignal | undefined
}

async function callJson<Out>(send: Send, call: Call): Promise<Out> {
  const text = await readText(await open(send, call))
  try {
    return JSON.parse(text) as Out
  } catch (error) {
    throw new StatusError(
      {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        reason: 'InternalError',
        code: 500,
        message: `the server's answer to ${call.method} ${call.path} is not JSON`,
      },
      { cause: error },
    )
  }
}

async function open(send: Send, call: Call): Promise<RawResponse> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (call.body !== undefined) headers['content-type'] = call.contentType ?? 'application/json'
  const response = await send({
    method: call.method,
    path: call.path + queryString(call.query ?? {}),
    headers,
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    ...(call.signal ? { signal: call.signal } : {}),
  })
  if (response.code >= 400) throw responseError(response.code, await readText(response))
  return response
}

function resourceClient<T extends KubeObject>(send: Send, kind: KindRef<T>, namespace: string | undefined): ResourceClient<T> {
  const path = (name?: string, subresource?: string) => resourcePath(kind, namespace, name, subresource)
  const withType = <Sent extends object>(object: Sent): Sent => ({
    apiVersion: kind.group ? `${kind.group}/${kind.version}` : kind.version,
    kind: kind.kind,
    ...object,
  })
  const write = (method: string, at: string, object: T, options: WriteOptions | undefined) =>
    callJson<T>(send, { method, path: at, query: writeQuery(options), body: withType(object), signal: options?.signal })
  return {
    // Async throughout: what is wrong with a call is a rejection, never thrown at the caller.
    get: async (name, options) =>
      callJson<T>(send, { method: 'GET', path: path(name), query: { resourceVersion: options?.resourceVersion }, signal: options?.signal }),
    list: (options = {}) => {
      const { signal, ...query } = options
      return callJson<ObjectList<T>>(send, { method: 'GET', path: path(), query, signal })
    },
    watch: (options) => watchStream<T>(send, path(), options),
    create: async (object, options) => {
      checkNamespace(kind, namespace)
      return write('POST', path(), object, options)
    },
    update: async (object, options) => write('PUT', path(object.metadata.name ?? ''), object, options),
    updateStatus: async (object, options) => write('PUT', path(object.metadata.name ?? '', 'status'), object, options),
    patch: async (name, patch, options) =>
      callJson<T>(send, {
        method: 'PATCH',
        path: path(name, options?.subresource),
        query: writeQuery(options),
        body: patch.body,
        contentType: patchTypes[patch.type],
        signal: options?.signal,
      }),
    apply: async (object, options) =>
      callJson<T>(send, {
        method: 'PATCH',
        path: path(object.metadata.name ?? '', options.subresource),
        query: { ...writeQuery(options), force: options.force ? true : undefined },
        body: withType(object),
        contentType: 'application/apply-patch+yaml',
        signal: options.signal,
      }),
    delete: async (name, options) =>
      callJson<T | Status>(send, {
        method: 'DELETE',
        path: path(name),
        body: deleteBody(options),
        query: dryRunQuery(options),
        signal: options?.signal,
      }),
    deleteCollection: async (options = {}) => {
      const query = { ...dryRunQuery(options), labelSelector: options.labelSelector, fieldSelector: options.fieldSelector }
      await callJson(send, { method: 'DELETE', path: path(), body: deleteBody(options), query, signal: options.signal })
    },
    subresource: async (name, subresource, body, options) => {
      const method = options?.method ?? 'POST'
      return callJson(send, {
        method,
        path: path(name, subresource),
        query: writeQuery(options),
        ...(method === 'GET' ? {} : { body: body ?? {} }),
        signal: options?.signal,
      })
    },
  }
}

function dryRunQuery(options: { readonly dryRun?: boolean } | undefined) {
  return { dryRun: options?.dryRun ? 'All' : undefined }
}

function writeQuery(options: WriteOptions | undefined) {
  return { ...dryRunQuery(options), fieldManager: options?.fieldManager, fieldValidation: options?.fieldValidation }
}

function deleteBody(options: DeleteOptions | undefined) {
  return {
    kind: 'DeleteOptions',
    apiVersion: 'v1',
    gracePeriodSeconds: options?.gracePeriodSeconds,
    propagationPolicy: options?.propagationPolicy,
    preconditions: options?.preconditions,
  }
}

type WireEvent<T> = { type: string; object: T & { metadata: { annotations?: Record<string, string> } } }

async function* watchStream<T extends KubeObject>(send: Send, path: string, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
  const { signal, sendInitialEvents, ...rest } = options
  const query = { ...rest, watch: true, ...(sendInitialEvents ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } : {}) }
  const response = await open(send, { method: 'GET', path, query, signal })
  for await (const line of lines(response.body, signal)) {
    const event = JSON.parse(line) as WireEvent<T>
    if (event.type === 'ERROR') throw responseError((event.object as Status).code ?? 500, JSON.stringify(event.object))
    if (event.type === 'BOOKMARK') {
      const { resourceVersion = '', annotations } = event.object.metadata
      yield { type: 'BOOKMARK', resourceVersion, isInitialEventsEnd: annotations?.['k8s.io/initial-events-end'] === 'true' }
    } else yield { type: event.type as 'ADDED' | 'MODIFIED' | 'DELETED', object: event.object }
  }
}

/** Newline-separated texts of a body; a broken connection becomes a StatusError, an aborted signal its reason. */
async function* lines(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const chunk of body) {
      const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) if (part !== '') yield part
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw error instanceof StatusError ? error : connectionError(error)
  }
}
