/** An API server of our own behind the aggregation layer, as the sample API server is one: flunders in memory, over TLS, for callers that the front proxy vouches for. */
import { createServer, type Server } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { applyMergePatch } from '../../src/machinery/patch/merge-patch.ts'

export type SampleApiServer = {
  readonly port: number
  /** Who asked, newest last, as the headers of the front proxy told. */
  readonly callers: Caller[]
  /** Takes no request any more until `open`: 503. */
  setReady(isReady: boolean): void
  close(): Promise<void>
}
export type Caller = {
  readonly user: string
  readonly groups: readonly string[]
  readonly extra: Readonly<Record<string, string>>
  readonly url: string
}

type Flunder = {
  kind: 'Flunder'
  apiVersion: string
  metadata: { name: string; namespace: string; resourceVersion: string; uid: string; ownerReferences?: readonly object[] }
  spec?: unknown
}

export const sampleGroup = 'wardle.example.com'
const apiVersion = `${sampleGroup}/v1alpha1`
const root = `/apis/${apiVersion}`
const names = { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', shortNames: ['fl'] }

export async function startSampleApiServer(options: {
  readonly cert: string
  readonly key: string
  readonly frontProxyCa: string
  /** Of the extension-apiserver-authentication ConfigMap. */
  readonly allowedNames: readonly string[]
}): Promise<SampleApiServer> {
  const { cert, key, frontProxyCa: ca, allowedNames } = options
  const store = new Map<string, Flunder>()
  const watchers = new Set<ServerResponse>()
  const callers: Caller[] = []
  let version = 1
  let isReady = true
  const tell = (type: string, object: Flunder) => {
    for (const watcher of watchers) watcher.write(`${JSON.stringify({ type, object })}\n`)
  }

  const callerOf = (request: IncomingMessage): Caller | undefined => {
    const socket = request.socket as TLSSocket
    if (!socket.authorized || !allowedNames.includes(String(socket.getPeerCertificate().subject.CN))) return undefined
    const user = request.headers['x-remote-user']
    if (typeof user !== 'string') return undefined
    const headers = Object.entries(request.headers).filter(([name]) => name.startsWith('x-remote-extra-'))
    const extra = Object.fromEntries(
      headers.map(([name, value]) => [decodeURIComponent(name.slice('x-remote-extra-'.length)), String(value)]),
    )
    return { user, groups: String(request.headers['x-remote-group'] ?? '').split(', '), extra, url: request.url ?? '' }
  }

  const collection = (request: IncomingMessage, response: ServerResponse, namespace: string, url: URL, body: string) => {
    const all = () => [...store.values()].filter((f) => namespace === '' || f.metadata.namespace === namespace)
    if (url.searchParams.get('watch')) {
      response.writeHead(200, { 'content-type': 'application/json' })
      for (const object of all()) response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`)
      response.flushHeaders()
      watchers.add(response)
      response.once('close', () => watchers.delete(response))
      return
    }
    if (request.method === 'GET')
      return json(response, 200, { kind: 'FlunderList', apiVersion, metadata: { resourceVersion: String(version) }, items: all() })
    if (request.method === 'DELETE') {
      for (const flunder of all()) remove(flunder)
      return json(response, 200, { kind: 'Status', apiVersion: 'v1', status: 'Success' })
    }
    const given = JSON.parse(body) as Flunder
    const resourceVersion = String(++version)
    const object: Flunder = {
      ...given,
      kind: 'Flunder',
      apiVersion,
      metadata: { ...given.metadata, namespace, resourceVersion, uid: `uid-${resourceVersion}` },
    }
    store.set(`${namespace}/${object.metadata.name}`, object)
    tell('ADDED', object)
    json(response, 201, object)
  }

  const remove = (flunder: Flunder) => {
    store.delete(`${flunder.metadata.namespace}/${flunder.metadata.name}`)
    tell('DELETED', flunder)
  }

  const patch = (flunder: Flunder, body: string): Flunder => {
    const merged = applyMergePatch(flunder, JSON.parse(body)) as Flunder
    const object = { ...merged, metadata: { ...merged.metadata, resourceVersion: String(++version) } }
    store.set(`${object.metadata.namespace}/${object.metadata.name}`, object)
    tell('MODIFIED', object)
    return object
  }

  const documents: Readonly<Record<string, object>> = {
    [root]: {
      kind: 'APIResourceList',
      apiVersion: 'v1',
      groupVersion: apiVersion,
      resources: [{ ...names, verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'watch'] }],
    },
    [`/openapi/v3${root}`]: { openapi: '3.0.0', info: { title: 'sample', version: '1' }, paths: { [`${root}/flunders`]: {} } },
    '/openapi/v2': {
      swagger: '2.0',
      info: { title: 'sample', version: '1' },
      paths: {
        [`${root}/flunders`]: { get: { responses: { 200: { description: 'OK', schema: { $ref: '#/definitions/Flunder' } } } } },
        '/apis/other': {},
      },
      definitions: {
        Flunder: { type: 'object', properties: { spec: { $ref: '#/definitions/Spec' } } },
        Spec: { type: 'object' },
        Unused: {},
      },
    },
  }

  const serve = (request: IncomingMessage, response: ServerResponse, body: string) => {
    if (!isReady) return json(response, 503, {})
    const caller = callerOf(request)
    if (!caller) return json(response, 401, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 401 })
    callers.push(caller)
    const url = new URL(request.url ?? '/', 'https://sample')
    const document = documents[url.pathname]
    if (document) return json(response, 200, document)
    const [, namespace = '', name = ''] =
      /^\/apis\/[^/]+\/[^/]+\/(?:namespaces\/([^/]+)\/)?flunders(?:\/([^/]+))?$/.exec(url.pathname) ?? []
    if (!url.pathname.startsWith(root)) return json(response, 404, {})
    if (name === '') return collection(request, response, namespace, url, body)
    const found = store.get(`${namespace}/${name}`)
    if (!found) return json(response, 404, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'NotFound', code: 404 })
    if (request.method === 'DELETE') {
      const { preconditions = {} } = (body === '' ? {} : JSON.parse(body)) as { preconditions?: Partial<Flunder['metadata']> }
      const { uid, resourceVersion } = { ...found.metadata, ...preconditions }
      if (uid !== found.metadata.uid || resourceVersion !== found.metadata.resourceVersion)
        return json(response, 409, { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Conflict', code: 409 })
      remove(found)
    }
    json(response, 200, request.method === 'PATCH' ? patch(found, body) : found)
  }

  const server: Server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false }, (request, response) => {
    let body = ''
    request.on('data', (block: Buffer) => (body += block.toString()))
    request.on('end', () => serve(request, response, body))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    const caller = callerOf(request)
    socket.on('error', () => {})
    if (!caller) return void socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
    callers.push(caller)
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    socket.pipe(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    callers,
    setReady: (ready) => (isReady = ready),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function json(response: ServerResponse, code: number, body: object): void {
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(code, { 'content-type': 'application/json', 'content-length': bytes.length })
  response.end(bytes)
}
