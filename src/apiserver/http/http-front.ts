import type { EventEmitter } from 'node:events'
import { constants, createSecureServer, type Http2SecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { bodyBytesMax } from './body.ts'
import { giveBack } from './block-pool.ts'
import { createIdleSockets, type IdleSockets } from './idle-sockets.ts'
import { clientCertificateOf } from './client-certificate.ts'
import type { ApiRequest, ApiResponse, Credentials, UpgradeHandler } from '../contract.ts'
import { jsonLine } from '../encoding/json-line.ts'
import { refusalType, refuseBytes, targetOf } from './http-refusal.ts'

export type HttpFrontOptions = {
  readonly handle: (request: ApiRequest) => Promise<ApiResponse>
  readonly upgrade: UpgradeHandler
  /**
   * PEM. Client certificates are verified against `clientCa`, and those of proxies that speak for others against `frontProxyCa`; a
   * client without one is asked for a token instead.
   */
  readonly tls: { readonly certificate: string; readonly key: string; readonly clientCa: string; readonly frontProxyCa?: string }
  /** Headers, or what they begin with, by which front proxies say for whom they speak; in lower case. Default: `x-remote-`. */
  readonly proxyHeaders?: readonly string[]
  /** Until a connection has to have shaken hands. Default: 10,000. */
  readonly handshakeTimeoutMs?: number
  /** How often, of 1, a request over HTTP/2 ends its connection for new ones, so that clients spread over several servers again. Default: never. */
  readonly goaway?: { readonly chance: number; readonly random: Random }
  readonly onHandshakeFailure?: () => void
  readonly clock: Clock
  readonly log: Log
}

export type HttpFront = {
  listen(at: { readonly host: string; readonly port: number }): Promise<{ readonly host: string; readonly port: number }>
  /** Resolves when the first request has been answered. */
  readonly firstAnswer: Promise<void>
  /** Shows the certificate that `tls` has now to whoever connects from here on; connections that are open go on. */
  renewCertificate(): void
  /**
   * Stops accepting, lets requests under way finish for at most `graceMs`, then cuts what is left. Whoever serves watches
   * ends them first. Idempotent.
   */
  close(graceMs: number): Promise<void>
}

/** Upstream's (Go's default): whoever speaks for others, or selects by many labels, sends long ones. */
const headerBytesMax = 1024 * 1024
/** Of HTTP/2, where Node's own bound of 128 is less than the groups of some users. */
const headersMax = 2000
/** Upstream's: one connection cannot hand over more work than this between two looks at the others. */
const streamsMax = 100
/** Every stream of a connection may have a block of a big list on its way; past the bound Node refuses even small requests. */
const sessionMebibytesMax = 64
/** Longer than clients keep idle connections, so that the server is never the one to close a connection being reused. */
const keepAliveMs = 150_000
const drainStepMs = 20
/** Upstream's: a client whose machine is gone, and that waits for nothing but events, is found out. */
const tcpKeepAliveMs = 180_000
/** A client that dawdles over its handshake, its headers or its body is cut off: it must not hold a connection for nothing. */
const handshakeTimeoutMs = 10_000
const headersTimeoutMs = 30_000
const bodyTimeoutMs = 60_000
/** TLS 1.3's own, and of TLS 1.2 the ones with forward secrecy and authenticated encryption. */
const ciphers = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':')

/** HTTPS in both versions on one port. Keeps no state of the API: every request is one call of `handle`. */
export function createHttpFront(options: HttpFrontOptions): HttpFront {
  const { tls, clock, log } = options
  const secureContext = () => ({
    cert: tls.certificate,
    key: tls.key,
    ca: [tls.clientCa, ...(tls.frontProxyCa ? [tls.frontProxyCa] : [])],
    minVersion: 'TLSv1.2' as const,
    ciphers,
  })
  const server = createSecureServer({
    ...secureContext(),
    requestCert: true,
    rejectUnauthorized: false,
    allowHTTP1: true,
    handshakeTimeout: options.handshakeTimeoutMs ?? handshakeTimeoutMs,
    maxHeaderSize: headerBytesMax,
    settings: { maxConcurrentStreams: streamsMax, maxHeaderListSize: headerBytesMax },
    maxHeaderListPairs: headersMax,
    maxSessionMemory: sessionMebibytesMax,
    // Idle connections are closed below.
    keepAliveTimeout: 0,
    headersTimeout: headersTimeoutMs,
  } as Parameters<typeof createSecureServer>[0])
  const sockets = new Set<TLSSocket>()
  const open = new Set<object>()
  const idle = createIdleSockets(clock, keepAliveMs)
  server.on('secureConnection', (socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.setKeepAlive(true, tcpKeepAliveMs)
    socket.once('close', () => {
      sockets.delete(socket)
      idle.gone(socket)
    })
    socket.on('error', (error) => log.debug({ error: error.message }, 'a connection broke'))
  })
  server.on('request', (request, response) => {
    open.add(response)
    const socket = response.stream ? undefined : request.socket
    if (socket) idle.began(socket)
    response.once('close', () => {
      open.delete(response)
      if (socket) idle.ended(socket)
    })
    serve(options, request, response).catch((error: unknown) => {
      log.debug({ error }, 'an answer could not be written')
      // Not as one that is whole.
      response.stream?.close?.(constants.NGHTTP2_INTERNAL_ERROR)
      if (!response.stream) (response as unknown as ServerResponse).destroy()
    })
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    idle.gone(socket)
    socket.on('error', () => socket.destroy())
    const target = targetOf(request.url ?? '/') ?? '/'
    const call = toApiRequest(options, request as unknown as Http2ServerRequest, undefined, { signal: closeSignal(socket), target })
    options.upgrade(call, socket, head).catch((error: unknown) => {
      log.warn({ error }, 'a tunnel failed')
      socket.destroy()
    })
  })
  server.on('clientError', refuseBytes)
  server.on('tlsClientError', (error, socket) => {
    log.debug({ error: error.message }, 'a TLS handshake failed')
    options.onHandshakeFailure?.()
    // Node itself leaves open what took too long.
    socket.destroy()
  })
  const answered = Promise.withResolvers<void>()
  server.once('request', (_request, response) => response.once('close', answered.resolve))
  let closing: Promise<void> | undefined
  return {
    listen: (at) => listen(server, at),
    firstAnswer: answered.promise,
    renewCertificate: () => server.setSecureContext(secureContext()),
    close: (graceMs) => (closing ??= close({ server, sockets, open, idle, clock, graceMs })),
  }
}

async function listen(server: Http2SecureServer, { host, port }: { readonly host: string; readonly port: number }) {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return { host, port: (server.address() as AddressInfo).port }
}

type Closing = { server: Http2SecureServer; sockets: Set<TLSSocket>; open: Set<object>; idle: IdleSockets; clock: Clock; graceMs: number }

async function close({ server, sockets, open, idle, clock, graceMs }: Closing): Promise<void> {
  idle.stop()
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  const deadlineMs = clock.monotonicMs() + graceMs
  while (open.size > 0 && clock.monotonicMs() < deadlineMs) await new Promise<void>((resolve) => clock.schedule(drainStepMs, resolve))
  for (const socket of sockets) socket.destroy()
  await closed
}

async function serve(options: HttpFrontOptions, request: Http2ServerRequest, response: Http2ServerResponse): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => {
    // Not `writableFinished`: over HTTP/2 that is true as well when the client resets the stream in the middle of an answer.
    if (!response.writableEnded) gone.abort(new Error('the client has gone'))
  })
  const body = await readBody(request, options.clock)
  if (body === 'too large' || body === 'too slow') {
    const error =
      body === 'too large'
        ? statusErrors.requestEntityTooLarge(`limit is ${bodyBytesMax}`)
        : statusErrors.timeout(`the body of the request did not arrive within ${bodyTimeoutMs / 1000} s`, 0)
    const isOldHttp = request.httpVersionMajor === 1
    response.writeHead(error.code, { 'content-type': 'application/json', ...(isOldHttp ? { connection: 'close' } : {}) })
    response.end(jsonLine(error.status))
    return
  }
  const target = targetOf(request.url ?? '/')
  if (target === undefined || (target === '*' && request.method === 'OPTIONS')) {
    response.writeHead(target === undefined ? 400 : 200, target === undefined ? { 'content-type': refusalType } : {})
    response.end(target === undefined ? '400 Bad Request' : '')
    return
  }
  const { goaway } = options
  // Requests under way go on, and a client's next one comes over another connection.
  if (goaway && goaway.random.next() < goaway.chance) request.stream?.session?.close()
  const answer = await options.handle(toApiRequest(options, request, body, { signal: gone.signal, target }))
  try {
    await write(response, answer, request.method === 'HEAD')
  } finally {
    // A stream that was not read to its end still follows something.
    if (!(answer.body instanceof Uint8Array)) gone.abort(new Error('the answer has ended'))
  }
}

async function write(response: Http2ServerResponse, answer: ApiResponse, isHead: boolean): Promise<void> {
  if (response.destroyed) return
  const { body } = answer
  if (body instanceof Uint8Array) {
    answer.headers['content-length'] = String(body.length)
    response.writeHead(answer.code, answer.headers)
    if (isHead) response.end()
    else response.end(body)
    return
  }
  response.writeHead(answer.code, answer.headers)
  if (isHead) {
    response.end()
    return
  }
  // Watchers want to know at once that they watch.
  if (!response.stream) {
    const old = response as unknown as ServerResponse
    old.flushHeaders()
    if (old.chunkedEncoding) return writeChunks(old, body)
  }
  for await (const block of body) {
    if (response.destroyed) return
    if (response.write(block)) continue
    await drained(response)
    if (!response.destroyed) giveBack(block)
  }
  response.end()
}

/**
 * HTTP/1.1, of a length that nobody knows. Node would make four pieces of each block and join them again for TLS; here the whole
 * chunk is made once for all watchers that send the same block, and goes to the socket as one.
 */
async function writeChunks(response: ServerResponse, body: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const block of body) {
    const { socket } = response
    if (response.destroyed) return
    // An empty chunk would be the end.
    if (block.length === 0) continue
    // Without a socket an earlier answer of the connection is still on its way.
    if (socket) {
      if (!socket.write(chunkOf(block))) await drained(socket)
    } else if (!response.write(block)) await drained(response)
  }
  response.end()
}

const chunks = new WeakMap<Uint8Array, Buffer>()

function chunkOf(block: Uint8Array): Buffer {
  let chunk = chunks.get(block)
  if (!chunk) {
    const head = `${block.length.toString(16)}\r\n`
    chunk = Buffer.allocUnsafe(head.length + block.length + 2)
    chunk.write(head, 'latin1')
    chunk.set(block, head.length)
    chunk.write('\r\n', head.length + block.length, 'latin1')
    chunks.set(block, chunk)
  }
  return chunk
}

type Draining = Pick<EventEmitter, 'on' | 'off'>

function drained(stream: Draining): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      stream.off('drain', done)
      stream.off('close', done)
      resolve()
    }
    stream.on('drain', done)
    stream.on('close', done)
  })
}

/** Undefined when there is none. */
function readBody(request: Http2ServerRequest, clock: Clock): Promise<Uint8Array | undefined | 'too large' | 'too slow'> | undefined {
  const { method } = request
  const length = request.headers['content-length']
  if ((method === 'GET' || method === 'HEAD') && length === undefined && request.headers['transfer-encoding'] === undefined) {
    request.resume()
    return undefined
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    let cancel: (() => void) | undefined
    // Almost every body is there with its headers: those cost no timer.
    const arm = setImmediate(() => {
      cancel = clock.schedule(bodyTimeoutMs, () => {
        chunks.length = 0
        resolve('too slow')
      })
    })
    const settle = () => {
      clearImmediate(arm)
      cancel?.()
    }
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size > bodyBytesMax) {
        settle()
        chunks.length = 0
        resolve('too large')
      } else chunks.push(chunk)
    })
    request.on('end', () => {
      settle()
      resolve(chunks.length === 1 ? chunks[0] : chunks.length === 0 ? undefined : Buffer.concat(chunks))
    })
    request.on('close', settle)
    request.on('error', reject)
    request.on('aborted', () => reject(new Error('the client has gone')))
  })
}

function toApiRequest(
  { tls, proxyHeaders = ['x-remote-'] }: HttpFrontOptions,
  request: Http2ServerRequest,
  body: Uint8Array | undefined,
  { signal, target }: { readonly signal: AbortSignal; readonly target: string },
): ApiRequest {
  const peer = peerOf(request, tls)
  const { authorization } = request.headers
  const bearerToken = authorization !== undefined && /^bearer /i.test(authorization) ? authorization.slice(7).trim() : undefined
  const isForOther = request.headers['impersonate-user'] !== undefined || peer.credentials.clientCertificate?.authority === 'front-proxy'
  return {
    method: request.method ?? 'GET',
    url: target,
    headers: isForOther ? withDistinct(request, ['impersonate-', ...proxyHeaders]) : request.headers,
    body,
    credentials: bearerToken === undefined ? peer.credentials : { ...peer.credentials, bearerToken },
    remoteAddress: peer.address,
    signal,
  }
}

/** Who speaks for another names groups in repeated headers, which Node joins with commas: taken apart again, as sent. */
function withDistinct({ headers, rawHeaders }: Http2ServerRequest, prefixes: readonly string[]): ApiRequest['headers'] {
  const distinct: Record<string, string | string[] | undefined> = { ...headers }
  const seen = new Set<string>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase()
    if (!prefixes.some((prefix) => name.startsWith(prefix))) continue
    if (seen.has(name)) (distinct[name] as string[]).push(rawHeaders[i + 1]!)
    else distinct[name] = [rawHeaders[i + 1]!]
    seen.add(name)
  }
  return distinct
}

type Peer = { readonly credentials: Credentials; readonly address: string }

/** Reading a certificate costs more than a request: once a connection. */
const peers = new WeakMap<object, Peer>()

function peerOf(request: Http2ServerRequest, tls: HttpFrontOptions['tls']): Peer {
  const connection = request.stream?.session ?? request.socket
  const known = peers.get(connection)
  if (known) return known
  const socket = (request.stream?.session?.socket ?? request.socket) as TLSSocket
  const peer = {
    credentials: { clientCertificate: clientCertificateOf(socket, tls), bearerToken: undefined },
    address: socket.remoteAddress ?? '',
  }
  peers.set(connection, peer)
  return peer
}

function closeSignal(socket: Duplex): AbortSignal {
  const gone = new AbortController()
  socket.once('close', () => gone.abort(new Error('the client has gone')))
  return gone.signal
}
