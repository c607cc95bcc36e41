import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { assert } from '../../base/assert.ts'
import { unreachable } from '../../base/assert.ts'
import { effectiveResources } from '../resources/container-resources.ts'
import { RuntimeError, type RuntimePod } from '../runtime/contract.ts'
import { nextCrashBackoff, formatDuration } from './crash-backoff.ts'
import { startContainer } from './start-container.ts'
import type { PodAction } from './pod-action.ts'
import { fieldPathOf, type PodContext } from './pod-context.ts'
import { HostError } from './pod-host.ts'
import { rememberCleared } from './plan-restart-all.ts'
import { containerRecord, type PodRecords } from './pod-records.ts'
import { containerViews, isRunning, momentOf, podContainers, type PodContainer, podText } from './pod-view.ts'
import { appliedPod, changedResources, computeResources, resizeKill, resizeSummary, restartsFor, unresized } from './resize.ts'
import { runStateOf } from './run-state.ts'
import { StartError } from './start-error.ts'
import { stopContainer } from './stop-container.ts'

export type PodActionsOptions = {
  readonly context: PodContext
  readonly records: PodRecords
  /** As it was granted. */
  readonly pod: () => Pod
  readonly sandboxes: () => readonly RuntimePod[]
  /** A sandbox is there before the next observation. */
  readonly onSandbox: (sandbox: RuntimePod) => void
  /** The engine was asked for a sandbox and gave no clear answer. */
  readonly onUncertain: () => void
  /** A step has ended, well or not. */
  readonly onSettled: () => void
}

type Task = { readonly abort: AbortController; readonly done: Promise<void>; killDeadlineMs?: number }
type Of<T extends PodAction['type']> = Extract<PodAction, { type: T }>

/** Until a failed sandbox is tried again: doubles up to the limit. */
const sandboxRetry = { initialMs: 1_000, maxMs: 60_000 } as const
const pullRetry = { initialMs: 10_000, maxMs: 300_000 } as const
/** After a wrong configuration or an engine's refusal; a change of the pod does not wait for it. */
const configRetryMs = 10_000
/** A repeated kill counts only when it would end at least this much earlier. */
const killSlackMs = 1_500

/** Performs the steps of a plan for one pod, beside each other, and writes what came of them into its records. */
export class PodActions {
  readonly #options: PodActionsOptions
  readonly #tasks = new Map<string, Task>()
  /** Containers that are being paused or resumed just now. */
  readonly #freezing = new Map<string, Promise<void>>()

  constructor(options: PodActionsOptions) {
    this.#options = options
  }

  perform(action: PodAction): void {
    switch (action.type) {
      case 'createSandbox':
        return this.#launch('sandbox', (signal) => this.#createSandbox(action, signal))
      case 'stopSandbox':
        return this.#launch(`sandbox/${action.sandboxId}`, () => this.#stopSandbox(action.sandboxId))
      case 'removeSandbox':
        return this.#launch(`sandbox/${action.sandboxId}`, () => this.#options.context.runtime.removeSandbox(action.sandboxId))
      case 'startContainer':
        return this.#launch(`container/${action.name}`, (signal) => this.#startContainer(action, signal))
      case 'killContainer':
        return this.#kill(action)
      case 'removeContainer':
        return this.#launch(`remove/${action.containerId}`, () => this.#removeContainer(action))
      case 'pauseContainer':
      case 'resumeContainer':
        return this.#launch(`container/${action.name}`, () => this.#freeze(action))
      case 'resizeContainer':
        return this.#launch(`container/${action.name}`, () => this.#resize(action))
      case 'resizePod':
        return this.#launch('resize', () => this.#resizePod())
      case 'noteImageBackoff':
        return this.#noteImageBackoff(action.name)
      case 'noteCrashBackoff':
        return this.#noteCrashBackoff(action)
      case 'abort':
        return this.#tasks.get(action.key)?.abort.abort()
      case 'endPod':
        this.#options.records.terminal ??= action.terminal
        this.#event({ type: 'Warning', reason: action.terminal.reason, message: action.terminal.message })
        return this.#options.onSettled()
      case 'teardown':
        return this.#launch('teardown', () => this.#teardown())
      case 'deletePod':
        return this.#launch('delete', () => this.#deletePod())
      default:
        return unreachable(action)
    }
  }

  abortAll(): void {
    for (const [key, task] of this.#tasks) if (!key.startsWith('kill/')) task.abort.abort()
  }

  async settled(): Promise<void> {
    // Kills are left to the engine: they may outlast the agent, which finds their result when it is back.
    await Promise.all([...this.#tasks].filter(([key]) => !key.startsWith('kill/')).map(([, task]) => task.done))
  }

  #launch(key: string, work: (signal: AbortSignal) => Promise<void>, killDeadlineMs?: number): void {
    if (this.#tasks.has(key)) return
    const { records, context, onSettled } = this.#options
    const abort = new AbortController()
    records.busy.add(key)
    const done = work(abort.signal)
      .catch((error: unknown) => {
        if (abort.signal.aborted) return
        context.log.warn({ pod: this.#options.pod().metadata.name, step: key, error: String(error) }, 'a step for a pod failed')
        return this.#pauseAfterFailure()
      })
      .finally(() => {
        this.#tasks.delete(key)
        records.busy.delete(key)
        onSettled()
      })
    this.#tasks.set(key, killDeadlineMs === undefined ? { abort, done } : { abort, done, killDeadlineMs })
  }

  /** Keeps a step that fails at once from being planned again in a tight circle. */
  async #pauseAfterFailure(): Promise<void> {
    await new Promise<void>((resolve) => this.#options.context.clock.schedule(1_000, resolve))
  }

  async #createSandbox({ attempt }: Of<'createSandbox'>, signal: AbortSignal): Promise<void> {
    const { context, records, onSandbox } = this.#options
    const pod = this.#options.pod()
    let isAsked = false
    try {
      await context.host.prepare(pod, signal)
      records.isHostReady = true
      records.isTornDown = false
      records.appliedToPod = computeResources(pod.spec?.resources)
      const spec = await context.host.sandboxSpec(pod, attempt)
      if (attempt > 0) {
        this.#event({ type: 'Normal', reason: 'SandboxChanged', message: 'Pod sandbox changed, it will be killed and re-created.' })
      }
      const { sandboxId, ips } = await context.starts.run(() => {
        isAsked = true
        return context.runtime.runSandbox(spec, signal)
      }, signal)
      const { namespace, name, uid } = spec
      onSandbox({ namespace, name, uid, sandboxId, state: 'Ready', attempt, createdAtMs: context.clock.now(), ips, containers: [] })
      records.sandboxFailures = 0
      delete records.sandboxRetryAtMs
      delete records.sandboxError
    } catch (error) {
      if (isAsked) this.#options.onUncertain()
      if (signal.aborted) return
      const delayMs = Math.min(sandboxRetry.initialMs * 2 ** records.sandboxFailures++, sandboxRetry.maxMs)
      records.sandboxRetryAtMs = context.clock.monotonicMs() + delayMs
      this.#tellSandboxError(error)
    }
  }

  #tellSandboxError(error: unknown): void {
    const isHost = error instanceof HostError
    if (!isHost && !(error instanceof RuntimeError)) this.#options.context.log.error({ error }, 'making a sandbox failed unexpectedly')
    const text = error instanceof Error ? error.message : String(error)
    const message = isHost ? text : `Failed to create pod sandbox: ${text}`
    this.#options.records.sandboxError = message
    this.#event({ type: 'Warning', reason: isHost ? error.reason : 'FailedCreatePodSandBox', message })
  }

  async #stopSandbox(sandboxId: string): Promise<void> {
    await this.#options.context.runtime.stopSandbox(sandboxId)
    this.#options.records.stoppedSandboxes.add(sandboxId)
  }

  async #startContainer(action: Of<'startContainer'>, signal: AbortSignal): Promise<void> {
    const { context, records } = this.#options
    const pod = this.#options.pod()
    const container = this.#containerOf(action.name)
    const record = containerRecord(records, action.name)
    if (action.restartsEndAtMs !== undefined) {
      const backoff = nextCrashBackoff(record, action.specHash, action.restartsEndAtMs, context.clock.monotonicMs())
      if (backoff) record.backoff = backoff
    }
    delete record.retryAtMs
    try {
      const sandbox = this.#options.sandboxes().find((s) => s.sandboxId === action.sandboxId)
      assert(sandbox, 'a container is planned into a sandbox that is known')
      if (records.resizeGeneration !== undefined) await context.host.resize(pod, appliedPod(pod, records))
      await startContainer({ context, pod, container, record, sandbox, attempt: action.attempt, specHash: action.specHash }, signal)
      if (records.resizeGeneration !== undefined) await this.#shrinkPod(pod, action.name)
    } catch (error) {
      if (signal.aborted) return
      this.#noteStartError(container, error)
    }
  }

  #noteStartError(container: PodContainer, error: unknown): void {
    const { context, records } = this.#options
    const record = containerRecord(records, container.container.name)
    const nowMs = context.clock.monotonicMs()
    const isKnown = error instanceof StartError
    if (!isKnown) context.log.error({ container: container.container.name, error }, 'starting a container failed unexpectedly')
    const message = error instanceof Error ? error.message : String(error)
    const reason = isKnown ? error.reason : 'CreateContainerError'
    record.waiting = { reason, message, sinceMs: nowMs }
    if (reason === 'ErrImagePull' || reason === 'RegistryUnavailable') {
      const failures = (record.pullFailures = (record.pullFailures ?? 0) + 1)
      record.retryAtMs = nowMs + Math.min(pullRetry.initialMs * 2 ** (failures - 1), pullRetry.maxMs)
    } else if (reason !== 'RunContainerError' && reason !== 'PostStartHookError') {
      record.retryAtMs = nowMs + configRetryMs
    }
  }

  #kill(action: Of<'killContainer'>): void {
    const { context, records } = this.#options
    const key = `kill/${action.containerId}`
    const deadlineMs = context.clock.monotonicMs() + action.graceSeconds * 1000
    const task = this.#tasks.get(key)
    if (task) {
      if (deadlineMs + killSlackMs >= (task.killDeadlineMs ?? 0)) return
      task.killDeadlineMs = deadlineMs
      void context.runtime.stopContainer(action.containerId, action.graceSeconds).catch(() => {})
      return
    }
    const record = containerRecord(records, action.name)
    if (runStateOf(this.#options.pod()) === 'stopped') record.isStoppedByRunState = true
    const container = this.#containerOf(action.name)
    const podIp = this.#options.sandboxes()[0]?.ips[0] ?? ''
    const target = { pod: this.#options.pod(), container, containerId: action.containerId, podIp }
    this.#event({
      type: 'Normal',
      reason: 'Killing',
      message: action.message || `Stopping container ${action.name}`,
      fieldPath: fieldPathOf(container),
    })
    const freezing = this.#freezing.get(action.containerId)
    const stop = async () => {
      // Frozen between two signals, it would obey neither, and the engine would wait for minutes.
      if (freezing) await freezing
      const isPaused = record.isPaused === true
      record.isPaused = false
      await stopContainer({ context, target, graceSeconds: action.graceSeconds, isPaused })
    }
    this.#launch(key, stop, deadlineMs)
  }

  async #removeContainer({ containerId, name, forRestart }: Of<'removeContainer'>): Promise<void> {
    await this.#options.context.runtime.removeContainer(containerId)
    const record = containerRecord(this.#options.records, name)
    record.terminationMessages?.delete(containerId)
    // How the one that asked for it ended is worth knowing; of the others there is nothing more to say than this.
    if (forRestart === 'target') rememberCleared(record, containerId)
  }

  async #freeze(action: Of<'pauseContainer' | 'resumeContainer'>): Promise<void> {
    const done = this.#pause(action)
    this.#freezing.set(
      action.containerId,
      done.catch(() => {}),
    )
    try {
      await done
    } finally {
      this.#freezing.delete(action.containerId)
    }
  }

  async #pause({ type, containerId, name }: Of<'pauseContainer' | 'resumeContainer'>): Promise<void> {
    const { runtime } = this.#options.context
    const isPause = type === 'pauseContainer'
    await (isPause ? runtime.pauseContainer(containerId) : runtime.resumeContainer(containerId))
    containerRecord(this.#options.records, name).isPaused = isPause
    const message = `${isPause ? 'Paused' : 'Resumed'} container ${name}`
    this.#event({ type: 'Normal', reason: isPause ? 'Paused' : 'Resumed', message, fieldPath: fieldPathOf(this.#containerOf(name)) })
  }

  async #resize({ containerId, name, resources }: Of<'resizeContainer'>): Promise<void> {
    const { context, records } = this.#options
    const pod = this.#options.pod()
    await this.#resizing(async () => {
      await context.host.resize(pod, appliedPod(pod, records))
      const wanted = effectiveResources(pod, { resources })
      await context.runtime.updateResources(containerId, context.containerResources(wanted))
      await this.#shrinkPod(pod, name)
      containerRecord(records, name).applied = computeResources(resources)
    })
  }

  async #resizePod(): Promise<void> {
    const { context, records } = this.#options
    const pod = this.#options.pod()
    await this.#resizing(async () => {
      await context.host.resize(pod, appliedPod(pod, records))
      await this.#resizeHeirs(pod)
      records.appliedToPod = computeResources(pod.spec?.resources)
      await this.#shrinkPod(pod, '')
    })
  }

  /** Containers without limits of their own are held by the pod's: they get them with it, or end for them as their resizePolicy says. */
  async #resizeHeirs(pod: Pod): Promise<void> {
    const { context, records, sandboxes } = this.#options
    const before = { ...pod, spec: { ...pod.spec!, resources: records.appliedToPod ?? {} } }
    for (const view of containerViews({ pod, records, sandboxes: sandboxes(), ...momentOf(context.clock) })) {
      const { container, current, record, name } = view
      if (!isRunning(current) || view.role === 'ephemeral' || record?.applied === undefined) continue
      const resources = record.applied
      const wanted = effectiveResources(pod, { resources })
      const changed = changedResources(effectiveResources(before, { resources }), wanted)
      if (changed.length === 0) continue
      if (restartsFor(container, changed)) containerRecord(records, name).kill = resizeKill(name, current!.id)
      else await context.runtime.updateResources(current!.id, context.containerResources(wanted))
    }
  }

  async #resizing(work: () => Promise<void>): Promise<void> {
    const { records } = this.#options
    const pod = this.#options.pod()
    try {
      await work()
      delete records.resizeError
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      if (records.resizeError !== message) {
        const summary = resizeSummary(pod, records.resizeGeneration ?? 0, message)
        this.#event({ type: 'Warning', reason: 'ResizeError', message: `Pod resize error: ${summary}` })
      }
      records.resizeError = message
      throw error
    }
  }

  /** The last container that gets what was granted takes the pod's own limits down with it: before, they held the others' old ones. */
  async #shrinkPod(pod: Pod, last: string): Promise<void> {
    const { context, records, sandboxes } = this.#options
    const left = unresized(containerViews({ pod, records, sandboxes: sandboxes(), ...momentOf(context.clock) }))
    if (left.every((name) => name === last)) await context.host.resize(pod)
  }

  #noteImageBackoff(name: string): void {
    const { context, records } = this.#options
    const record = containerRecord(records, name)
    const container = this.#containerOf(name)
    const image = container.container.image ?? ''
    const message = `Back-off pulling image "${image}": ErrImagePull: ${record.waiting?.message ?? ''}`
    record.waiting = { reason: 'ImagePullBackOff', message, sinceMs: context.clock.monotonicMs() }
    const fieldPath = fieldPathOf(container)
    this.#event({ type: 'Normal', reason: 'BackOff', message: `Back-off pulling image "${image}"`, fieldPath })
    this.#event({ type: 'Warning', reason: 'Failed', message: 'Error: ImagePullBackOff', fieldPath })
  }

  #noteCrashBackoff({ name, delayMs }: Of<'noteCrashBackoff'>): void {
    const { context, records } = this.#options
    const pod = this.#options.pod()
    const message = `back-off ${formatDuration(delayMs)} restarting failed container=${name} pod=${podText(pod)}`
    containerRecord(records, name).waiting = { reason: 'CrashLoopBackOff', message, sinceMs: context.clock.monotonicMs() }
    this.#event({
      type: 'Warning',
      reason: 'BackOff',
      message: `Back-off restarting failed container ${name} in pod ${podText(pod)}`,
      fieldPath: fieldPathOf(this.#containerOf(name)),
    })
  }

  async #teardown(): Promise<void> {
    const { context, records } = this.#options
    const { uid = '', namespace = '', name = '' } = this.#options.pod().metadata
    const isDeleted = this.#options.pod().metadata.deletionTimestamp !== undefined || records.isGone === true
    await context.host.teardown({ uid, namespace, name }, { keepLogs: !isDeleted })
    records.isTornDown = true
    records.areLogsRemoved = isDeleted
    records.isHostReady = false
  }

  async #deletePod(): Promise<void> {
    const { context, records } = this.#options
    const { namespace, name = '', uid = '' } = this.#options.pod().metadata
    await context.statuses.flushed(uid)
    const resource = context.client.resource(kindRefs.coreV1.pods, namespace)
    try {
      await resource.delete(name, { gracePeriodSeconds: 0, preconditions: { uid } })
    } catch (error) {
      // A conflict alone is no proof that another pod has the name by now: a busy server answers so, too.
      const isGone = isStatus(error, 'NotFound') || (isStatus(error, 'Conflict') && (await resource.get(name)).metadata.uid !== uid)
      if (!isGone) throw error
    }
    records.isDeleted = true
  }

  #containerOf(name: string): PodContainer {
    const found = podContainers(this.#options.pod().spec).find((c) => c.container.name === name)
    assert(found, `container ${name} is in the spec`)
    return found
  }

  #event(event: Parameters<PodContext['event']>[1]): void {
    this.#options.context.event(this.#options.pod(), event)
  }
}
