import { services } from '../../kinds/core/service.ts'
import { endpointSlices } from '../../kinds/discovery/endpoint-slice.ts'
import { pods } from '../../kinds/core/pod.ts'
import type { Pod, Service } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { ApiRequest, ApiResponse } from '../contract.ts'
import type { Core } from '../core.ts'
import type { Dialer, DialTarget } from '../node-dialer.ts'
import { createObjectReader } from '../object-reader.ts'
import type { ResourceRequest } from '../request-info.ts'
import { nodeTarget } from './node-target.ts'
import { unreachable, unreachableService } from './proxy-errors.ts'

/** Headers that end at this server. */
const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])
/** Who asks is this server's to tell; what clients say in these headers is nobody's word. */
const ownHeaders = /^(?::|authorization$|impersonate-|x-remote-|host$|content-length$|accept-encoding$|cookie$)/

/**
 * Requests through the API server to a node, pod or service: `…/proxy/PATH`. Names may carry a scheme and a port
 * (`https:web:8443`). The answer is passed on as it is.
 */
export async function proxyRequest(core: Core, dialer: Dialer, request: ApiRequest, info: ResourceRequest): Promise<ApiResponse> {
  const target = proxyTarget(core, info)
  if (info.rest === '' && request.method === 'GET') {
    const location = `${info.path}/${info.query.text ? `?${info.query.text}` : ''}`
    return { code: 301, headers: { location }, body: new Uint8Array() }
  }
  const path = proxyPath(info)
  try {
    const { body, method, signal } = request
    const {
      code,
      headers,
      body: answered,
    } = await dialer.request(target, { method, path, headers: forwardedHeaders(request), body, signal })
    return { code, headers: answerHeaders(headers), body: answered }
  } catch (error) {
    if (error instanceof StatusError) throw error
    throw info.resource === 'nodes' ? unreachable(info.name, target, error) : unreachableService(error)
  }
}

export function proxyPath(info: ResourceRequest): string {
  return `${info.rest || '/'}${info.query.text ? `?${info.query.text}` : ''}`
}

/** Throws 400, 404 or 503 when there is nowhere to go. */
export function proxyTarget(core: Core, info: ResourceRequest): DialTarget {
  const { scheme, name, port } = splitName(info.name)
  if (info.resource === 'nodes')
    return { ...nodeTarget(core, name), ...(port === '' ? {} : { port: Number(port), isNode: Number(port) === 10_250 }) }
  if (info.resource === 'pods') return podTarget(core, info.namespace, { scheme, name, port })
  return serviceTarget(core, info.namespace, { scheme, name, port })
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
  if (!host) throw statusErrors.badRequest('address not allowed')
  const ports = pod.spec?.containers.flatMap((c) => c.ports ?? []) ?? []
  const number = port === '' ? (ports[0]?.containerPort ?? 80) : (ports.find((p) => p.name === port)?.containerPort ?? Number(port))
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw statusErrors.badRequest(`invalid pod request ${JSON.stringify(`${name}:${port}`)}`)
  return { host, port: number, isSecure: scheme === 'https', isNode: false }
}

/** A ready endpoint of a service's port, given by name or number. Throws 404, 503. */
export function serviceTarget(core: Core, namespace: string, { scheme, name, port }: SplitName): DialTarget {
  const reader = createObjectReader(core.registry, core.storage)
  const service = reader.get(services, namespace, name) as (KubeObject & Service) | undefined
  if (!service) throw statusErrors.notFound({ group: '', resource: 'services' }, name)
  const ports = service.spec?.ports ?? []
  const wanted = port === '' && ports.length === 1 ? ports[0] : ports.find((p) => p.name === port || String(p.port) === port)
  if (!wanted) throw statusErrors.serviceUnavailable(`no service port ${JSON.stringify(port)} found for service ${JSON.stringify(name)}`)
  for (const slice of reader.list(endpointSlices, namespace)) {
    if (slice.metadata?.labels?.['kubernetes.io/service-name'] !== name) continue
    const open = slice.ports?.find((p) => (p.name ?? '') === (wanted.name ?? ''))
    const ready = slice.endpoints?.filter((e) => e.conditions?.ready !== false) ?? []
    const endpoint = ready[core.random.below(Math.max(1, ready.length))]
    if (open?.port && endpoint?.addresses[0])
      return { host: endpoint.addresses[0], port: open.port, isSecure: scheme === 'https', isNode: false }
  }
  throw statusErrors.serviceUnavailable(`no endpoints available for service ${JSON.stringify(name)}`)
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

export function answerHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !hopByHop.has(name)) passed[name] = value
  return passed
}
