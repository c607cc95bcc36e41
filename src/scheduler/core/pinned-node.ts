import type { PodSpec } from '../../kinds/generated/types/core-v1.ts'

/**
 * The one node that a pod's affinity names and nothing else, as DaemonSets write it. It is no part of the pod's shape (core/pod-shape.ts):
 * what thousands of pods of one DaemonSet have in common is then worked out once. Where domains are counted among the nodes that a pod may
 * go to (topologySpreadConstraints), it is, and undefined is given.
 */
export function pinnedNode(spec: Omit<PodSpec, 'nodeName'> | undefined): string | undefined {
  const terms = spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (terms?.length !== 1 || spec?.topologySpreadConstraints?.length) return undefined
  const { matchFields, matchExpressions } = terms[0]!
  if (matchFields?.length !== 1 || matchExpressions?.length) return undefined
  const { key, operator, values } = matchFields[0]!
  return key === 'metadata.name' && operator === 'In' && values?.length === 1 ? values[0] : undefined
}

/** The spec without the name. */
export function unpinned<S extends Omit<PodSpec, 'nodeName'>>(spec: S): S {
  const { nodeAffinity, ...pods } = spec.affinity!
  const { requiredDuringSchedulingIgnoredDuringExecution: _, ...preferred } = nodeAffinity!
  const affinity = { ...pods, ...(Object.keys(preferred).length > 0 ? { nodeAffinity: preferred } : {}) }
  const { affinity: _a, ...rest } = spec
  return (Object.keys(affinity).length > 0 ? { ...rest, affinity } : rest) as S
}
