import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { controllerOf } from '../../machinery/object.ts'
import type { RebalancePolicy } from './rebalance-policy.ts'

/** The descheduler's annotation: `true` lets a pod be moved that would stay, anything else keeps it where it is. */
export const evictAnnotation = 'descheduler.alpha.kubernetes.io/evict'
const mirrorAnnotation = 'kubernetes.io/config.mirror'
const systemPriority = 2_000_000_000

/** Why a pod is left where it is whatever would be gained; undefined: it may be moved. */
export function reasonToStay(pod: Pod, policy: Pick<RebalancePolicy, 'excludedNamespaces' | 'priorityMax'>): string | undefined {
  const { annotations = {}, deletionTimestamp } = pod.metadata
  if (deletionTimestamp !== undefined || isPodTerminal(pod)) return 'it is leaving already'
  if (annotations[mirrorAnnotation] !== undefined) return 'it belongs to its node (static pod)'
  const owner = controllerOf(pod)
  if (owner?.kind === 'DaemonSet' || owner?.kind === 'Node') return `it belongs to its node (${owner.kind})`
  if (policy.excludedNamespaces.has(pod.metadata.namespace ?? '')) return `pods of the namespace ${pod.metadata.namespace} stay`
  const priority = pod.spec?.priority ?? 0
  if (priority > policy.priorityMax && priority < systemPriority) return `its priority ${priority} is more than ${policy.priorityMax}`
  const wish = annotations[evictAnnotation]
  if (wish === 'true') return owner ? undefined : 'nothing makes it anew: it has no controller'
  if (wish !== undefined) return `its annotation ${evictAnnotation} says so`
  if (!owner) return 'nothing makes it anew: it has no controller'
  if (priority >= systemPriority) return 'it is critical for the system'
  if (pod.spec?.volumes?.some((v) => v.emptyDir || v.hostPath)) return 'it would lose what it keeps on its node (emptyDir or hostPath)'
  if (pod.spec?.schedulingGroup?.podGroupName) return 'its group is placed together'
  return undefined
}
