import type { Node, Taint } from '../../kinds/generated/types/core-v1.ts'
import { isIntolerable, tolerates, untoleratedTaint } from '../core/toleration.ts'
import { defaultNormalise } from '../core/score-formulas.ts'
import type { Plugin, Remedy, Verdict } from '../core/plugin.ts'

const untolerated: Verdict = { reasons: ['node(s) had untolerated taint(s)'], isResolvable: false }

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
      verdict: () => untolerated,
      reject: (row) => {
        const node = snapshot.nodes[row]!
        const taints = node.spec?.taints?.filter((t) => isIntolerable(t, tolerations)) ?? []
        return {
          ...untolerated,
          details: taints.map(({ key, value, effect }) => `untolerated taint ${key}${value ? `=${value}` : ''}:${effect}`),
          remedies: taints.map((taint) => remedyOf(taint, node)),
          needsAll: true,
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

/** What the node says of itself by a taint is not to be tolerated but to be mended. */
const conditions: Readonly<Record<string, string>> = {
  'not-ready': 'get it ready: its agent reports that it is not, or nothing',
  unreachable: 'get it ready: its agent reports nothing',
  'out-of-service': 'bring it back to service: it was taken out by hand',
  'memory-pressure': 'free memory on it: it is short of that',
  'disk-pressure': 'free disk space on it: it is short of that',
  'pid-pressure': 'end processes on it: it is short of process numbers',
  'network-unavailable': 'get its pod network ready',
}

function remedyOf({ key, value = '', effect }: Taint, { spec }: Node): Remedy {
  const name = key.startsWith('node.kubernetes.io/') ? key.slice('node.kubernetes.io/'.length) : undefined
  if (name === 'unschedulable' && spec?.unschedulable) return { kind: 'Uncordon' }
  const condition = name === undefined ? undefined : conditions[name]
  return condition
    ? { kind: 'Other', text: `${condition} (taint ${key}:${effect})` }
    : { kind: 'TolerateTaint', taint: { key, value, effect } }
}
