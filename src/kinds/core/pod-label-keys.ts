import type { LabelSelector } from '../generated/types/meta-v1.ts'
import type { Pod, PodAffinityTerm, TopologySpreadConstraint } from '../generated/types/core-v1.ts'

/**
 * On creation the values that the pod itself has of `matchLabelKeys` and `mismatchLabelKeys` join the selectors beside them.
 * Source: https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/#matchlabelkeys
 */
export function joinLabelKeys({ metadata: { labels = {} }, spec }: Pod): void {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {}
  for (const rules of [podAffinity, podAntiAffinity]) {
    for (const { podAffinityTerm } of rules?.preferredDuringSchedulingIgnoredDuringExecution ?? []) join(podAffinityTerm, labels)
    for (const term of rules?.requiredDuringSchedulingIgnoredDuringExecution ?? []) join(term, labels)
  }
  for (const constraint of spec?.topologySpreadConstraints ?? []) join(constraint, labels)
}

type Keys = Partial<Pick<PodAffinityTerm & TopologySpreadConstraint, 'labelSelector' | 'matchLabelKeys' | 'mismatchLabelKeys'>>

/** Without a selector nothing is matched, and nothing joins. */
function join(term: Keys | undefined, labels: Readonly<Record<string, string>>): void {
  if (!term?.labelSelector || !(term.matchLabelKeys?.length || term.mismatchLabelKeys?.length)) return
  const joined = [...expressions(term.matchLabelKeys, 'In', labels), ...expressions(term.mismatchLabelKeys, 'NotIn', labels)]
  if (joined.length > 0) term.labelSelector.matchExpressions = [...(term.labelSelector.matchExpressions ?? []), ...joined]
}

function expressions(
  keys: readonly string[] | undefined,
  operator: 'In' | 'NotIn',
  labels: Readonly<Record<string, string>>,
): NonNullable<LabelSelector['matchExpressions']> {
  return (keys ?? []).filter((key) => key in labels).map((key) => ({ key, operator, values: [labels[key]!] }))
}
