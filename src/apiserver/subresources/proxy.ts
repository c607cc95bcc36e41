import { BlockList, isIP } from 'node:net'
import { posix } from 'node:path'
import { pods } from '../../kinds/core/pod.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { Endpoint } from '../../kinds/generated/types/discovery-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { ApiRequest, ApiResponse } from '../contract.ts'
import type { Core } from '../core.ts'
import type { Dialer, DialTarget } from '../reach/node-dialer.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import type { ResourceRequest } from '../http/request-info.ts'
import { serviceEndpoint } from '../reach/service-endpoint.ts'
import { nodeTarget } from './node-target.ts'
import { hopByHop, proxiedAnswer } from './proxied-answer.ts'
import { unreachable, unreachableService } from './proxy-errors.ts'

/** Who asks is this server's to tell; what clients say in these headers is nobody's word. */
const ownHeaders = /^(?::|authorization$|impersonate-|x-remote-|host$|content-length$|accept-encoding$)/

/**
 * Requests through the API server to a node, pod or service: `…/proxy/PATH`. Names may carry a scheme and a port
 * (`https:web:8443`). Redirects and links of pages are led back through the proxy; all else of the answer is passed on as it is.
 */
export async function proxyRequest(core: Core, dialer: Dialer, request: ApiRequest, info: ResourceRequest): Promise<ApiResponse> {
  const target = proxyTarget(core, info)
  const { body, method, signal } = request
  if (info.rest === '' && (method === 'GET' || method === 'HEAD')) {
    const location = `${info.path}/${info.query.text ? `?${info.query.text}` : ''}`
    return { code: 301, headers: { location }, body: new Uint8Array() }
  }
  try {
    const answer = await dialer.request(target, {
      method,
      path: proxyPath(info),
      headers: proxyHeaders(request, info, target),
      body,
      signal,
    })
    return proxiedAnswer(answer, {
      prefix: proxyPrefix(info),
      backendHost: `${target.host}:${target.port}`,
      clientHost: clientHostOf(request),
    })
  } catch (error) {
    if (error instanceof StatusError) throw error
    throw info.resource === 'nodes' ? unreachable(info.name, target, error) : unreachableService(error)
  }
}

/** What the backend is told: to a workload, also by which name and path it was called, so that it can name itself. */
export function proxyHeaders(request: ApiRequest, info: ResourceRequest, { isNode }: DialTarget): Record<string, string | string[]> {
  const host = clientHostOf(request)
  return {
    ...forwardedHeaders(request),
    'x-forwarded-uri': posix.join(proxyPrefix(info), info.rest),
    ...(isNode || host === '' ? {} : { host }),
  }
}

function proxyPrefix({ path, rest }: ResourceRequest): string {
  return path.endsWith(rest) ? path.slice(0, path.length - rest.length) : path
}

/** HTTP/2 has it under another name. */
const clientHostOf = ({ headers }: ApiRequest) => String(headers.host ?? headers[':authority'] ?? '')

export function proxyPath(info: ResourceRequest): string {
  return `${info.rest || '/'}${info.query.text ? `?${info.query.text}` : ''}`
}

/** Throws 400, 404 or 503 when there is nowhere to go. */
export function proxyTarget(core: Core, info: ResourceRequest): DialTarget {
  const { scheme, name, port } = splitName(info.name)
  if (info.resource === 'nodes')
    return { ...nodeTarget(core, name), ...(port === '' ? {} : { port: Number(port), isNode: Number(port) === 10_250 }) }
  if (info.resource === 'pods') return podTarget(core, info.namespace, { scheme, name, port })
  return podsOfService(core, info.namespace, { scheme, name, port })
}

export type SplitName = { readonly scheme: string; readonly name: string; readonly port: string }

function splitName(text: string): SplitName {
  const parts = text.split(':')
  if (parts.length === 1) return { scheme: '', name: text, port: '' }
  if (parts.length === 2) return { scheme: '', name: parts[0]!, port: parts[1]! }
  if (parts.length === 3 && ['http', 'https', ''].includes(parts[0]!)) return { scheme: parts[0]!, name: parts[1]!, port: parts[2]! }
  throw statusErrors.badRequest(`invalid service request ${JSON.stringify(text)}`)
}

function podTarget(core: Core, namespace: string, { scheme, name, port }: SplitName): DialTarget {
  const pod = createObjectReader(core.registry, core.storage).get(pods, namespace, name) as (KubeObject & Pod) | undefined
  if (!pod) throw statusErrors.notFound({ group: '', resource: 'pods' }, name)
  const host = pod.status?.podIP
  if (!host || !isGlobalUnicast(host)) throw statusErrors.badRequest('address not allowed')
  const ports = pod.spec?.containers.flatMap((c) => c.ports ?? []) ?? []
  const number = port === '' ? (ports[0]?.containerPort ?? 80) : (ports.find((p) => p.name === port)?.containerPort ?? Number(port))
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw statusErrors.badRequest(`invalid pod request ${JSON.stringify(`${name}:${port}`)}`)
  return { host, port: number, isSecure: scheme === 'https', isNode: false }
}

/** A ready endpoint of a service's port, given by name or number. Throws 404, 503. */
export function serviceTarget(core: Core, namespace: string, split: SplitName): DialTarget {
  return endpointOf(core, namespace, split)
}

/** Users proxy to pods only: an address that somebody wrote into a slice may be anything that this server reaches. */
function podsOfService(core: Core, namespace: string, split: SplitName): DialTarget {
  const reader = createObjectReader(core.registry, core.storage)
  return endpointOf(core, namespace, split, ({ targetRef, addresses }) => {
    if (targetRef?.kind !== 'Pod' || (targetRef.namespace ?? namespace) !== namespace) return false
    const pod = reader.get(pods, namespace, targetRef.name ?? '') as (KubeObject & Pod) | undefined
    return pod?.status?.podIPs?.some(({ ip }) => ip === addresses[0]) ?? pod?.status?.podIP === addresses[0]
  })
}

function endpointOf(
  core: Core,
  namespace: string,
  { scheme, name, port }: SplitName,
  isAllowed?: (endpoint: Endpoint) => boolean,
): DialTarget {
  const reader = createObjectReader(core.registry, core.storage)
  const found = serviceEndpoint({ reader, random: core.random }, { namespace, name, port }, isAllowed)
  return { ...found, isSecure: scheme === 'https', isNode: false }
}

/** This machine's own, its link's, groups' and no addresses: no pod has one, and whoever writes one into a status asks for more. */
const notUnicast = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 32],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['255.255.255.255', 32],
] as const)
  notUnicast.addSubnet(network, prefix)
for (const [network, prefix] of [
  ['::', 128],
  ['::1', 128],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  notUnicast.addSubnet(network, prefix, 'ipv6')

function isGlobalUnicast(address: string): boolean {
  const family = isIP(address)
  return family !== 0 && !notUnicast.check(address, family === 6 ? 'ipv6' : 'ipv4')
}

export function forwardedHeaders(request: ApiRequest): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined && !hopByHop.has(name) && !ownHeaders.test(name)) headers[name] = value
  }
  headers['x-forwarded-for'] = request.remoteAddress
  if (request.body) headers['content-length'] = String(request.body.length)
  return headers
}
