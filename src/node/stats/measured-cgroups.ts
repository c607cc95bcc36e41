import type { Clock } from '../../base/clock.ts'
import type { PodCgroups } from '../resources/pod-cgroups.ts'
import type { NodeMetrics } from './node-metrics.ts'

/** The same cgroups, each work on them timed. */
export function measuredCgroups(cgroups: PodCgroups, metrics: Pick<NodeMetrics, 'cgroups'>, clock: Pick<Clock, 'monotonicMs'>): PodCgroups {
  const made = new Set<string>()
  const timed = (operation: 'create' | 'update' | 'destroy', work: () => void) => {
    const startedMs = clock.monotonicMs()
    work()
    metrics.cgroups(operation, clock.monotonicMs() - startedMs)
  }
  return {
    ...cgroups,
    ensure: (pod, ...others) => {
      const { uid = '' } = pod.metadata
      timed(made.has(uid) ? 'update' : 'create', () => cgroups.ensure(pod, ...others))
      made.add(uid)
    },
    remove: (uid) => {
      timed('destroy', () => cgroups.remove(uid))
      made.delete(uid)
    },
  }
}
