/**
 * Decides the next steps for one pod. Pure: the same view gives the same plan, and calling it again before the steps are done gives
 * no second copy of one under way (`records.busy`).
 *
 * 1. Nothing is planned before the engine has been observed once: an agent that has just started must not take silence for absence.
 * 2. A container starts only in the newest sandbox, and only while that is Ready.
 * 3. Init containers run one at a time in order; a sidecar lets the next one go when it has started; apps start when all have passed.
 * 4. Containers end before their sandbox, apps before sidecars, sidecars in reverse order; the pod's object goes last of all.
 * 5. `wakeAtMs` is the next moment at which time alone changes the plan, by the clock that nobody sets.
 */
import type { RuntimePod } from '../runtime/contract.ts'
import { crashWait } from './crash-backoff.ts'
import { planEnd, planKills } from './plan-end.ts'
import type { PodAction, PodPlan } from './pod-action.ts'
import { hasAskedForAll, planRestartAll } from './plan-restart-all.ts'
import { isFinal, podPhase, willRestart } from './pod-phase.ts'
import { containerViews, type ContainerView, isRunning, nextAttempt, type PodView } from './pod-view.ts'
import { planPodResize, planResize } from './resize.ts'
import { runStateOf, stopGraceOf } from './run-state.ts'

export const deadlineMessage = 'Pod was active on the node longer than the specified deadline'

export function planPod(view: PodView): PodPlan {
  const { pod, records } = view
  if (!records.isObserved) return { actions: [], wakeAtMs: undefined }
  const views = containerViews(view)
  const isDeleted = pod.metadata.deletionTimestamp !== undefined || records.isGone === true
  if (isDeleted || records.terminal) return { ...planEnd(view, views), isEnding: true }
  const leftMs = untilDeadline(view)
  if (leftMs !== undefined && leftMs <= 0 && !isFinal(podPhase(view, views))) {
    const terminal = { reason: 'DeadlineExceeded', message: deadlineMessage, hasStarted: true }
    return { actions: [{ type: 'endPod', terminal }], wakeAtMs: undefined }
  }
  if (isFinal(podPhase(view, views))) return { ...planEnd(view, views), isEnding: true }
  const deadlineMs = leftMs === undefined ? undefined : view.monotonicMs + leftMs
  if (records.waitsFor.size > 0) return { actions: [], wakeAtMs: deadlineMs }
  const plan = runStateOf(pod) === 'stopped' ? planStopped(view, views) : planRunning(view, views)
  return { actions: [...plan.actions, ...planRemovals(views)], wakeAtMs: earliest(plan.wakeAtMs, deadlineMs) }
}

/** The sandbox stays, with its address; every container ends, and none starts. */
function planStopped(view: PodView, views: readonly ContainerView[]): PodPlan {
  const aborts: PodAction[] = views
    .filter((v) => view.records.busy.has(`container/${v.name}`))
    .map((v) => ({ type: 'abort', key: `container/${v.name}` }))
  const kills = planKills(views, { graceSeconds: stopGraceOf(view.pod), message: '' })
  return { actions: [...aborts, ...kills, ...planSandbox(view, views).actions], wakeAtMs: undefined }
}

function planRunning(view: PodView, views: readonly ContainerView[]): PodPlan {
  const restart = planRestartAll(view, views)
  if (restart) return { actions: restart, wakeAtMs: undefined }
  const sandboxPlan = planSandbox(view, views)
  const sandbox = view.sandboxes[0]
  if (sandboxPlan.actions.length > 0 || sandbox?.state !== 'Ready' || view.records.busy.has('sandbox')) return sandboxPlan
  const steps = new Steps(view, sandbox)
  for (const ephemeral of views)
    if (ephemeral.role === 'ephemeral' && !ephemeral.latest && !ephemeral.record?.rememberedEnd) steps.start(ephemeral)
  if (planInit(steps, views)) for (const app of views) if (app.role === 'app') steps.keepRunning(app)
  steps.actions.push(...planPodResize(view))
  return { actions: steps.actions, wakeAtMs: earliest(steps.wakeAtMs, sandboxPlan.wakeAtMs) }
}

/** Makes sure of one Ready sandbox, unless nothing would run in it. */
function planSandbox(view: PodView, views: readonly ContainerView[]): PodPlan {
  const { records, monotonicMs } = view
  const newest = view.sandboxes[0]
  if (newest?.state === 'Ready') {
    const actions: PodAction[] = []
    for (const old of view.sandboxes.slice(1)) actions.push(...planDiscard(view, old))
    return {
      actions: actions.filter((a) => a.type === 'removeSandbox' && !records.busy.has(`sandbox/${a.sandboxId}`)),
      wakeAtMs: undefined,
    }
  }
  if (records.busy.has('sandbox')) return { actions: [], wakeAtMs: undefined }
  const running = views.filter((v) => isRunning(v.latest))
  if (newest && running.length > 0) {
    // The pause process died under them: they hold a network that the pod no longer has.
    return { actions: planStop(view, newest), wakeAtMs: undefined }
  }
  if (newest && !views.some((v) => v.role === 'app' && (willRestart(view, v) || v.record?.isStoppedByRunState))) {
    return { actions: [], wakeAtMs: undefined }
  }
  if (newest && !records.stoppedSandboxes.has(newest.sandboxId)) return { actions: planStop(view, newest), wakeAtMs: undefined }
  if (records.sandboxRetryAtMs !== undefined && monotonicMs < records.sandboxRetryAtMs)
    return { actions: [], wakeAtMs: records.sandboxRetryAtMs }
  return { actions: [{ type: 'createSandbox', attempt: (newest?.attempt ?? -1) + 1 }], wakeAtMs: undefined }
}

function planStop({ records }: PodView, { sandboxId }: RuntimePod): PodAction[] {
  return records.busy.has(`sandbox/${sandboxId}`) ? [] : [{ type: 'stopSandbox', sandboxId }]
}

function planDiscard(view: PodView, sandbox: RuntimePod): PodAction[] {
  // Its containers are kept while they are a container's newest: their end is still part of the status.
  const newest = view.sandboxes[0]!
  const isSuperseded = sandbox.containers.every((old) => newest.containers.some((c) => c.name === old.name && c.attempt > old.attempt))
  return isSuperseded ? [{ type: 'removeSandbox', sandboxId: sandbox.sandboxId }] : []
}

/** True when everything before the app containers has passed. */
function planInit(steps: Steps, views: readonly ContainerView[]): boolean {
  // Once an app container has been made in this sandbox, its initialization is history; only the sidecars are still looked after.
  const isInitialized = views.some((v) => v.role === 'app' && v.current !== undefined)
  for (const view of views) {
    if (view.role === 'sidecar') {
      steps.keepRunning(view)
      if (!isInitialized && !(isRunning(view.current) && view.record?.isStarted)) return false
    } else if (view.role === 'init' && !isInitialized) {
      const { current } = view
      if (current?.state === 'Exited' && current.exitCode === 0) continue
      steps.keepRunning(view)
      return false
    }
  }
  return true
}

/** Collects the steps for containers that should run. */
class Steps {
  readonly actions: PodAction[] = []
  wakeAtMs: number | undefined
  readonly #view: PodView
  readonly #sandbox: RuntimePod

  constructor(view: PodView, sandbox: RuntimePod) {
    this.#view = view
    this.#sandbox = sandbox
  }

  start(container: ContainerView): void {
    const { records, monotonicMs } = this.#view
    if (records.busy.has(`container/${container.name}`)) return
    const { waiting, retryAtMs } = container.record ?? {}
    if (retryAtMs !== undefined && monotonicMs < retryAtMs) {
      this.wakeAtMs = earliest(this.wakeAtMs, retryAtMs)
      this.#planImageBackoff(container, waiting)
      return
    }
    const ended = endOf(container, this.#view)
    const isFreshStart = container.record?.isStoppedByRunState === true
    if (ended !== undefined && !isFreshStart) {
      const wait = crashWait(container.record, container.specHash, ended, monotonicMs)
      if (wait) {
        this.wakeAtMs = earliest(this.wakeAtMs, wait.untilMs)
        if (waiting?.reason !== 'CrashLoopBackOff')
          this.actions.push({ type: 'noteCrashBackoff', name: container.name, delayMs: wait.delayMs })
        return
      }
    }
    this.actions.push({
      type: 'startContainer',
      name: container.name,
      attempt: nextAttempt(container),
      specHash: container.specHash,
      sandboxId: this.#sandbox.sandboxId,
      restartsEndAtMs: isFreshStart ? undefined : ended,
    })
  }

  /** Starts it, restarts it as its policy says, replaces it when its definition changed, and keeps it paused or not. */
  keepRunning(container: ContainerView): void {
    const { current, record } = container
    if (!current || current.state === 'Created' || current.state === 'Unknown') return this.start(container)
    if (current.state === 'Exited') {
      if (record?.isStoppedByRunState || willRestart(this.#view, container)) this.start(container)
      return
    }
    const graceSeconds = this.#view.pod.spec?.terminationGracePeriodSeconds ?? 30
    if (current.specHash !== container.specHash && container.role !== 'init') {
      const message = `Container ${container.name} definition changed, will be restarted`
      // Another image, or a restart that was asked for, possibly in a hurry.
      this.actions.push({
        type: 'killContainer',
        containerId: current.id,
        name: container.name,
        graceSeconds: stopGraceOf(this.#view.pod),
        message,
      })
      return
    }
    if (record?.kill?.containerId === current.id) {
      const { message, graceSeconds: own } = record.kill
      this.actions.push({
        type: 'killContainer',
        containerId: current.id,
        name: container.name,
        graceSeconds: own ?? graceSeconds,
        message,
      })
      return
    }
    this.actions.push(...planPause(this.#view, container), ...planResize(this.#view, container))
  }

  #planImageBackoff(container: ContainerView, waiting: { readonly reason: string; readonly sinceMs: number } | undefined): void {
    if (waiting?.reason !== 'ErrImagePull') return
    const showAtMs = waiting.sinceMs + imageBackoffShownAfterMs
    if (this.#view.monotonicMs >= showAtMs) this.actions.push({ type: 'noteImageBackoff', name: container.name })
    else this.wakeAtMs = earliest(this.wakeAtMs, showAtMs)
  }
}

/** When the newest container ended; one that never started counts from that failure, so that a failing start backs off too. */
function endOf(container: ContainerView, { nowMs, monotonicMs }: PodView): number | undefined {
  const { latest, record } = container
  // Removed so that all run again: what asked for that may do so again and again.
  if (!latest && hasAskedForAll(container)) return record?.ended?.atMs
  const hasFailedToStart = latest?.state === 'Created' && record?.waiting !== undefined
  if (latest?.state !== 'Exited' && !hasFailedToStart) return undefined
  if (record?.ended?.containerId === latest.id) return record.ended.atMs
  // Not yet seen by this agent: only the engine's word is left.
  return monotonicMs - Math.max(0, nowMs - (latest.finishedAtMs ?? latest.createdAtMs))
}

/** ErrImagePull shows this long before ImagePullBackOff takes its place. */
const imageBackoffShownAfterMs = 2_000

function planPause(view: PodView, container: ContainerView): PodAction[] {
  const wanted = runStateOf(view.pod) === 'paused' && container.role !== 'init'
  const is = container.record?.isPaused === true
  if (wanted === is || view.records.busy.has(`container/${container.name}`)) return []
  return [{ type: wanted ? 'pauseContainer' : 'resumeContainer', containerId: container.current!.id, name: container.name }]
}

/** Keeps one dead container beside a running one, and two when none runs (the last end and the one before it). */
function planRemovals(views: readonly ContainerView[]): PodAction[] {
  const actions: PodAction[] = []
  for (const { history, name } of views) {
    if (history.length < 3) continue
    for (const container of history.slice(2)) {
      if (container.state === 'Exited' || container.state === 'Created')
        actions.push({ type: 'removeContainer', containerId: container.id, name })
    }
  }
  return actions
}

function untilDeadline({ pod, records, nowMs }: PodView): number | undefined {
  const seconds = pod.spec?.activeDeadlineSeconds
  return seconds === undefined ? undefined : records.startTimeMs + seconds * 1000 - nowMs
}

export function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined) return b
  return b === undefined ? a : Math.min(a, b)
}
