import type { Remedy, Shortfall } from '../core/plugin.ts'

/** Why a pod is where it is, or nowhere: the document of GET …/pods/NAME/explain. */
export type SchedulingExplanation = {
  readonly apiVersion: 'keelson.dev/v1'
  readonly kind: 'SchedulingExplanation'
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly pod: {
    readonly uid: string
    readonly schedulerName: string
    readonly priority: number
    /** R_r(p), as texts with units. */
    readonly requests: Readonly<Record<string, string>>
  }
  readonly outcome: 'Placed' | 'Pending' | 'Gated' | 'Foreign' | 'Finished'
  /** One sentence. */
  readonly summary: string
  /**
   * `Replay`: the state in which the decision was taken, had back exactly. `CurrentState`: the cluster as it is now. `Record`: only
   * what was noted at the decision, whose state is no longer held.
   */
  readonly basis: 'Replay' | 'CurrentState' | 'Record' | 'None'
  readonly basisNote: string
  /** RFC 3339; of the decision, where one is remembered. */
  readonly decidedAt?: string
  readonly attempts?: number
  /** The condition's message, for pods that wait. */
  readonly message?: string
  readonly winner?: Winner
  readonly nodes: readonly NodeExplanation[]
  /** How many nodes each plugin rejected first. */
  readonly rejections: readonly { readonly plugin: string; readonly nodes: number }[]
  /** The smallest changes that would place a waiting pod, best first. */
  readonly suggestions: readonly Suggestion[]
  /** All of it for people, as `keelson explain POD` prints it. */
  readonly text: string
}

export type Winner = {
  readonly node: string
  readonly score: number
  readonly feasibleNodes: number
  readonly tiedNodes: number
  readonly why: string
}

export type NodeExplanation = FeasibleNode | RejectedNode

export type FeasibleNode = {
  readonly name: string
  readonly verdict: 'Feasible'
  readonly total: number
  readonly scores: readonly ScoreExplanation[]
}

export type ScoreExplanation = {
  readonly plugin: string
  /** 0..100. */
  readonly score: number
  readonly weight: number
  /** The formula with this node's numbers, ending in `= score`. */
  readonly formula: string
}

export type RejectedNode = {
  readonly name: string
  readonly verdict: 'Rejected'
  /** Every filter that rejects it, in the profile's order; the first gave the reason. */
  readonly filters: readonly FilterExplanation[]
}

export type FilterExplanation = {
  readonly plugin: string
  readonly reasons: readonly string[]
  readonly details: readonly string[]
  readonly shortfalls?: readonly Shortfall[]
}

export type Suggestion = {
  /** `Free`: evict or shrink what runs there. `Combine`: several steps on one node. `AddNode`: none of those that there are would do. */
  readonly action: Remedy['kind'] | 'Combine' | 'AddNode'
  /** The node that the pod would then go to; for changes of the pod, the first of those it opens; empty where no node is asked yet. */
  readonly node: string
  readonly opensNodes: number
  readonly text: string
  /** What has to be changed, as data; empty where it is only said. */
  readonly changes: readonly Remedy[]
}
