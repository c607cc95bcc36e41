import { toTime } from '../../base/clock.ts'
import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../../kinds/generated/types/apps-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { boundsOf, specReplicas, sum } from './bounds.ts'

type Condition = {
  readonly type: 'Progressing' | 'Available' | 'ReplicaFailure'
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason: string
  readonly message: string
}

export type StatusInput = {
  readonly deployment: Deployment
  readonly newest: ReplicaSet | undefined
  /** All ReplicaSets, the newest among them, sized as planned. */
  readonly sets: readonly ReplicaSet[]
  /** The newest is being made by this plan. */
  readonly isNew: boolean
}

export type StatusPlan = {
  /** Undefined: what is stored is right. */
  readonly status: DeploymentStatus | undefined
  /** When the progress deadline must be looked at. */
  readonly requeueAfterMs: number | undefined
}

/** A deadline this long means none, as upstream has it. */
const noDeadlineSeconds = 2_147_483_647

export function planStatus(input: StatusInput, nowMs: number): StatusPlan {
  const { deployment } = input
  const conditions = new Conditions(deployment.status?.conditions ?? [], nowMs)
  if (hasFoundNewest(input, conditions)) return { status: { ...deployment.status, conditions: conditions.list }, requeueAfterMs: undefined }
  const counts = countReplicas(input)
  conditions.set(availability(deployment, counts))
  if (!deadlineSeconds(deployment)) conditions.remove('Progressing')
  else if (deployment.spec?.paused || !deployment.metadata.deletionTimestamp) setProgress(input, counts, conditions, nowMs)
  const failure = [...(input.newest ? [input.newest] : []), ...input.sets]
    .flatMap((set) => set.status?.conditions ?? [])
    .find((c) => c.type === 'ReplicaFailure')
  if (failure) conditions.set({ type: 'ReplicaFailure', status: 'True', reason: failure.reason ?? '', message: failure.message ?? '' })
  else conditions.remove('ReplicaFailure')
  const status: DeploymentStatus = { ...counts, ...(conditions.list.length > 0 ? { conditions: conditions.list } : {}) }
  return {
    status: deepEqual(status, deployment.status) ? undefined : status,
    requeueAfterMs: untilDeadlineMs(deployment, conditions, nowMs),
  }
}

/**
 * A ReplicaSet that was there before any progress was told of: that is told first, by itself, so that what it has counts as progress at
 * the next look.
 */
function hasFoundNewest({ deployment, newest, isNew }: StatusInput, conditions: Conditions): boolean {
  const isTold = deadlineSeconds(deployment) === undefined || conditions.get('Progressing') !== undefined
  if (isTold || isNew || !newest || deployment.spec?.paused || deployment.metadata.deletionTimestamp) return false
  const message = `Found new replica set "${newest.metadata.name}"`
  conditions.set({ type: 'Progressing', status: 'True', reason: 'FoundNewReplicaSet', message })
  return true
}

/** The Progressing condition after ReplicaSet creation was refused; for the controller, which learns it only when acting. */
export function statusAfterFailure(status: DeploymentStatus, message: string, nowMs: number): DeploymentStatus {
  const conditions = new Conditions(status.conditions ?? [], nowMs)
  conditions.set({ type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message })
  return { ...status, conditions: conditions.list }
}

function deadlineSeconds(deployment: Deployment): number | undefined {
  const seconds = deployment.spec?.progressDeadlineSeconds
  return seconds === undefined || seconds >= noDeadlineSeconds ? undefined : seconds
}

/** Numbers that are zero are left out, as the API leaves them out. */
function countReplicas({ deployment, newest, sets }: StatusInput): DeploymentStatus {
  const available = sum(sets, (set) => set.status?.availableReplicas ?? 0)
  const numbers = {
    observedGeneration: deployment.metadata.generation ?? 0,
    replicas: sum(sets, (set) => set.status?.replicas ?? 0),
    updatedReplicas: newest?.status?.replicas ?? 0,
    readyReplicas: sum(sets, (set) => set.status?.readyReplicas ?? 0),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, sum(sets, specReplicas) - available),
    terminatingReplicas: sum(sets, (set) => set.status?.terminatingReplicas ?? 0),
    collisionCount: deployment.status?.collisionCount ?? 0,
  }
  return Object.fromEntries(Object.entries(numbers).filter(([name, value]) => value !== 0 || name === 'terminatingReplicas'))
}

function availability(deployment: Deployment, counts: DeploymentStatus): Condition {
  const { replicas, maxUnavailable } = boundsOf(deployment)
  return (counts.availableReplicas ?? 0) >= replicas - maxUnavailable
    ? { type: 'Available', status: 'True', reason: 'MinimumReplicasAvailable', message: 'Deployment has minimum availability.' }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      }
}

function setProgress({ deployment, newest, isNew }: StatusInput, counts: DeploymentStatus, conditions: Conditions, nowMs: number): void {
  const current = conditions.get('Progressing')
  const { paused } = deployment.spec ?? {}
  const set = (status: Condition['status'], reason: string, message: string) =>
    conditions.set({ type: 'Progressing', status, reason, message })
  const subject = newest ? `ReplicaSet "${newest.metadata.name}"` : `Deployment "${deployment.metadata.name}"`
  if (paused) {
    if (current?.reason !== 'ProgressDeadlineExceeded') set('Unknown', 'DeploymentPaused', 'Deployment is paused')
    return
  }
  // The time since the resumption is what the deadline counts from; what came of it is seen at the next look.
  if (current?.reason === 'DeploymentPaused') return set('Unknown', 'DeploymentResumed', 'Deployment is resumed')
  if (isNew && newest) return set('True', 'NewReplicaSetCreated', `Created new replica set "${newest.metadata.name}"`)
  const isRolledOut = (counts.replicas ?? 0) === (counts.updatedReplicas ?? 0) && current?.reason === 'NewReplicaSetAvailable'
  if (isRolledOut) return
  if (isComplete(deployment, counts)) set('True', 'NewReplicaSetAvailable', `${subject} has successfully progressed.`)
  else if (hasProgressed(deployment.status ?? {}, counts)) {
    // Replaced even when it says the same: the time of the last progress is what the deadline counts from.
    conditions.touch({ type: 'Progressing', status: 'True', reason: 'ReplicaSetUpdated', message: `${subject} is progressing.` })
  } else if (isTimedOut(deployment, conditions.get('Progressing'), nowMs))
    set('False', 'ProgressDeadlineExceeded', `${subject} has timed out progressing.`)
}

function isComplete(deployment: Deployment, counts: DeploymentStatus): boolean {
  const replicas = deployment.spec?.replicas ?? 1
  const { updatedReplicas = 0, replicas: total = 0, availableReplicas = 0 } = counts
  return updatedReplicas === replicas && total === replicas && availableReplicas === replicas
}

function hasProgressed(old: DeploymentStatus, now: DeploymentStatus): boolean {
  const outdated = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0)
  return (
    (now.updatedReplicas ?? 0) > (old.updatedReplicas ?? 0) ||
    outdated(now) < outdated(old) ||
    (now.readyReplicas ?? 0) > (old.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (old.availableReplicas ?? 0)
  )
}

function isTimedOut(deployment: Deployment, condition: DeploymentCondition | undefined, nowMs: number): boolean {
  const seconds = deadlineSeconds(deployment)
  if (seconds === undefined || !condition || condition.reason === 'NewReplicaSetAvailable') return false
  if (condition.reason === 'ProgressDeadlineExceeded') return true
  return Date.parse(condition.lastUpdateTime ?? '') + seconds * 1000 < nowMs
}

function untilDeadlineMs(deployment: Deployment, conditions: Conditions, nowMs: number): number | undefined {
  const seconds = deadlineSeconds(deployment)
  const condition = conditions.get('Progressing')
  const isWaiting = condition && condition.reason !== 'NewReplicaSetAvailable' && condition.reason !== 'ProgressDeadlineExceeded'
  if (seconds === undefined || !isWaiting || deployment.spec?.paused || deployment.metadata.deletionTimestamp) return undefined
  // Times are in whole seconds: a second later it is surely over.
  return Math.max(0, Date.parse(condition.lastUpdateTime ?? '') + seconds * 1000 - nowMs) + 1_000
}

/** A condition's lastTransitionTime moves with its status, its lastUpdateTime with its status or reason. */
class Conditions {
  #list: DeploymentCondition[]
  readonly #time: string

  constructor(current: readonly DeploymentCondition[], nowMs: number) {
    this.#list = [...current]
    this.#time = toTime(nowMs)
  }

  get list(): DeploymentCondition[] {
    return this.#list
  }

  get(type: Condition['type']): DeploymentCondition | undefined {
    return this.#list.find((condition) => condition.type === type)
  }

  remove(type: Condition['type']): void {
    this.#list = this.#list.filter((condition) => condition.type !== type)
  }

  set(condition: Condition): void {
    const current = this.get(condition.type)
    if (current?.status !== condition.status || current.reason !== condition.reason) this.touch(condition)
  }

  touch(condition: Condition): void {
    const current = this.get(condition.type)
    const lastTransitionTime = current?.status === condition.status ? (current.lastTransitionTime ?? this.#time) : this.#time
    this.remove(condition.type)
    this.#list.push({ ...condition, lastUpdateTime: this.#time, lastTransitionTime })
  }
}
