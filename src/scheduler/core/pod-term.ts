import type { LabelSelector } from '../../kinds/generated/types/meta-v1.ts'
import type { PodAffinityTerm } from '../../kinds/generated/types/core-v1.ts'
import { matches, selectorFrom } from '../../machinery/label-selector.ts'
import type { CounterSpec, OwnedKind } from './domain-counter.ts'
import { type AffinityTerms, affinityTerms, type Labels, type PodShape } from './pod-shape.ts'

/** An inter-pod term with its namespaces and label keys resolved for the pod that owns it. */
export type PodTerm = {
  /** Equal keys mean equal terms. */
  readonly key: string
  readonly topologyKey: string
  readonly matches: (pod: { readonly namespace: string; readonly labels: Labels }) => boolean
}

type NamespaceLabels = { namespaceLabels(name: string): Labels }
type Owner = { readonly namespace: string; readonly labels: Labels }

export function podTerm(term: PodAffinityTerm, owner: Owner, namespaces: NamespaceLabels): PodTerm {
  const selector = withLabelKeys(term.labelSelector, owner.labels, { in: term.matchLabelKeys, notIn: term.mismatchLabelKeys })
  const isOwnNamespace = (term.namespaces ?? []).length === 0 && term.namespaceSelector === undefined
  const names = isOwnNamespace ? [owner.namespace] : [...(term.namespaces ?? [])].sort()
  const namespaceSelector = term.namespaceSelector ? selectorFrom(term.namespaceSelector) : undefined
  const labelSelector = selectorFrom(selector)
  const nameSet = new Set(names)
  return {
    key: JSON.stringify([selector ?? null, names, term.namespaceSelector ?? null, term.topologyKey]),
    topologyKey: term.topologyKey,
    matches: (pod) =>
      (nameSet.has(pod.namespace) ||
        (namespaceSelector !== undefined && matches(namespaceSelector, namespaces.namespaceLabels(pod.namespace)))) &&
      matches(labelSelector, pod.labels),
  }
}

/** The selector with `matchLabelKeys` (the owner's own values) and `mismatchLabelKeys` merged in; undefined stays "nothing". */
export function withLabelKeys(
  selector: LabelSelector | undefined,
  labels: Labels,
  keys: { readonly in?: readonly string[] | undefined; readonly notIn?: readonly string[] | undefined },
): LabelSelector | undefined {
  if (!selector || ((keys.in?.length ?? 0) === 0 && (keys.notIn?.length ?? 0) === 0)) return selector
  const added = [
    ...(keys.in ?? []).filter((key) => labels[key] !== undefined).map((key) => ({ key, operator: 'In', values: [labels[key]!] })),
    ...(keys.notIn ?? []).filter((key) => labels[key] !== undefined).map((key) => ({ key, operator: 'NotIn', values: [labels[key]!] })),
  ]
  return { ...selector, matchExpressions: [...(selector.matchExpressions ?? []), ...added] }
}

/** The counters that pods of a shape feed as owners of terms. */
export function ownedCounterSpecs(terms: AffinityTerms, owner: Owner, namespaces: NamespaceLabels): CounterSpec[] {
  const spec = (kind: OwnedKind, term: PodAffinityTerm) => ownedSpec(kind, podTerm(term, owner, namespaces), namespaces)
  return [
    ...terms.requiredAntiAffinity.map((t) => spec('antiAffinity', t)),
    ...terms.requiredAffinity.map((t) => spec('affinity', t)),
    ...terms.preferred.map((p) => spec('preferred', p.term)),
  ]
}

function ownedSpec(kind: OwnedKind, term: PodTerm, namespaces: NamespaceLabels): CounterSpec {
  return {
    key: `owned-${kind}:${term.key}`,
    topologyKey: term.topologyKey,
    weight: (shape) => ownedWeight(kind, term.key, shape, namespaces),
    skipsTerminating: false,
    owned: { kind, matches: term.matches },
  }
}

/** What one pod of the shape, as an owner, weighs for pods that match the term with this key. */
function ownedWeight(kind: OwnedKind, key: string, shape: PodShape, namespaces: NamespaceLabels): number {
  if (!shape.spec.affinity?.podAffinity && !shape.spec.affinity?.podAntiAffinity) return 0
  const { requiredAffinity, requiredAntiAffinity, preferred } = affinityTerms(shape.spec)
  const isThis = (term: PodAffinityTerm) => podTerm(term, shape, namespaces).key === key
  if (kind === 'antiAffinity') return requiredAntiAffinity.filter(isThis).length
  if (kind === 'affinity') return requiredAffinity.filter(isThis).length
  return preferred.filter((p) => isThis(p.term)).reduce((sum, p) => sum + p.weight, 0)
}
