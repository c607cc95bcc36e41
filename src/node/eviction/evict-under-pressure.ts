import type { Log } from '../../base/log.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { MachineUse } from '../node-status/machine.ts'
import { type EvictionThresholds, pressureOf } from '../node-status/node-status.ts'
import type { TerminalReason } from '../pod/pod-records.ts'
import type { Runtime } from '../runtime/contract.ts'
import { evictionMessage, evictionOrder } from './plan-eviction.ts'

export type EvictionOptions = {
  readonly use: MachineUse
  readonly thresholds: EvictionThresholds
  readonly runtime: Runtime
  readonly log: Log
  readonly pods: () => readonly Pod[]
  readonly evict: (uid: string, terminal: TerminalReason) => void
}

/** Ends one pod when memory runs short: the one whose end helps most at the least harm. The next look tells whether it was enough. */
export async function evictUnderPressure(options: EvictionOptions): Promise<void> {
  const { use, thresholds, runtime, log, pods, evict } = options
  if (!pressureOf(use, thresholds).memory) return
  try {
    const used = new Map<string, number>()
    for (const { uid, memoryWorkingSetBytes } of await runtime.stats()) used.set(uid, (used.get(uid) ?? 0) + memoryWorkingSetBytes)
    const active = pods().filter((p) => p.status?.phase === 'Running' && p.metadata.deletionTimestamp === undefined)
    const [first] = evictionOrder(active.map((pod) => ({ pod, usedBytes: used.get(pod.metadata.uid ?? '') ?? 0 })))
    if (!first) return
    const message = evictionMessage('memory', mebibytes(thresholds.memoryAvailableBytes), mebibytes(use.memoryAvailableBytes ?? 0))
    log.warn(
      { pod: first.pod.metadata.name, namespace: first.pod.metadata.namespace, usedBytes: first.usedBytes },
      'evicting a pod: memory runs short',
    )
    evict(first.pod.metadata.uid ?? '', { reason: 'Evicted', message, hasStarted: true, graceSeconds: 0 })
  } catch (error) {
    log.warn({ error: String(error) }, 'no pod could be chosen for eviction')
  }
}

function mebibytes(bytes: number): string {
  return `${Math.floor(bytes / 2 ** 20)}Mi`
}
