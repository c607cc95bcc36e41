/**
 * The node's HTTPS API (upstream's kubelet API), which the API server calls for logs, exec, attach and port-forward.
 *
 * 1. Nothing is answered to who has neither a certificate of the cluster's client authority nor a token that the cluster knows, or is not
 *    allowed what it asks for.
 * 2. A request that takes the connection over (exec, attach, port-forward) speaks WebSocket or SPDY/3.1, as the client asks.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { Log } from '../../base/log.ts'
import { type NodeAccess, type NodeCaller, nodeSubresources, nodeVerb, TooManyQuestions } from './node-access.ts'
import type { NodeRoutes } from './node-routes.ts'

export type NodeServerOptions = {
  readonly log: Log
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** PEM. */
  readonly cert: string
  readonly key: string
  readonly clientCa: string
  /** Who else than the API server and the cluster's masters may ask for what. */
  readonly access: NodeAccess
  readonly routes: NodeRoutes
}

export type NodeServer = {
  readonly port: number
  close(): Promise<void>
}

/** Listens and serves until `close`. */
export async function startNodeServer(options: NodeServerOptions): Promise<NodeServer> {
  const { cert, key, clientCa } = options
  const server = createSecureServer({ cert, key, ca: clientCa, requestCert: true, rejectUnauthorized: false })
  const open = new Set<Duplex>()
  server.on('secureConnection', (socket: Duplex) => keep(open, socket))
  server.on('tlsClientError', () => {})
  serveRoutes(server, options, (request) => admit(options, request))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, () => resolve())
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

/** The same API for callers in this process: connections come as streams, from nobody but the API server itself. */
export type LocalNodeServer = { accept(connection: Duplex): void; close(): void }

export function createLocalNodeServer(options: Pick<NodeServerOptions, 'routes' | 'log'>): LocalNodeServer {
  const server = createServer()
  const open = new Set<Duplex>()
  serveRoutes(server, options, async () => undefined)
  return {
    accept: (connection) => {
      keep(open, connection)
      server.emit('connection', connection)
    },
    close: () => {
      for (const connection of open) connection.destroy()
    },
  }
}

function keep(open: Set<Duplex>, socket: Duplex): void {
  open.add(socket)
  socket.once('close', () => open.delete(socket))
}

type Refusal = { readonly code: number; readonly text: string }

function serveRoutes(
  server: Server,
  { routes, log }: Pick<NodeServerOptions, 'routes' | 'log'>,
  judge: (request: IncomingMessage) => Promise<Refusal | undefined>,
): void {
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    routes.note(request)
    void judge(request)
      .then(async (refusal) => {
        if (refusal) return sendText(response, refusal.code, refusal.text)
        await routes.serve(request, response)
      })
      .catch((error: unknown) => {
        log.warn({ url: request.url?.split('?')[0], error: String(error) }, 'a request to the node failed')
        if (!response.headersSent) sendText(response, 500, 'Internal Server Error')
        else response.destroy()
      })
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy())
    routes.note(request)
    void judge(request)
      .then(async (refusal) => {
        if (refusal) return refuseUpgrade(socket, refusal.code, refusal.text)
        await routes.upgrade(request, socket, head)
      })
      .catch((error: unknown) => {
        log.warn({ url: request.url?.split('?')[0], error: String(error) }, 'a stream to the node failed')
        socket.destroy()
      })
  })
}

async function admit({ access, log }: NodeServerOptions, request: IncomingMessage): Promise<Refusal | undefined> {
  const caller = certificateCaller(request.socket as TLSSocket) ?? (await tokenCaller(access, request))
  if (caller instanceof TooManyQuestions) return { code: 429, text: 'Too many requests, please try again later.' }
  if (!caller) return { code: 401, text: 'Unauthorized' }
  if (isApiServer(caller)) return undefined
  const subresources = nodeSubresources((request.url ?? '/').split('?')[0]!)
  const verb = nodeVerb(request.method ?? '')
  const asked = `user=${caller.name}, verb=${verb}, resource=nodes`
  try {
    if (await access.authorize(caller, verb, subresources)) return undefined
  } catch (error) {
    if (error instanceof TooManyQuestions) return { code: 429, text: 'Too many requests, please try again later.' }
    log.warn({ error: String(error) }, 'the cluster cannot be asked who may use the node')
    return { code: 500, text: `Authorization error (${asked}, subresource=${subresources[0]})` }
  }
  return { code: 403, text: `Forbidden (${asked}, subresource(s)=[${subresources.join(' ')}])` }
}

function certificateCaller(socket: TLSSocket): NodeCaller | undefined {
  if (!socket.authorized) return undefined
  const { subject } = socket.getPeerCertificate()
  const groups = subject?.O as string | string[] | undefined
  return { name: String(subject?.CN ?? ''), groups: groups === undefined ? [] : [groups].flat() }
}

/** Undefined: no token, one that is nobody's, or one of which the cluster cannot be asked. */
async function tokenCaller(access: NodeAccess, request: IncomingMessage): Promise<NodeCaller | TooManyQuestions | undefined> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
  if (token === undefined) return undefined
  return access.authenticate(token).catch((error: unknown) => (error instanceof TooManyQuestions ? error : undefined))
}

function isApiServer(caller: NodeCaller): boolean {
  return caller.name === 'kube-apiserver-kubelet-client' || caller.groups.includes('system:masters')
}

export function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(`${text}\n`)
}

export function refuseUpgrade(socket: Duplex, code: number, text: string): void {
  const body = `${text}\n`
  const head = `HTTP/1.1 ${code} ${reasons[code] ?? 'Error'}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n`
  socket.end(head + body)
}

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
}
