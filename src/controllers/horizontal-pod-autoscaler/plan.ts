import { toTime } from '../../base/clock.ts'
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
} from '../../kinds/generated/types/autoscaling-v2.ts'
import type { Measured } from './measure.ts'
import { type Memory, normalise, noMemory, type Verdict } from './stabilisation.ts'

type EventInput = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }

export type Observed = {
  readonly autoscaler: HorizontalPodAutoscaler
  readonly currentReplicas: number
  /** Undefined: nothing was measured, because the replicas are out of bounds or none are wanted. A failure: the pods are not known. */
  readonly metrics: readonly Measured[] | SelectorFailure | undefined
  readonly memory: Memory
  /** Where the autoscaler does not say; default 5 min. */
  readonly downscaleWindowMs?: number
}

export type SelectorFailure = { readonly reason: string; readonly message: string; readonly event: EventInput }

export type Plan = {
  readonly status: HorizontalPodAutoscalerStatus
  /** Undefined: the target is left as it is. */
  readonly rescale: { readonly replicas: number; readonly reason: string } | undefined
  readonly events: readonly EventInput[]
  readonly memory: Memory
}

export const minReplicasOf = ({ spec }: HorizontalPodAutoscaler) => spec.minReplicas ?? 1

/** Whether the metrics decide: not while the replicas are out of bounds, and not for a target that somebody set to none. */
export function needsMetrics(autoscaler: HorizontalPodAutoscaler, currentReplicas: number): boolean {
  const min = minReplicasOf(autoscaler)
  if (currentReplicas === 0 && min !== 0) return false
  return currentReplicas <= autoscaler.spec.maxReplicas && currentReplicas >= min
}

/** One look at an autoscaler whose target's scale could be read, with upstream's conditions, reasons and Events. */
export function planAutoscaler(observed: Observed, nowMs: number): Plan {
  const { autoscaler, currentReplicas, metrics } = observed
  const { maxReplicas } = autoscaler.spec
  const min = minReplicasOf(autoscaler)
  const start = observed.memory.recommendations.length > 0 ? observed.memory : firstMemory(currentReplicas, nowMs)
  const draft = new Draft(autoscaler, nowMs)
  draft.set('AbleToScale', {
    status: 'True',
    reason: 'SucceededGetScale',
    message: "the HPA controller was able to get the target's current scale",
  })
  const kept = (events: readonly EventInput[] = []): Plan => ({
    status: draft.status({ currentReplicas, desiredReplicas: currentReplicas, currentMetrics: undefined }),
    rescale: undefined,
    events,
    memory: start,
  })
  if (currentReplicas === 0 && min !== 0) {
    const message = 'scaling is disabled since the replica count of the target is zero'
    draft.set('ScalingActive', { status: 'False', reason: 'ScalingDisabled', message })
    return kept()
  }
  if (currentReplicas > maxReplicas)
    return { ...kept(), rescale: { replicas: maxReplicas, reason: 'Current number of replicas above Spec.MaxReplicas' } }
  if (currentReplicas < min) return { ...kept(), rescale: { replicas: min, reason: 'Current number of replicas below Spec.MinReplicas' } }
  return planByMetrics({ ...observed, memory: start, metrics: metrics ?? [] }, draft, nowMs)
}

/** The target's scale could not be read, or not be written. */
export function planFailedScale(
  autoscaler: HorizontalPodAutoscaler,
  reason: 'FailedGetScale' | 'FailedUpdateScale',
  error: string,
  nowMs: number,
): HorizontalPodAutoscalerStatus {
  const draft = new Draft(autoscaler, nowMs)
  const what = reason === 'FailedGetScale' ? "get the target's current scale" : 'update the target scale'
  draft.set('AbleToScale', { status: 'False', reason, message: `the HPA controller was unable to ${what}: ${error}` })
  const { currentReplicas, desiredReplicas = 0, currentMetrics } = autoscaler.status ?? {}
  return draft.status({ currentReplicas, desiredReplicas, currentMetrics })
}

/** The status after the target was given its new number of replicas. */
export function rescaled(status: HorizontalPodAutoscalerStatus, replicas: number, nowMs: number): HorizontalPodAutoscalerStatus {
  const message = `the HPA controller was able to update the target scale to ${replicas}`
  const conditions = withCondition(status.conditions ?? [], 'AbleToScale', { status: 'True', reason: 'SucceededRescale', message }, nowMs)
  return { ...status, desiredReplicas: replicas, lastScaleTime: toTime(nowMs), conditions }
}

const firstMemory = (replicas: number, nowMs: number): Memory => ({ ...noMemory, recommendations: [{ replicas, atMs: nowMs }] })

type ByMetrics = Observed & { readonly metrics: NonNullable<Observed['metrics']> }

function planByMetrics(observed: ByMetrics, draft: Draft, nowMs: number): Plan {
  const { autoscaler, currentReplicas, memory } = observed
  const choice = choose(observed, draft)
  if (choice.replicas === undefined) {
    const failure: EventInput = { type: 'Warning', reason: 'FailedComputeMetricsReplicas', message: choice.error ?? '' }
    const { desiredReplicas = 0 } = autoscaler.status ?? {}
    const status = draft.status({ currentReplicas, desiredReplicas, currentMetrics: choice.statuses })
    return { status, rescale: undefined, events: [...choice.events, failure], memory }
  }
  const { downscaleWindowMs } = observed
  const bounds = {
    current: currentReplicas,
    wanted: choice.replicas,
    min: minReplicasOf(autoscaler),
    max: autoscaler.spec.maxReplicas,
    ...(downscaleWindowMs === undefined ? {} : { downscaleWindowMs }),
  }
  const found = normalise(autoscaler.spec.behavior, bounds, memory, nowMs)
  draft.set('AbleToScale', found.ableToScale)
  draft.set('ScalingLimited', found.scalingLimited)
  const { replicas } = found
  const status = draft.status({ currentReplicas, desiredReplicas: replicas, currentMetrics: choice.statuses })
  const reason =
    choice.replicas > currentReplicas ? `${choice.name} above target` : choice.replicas < currentReplicas ? 'All metrics below target' : ''
  return { status, rescale: replicas === currentReplicas ? undefined : { replicas, reason }, events: choice.events, memory: found.memory }
}

type Choice = {
  /** Undefined: the metrics do not tell. */
  readonly replicas: number | undefined
  readonly name: string
  readonly error: string | undefined
  readonly events: readonly EventInput[]
  readonly statuses: NonNullable<HorizontalPodAutoscalerStatus['currentMetrics']>
}

/** The metric that asks for most. One that fails counts as asking for no fewer than there are. */
function choose({ autoscaler, currentReplicas, metrics }: ByMetrics, draft: Draft): Choice {
  if ('event' in metrics) {
    draft.set('ScalingActive', { status: 'False', reason: metrics.reason, message: metrics.message })
    return { replicas: undefined, name: '', error: metrics.event.message, events: [metrics.event], statuses: [] }
  }
  const failed = metrics.filter((metric) => 'error' in metric)
  const found = metrics.filter((metric) => 'replicas' in metric)
  const [best] = [...found].sort((a, b) => b.replicas - a.replicas)
  const events = failed.map(({ reason, error }): EventInput => ({ type: 'Warning', reason, message: error }))
  // Each at the place of its metric: clients read them side by side.
  const statuses = metrics.map((metric) => ('status' in metric ? metric.status : { type: '' }))
  const [first] = failed
  const count = autoscaler.spec.metrics?.length ?? 0
  const error = first && `invalid metrics (${failed.length} invalid out of ${count}), first error is: ${first.summary}`
  if (!best || (first && best.replicas < currentReplicas)) {
    const message = `the HPA was unable to compute the replica count: ${first?.error ?? 'no metrics'}`
    draft.set('ScalingActive', { status: 'False', reason: first?.reason ?? 'InvalidMetricSourceType', message })
    return { replicas: undefined, name: '', error, events, statuses }
  }
  const message = `the HPA was able to successfully calculate a replica count from ${best.name}`
  draft.set('ScalingActive', { status: 'True', reason: 'ValidMetricFound', message })
  return { replicas: best.replicas, name: best.name, error, events, statuses }
}

/** A status on its way: conditions change their time only with their status. */
class Draft {
  readonly #autoscaler: HorizontalPodAutoscaler
  readonly #nowMs: number
  #conditions: readonly HorizontalPodAutoscalerCondition[]

  constructor(autoscaler: HorizontalPodAutoscaler, nowMs: number) {
    this.#autoscaler = autoscaler
    this.#nowMs = nowMs
    this.#conditions = autoscaler.status?.conditions ?? []
  }

  set(type: string, verdict: Verdict): void {
    this.#conditions = withCondition(this.#conditions, type, verdict, this.#nowMs)
  }

  status(figures: {
    readonly currentReplicas: number | undefined
    readonly desiredReplicas: number
    readonly currentMetrics: HorizontalPodAutoscalerStatus['currentMetrics']
  }): HorizontalPodAutoscalerStatus {
    const { lastScaleTime } = this.#autoscaler.status ?? {}
    const { currentReplicas, desiredReplicas, currentMetrics } = figures
    return {
      ...(currentReplicas ? { currentReplicas } : {}),
      desiredReplicas,
      ...(lastScaleTime ? { lastScaleTime } : {}),
      // As it is stored: a status of none that has another form would be written again and again.
      currentMetrics: currentMetrics?.length ? currentMetrics : null,
      conditions: [...this.#conditions],
    }
  }
}

function withCondition(
  conditions: readonly HorizontalPodAutoscalerCondition[],
  type: string,
  { status, reason, message }: Verdict,
  nowMs: number,
): HorizontalPodAutoscalerCondition[] {
  const old = conditions.find((condition) => condition.type === type)
  const lastTransitionTime = old?.status === status && old.lastTransitionTime ? old.lastTransitionTime : toTime(nowMs)
  const condition = { type, status, lastTransitionTime, reason, message }
  return old ? conditions.map((one) => (one === old ? condition : one)) : [...conditions, condition]
}
