import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import WebSocket from 'ws'
import { BoundedStream } from '../base/bounded-stream.ts'
import type { Clock } from '../base/clock.ts'
import { systemClock } from '../platform/system-clock.ts'
import { fileVersion, readTextFile } from '../platform/text-file.ts'
import type { ClientMetrics } from './client-metrics.ts'
import type { Client, RawRequest, RawResponse, WebSocketChannel, WebSocketRequest } from './contract.ts'
import { queryString } from './resource-path.ts'
import { connectionError, responseError } from './response-error.ts'
import { createRestClient } from './rest-client.ts'

export type HttpClientOptions = {
  /** `https://host:port`, with a path if the API is served below one. `http://` only for tests and local proxies. */
  readonly server: string
  /** PEM texts. */
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** A fixed bearer token, or a file whose present content is the token (re-read when it changes). */
  readonly token?: string
  readonly tokenFile?: string
  readonly username?: string
  readonly password?: string
  /** Credentials made on demand (exec plugins); asked again after a 401. */
  readonly credentials?: CredentialSource
  readonly insecureSkipTlsVerify?: boolean
  /** The name to verify in the server's certificate in place of the host's. */
  readonly tlsServerName?: string
  readonly userAgent?: string
  readonly impersonate?: { readonly user: string; readonly groups?: readonly string[] }
  readonly clock?: Clock
  /** Counts what is asked for. */
  readonly metrics?: ClientMetrics
}

export type CredentialSource = {
  get(): Promise<{ readonly token?: string; readonly cert?: string; readonly key?: string }>
  /** The server refused what `get` gave: forget it. */
  invalidate(): void
}

/** A Client over HTTPS. `close` ends its idle connections; requests under way finish. */
export type HttpClient = Client & { openWebSocket(request: WebSocketRequest): Promise<WebSocketChannel>; close(): void }

/** TCP keep-alive probes after this much silence, so that a watch notices a peer that vanished. */
const tcpKeepAliveMs = 30_000
const webSocketMessagesMax = 4_096
/** With so many messages unread nothing more is taken from the connection; with half of them it goes on. */
const webSocketUnreadMax = 64

/** Speaks HTTP/1.1 over kept-alive TLS connections; works against any Kubernetes API server. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const connection = openConnection(options)
  const rest = createRestClient({ transport: connection.send, clock: options.clock ?? systemClock })
  return { ...rest, openWebSocket: connection.openWebSocket, close: connection.close }
}

function openConnection(options: HttpClientOptions) {
  const base = new URL(options.server)
  const isTls = base.protocol === 'https:'
  const prefix = base.pathname.replace(/\/$/, '')
  const tls = {
    ...(options.ca ? { ca: options.ca } : {}),
    ...(options.insecureSkipTlsVerify ? { rejectUnauthorized: false } : {}),
    ...(options.tlsServerName ? { servername: options.tlsServerName } : {}),
  }
  const pool = { keepAlive: true, keepAliveMsecs: tcpKeepAliveMs, maxFreeSockets: 64, scheduling: 'lifo' } as const
  let agentIdentity = ''
  let agent: HttpAgent | HttpsAgent | undefined

  const agentFor = (certificate: { cert?: string | undefined; key?: string | undefined }) => {
    const identity = certificate.cert ?? ''
    if (agent && identity === agentIdentity) return agent
    agent?.destroy()
    agentIdentity = identity
    const pair = certificate.cert && certificate.key ? { cert: certificate.cert, key: certificate.key } : {}
    agent = isTls ? new HttpsAgent({ ...pool, ...tls, ...pair }) : new HttpAgent(pool)
    return agent
  }

  const tokenFile = options.tokenFile === undefined ? undefined : tokenReader(options.tokenFile)
  const authenticate = async () => {
    const made = await options.credentials?.get()
    const headers: Record<string, string | string[]> = { 'user-agent': options.userAgent ?? 'keelson' }
    const token = made?.token ?? tokenFile?.() ?? options.token
    if (token) headers.authorization = `Bearer ${token}`
    else if (options.username !== undefined) headers.authorization = `Basic ${btoa(`${options.username}:${options.password ?? ''}`)}`
    if (options.impersonate) {
      headers['impersonate-user'] = options.impersonate.user
      if (options.impersonate.groups) headers['impersonate-group'] = [...options.impersonate.groups]
    }
    return { headers, agent: agentFor({ cert: made?.cert ?? options.cert, key: made?.key ?? options.key }) }
  }

  const sendOnce = async (request: RawRequest): Promise<RawResponse> => {
    const { headers, agent: used } = await authenticate()
    return await new Promise<RawResponse>((resolve, reject) => {
      const body = request.body
      const settings = {
        host: base.hostname.replace(/^\[|\]$/g, ''),
        port: base.port || (isTls ? 443 : 80),
        method: request.method,
        path: prefix + request.path + queryString(request.query ?? {}),
        agent: used,
        headers: {
          host: base.host,
          ...headers,
          ...request.headers,
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        },
        ...(request.signal ? { signal: request.signal } : {}),
      }
      const counted = options.metrics?.begin({
        clock: options.clock ?? systemClock,
        method: request.method,
        host: base.host,
        sentBytes: body === undefined ? 0 : Buffer.byteLength(body),
        isWatch: isWatch(request),
      })
      const outgoing: ClientRequest = isTls ? httpsRequest({ ...settings, ...tls }) : httpRequest(settings)
      outgoing.setNoDelay(true)
      outgoing.once('error', reject)
      if (counted) outgoing.once('error', () => counted.ended(undefined))
      outgoing.once('response', (incoming: IncomingMessage) => {
        counted?.answered(incoming.statusCode ?? 0)
        const told = incoming.headers['content-length']
        if (counted) incoming.once('close', () => counted.ended(told === undefined ? undefined : Number(told)))
        // Later errors of the connection reach whoever reads the body.
        outgoing.off('error', reject).on('error', () => {})
        resolve({ code: incoming.statusCode ?? 0, headers: flatHeaders(incoming), body: incoming })
      })
      outgoing.end(body)
    })
  }

  return {
    send: async (request: RawRequest) => {
      const response = await sendOnce(request)
      if (response.code !== 401 || !options.credentials) return response
      for await (const _ of response.body);
      options.credentials.invalidate()
      return sendOnce(request)
    },
    openWebSocket: async (request: WebSocketRequest) => {
      const { headers, agent: used } = await authenticate()
      const url = `${isTls ? 'wss' : 'ws'}://${base.host}${prefix}${request.path}${queryString(request.query ?? {})}`
      return dialWebSocket(
        new WebSocket(url, [...request.protocols], { headers: headers as Record<string, string>, agent: used, ...tls }),
        request.signal,
      )
    },
    close: () => agent?.destroy(),
  }
}

function isWatch({ path, query }: RawRequest): boolean {
  return query?.['watch'] !== undefined || /[?&]watch=(true|1)/.test(path)
}

function flatHeaders(incoming: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(incoming.headers))
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  return headers
}

function tokenReader(path: string): () => string | undefined {
  let version: string | undefined
  let token: string | undefined
  return () => {
    const current = fileVersion(path)
    if (current !== version) {
      version = current
      token = readTextFile(path)?.trim()
    }
    return token
  }
}

/** Resolves when the socket is open. The stream of messages ends with the connection; while nobody reads it, the other side has to wait. */
function dialWebSocket(socket: WebSocket, signal: AbortSignal | undefined): Promise<WebSocketChannel> {
  const abort = () => socket.terminate()
  signal?.addEventListener('abort', abort, { once: true })
  const messages = new BoundedStream<Uint8Array>({ sizeMax: webSocketMessagesMax })
  socket.on('message', (data: Buffer) => {
    if (messages.push(data) && messages.size >= webSocketUnreadMax) socket.pause()
  })
  socket.on('close', () => {
    signal?.removeEventListener('abort', abort)
    messages.close()
  })
  return new Promise((resolve, reject) => {
    socket.once('unexpected-response', (_request, incoming: IncomingMessage) => {
      let text = ''
      incoming.setEncoding('utf8')
      incoming.on('data', (chunk: string) => (text += chunk))
      incoming.on('end', () => reject(responseError(incoming.statusCode ?? 500, text)))
    })
    socket.on('error', (error) => {
      const failure = connectionError(error)
      messages.fail(failure)
      reject(failure)
    })
    socket.once('open', () =>
      resolve({
        protocol: socket.protocol,
        messages: resuming(messages, socket),
        send: (data) => new Promise((done, fail) => socket.send(data, (error) => (error ? fail(connectionError(error)) : done()))),
        close: () => {
          // What still comes is nobody's, and the other side's good-bye is behind it.
          messages.close()
          socket.resume()
          socket.close()
        },
      }),
    )
  })
}

async function* resuming(messages: BoundedStream<Uint8Array>, socket: WebSocket): AsyncGenerator<Uint8Array> {
  for await (const message of messages) {
    if (socket.isPaused && messages.size <= webSocketUnreadMax / 2) socket.resume()
    yield message
  }
}
