import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import { connectionErrorText, hostPort } from '../../machinery/connection-error.ts'

export type HttpTarget = {
  readonly scheme: 'http' | 'https'
  readonly host: string
  readonly port: number
  readonly path: string
  readonly headers: readonly { readonly name: string; readonly value: string }[]
}
export type HttpAnswer = { readonly code: number; readonly body: string; readonly location: string | undefined }

/** How probes and hooks reach a pod. Every method rejects with words fit for users, or with the signal's reason. */
export type ProbeTransport = {
  http(target: HttpTarget, signal: AbortSignal): Promise<HttpAnswer>
  tcp(host: string, port: number, signal: AbortSignal): Promise<void>
  /** The serving status of the gRPC health protocol: `SERVING`, … */
  grpc(host: string, port: number, service: string, signal: AbortSignal): Promise<string>
}

const bodyBytesMax = 10 * 1024
const userAgent = 'kube-probe/1.36'

/** Over real sockets. Certificates of pods are not verified, as upstream's probes do not. */
export function socketProbeTransport(): ProbeTransport {
  return {
    http: httpGet,
    tcp: tcpConnect,
    // The library is loaded on the first gRPC probe only: few pods have one.
    grpc: async (host, port, service, signal) => {
      const { grpcHealth } = await import('./grpc-health.ts')
      return grpcHealth({ address: hostPort(host, port), service, userAgent }, signal)
    },
  }
}

/** Every pod answers well: for nodes without a network. */
export function simulatedProbeTransport(): ProbeTransport {
  return {
    http: async () => ({ code: 200, body: 'ok', location: undefined }),
    tcp: async () => {},
    grpc: async () => 'SERVING',
  }
}

function httpGet({ scheme, host, port, path, headers }: HttpTarget, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const own: Record<string, string | string[]> = { 'user-agent': userAgent, accept: '*/*' }
    for (const { name, value } of headers) {
      const key = name.toLowerCase()
      if (key === 'accept' && value === '') delete own.accept
      else own[key] = Array.isArray(own[key]) && key !== 'host' ? [...own[key], value] : value
    }
    const send = scheme === 'https' ? httpsRequest : httpRequest
    const request = send({
      host,
      port,
      path,
      method: 'GET',
      headers: own,
      agent: false,
      signal,
      ...(scheme === 'https' ? { rejectUnauthorized: false } : {}),
    })
    const url = `${scheme}://${hostPort(host, port)}${path}`
    const fail = (error: Error) =>
      reject(signal.aborted ? (signal.reason as Error) : new Error(`Get "${url}": ${connectionErrorText(error)}`))
    request.once('error', fail)
    request.once('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      const finish = () =>
        resolve({ code: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8'), location: response.headers.location })
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk.subarray(0, bodyBytesMax - size))
        size += chunk.length
        if (size < bodyBytesMax) return
        finish()
        response.destroy()
      })
      response.once('end', finish)
      response.once('error', fail)
    })
    request.end()
  })
}

function tcpConnect(host: string, port: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal })
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
    socket.once('error', (error) => reject(signal.aborted ? (signal.reason as Error) : new Error(connectionErrorText(error))))
  })
}
