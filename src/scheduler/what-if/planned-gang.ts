import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { keyOf } from '../../machinery/object.ts'
import type { Judged, Refused, Reservation } from '../core/judgement.ts'
import type { Budget } from '../core/preemption.ts'
import type { PodToPlace, SharedCluster } from '../core/scheduler-core.ts'
import type { AskedMember, GroupSeating } from '../gang/group-seating.ts'
import { nobodysText, type PlannedProfile } from './planned-profiles.ts'

export type PlannedTarget = { readonly profile: PlannedProfile; readonly target: PodToPlace }

export type PlannedAsked<M> = AskedMember & { readonly member: M; readonly profile: PlannedProfile }

export type PlannedSeat<M> = {
  readonly asked: PlannedAsked<M>
  readonly nodeName: string
  readonly row: number
  readonly score: number
  readonly feasibleNodes: number
  readonly reservations: readonly Reservation[]
}

/** Members of a group on the copy of the cluster that a plan plays with: what gang/place-together.ts decides is what the scheduler would. */
export function plannedSeating<M extends { readonly pod: Pod }>(input: {
  readonly cluster: SharedCluster
  readonly budgets: readonly Budget[]
  /** Whose eyes see a pod that no profile places. */
  readonly first: PlannedProfile
  readonly targetOf: (pod: Pod, within: readonly Judged[]) => PlannedTarget | Refused | undefined
}): GroupSeating<M, PlannedAsked<M>, PlannedSeat<M>> {
  const { cluster, budgets, first, targetOf } = input
  const { snapshot, nominations } = cluster
  return {
    snapshot,
    nominations,
    podOf: ({ pod }) => pod,
    ask: (member, within) => {
      const { pod } = member
      const asked = targetOf(pod, within ? [within] : [])
      if (asked && 'target' in asked) return { ...asked, member, refused: undefined }
      const target = { key: keyOf(pod), pod, priority: pod.spec?.priority ?? 0 }
      return { profile: first, target, member, refused: asked ?? { plugin: '', reason: nobodysText(pod) } }
    },
    seat: (asked) => {
      const { profile, target } = asked
      const decision = profile.core.decide(target)
      if (decision.kind === 'Unplaced') return undefined
      const { row, score, feasible: feasibleNodes } = decision
      const nodeName = snapshot.nodeName(row)
      const reservations = (target.judged ?? []).flatMap((j) => (j.reserve ? [j.reserve(row)] : []))
      snapshot.addPod(target.key, target.pod, nodeName)
      return { asked, nodeName, row, score, feasibleNodes, reservations }
    },
    takeBack: ({ asked, reservations }) => {
      for (const reservation of reservations.toReversed()) reservation.release()
      snapshot.removePod(asked.target.key)
    },
    budgets: () => budgets,
  }
}
