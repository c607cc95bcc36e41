import type { Node, NodeSelectorRequirement, NodeSelectorTerm, PodSpec } from './generated/types/core-v1.ts'

/** Whether a node has every label of `nodeSelector` and matches one term of the required node affinity. */
export function matchesNodeSelection(spec: PodSpec, node: Node): boolean {
  const labels = node.metadata.labels
  for (const key in spec.nodeSelector) if (labels?.[key] !== spec.nodeSelector[key]) return false
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (!required) return true
  return required.nodeSelectorTerms.some((term) => matchesTerm(term, node))
}

/** True when every pod of this spec may go anywhere as far as node selection is concerned. */
export function hasNoNodeSelection(spec: PodSpec): boolean {
  return (
    Object.keys(spec.nodeSelector ?? {}).length === 0 &&
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution === undefined
  )
}

/** All requirements hold; a term without any matches nothing. */
export function matchesTerm(term: NodeSelectorTerm, node: Node): boolean {
  const expressions = term.matchExpressions ?? []
  const fields = term.matchFields ?? []
  if (expressions.length === 0 && fields.length === 0) return false
  for (const e of expressions) if (!matchesRequirement(e, node.metadata.labels?.[e.key])) return false
  for (const f of fields) if (!matchesRequirement(f, f.key === 'metadata.name' ? node.metadata.name : undefined)) return false
  return true
}

export function matchesRequirement(requirement: NodeSelectorRequirement, value: string | undefined): boolean {
  const values = requirement.values ?? []
  switch (requirement.operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
      return compareIntegers(value, values[0], (a, b) => a > b)
    case 'Lt':
      return compareIntegers(value, values[0], (a, b) => a < b)
    default:
      return false
  }
}

/** Gt and Lt compare 64-bit integers; anything else matches nothing. */
function compareIntegers(value: string | undefined, bound: string | undefined, holds: (a: bigint, b: bigint) => boolean): boolean {
  if (value === undefined || bound === undefined || !isInteger(value) || !isInteger(bound)) return false
  return holds(BigInt(value), BigInt(bound))
}

const isInteger = (text: string) => /^-?[0-9]{1,19}$/.test(text)

/** The only nodes that terms by `metadata.name` leave; undefined when some term names no node. */
export function namedNodes(spec: PodSpec): ReadonlySet<string> | undefined {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  if (!required || required.nodeSelectorTerms.length === 0) return undefined
  const names = new Set<string>()
  for (const term of required.nodeSelectorTerms) {
    const ofTerm = (term.matchFields ?? []).filter((f) => f.key === 'metadata.name' && f.operator === 'In').map((f) => new Set(f.values))
    const first = ofTerm[0]
    if (!first) return undefined
    for (const name of first) if (ofTerm.every((set) => set.has(name))) names.add(name)
  }
  return names
}
