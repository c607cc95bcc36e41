import { kindRefs } from '../../client/generated/kind-refs.ts'
import { podFromTemplate } from '../../control/pod-from-template.ts'
import type { DaemonSet } from '../../kinds/generated/types/apps-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { daemonTolerations } from './eligibility.ts'

export const revisionHashLabel = 'controller-revision-hash'
const generationLabel = 'pod-template-generation'
const generationAnnotation = 'deprecated.daemonset.template.generation'

/** The pod for one node. The scheduler binds it: required affinity to the node's name takes the place of the template's own. */
export function daemonPod(daemonSet: DaemonSet, revisionHash: string, nodeName: string): Pod {
  const pod = podFromTemplate(daemonSet.spec!.template, kindRefs.appsV1.daemonSets, daemonSet)
  const generation = daemonSet.metadata.annotations?.[generationAnnotation]
  const labels = {
    ...pod.metadata.labels,
    [revisionHashLabel]: revisionHash,
    ...(generation ? { [generationLabel]: generation } : {}),
  }
  const requiredDuringSchedulingIgnoredDuringExecution = {
    nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: [nodeName] }] }],
  }
  const nodeAffinity = { ...pod.spec!.affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution }
  return {
    ...pod,
    metadata: { ...pod.metadata, labels },
    spec: { ...pod.spec!, tolerations: daemonTolerations(pod.spec!), affinity: { ...pod.spec!.affinity, nodeAffinity } },
  }
}

/** Whether the pod is of the newest template. */
export function isUpdated(daemonSet: DaemonSet, pod: Pod, revisionHash: string): boolean {
  const { labels = {} } = pod.metadata
  const generation = daemonSet.metadata.annotations?.[generationAnnotation]
  return labels[revisionHashLabel] === revisionHash || (generation !== undefined && labels[generationLabel] === generation)
}
