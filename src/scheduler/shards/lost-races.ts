import type { Judged } from '../core/judgement.ts'
import type { Snapshot } from '../core/snapshot.ts'

/** Bindings of one pod that may be lost in a row before it waits for its back-off. */
export const lostRacesMax = 5

/** Keeps a pod off the nodes whose room others were faster to take: until their pods show in the snapshot, it knows no better. */
export function lostRacesJudgement(snapshot: Snapshot, lost: ReadonlySet<string>): Judged {
  return {
    kind: 'Judged',
    plugin: {
      name: 'OptimisticBinding',
      weight: 0,
      compiled: {
        staticFilter: (row) => !lost.has(snapshot.nodeName(row)),
        reject: () => ({
          reasons: ['node(s) gave their room to another scheduler'],
          details: ['another scheduler was first to bind here; the node is asked again at the next try'],
          isResolvable: false,
        }),
      },
    },
  }
}
