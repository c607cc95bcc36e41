// Runs in a pod: an admission webhook, a conversion webhook and an aggregated API in one server, with nothing but Node.
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createServer } from 'node:https'
import type { TLSSocket } from 'node:tls'

type Json = Record<string, unknown>

const account = '/var/run/secrets/kubernetes.io/serviceaccount'
const group = 'wardle.example.com'
const root = `/apis/${group}/v1alpha1`

/** Whom the API server speaks for: its front proxy's authority, read as the pod's own account. */
function frontProxyAuthority(): Promise<string> {
  return new Promise((resolve, reject) => {
    const url = 'https://kubernetes.default.svc/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication'
    const headers = { authorization: `Bearer ${readFileSync(`${account}/token`, 'utf8')}` }
    const sent = httpsRequest(url, { headers, ca: readFileSync(`${account}/ca.crt`) }, async (response) => {
      const text = Buffer.concat(await response.toArray()).toString()
      if (response.statusCode !== 200) return reject(new Error(text))
      resolve((JSON.parse(text) as { data: Record<string, string> }).data['requestheader-client-ca-file']!)
    })
    sent.once('error', reject)
    sent.end()
  })
}

const flunders = new Map<string, Json>()

function answer(url: URL, request: IncomingMessage, body: Json): { code: number; json: Json } {
  if (url.pathname === '/admit') return { code: 200, json: admitted(body) }
  if (url.pathname === '/convert') return { code: 200, json: converted(body) }
  if (!(request.socket as TLSSocket).authorized)
    return { code: 401, json: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 401 } }
  return aggregated(url, request, body)
}

function admitted({ apiVersion, kind, request }: Json): Json {
  const { uid, object } = request as { uid: string; object: { data?: Record<string, string> } }
  const isWelcome = object.data?.taste !== 'bitter'
  const patch = Buffer.from(JSON.stringify([{ op: 'add', path: '/metadata/labels', value: { 'tasted-by': 'a-pod' } }])).toString('base64')
  return {
    apiVersion,
    kind,
    response: isWelcome
      ? { uid, allowed: true, patchType: 'JSONPatch', patch }
      : { uid, allowed: false, status: { code: 418, message: 'too bitter' } },
  }
}

/** v1 has `spec.hostPort`, v2 has `spec.host` and `spec.port`. */
function converted({ apiVersion, kind, request }: Json): Json {
  const { uid, desiredAPIVersion, objects } = request as {
    uid: string
    desiredAPIVersion: string
    objects: (Json & { spec: Record<string, string> })[]
  }
  const convertedObjects = objects.map(({ spec, ...object }) => {
    if (desiredAPIVersion.endsWith('/v1'))
      return { ...object, apiVersion: desiredAPIVersion, spec: { hostPort: `${spec.host}:${spec.port}` } }
    const [host, port] = spec.hostPort!.split(':')
    return { ...object, apiVersion: desiredAPIVersion, spec: { host, port } }
  })
  return { apiVersion, kind, response: { uid, convertedObjects, result: { status: 'Success' } } }
}

function aggregated(url: URL, request: IncomingMessage, body: Json): { code: number; json: Json } {
  const apiVersion = `${group}/v1alpha1`
  if (url.pathname === root) {
    const resource = { name: 'flunders', singularName: 'flunder', namespaced: true, kind: 'Flunder', verbs: ['create', 'get', 'list'] }
    return { code: 200, json: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: apiVersion, resources: [resource] } }
  }
  const [, name] = /\/namespaces\/[^/]+\/flunders(?:\/([^/]+))?$/.exec(url.pathname) ?? []
  if (request.method === 'POST') {
    const metadata = { ...(body.metadata as Json), annotations: { 'created-by': request.headers['x-remote-user'] } }
    const flunder = { ...body, apiVersion, kind: 'Flunder', metadata }
    flunders.set(String((body.metadata as Json).name), flunder)
    return { code: 201, json: flunder }
  }
  if (name) return { code: flunders.has(name) ? 200 : 404, json: flunders.get(name) ?? { kind: 'Status', apiVersion: 'v1', code: 404 } }
  if (!url.pathname.endsWith('/flunders')) return { code: 404, json: { kind: 'Status', apiVersion: 'v1', code: 404 } }
  return { code: 200, json: { kind: 'FlunderList', apiVersion, metadata: {}, items: [...flunders.values()] } }
}

async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const text = Buffer.concat(await request.toArray()).toString()
  const { code, json } = answer(new URL(request.url ?? '/', 'https://extension'), request, text ? (JSON.parse(text) as Json) : {})
  response.writeHead(code, { 'content-type': 'application/json' })
  response.end(JSON.stringify(json))
}

const identity = { cert: readFileSync('/certs/tls.crt'), key: readFileSync('/certs/tls.key') }
const tls = { ...identity, ca: await frontProxyAuthority(), requestCert: true, rejectUnauthorized: false }
createServer(tls, (request, response) => void handle(request, response)).listen(8443)
process.once('SIGTERM', () => process.exit(0))
