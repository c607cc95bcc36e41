import type { ContainerStatus, PodCondition } from '../../kinds/generated/types/core-v1.ts'
import { toTime } from '../../base/clock.ts'
import { mayRestartAllContainers } from '../../kinds/restart-rules.ts'
import type { Phase } from './pod-phase.ts'
import { isRestartingAll } from './plan-restart-all.ts'
import { type ContainerView, type PodView } from './pod-view.ts'
import { runStateOf } from './run-state.ts'

type Verdict = { readonly status: 'True' | 'False'; readonly reason?: string; readonly message?: string }
/** Ends that are the node's doing. */
const disruptions: ReadonlySet<string> = new Set(['Evicted', 'Terminated', 'Preempting'])
type Statuses = ReadonlyMap<string, ContainerStatus>

/** The conditions that the agent owns. https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions */
export function podConditions(view: PodView, views: readonly ContainerView[], statuses: Statuses, phase: Phase): PodCondition[] {
  const containersReady = containersReadyVerdict(view, views, statuses, phase)
  const verdicts: [string, Verdict][] = [
    ['PodReadyToStartContainers', { status: hasNetwork(view) ? 'True' : 'False' }],
    ['Initialized', initializedVerdict(view, views, statuses, phase)],
    ['Ready', readyVerdict(view, containersReady, phase)],
    ['ContainersReady', containersReady],
    ['PodScheduled', { status: 'True' }],
  ]
  const { resizePending, resizeGeneration, resizeError, terminal } = view.records
  // Tells controllers that the pod's end was the node's doing, not its program's.
  if (terminal && disruptions.has(terminal.reason)) {
    const message = terminal.reason === 'Preempting' ? 'Pod was preempted by Kubelet to accommodate a critical pod.' : terminal.message
    verdicts.push(['DisruptionTarget', { status: 'True', reason: 'TerminationByKubelet', message }])
  }
  const conditions = verdicts.map(([type, verdict]) => toCondition(view, type, verdict))
  // These two tell of the generation that they are about, not of the one that was looked at last.
  if (resizePending) {
    const { reason, message, generation } = resizePending
    conditions.push({ ...toCondition(view, 'PodResizePending', { status: 'True', reason, message }), observedGeneration: generation })
  }
  if (resizeGeneration !== undefined) {
    const verdict: Verdict = { status: 'True', ...(resizeError ? { reason: 'Error', message: resizeError } : {}) }
    conditions.push({ ...toCondition(view, 'PodResizeInProgress', verdict), observedGeneration: resizeGeneration })
  }
  if (mayRestartAllContainers(view.pod.spec))
    conditions.push(toCondition(view, 'AllContainersRestarting', restartingVerdict(view, views, phase)))
  return conditions
}

function restartingVerdict(view: PodView, views: readonly ContainerView[], phase: Phase): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  if (!isRestartingAll(view, views)) return { status: 'False' }
  return { status: 'True', reason: 'RestartAllContainersStarted', message: 'container exited with restart policy rule' }
}

function toCondition(view: PodView, type: string, verdict: Verdict): PodCondition {
  const old = view.pod.status?.conditions?.find((c) => c.type === type)
  const isSame = old?.status === verdict.status && Boolean(old.lastTransitionTime)
  const { generation } = view.pod.metadata
  return {
    type,
    status: verdict.status,
    ...(verdict.reason ? { reason: verdict.reason } : {}),
    ...(verdict.message ? { message: verdict.message } : {}),
    lastTransitionTime: isSame ? old.lastTransitionTime! : toTime(view.nowMs),
    ...(generation !== undefined ? { observedGeneration: generation } : {}),
  }
}

function hasNetwork({ sandboxes, pod }: PodView): boolean {
  const newest = sandboxes[0]
  return newest?.state === 'Ready' && (newest.ips.length > 0 || pod.spec?.hostNetwork === true)
}

function initializedVerdict({ pod }: PodView, views: readonly ContainerView[], statuses: Statuses, phase: Phase): Verdict {
  if (phase === 'Succeeded') return { status: 'True', reason: 'PodCompleted' }
  // What has been initialized stays so, also while its init containers run again.
  if (pod.status?.conditions?.some((c) => c.type === 'Initialized' && c.status === 'True')) return { status: 'True' }
  const incomplete = views.filter((v) => !hasPassed(v, statuses.get(v.name))).map((v) => v.name)
  if (incomplete.length === 0) return { status: 'True' }
  return { status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${incomplete.join(' ')}]` }
}

/** Whether a container no longer holds the ones after it back. */
export function hasPassed({ role }: ContainerView, status: ContainerStatus | undefined): boolean {
  if (role === 'init') return status?.ready === true
  return role !== 'sidecar' || status?.started === true || status?.state?.terminated !== undefined
}

function containersReadyVerdict(view: PodView, views: readonly ContainerView[], statuses: Statuses, phase: Phase): Verdict {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed' }
  const unready = views.filter((v) => (v.role === 'app' || v.role === 'sidecar') && !statuses.get(v.name)?.ready).map((v) => v.name)
  if (unready.length === 0) return { status: 'True' }
  const runState = runStateOf(view.pod)
  const reason = runState === 'stopped' ? 'Stopped' : runState === 'paused' ? 'Paused' : 'ContainersNotReady'
  return { status: 'False', reason, message: `containers with unready status: [${unready.join(' ')}]` }
}

function readyVerdict({ pod }: PodView, containersReady: Verdict, phase: Phase): Verdict {
  if (containersReady.status === 'False') return containersReady
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted' }
  const problems: string[] = []
  for (const { conditionType } of pod.spec?.readinessGates ?? []) {
    const condition = pod.status?.conditions?.find((c) => c.type === conditionType)
    if (!condition) problems.push(`corresponding condition of pod readiness gate "${conditionType}" does not exist.`)
    else if (condition.status !== 'True') {
      problems.push(`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`)
    }
  }
  if (problems.length === 0) return { status: 'True' }
  return { status: 'False', reason: 'ReadinessGatesNotReady', message: problems.join(', ') }
}
