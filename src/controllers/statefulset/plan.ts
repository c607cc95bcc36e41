/**
 * What a StatefulSet does next: (set, revisions, its pods, now) → actions.
 *  1. OrderedReady: one pod at a time, upwards when it grows, downwards when it shrinks, each only after its predecessors are healthy.
 *  2. Parallel: all that are missing or too many at once; updates keep their order.
 *  3. Updates go from the highest ordinal down to the partition, one at a time or maxUnavailable.
 * https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/
 */
import type { StatefulSet, StatefulSetCondition, StatefulSetStatus } from '../../kinds/generated/types/apps-v1.ts'
import type { Pod, PodTemplateSpec } from '../../kinds/generated/types/core-v1.ts'
import { isPodAvailable, isPodReady, isPodTerminal, isPodTerminating, podAvailableInMs } from '../../kinds/pod-status.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { hasIdentity, newPod, ordinalOf, revisionLabel, withIdentity } from './identity.ts'

export type Revision = { readonly name: string; readonly template: PodTemplateSpec }

export type Observed = {
  readonly set: StatefulSet
  readonly current: Revision
  readonly update: Revision
  readonly pods: readonly Pod[]
  /** Whether a claim of the ordinal is about to go with an earlier pod. */
  readonly hasStaleClaim?: (ordinal: number) => boolean
  /** Of the claims of the ordinal: whether one is not there, and whether one is on its way out. */
  readonly lacksClaim?: (ordinal: number) => boolean
  readonly hasEndingClaim?: (ordinal: number) => boolean
}

export type Action =
  /** The claims of its ordinal are made first. */
  | { readonly type: 'create'; readonly pod: Pod; readonly ordinal: number }
  /** Of a pod that waits for them: somebody took them away. */
  | { readonly type: 'create-claims'; readonly pod: Pod; readonly ordinal: number }
  | { readonly type: 'delete'; readonly pod: Pod }
  | { readonly type: 'update'; readonly pod: Pod }

export type Plan = {
  readonly actions: readonly Action[]
  /** The pods whose turn it was: their claims are brought in line with the retention policy, of those in range first. */
  readonly reached: readonly Pod[]
  readonly requeueAfterMs: number | undefined
}

export function planStatefulSet(observed: Observed, nowMs: number): Plan {
  const { set } = observed
  if (set.metadata.deletionTimestamp) return { actions: [], reached: [], requeueAfterMs: undefined }
  const planner = new Planner(observed, nowMs)
  if (planner.grow() && planner.shrink()) planner.roll()
  return { actions: planner.actions, reached: planner.reached, requeueAfterMs: nextAvailableInMs(observed, nowMs) }
}

/** When the next ready pod has been so for minReadySeconds: whether or not a step waits for it, the status counts it. */
function nextAvailableInMs({ set, pods }: Observed, nowMs: number): number | undefined {
  const waits = pods.map((pod) => (isRunningAndReady(pod) && podAvailableInMs(pod, set.spec?.minReadySeconds ?? 0, nowMs)) || Infinity)
  const nextMs = Math.min(...waits)
  return nextMs === Infinity ? undefined : nextMs
}

const isRunningAndReady = (pod: Pod) => pod.status?.phase === 'Running' && isPodReady(pod)

/** Its steps say whether the next may follow. */
class Planner {
  readonly actions: Action[] = []
  readonly reached: Pod[] = []
  readonly #observed: Observed
  readonly #nowMs: number
  readonly #isOrdered: boolean
  readonly #start: number
  readonly #slots: (Pod | undefined)[]
  /** Beyond the range, the highest ordinal first. */
  readonly #condemned: readonly Pod[]

  constructor(observed: Observed, nowMs: number) {
    const { set, pods } = observed
    this.#observed = observed
    this.#nowMs = nowMs
    this.#isOrdered = set.spec?.podManagementPolicy !== 'Parallel'
    this.#start = set.spec?.ordinals?.start ?? 0
    const byOrdinal = new Map(
      pods.flatMap((pod) => {
        const ordinal = ordinalOf(set, pod)
        return ordinal === undefined ? [] : [[ordinal, pod] as const]
      }),
    )
    const replicas = set.spec?.replicas ?? 1
    this.#slots = Array.from({ length: replicas }, (_, i) => byOrdinal.get(this.#start + i))
    const isInRange = (ordinal: number) => ordinal >= this.#start && ordinal < this.#start + replicas
    this.#condemned = [...byOrdinal]
      .filter(([ordinal]) => !isInRange(ordinal))
      .sort(([a], [b]) => b - a)
      .map(([, pod]) => pod)
  }

  grow(): boolean {
    const { set, current, update, hasStaleClaim, lacksClaim, hasEndingClaim } = this.#observed
    for (const [index, pod] of this.#slots.entries()) {
      const ordinal = this.#start + index
      if (!pod) {
        if (hasStaleClaim?.(ordinal)) return false
        this.actions.push({ type: 'create', pod: newPod(set, this.#isKeptBack(ordinal) ? current : update, ordinal), ordinal })
        if (this.#isOrdered) return false
        continue
      }
      if (isPodTerminal(pod)) {
        if (!isPodTerminating(pod)) this.actions.push({ type: 'delete', pod })
        if (this.#isOrdered) return false
        continue
      }
      const isPending = pod.status?.phase === 'Pending'
      if (isPending && hasEndingClaim?.(ordinal)) return false
      if (isPending) this.reached.push(pod)
      if (isPending && lacksClaim?.(ordinal)) this.actions.push({ type: 'create-claims', pod, ordinal })
      if (this.#isOrdered && !this.#isHealthy(pod)) return false
      if (!isPending) this.reached.push(pod)
      if (!isPodTerminating(pod) && !hasIdentity(set, pod, ordinal))
        this.actions.push({ type: 'update', pod: withIdentity(set, pod, ordinal) })
    }
    this.reached.push(...this.#condemned)
    return true
  }

  shrink(): boolean {
    const unhealthy = this.#condemned.filter((pod) => !this.#isHealthy(pod))
    const first = unhealthy.at(-1)
    for (const pod of this.#condemned) {
      if (isPodTerminating(pod)) {
        if (this.#isOrdered) return false
        continue
      }
      // A healthy predecessor is awaited, except by the lowest of the sick: nobody could make it well.
      if (this.#isOrdered && !isRunningAndReady(pod) && pod !== first) return false
      this.actions.push({ type: 'delete', pod })
      if (this.#isOrdered) return false
    }
    return true
  }

  roll(): void {
    const { set, update } = this.#observed
    if (set.spec?.updateStrategy?.type === 'OnDelete') return
    const max = this.#maxUnavailable()
    const partition = set.spec?.updateStrategy?.rollingUpdate?.partition ?? 0
    const slots = this.#slots.slice(partition).reverse()
    let budget = max - slots.filter((pod) => !pod || !this.#isHealthy(pod)).length
    for (const pod of slots) {
      if (!pod) {
        if (max <= 1) return
        continue
      }
      const isOutdated = pod.metadata.labels?.[revisionLabel] !== update.name && !isPodTerminating(pod)
      const isHealthy = this.#isHealthy(pod)
      if (isOutdated && (max <= 1 || !isHealthy || budget > 0)) {
        this.actions.push({ type: 'delete', pod })
        if (isHealthy) budget--
      }
      // One at a time: the one just deleted, or the one that is not well yet, is awaited.
      if (max <= 1 && (isOutdated || !isHealthy)) return
    }
  }

  /** Below the partition new pods still get the old template. */
  #isKeptBack(ordinal: number): boolean {
    const { type = 'RollingUpdate', rollingUpdate } = this.#observed.set.spec?.updateStrategy ?? {}
    return type === 'RollingUpdate' && ordinal < this.#start + (rollingUpdate?.partition ?? 0)
  }

  #maxUnavailable(): number {
    const value = this.#observed.set.spec?.updateStrategy?.rollingUpdate?.maxUnavailable ?? 1
    const count = typeof value === 'number' ? value : Math.floor((Number.parseInt(value, 10) * this.#slots.length) / 100)
    return Math.max(1, count)
  }

  /** Running, ready for minReadySeconds, and not on its way out. */
  #isHealthy(pod: Pod): boolean {
    if (isPodTerminating(pod) || !isRunningAndReady(pod)) return false
    return isPodAvailable(pod, this.#observed.set.spec?.minReadySeconds ?? 0, this.#nowMs)
  }
}

/** The status for the pods that are there; undefined: what is stored is right. */
export function planStatus(
  { set, current, update, pods, condition }: Observed & { readonly condition?: StatefulSetCondition },
  nowMs: number,
): StatefulSetStatus | undefined {
  const minReadySeconds = set.spec?.minReadySeconds ?? 0
  const live = pods.filter((pod) => ordinalOf(set, pod) !== undefined)
  const ready = live.filter(isRunningAndReady)
  const ofRevision = (name: string) => live.filter((pod) => !isPodTerminating(pod) && pod.metadata.labels?.[revisionLabel] === name).length
  const updated = ofRevision(update.name)
  const isRolledOut = updated === live.length && ready.length === live.length && updated === (set.spec?.replicas ?? 1)
  // Who replaces pods by hand never hears that an update is over: the revision that was is kept to go back to.
  const isComplete = isRolledOut && set.spec?.updateStrategy?.type !== 'OnDelete'
  const status: StatefulSetStatus = {
    ...set.status,
    observedGeneration: set.metadata.generation ?? 0,
    replicas: live.length,
    readyReplicas: ready.length,
    availableReplicas: ready.filter((pod) => podAvailableInMs(pod, minReadySeconds, nowMs) === 0).length,
    currentRevision: isComplete ? update.name : current.name,
    currentReplicas: isComplete ? updated : ofRevision(current.name),
    updateRevision: update.name,
    updatedReplicas: updated,
    collisionCount: set.status?.collisionCount ?? 0,
  }
  if (condition) status.conditions = [...(set.status?.conditions ?? []).filter(({ type }) => type !== condition.type), condition]
  for (const field of ['readyReplicas', 'currentReplicas', 'updatedReplicas'] as const) if (status[field] === 0) delete status[field]
  return deepEqual(status, set.status) ? undefined : status
}
