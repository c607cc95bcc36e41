import type { Duplex } from 'node:stream'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import { admitConnect } from '../admission/connect.ts'
import type { Aggregation } from '../aggregation/aggregation.ts'
import { type Address, identityHeaders } from '../aggregation/remote-server.ts'
import type { ApiRequest, UpgradeHandler, UserInfo } from '../contract.ts'
import type { Core, RequestContext } from '../core.ts'
import { refusal } from '../authn/identity.ts'
import type { Dialer, DialTarget } from '../reach/node-dialer.ts'
import { jsonLine } from '../encoding/json-line.ts'
import { createObjectReader } from '../objects/object-reader.ts'
import { pods } from '../../kinds/core/pod.ts'
import type { Admitted, OpenConnection, Pipeline } from '../pipeline.ts'
import { parseRequest, type RequestInfo, type ResourceRequest } from './request-info.ts'
import { nodeOf, nodeTarget, streamPath } from '../subresources/node-target.ts'
import { forwardedHeaders, proxyHeaders, proxyPath, proxyTarget } from '../subresources/proxy.ts'
import { unreachable, unreachableService } from '../subresources/proxy-errors.ts'
import { isStreamedAnswer, sendOverWebSocket } from './websocket-stream.ts'

/**
 * Connections that are taken over: exec, attach, port-forward and upgrades through proxies. The server judges who may, finds
 * where to, writes the upgrade request there and from then on passes bytes both ways unread: WebSocket and SPDY alike
 * are the node agent's (or the workload's) to speak, and so is the answer's head.
 */
export function createUpgradeHandler(parts: {
  core: Core
  dialer: Dialer | undefined
  aggregation: Pick<Aggregation, 'find'>
  pipeline: Pipeline
}): UpgradeHandler {
  const { core, dialer, aggregation, pipeline } = parts
  return async (request, socket, head) => {
    const info = parseRequest(request.method, request.url)
    if (isStreamedAnswer(info, request) && !aggregation.find(info)) {
      return streamAnswer(pipeline, { request, socket, head }, info.type === 'resource' && info.verb === 'watch')
    }
    const open = async ({ info, user, annotate }: Admitted): Promise<OpenConnection> => {
      const aggregated = aggregation.find(info)
      const upstream = aggregated
        ? await openAggregated(aggregated, request, user)
        : await openRoute(core, dialer, request, {
            info,
            context: { user, verb: info.verb, signal: request.signal, agent: '', warn: () => {}, annotate },
          })
      if (head.length > 0) upstream.write(head)
      return { run: () => tunnel(socket, upstream) }
    }
    try {
      await pipeline.takeOver(request, open)
    } catch (error) {
      const { code, reason, status } = error instanceof StatusError ? error : statusErrors.internal(error)
      refuse(socket, code, reason, jsonLine(status))
    }
  }
}

/** The answer to the same request without an upgrade, as messages. */
async function streamAnswer(
  { handle }: Pipeline,
  connection: { readonly request: ApiRequest; readonly socket: Duplex; readonly head: Uint8Array },
  isWatch: boolean,
): Promise<void> {
  const gone = new AbortController()
  connection.socket.once('close', () => gone.abort())
  const { request, socket } = connection
  const response = await handle({ ...request, signal: AbortSignal.any([request.signal, gone.signal]) })
  try {
    if (response.code !== 200 && response.code !== 204) {
      const blocks: Uint8Array[] = response.body instanceof Uint8Array ? [response.body] : []
      if (!(response.body instanceof Uint8Array)) for await (const block of response.body) blocks.push(block)
      return refuse(socket, response.code, 'Refused', Buffer.concat(blocks))
    }
    await sendOverWebSocket(connection, response, isWatch)
  } catch (error) {
    const { code, reason, status } = error instanceof StatusError ? error : statusErrors.internal(error)
    refuse(socket, code, reason, jsonLine(status))
  } finally {
    gone.abort()
  }
}

async function openAggregated(
  aggregated: NonNullable<ReturnType<Aggregation['find']>>,
  request: ApiRequest,
  user: UserInfo,
): Promise<Duplex> {
  const { socket, address } = await aggregated.connect()
  socket.write(requestHead(request, request.url, address, identityHeaders(user)))
  return socket
}

async function openRoute(
  core: Core,
  dialer: Dialer | undefined,
  request: ApiRequest,
  { info, context }: { readonly info: RequestInfo; readonly context: RequestContext },
): Promise<Duplex> {
  if (info.type !== 'resource') throw statusErrors.pathNotFound()
  await demandCreate(core, info, context)
  await admitConnect(core, context, info)
  const route = routeOf(core, request, info)
  if (!dialer) throw statusErrors.serviceUnavailable('this server has no way to its nodes')
  const upstream = await dialer.connect(route.target).catch((error: unknown) => {
    throw route.target.isNode ? unreachable(route.nodeName, route.target, error) : unreachableService(error)
  })
  upstream.write(requestHead(request, route.path, route.target, route.headers))
  return upstream
}

type Route = {
  readonly target: DialTarget
  readonly path: string
  readonly nodeName: string
  /** More than what is passed on to everybody. */
  readonly headers: Readonly<Record<string, string | string[]>>
}

function routeOf(core: Core, request: ApiRequest, info: ResourceRequest): Route {
  const { resource, subresource } = info
  if (subresource === 'proxy') {
    const target = proxyTarget(core, info)
    return { target, path: proxyPath(info), nodeName: info.name, headers: proxyHeaders(request, info, target) }
  }
  const isStream = subresource === 'exec' || subresource === 'attach' || subresource === 'portforward'
  if (resource !== 'pods' || !isStream) throw statusErrors.badRequest('this path takes no upgrade')
  const pod = createObjectReader(core.registry, core.storage).get(pods, info.namespace, info.name) as (KubeObject & Pod) | undefined
  if (!pod) throw statusErrors.notFound({ group: '', resource: 'pods' }, info.name)
  const nodeName = nodeOf(pod)
  return { target: nodeTarget(core, nodeName), path: streamPath(subresource, pod, info.query), nodeName, headers: {} }
}

/** A WebSocket begins with a GET, but running a command is no reading: the right to create is asked for as well. */
async function demandCreate(core: Core, info: ResourceRequest, context: RequestContext): Promise<void> {
  if (info.subresource === 'proxy' || info.verb === 'create') return
  const { group, version, resource, subresource, namespace, name } = info
  const { user } = context
  const attributes = { type: 'resource', user, verb: 'create', group, version, resource, subresource, namespace, name } as const
  const decision = await core.authorizer.authorize(attributes, context)
  if (!decision.allowed) throw refusal(attributes, decision)
}

function requestHead(
  request: ApiRequest,
  path: string,
  { host, port }: Address,
  more: Readonly<Record<string, string | string[]>> = {},
): string {
  const headers = {
    ...forwardedHeaders(request),
    host: `${host}:${port}`,
    ...more,
    connection: 'Upgrade',
    upgrade: request.headers.upgrade ?? 'websocket',
  }
  const lines = Object.entries(headers).flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((one) => `${name}: ${one}`))
  return `${request.method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}

/** Ends when either side has ended; both are closed then. */
function tunnel(a: Duplex, b: Duplex): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      a.destroy()
      b.destroy()
      resolve()
    }
    for (const side of [a, b]) {
      side.once('error', finish)
      side.once('close', finish)
    }
    a.pipe(b)
    b.pipe(a)
  })
}

function refuse(socket: Duplex, code: number, reason: string, body: Buffer): void {
  socket.on('error', () => socket.destroy())
  socket.write(
    `HTTP/1.1 ${code} ${reason}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`,
  )
  socket.end(body)
}
