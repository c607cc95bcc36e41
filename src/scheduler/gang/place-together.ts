import { keyOf } from '../../machinery/object.ts'
import { type Diagnosis, diagnosisOfRefusal, fitErrorMessage } from '../core/fit-error.ts'
import type { Judged } from '../core/judgement.ts'
import type { Nomination } from '../core/nominations.ts'
import type { Plan } from '../core/plan.ts'
import type { Budget } from '../core/preemption.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { waitsForVictims } from '../preemptor.ts'
import { domainJudgement, domainsOf } from './group-domains.ts'
import { planGroupEviction } from './group-eviction.ts'
import type { AskedMember, GroupMisfit, GroupSeating, RoomInTheMaking } from './group-seating.ts'

export type GroupPlan<A extends AskedMember, S> =
  /** They count on their nodes; `misfits` are those beyond the needed ones that found none. */
  | { readonly kind: 'Placed'; readonly seats: readonly S[]; readonly misfits: readonly GroupMisfit<A>[] }
  /**
   * Nothing has changed. `rooms`: what has to be made for as many as are needed, empty where nobody is to leave, since it would not help the
   * group as a whole; undefined while the victims of an earlier try are leaving.
   */
  | {
      readonly kind: 'Unplaced'
      readonly message: string
      readonly misfits: readonly GroupMisfit<A>[]
      readonly rooms: readonly RoomInTheMaking<A>[] | undefined
      /** Room could be made if it were not for disruption budgets. */
      readonly isProtected: boolean
    }

export type GroupAsked<M> = {
  /** `namespace/name` of the group. */
  readonly name: string
  /** In the order in which they choose. */
  readonly members: readonly M[]
  /** At least one. */
  readonly needed: number
  /** The topology key whose one domain all have to be in. */
  readonly key: string | undefined
  /** Nodes of members that run already. */
  readonly runningOn: readonly string[]
}

type Try<A, S> = {
  readonly seats: readonly S[]
  readonly misfits: readonly { readonly asked: A; readonly refusal: Diagnosis | undefined }[]
}

/**
 * Places as many of a group as it needs at the same moment, or none of them, trying one domain after the other.
 *
 * 1. Places that were promised are taken first: what leaves for a group is then what it needs, in whatever order its members are tried.
 * 2. Without success the cluster is as before, but for the promises: they are void unless their victims are still leaving.
 */
export function placeTogether<M, A extends AskedMember, S extends { readonly nodeName: string }>(
  seating: GroupSeating<M, A, S>,
  group: GroupAsked<M>,
): GroupPlan<A, S> {
  const { snapshot, nominations } = seating
  const { members, needed } = group
  const promises = members.flatMap((member) => nominations.get(keyOf(seating.podOf(member))) ?? [])
  const domains = choicesOf(seating, group)
  const promised = domains.find((domain) => promises[0] && isIn(snapshot, promises[0].nodeName, domain))
  if (promised) {
    const tried = tryAll(seating, group, { within: promised.within(), enough: needed })
    if (tried.seats.length >= needed) return placed(tried)
    takeBack(seating, tried)
  }
  for (const promise of promises) nominations.delete(promise.key)
  let best: { readonly within: Judged | undefined; readonly count: number } | undefined
  for (const domain of domains) {
    const within = domain.within()
    const tried = tryAll(seating, group, { within, enough: Math.min(needed, (best?.count ?? -1) + 1) })
    if (tried.seats.length >= needed) return placed(tried)
    if (tried.seats.length > (best?.count ?? -1)) best = { within, count: tried.seats.length }
    takeBack(seating, tried)
  }
  const again = bestAgain(seating, group, best)
  if (again.kind === 'Placed') return again
  const rooms = roomFor(seating, group, { domains, promises })
  if (rooms !== 'Protected') return { ...again, rooms, isProtected: false }
  return { ...again, message: `${again.message} ${budgetsKeep}`, rooms: [], isProtected: true }
}

const budgetsKeep = 'Weaker pods would have to leave that disruption budgets keep.'

/** A domain that the group may go to; `label` is undefined where it may go anywhere. */
type Choice = { readonly label: { readonly key: string; readonly domain: string } | undefined; readonly within: () => Judged | undefined }

function choicesOf<M, A extends AskedMember, S extends { readonly nodeName: string }>(
  { snapshot, podOf }: GroupSeating<M, A, S>,
  { key, members, runningOn }: GroupAsked<M>,
): readonly Choice[] {
  if (key === undefined) return [{ label: undefined, within: () => undefined }]
  const shapes = members.map((member) => snapshot.shapeOf(podOf(member)))
  return domainsOf(snapshot, key, { runningOn, shapes }).map((domain) => {
    const label = { key, domain }
    return { label, within: () => domainJudgement(snapshot, label) }
  })
}

const isIn = (snapshot: Snapshot, nodeName: string, { label }: Choice) =>
  label === undefined || snapshot.nodes[snapshot.rowOf(nodeName) ?? -1]?.metadata.labels?.[label.key] === label.domain

/**
 * Each its best place, in order; stops when `enough` cannot be had any more. Who depends on where others are comes again as long as others
 * find their places: a leader may come after its workers.
 */
function tryAll<M, A extends AskedMember, S extends { readonly nodeName: string }>(
  seating: GroupSeating<M, A, S>,
  { members }: GroupAsked<M>,
  { within, enough }: { readonly within: Judged | undefined; readonly enough: number },
): Try<A, S> {
  const { nominations, snapshot } = seating
  const seats: S[] = []
  const misfits: Try<A, S>['misfits'][number][] = []
  // Whoever asks the same after nothing has changed gets the same answer.
  let refused: { readonly asked: AskedMember; readonly beside: number } | undefined
  for (let round = members, placedBefore = 0; round.length > 0; ) {
    const again: { readonly member: M; readonly asked: A }[] = []
    for (const [i, member] of round.entries()) {
      if (seats.length + round.length - i + again.length < enough) return { seats, misfits }
      const asked = seating.ask(member, within)
      const isKnown = refused?.beside === seats.length && !nominations.get(asked.target.key) && asksTheSame(refused.asked, asked)
      const seat = isKnown ? undefined : (asked.refused ?? seating.seat(asked))
      if (seat && 'nodeName' in seat) {
        seats.push(seat)
        // Where it is it needs no promise: it would count twice.
        nominations.delete(asked.target.key)
        continue
      }
      if (!seat) refused = { asked, beside: seats.length }
      if (!seat && dependsOnOthers(asked)) again.push({ member, asked })
      else misfits.push({ asked, refusal: seat && diagnosisOfRefusal(snapshot.nodeCount, seat) })
    }
    if (seats.length === placedBefore) return { seats, misfits: [...again.map(({ asked }) => ({ asked, refusal: undefined })), ...misfits] }
    placedBefore = seats.length
    round = again.map(({ member }) => member)
  }
  return { seats, misfits }
}

const dependsOnOthers = ({ profile: { core }, target }: AskedMember) => core.planOf(target).domainFilters.length > 0

/** Plans that pods share are one object. */
const asksTheSame = (a: AskedMember, b: AskedMember) =>
  !a.refused && !b.refused && a.target.priority === b.target.priority && a.profile.core.planOf(a.target) === b.profile.core.planOf(b.target)

function takeBack<M, A extends AskedMember, S extends { readonly nodeName: string }>(
  seating: GroupSeating<M, A, S>,
  { seats }: Try<A, S>,
): void {
  for (const seat of seats.toReversed()) seating.takeBack(seat)
}

const placed = <A extends AskedMember, S>({ seats, misfits }: Try<A, S>) =>
  ({ kind: 'Placed', seats, misfits: diagnosed(misfits) }) as const

/** Why they have no place beside those that have one; members that ask the same are answered once. */
function diagnosed<A extends AskedMember>(misfits: Try<A, never>['misfits']): readonly GroupMisfit<A>[] {
  const known = new Map<Plan, { readonly priority: number; readonly diagnosis: Diagnosis }>()
  return misfits.map(({ asked, refusal }) => {
    if (refusal) return { asked, diagnosis: refusal }
    const { core } = asked.profile
    const plan = core.planOf(asked.target)
    const { priority } = asked.target
    const answer = known.get(plan)
    if (answer?.priority === priority) return { asked, diagnosis: answer.diagnosis }
    const diagnosis = core.diagnose(asked.target)
    known.set(plan, { priority, diagnosis })
    return { asked, diagnosis }
  })
}

/**
 * Plays the best try once more to say why it failed: most groups that find no place in one domain find one in another, and nobody asks.
 * Other draws among equal nodes may even place it.
 */
function bestAgain<M, A extends AskedMember, S extends { readonly nodeName: string }>(
  seating: GroupSeating<M, A, S>,
  group: GroupAsked<M>,
  best: { readonly within: Judged | undefined } | undefined,
): Extract<GroupPlan<A, S>, { kind: 'Placed' }> | Omit<Extract<GroupPlan<A, S>, { kind: 'Unplaced' }>, 'rooms' | 'isProtected'> {
  const { name, needed, key } = group
  const told = (found: number, why: string) =>
    `pod group ${JSON.stringify(name)} needs ${needed} places at once${key === undefined ? '' : ` in one domain of ${key}`}, ${found} were found: ${why}`
  if (!best) return { kind: 'Unplaced', message: told(0, `no node has label ${key}`), misfits: [] }
  const tried = tryAll(seating, group, { within: best.within, enough: 0 })
  if (tried.seats.length >= needed) return placed(tried)
  const misfits = diagnosed(tried.misfits)
  takeBack(seating, tried)
  return { kind: 'Unplaced', message: told(tried.seats.length, fitErrorMessage(misfits[0]!.diagnosis)), misfits }
}

function roomFor<M, A extends AskedMember, S extends { readonly nodeName: string }>(
  seating: GroupSeating<M, A, S>,
  { members, needed }: GroupAsked<M>,
  { domains, promises }: { readonly domains: readonly Choice[]; readonly promises: readonly Nomination[] },
): readonly RoomInTheMaking<A>[] | 'Protected' | undefined {
  const { snapshot, nominations } = seating
  if (promises.some((promise) => waitsForVictims(snapshot, promise))) {
    for (const promise of promises) nominations.set(promise)
    return undefined
  }
  const roomBy = (budgets: readonly Budget[]) => {
    for (const domain of domains) {
      const rooms = planGroupEviction(seating, members, { needed, within: domain.within(), budgets })
      if (rooms) return rooms
    }
    return undefined
  }
  const budgets = seating.budgets()
  const rooms = roomBy(budgets)
  if (rooms) return rooms
  return budgets.length > 0 && roomBy([]) ? 'Protected' : []
}
