import { isStaticPod } from '../../kinds/static-pod.ts'
import type { PodAction, PodPlan } from './pod-action.ts'
import { type ContainerView, isRunning, type PodView } from './pod-view.ts'

/** The least time that a container gets after others used up the pod's grace. */
const graceSecondsMin = 2

/** The way out: for a pod that is deleted, refused, evicted, past its deadline, or finished. */
export function planEnd(view: PodView, views: readonly ContainerView[]): PodPlan {
  const { pod, records } = view
  const aborts: PodAction[] = [...records.busy]
    .filter((key) => key === 'sandbox' || key.startsWith('container/'))
    .map((key) => ({ type: 'abort', key }))
  const kills = planKills(views, { graceSeconds: remainingGrace(view), message: '' })
  if (kills.length > 0 || aborts.length > 0) return { actions: [...aborts, ...kills], wakeAtMs: undefined }
  const ready = view.sandboxes.filter((s) => s.state === 'Ready' || !records.stoppedSandboxes.has(s.sandboxId))
  const isFree = (sandboxId: string) => !records.busy.has(`sandbox/${sandboxId}`)
  if (ready.length > 0) {
    return {
      actions: ready.filter((s) => isFree(s.sandboxId)).map(({ sandboxId }) => ({ type: 'stopSandbox', sandboxId })),
      wakeAtMs: undefined,
    }
  }
  const isDeleted = pod.metadata.deletionTimestamp !== undefined || records.isGone === true
  if (isDeleted && view.sandboxes.length > 0) {
    const actions: PodAction[] = view.sandboxes
      .filter((s) => isFree(s.sandboxId))
      .map(({ sandboxId }) => ({ type: 'removeSandbox', sandboxId }))
    return { actions, wakeAtMs: undefined }
  }
  if (records.busy.size > 0) return { actions: [], wakeAtMs: undefined }
  if (!records.isTornDown || (isDeleted && !records.areLogsRemoved)) return { actions: [{ type: 'teardown' }], wakeAtMs: undefined }
  return { actions: isDeleted && !records.isGone ? [{ type: 'deletePod' }] : [], wakeAtMs: undefined }
}

/**
 * Ends what runs: app, init and ephemeral containers together; then the sidecars, last one first, each after the one behind it.
 * https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/
 */
export function planKills(
  views: readonly ContainerView[],
  options: { readonly graceSeconds: number; readonly message: string },
): PodAction[] {
  const { graceSeconds, message } = options
  const running = views.flatMap((v) => v.history.filter(isRunning).map((container) => ({ view: v, container })))
  const others = running.filter((r) => r.view.role !== 'sidecar')
  const due = others.length > 0 ? others : running.slice(-1)
  return due.map(({ view, container }) => ({ type: 'killContainer', containerId: container.id, name: view.name, graceSeconds, message }))
}

/** What is left of the grace that the pod as a whole was given. */
function remainingGrace(view: PodView): number {
  const { records, monotonicMs } = view
  const total = totalGrace(view)
  if (records.terminatingSinceMs === undefined) return Math.max(total, 1)
  const elapsed = (monotonicMs - records.terminatingSinceMs) / 1000
  // A grace of nought still leaves the engine a second, so that the signal order stays the same for every end.
  return Math.max(Math.ceil(total - elapsed), total === 0 ? 1 : Math.min(graceSecondsMin, total), 1)
}

function totalGrace({ pod, records }: PodView): number {
  // Nobody but this agent removes a pod whose containers run, unless by force: that means a grace of nought, whatever it had before.
  if (records.isGone && !isStaticPod(pod)) return 0
  const own = pod.spec?.terminationGracePeriodSeconds ?? 30
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata
  return deletionTimestamp === undefined ? (records.terminal?.graceSeconds ?? own) : (deletionGracePeriodSeconds ?? own)
}
