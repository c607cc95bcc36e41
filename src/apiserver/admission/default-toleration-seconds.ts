import type { Pod, Toleration } from '../../kinds/generated/types/core-v1.ts'
import type { AdmissionPlugin } from '../contract.ts'

/** How long a pod stays on a node that is not ready, or not reachable, when it does not say. */
export type TolerationSeconds = { readonly notReady?: number; readonly unreachable?: number }

export const defaultTolerationSeconds = ({ notReady = 300, unreachable = 300 }: TolerationSeconds = {}): AdmissionPlugin => ({
  name: 'DefaultTolerationSeconds',
  treatsAlike: () => true,
  handles: (operation, kind, subresource) =>
    (operation === 'CREATE' || operation === 'UPDATE') && subresource === '' && kind.group === '' && kind.kind === 'Pod',
  admit: ({ object }) => {
    const { spec } = object as Pod
    if (!spec) return
    const taints = [
      { key: 'node.kubernetes.io/not-ready', seconds: notReady },
      { key: 'node.kubernetes.io/unreachable', seconds: unreachable },
    ]
    const missing = taints.filter(({ key }) => !spec.tolerations?.some((toleration) => tolerates(toleration, key)))
    if (missing.length === 0) return
    const tolerations = [
      ...(spec.tolerations ?? []),
      ...missing.map(({ key, seconds }) => ({
        key,
        operator: 'Exists' as const,
        effect: 'NoExecute' as const,
        tolerationSeconds: seconds,
      })),
    ]
    // Another spec: on an update this one may be that of other pods, too.
    ;(object as Pod).spec = { ...spec, tolerations }
  },
})

function tolerates({ key, effect }: Toleration, taint: string): boolean {
  return (!key || key === taint) && (!effect || effect === 'NoExecute')
}
