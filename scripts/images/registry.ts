import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { digestOf, type OciImage } from '../../src/node/containerd/oci-image.ts'

/**
 * A container registry in memory for tests and examples: the pull half of the OCI distribution API 1.1, and monolithic and
 * chunked push. With `basicAuth` everything asks for that user and password.
 */
export type TestRegistry = {
  /** e.g. http://127.0.0.1:41234 */
  readonly url: string
  readonly host: string
  /** Serves the image as `repository:tag` and by its digest. */
  add(repository: string, tag: string, image: OciImage): void
  /** Requests so far, `METHOD path`. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

type Stored = { readonly mediaType: string; readonly content: Buffer }

export async function startRegistry(
  options: {
    readonly listen?: string
    readonly port?: number
    readonly basicAuth?: { readonly username: string; readonly password: string }
  } = {},
): Promise<TestRegistry> {
  const blobs = new Map<string, Buffer>()
  const manifests = new Map<string, Stored>()
  const uploads = new Map<string, Buffer[]>()
  const requests: string[] = []
  const expected =
    options.basicAuth && `Basic ${Buffer.from(`${options.basicAuth.username}:${options.basicAuth.password}`).toString('base64')}`

  const putManifest = (repository: string, reference: string, stored: Stored) => {
    manifests.set(`${repository}@${digestOf(stored.content)}`, stored)
    manifests.set(reference.startsWith('sha256:') ? `${repository}@${reference}` : `${repository}:${reference}`, stored)
  }
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url!, 'http://registry')
    requests.push(`${request.method} ${url.pathname}`)
    if (expected && request.headers.authorization !== expected) {
      response.setHeader('WWW-Authenticate', 'Basic realm="registry"')
      return fail(response, 401, 'UNAUTHORIZED', 'authentication required')
    }
    if (url.pathname === '/v2/') return send(response, 200, {})
    const [, repository, kind, reference] = /^\/v2\/(.+)\/(manifests|blobs)\/(.*)$/.exec(url.pathname) ?? []
    if (!repository || reference === undefined) return fail(response, 404, 'NAME_UNKNOWN', 'no such endpoint')
    if (kind === 'manifests') return handleManifest(request, response, repository, reference)
    return reference.startsWith('uploads/')
      ? handleUpload(request, response, { repository, id: reference.slice('uploads/'.length), digest: url.searchParams.get('digest') })
      : serve(
          request,
          response,
          blobs.has(reference) ? { mediaType: 'application/octet-stream', content: blobs.get(reference)! } : undefined,
          'BLOB_UNKNOWN',
        )
  }
  const handleManifest = async (request: IncomingMessage, response: ServerResponse, repository: string, reference: string) => {
    if (request.method !== 'PUT') {
      const key = reference.startsWith('sha256:') ? `${repository}@${reference}` : `${repository}:${reference}`
      return serve(request, response, manifests.get(key), 'MANIFEST_UNKNOWN')
    }
    const content = await bodyOf(request)
    putManifest(repository, reference, { mediaType: request.headers['content-type'] ?? '', content })
    send(response, 201, { Location: `/v2/${repository}/manifests/${reference}`, 'Docker-Content-Digest': digestOf(content) })
  }
  const handleUpload = async (
    request: IncomingMessage,
    response: ServerResponse,
    { repository, id, digest }: { repository: string; id: string; digest: string | null },
  ) => {
    const content = await bodyOf(request)
    const upload = id === '' ? String(uploads.size + 1) : id
    const chunks = uploads.get(upload) ?? []
    uploads.set(upload, [...chunks, content])
    if (!digest) return send(response, 202, { Location: `/v2/${repository}/blobs/uploads/${upload}`, Range: '0-0' })
    const whole = Buffer.concat(uploads.get(upload)!)
    uploads.delete(upload)
    if (digestOf(whole) !== digest) return fail(response, 400, 'DIGEST_INVALID', 'the content has another digest')
    blobs.set(digest, whole)
    send(response, 201, { Location: `/v2/${repository}/blobs/${digest}`, 'Docker-Content-Digest': digest })
  }
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      console.error('registry:', error)
      fail(response, 500, 'UNKNOWN', String(error))
    })
  })
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, options.listen ?? '127.0.0.1', resolve))
  const host = `${options.listen ?? '127.0.0.1'}:${(server.address() as AddressInfo).port}`
  return {
    url: `http://${host}`,
    host,
    requests,
    add: (repository, tag, image) => {
      for (const { digest, content } of [image.config, ...image.layers]) blobs.set(digest, content)
      putManifest(repository, tag, image.manifest)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function serve(request: IncomingMessage, response: ServerResponse, stored: Stored | undefined, code: string): void {
  if (!stored) return fail(response, 404, code, 'not here')
  const { content, mediaType } = stored
  send(
    response,
    200,
    { 'Content-Type': mediaType, 'Content-Length': String(content.length), 'Docker-Content-Digest': digestOf(content) },
    request.method === 'HEAD' ? undefined : content,
  )
}

function send(response: ServerResponse, code: number, headers: Record<string, string>, body?: Buffer): void {
  response.writeHead(code, { 'Docker-Distribution-API-Version': 'registry/2.0', ...headers })
  response.end(body)
}

function fail(response: ServerResponse, code: number, errorCode: string, message: string): void {
  send(response, code, { 'Content-Type': 'application/json' }, Buffer.from(JSON.stringify({ errors: [{ code: errorCode, message }] })))
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
