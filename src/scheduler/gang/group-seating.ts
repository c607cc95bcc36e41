import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { Diagnosis } from '../core/fit-error.ts'
import type { Judged, Refused } from '../core/judgement.ts'
import type { Nominations } from '../core/nominations.ts'
import type { Budget } from '../core/preemption.ts'
import type { PodToPlace, SchedulerCore } from '../core/scheduler-core.ts'
import type { PodEntry, Snapshot } from '../core/snapshot.ts'

/** A member as its profile asks about it; `refused` where no node is to be asked. */
export type AskedMember = {
  readonly profile: { readonly core: SchedulerCore; readonly preempts: boolean }
  readonly target: PodToPlace
  readonly refused: Pick<Refused, 'plugin' | 'reason'> | undefined
}

/**
 * How members of a group are put on nodes and taken off again: for good by the scheduler, on a copy of the cluster by a plan. M: a member
 * that waits, A: what is asked for it, S: its place.
 */
export type GroupSeating<M, A extends AskedMember, S extends { readonly nodeName: string }> = {
  readonly snapshot: Snapshot
  readonly nominations: Nominations
  readonly podOf: (member: M) => Pod
  /** `within`: the domain that it has to stay in. */
  readonly ask: (member: M, within: Judged | undefined) => A
  /** Gives it the best place: it counts there from now on. Undefined where no node takes it; a refusal where a filter has no answer. */
  readonly seat: (asked: A) => S | Pick<Refused, 'plugin' | 'reason'> | undefined
  readonly takeBack: (seat: S) => void
  readonly budgets: () => readonly Budget[]
}

/** Why a member has no place. */
export type GroupMisfit<A> = { readonly asked: A; readonly diagnosis: Diagnosis }

/** A member's place in the making: who leaves the node for it. */
export type RoomInTheMaking<A extends AskedMember> = {
  readonly asked: A
  readonly nodeName: string
  readonly victims: readonly PodEntry[]
}
