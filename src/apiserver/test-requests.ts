import type { ApiServer } from './api-server.ts'

export type TestResponse = {
  readonly code: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly text: string
  /** The body as JSON; empty object where it is none. */
  readonly json: TestJson
}

/** A body as tests read it: any path, without types. */
export type TestJson = Readonly<Record<string, unknown>>

/** What lies at a path of a body: `at(json, 'spec.containers.0.name')`; undefined when a step is missing. */
export function at(json: TestJson, path: string): unknown {
  let value: unknown = json
  for (const step of path.split('.')) value = (value as Record<string, unknown> | undefined | null)?.[step]
  return value
}

export type SendOptions = {
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown
  readonly type?: string
  readonly accept?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly signal?: AbortSignal
  /** Default: this machine's. */
  readonly remoteAddress?: string
}

export type Send = (method: string, url: string, options?: SendOptions) => Promise<TestResponse>

/** Sends bare requests through the whole pipeline, as the HTTP front does. */
export function sender(api: ApiServer): Send {
  return async (method, url, options = {}) => {
    const { code, headers, body } = await rawRequest(api, method, url, options)
    let text = ''
    if (body instanceof Uint8Array) text = Buffer.from(body).toString()
    else for await (const block of body) text += Buffer.from(block).toString()
    return { code, headers, text, json: parsed(text) }
  }
}

/** A sender of objects of a group's custom kinds, named as their plurals, that need not say what they are. */
export function typedSender(api: ApiServer, group: string): Send {
  const send = sender(api)
  return (method, url, options = {}) => {
    const [path = ''] = url.split('?')
    const [, version, plural] = /^\/apis\/([^/]+\/[^/]+)\/namespaces\/[^/]+\/([^/]+)(?:\/[^/]+)?$/.exec(path) ?? []
    const { body } = options
    const isObject = typeof body === 'object' && body !== null && !(body instanceof Uint8Array)
    if ((method !== 'POST' && method !== 'PUT') || !isObject || !version?.startsWith(`${group}/`)) return send(method, url, options)
    const kind = plural!.charAt(0).toUpperCase() + plural!.slice(1, -1)
    return send(method, url, { ...options, body: { apiVersion: version, kind, ...body } })
  }
}

/** A request whose answer's body is read by the test itself. */
export function rawRequest(api: ApiServer, method: string, url: string, options: SendOptions = {}) {
  const {
    body,
    type = 'application/json',
    accept,
    headers = {},
    signal = new AbortController().signal,
    remoteAddress = '127.0.0.1',
  } = options
  const bytes =
    body === undefined ? undefined : body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  return api.handle({
    method,
    url,
    headers: { 'user-agent': 'tester/1.0', ...(accept ? { accept } : {}), ...(bytes ? { 'content-type': type } : {}), ...headers },
    body: bytes,
    credentials: { clientCertificate: undefined, bearerToken: undefined },
    remoteAddress,
    signal,
  })
}

function parsed(text: string): TestJson {
  try {
    return JSON.parse(text) as TestJson
  } catch {
    return {} as TestJson
  }
}

/** The pod `p` with a container `c` in the namespace default, on the node `n` at 10.0.0.1. */
export async function createPodOnNode(send: Send): Promise<void> {
  const pod = { metadata: { name: 'p' }, spec: { nodeName: 'n', containers: [{ name: 'c', image: 'busybox' }] } }
  const status = { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] }
  await send('POST', '/api/v1/nodes', { body: { metadata: { name: 'n' } } })
  await send('PATCH', '/api/v1/nodes/n/status', { type: 'application/merge-patch+json', body: { status } })
  await send('POST', '/api/v1/namespaces/default/pods', { body: pod })
}
