import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import { encodeText } from '../encoding/answer-encoding.ts'
import type { ApiRequest, ApiResponse } from '../contract.ts'
import { aggregatedVersion, trimPath } from '../discovery/discovery.ts'
import { headerText } from '../discovery/json-document.ts'
import { negotiate } from './negotiation.ts'
import type { PathContext, PathHandler } from '../pipeline.ts'
import type { Registry } from '../registry.ts'
import type { PathRequest } from './request-info.ts'
import { methodNotAllowed } from '../verb-request.ts'

/** Documents that are read and nothing else; others answer whatever is asked of them. */
const readOnlyDocument = /^\/(?:version|api|api\/[^/]+|apis\/[^/]+\/[^/]+|\.well-known\/openid-configuration|openid\/v1\/jwks)$/
/** Discovery's documents, which come in the forms of objects. */
const discoveryDocument = /^\/apis?(?:\/[^/]+){0,2}$/
/** Those of them that look at nothing but the form. */
const groupDocument = /^\/apis(?:\/[^/]+)?$/

/** Answers a path that is no resource: 405 to whoever would write a document, 406 where it has no form that the client takes. */
export async function answerPath(
  paths: PathHandler,
  info: PathRequest,
  context: PathContext,
  request: Pick<ApiRequest, 'method'>,
): Promise<ApiResponse | undefined> {
  const response = await paths(info, context)
  if (!response) return undefined
  const path = trimPath(info.path)
  if (request.method !== 'GET' && readOnlyDocument.test(path)) throw methodNotAllowed()
  return discoveryDocument.test(path) ? inForm(response, path, info, context) : response
}

async function inForm(response: ApiResponse, path: string, { query }: PathRequest, { headers }: PathContext): Promise<ApiResponse> {
  const accept = headerText(headers, 'accept')
  if (response.code !== 200 || ((path === '/api' || path === '/apis') && aggregatedVersion(accept))) return response
  const { encoding, isPretty } = formOf(accept, path, { pretty: query.get('pretty'), agent: headerText(headers, 'user-agent') })
  if (encoding === 'protobuf' || (encoding === 'json' && !isPretty) || !(response.body instanceof Uint8Array)) return response
  const document = JSON.parse(Buffer.from(response.body).toString()) as object
  const body = await encodeText(document, { encoding, isPretty })
  const type = encoding === 'yaml' ? 'application/yaml' : 'application/json'
  return { ...response, headers: { ...response.headers, 'content-type': type, 'content-length': String(body.length) }, body }
}

function formOf(accept: string, path: string, options: { readonly pretty: string | undefined; readonly agent: string }) {
  try {
    return negotiate(accept, { ...options, allowsTable: false, isAsItIs: true, isLenient: groupDocument.test(path) })
  } catch (error) {
    if (!(error instanceof StatusError) || !groupDocument.test(path)) throw error
    throw statusErrors.notAcceptable(['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf'])
  }
}

/**
 * What is not there: a Status below the paths of built-in groups, where upstream looks for resources, and a page elsewhere, as any
 * server has one.
 */
export function nothingThere(registry: Registry, path: string): ApiResponse {
  const [, root, group] = path.split('/')
  const isOurs = root === 'api' || (root === 'apis' && group && registry.hasBuiltInGroup(group))
  if (isOurs) throw statusErrors.pathNotFound()
  return {
    code: 404,
    headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache, private', 'x-content-type-options': 'nosniff' },
    body: Buffer.from('404 page not found\n'),
  }
}
