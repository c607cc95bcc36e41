/**
 * From what the metrics ask for to what is done at once: recent recommendations steady it, policies bound its pace, minimum and maximum
 * bound it altogether (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#configurable-scaling-behavior). Pure.
 */
import { unreachable } from '../../base/assert.ts'
import type { HorizontalPodAutoscalerBehavior, HPAScalingRules } from '../../kinds/generated/types/autoscaling-v2.ts'

/** What is remembered of one autoscaler, the oldest first. It is lost with the process, and the next begins afresh. */
export type Memory = {
  readonly recommendations: readonly { readonly replicas: number; readonly atMs: number }[]
  readonly changes: readonly { readonly by: number; readonly atMs: number }[]
}

export const noMemory: Memory = { recommendations: [], changes: [] }

export type Bounds = {
  readonly current: number
  readonly wanted: number
  readonly min: number
  readonly max: number
  /** Where the autoscaler does not say; default 5 min. */
  readonly downscaleWindowMs?: number
}

export type Verdict = { readonly status: 'True' | 'False'; readonly reason: string; readonly message: string }

export type Normalised = {
  readonly replicas: number
  readonly ableToScale: Verdict
  readonly scalingLimited: Verdict
  readonly memory: Memory
}

/** Without a behavior of its own an autoscaler waits so long before it goes down. */
const defaultDownscaleWindowMs = 5 * 60_000
const rememberedMax = 1_000

export function normalise(
  behavior: HorizontalPodAutoscalerBehavior | undefined,
  bounds: Bounds,
  memory: Memory,
  nowMs: number,
): Normalised {
  const stable = stabilise(behavior, bounds, memory, nowMs)
  const isStable = stable.replicas === bounds.wanted
  const limited = behavior
    ? limitByPolicies(behavior, { ...bounds, wanted: stable.replicas }, memory, nowMs)
    : limitByDefault({ ...bounds, wanted: stable.replicas })
  return {
    replicas: limited.replicas,
    ableToScale: isStable
      ? { status: 'True', reason: 'ReadyForNewScale', message: 'recommended size matches current size' }
      : { status: 'True', ...stabilised[stable.direction] },
    scalingLimited: {
      status: limited.replicas === stable.replicas ? 'False' : 'True',
      reason: limited.reason,
      message: limits[limited.reason],
    },
    memory: remember(windowsOf(behavior, bounds), behavior, memory, { replicas: bounds.wanted, atMs: nowMs }),
  }
}

/** After a change of the replicas: policies count it. */
export function rememberChange(memory: Memory, by: number, nowMs: number): Memory {
  return { ...memory, changes: [...memory.changes, { by, atMs: nowMs }].slice(-rememberedMax) }
}

const stabilised = {
  up: {
    reason: 'ScaleUpStabilized',
    message: 'recent recommendations were lower than current one, applying the lowest recent recommendation',
  },
  down: {
    reason: 'ScaleDownStabilized',
    message: 'recent recommendations were higher than current one, applying the highest recent recommendation',
  },
} as const

const limits = {
  DesiredWithinRange: 'the desired count is within the acceptable range',
  ScaleUpLimit: 'the desired replica count is increasing faster than the maximum scale rate',
  ScaleDownLimit: 'the desired replica count is decreasing faster than the maximum scale rate',
  TooManyReplicas: 'the desired replica count is more than the maximum replica count',
  TooFewReplicas: 'the desired replica count is less than the minimum replica count',
} as const

type Limited = { readonly replicas: number; readonly reason: keyof typeof limits }

/** Up only as far as the lowest recommendation of the window, down only as far as the highest. */
function stabilise(
  behavior: HorizontalPodAutoscalerBehavior | undefined,
  bounds: Bounds,
  { recommendations }: Memory,
  nowMs: number,
): { readonly replicas: number; readonly direction: 'up' | 'down' } {
  const since = (windowMs: number) => recommendations.filter(({ atMs }) => atMs > nowMs - windowMs).map(({ replicas }) => replicas)
  const { current, wanted } = bounds
  const { upMs, downMs } = windowsOf(behavior, bounds)
  const highest = Math.max(wanted, ...since(downMs))
  if (!behavior) return { replicas: highest, direction: 'down' }
  const lowest = Math.min(wanted, ...since(upMs))
  const direction = wanted >= current ? 'up' : 'down'
  return { replicas: Math.min(Math.max(current, lowest), highest), direction }
}

type Windows = { readonly upMs: number; readonly downMs: number }

function windowsOf(
  behavior: HorizontalPodAutoscalerBehavior | undefined,
  { downscaleWindowMs = defaultDownscaleWindowMs }: Bounds,
): Windows {
  const { scaleUp, scaleDown } = behavior ?? {}
  return {
    upMs: (scaleUp?.stabilizationWindowSeconds ?? 0) * 1000,
    downMs: scaleDown?.stabilizationWindowSeconds === undefined ? downscaleWindowMs : scaleDown.stabilizationWindowSeconds * 1000,
  }
}

function limitByDefault({ current, wanted, min, max }: Bounds): Limited {
  const pace = Math.max(2 * current, 4)
  if (wanted < min) return { replicas: min, reason: 'TooFewReplicas' }
  if (wanted > Math.min(max, pace))
    return max > pace ? { replicas: pace, reason: 'ScaleUpLimit' } : { replicas: max, reason: 'TooManyReplicas' }
  return { replicas: wanted, reason: 'DesiredWithinRange' }
}

function limitByPolicies(
  { scaleUp, scaleDown }: HorizontalPodAutoscalerBehavior,
  { current, wanted, min, max }: Bounds,
  { changes }: Memory,
  nowMs: number,
): Limited {
  const netSince = (seconds: number) => changes.filter(({ atMs }) => atMs > nowMs - seconds * 1000).reduce((total, { by }) => total + by, 0)
  const startOf = (seconds: number) => current - netSince(seconds)
  if (wanted > current) {
    const pace = Math.max(current, furthest(scaleUp, 'up', current, startOf))
    if (wanted > Math.min(max, pace))
      return max > pace ? { replicas: pace, reason: 'ScaleUpLimit' } : { replicas: max, reason: 'TooManyReplicas' }
  } else if (wanted < current) {
    const pace = Math.min(current, furthest(scaleDown, 'down', current, startOf))
    if (wanted < Math.max(min, pace))
      return min < pace ? { replicas: pace, reason: 'ScaleDownLimit' } : { replicas: min, reason: 'TooFewReplicas' }
  }
  return { replicas: wanted, reason: 'DesiredWithinRange' }
}

/** How far the policies let it go, each from the size at the start of its period; the one of them that `selectPolicy` chooses. */
function furthest(
  rules: HPAScalingRules | undefined,
  direction: 'up' | 'down',
  current: number,
  startOf: (periodSeconds: number) => number,
): number {
  if (rules?.selectPolicy === 'Disabled') return current
  const sizes = (rules?.policies ?? []).map(({ type, value, periodSeconds }) => {
    const start = startOf(periodSeconds)
    const isPods = type === 'Pods'
    switch (direction) {
      case 'up':
        return isPods ? start + value : Math.ceil(start * (1 + value / 100))
      case 'down':
        return isPods ? start - value : Math.trunc(start * (1 - value / 100))
      default:
        return unreachable(direction)
    }
  })
  // The largest change is the highest size on the way up and the lowest on the way down.
  const isHighest = (direction === 'up') === (rules?.selectPolicy !== 'Min')
  return isHighest ? Math.max(0, ...sizes) : Math.min(Number.MAX_SAFE_INTEGER, ...sizes)
}

function remember(
  { upMs, downMs }: Windows,
  behavior: HorizontalPodAutoscalerBehavior | undefined,
  { recommendations, changes }: Memory,
  newest: Memory['recommendations'][number],
): Memory {
  const windowMs = Math.max(upMs, downMs)
  const policies = [...(behavior?.scaleUp?.policies ?? []), ...(behavior?.scaleDown?.policies ?? [])]
  const periodMs = Math.max(0, ...policies.map(({ periodSeconds }) => periodSeconds * 1000))
  return {
    recommendations: [...recommendations.filter(({ atMs }) => atMs > newest.atMs - windowMs), newest].slice(-rememberedMax),
    changes: changes.filter(({ atMs }) => atMs > newest.atMs - periodMs),
  }
}
