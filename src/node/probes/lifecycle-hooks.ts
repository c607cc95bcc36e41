import { sleep } from '../../base/clock.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { hostPort } from '../../machinery/connection-error.ts'
import type { HookRunner, PodContext } from '../pod/pod-context.ts'
import { httpTarget, resolvePort } from './handler-target.ts'
import type { HttpTarget } from './probe-transport.ts'
import type { ProbeContext } from './run-probe.ts'

const outputBytesMax = 4 * 1024
/** A hook without an end is bounded by whoever waits for it; the engine still wants a number. */
const execTimeoutMs = 24 * 3600 * 1000

type HookContext = ProbeContext & Pick<PodContext, 'event'>

/** Runs postStart and preStop handlers. */
export function lifecycleHooks({ runtime, clock, transport, event }: HookContext): HookRunner {
  return {
    run: async (handler, { pod, containerId, container, podIp }, signal) => {
      signal.throwIfAborted()
      if (handler.exec) {
        const command = handler.exec.command ?? []
        const result = await untilAborted(runtime.execSync(containerId, command, { timeoutMs: execTimeoutMs, outputBytesMax }), signal)
        if (result.exitCode === 0) return
        const output = Buffer.concat([result.stdout, result.stderr]).toString('utf8').trim()
        throw new Error(`command '${command.join(' ')}' exited with ${result.exitCode}: ${output}`)
      }
      if (handler.httpGet) {
        return httpHook({ transport, event }, { pod, target: httpTarget(handler.httpGet, container.container, podIp) }, signal)
      }
      if (handler.sleep) return sleep(clock, handler.sleep.seconds * 1000, signal)
      // A TCP handler is kept in the API for old objects; connecting is all that it can do.
      if (handler.tcpSocket) {
        return transport.tcp(handler.tcpSocket.host || podIp, resolvePort(handler.tcpSocket.port, container.container), signal)
      }
      throw new Error('invalid handler: no action is given')
    },
  }
}

/** That it was called is what counts, whatever it answers. A server that speaks plain HTTP to an HTTPS hook is asked again so. */
async function httpHook(
  { transport, event }: Pick<HookContext, 'transport' | 'event'>,
  { pod, target }: { readonly pod: Pod; readonly target: HttpTarget },
  signal: AbortSignal,
): Promise<void> {
  try {
    await transport.http(target, signal)
  } catch (error) {
    if (signal.aborted || target.scheme !== 'https' || !isPlainAnswer(error)) throw error
    const headers = target.headers.filter(({ name }) => name.toLowerCase() !== 'authorization')
    await transport.http({ ...target, scheme: 'http', headers }, signal)
    const message = `request to HTTPS lifecycle hook ${hostPort(target.host, target.port)} got HTTP response, retry with HTTP succeeded`
    event(pod, { type: 'Warning', reason: 'LifecycleHTTPFallback', message })
  }
}

/** OpenSSL's words for a first record that is no TLS. */
function isPlainAnswer(error: unknown): boolean {
  return error instanceof Error && /wrong version number|packet length too long|http request/.test(error.message)
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort))
}
