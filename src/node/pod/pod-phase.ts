import type { PodStatus } from '../../kinds/generated/types/core-v1.ts'
import { runStateOf } from './run-state.ts'
import { containerViews, type ContainerView, type PodView } from './pod-view.ts'
import { isCleared } from './plan-restart-all.ts'
import { restartsAfter } from './restart-policy.ts'

export type Phase = NonNullable<PodStatus['phase']>

/**
 * Where the pod is in its life (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase), from its containers alone.
 * A pod whose containers were ended by the run state is Running: it was stopped, it did not finish.
 */
export function podPhase(view: PodView, views: readonly ContainerView[] = containerViews(view)): Phase {
  const { pod, records } = view
  if (records.terminal) return 'Failed'
  const known = pod.status?.phase
  // What has finished stays finished, whatever the engine has forgotten since.
  if (known === 'Succeeded' || known === 'Failed') return known
  const apps = views.filter((v) => v.role === 'app')
  const hasAppRun = apps.some((v) => v.latest !== undefined && v.latest.state !== 'Created')
  if (!hasAppRun) {
    for (const init of views) if (init.role === 'init' && hasFailedForGood(view, init)) return 'Failed'
  }
  if (apps.some(isWaiting)) return isPreviouslyRunning(pod.status?.phase) && hasAppRun ? 'Running' : 'Pending'
  if (apps.some((v) => v.latest?.state === 'Running' || v.latest?.state === 'Unknown')) return 'Running'
  if (runStateOf(pod) === 'stopped' || apps.some((v) => v.record?.isStoppedByRunState)) return 'Running'
  // A pod that is being deleted restarts nothing: its end is final.
  if (records.terminatingSinceMs === undefined && apps.some((v) => willRestart(view, v))) return 'Running'
  return apps.every((v) => exitCodeOf(v) === 0) ? 'Succeeded' : 'Failed'
}

/** Ended and staying so. */
export function isFinal(phase: Phase): boolean {
  return phase === 'Succeeded' || phase === 'Failed'
}

export function willRestart(view: PodView, container: ContainerView): boolean {
  if (isCleared(container)) return true
  const exitCode = exitCodeOf(container)
  return exitCode === undefined || restartsAfter(view.pod, container, exitCode)
}

/** Exit code of the newest end, from the engine or, when that has forgotten, from the API's status. */
export function exitCodeOf({ latest, record }: ContainerView): number | undefined {
  if (latest) return latest.state === 'Exited' ? (latest.exitCode ?? 137) : undefined
  return record?.rememberedEnd?.exitCode
}

function isWaiting(container: ContainerView): boolean {
  if (container.latest) return container.latest.state === 'Created'
  return container.record?.rememberedEnd === undefined
}

function isPreviouslyRunning(phase: Phase | undefined): boolean {
  return phase === 'Running'
}

function hasFailedForGood(view: PodView, init: ContainerView): boolean {
  const exitCode = exitCodeOf(init)
  return exitCode !== undefined && exitCode !== 0 && !willRestart(view, init)
}
