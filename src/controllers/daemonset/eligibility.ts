import { taintKeys, tolerates } from '../../control/taints.ts'
import type { DaemonSet } from '../../kinds/generated/types/apps-v1.ts'
import type { Node, Pod, PodSpec, Toleration } from '../../kinds/generated/types/core-v1.ts'
import { matchesNodeSelection } from '../../kinds/node-selection.ts'

/** `shouldRun`: a pod belongs there. `mayStay`: one that is there already is left alone. */
export type Eligibility = { readonly shouldRun: boolean; readonly mayStay: boolean }

const noWhere: Eligibility = { shouldRun: false, mayStay: false }

/**
 * Whether the DaemonSet's pod belongs on a node: by name, node selection and taints. A node that got a NoSchedule taint keeps the
 * pod that it has (https://kubernetes.io/docs/concepts/workloads/controllers/daemonset/#taints-and-tolerations).
 */
export function eligibilityOf(daemonSet: DaemonSet, node: Node): Eligibility {
  const spec = daemonSet.spec?.template.spec
  if (!spec || (spec.nodeName && spec.nodeName !== node.metadata.name) || !matchesNodeSelection(spec, node)) return noWhere
  const tolerations = daemonTolerations(spec)
  const untolerated = (node.spec?.taints ?? []).filter((taint) => !tolerations.some((toleration) => tolerates(toleration, taint)))
  const shouldRun = untolerated.every(({ effect }) => effect !== 'NoExecute' && effect !== 'NoSchedule')
  return { shouldRun, mayStay: untolerated.every(({ effect }) => effect !== 'NoExecute') }
}

/** The template's tolerations and those of every daemon: it stays on nodes in trouble. */
export function daemonTolerations(spec: PodSpec): Toleration[] {
  const automatic: Toleration[] = [
    { key: taintKeys.notReady, operator: 'Exists', effect: 'NoExecute' },
    { key: taintKeys.unreachable, operator: 'Exists', effect: 'NoExecute' },
    { key: taintKeys.diskPressure, operator: 'Exists', effect: 'NoSchedule' },
    { key: taintKeys.memoryPressure, operator: 'Exists', effect: 'NoSchedule' },
    { key: taintKeys.pidPressure, operator: 'Exists', effect: 'NoSchedule' },
    { key: taintKeys.unschedulable, operator: 'Exists', effect: 'NoSchedule' },
    ...(spec.hostNetwork ? [{ key: taintKeys.networkUnavailable, operator: 'Exists', effect: 'NoSchedule' } as const] : []),
  ]
  const isSame = (a: Toleration, b: Toleration) =>
    a.key === b.key && a.effect === b.effect && a.operator === b.operator && (a.value ?? '') === (b.value ?? '')
  const own = (spec.tolerations ?? []).filter((toleration) => !automatic.some((other) => isSame(other, toleration)))
  return [...own, ...automatic]
}

/** The node that a daemon's pod is on, or is meant for while it waits for the scheduler; undefined: it names none. */
export function targetNodeOf(pod: Pod): string | undefined {
  if (pod.spec?.nodeName) return pod.spec.nodeName
  const required = pod.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? [])
    for (const { key, operator, values = [] } of matchFields)
      if (key === 'metadata.name' && operator === 'In' && values.length === 1) return values[0]
  return undefined
}
