import { kindRefs } from '../client/generated/kind-refs.ts'
import type { LoopContext } from '../control/contract.ts'
import { nodeUsageAnnotation, parseNodeUsage } from '../kinds/node-usage.ts'
import type { Plugin } from './core/plugin.ts'
import type { Snapshot } from './core/snapshot.ts'
import { reportUsage } from './plugins/load-aware.ts'

export const nodeLeaseNamespace = 'kube-node-lease'

export type NodeUsageFollower = {
  readonly context: LoopContext
  readonly plugins: readonly Plugin[]
  readonly snapshot: Snapshot
  /** A node uses less than before, or tells no more. */
  readonly onFallen: () => void
}

/** Passes what nodes write on their Leases to the plugins that ask for it; where none does, Leases are not watched at all. */
export function followNodeUsage({ context, plugins, snapshot, onFallen }: NodeUsageFollower): () => void {
  const asking = plugins.filter((p) => p.onNodeUsage)
  if (asking.length === 0) return () => {}
  return context.informer(kindRefs.coordinationV1.leases).onChange(({ current, old }) => {
    const { namespace, name = '', annotations } = (current ?? old)!.metadata
    if (namespace !== nodeLeaseNamespace) return
    const usage = current && parseNodeUsage(annotations?.[nodeUsageAnnotation])
    const before = parseNodeUsage(old?.metadata.annotations?.[nodeUsageAnnotation])
    if (!usage && !before) return
    const atMs = Date.parse(current?.spec?.renewTime ?? '') || context.clock.now()
    reportUsage(asking, snapshot, { nodeName: name, usage, atMs })
    if (before && (!usage || usage.cpuMilli < before.cpuMilli || usage.memoryBytes < before.memoryBytes)) onFallen()
  })
}
