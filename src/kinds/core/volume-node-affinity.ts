import { deepEqual } from '../../machinery/deep-equal.ts'
import type { NodeSelectorRequirement, NodeSelectorTerm, PersistentVolumeSpec } from '../generated/types/core-v1.ts'

/** Labels of nodes by their names of today, for volumes that are still placed by their old ones. */
const labelsOfToday: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
  'beta.kubernetes.io/os': 'kubernetes.io/os',
  'beta.kubernetes.io/arch': 'kubernetes.io/arch',
  'beta.kubernetes.io/instance-type': 'node.kubernetes.io/instance-type',
}

type Affinity = PersistentVolumeSpec['nodeAffinity']

/** Whether a volume may be had from the same nodes as before: nothing changed but labels to their names of today. */
export function isPlacedAlike(next: Affinity, old: Affinity): boolean {
  const terms = next?.required?.nodeSelectorTerms ?? []
  const before = old?.required?.nodeSelectorTerms ?? []
  return !next === !old && terms.length === before.length && terms.every((term, i) => isTermAlike(term, before[i]!))
}

function isTermAlike(next: NodeSelectorTerm, old: NodeSelectorTerm): boolean {
  return (['matchExpressions', 'matchFields'] as const).every((field) => {
    const [rules, before] = [next[field] ?? [], old[field] ?? []]
    return rules.length === before.length && rules.every((rule, i) => isRuleAlike(rule, before[i]!))
  })
}

function isRuleAlike(next: NodeSelectorRequirement, old: NodeSelectorRequirement): boolean {
  const isKeyAlike = next.key === old.key || labelsOfToday[old.key] === next.key
  return isKeyAlike && deepEqual(next, { ...old, key: next.key })
}
