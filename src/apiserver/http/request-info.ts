import { type FieldTerm, parseFieldSelector } from '../../machinery/field-selector.ts'
import { parseLabelSelector, type Requirement } from '../../machinery/label-selector.ts'
import { isFlagSet } from '../../machinery/query-flag.ts'

/**
 * What a request line asks for, by the rules of the Kubernetes API's paths
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris). Pure; never throws: what is no resource
 * path is a plain path.
 */
export type RequestInfo = ResourceRequest | PathRequest

export type ResourceRequest = {
  readonly type: 'resource'
  readonly path: string
  readonly query: Query
  /** create, get, list, watch, update, patch, delete, deletecollection; for other methods the method in lower case. */
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
  /** Empty: cluster-scoped, or across all namespaces. */
  readonly namespace: string
  readonly name: string
  /** What follows a `proxy` subresource, with its leading slash; otherwise empty. */
  readonly rest: string
}

export type PathRequest = { readonly type: 'path'; readonly path: string; readonly query: Query; readonly verb: string }

/** Decoded query parameters: the first value of each name counts unless all are asked for. */
export type Query = { get(name: string): string | undefined; getAll(name: string): readonly string[]; readonly text: string }

const noQuery: Query = { get: () => undefined, getAll: () => [], text: '' }
const verbsByMethod: Readonly<Record<string, string>> = {
  POST: 'create',
  GET: 'get',
  HEAD: 'get',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
}

export function parseRequest(method: string, url: string): RequestInfo {
  const mark = url.indexOf('?')
  const path = mark < 0 ? url : url.slice(0, mark)
  const query = mark < 0 ? noQuery : parseQuery(url.slice(mark + 1))
  const segments = path.split('/')
  // A leading slash gives an empty first segment; a trailing one an empty last, which upstream ignores.
  segments.shift()
  if (segments.at(-1) === '') segments.pop()
  const root = segments[0]
  if (root === 'api' && segments.length >= 3)
    return resourceRequest({ method, path, query, group: '', version: segments[1]!, rest: segments.slice(2) })
  if (root === 'apis' && segments.length >= 4) {
    return resourceRequest({ method, path, query, group: segments[1]!, version: segments[2]!, rest: segments.slice(3) })
  }
  return { type: 'path', path, query, verb: method.toLowerCase() }
}

type Parts = {
  readonly method: string
  readonly path: string
  readonly query: Query
  readonly group: string
  readonly version: string
  readonly rest: string[]
}

function resourceRequest({ method, path, query, group, version, rest }: Parts): ResourceRequest {
  const isOldWatch = rest[0] === 'watch' && rest.length > 1
  let parts = isOldWatch ? rest.slice(1) : rest
  let namespace = ''
  if (parts[0] === 'namespaces' && parts.length > 1) {
    namespace = decode(parts[1]!)
    // `namespaces/x/status` speaks of the namespace itself; `namespaces/x/pods` of what is in it.
    if (parts.length > 2 && parts[2] !== 'status' && parts[2] !== 'finalize') parts = parts.slice(2)
  }
  const resource = parts[0]!
  const name = parts[1] === undefined ? '' : decode(parts[1])
  const subresource = parts[2] ?? ''
  const remainder =
    parts.length > 3 || (subresource === 'proxy' && path.endsWith('/')) ? `/${parts.slice(3).join('/')}${trailing(path, parts)}` : ''
  return {
    type: 'resource',
    path,
    query,
    verb: isOldWatch ? 'watch' : verbOf(method, name, query),
    group,
    version,
    resource,
    subresource,
    namespace,
    name: name || (isOldWatch ? '' : nameFromFieldSelector(query)),
    rest: remainder,
  }
}

const trailing = (path: string, parts: readonly string[]) => (path.endsWith('/') && parts.length > 3 ? '/' : '')

function verbOf(method: string, name: string, query: Query): string {
  const verb = verbsByMethod[method] ?? method.toLowerCase()
  if (name !== '') return verb
  if (verb === 'get') return flag(query, 'watch') ? 'watch' : 'list'
  return verb === 'delete' ? 'deletecollection' : verb
}

/** A list or watch of one name by `fieldSelector=metadata.name=x` is authorized like a request for that name. */
function nameFromFieldSelector(query: Query): string {
  return selectedName(query.get('fieldSelector'))
}

/** Whether a boolean parameter is set. */
export function flag(query: Query, name: string): boolean {
  return isFlagSet(query.get(name))
}

function parseQuery(text: string): Query {
  let parameters: URLSearchParams | undefined
  const parsed = () => (parameters ??= new URLSearchParams(text))
  return { text, get: (name) => parsed().get(name) ?? undefined, getAll: (name) => parsed().getAll(name) }
}

function decode(segment: string): string {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/** The one object that a list or watch is about when its field selector names it: what policies by name then apply to. */
export function selectedName(fieldSelector: string | undefined): string {
  if (!fieldSelector?.includes('metadata.name')) return ''
  return fieldTerms(fieldSelector)?.find(({ field, op }) => field === 'metadata.name' && op === '=')?.value ?? ''
}

/** Read as the verb will read it, so that what is judged is what is answered. Undefined: no selector, which the verb then says. */
export function fieldTerms(text: string | undefined): readonly FieldTerm[] | undefined {
  if (!text) return undefined
  try {
    return parseFieldSelector(text)
  } catch {
    return undefined
  }
}

export function labelRequirements(text: string | undefined): readonly Requirement[] | undefined {
  if (!text) return undefined
  try {
    return parseLabelSelector(text).requirements
  } catch {
    return undefined
  }
}
