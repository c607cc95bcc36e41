/** What a rebalancing run looks for, in this order. */
export const strategies = ['Violations', 'Duplicates', 'LowNodeUtilization'] as const
export type Strategy = (typeof strategies)[number]

export type RebalancePolicy = {
  readonly strategies: readonly Strategy[]
  /** Percent (0..100) that a move must gain; see docs/formulas.md. */
  readonly gainMin: number
  /** Moves in one run: altogether, from one node, of one namespace, of one owner. */
  readonly movesMax: number
  readonly movesPerNodeMax: number
  readonly movesPerNamespaceMax: number
  readonly movesPerOwnerMax: number
  /** A node that requests less of everything than this percentage may take pods of nodes that request more of something than that. */
  readonly underused: Utilisation
  readonly overused: Utilisation
  /** Pods of these namespaces stay, and pods of a higher priority than this. */
  readonly excludedNamespaces: ReadonlySet<string>
  readonly priorityMax: number
}

/** Percent of allocatable that pods request; `pods` by count. */
export type Utilisation = { readonly cpu: number; readonly memory: number; readonly pods: number }

export const defaultRebalancePolicy: RebalancePolicy = {
  strategies,
  gainMin: 10,
  movesMax: 20,
  movesPerNodeMax: 5,
  movesPerNamespaceMax: 10,
  movesPerOwnerMax: 1,
  underused: { cpu: 20, memory: 20, pods: 20 },
  overused: { cpu: 50, memory: 50, pods: 50 },
  excludedNamespaces: new Set(),
  // Those above are critical for the system.
  priorityMax: 1_999_999_999,
}
