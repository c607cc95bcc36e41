import type { Judged } from '../core/judgement.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { ExtenderAnswer } from './extender-client.ts'

/** Extenders' answer as a plugin for the one attempt that it was given for. */
export function extenderJudgement(answer: ExtenderAnswer, snapshot: Snapshot): Judged {
  const nameOf = (row: number) => snapshot.nodeName(row)
  const scored = answer.scores.size > 0
  return {
    kind: 'Judged',
    plugin: {
      name: 'Extender',
      weight: 1,
      compiled: {
        staticFilter: (row) => answer.allowed.has(nameOf(row)),
        reject: (row) => {
          const { reason, isResolvable } = answer.rejected.get(nameOf(row)) ?? {
            reason: 'node(s) were left out by an extender',
            isResolvable: false,
          }
          return { reasons: [reason], details: [reason], isResolvable }
        },
        ...(scored
          ? {
              staticScore: (row) => answer.scores.get(nameOf(row)) ?? 0,
              explainScore: (_row, { score }) => `the extenders' weighted scores × 10 = ${score}`,
            }
          : {}),
      },
    },
  }
}
