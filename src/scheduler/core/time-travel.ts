import { assert } from '../../base/assert.ts'
import type { Snapshot } from './snapshot.ts'

/** Going back further than this would block the loop for longer than a request may (about 100 ns a delta, twice). */
const deltasBackMax = 200_000

/** Whether the state at a position of the log can still be had. */
export function canGoBackTo(snapshot: Snapshot, position: number): boolean {
  return position >= snapshot.log.start && snapshot.log.end - position <= deltasBackMax
}

/**
 * Answers a question on the snapshot as it was when the log stood at `position`, exactly: undoes the deltas since then on the
 * snapshot itself, asks, and redoes them. Synchronous, so nobody sees the past but the question.
 */
export function asOf<T>(snapshot: Snapshot, position: number, question: () => T): T {
  assert(canGoBackTo(snapshot, position), `position ${position} is out of the log`)
  return snapshot.whatIf(() => {
    const redo: (() => void)[] = []
    try {
      for (let p = snapshot.log.end - 1; p >= position; p--) redo.push(undo(snapshot, p))
      return question()
    } finally {
      while (redo.length > 0) redo.pop()!()
    }
  })
}

function undo(snapshot: Snapshot, position: number): () => void {
  const delta = snapshot.log.at(position)
  const { row } = delta
  if (delta.kind === 'Node') {
    snapshot.swapNode(row, delta.before)
    return () => snapshot.swapNode(row, delta.after)
  }
  if (delta.isAdded) {
    // Pods of one shape are interchangeable: any of them stands for the one that came.
    const entry = snapshot.podsOf(row).find((e) => e.shape.id === delta.shapeId && e.isTerminating === delta.isTerminating)
    assert(entry, `no pod of shape ${delta.shapeId} on row ${row}`)
    snapshot.lift(entry)
    return () => snapshot.restore(entry, row)
  }
  const ghost = snapshot.addGhost(snapshot.shapeById(delta.shapeId), row, delta.isTerminating)
  return () => snapshot.lift(ghost)
}
