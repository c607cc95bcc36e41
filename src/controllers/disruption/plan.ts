import { toTime } from '../../base/clock.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { Condition, LabelSelector } from '../../kinds/generated/types/meta-v1.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetStatus } from '../../kinds/generated/types/policy-v1.ts'
import { isPodReady, isPodTerminal } from '../../kinds/pod-status.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'

export type Observed = {
  readonly budget: PodDisruptionBudget
  /** The pods that the budget selects. */
  readonly pods: readonly Pod[]
  /** What the controllers of these pods want together; `unmanaged` pods have none. */
  readonly expectedByControllers: { readonly count: number; readonly unmanaged?: readonly string[] } | { readonly error: string }
}

export type Plan = {
  /** Undefined: what is stored is right. */
  readonly status: PodDisruptionBudgetStatus | undefined
  /** When the first eviction that was granted but not carried out is forgotten. */
  readonly requeueAfterMs: number | undefined
  readonly events: readonly BudgetEvent[]
  /** Pods whose eviction was granted and is not carried out. */
  readonly notDeleted: readonly Pod[]
}

export type BudgetEvent = { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string }

/** A granted eviction whose pod is still there after this time did not happen. */
const evictionTimeoutMs = 120_000

/** How many more pods may be evicted (https://kubernetes.io/docs/tasks/run-application/configure-pdb/). */
export function planBudget({ budget, pods, expectedByControllers }: Observed, nowMs: number): Plan {
  const expected = expectedCounts(budget, pods, expectedByControllers)
  const status = budget.status ?? {}
  if ('error' in expected) return failed({ budget, pods }, expected.error, nowMs)
  const granted = Object.entries(status.disruptedPods ?? {}).flatMap(([name, time]) => {
    const pod = pods.find((candidate) => candidate.metadata.name === name && !candidate.metadata.deletionTimestamp)
    return pod ? [{ pod, name, time, isLate: Date.parse(time) + evictionTimeoutMs <= nowMs }] : []
  })
  const disrupted = granted.filter(({ isLate }) => !isLate).map(({ name, time }) => [name, time] as const)
  const underEviction = new Set(disrupted.map(([name]) => name))
  const isHealthy = (pod: Pod) =>
    isPodReady(pod) && !isPodTerminal(pod) && !pod.metadata.deletionTimestamp && !underEviction.has(pod.metadata.name ?? '')
  const currentHealthy = pods.filter(isHealthy).length
  const disruptionsAllowed = expected.expectedPods <= 0 ? 0 : Math.max(0, currentHealthy - expected.desiredHealthy)
  const next: PodDisruptionBudgetStatus = {
    ...status,
    ...expected,
    currentHealthy,
    disruptionsAllowed,
    observedGeneration: budget.metadata.generation ?? 0,
    conditions: withCondition(
      budget,
      {
        status: disruptionsAllowed > 0 ? 'True' : 'False',
        reason: disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods',
        message: '',
        observedGeneration: budget.metadata.generation,
      },
      nowMs,
    ),
  }
  delete next.disruptedPods
  if (disrupted.length > 0) next.disruptedPods = Object.fromEntries(disrupted)
  const waits = disrupted.map(([, time]) => Date.parse(time) + evictionTimeoutMs - nowMs)
  return {
    status: deepEqual(next, budget.status) ? undefined : next,
    requeueAfterMs: waits.length > 0 ? Math.min(...waits) : undefined,
    events: [...toldOfPods(pods), ...toldOfUnmanaged(budget, expectedByControllers)],
    notDeleted: granted.filter(({ isLate }) => isLate).map(({ pod }) => pod),
  }
}

function toldOfPods(pods: readonly Pod[]): BudgetEvent[] {
  return pods.length > 0 ? [] : [{ type: 'Normal', reason: 'NoPods', message: 'No matching pods found' }]
}

function toldOfUnmanaged({ spec }: PodDisruptionBudget, controllers: Observed['expectedByControllers']): BudgetEvent[] {
  if ('error' in controllers || !controllers.unmanaged?.length) return []
  const message =
    `Pods selected by this PodDisruptionBudget (selector: ${goSelectorText(spec?.selector)}) were found to be unmanaged. ` +
    'As a result, the status of the PDB cannot be calculated correctly, which may result in undefined behavior. ' +
    'To account for these pods please set ".spec.minAvailable" field of the PDB to an integer value.'
  return [{ type: 'Warning', reason: 'UnmanagedPods', message }]
}

/** As Go prints a LabelSelector: upstream's message has it so. */
function goSelectorText({ matchLabels = {}, matchExpressions = [] }: LabelSelector = {}): string {
  const labels = Object.keys(matchLabels)
    .sort()
    .map((key) => `${key}: ${matchLabels[key]},`)
  const expressions = matchExpressions.map(
    ({ key, operator, values = [] }) => `LabelSelectorRequirement{Key:${key},Operator:${operator},Values:[${values.join(' ')}],},`,
  )
  const text = `MatchLabels:map[string]string{${labels.join('')}},MatchExpressions:[]LabelSelectorRequirement{${expressions.join('')}},`
  return `&LabelSelector{${text}}`
}

/** Whether it matters what the pods' controllers want: not for a plain number of pods that must be there. */
export function needsControllers({ spec }: PodDisruptionBudget): boolean {
  return spec?.maxUnavailable !== undefined || typeof spec?.minAvailable === 'string'
}

function expectedCounts(budget: PodDisruptionBudget, pods: readonly Pod[], controllers: Observed['expectedByControllers']) {
  const { minAvailable, maxUnavailable } = budget.spec ?? {}
  if (maxUnavailable !== undefined) {
    if ('error' in controllers) return controllers
    return { expectedPods: controllers.count, desiredHealthy: Math.max(0, controllers.count - share(maxUnavailable, controllers.count)) }
  }
  if (typeof minAvailable === 'string') {
    if ('error' in controllers) return controllers
    return { expectedPods: controllers.count, desiredHealthy: share(minAvailable, controllers.count) }
  }
  return { expectedPods: pods.length, desiredHealthy: minAvailable ?? 1 }
}

/** Percentages are rounded up. */
function share(value: number | string, of: number): number {
  return typeof value === 'number' ? value : Math.ceil((Number.parseInt(value, 10) * of) / 100)
}

function failed({ budget, pods }: Pick<Observed, 'budget' | 'pods'>, error: string, nowMs: number): Plan {
  // What was observed last stays: this look has found out nothing.
  const { observedGeneration } = budget.status ?? {}
  const conditions = withCondition(budget, { status: 'False', reason: 'SyncFailed', message: error, observedGeneration }, nowMs)
  const next = { ...budget.status, disruptionsAllowed: 0, conditions }
  const message = `Failed to calculate the number of expected pods: ${error}`
  return {
    status: deepEqual(next, budget.status) ? undefined : next,
    requeueAfterMs: undefined,
    events: [...toldOfPods(pods), { type: 'Warning', reason: 'CalculateExpectedPodCountFailed', message }],
    notDeleted: [],
  }
}

type Verdict = {
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
  readonly observedGeneration: number | undefined
}

function withCondition(budget: PodDisruptionBudget, { status, reason, message, observedGeneration }: Verdict, nowMs: number): Condition[] {
  const type = 'DisruptionAllowed'
  const current = (budget.status?.conditions ?? []).find((condition) => condition.type === type)
  const lastTransitionTime = current?.status === status ? current.lastTransitionTime : toTime(nowMs)
  const others = (budget.status?.conditions ?? []).filter((condition) => condition.type !== type)
  return [...others, { type, status, reason, message, ...(observedGeneration ? { observedGeneration } : {}), lastTransitionTime }]
}
