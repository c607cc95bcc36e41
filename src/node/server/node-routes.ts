import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket, WebSocketServer } from 'ws'
import type { Clock } from '../../base/clock.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { LogFiles } from '../logs/log-files.ts'
import { readLog } from '../logs/read-log.ts'
import type { PodWorker } from '../pod/pod-worker.ts'
import type { ProcessStreams, Runtime, RuntimeContainer } from '../runtime/contract.ts'
import type { NodeDocument } from '../stats/node-documents.ts'
import { NotServed, parseLogOptions } from './log-options.ts'
import { loggedContainer } from './logged-container.ts'
import { answerHealth, type HealthCheck } from './node-health.ts'
import { serveLogDirectory } from './node-logs.ts'
import { type Dial, portForwardProtocol, servePortForward, tunnelProtocol, webSocketPipe } from './port-forward.ts'
import { type CommandChannels, type CommandOptions, runRemoteCommand } from './remote-command.ts'
import { servePodDial } from './pod-dial.ts'
import { refuseUpgrade, sendText } from './node-server.ts'
import { spdyCommandChannels, spdyCommandProtocols } from './spdy-command.ts'
import { forwardedPorts, serveWebSocketForward, webSocketForwardProtocols } from './websocket-forward.ts'
import { webSocketCommandChannels, webSocketCommandProtocols } from './websocket-command.ts'

export type NodeRoutesOptions = {
  readonly runtime: Runtime
  readonly clock: Clock
  readonly logFiles: LogFiles
  readonly find: (namespace: string, name: string) => PodWorker | undefined
  readonly pods: () => readonly Pod[]
  /** As the engine holds them: names and images alone. */
  readonly runningPods: () => readonly Pod[]
  /** Calls back when a container of the pod may have ended. */
  readonly onPodChange: (uid: string, listener: () => void) => () => void
  readonly onRequest: (method: string, path: string) => void
  readonly healthChecks: readonly HealthCheck[]
  /** Shown at `/logs/`; undefined: nothing is. */
  readonly logDirectory: string | undefined
  /** Plain documents by path: metrics, statistics. */
  readonly documents: Readonly<Record<string, NodeDocument>>
}

export type NodeRoutes = {
  /** Counts a request, whoever it is from. */
  note(request: IncomingMessage): void
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>
}

type Target = { readonly worker: PodWorker; readonly container: RuntimeContainer }
type Upgrade = {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
  readonly url: URL
  readonly parts: readonly string[]
}

/** What the node's API answers, without its sockets' set-up. */
export function createNodeRoutes(options: NodeRoutesOptions): NodeRoutes {
  let webSockets: Promise<WebSocketServer> | undefined
  const acceptWebSocket = (upgrade: Upgrade, protocols: readonly string[]) => {
    webSockets ??= import('ws').then((ws) => new ws.WebSocketServer({ noServer: true, perMessageDeflate: false, skipUTF8Validation: true }))
    return webSockets.then((server) => accept(server, upgrade, protocols))
  }
  return {
    note: ({ method = '', url = '' }) => options.onRequest(method, url.split('?')[0]!),
    serve: (request, response) => serve(options, request, response),
    upgrade: async (request, socket, head) => {
      const url = new URL(request.url ?? '/', 'https://node')
      const parts = url.pathname
        .split('/')
        .filter((p) => p !== '')
        .map(decodeURIComponent)
      const upgrade: Upgrade = { request, socket, head, url, parts }
      try {
        switch (parts[0]) {
          case 'exec':
          case 'attach':
            return await serveCommand(options, upgrade, acceptWebSocket)
          case 'portForward':
            return await serveForward(options, upgrade, acceptWebSocket)
          case 'dial':
            return await servePodDial({ socket, head, address: parts[1] ?? '', port: Number(parts[2]) }, () => addressesOf(options.pods()))
          default:
            return refuseUpgrade(socket, 404, 'page not found')
        }
      } catch (error) {
        if (!(error instanceof NotServed)) throw error
        refuseUpgrade(socket, error.code, error.message)
      }
    },
  }
}

function addressesOf(pods: readonly Pod[]): string[] {
  return pods.flatMap(({ status }) => status?.podIPs?.map(({ ip }) => ip) ?? [])
}

type AcceptWebSocket = (upgrade: Upgrade, protocols: readonly string[]) => Promise<Accepted>

async function serve(options: NodeRoutesOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://node')
  const parts = url.pathname
    .split('/')
    .filter((p) => p !== '')
    .map(decodeURIComponent)
  const document = options.documents[url.pathname]
  try {
    if (readOnlyRoots.has(parts[0] ?? '') && request.method !== 'GET' && request.method !== 'HEAD')
      throw new NotServed(405, '405: Method Not Allowed')
    if (document) {
      const { type, text } = await document(url.searchParams)
      response.writeHead(200, { 'content-type': type })
      response.end(text)
    } else if (parts[0] === 'healthz') serveHealth(options, url, response)
    else if (url.pathname === '/pods') sendPods(response, options.pods())
    else if (url.pathname === '/runningpods/') sendPods(response, options.runningPods())
    else if (parts[0] === 'logs') await serveLogFiles(options, url, response)
    else if (parts[0] === 'containerLogs') await serveLogs(options, url, parts, response)
    else if (parts[0] === 'run' && request.method === 'POST') await serveRun(options, url, parts, response)
    else if (parts[0] === 'exec' || parts[0] === 'attach' || parts[0] === 'portForward' || parts[0] === 'dial')
      throw new NotServed(400, 'Upgrade request required')
    else sendText(response, 404, '404 page not found')
  } catch (error) {
    if (!(error instanceof NotServed)) throw error
    sendText(response, error.code, error.message)
  }
}

const readOnlyRoots: ReadonlySet<string> = new Set(['configz', 'healthz', 'logs', 'metrics', 'pods', 'runningpods', 'stats'])

function serveHealth({ healthChecks }: NodeRoutesOptions, url: URL, response: ServerResponse): void {
  const answer = answerHealth(healthChecks, url.pathname, url.searchParams)
  if (!answer) throw new NotServed(404, '404 page not found')
  response.writeHead(answer.code, { 'content-type': 'text/plain; charset=utf-8', 'x-content-type-options': 'nosniff' })
  response.end(answer.text)
}

function sendPods(response: ServerResponse, items: readonly Pod[]): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ kind: 'PodList', apiVersion: 'v1', metadata: {}, items }))
}

async function serveLogFiles({ logDirectory }: NodeRoutesOptions, url: URL, response: ServerResponse): Promise<void> {
  if (logDirectory === undefined) throw new NotServed(405, 'logs endpoint is disabled.')
  const path = safeDecode(url.pathname.slice('/logs'.length))
  await serveLogDirectory(logDirectory, path, response)
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new NotServed(400, 'invalid URL path')
  }
}

async function serveLogs(options: NodeRoutesOptions, url: URL, parts: readonly string[], response: ServerResponse): Promise<void> {
  const [, namespace = '', name = '', containerName = ''] = parts
  const worker = findWorker(options, namespace, name)
  const { previous, ...logOptions } = parseLogOptions(url.searchParams, options.clock.now())
  const { id, logPath } = loggedContainer(worker, containerName, previous)
  const find = () => worker.sandboxes.flatMap((s) => s.containers).find((c) => c.id === id)
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const source = {
    files: options.logFiles,
    path: logPath,
    hasEnded: () => find()?.state !== 'Running',
    onEnd: (listener: () => void) => options.onPodChange(worker.records.uid, listener),
  }
  const chunks = readLog(source, logOptions, gone.signal)
  const first = await chunks.next().catch((error: unknown) => {
    throw new NotServed(500, error instanceof Error ? error.message : String(error))
  })
  response.writeHead(200, { 'content-type': 'text/plain' })
  if (logOptions.follow) response.flushHeaders()
  for (let chunk = first; !chunk.done; chunk = await chunks.next()) {
    if (!response.write(chunk.value)) await drained(response)
    if (gone.signal.aborted) break
  }
  await chunks.return(undefined)
  response.end()
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}

const runTimeoutMs = 60_000

async function serveRun(options: NodeRoutesOptions, url: URL, parts: readonly string[], response: ServerResponse): Promise<void> {
  const { container } = targetOf(options, parts)
  const command = url.searchParams.getAll('cmd').flatMap((words) => words.split(' '))
  const result = await options.runtime.execSync(container.id, command, { timeoutMs: runTimeoutMs })
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.end(Buffer.concat([result.stdout, result.stderr]))
}

async function serveCommand(options: NodeRoutesOptions, upgrade: Upgrade, acceptWebSocket: AcceptWebSocket): Promise<void> {
  const { parts, url, request } = upgrade
  const isAttach = parts[0] === 'attach'
  const { container } = targetOf(options, parts)
  if (container.state !== 'Running') throw new NotServed(500, `container not found ("${container.name}")`)
  const command = url.searchParams.getAll('command')
  if (!isAttach && command.length === 0) throw new NotServed(400, 'you must specify at least one command for the container')
  const flags = commandOptions(url.searchParams)
  const after = (delayMs: number, callback: () => void) => options.clock.schedule(delayMs, callback)
  const start = (): Promise<ProcessStreams> =>
    isAttach ? options.runtime.attach(container.id, flags) : options.runtime.exec(container.id, { ...flags, command })
  let channels: CommandChannels | undefined
  if (isWebSocket(request)) {
    const { socket, protocol = 'channel.k8s.io' } = await acceptWebSocket(upgrade, webSocketCommandProtocols)
    channels = webSocketCommandChannels(socket, protocol, flags)
  } else {
    const protocol = acceptSpdy(upgrade, spdyCommandProtocols)
    channels = await spdyCommandChannels({ socket: upgrade.socket, head: upgrade.head, protocol }, flags, after)
  }
  if (channels) await runRemoteCommand(start, channels, after)
}

async function serveForward(options: NodeRoutesOptions, upgrade: Upgrade, acceptWebSocket: AcceptWebSocket): Promise<void> {
  const [, namespace = '', name = ''] = upgrade.parts
  const worker = findWorker(options, namespace, name)
  const sandbox = worker.sandboxes[0]
  if (!sandbox || sandbox.state !== 'Ready') throw new NotServed(500, `pod not found ("${name}_${namespace}")`)
  const dial: Dial = (port) => options.runtime.portForward(sandbox.sandboxId, port)
  if (isWebSocket(upgrade.request)) {
    const asked = String(upgrade.request.headers['sec-websocket-protocol'] ?? '')
    // Without the tunnel the ports are the query's; a bad one is refused before the connection is taken over.
    const ports = asked.includes(tunnelProtocol) ? [] : forwardedPorts(upgrade.url.searchParams)
    const { socket, protocol } = await acceptWebSocket(upgrade, [tunnelProtocol, ...webSocketForwardProtocols])
    if (protocol === tunnelProtocol) return servePortForward(webSocketPipe(socket), Buffer.alloc(0), dial)
    return serveWebSocketForward(socket, protocol ?? webSocketForwardProtocols[0], ports, dial)
  }
  acceptSpdy(upgrade, [portForwardProtocol])
  return servePortForward(upgrade.socket, upgrade.head, dial)
}

/** Answers 101 with the best protocol that both speak. */
function acceptSpdy({ request, socket }: Upgrade, protocols: readonly string[]): string {
  if (!/spdy\/3\.1/i.test(String(request.headers.upgrade)))
    throw new NotServed(400, 'unable to upgrade: missing upgrade headers in request')
  const asked = String(request.headers['x-stream-protocol-version'] ?? '')
    .split(',')
    .map((p) => p.trim())
    .filter((p) => p !== '')
  const chosen = asked.length === 0 ? protocols.at(-1)! : protocols.find((p) => asked.includes(p))
  if (!chosen) throw new NotServed(403, `unable to upgrade: unable to negotiate protocol: client supports ${asked.join(', ')}`)
  const version = asked.length > 0 ? `X-Stream-Protocol-Version: ${chosen}\r\n` : ''
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n${version}\r\n`)
  return chosen
}

type Accepted = { readonly socket: WebSocket; readonly protocol: string | undefined }

/**
 * Takes the connection over as a WebSocket with the best protocol that both speak. The library never sees the protocols: it would
 * choose the client's first one, and refuses names with a slash, such as the one of port-forward's tunnel.
 */
async function accept(server: WebSocketServer, { request, socket, head }: Upgrade, protocols: readonly string[]): Promise<Accepted> {
  const asked = String(request.headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((p) => p.trim())
    .filter((p) => p !== '')
  const protocol = protocols.find((p) => asked.includes(p))
  if (asked.length > 0 && !protocol) throw new NotServed(400, `unable to negotiate protocol: client supports ${asked.join(', ')}`)
  delete request.headers['sec-websocket-protocol']
  const onHeaders = (headers: string[], answered: IncomingMessage) => {
    if (answered === request && protocol) headers.push(`Sec-WebSocket-Protocol: ${protocol}`)
  }
  server.on('headers', onHeaders)
  try {
    const accepted = await new Promise<WebSocket>((resolve, reject) => {
      socket.once('close', () => reject(new Error('the connection ended before it was taken over')))
      server.handleUpgrade(request, socket, head, resolve)
    })
    return { socket: accepted, protocol }
  } finally {
    server.off('headers', onHeaders)
  }
}

function isWebSocket(request: IncomingMessage): boolean {
  return String(request.headers.upgrade).toLowerCase() === 'websocket'
}

function commandOptions(query: URLSearchParams): CommandOptions {
  const flag = (...names: string[]) => names.some((name) => query.get(name) === '1' || query.get(name) === 'true')
  const tty = flag('tty')
  return { stdin: flag('input', 'stdin'), stdout: flag('output', 'stdout'), stderr: flag('error', 'stderr') && !tty, tty }
}

function findWorker({ find }: NodeRoutesOptions, namespace: string, name: string): PodWorker {
  const worker = find(namespace, name)
  if (!worker) throw new NotServed(404, `pod "${name}" not found`)
  return worker
}

/** `/verb/NAMESPACE/POD[/UID]/CONTAINER`. */
function targetOf(options: NodeRoutesOptions, parts: readonly string[]): Target {
  const [, namespace = '', name = ''] = parts
  const worker = findWorker(options, namespace, name)
  const containerName = parts.at(-1) ?? ''
  const [container] = byAttempt(worker, containerName)
  if (!container) throw new NotServed(500, `container not found ("${containerName}")`)
  return { worker, container }
}

function byAttempt(worker: PodWorker, name: string): RuntimeContainer[] {
  const all = worker.sandboxes.flatMap((s) => s.containers).filter((c) => c.name === name && c.state !== 'Created')
  return all.sort((a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs)
}
