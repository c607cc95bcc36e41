/**
 * What a Deployment does next: (deployment, its ReplicaSets, whether old pods still run, now) → actions.
 *  1. Never more pods than replicas + maxSurge, never fewer available ones than replicas − maxUnavailable, as far as it depends on us.
 *  2. One step at a time: what a step does to the pods is awaited before the next.
 *  3. A template that was seen before gets its ReplicaSet back, with the highest revision: that is a rollback.
 * https://kubernetes.io/docs/concepts/workloads/controllers/deployment/
 */
import type { Deployment, DeploymentStatus, ReplicaSet } from '../../kinds/generated/types/apps-v1.ts'
import { type Bounds, boundsOf, specReplicas, sum } from './bounds.ts'
import {
  annotationsEqual,
  desiredReplicasAnnotation,
  newestAnnotations,
  replicasAnnotations,
  revisionAnnotation,
  revisionOf,
} from './replica-set-annotations.ts'
import { scaleProportionally } from './scale-proportionally.ts'
import { planStatus } from './status.ts'
import { findByTemplate, templateHash, templateHashLabel } from '../../control/template-hash.ts'

export type Observed = {
  readonly deployment: Deployment
  /** The Deployment's own ReplicaSets, in any order. */
  readonly replicaSets: readonly ReplicaSet[]
  /** Whether a pod of this ReplicaSet has not ended yet (Recreate waits for the old ones). */
  readonly hasRunningPods: (set: ReplicaSet) => boolean
}

export type Action =
  | { readonly type: 'create-replica-set'; readonly set: ReplicaSet }
  /** Replaces spec.replicas, spec.minReadySeconds and the annotations. */
  | { readonly type: 'update-replica-set'; readonly set: ReplicaSet; readonly from: number; readonly to: number }
  | { readonly type: 'delete-replica-set'; readonly set: ReplicaSet }
  /** `revision`: of the newest ReplicaSet, where the Deployment does not carry it yet. */
  | { readonly type: 'update-status'; readonly status: DeploymentStatus; readonly revision?: string }
  | { readonly type: 'event'; readonly event: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string } }

export type Plan = { readonly actions: readonly Action[]; readonly requeueAfterMs: number | undefined }

export function planDeployment(observed: Observed, nowMs: number): Plan {
  const { deployment } = observed
  if (isSelectingAll(deployment)) return planSelectingAll(deployment)
  const rollout = new Rollout(observed)
  if (deployment.metadata.deletionTimestamp) rollout.refreshNewest()
  else if (deployment.spec?.paused || rollout.isScaled) rollout.scale()
  else if (deployment.spec?.strategy?.type === 'Recreate') rollout.recreate()
  else rollout.roll()
  const { status, requeueAfterMs } = planStatus({ deployment, newest: rollout.newest, sets: rollout.all, isNew: rollout.isNew }, nowMs)
  const actions: Action[] = [...rollout.actions]
  const revision = rollout.newest?.metadata.annotations?.[revisionAnnotation]
  if (revision !== undefined && deployment.metadata.annotations?.[revisionAnnotation] !== revision)
    actions.push({ type: 'update-status', status: status ?? deployment.status ?? {}, revision })
  else if (status) actions.push({ type: 'update-status', status })
  return { actions, requeueAfterMs }
}

function isSelectingAll(deployment: Deployment): boolean {
  const { matchLabels = {}, matchExpressions = [] } = deployment.spec?.selector ?? {}
  return Object.keys(matchLabels).length + matchExpressions.length === 0
}

function planSelectingAll(deployment: Deployment): Plan {
  const message = 'This deployment is selecting all pods. A non-empty selector is required.'
  const actions: Action[] = [{ type: 'event', event: { type: 'Warning', reason: 'SelectingAll', message } }]
  const { generation = 0 } = deployment.metadata
  if ((deployment.status?.observedGeneration ?? 0) < generation)
    actions.push({ type: 'update-status', status: { ...deployment.status, observedGeneration: generation } })
  return { actions, requeueAfterMs: undefined }
}

const byAge = (a: ReplicaSet, b: ReplicaSet) =>
  (a.metadata.creationTimestamp ?? '').localeCompare(b.metadata.creationTimestamp ?? '') ||
  (a.metadata.name ?? '').localeCompare(b.metadata.name ?? '')

/** The ReplicaSets as they will be after the actions gathered so far. */
class Rollout {
  readonly actions: Action[] = []
  readonly #deployment: Deployment
  readonly #bounds: Bounds
  readonly #observed: Observed
  newest: ReplicaSet | undefined
  /** Oldest first, without the newest. */
  #old: ReplicaSet[]
  /** The newest was made by this plan. */
  isNew = false

  constructor(observed: Observed) {
    this.#observed = observed
    this.#deployment = observed.deployment
    this.#bounds = boundsOf(observed.deployment)
    const oldestFirst = [...observed.replicaSets].sort(byAge)
    const template = observed.deployment.spec?.template
    this.newest = template && findByTemplate(template, oldestFirst)
    this.#old = oldestFirst.filter((set) => set !== this.newest)
  }

  get all(): readonly ReplicaSet[] {
    return this.newest ? [...this.#old, this.newest] : this.#old
  }

  /** The number asked for has changed since the ReplicaSets were last sized. */
  get isScaled(): boolean {
    return this.all.some(
      (set) =>
        specReplicas(set) > 0 &&
        Number(set.metadata.annotations?.[desiredReplicasAnnotation] ?? this.#bounds.replicas) !== this.#bounds.replicas,
    )
  }

  /** Spreads a new number over the ReplicaSets in proportion, without going on with a rollout. */
  scale(): void {
    this.refreshNewest()
    const active = this.all.filter((set) => specReplicas(set) > 0)
    const only = active.length === 0 ? (this.newest ?? this.#old.at(-1)) : active.length === 1 ? active[0] : undefined
    if (only) this.#fit(only)
    else if (this.#isSaturated()) for (const set of this.#old) this.#resize(set, 0)
    else if (this.#deployment.spec?.strategy?.type !== 'Recreate') {
      const sizes = scaleProportionally(active, this.#bounds, this.#deployment.status?.replicas ?? 0)
      for (const [set, size] of sizes) this.#resize(set, size)
    }
    if (this.#deployment.spec?.paused) this.#cleanUp()
  }

  /** One that has the right size is left as it is, though it may say of an earlier strategy how far it may grow. */
  #fit(set: ReplicaSet): void {
    if (specReplicas(set) !== this.#bounds.replicas || this.isScaled) this.#resize(set, this.#bounds.replicas)
  }

  recreate(): void {
    this.refreshNewest()
    const isScaledDown = this.#old.filter((set) => specReplicas(set) > 0)
    for (const set of isScaledDown) this.#resize(set, 0)
    if (isScaledDown.length > 0 || this.#old.some((set) => (set.status?.replicas ?? 0) > 0 || this.#observed.hasRunningPods(set))) return
    this.#ensureNewest()
    if (this.newest) this.#fit(this.newest)
    if (this.#isComplete()) this.#cleanUp()
  }

  roll(): void {
    this.#ensureNewest()
    if (this.#growNewest()) return
    if (this.#shrinkOld()) return
    if (this.#isComplete()) this.#cleanUp()
  }

  #isSaturated(): boolean {
    const { replicas } = this.#bounds
    const set = this.newest
    return (
      set !== undefined &&
      specReplicas(set) === replicas &&
      Number(set.metadata.annotations?.[desiredReplicasAnnotation]) === replicas &&
      (set.status?.availableReplicas ?? 0) === replicas
    )
  }

  #isComplete(): boolean {
    const { replicas } = this.#bounds
    const { updatedReplicas = 0, replicas: total = 0, availableReplicas = 0, observedGeneration = 0 } = this.#deployment.status ?? {}
    return (
      updatedReplicas === replicas &&
      total === replicas &&
      availableReplicas === replicas &&
      observedGeneration >= (this.#deployment.metadata.generation ?? 0)
    )
  }

  #nextRevision(): bigint {
    return this.#old.map(revisionOf).reduce((max, revision) => (revision > max ? revision : max), 0n) + 1n
  }

  /** Brings annotations and minReadySeconds of the ReplicaSet with the present template up to date. */
  refreshNewest(): void {
    const set = this.newest
    if (!set) return
    const annotations = newestAnnotations(this.#deployment, set.metadata.annotations ?? {}, this.#nextRevision())
    const minReadySeconds = this.#deployment.spec?.minReadySeconds ?? 0
    if (annotationsEqual(annotations, set.metadata.annotations ?? {}) && (set.spec?.minReadySeconds ?? 0) === minReadySeconds) return
    const { minReadySeconds: _, ...others } = set.spec!
    const spec = { ...others, ...(minReadySeconds ? { minReadySeconds } : {}) }
    this.#replace(set, { ...set, metadata: { ...set.metadata, annotations }, spec }, specReplicas(set))
  }

  #ensureNewest(): void {
    if (this.newest) return this.refreshNewest()
    const set = newReplicaSet(this.#deployment, this.#bounds, this.#nextRevision(), sum(this.#old, specReplicas))
    this.newest = set
    this.isNew = true
    this.actions.push({ type: 'create-replica-set', set })
    if (specReplicas(set) > 0) this.actions.push(scalingEvent(set, 0, specReplicas(set)))
  }

  #growNewest(): boolean {
    const set = this.newest
    if (!set || this.isNew) return this.isNew
    const size = newestSize(this.#deployment, this.#bounds, specReplicas(set), sum(this.all, specReplicas))
    if (size === specReplicas(set)) return false
    this.#resize(set, size)
    return true
  }

  /** Unhealthy old pods go first, for nobody misses them; then as many healthy ones as availability allows. */
  #shrinkOld(): boolean {
    const { replicas, maxUnavailable } = this.#bounds
    const set = this.newest
    if (!set || sum(this.#old, specReplicas) === 0) return false
    const minAvailable = replicas - maxUnavailable
    const newestUnavailable = specReplicas(set) - (set.status?.availableReplicas ?? 0)
    const removable = sum(this.all, specReplicas) - minAvailable - newestUnavailable
    if (removable <= 0) return false
    const before = this.actions.length
    let left = removable
    for (const old of [...this.#old]) {
      const count = Math.min(left, Math.max(0, specReplicas(old) - (old.status?.availableReplicas ?? 0)))
      if (count > 0) this.#resize(old, specReplicas(old) - count)
      left -= count
    }
    // A set whose status is behind its spec cannot have more available pods than it asks for.
    let healthyLeft = sum(this.all, (other) => Math.min(other.status?.availableReplicas ?? 0, specReplicas(other))) - minAvailable
    for (const old of [...this.#old]) {
      const count = Math.min(Math.max(0, healthyLeft), specReplicas(old))
      if (count > 0) this.#resize(old, specReplicas(old) - count)
      healthyLeft -= count
    }
    return this.actions.length > before
  }

  /** Keeps revisionHistoryLimit empty old ReplicaSets, the newest revisions. */
  #cleanUp(): void {
    const limit = this.#deployment.spec?.revisionHistoryLimit ?? 10
    const alive = this.#old
      .filter((set) => !set.metadata.deletionTimestamp)
      .sort((a, b) => Number(revisionOf(a) - revisionOf(b)) || byAge(a, b))
    for (const set of alive.slice(0, Math.max(0, alive.length - limit))) {
      const isEmpty = (set.status?.replicas ?? 0) === 0 && specReplicas(set) === 0
      if (isEmpty && (set.metadata.generation ?? 0) <= (set.status?.observedGeneration ?? 0))
        this.actions.push({ type: 'delete-replica-set', set })
    }
  }

  #resize(set: ReplicaSet, size: number): void {
    const wanted = {
      ...set.metadata.annotations,
      ...replicasAnnotations(this.#bounds.replicas, this.#bounds.replicas + this.#bounds.maxSurge),
    }
    const from = specReplicas(set)
    if (from === size && annotationsEqual(wanted, set.metadata.annotations ?? {})) return
    this.#replace(set, { ...set, metadata: { ...set.metadata, annotations: wanted }, spec: { ...set.spec!, replicas: size } }, from)
    if (from !== size) this.actions.push(scalingEvent(set, from, size))
  }

  /** One write a ReplicaSet, however many steps change it. */
  #replace(set: ReplicaSet, changed: ReplicaSet, from: number): void {
    const earlier = this.actions.findIndex(
      (action) => action.type === 'update-replica-set' && action.set.metadata.name === set.metadata.name,
    )
    const action: Action = { type: 'update-replica-set', set: changed, from, to: specReplicas(changed) }
    if (earlier >= 0) this.actions[earlier] = { ...action, from: (this.actions[earlier] as { from: number }).from }
    else if (this.isNew && set === this.newest)
      this.actions[this.actions.findIndex((a) => a.type === 'create-replica-set')] = { type: 'create-replica-set', set: changed }
    else this.actions.push(action)
    if (set === this.newest) this.newest = changed
    else this.#old = this.#old.map((old) => (old === set ? changed : old))
  }
}

function scalingEvent(set: ReplicaSet, from: number, to: number): Action {
  const message = `Scaled ${to > from ? 'up' : 'down'} replica set ${set.metadata.name} from ${from} to ${to}`
  return { type: 'event', event: { type: 'Normal', reason: 'ScalingReplicaSet', message } }
}

/** How large the newest ReplicaSet may be now. */
function newestSize(deployment: Deployment, bounds: Bounds, current: number, total: number): number {
  if (deployment.spec?.strategy?.type === 'Recreate') return bounds.replicas
  if (current > bounds.replicas) return bounds.replicas
  const room = bounds.replicas + bounds.maxSurge - total
  return room <= 0 ? current : current + Math.min(room, bounds.replicas - current)
}

function newReplicaSet(deployment: Deployment, bounds: Bounds, revision: bigint, oldTotal: number): ReplicaSet {
  const spec = deployment.spec!
  const { name = '', namespace } = deployment.metadata
  const hash = templateHash(spec.template, deployment.status?.collisionCount ?? 0)
  const labels = { ...spec.template.metadata?.labels, [templateHashLabel]: hash }
  const replicas = newestSize(deployment, bounds, 0, oldTotal)
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace ? { namespace } : {}),
      labels,
      annotations: {
        ...newestAnnotations(deployment, {}, revision),
        ...replicasAnnotations(bounds.replicas, bounds.replicas + bounds.maxSurge),
      },
    },
    spec: {
      replicas,
      ...(spec.minReadySeconds ? { minReadySeconds: spec.minReadySeconds } : {}),
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [templateHashLabel]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  }
}
