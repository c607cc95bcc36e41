import type { Clock } from '../../base/clock.ts'
import type { Runtime } from '../runtime/contract.ts'
import type { NodeMetrics } from './node-metrics.ts'

/** Upstream's names of what is asked of an engine; pausing and resuming are this platform's own. What is not named is not counted. */
const operations: Partial<Readonly<Record<keyof Runtime, string>>> = {
  version: 'version',
  status: 'status',
  list: 'list_podsandbox',
  pod: 'podsandbox_status',
  runSandbox: 'run_podsandbox',
  stopSandbox: 'stop_podsandbox',
  removeSandbox: 'remove_podsandbox',
  createContainer: 'create_container',
  startContainer: 'start_container',
  stopContainer: 'stop_container',
  removeContainer: 'remove_container',
  pauseContainer: 'pause_container',
  resumeContainer: 'resume_container',
  updateResources: 'update_container',
  execSync: 'exec_sync',
  exec: 'exec',
  attach: 'attach',
  portForward: 'port_forward',
  reopenLog: 'reopen_container_log',
  pullImage: 'pull_image',
  image: 'image_status',
  images: 'list_images',
  removeImage: 'remove_image',
  imageFilesystem: 'image_fs_info',
  stats: 'list_container_stats',
}

type AnyCall = (...args: unknown[]) => Promise<unknown>

/** The same engine, each call counted and timed. */
export function measuredRuntime(runtime: Runtime, metrics: Pick<NodeMetrics, 'operation'>, clock: Pick<Clock, 'monotonicMs'>): Runtime {
  const measured: Record<string, unknown> = {}
  for (const [name, type] of Object.entries(operations)) {
    const call = runtime[name as keyof Runtime] as unknown as AnyCall
    measured[name] = (...args: unknown[]) => {
      const startedMs = clock.monotonicMs()
      const end = (hasFailed: boolean) => metrics.operation(type, clock.monotonicMs() - startedMs, hasFailed)
      const answer = call.apply(runtime, args)
      answer.then(
        () => end(false),
        () => end(true),
      )
      return answer
    }
  }
  // The table has every call that answers once; what is left is a stream and the end.
  return { ...(measured as Omit<Runtime, 'events' | 'close'>), events: (signal) => runtime.events(signal), close: () => runtime.close() }
}
