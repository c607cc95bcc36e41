import type { NodeUsage } from '../../kinds/node-usage.ts'
import type { PodShape } from './pod-shape.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * A scheduler plugin is one file: it compiles a pod's shape into functions over rows of the snapshot. The core decides how
 * often to call them:
 *
 * - `staticFilter`, `staticScore`: the node object alone; once per shape and change of the node.
 * - `usageFilter`, `usageScore`: also what runs on that very node; once per shape and change of the row.
 * - `domainFilter`, `rawScore`: also counters of the row's topology domains; once per decision for one row of every cell.
 *
 * Invariants that the cell index relies on (core/cell-index.ts):
 * 1. Rows that agree in every `cellKey` of every plugin get the same answer from `domainFilter` and `rawScore`.
 * 2. A `cellKey` of a row changes only together with that row (a pod added to or removed from it, or its node changed).
 * 3. Static and usage functions answer by the row alone, never by other rows.
 *
 * The scan (core/scan.ts) calls the same functions for every row without those assumptions; property tests compare both.
 */
export type Plugin = {
  /** Upstream's plugin name. */
  readonly name: string
  /** Weight of its score in the default profile; 0 where it has none. */
  readonly weight: number
  /** `undefined`: nothing to say about this shape, on any node. Called again when `Snapshot.layoutVersion` changes. */
  readonly compile: (context: CompileContext) => CompiledPlugin | undefined
  /** Called with each measurement of a node, and without one when it stops reporting; the node's row is touched afterwards. */
  readonly onNodeUsage?: (nodeName: string, usage: NodeUsage | undefined, atMs: number) => void
}

export type CompileContext = {
  readonly snapshot: Snapshot
  readonly shape: PodShape
  /** For pods without spread constraints: the selector that services and owner give, if any. */
  readonly defaultSpread: DefaultSpread | undefined
}

/** What the cluster-wide default spread constraints count: pods of the namespace that match every service and the owner. */
export type DefaultSpread = { readonly key: string; readonly matches: (labels: Readonly<Record<string, string>>) => boolean }

export type CompiledPlugin = {
  /**
   * Equal texts of one plugin mean functions that give equal answers for every row, now and later, as long as the snapshot's layout and the
   * images of the shape stay as they are: what is remembered of nodes is then shared between shapes. Absent: only this shape's.
   */
  readonly sharedAs?: () => string
  readonly staticFilter?: (row: number) => boolean
  /** No other nodes pass `staticFilter`: only these are asked, and its reason goes before all others. */
  readonly namedNodes?: ReadonlySet<string>
  readonly usageFilter?: (row: number) => boolean
  /** Of NodeResourcesFit: it leaves none of the pod's resources to others. */
  readonly comparesAll?: boolean
  /** `usageFilter` and `usageScore` read amounts alone (core/alike-rows.ts): rows where these are equal get equal answers. */
  readonly readsAmounts?: true
  /**
   * Set where `usageFilter` is all by which shapes differ that are alike otherwise (each keeps away from pods of its own): they then share an
   * index, in which each leaves out what the filter rejects. `sharedAs`: of all the rest. The filter should be cheap.
   */
  readonly apart?: { readonly sharedAs: () => string }
  /** Once a decision, before `domainFilter`. */
  readonly beginFilter?: () => void
  readonly domainFilter?: (row: number) => boolean
  /** 0..100, an integer, not normalised. */
  readonly staticScore?: (row: number) => number
  readonly usageScore?: (row: number) => number
  /** An integer by the node alone that `normalise` turns into 0..100; takes the place of `rawScore` and is a cell key by itself. */
  readonly staticRaw?: (row: number) => number
  /** Once a decision, before `rawScore`, with the feasible groups of rows. */
  readonly beginScore?: (feasible: FeasibleGroups) => void
  /** An integer that `normalise` turns into 0..100; `ignoredRaw` where the plugin leaves the node out (it then scores 0). */
  readonly rawScore?: (row: number) => number
  readonly normalise?: (raw: number, min: number, max: number) => number
  readonly cellKeys?: readonly ((row: number) => number)[]
  /** Why the filter rejects the row, in upstream's words and in numbers. Only asked for rows that it rejects. */
  readonly reject?: (row: number) => Rejection
  /** As `reject`, without the numbers: for counting over all nodes, where `reject` would cost too much. */
  readonly verdict?: (row: number) => Verdict
  /** The score's formula with the row's numbers filled in. `normalised` is the plugin's score before its weight. */
  readonly explainScore?: (
    row: number,
    score: { readonly raw: number; readonly min: number; readonly max: number; readonly score: number },
  ) => string
}

export const ignoredRaw = Number.NEGATIVE_INFINITY

/** Groups of rows that share every cell key; a group is a single row in the scan. */
export type FeasibleGroups = { readonly count: number; row(index: number): number; size(index: number): number }

/** The part of a rejection that is counted over nodes. */
export type Verdict = {
  /** Upstream's reasons, as counted in `0/N nodes are available`. */
  readonly reasons: readonly string[]
  /** False where evicting pods from the node cannot help (upstream: UnschedulableAndUnresolvable). */
  readonly isResolvable: boolean
}

export type Rejection = Verdict & {
  /** The same with the numbers, one line a reason. */
  readonly details: readonly string[]
  /** Resources that are missing, for the search of the smallest change. */
  readonly shortfalls?: readonly Shortfall[]
  /** Changes that would lift the rejection, each by itself; those of NodeResourcesFit, a resource each, together. */
  readonly remedies?: readonly Remedy[]
  /** All remedies are needed. */
  readonly needsAll?: true
}

/** Amounts in the resource's base unit: millicores for cpu, bytes or whole units else. `short = requested − free`. */
export type Shortfall = {
  readonly resource: string
  readonly requested: number
  readonly used: number
  readonly allocatable: number
  readonly free: number
  readonly short: number
}

export type Remedy =
  | { readonly kind: 'Free'; readonly resource: string; readonly amount: number }
  | { readonly kind: 'ReduceRequest'; readonly resource: string; readonly from: number; readonly to: number }
  | { readonly kind: 'TolerateTaint'; readonly taint: { readonly key: string; readonly value: string; readonly effect: string } }
  | { readonly kind: 'Uncordon' }
  /** `removed`: keys of labels that have to go. */
  | { readonly kind: 'LabelNode'; readonly labels: Readonly<Record<string, string>>; readonly removed: readonly string[] }
  /** The pod asks for a label that no node has, and this one has one that is spelt almost alike. */
  | { readonly kind: 'ChangeSelector'; readonly from: LabelPair; readonly to: LabelPair }
  | { readonly kind: 'RaiseMaxSkew'; readonly topologyKey: string; readonly from: number; readonly to: number }
  | { readonly kind: 'FreePort'; readonly port: string }
  | { readonly kind: 'Other'; readonly text: string }

export type LabelPair = { readonly key: string; readonly value: string }
