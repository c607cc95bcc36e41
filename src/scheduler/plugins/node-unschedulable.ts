import { tolerates } from '../core/toleration.ts'
import type { Plugin } from '../core/plugin.ts'

const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const

/** Keeps pods off cordoned nodes (`spec.unschedulable`) unless they tolerate the taint that a cordon stands for. */
export const nodeUnschedulable: Plugin = {
  name: 'NodeUnschedulable',
  weight: 0,
  compile: ({ snapshot, shape }) => {
    if (shape.spec.tolerations?.some((t) => tolerates(t, cordonTaint))) return undefined
    return {
      sharedAs: () => '',
      staticFilter: (row) => snapshot.nodes[row]!.spec?.unschedulable !== true,
      reject: () => ({
        reasons: ['node(s) were unschedulable'],
        isResolvable: false,
        details: ['the node is cordoned (spec.unschedulable is true)'],
        remedies: [{ kind: 'Uncordon' }],
      }),
    }
  },
}
