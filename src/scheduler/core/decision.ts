/** What the core decides for one pod. Rows are valid until the node changes; the loop turns them into names at once. */
export type Decision = Placed | Unplaced

export type Placed = {
  readonly kind: 'Placed'
  readonly row: number
  readonly score: number
  /** Nodes that passed every filter, and how many of them share the best score. */
  readonly feasible: number
  readonly ties: number
  /** The row from which the winner was sought among the tied ones. */
  readonly draw: number
  /** The best rows, best first; to be asked before the snapshot changes. */
  readonly best: (max: number) => readonly { readonly row: number; readonly score: number }[]
}

export type Unplaced = { readonly kind: 'Unplaced' }

export const unplaced: Unplaced = { kind: 'Unplaced' }
