import type { Clock } from '../../base/clock.ts'
import type { Probe } from '../../kinds/generated/types/core-v1.ts'
import { hostPort } from '../../machinery/connection-error.ts'
import type { PodContainer } from '../pod/pod-view.ts'
import { type Runtime, RuntimeError } from '../runtime/contract.ts'
import { httpTarget, resolvePort } from './handler-target.ts'
import type { HttpAnswer, HttpTarget, ProbeTransport } from './probe-transport.ts'

export type ProbeContext = { readonly runtime: Runtime; readonly clock: Clock; readonly transport: ProbeTransport }
export type ProbeTarget = { readonly container: PodContainer; readonly containerId: string; readonly podIp: string }
/** `warning`: good enough, but worth to be told. `unknown`: the probe itself could not be made; it counts for nothing. */
export type ProbeResult = { readonly verdict: 'success' | 'warning' | 'failure' | 'unknown'; readonly message: string }

const outputBytesMax = 10 * 1024
const redirectsMax = 10

/** One attempt of a probe, bounded by its timeoutSeconds. Never rejects. */
export async function runProbe(context: ProbeContext, probe: Probe, target: ProbeTarget): Promise<ProbeResult> {
  const timeoutMs = (probe.timeoutSeconds ?? 1) * 1000
  const abort = new AbortController()
  const cancel = context.clock.schedule(timeoutMs, () => abort.abort(new Error('context deadline exceeded')))
  try {
    if (probe.exec) return await execProbe(context, probe.exec.command ?? [], target, timeoutMs)
    if (probe.httpGet) return await httpProbe(context, httpTarget(probe.httpGet, target.container.container, target.podIp), abort.signal)
    if (probe.tcpSocket) {
      const port = resolvePort(probe.tcpSocket.port, target.container.container)
      await context.transport.tcp(probe.tcpSocket.host || target.podIp, port, abort.signal)
      return { verdict: 'success', message: '' }
    }
    if (probe.grpc) return await grpcProbe(context, probe.grpc, { ...target, timeoutMs }, abort.signal)
    return { verdict: 'unknown', message: `missing probe handler for ${target.container.container.name}` }
  } catch (error) {
    return { verdict: 'failure', message: error instanceof Error ? error.message : String(error) }
  } finally {
    cancel()
  }
}

async function execProbe(
  { runtime }: ProbeContext,
  command: readonly string[],
  { containerId }: ProbeTarget,
  timeoutMs: number,
): Promise<ProbeResult> {
  try {
    const result = await runtime.execSync(containerId, command, { timeoutMs, outputBytesMax })
    const message = Buffer.concat([result.stdout, result.stderr]).subarray(0, outputBytesMax).toString('utf8')
    return { verdict: result.exitCode === 0 ? 'success' : 'failure', message }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (error instanceof RuntimeError && error.reason === 'DeadlineExceeded') {
      return { verdict: 'failure', message: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeoutMs / 1000}s` }
    }
    return { verdict: 'unknown', message }
  }
}

async function httpProbe({ transport }: ProbeContext, target: HttpTarget, signal: AbortSignal): Promise<ProbeResult> {
  let answer = await transport.http(target, signal)
  let at = target
  for (let count = 0; isRedirect(answer) && count < redirectsMax; count++) {
    const next = new URL(answer.location!, `${at.scheme}://${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}${at.path}`)
    const host = next.hostname.replace(/^\[|\]$/g, '')
    // Another host is not this pod: that it answers with a redirect is success enough.
    if (host !== target.host) break
    const scheme = next.protocol === 'https:' ? 'https' : 'http'
    at = { ...at, scheme, host, port: Number(next.port) || (scheme === 'https' ? 443 : 80), path: next.pathname + next.search }
    answer = await transport.http(at, signal)
  }
  if (answer.code < 200 || answer.code >= 400) return { verdict: 'failure', message: `HTTP probe failed with statuscode: ${answer.code}` }
  if (answer.code < 300) return { verdict: 'success', message: answer.body }
  return { verdict: 'warning', message: `Probe terminated redirects, Response body: ${answer.body}` }
}

function isRedirect({ code, location }: HttpAnswer): boolean {
  return code >= 300 && code < 400 && location !== undefined
}

async function grpcProbe(
  { transport }: ProbeContext,
  { port, service }: { readonly port: number; readonly service?: string },
  { podIp, timeoutMs }: ProbeTarget & { readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<ProbeResult> {
  try {
    const status = await transport.grpc(podIp, port, service ?? '', signal)
    if (status === 'SERVING') return { verdict: 'success', message: '' }
    return { verdict: 'failure', message: `service unhealthy (responded with "${status}")` }
  } catch (error) {
    const within = `${timeoutMs / 1000}s`
    return { verdict: 'failure', message: grpcFailure(error, { at: hostPort(podIp, port), within, isLate: signal.aborted }) }
  }
}

const grpcCodes = { unimplemented: 12, unavailable: 14 } as const

/** In the words of upstream, which tries to connect for as long as the probe may take. */
function grpcFailure(error: unknown, { at, within, isLate }: { at: string; within: string; isLate: boolean }): string {
  if (isLate) return `timeout: health rpc did not complete within ${within}`
  const { code, details = '', message } = error as Error & { readonly code?: number; readonly details?: string }
  if (code === grpcCodes.unavailable) return `timeout: failed to connect service "${at}" within ${within}: context deadline exceeded`
  if (code === grpcCodes.unimplemented)
    return `error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${details}`
  return `error: health rpc probe failed: ${details || message}`
}
