import type { Node, NodeSelectorRequirement, NodeSelectorTerm } from '../../kinds/generated/types/core-v1.ts'
import { matchesRequirement } from '../../kinds/node-selection.ts'
import type { LabelPair, Remedy } from '../core/plugin.ts'
import type { PodShape } from '../core/pod-shape.ts'
import type { Snapshot } from '../core/snapshot.ts'

/** Of labels that say what a node is and where: nobody writes others there to place a pod. */
const factPrefixes = [
  'kubernetes.io/',
  'topology.kubernetes.io/',
  'failure-domain.beta.kubernetes.io/',
  'node.kubernetes.io/',
  'beta.kubernetes.io/',
]

type Change = { readonly labels: Readonly<Record<string, string>>; readonly removed: readonly string[] }

/**
 * What would make a node one that the pod's selector and required affinity choose: a slip mended in the pod, or other labels. To be asked for
 * many nodes in turn.
 */
export function labelRemedies(spec: PodShape['spec'], snapshot: Snapshot): (node: Node) => readonly Remedy[] {
  const isAnywhere = knownLabels(snapshot)
  return (node) => remediesFor(node, { spec, snapshot, isAnywhere })
}

type Asked = { readonly spec: PodShape['spec']; readonly snapshot: Snapshot; readonly isAnywhere: (label: LabelPair) => boolean }

function remediesFor(node: Node, { spec, snapshot, isAnywhere }: Asked): readonly Remedy[] {
  const wanted = Object.entries(spec.nodeSelector ?? {}).map(([key, value]) => ({ key, operator: 'In' as const, values: [value] }))
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  // A term without anything matches nothing; without an affinity there is nothing to match.
  const terms = required ? required.nodeSelectorTerms.filter((t) => t.matchExpressions?.length || t.matchFields?.length) : [{}]
  const ways = terms.map((term) => unmetOf(term, wanted, node)).filter((unmet) => unmet !== undefined)
  const [fewest] = ways.sort((a, b) => a.length - b.length)
  if (!fewest) return []
  const slip = fewest.length === 1 ? slipIn(fewest[0]!, node, isAnywhere) : undefined
  const change = changeFor(fewest, snapshot)
  return [...(slip ? [{ kind: 'ChangeSelector' as const, ...slip }] : []), ...(change ? [{ kind: 'LabelNode' as const, ...change }] : [])]
}

/** The requirements of the selector and of one term that do not hold; undefined where the term asks for another node by its name. */
function unmetOf(
  { matchExpressions = [], matchFields = [] }: NodeSelectorTerm,
  selector: readonly NodeSelectorRequirement[],
  { metadata }: Node,
): readonly NodeSelectorRequirement[] | undefined {
  if (matchFields.some((f) => !matchesRequirement(f, f.key === 'metadata.name' ? metadata.name : undefined))) return undefined
  return [...selector, ...matchExpressions].filter((e) => !matchesRequirement(e, metadata.labels?.[e.key]))
}

/** Undefined where no label of somebody's choice does it. */
function changeFor(unmet: readonly NodeSelectorRequirement[], snapshot: Snapshot): Change | undefined {
  const labels: Record<string, string> = {}
  const removed: string[] = []
  for (const { key, operator, values } of unmet) {
    // Domains are counted by it: what else that changes is not foreseen here.
    if (factPrefixes.some((prefix) => key.startsWith(prefix)) || snapshot.hasColumn(key)) return undefined
    if (labels[key] !== undefined || removed.includes(key)) return undefined
    if (operator === 'In' && values?.[0] !== undefined) labels[key] = values[0]
    else if (operator === 'Exists') labels[key] = ''
    else if (operator === 'NotIn' || operator === 'DoesNotExist') removed.push(key)
    else return undefined
  }
  return { labels, removed }
}

/** Whether some node has a label; the answer holds until a node changes. */
function knownLabels(snapshot: Snapshot): Asked['isAnywhere'] {
  const known = new Map<string, boolean>()
  let version = -1
  return ({ key, value }) => {
    if (version !== snapshot.staticVersion) known.clear()
    version = snapshot.staticVersion
    const text = `${key}=${value}`
    let answer = known.get(text)
    if (answer === undefined) known.set(text, (answer = snapshot.nodes.some((node) => node?.metadata.labels?.[key] === value)))
    return answer
  }
}

/** A label that no node has, and that this one has almost. */
function slipIn(
  { key, operator, values }: NodeSelectorRequirement,
  { metadata: { labels = {} } }: Node,
  isAnywhere: Asked['isAnywhere'],
): { readonly from: LabelPair; readonly to: LabelPair } | undefined {
  const [value, ...more] = values ?? []
  if (operator !== 'In' || value === undefined || more.length > 0) return undefined
  const found = Object.entries(labels).find(([k, v]) => (k === key && isSlip(value, v)) || (v === value && isSlip(key, k)))
  if (!found || isAnywhere({ key, value })) return undefined
  return { from: { key, value }, to: { key: found[0], value: found[1] } }
}

/** One letter wrong, missing, too many, or changed places with the next; other numbers are no slip. */
export function isSlip(a: string, b: string): boolean {
  if (a === b || Math.max(a.length, b.length) < 3) return false
  if (a.toLowerCase() === b.toLowerCase()) return true
  let start = 0
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start++
  let end = 0
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end++
  const [x, y] = [a.slice(start, a.length - end), b.slice(start, b.length - end)]
  if (/^[0-9]+$/.test(x + y)) return false
  return Math.max(x.length, y.length) === 1 || (x.length === 2 && y.length === 2 && x === `${y[1]}${y[0]}`)
}
