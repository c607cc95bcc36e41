import type { TopologySpreadConstraint } from '../../kinds/generated/types/core-v1.ts'
import { spreadConstraintScore, spreadNormalise } from '../core/score-formulas.ts'
import { hardConstraints, hostnameKey, softConstraints, type SpreadConstraint } from '../core/spread-constraint.ts'
import {
  type CompileContext,
  type CompiledPlugin,
  type FeasibleGroups,
  ignoredRaw,
  type Plugin,
  type Rejection,
  type Verdict,
} from '../core/plugin.ts'

/**
 * Hard: count(domain) + self − min over eligible domains ≤ maxSkew. Soft: the fewer matching pods in the node's domains the
 * better, each topology weighted by ln(domains + 2). Source: kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints
 */
export function podTopologySpread(defaults: readonly TopologySpreadConstraint[]): Plugin {
  return {
    name: 'PodTopologySpread',
    weight: 2,
    compile: (context) => {
      const hard = hardConstraints({ ...context, defaults })
      const soft = softConstraints({ ...context, defaults })
      if (hard.length === 0 && soft.length === 0) return undefined
      return {
        ...(hard.length > 0 ? compileFilter(hard) : {}),
        ...(soft.length > 0 ? compileScore(context, soft) : {}),
        cellKeys: [...hard, ...soft].map(cellKey),
        sharedAs: () => JSON.stringify([hard.map(sharedAs), soft.map(sharedAs), requiresAllKeys(context)]),
      }
    },
  }
}

const sharedAs = ({ counter, maxSkew, minDomains, selfMatch }: SpreadConstraint) => [counter.id, maxSkew, minDomains, selfMatch]

/** A pod that has constraints of its own leaves out nodes that lack one of their keys. */
const requiresAllKeys = ({ shape }: CompileContext) => (shape.spec.topologySpreadConstraints ?? []).length > 0

/** The domain, or where a domain is a node its count: rows with equal counts are alike. */
function cellKey({ counter }: SpreadConstraint): (row: number) => number {
  const { column } = counter
  return column.isPerRow ? (row) => (column.ids[row] === 0 ? -1 : counter.at(row)) : (row) => column.ids[row]!
}

function compileFilter(hard: readonly SpreadConstraint[]): CompiledPlugin {
  const minima = new Float64Array(hard.length)
  const skew = (index: number, row: number) => hard[index]!.counter.at(row) + hard[index]!.selfMatch - minima[index]!
  const beginFilter = () => {
    for (let i = 0; i < hard.length; i++) {
      const min = hard[i]!.minimum!.min()
      minima[i] = hard[i]!.minimum!.domains < hard[i]!.minDomains ? 0 : min
    }
  }
  return {
    beginFilter,
    staticFilter: (row) => hard.every((c) => c.counter.column.ids[row] !== 0),
    domainFilter: (row) => {
      for (let i = 0; i < hard.length; i++) if (skew(i, row) > hard[i]!.maxSkew) return false
      return true
    },
    verdict: (row) => verdictOf({ hard, row, skew }),
    reject: (row) => rejection({ hard, row, skew, minima }),
  }
}

const unlabelled: Verdict = {
  reasons: [`node(s) didn't match pod topology spread constraints (missing required label)`],
  isResolvable: false,
}
const uneven: Verdict = { reasons: [`node(s) didn't match pod topology spread constraints`], isResolvable: true }

type Judging = {
  readonly hard: readonly SpreadConstraint[]
  readonly row: number
  readonly skew: (index: number, row: number) => number
}

const lacksKey = (row: number) => (c: SpreadConstraint) => c.counter.column.ids[row] === 0

/** By the first constraint that the row does not meet. */
function verdictOf({ hard, row, skew }: Judging): Verdict {
  const first = hard.findIndex((c, i) => lacksKey(row)(c) || skew(i, row) > c.maxSkew)
  return lacksKey(row)(hard[first]!) ? unlabelled : uneven
}

/** What would help is all that is in the way. */
function rejection({ minima, ...judging }: Judging & { readonly minima: Float64Array }): Rejection {
  const { hard, row, skew } = judging
  const missing = hard.filter(lacksKey(row))
  const tooMuch = hard
    .map((constraint, i) => ({ ...constraint, is: skew(i, row), min: minima[i]! }))
    .filter((c) => !lacksKey(row)(c) && c.is > c.maxSkew)
  return {
    ...verdictOf(judging),
    details: [
      ...missing.map(({ topologyKey }) => `the node has no label ${topologyKey}`),
      ...tooMuch.map(
        ({ counter, selfMatch, maxSkew, topologyKey, is, min }) =>
          `${topologyKey}=${counter.column.value(row)}: ${counter.at(row)} matching pods + ${selfMatch} − minimum ${min} = skew ${is} > maxSkew ${maxSkew}`,
      ),
    ],
    remedies: [
      ...missing.map(({ topologyKey }) => ({ kind: 'Other', text: `give it the label ${topologyKey}` }) as const),
      ...tooMuch.map(({ topologyKey, maxSkew, is }) => ({ kind: 'RaiseMaxSkew', topologyKey, from: maxSkew, to: is }) as const),
    ],
    needsAll: true,
  }
}

function compileScore(context: CompileContext, soft: readonly SpreadConstraint[]): CompiledPlugin {
  const ignores = requiresAllKeys(context)
  const isIgnored = (row: number) => ignores && soft.some((c) => c.counter.column.ids[row] === 0)
  const domains = new Float64Array(soft.length)
  const addend = (index: number, row: number) =>
    soft[index]!.counter.column.ids[row] === 0
      ? 0
      : spreadConstraintScore(soft[index]!.counter.at(row), domains[index]!, soft[index]!.maxSkew)
  return {
    beginScore: (feasible) => {
      for (let i = 0; i < soft.length; i++) domains[i] = countDomains(soft[i]!, feasible, isIgnored)
    },
    rawScore: (row) => {
      if (isIgnored(row)) return ignoredRaw
      let sum = 0
      for (let i = 0; i < soft.length; i++) sum += addend(i, row)
      return Math.round(sum)
    },
    normalise: spreadNormalise,
    explainScore: (row, { raw, min, max, score }) => {
      if (isIgnored(row)) return `the node lacks a topology key of the constraints = ${score}`
      const terms = soft.map((c, i) =>
        c.counter.column.ids[row] === 0
          ? `${c.topologyKey}: none`
          : `${c.topologyKey}=${c.counter.column.value(row)}: ${c.counter.at(row)} × ln(${domains[i]} + 2) + ${c.maxSkew - 1}`,
      )
      const value = max === 0 ? 'no matching pod anywhere' : `⌊100 × (${max} + ${min} − ${raw})/${max}⌋`
      return `${value} = ${score} (raw ${raw} = round(${terms.join(' + ')}))`
    },
  }
  function countDomains(constraint: SpreadConstraint, feasible: FeasibleGroups, ignored: (row: number) => boolean): number {
    const { column } = constraint.counter
    const seen = new Set<number>()
    let rows = 0
    for (let g = 0; g < feasible.count; g++) {
      const row = feasible.row(g)
      if (ignored(row)) continue
      if (constraint.topologyKey === hostnameKey || (column.isPerRow && column.ids[row] !== 0)) rows += feasible.size(g)
      else seen.add(column.ids[row]!)
    }
    return rows + seen.size
  }
}
