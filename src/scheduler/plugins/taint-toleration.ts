import type { Taint } from '../../kinds/generated/types/core-v1.ts'
import { tolerates, untoleratedTaint } from '../core/toleration.ts'
import { defaultNormalise } from '../core/score-formulas.ts'
import type { Plugin } from '../core/plugin.ts'

/** Filters by NoSchedule and NoExecute taints; scores against PreferNoSchedule ones: fewest intolerable taints is best. */
export const taintToleration: Plugin = {
  name: 'TaintToleration',
  weight: 3,
  compile: ({ snapshot, shape }) => {
    const tolerations = shape.spec.tolerations ?? []
    const forScore = tolerations.filter((t) => !t.effect || t.effect === 'PreferNoSchedule')
    const disliked = (row: number): Taint[] =>
      snapshot.nodes[row]!.spec?.taints?.filter((t) => t.effect === 'PreferNoSchedule' && !forScore.some((o) => tolerates(o, t))) ?? []
    return {
      sharedAs: () => JSON.stringify(tolerations),
      staticFilter: (row) => untoleratedTaint(snapshot.nodes[row]!.spec?.taints, tolerations) === undefined,
      reject: (row) => {
        const { key, value = '', effect } = untoleratedTaint(snapshot.nodes[row]!.spec?.taints, tolerations)!
        return {
          reasons: ['node(s) had untolerated taint(s)'],
          isResolvable: false,
          details: [`untolerated taint ${key}${value ? `=${value}` : ''}:${effect}`],
          remedies: [{ kind: 'TolerateTaint', taint: { key, value, effect } }],
        }
      },
      staticRaw: (row) => disliked(row).length,
      normalise: (raw, _min, max) => defaultNormalise(raw, max, true),
      explainScore: (row, { raw, max, score }) =>
        max === 0
          ? `no node has a PreferNoSchedule taint that the pod does not tolerate = ${score}`
          : `100 − ⌊100 × ${raw}/${max}⌋ = ${score} (intolerable PreferNoSchedule taints: ${
              disliked(row)
                .map((t) => t.key)
                .join(', ') || 'none'
            })`,
    }
  },
}
