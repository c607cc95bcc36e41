/**
 * How many replicas a metric asks for: pure arithmetic, upstream's to the digit
 * (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details). Values are in thousandths.
 */
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { AutoscalingSettings } from '../settings.ts'
import { isSidecar } from '../../kinds/pod-requests.ts'
import { isPodReady, podCondition } from '../../kinds/pod-status.ts'
import { quantityMilli } from '../../machinery/quantity.ts'

export type PodMetric = { readonly milli: number; readonly atMs: number; readonly windowMs: number }
/** By name of the pod. */
export type PodMetrics = ReadonlyMap<string, PodMetric>

/** How far the ratio may be from one without a change: below it (`down`) and above it (`up`). */
export type Tolerance = { readonly up: number; readonly down: number }

export type Proposal = { readonly replicas: number; readonly averageMilli: number; readonly utilizationPercent?: number }
export type Failure = { readonly error: string }

/** How long a pod's cpu says nothing because it starts. */
export type Starting = Pick<AutoscalingSettings, 'startupMs' | 'firstReadinessMs'>

const defaultStartupMs = 5 * 60_000
const defaultFirstReadinessMs = 30_000

export type PodsObserved = {
  readonly pods: readonly Pod[]
  readonly metrics: PodMetrics
  /** `cpu` has rules of its own for pods that start; empty for custom metrics. */
  readonly resource: string
  readonly currentReplicas: number
  readonly tolerance: Tolerance
  readonly starting?: Starting
}

const noPods: Failure = { error: 'no pods returned by selector while calculating replica count' }
const noMetrics: Failure = { error: 'did not receive metrics for targeted pods (pods might be unready)' }

/** Towards an average share (percent) of what the pods request. `container`: of that container alone. */
export function utilizationReplicas(
  observed: PodsObserved & { readonly targetPercent: number; readonly container?: string | undefined },
  nowMs: number,
): Proposal | Failure {
  const { pods, resource, targetPercent, container } = observed
  if (pods.length === 0) return noPods
  const groups = groupPods(observed, nowMs)
  if (groups.metrics.size === 0) return noMetrics
  const requests = requestsOf(pods, resource, container)
  if ('error' in requests) return requests
  const share = (metrics: PodMetrics) => utilizationOf(metrics, requests.byPod)
  const found = share(groups.metrics)
  if (!found) return { error: 'no metrics returned matched known pods' }
  const ratioOf = (metrics: PodMetrics) => (share(metrics)?.percent ?? 0) / targetPercent
  const assumed = (name: string) => requests.byPod.get(name) ?? 0
  const replicas = replicasFor(observed, groups, { ratioOf, assumed, keepsDirection: true })
  return { replicas, averageMilli: found.averageMilli, utilizationPercent: found.percent }
}

/** Towards an average value a pod. */
export function averageReplicas(observed: PodsObserved & { readonly targetMilli: number }, nowMs: number): Proposal | Failure {
  const { pods, targetMilli } = observed
  if (pods.length === 0) return noPods
  const groups = groupPods(observed, nowMs)
  if (groups.metrics.size === 0) return noMetrics
  const ratioOf = (metrics: PodMetrics) => averageOf(metrics) / targetMilli
  const replicas = replicasFor(observed, groups, { ratioOf, assumed: () => targetMilli, keepsDirection: false })
  return { replicas, averageMilli: averageOf(groups.metrics) }
}

/** Towards one value for all: the ready pods times the ratio. From no replicas at all the ratio itself is the number. */
export function valueReplicas(
  observed: Pick<PodsObserved, 'pods' | 'currentReplicas' | 'tolerance'> & { readonly valueMilli: number; readonly targetMilli: number },
): Proposal | Failure {
  const { pods, currentReplicas, tolerance, valueMilli, targetMilli } = observed
  const ratio = valueMilli / targetMilli
  if (currentReplicas === 0) return { replicas: Math.ceil(ratio), averageMilli: valueMilli }
  if (isWithin(ratio, tolerance)) return { replicas: currentReplicas, averageMilli: valueMilli }
  if (pods.length === 0) return { error: `unable to calculate ready pods: ${noPods.error}` }
  const ready = pods.filter((pod) => pod.status?.phase === 'Running' && isPodReady(pod)).length
  return { replicas: Math.ceil(ratio * ready), averageMilli: valueMilli }
}

/** Towards a share of one value for each replica that there is. */
export function perReplicaReplicas(observed: {
  readonly statusReplicas: number
  readonly tolerance: Tolerance
  readonly valueMilli: number
  readonly targetMilli: number
}): Proposal {
  const { statusReplicas, tolerance, valueMilli, targetMilli } = observed
  const ratio = valueMilli / (targetMilli * statusReplicas)
  const replicas = isWithin(ratio, tolerance) ? statusReplicas : Math.ceil(valueMilli / targetMilli)
  return { replicas, averageMilli: statusReplicas === 0 ? 0 : Math.ceil(valueMilli / statusReplicas) }
}

function isWithin(ratio: number, { up, down }: Tolerance): boolean {
  return ratio >= 1 - down && ratio <= 1 + up
}

type Groups = {
  readonly ready: number
  readonly unready: readonly string[]
  readonly missing: readonly string[]
  /** Without those of pods that do not count. */
  readonly metrics: PodMetrics
}

/** Who counts: failed and ending pods do not, those that have not started are unready, and those without a figure are missing. */
export function groupPods(
  { pods, metrics, resource, starting = {} }: Pick<PodsObserved, 'pods' | 'metrics' | 'resource' | 'starting'>,
  nowMs: number,
): Groups {
  const unready: string[] = []
  const missing: string[] = []
  const counted = new Map<string, PodMetric>(metrics)
  let ready = 0
  for (const pod of pods) {
    const { name = '', deletionTimestamp } = pod.metadata
    const metric = metrics.get(name)
    if (deletionTimestamp || pod.status?.phase === 'Failed') counted.delete(name)
    else if (pod.status?.phase === 'Pending') unready.push(name)
    else if (!metric) missing.push(name)
    else if (resource === 'cpu' && isStarting(pod, metric, nowMs, starting)) unready.push(name)
    else ready++
  }
  for (const name of unready) counted.delete(name)
  return { ready, unready, missing, metrics: counted }
}

function isStarting(pod: Pod, metric: PodMetric, nowMs: number, starting: Starting): boolean {
  const { startupMs = defaultStartupMs, firstReadinessMs = defaultFirstReadinessMs } = starting
  const condition = podCondition(pod, 'Ready')
  const { startTime } = pod.status ?? {}
  if (!condition || !startTime) return true
  const startMs = Date.parse(startTime)
  const changedMs = Date.parse(condition.lastTransitionTime ?? '') || 0
  const isUnready = condition.status === 'False'
  if (startMs + startupMs > nowMs) return isUnready || metric.atMs < changedMs + metric.windowMs
  return isUnready && startMs + firstReadinessMs > changedMs
}

type Rule = {
  readonly ratioOf: (metrics: PodMetrics) => number
  /** What a pod without a figure is taken for when there are too many. */
  readonly assumed: (name: string) => number
  /** A utilisation never proposes a change against its own direction. */
  readonly keepsDirection: boolean
}

/** Pods that tell nothing damp the change: taken for idle when more are wanted, for fully used when fewer are. */
function replicasFor({ currentReplicas, tolerance }: PodsObserved, groups: Groups, { ratioOf, assumed, keepsDirection }: Rule): number {
  const { ready, unready, missing, metrics } = groups
  const ratio = ratioOf(metrics)
  const countsUnready = unready.length > 0 && ratio > 1
  if (!countsUnready && missing.length === 0) return isWithin(ratio, tolerance) ? currentReplicas : Math.ceil(ratio * ready)
  const all = new Map(metrics)
  const add = (name: string, milli: number) => all.set(name, { milli, atMs: 0, windowMs: 0 })
  if (ratio !== 1) for (const name of missing) add(name, ratio < 1 ? assumed(name) : 0)
  if (countsUnready) for (const name of unready) add(name, 0)
  const damped = ratioOf(all)
  if (isWithin(damped, tolerance) || (ratio < 1 && damped > 1) || (ratio > 1 && damped < 1)) return currentReplicas
  const replicas = Math.ceil(damped * all.size)
  const isAgainst = (damped < 1 && replicas > currentReplicas) || (damped > 1 && replicas < currentReplicas)
  return keepsDirection && isAgainst ? currentReplicas : replicas
}

function averageOf(metrics: PodMetrics): number {
  let total = 0
  for (const { milli } of metrics.values()) total += milli
  return Math.trunc(total / metrics.size)
}

function utilizationOf(metrics: PodMetrics, requests: ReadonlyMap<string, number>): { percent: number; averageMilli: number } | undefined {
  let used = 0
  let requested = 0
  let count = 0
  for (const [name, { milli }] of metrics) {
    const request = requests.get(name)
    if (request === undefined) continue
    used += milli
    requested += request
    count++
  }
  return requested === 0 ? undefined : { percent: Math.trunc((used * 100) / requested), averageMilli: Math.trunc(used / count) }
}

function requestsOf(pods: readonly Pod[], resource: string, container: string | undefined): { byPod: Map<string, number> } | Failure {
  const byPod = new Map<string, number>()
  for (const pod of pods) {
    const { name = '' } = pod.metadata
    const ofPod = container === undefined ? pod.spec?.resources?.requests?.[resource] : undefined
    if (ofPod !== undefined) {
      byPod.set(name, quantityMilli(ofPod))
      continue
    }
    let total = 0
    const { containers = [], initContainers = [] } = pod.spec ?? {}
    for (const one of [...containers, ...initContainers.filter(isSidecar)]) {
      if (container !== undefined && one.name !== container) continue
      const request = one.resources?.requests?.[resource]
      if (request === undefined) return { error: `missing request for ${resource} in container ${one.name} of Pod ${name}` }
      total += quantityMilli(request)
    }
    byPod.set(name, total)
  }
  return { byPod }
}
