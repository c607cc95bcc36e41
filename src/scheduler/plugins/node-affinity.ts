import type { Node, NodeAffinity } from '../../kinds/generated/types/core-v1.ts'
import { hasNoNodeSelection, matchesNodeSelection, matchesTerm, namedNodes } from '../../kinds/node-selection.ts'
import { defaultNormalise } from '../core/score-formulas.ts'
import type { CompileContext, CompiledPlugin, Plugin, Rejection, Verdict } from '../core/plugin.ts'
import { labelRemedies } from './label-remedies.ts'

/**
 * nodeSelector and required node affinity filter; preferred node affinity adds the weights of the terms that match. `added` is the
 * profile's own affinity (NodeAffinityArgs.addedAffinity): it holds for every pod besides the pod's.
 */
export function nodeAffinity(added?: NodeAffinity): Plugin {
  return {
    name: 'NodeAffinity',
    weight: 2,
    compile: (context) => {
      const filter = compileFilter(context, added)
      const score = compileScore(context, added)
      const { nodeSelector, affinity } = context.shape.spec
      const sharedAs = () => JSON.stringify([nodeSelector, affinity?.nodeAffinity])
      return filter || score ? { ...filter, ...score, sharedAs } : undefined
    },
  }
}

function compileFilter({ snapshot, shape }: CompileContext, added: NodeAffinity | undefined): CompiledPlugin | undefined {
  const { spec } = shape
  const enforced = added?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms
  if (hasNoNodeSelection(spec) && !enforced) return undefined
  const isEnforced = (node: Node) => enforced === undefined || enforced.some((term) => matchesTerm(term, node))
  const named = namedNodes(spec)
  const verdict = (node: Node): Verdict => {
    if (!isEnforced(node)) return notEnforced
    return named && !named.has(node.metadata.name!) ? notNamed : notMatched
  }
  const remediesFor = labelRemedies(spec, snapshot)
  const reject = (row: number): Rejection => {
    const node = snapshot.nodes[row]!
    const is = verdict(node)
    if (is === notEnforced) return { ...is, details: ['no term of the node affinity that the profile adds matches'] }
    if (is === notNamed) return { ...is, details: [`the pod's node affinity names ${[...named!].join(', ') || 'no node'}`] }
    const missing = Object.entries(spec.nodeSelector ?? {}).filter(([key, value]) => node.metadata.labels?.[key] !== value)
    const details = missing.map(([k, v]) => missingLabel(k, v, node.metadata.labels?.[k]))
    const remedies = remediesFor(node)
    return {
      ...is,
      details: details.length > 0 ? details : ['no required node affinity term matches'],
      ...(remedies.length > 0 ? { remedies } : {}),
    }
  }
  return {
    ...(named ? { namedNodes: named } : {}),
    staticFilter: (row) => isEnforced(snapshot.nodes[row]!) && matchesNodeSelection(spec, snapshot.nodes[row]!),
    verdict: (row) => verdict(snapshot.nodes[row]!),
    reject,
  }
}

const notEnforced: Verdict = { reasons: [`node(s) didn't match scheduler-enforced node affinity`], isResolvable: false }
const notNamed: Verdict = { reasons: [`node(s) didn't satisfy plugin(s) [NodeAffinity]`], isResolvable: false }
const notMatched: Verdict = { reasons: [`node(s) didn't match Pod's node affinity/selector`], isResolvable: false }

function missingLabel(key: string, wanted: string, actual: string | undefined): string {
  return `wants label ${key}=${wanted}, the node has ${actual === undefined ? 'none' : `${key}=${actual}`}`
}

function compileScore({ snapshot, shape }: CompileContext, added: NodeAffinity | undefined): CompiledPlugin | undefined {
  const terms = [added, shape.spec.affinity?.nodeAffinity]
    .flatMap((of) => of?.preferredDuringSchedulingIgnoredDuringExecution ?? [])
    .filter((t) => t.weight !== 0)
  if (terms.length === 0) return undefined
  const matching = (row: number) => terms.filter((t) => matchesTerm(t.preference, snapshot.nodes[row]!))
  return {
    staticRaw: (row) => matching(row).reduce((sum, t) => sum + t.weight, 0),
    normalise: (raw, _min, max) => defaultNormalise(raw, max, false),
    explainScore: (row, { raw, max, score }) => {
      const sum =
        matching(row)
          .map((t) => t.weight)
          .join(' + ') || '0'
      return max === 0 ? `no feasible node matches a preferred term = ${score}` : `⌊100 × (${sum} = ${raw})/${max}⌋ = ${score}`
    },
  }
}
