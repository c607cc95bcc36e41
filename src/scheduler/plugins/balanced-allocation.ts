import { amountText } from '../../kinds/amount-text.ts'
import { balanceChangeScore, balancedScore } from '../core/score-formulas.ts'
import type { Plugin } from '../core/plugin.ts'
import { isAlwaysScored, type ResourceWeight } from './node-resources-fit.ts'

/**
 * Prefers nodes that the pod brings nearer to equal shares of their resources: B = 100 × (1 − stddev U_r/A_r), with the pod and without it.
 * By real requests, no defaults.
 */
export function balancedAllocation(resources: readonly ResourceWeight[]): Plugin {
  return {
    name: 'NodeResourcesBalancedAllocation',
    weight: 1,
    compile: ({ snapshot, shape }) => {
      // A pod that requests none of them would always balance best where it is balanced now: upstream leaves such pods out.
      if (resources.every(({ name }) => (shape.requests[name] ?? 0) === 0)) return undefined
      const parts = resources
        .map(({ name }) => ({ name, id: snapshot.resourceId(name), own: shape.requests[name] ?? 0 }))
        .filter(({ name, own }) => own > 0 || isAlwaysScored(name))
        .map(({ name, id, own }) => ({ name, own, requested: snapshot.requested[id]!, allocatable: snapshot.allocatable[id]! }))
      const [first, second] = parts
      const balance = (row: number, sign: 0 | 1) =>
        balancedScore(
          parts.map((p) => p.requested[row]! + sign * p.own),
          parts.map((p) => p.allocatable[row]!),
        )
      const general = (row: number) => balanceChangeScore(balance(row, 1), balance(row, 0))
      const explainScore = (row: number, { score }: { score: number }) => {
        const text = (sign: 0 | 1) => {
          const terms = parts
            .filter((p) => p.allocatable[row] !== 0)
            .map((p) => `${amountText(p.name, p.requested[row]! + sign * p.own)}/${amountText(p.name, p.allocatable[row]!)}`)
          return `⌊100 × (1 − stddev(${terms.join(', ')}))⌋`
        }
        return `50 + ⌊(50 + ${text(1)} − ${text(0)})/2⌋ = ${score}`
      }
      const sharedAs = () => JSON.stringify(shape.requests)
      if (parts.length !== 2 || !first || !second) return { usageScore: general, readsAmounts: true, explainScore, sharedAs }
      const [requested0, requested1, own0, own1] = [first.requested, second.requested, first.own, second.own]
      const [allocatable0, allocatable1] = [first.allocatable, second.allocatable]
      return {
        sharedAs,
        readsAmounts: true,
        // The usual two resources without an array: same arithmetic as balancedScore.
        usageScore: (row) => {
          const a = allocatable0[row]!
          const b = allocatable1[row]!
          if (a === 0 || b === 0) return balanceChangeScore(100, 100)
          const x = Math.min(1, (requested0[row]! + own0) / a)
          const y = Math.min(1, (requested1[row]! + own1) / b)
          const u = Math.min(1, requested0[row]! / a)
          const v = Math.min(1, requested1[row]! / b)
          return balanceChangeScore(balanceOfTwo(x, y), balanceOfTwo(u, v))
        },
        explainScore,
      }
    },
  }
}

const balanceOfTwo = (x: number, y: number) => Math.trunc((1 - Math.abs((x - y) / 2)) * 100)
