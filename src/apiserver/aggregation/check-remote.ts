import type { Clock } from '../../base/clock.ts'
import type { APIServiceSpec } from '../../kinds/generated/types/apiregistration-v1.ts'
import { connectionErrorText } from '../../machinery/connection-error.ts'
import { type Availability, failedDiscovery } from './availability-plan.ts'
import { readResources, readSwagger, type RemoteDocuments } from './remote-documents.ts'
import { type Address, identityHeaders, type RemoteServer } from './remote-server.ts'

const timeoutMs = 5_000
const attemptsMax = 3
/** Past it a document is not read. */
const documentBytesMax = 32 * 1024 * 1024
const checker = { name: 'system:kube-aggregator', groups: ['system:masters'] }

type Check = { readonly resolve: () => Address; readonly clock: Clock; readonly signal: AbortSignal }

/** Asks an aggregated server for what every one must answer: its discovery document. Gives the documents of one that does. */
export async function checkRemote(
  server: RemoteServer,
  spec: APIServiceSpec,
  check: Check,
): Promise<Availability | { readonly documents: RemoteDocuments }> {
  const root = `/apis/${spec.group ?? ''}/${spec.version ?? ''}`
  let why = ''
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const answered = await read(server, root, check)
    if (typeof answered !== 'string') {
      const [openApi3, openApi2] = await Promise.all([read(server, `/openapi/v3${root}`, check), read(server, '/openapi/v2', check)])
      return {
        documents: {
          resources: readResources(answered.document),
          openApi3: typeof openApi3 === 'string' ? undefined : openApi3.document,
          openApi2: readSwagger(typeof openApi2 === 'string' ? undefined : openApi2.document, root),
        },
      }
    }
    why = answered
  }
  return failedDiscovery(why)
}

/** The document at a path, or why there is none. */
async function read(
  server: RemoteServer,
  path: string,
  { resolve, clock, signal: outer }: Check,
): Promise<{ readonly document: object } | string> {
  const late = new AbortController()
  const cancel = clock.schedule(timeoutMs, () =>
    late.abort(new Error('context deadline exceeded (Client.Timeout exceeded while awaiting headers)')),
  )
  const signal = AbortSignal.any([outer, late.signal])
  let url = path
  try {
    const address = resolve()
    url = `https://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}${path}`
    const headers = { accept: 'application/json', ...identityHeaders(checker) }
    const { code, body } = await server.request(address, { method: 'GET', path, headers, signal }, { isVerified: false })
    const blocks: Uint8Array[] = []
    let length = 0
    for await (const block of body) {
      length += block.length
      if (length > documentBytesMax) return `failing or missing response from ${url}: the document is too large`
      blocks.push(block)
    }
    if (code < 200 || code > 299) return `failing or missing response from ${url}: bad status from ${url}: ${code}`
    const document: unknown = JSON.parse(Buffer.concat(blocks).toString())
    return typeof document === 'object' && document !== null ? { document } : `failing or missing response from ${url}: no object`
  } catch (error) {
    const cause: unknown = late.signal.aborted ? late.signal.reason : error
    return `failing or missing response from ${url}: Get ${JSON.stringify(url)}: ${connectionErrorText(cause)}`
  } finally {
    cancel()
  }
}
