import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { loadKubeconfig, resolveContext } from '../src/client/kubeconfig.ts'

/** Where an API is, and how to be let in. */
export type Target = {
  readonly host: string
  readonly port: number
  /** Before every path of the API; empty for most. */
  readonly path: string
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** Of the Authorization header. */
  readonly authorization?: string
  /** Whom the certificate is for, where that is not the host. */
  readonly serverName?: string
  readonly isUnverified?: boolean
}

/** Where a kubeconfig's current context points to. Throws for what the raw connections of the benchmarks cannot do. */
export function targetOf(kubeconfig: string): Target {
  const { connection, context } = resolveContext(loadKubeconfig([kubeconfig]))
  const { server, ca, cert, key, username, password, tlsServerName, insecureSkipTlsVerify, impersonate, credentials } = connection
  const url = new URL(server)
  if (url.protocol !== 'https:') throw new Error(`context "${context}": ${server} is not an https:// address`)
  if (credentials || impersonate) throw new Error(`context "${context}": credentials by a program and impersonation are not supported here`)
  const token = connection.tokenFile ? readFileSync(connection.tokenFile, 'utf8').trim() : connection.token
  const basic = username === undefined ? undefined : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const authorization = token ? `Bearer ${token}` : basic
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 443),
    path: url.pathname.replace(/\/$/, ''),
    ...(ca ? { ca } : {}),
    ...(cert ? { cert } : {}),
    ...(key ? { key } : {}),
    ...(authorization ? { authorization } : {}),
    ...(tlsServerName ? { serverName: tlsServerName } : {}),
    ...(insecureSkipTlsVerify ? { isUnverified: true } : {}),
  }
}

/** HTTP/1.1 over TLS; resolves when hands are shaken. */
export function openSocket({ host, port, ca, cert, key, serverName, isUnverified }: Target): Promise<TLSSocket> {
  const servername = serverName ?? (isIP(host) ? '' : host)
  return new Promise((resolve, reject) => {
    const options = { host, port, ca, cert, key, servername, rejectUnauthorized: !isUnverified, ALPNProtocols: ['http/1.1'] }
    const socket = connect(options, () => {
      socket.off('error', reject)
      socket.setNoDelay(true)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

/** The bytes of one request, made once and sent many times. */
export function prepareRequest(target: Target, request: { method: string; path: string; body?: string; contentType?: string }): Buffer {
  const body = request.body ?? ''
  const { host, port, path, authorization } = target
  const lines = [
    `${request.method} ${path}${request.path} HTTP/1.1`,
    `host: ${isIP(host) === 6 ? `[${host}]` : host}:${port}`,
    'accept: application/json',
    'user-agent: keelson-bench',
    ...(authorization ? [`authorization: ${authorization}`] : []),
    ...(body ? [`content-type: ${request.contentType ?? 'application/json'}`, `content-length: ${Buffer.byteLength(body)}`] : []),
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}
