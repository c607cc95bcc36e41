import { sleep } from '../../base/clock.ts'
import type { HookRunner } from '../pod/pod-context.ts'
import { httpTarget, resolvePort } from './handler-target.ts'
import type { ProbeContext } from './run-probe.ts'

const outputBytesMax = 4 * 1024
/** A hook without an end is bounded by whoever waits for it; the engine still wants a number. */
const execTimeoutMs = 24 * 3600 * 1000

/** Runs postStart and preStop handlers. */
export function lifecycleHooks({ runtime, clock, transport }: ProbeContext): HookRunner {
  return {
    run: async (handler, { containerId, container, podIp }, signal) => {
      signal.throwIfAborted()
      if (handler.exec) {
        const command = handler.exec.command ?? []
        const result = await untilAborted(runtime.execSync(containerId, command, { timeoutMs: execTimeoutMs, outputBytesMax }), signal)
        if (result.exitCode === 0) return
        const output = Buffer.concat([result.stdout, result.stderr]).toString('utf8').trim()
        throw new Error(`command '${command.join(' ')}' exited with ${result.exitCode}: ${output}`)
      }
      if (handler.httpGet) {
        const target = httpTarget(handler.httpGet, container.container, podIp)
        const answer = await transport.http(target, signal)
        if (answer.code >= 400) throw new Error(`HTTP hook failed with statuscode: ${answer.code}`)
        return
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

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const onAbort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  return Promise.race([work, aborted.promise]).finally(() => signal.removeEventListener('abort', onAbort))
}
