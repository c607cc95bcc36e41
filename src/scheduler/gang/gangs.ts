import type { Informer } from '../../client/informer-contract.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PodGroup } from '../../kinds/generated/types/scheduling-v1alpha2.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import type { Nomination, Nominations } from '../core/nominations.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { isAssigned } from '../core/pod-shape.ts'
import { type Diagnosis, diagnosisOfRefusal, fitErrorMessage } from '../core/fit-error.ts'
import type { Attempt, Placement, Placer } from '../placer.ts'
import { type Preemptor, waitsForVictims } from '../preemptor.ts'
import type { QueuedPod, SchedulingQueue } from '../queue.ts'
import { domainJudgement, domainsOf } from './group-domains.ts'
import { planGroupEviction, type RoomInTheMaking } from './group-eviction.ts'

const groupIndex = 'scheduling-group'
/** The plugin's name, as upstream's. */
export const gangPlugin = 'GangScheduling'

/** `namespace/name` of the pod's group, if it is in one. */
export function groupKeyOf(pod: Pod): string | undefined {
  const name = pod.spec?.schedulingGroup?.podGroupName
  return name ? `${pod.metadata.namespace}/${name}` : undefined
}

type ParkReason = { readonly message: string; readonly plugins: ReadonlySet<string>; readonly nominatedNodeName?: string | undefined }

export type GangsOptions = {
  readonly snapshot: Snapshot
  readonly pods: Informer<Pod>
  readonly groups: Informer<PodGroup>
  readonly queue: SchedulingQueue
  readonly placer: Placer
  readonly preemptor: Preemptor
  readonly nominations: Nominations
  /** Promises each its node and sends the victims away. */
  readonly evict: (rooms: readonly RoomInTheMaking[]) => void
  readonly commit: (placement: Placement) => void
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

  constructor(options: GangsOptions) {
    this.#options = options
    options.pods.addIndex(groupIndex, (pod) => {
      const key = groupKeyOf(pod)
      return key === undefined ? [] : [key]
    })
  }

  /** Whether pods of the group are placed together, or wait for it to be made. */
  isGang(groupKey: string): boolean {
    const group = this.#options.groups.get(groupKey)
    return !group || group.spec.schedulingPolicy.gang !== undefined
  }

  /** False: the group asks nothing of its pods together, this one is placed by itself. */
  schedule(groupKey: string, first: QueuedPod): boolean {
    const group = this.#options.groups.get(groupKey)
    const gang = group?.spec.schedulingPolicy.gang
    if (group && !gang) return false
    const members = this.#members(groupKey, first)
    if (!group || !gang) {
      this.#parkAll(members, `waiting for pod group ${JSON.stringify(groupKey)} to be created`)
      return true
    }
    const running = this.#options.pods.byIndex(groupIndex, groupKey).filter((p) => isAssigned(p) && !isPodTerminal(p)).length
    if (running + members.length < gang.minCount) {
      const message = `pod group ${JSON.stringify(groupKey)} has ${running + members.length} of the ${gang.minCount} pods that it needs`
      this.#parkAll(members, message)
      return true
    }
    this.#placeTogether({ group, groupKey, members, needed: Math.max(0, gang.minCount - running) })
    return true
  }

  #members(groupKey: string, first: QueuedPod): readonly QueuedPod[] {
    const { pods, queue } = this.#options
    const others = pods.byIndex(groupIndex, groupKey).flatMap((pod) => {
      const key = `${pod.metadata.namespace}/${pod.metadata.name}`
      return key === first.key ? [] : (queue.take(key) ?? [])
    })
    return [first, ...others].sort((a, b) => b.priority - a.priority || a.order - b.order)
  }

  #placeTogether(input: { group: PodGroup; groupKey: string; members: readonly QueuedPod[]; needed: number }): void {
    const { group, groupKey, members, needed } = input
    const key = group.spec.schedulingConstraints?.topology?.[0]?.key
    const domains = key === undefined ? [undefined] : domainsOf(this.#options.snapshot, key)
    const promises = this.#takePromises(members)
    let best: Try = { placements: [], misfits: [] }
    for (const domain of domains) {
      const tried = this.#try(members, domain === undefined ? undefined : { key: key!, domain })
      if (tried.placements.length >= needed) return this.#commit(group, tried, members.length)
      for (const placement of tried.placements) this.#options.placer.takeBack(placement)
      if (tried.placements.length >= best.placements.length) best = tried
    }
    const why = best.misfits[0] ? fitErrorMessage(best.misfits[0].diagnosis) : `no node has label ${key}`
    const where = key === undefined ? '' : ` in one domain of ${key}`
    const message = `pod group ${JSON.stringify(groupKey)} needs ${needed} places at once${where}, ${best.placements.length} were found: ${why}`
    const plugins = best.misfits.flatMap((m) => [...m.diagnosis.nodesByPlugin.keys()])
    const rooms = this.#makeRoom({ members, needed, key, domains, promises })
    const victims = new Set(rooms?.flatMap((room) => room.victims))
    const told = victims.size > 0 ? `${message} Room is being made for all of them: ${victims.size} weaker pods leave.` : message
    this.#options.onTried(group, { isScheduled: false, message: told })
    const promised = new Map(rooms?.map(({ attempt, nodeName }) => [attempt.queued.key, nodeName]))
    // Undefined keeps what was promised while victims leave.
    for (const queued of members)
      this.#park(queued, told, { plugins, ...(rooms ? { nominatedNodeName: promised.get(queued.key) ?? '' } : {}) })
    if (rooms && victims.size > 0) this.#options.evict(rooms)
  }

  /** What was promised to members counts no more while they are placed: they would have to make room for themselves. */
  #takePromises(members: readonly QueuedPod[]): readonly Nomination[] {
    const { nominations } = this.#options
    const promises = members.flatMap(({ key }) => nominations.get(key) ?? [])
    for (const { key } of promises) nominations.delete(key)
    return promises
  }

  /** Undefined: the victims of an earlier try are leaving. Empty: nobody is to leave, since it would not help the group as a whole. */
  #makeRoom(input: {
    members: readonly QueuedPod[]
    needed: number
    key: string | undefined
    domains: readonly (string | undefined)[]
    promises: readonly Nomination[]
  }): readonly RoomInTheMaking[] | undefined {
    const { members, needed, key, domains, promises } = input
    const { placer, snapshot, nominations } = this.#options
    if (promises.some((promise) => waitsForVictims(snapshot, promise))) {
      for (const promise of promises) nominations.set(promise)
      return undefined
    }
    const able = members.map((queued) => placer.attempt(queued)).filter(({ profile }) => profile.preempts)
    for (const domain of domains) {
      const within = (attempt: Attempt) =>
        domain === undefined ? attempt : placer.withJudged(attempt, domainJudgement(snapshot, { key: key!, domain }))
      const rooms = planGroupEviction(this.#options, able.map(within), needed)
      if (rooms) return rooms
    }
    return []
  }

  #try(members: readonly QueuedPod[], within: { readonly key: string; readonly domain: string } | undefined): Try {
    const { placer, snapshot } = this.#options
    const placements: Placement[] = []
    const misfits: Try['misfits'][number][] = []
    for (const queued of members) {
      const attempt = placer.attempt(queued)
      if (attempt.refused) {
        misfits.push({ attempt, diagnosis: diagnosisOfRefusal(snapshot.nodeCount, attempt.refused) })
        continue
      }
      const placed = placer.place(within ? placer.withJudged(attempt, domainJudgement(snapshot, within)) : attempt)
      if (placed.kind === 'Placed') placements.push(placed)
      else if (placed.kind === 'Unplaced') misfits.push({ attempt, diagnosis: placed.diagnosis })
      else misfits.push({ attempt, diagnosis: diagnosisOfRefusal(snapshot.nodeCount, { plugin: placed.plugin, reason: placed.message }) })
    }
    return { placements, misfits }
  }

  #commit(group: PodGroup, { placements, misfits }: Try, memberCount: number): void {
    for (const placement of placements) this.#options.commit(placement)
    for (const { attempt, diagnosis } of misfits)
      this.#options.park(attempt.queued, { message: fitErrorMessage(diagnosis), plugins: new Set(diagnosis.nodesByPlugin.keys()) })
    this.#options.onTried(group, { isScheduled: true, message: `${placements.length} of ${memberCount} waiting pods were placed at once` })
  }

  #parkAll(members: readonly QueuedPod[], message: string): void {
    for (const queued of members) this.#park(queued, message, { plugins: [] })
  }

  #park(queued: QueuedPod, message: string, more: { readonly plugins: readonly string[]; readonly nominatedNodeName?: string }): void {
    this.#options.park(queued, { ...more, message, plugins: new Set([gangPlugin, ...more.plugins]) })
  }
}

type Try = {
  readonly placements: readonly Placement[]
  readonly misfits: readonly { readonly attempt: Attempt; readonly diagnosis: Diagnosis }[]
}
