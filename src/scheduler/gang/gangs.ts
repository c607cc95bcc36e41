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
import type { GroupAnswers } from './group-extenders.ts'
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
  readonly queue: Pick<SchedulingQueue, 'take' | 'retryNow'>
  readonly placer: Pick<Placer, 'attempt' | 'withJudged' | 'seat' | 'takeBack' | 'recordUnplaced' | 'tried'>
  readonly preemptor: Pick<Preemptor, 'budgets'>
  readonly nominations: Nominations
  /** Promises each its node and sends the victims away. */
  readonly evict: (rooms: readonly RoomInTheMaking<Attempt>[]) => void
  readonly commit: (placement: Placement) => void
  /** What extenders say of the members; undefined where nobody has to be asked. */
  readonly ask: (members: readonly QueuedPod[]) => Promise<GroupAnswers> | undefined
  /** Keeps a pod out of the queue until it is released. */
  readonly hold: (queued: QueuedPod) => () => void
  /** Whether it still needs a node; it then is what it is now. */
  readonly isStillPending: (queued: QueuedPod) => boolean
  readonly onFailed: (queued: QueuedPod, error: unknown) => Promise<void>
  readonly track: (work: Promise<void>) => void
  /** One beyond those that the group needs, which have their places: it is on its own. */
  readonly onMisfit: (attempt: Attempt, diagnosis: Diagnosis) => void
  /** Parks the pod with a message for its condition; what may wake it are the plugins named. */
  readonly park: (queued: QueuedPod, why: ParkReason) => void
  readonly onTried: (group: PodGroup, outcome: { readonly isScheduled: boolean; readonly message: string }) => void
}

type Held = { readonly queued: QueuedPod; readonly release: () => void }

type Demand = { readonly group: PodGroup; readonly runningOn: readonly string[]; readonly needed: number }

/** Undefined: the group asks nothing of its pods together. */
type DemandOfGroup = Demand | { readonly why: string } | undefined

const noAnswers: GroupAnswers = new Map()

/**
 * Places the pods of a group (scheduling.k8s.io/v1alpha2 PodGroup with the gang policy) all at once or not at all: when `minCount` of
 * them, with those that run already, have places at the same moment, they are bound; otherwise all of them are taken back.
 * A group that fits nowhere pushes out weaker pods for all that it needs, or nobody.
 *
 * Only where extenders have to be asked about members does that wait for others: then it is decided by the group and the cluster as they are
 * after their answer, and who comes meanwhile is looked at afterwards.
 */
export class Gangs {
  readonly #options: GangsOptions
  /** Groups about which extenders are being asked, and their pods that have come since. */
  readonly #asking = new Map<string, Held[]>()

  constructor(options: GangsOptions) {
    this.#options = options
    options.pods.addIndex(groupIndex, (pod) => {
      const key = groupKeyOf(pod)
      return key === undefined ? [] : [key]
    })
  }

  #seatingBy(answers: GroupAnswers): GroupSeating<QueuedPod, Attempt, Placement> {
    const { placer, preemptor, snapshot, nominations } = this.#options
    return {
      snapshot,
      nominations,
      podOf: (queued) => queued.pod,
      ask: (queued, within) =>
        [answers.get(queued.key), within].reduce<Attempt>(
          (attempt, judged) => (judged ? placer.withJudged(attempt, judged) : attempt),
          placer.attempt(queued),
        ),
      seat: (attempt) => {
        const seat = placer.seat(attempt)
        return seat?.kind === 'Failed' ? { plugin: seat.plugin, reason: seat.message } : seat
      },
      takeBack: (placement) => placer.takeBack(placement),
      budgets: () => preemptor.budgets(),
    }
  }

  /** A pod of the group has its turn. False: the group asks nothing of its pods together, or has what it needs: this one is placed by itself, `within` its domain. */
  schedule(groupKey: string, first: QueuedPod): boolean {
    const { queue, hold } = this.#options
    const late = this.#asking.get(groupKey)
    if (late) {
      late.push({ queued: first, release: hold(first) })
      return true
    }
    const waiting = this.#waiting(groupKey)
    const demand = this.#demandOf(groupKey, waiting.length)
    if (!demand) return false
    if ('why' in demand) {
      this.#parkFor(first, demand.why)
      return true
    }
    const others = waiting.flatMap((pod) => (keyOf(pod) === first.key ? [] : (queue.take(keyOf(pod)) ?? [])))
    const members = [first, ...others]
    const answers = this.#options.ask(members)
    if (answers) this.#options.track(this.#placeBy(answers, groupKey, members, members.map(hold)))
    else this.#placeTogether(groupKey, demand, members)
    return true
  }

  #demandOf(groupKey: string, waiting: number): DemandOfGroup {
    const group = this.#options.groups.get(groupKey)
    if (!group) return { why: `waiting for pod group ${JSON.stringify(groupKey)} to be created` }
    const { gang } = group.spec.schedulingPolicy
    if (!gang) return undefined
    const runningOn = this.#runningOn(groupKey)
    if (runningOn.length >= gang.minCount) return undefined
    // The same words for each that comes: those that wait already need not be told anew.
    if (runningOn.length + waiting < gang.minCount)
      return { why: `pod group ${JSON.stringify(groupKey)} has not yet the ${gang.minCount} pods that it needs` }
    return { group, runningOn, needed: gang.minCount - runningOn.length }
  }

  async #placeBy(
    answers: Promise<GroupAnswers>,
    groupKey: string,
    members: readonly QueuedPod[],
    releases: readonly (() => void)[],
  ): Promise<void> {
    const { queue, isStillPending, onFailed } = this.#options
    const late: Held[] = []
    this.#asking.set(groupKey, late)
    try {
      const said = await answers
      const still = members.filter(isStillPending)
      const demand = this.#demandOf(groupKey, still.length)
      if (!demand) for (const queued of still) queue.retryNow(queued)
      else if ('why' in demand) for (const queued of still) this.#parkFor(queued, demand.why)
      else this.#placeTogether(groupKey, demand, still, said)
    } catch (error) {
      await Promise.all(members.map((queued) => onFailed(queued, error)))
    } finally {
      this.#asking.delete(groupKey)
      for (const release of releases) release()
      for (const { queued, release } of late) {
        release()
        if (isStillPending(queued)) queue.retryNow(queued)
      }
    }
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

  #placeTogether(groupKey: string, { group, runningOn, needed }: Demand, pods: readonly QueuedPod[], answers = noAnswers): void {
    const members = pods.toSorted((a, b) => b.priority - a.priority || a.order - b.order)
    const key = group.spec.schedulingConstraints?.topology?.[0]?.key
    const seating = this.#seatingBy(answers)
    const asked = { name: groupKey, members, needed, key, runningOn }
    const plan = this.#options.placer.tried(members, () => placeTogether(seating, asked))
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
