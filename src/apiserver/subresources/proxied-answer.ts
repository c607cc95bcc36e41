import { posix } from 'node:path'
import type { ApiResponse } from '../contract.ts'
import type { DialResponse } from '../reach/dial.ts'
import { rewriteLinks } from './html-links.ts'

/** Where a proxied page stands: what it links to by an absolute path is found below the proxy's own path. */
export type ProxiedPlace = {
  /** The path of the proxy itself, `/api/v1/namespaces/x/pods/y/proxy`. */
  readonly prefix: string
  /** Names of the backend in a link: its own address, and what the client called. */
  readonly backendHost: string
  readonly clientHost: string
}

/** Headers that end at this server. */
export const hopByHop: ReadonlySet<string> = new Set([
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
/** Whom a page lets read it is said of its own origin, not of this server's. */
const crossOrigin: ReadonlySet<string> = new Set([
  'access-control-allow-credentials',
  'access-control-allow-headers',
  'access-control-allow-methods',
  'access-control-allow-origin',
])

/** Headers of an answer that is passed on as it is. */
export function answerHeaders(headers: DialResponse['headers']): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !hopByHop.has(name)) passed[name] = value
  return passed
}

/** The answer of a node, pod or service, with its redirects and the links of its pages leading through the proxy again. */
export function proxiedAnswer({ code, headers, body }: DialResponse, place: ProxiedPlace): ApiResponse {
  const passed = Object.fromEntries(Object.entries(answerHeaders(headers)).filter(([name]) => !crossOrigin.has(name)))
  const { location } = headers
  if (typeof location === 'string' && location !== '')
    return { code, headers: { ...passed, location: throughProxy(location, place) }, body }
  const isPage = String(headers['content-type'] ?? '')
    .split(';')[0]!
    .trim()
  // A compressed page is not looked into: the client's accept-encoding is not passed on, so that few are.
  if (isPage !== 'text/html' || headers['content-encoding']) return { code, headers: passed, body }
  const { 'content-length': _length, ...rest } = passed
  return { code, headers: rest, body: rewriteLinks(body, (link) => throughProxy(link, place)) }
}

const linkParts = /^([a-z][a-z\d+.-]*:)?(?:\/\/([^/?#]*))?([^?#]*)(.*)$/is

/** Pure: a link by absolute path to the same backend with the proxy's path before it; any other as it is. */
export function throughProxy(link: string, { prefix, backendHost, clientHost }: ProxiedPlace): string {
  const [, scheme = '', host = '', path = '', rest = ''] = linkParts.exec(link) ?? []
  const isElsewhere = host !== '' && host !== backendHost && host !== clientHost
  if (isElsewhere || !path.startsWith('/')) return link
  const origin = host !== '' && host === clientHost ? `${scheme}//${host}` : ''
  if (path.startsWith(prefix)) return `${origin}${path}${rest}`
  return `${origin}${posix.join(prefix, path)}${rest}`
}
