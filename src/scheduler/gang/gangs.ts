import type { Informer } from '../../client/informer-contract.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PodGroup } from '../../kinds/generated/types/scheduling-v1alpha2.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { keyOf } from '../../machinery/object.ts'
import type { Judged } from '../core/judgement.ts'
import type { Nominations } from '../core/nominations.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { Diagnosis } from '../core/fit-error.ts'
import type { Attempt, Placement, Placer } from '../placer.ts'
import type { Preemptor } from '../preemptor.ts'
import { disruptionBudgets } from '../queueing-hints.ts'
import { isGated, type QueuedPod, type SchedulingQueue } from '../queue.ts'
import { domainOfGroup } from './group-domains.ts'
import type { GroupSeating, RoomInTheMaking } from './group-seating.ts'
import { type GroupPlan, placeTogether } from './place-together.ts'

const groupIndex = 'scheduling-group'
/** The plugin's name, as upstream's. */
export const gangPlugin = 'GangScheduling'

/** `namespace/name` of the pod's group, if it is in one. */
export function groupKeyOf(pod: Pod): string | undefined {
  const name = pod.spec?.schedulingGroup?.podGroupName
  return name ? `${pod.metadata.namespace}/${name}` : undefined
}

/** What helps pods whose group is not there, or not complete. */
export const createGroup = (groupKey: string) => `create the PodGroup ${groupKey}`
export const completeGroup = (count: number, minCount: number) =>
  `create ${minCount - count} more ${minCount - count === 1 ? 'pod' : 'pods'} of the group (or remove gates), or lower its minCount to ${count}`

type ParkReason = { readonly message: string; readonly plugins: ReadonlySet<string>; readonly nominatedNodeName?: string | undefined }

export type GangsOptions = {
  readonly snapshot: Snapshot
  readonly pods: Informer<Pod>
  readonly groups: Informer<PodGroup>
  readonly queue: Pick<SchedulingQueue, 'take'>
  readonly placer: Pick<Placer, 'attempt' | 'withJudged' | 'seat' | 'takeBack' | 'recordUnplaced' | 'tried'>
  readonly preemptor: Pick<Preemptor, 'budgets'>
  readonly nominations: Nominations
  /** Promises each its node and sends the victims away. */
  readonly evict: (rooms: readonly RoomInTheMaking<Attempt>[]) => void
  readonly commit: (placement: Placement) => void
  /** One beyond those that the group needs, which have their places: it is on its own. */
  readonly onMisfit: (attempt: Attempt, diagnosis: Diagnosis) => void
  /** Parks the pod with a message for its condition; what may wake it are the plugins named. */
  readonly park: (queued: QueuedPod, why: ParkReason) => void
  readonly onTried: (group: PodGroup, outcome: { readonly isScheduled: boolean; readonly message: string }) => void
}

/**
 * Places the pods of a group (scheduling.k8s.io/v1alpha2 PodGroup with the gang policy) all at once or not at all: when `minCount` of
 * them, with those that run already, have places at the same moment, they are bound; otherwise all of them are taken back.
 * A group that fits nowhere pushes out weaker pods for all that it needs, or nobody.
 */
export class Gangs {
  readonly #options: GangsOptions
  readonly #seating: GroupSeating<QueuedPod, Attempt, Placement>

  constructor(options: GangsOptions) {
    this.#options = options
    const { placer, preemptor, snapshot, nominations } = options
    options.pods.addIndex(groupIndex, (pod) => {
      const key = groupKeyOf(pod)
      return key === undefined ? [] : [key]
    })
    this.#seating = {
      snapshot,
      nominations,
      podOf: (queued) => queued.pod,
      ask: (queued, within) => (within ? placer.withJudged(placer.attempt(queued), within) : placer.attempt(queued)),
      seat: (attempt) => {
        const seat = placer.seat(attempt)
        return seat?.kind === 'Failed' ? { plugin: seat.plugin, reason: seat.message } : seat
      },
      takeBack: (placement) => placer.takeBack(placement),
      budgets: () => preemptor.budgets(),
    }
  }

  /** False: the group asks nothing of its pods together, or has what it needs: this one is placed by itself, `within` its domain. */
  schedule(groupKey: string, first: QueuedPod): boolean {
    const group = this.#options.groups.get(groupKey)
    if (!group) {
      this.#parkFor(first, `waiting for pod group ${JSON.stringify(groupKey)} to be created`)
      return true
    }
    const { gang } = group.spec.schedulingPolicy
    if (!gang) return false
    const runningOn = this.#runningOn(groupKey)
    if (runningOn.length >= gang.minCount) return false
    const waiting = this.#waiting(groupKey)
    if (runningOn.length + waiting.length < gang.minCount) {
      // The same words for each that comes: those that wait already need not be told anew.
      this.#parkFor(first, `pod group ${JSON.stringify(groupKey)} has not yet the ${gang.minCount} pods that it needs`)
      return true
    }
    this.#placeTogether({ group, groupKey, first, waiting, runningOn, needed: gang.minCount - runningOn.length })
    return true
  }

  /** What keeps a pod that is placed by itself in the domain of its group. */
  within(groupKey: string): Judged | undefined {
    const key = this.#options.groups.get(groupKey)?.spec.schedulingConstraints?.topology?.[0]?.key
    return key === undefined ? undefined : domainOfGroup(this.#options.snapshot, key, this.#runningOn(groupKey))
  }

  /** Why no node is asked for the group's pods, if so. */
  whyWaiting(groupKey: string): { readonly reason: string; readonly remedy: string } | undefined {
    const group = this.#options.groups.get(groupKey)
    const name = JSON.stringify(groupKey)
    if (!group) return { reason: `there is no pod group ${name}`, remedy: createGroup(groupKey) }
    const { gang } = group.spec.schedulingPolicy
    const count = this.#runningOn(groupKey).length + this.#waiting(groupKey).length
    if (!gang || count >= gang.minCount) return undefined
    return {
      reason: `pod group ${name} has ${count} of the ${gang.minCount} pods that it needs`,
      remedy: completeGroup(count, gang.minCount),
    }
  }

  /** Whether the pods are placed together with others. */
  isGang(groupKey: string): boolean {
    const gang = this.#options.groups.get(groupKey)?.spec.schedulingPolicy.gang
    return gang !== undefined && this.#runningOn(groupKey).length < gang.minCount
  }

  /** Nodes of those that run, or are on their way there. */
  #runningOn(groupKey: string): readonly string[] {
    return this.#options.pods.byIndex(groupIndex, groupKey).flatMap((pod) => this.#options.snapshot.pod(keyOf(pod))?.nodeName ?? [])
  }

  #waiting(groupKey: string): readonly Pod[] {
    return this.#options.pods
      .byIndex(groupIndex, groupKey)
      .filter(
        (p) => !this.#options.snapshot.pod(keyOf(p)) && !isPodTerminal(p) && !isGated(p) && p.metadata.deletionTimestamp === undefined,
      )
  }

  #placeTogether(input: {
    readonly group: PodGroup
    readonly groupKey: string
    readonly first: QueuedPod
    readonly waiting: readonly Pod[]
    readonly runningOn: readonly string[]
    readonly needed: number
  }): void {
    const { group, groupKey, first, waiting, runningOn, needed } = input
    const { queue, placer } = this.#options
    const others = waiting.flatMap((pod) => (keyOf(pod) === first.key ? [] : (queue.take(keyOf(pod)) ?? [])))
    const members = [first, ...others].sort((a, b) => b.priority - a.priority || a.order - b.order)
    const key = group.spec.schedulingConstraints?.topology?.[0]?.key
    const plan = placer.tried(members, () => placeTogether(this.#seating, { name: groupKey, members, needed, key, runningOn }))
    if (plan.kind === 'Placed') this.#commit(group, plan, members.length)
    else this.#unplaced(group, plan, members)
  }

  #commit(group: PodGroup, { seats, misfits }: Extract<GroupPlan<Attempt, Placement>, { kind: 'Placed' }>, memberCount: number): void {
    for (const placement of seats) this.#options.commit(placement)
    for (const { asked, diagnosis } of misfits) this.#options.onMisfit(asked, diagnosis)
    this.#options.onTried(group, { isScheduled: true, message: `${seats.length} of ${memberCount} waiting pods were placed at once` })
  }

  #unplaced(
    group: PodGroup,
    { message, misfits, rooms, isProtected }: Extract<GroupPlan<Attempt, Placement>, { kind: 'Unplaced' }>,
    members: readonly QueuedPod[],
  ): void {
    const victims = new Set(rooms?.flatMap((room) => room.victims))
    const told = victims.size > 0 ? `${message} Room is being made for all of them: ${victims.size} weaker pods leave.` : message
    this.#options.onTried(group, { isScheduled: false, message: told })
    const promised = new Map(rooms?.map(({ asked, nodeName }) => [asked.queued.key, nodeName]))
    const plugins = new Set([...pluginsOf(misfits.map((m) => m.diagnosis)), ...(isProtected ? [disruptionBudgets] : [])])
    for (const { asked, diagnosis } of misfits) this.#options.placer.recordUnplaced(asked.queued, diagnosis)
    // Undefined keeps what was promised while victims leave.
    for (const queued of members)
      this.#options.park(queued, { message: told, plugins, ...(rooms ? { nominatedNodeName: promised.get(queued.key) ?? '' } : {}) })
    if (rooms && victims.size > 0) this.#options.evict(rooms)
  }

  #parkFor(queued: QueuedPod, message: string): void {
    this.#options.park(queued, { message, plugins: new Set([gangPlugin]) })
  }
}

const pluginsOf = (diagnoses: readonly Diagnosis[]) => new Set([gangPlugin, ...diagnoses.flatMap((d) => [...d.nodesByPlugin.keys()])])
