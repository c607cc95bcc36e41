/**
 * Keeps one pod as it should be: observes the engine, plans (pure), performs, and states the status, once for every reason to look:
 * the pod changed, the engine told of an event, a step ended, a probe spoke, a moment came. Nothing polls.
 *
 * 1. One look at a time; reasons that arrive meanwhile are folded into one more.
 * 2. Steps run beside the looking, one a target (`records.busy`); a long pull never delays a kill.
 * 3. Between observing and launching the steps there is no await.
 */
import type { Cancel } from '../../base/clock.ts'
import type { Pod, PodStatus } from '../../kinds/generated/types/core-v1.ts'
import { isPodTerminal } from '../../kinds/pod-status.ts'
import { isStaticPod } from '../../kinds/static-pod.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { ProbeVerdict } from '../probes/container-probes.ts'
import { type RuntimeContainer, RuntimeError, type RuntimePod } from '../runtime/contract.ts'
import { planPod } from './plan.ts'
import { PodActions } from './pod-actions.ts'
import type { PodContext } from './pod-context.ts'
import { containerRecord, type PodRecords, rebuildRecords, rememberEnd } from './pod-records.ts'
import { terminated } from './container-status.ts'
import { podStatus } from './pod-status.ts'
import { containerViews, type ContainerView, isRunning, momentOf, type PodView } from './pod-view.ts'
import { allocatedPod, computeResources, isResized } from './resize.ts'
import { allocateResize, completeResize, takeResize } from './resize-allocation.ts'
import { isNewer } from './status-writer.ts'

export type PodWorkerOptions = {
  readonly context: PodContext
  readonly pod: Pod
  /** What the engine holds of the pod. */
  readonly sandboxes: readonly RuntimePod[]
  /** Engine ids that this worker wants to hear about. */
  readonly watchIds: (uid: string, ids: readonly string[]) => void
  /** The pod takes less of the node than before. */
  readonly onRoom: () => void
  /** After each look, whether anything changed or not. */
  readonly onLooked: (uid: string) => void
  /** Nothing is left to do for the pod, here or in the API. */
  readonly onDone: (uid: string) => void
}

const observeRetryMs = 2_000

export class PodWorker {
  readonly records: PodRecords
  readonly #options: PodWorkerOptions
  readonly #actions: PodActions
  #pod: Pod
  #sandboxes: readonly RuntimePod[]
  #mustObserve = false
  /** The engine may hold a sandbox whose id was never told. */
  #mustList = false
  #isDirty = false
  #running: Promise<void> | undefined
  #cancelTimer: Cancel | undefined
  #isClosed = false

  constructor(options: PodWorkerOptions) {
    this.#options = options
    this.#pod = options.pod
    this.#sandboxes = sorted(options.sandboxes)
    this.records = rebuildRecords(options.pod, momentOf(options.context.clock))
    this.records.isObserved = true
    this.#actions = new PodActions({
      context: options.context,
      records: this.records,
      pod: () => this.allocated,
      sandboxes: () => this.#sandboxes,
      onSandbox: (sandbox) => {
        this.#sandboxes = sorted([...this.#sandboxes.filter((s) => s.sandboxId !== sandbox.sandboxId), sandbox])
      },
      onUncertain: () => {
        this.#mustList = true
      },
      onSettled: () => this.look({ observe: true }),
    })
  }

  get pod(): Pod {
    return this.#pod
  }

  get sandboxes(): readonly RuntimePod[] {
    return this.#sandboxes
  }

  view(): PodView {
    return { pod: this.allocated, sandboxes: this.#sandboxes, records: this.records, ...momentOf(this.#options.context.clock) }
  }

  /** The pod with the resources that it was granted, which are not yet those of its spec while a resize waits. */
  get allocated(): Pod {
    return allocatedPod(this.#pod, this.records)
  }

  /** Something has left: a resize that waits for room is weighed again. */
  retryResize(): void {
    if (this.records.allocated === undefined) return
    allocateResize(this.#options.context, this.records, this.#pod)
    this.look({ observe: false })
  }

  /** A newer version of the pod; an older one changes nothing. */
  setPod(pod: Pod): void {
    if (!isNewer(pod, this.#pod)) return
    const old = this.#pod
    this.#pod = pod
    if (this.records.terminatingSinceMs === undefined) takeResize(this.#options.context, this.records, { old, pod })
    if (isPodTerminal(pod) && !isPodTerminal(old)) this.#options.onRoom()
    const isMetadataSame =
      deepEqual(old.metadata.labels, pod.metadata.labels) && deepEqual(old.metadata.annotations, pod.metadata.annotations)
    if (!isMetadataSame && this.#sandboxes.length > 0) this.#refreshFiles()
    this.look({ observe: false })
  }

  /** A ConfigMap or Secret that the pod names has changed: its files follow, and what failed for want of it is tried again. */
  noteReferenceChange(): void {
    for (const record of this.records.containers.values()) {
      if (record.waiting?.reason === 'CreateContainerConfigError') delete record.retryAtMs
    }
    if (this.#sandboxes.length === 0) delete this.records.sandboxRetryAtMs
    else this.#refreshFiles()
    this.look({ observe: false })
  }

  /** A probe has come to a verdict about one container of the engine. */
  noteProbe({ name, containerId, kind, isGood, probe }: ProbeVerdict): void {
    const record = containerRecord(this.records, name)
    if (record.healthOf !== containerId) return
    if (kind === 'readiness') record.isReady = isGood
    else if (isGood) record.isStarted = true
    else {
      const message = `Container ${name} failed ${kind} probe, will be restarted`
      record.kill = { containerId, message, graceSeconds: probe.terminationGracePeriodSeconds }
    }
    this.look({ observe: false })
  }

  /** Engine's facts about containers that this agent did not start itself (it has just been restarted). */
  #adoptHealth(): void {
    for (const { current, role, container, name } of containerViews(this.view())) {
      if (!isRunning(current) || role === 'init' || role === 'ephemeral' || this.records.busy.has(`container/${name}`)) continue
      const record = containerRecord(this.records, name)
      if (record.healthOf === current!.id) continue
      record.healthOf = current!.id
      record.hasPostStarted = true
      record.isStarted = container.startupProbe === undefined
      record.isReady = container.readinessProbe === undefined
      record.applied = computeResources(container.resources)
      delete record.waiting
    }
  }

  #refreshFiles(): void {
    if (this.records.terminatingSinceMs !== undefined) return
    void this.#options.context.host
      .refresh(this.allocated)
      .catch((error: unknown) => this.#options.context.log.warn({ error: String(error) }, 'volumes could not be refreshed'))
  }

  /**
   * The result of this agent's own write: taken over without another look, as the status already says it. But others' changes come
   * with it as well, and their events will look old by then: these are looked at now.
   */
  takeWritten(pod: Pod): void {
    if (!isNewer(pod, this.#pod)) return
    if (!isOnlyOwnChange(this.#pod, pod)) return this.setPod(pod)
    const hasEnded = isPodTerminal(pod) && !isPodTerminal(this.#pod)
    this.#pod = pod
    if (hasEnded) this.#options.onRoom()
  }

  /** The API object is gone. */
  setGone(last: Pod): void {
    this.#pod = last
    this.records.isGone = true
    this.#options.context.statuses.forget(this.records.uid)
    this.look({ observe: false })
  }

  /**
   * A complete list of the engine. What a step has made since that list was taken is kept; the look that follows asks for each by
   * itself and drops what is gone.
   */
  setSandboxes(listed: readonly RuntimePod[]): void {
    const known = this.#sandboxes.filter((s) => !listed.some((l) => l.sandboxId === s.sandboxId))
    this.#sandboxes = sorted([...listed, ...known])
    this.look({ observe: true })
  }

  look({ observe }: { observe: boolean }): void {
    if (this.#isClosed) return
    this.#isDirty = true
    this.#mustObserve ||= observe
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
      // A reason that came after the last look and before this moment found a run that was over already.
      if (this.#isDirty) this.look({ observe: false })
    })
  }

  /** Ends timers and probes and waits for steps under way to give up. Containers go on. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelTimer?.()
    this.#options.context.probes.stop(this.records.uid)
    this.#actions.abortAll()
    await this.#running
    await this.#actions.settled()
  }

  async #run(): Promise<void> {
    // A later microtask: several reasons given in one go make one look.
    await Promise.resolve()
    while (this.#isDirty && !this.#isClosed) {
      this.#isDirty = false
      try {
        await this.#observe()
        await this.#readEnds()
        // A step that ended since the look began has made what this look did not see: acting on it would make it twice.
        if (this.#mustObserve) continue
        if (!this.#isClosed) this.#act()
        this.#options.onLooked(this.records.uid)
      } catch (error) {
        if (!(error instanceof RuntimeError))
          this.#options.context.log.error({ pod: this.#pod.metadata.name, error }, 'a look at a pod failed')
        this.#wakeAt(this.#options.context.clock.monotonicMs() + observeRetryMs, true)
        return
      }
    }
  }

  async #observe(): Promise<void> {
    if (!this.#mustObserve) return
    this.#mustObserve = false
    try {
      this.#sandboxes = sorted(await this.#lookAtEngine())
    } catch (error) {
      this.#mustObserve = true
      throw error
    }
    const ids = this.#sandboxes.flatMap((s) => [s.sandboxId, ...s.containers.map((c) => c.id)])
    this.#options.watchIds(this.records.uid, ids)
  }

  async #lookAtEngine(): Promise<RuntimePod[]> {
    const { runtime } = this.#options.context
    if (this.#mustList) {
      const all = await runtime.list()
      this.#mustList = false
      return all.filter((s) => s.uid === this.records.uid)
    }
    const seen = await Promise.all(this.#sandboxes.map((s) => runtime.pod(s.sandboxId)))
    return seen.filter((s) => s !== undefined)
  }

  /** Termination messages of containers that have ended since the last look, and how each container ended last: the engine forgets. */
  async #readEnds(): Promise<void> {
    const { host } = this.#options.context
    for (const container of containerViews(this.view())) {
      for (const ended of container.history) {
        if (ended === container.latest) this.#noteEnd(container, ended)
        if (ended.state !== 'Exited' || !container.record || container.record.terminationMessages?.has(ended.id)) continue
        container.record.terminationMessages ??= new Map()
        container.record.terminationMessages.set(ended.id, '')
        const message = await host.terminationMessage(this.#pod, container, ended).catch(() => '')
        container.record.terminationMessages.set(ended.id, message || ended.message)
        if (ended !== container.latest) continue
        rememberEnd(container.record, ended.id, {
          rememberedEnd: terminated(container, ended),
          rememberedRestarts: ended.attempt,
          rememberedImage: { image: ended.image, imageID: ended.imageId },
        })
      }
    }
  }

  /** When the newest container was first seen ended, or made and not started. */
  #noteEnd({ record }: ContainerView, { id, state }: RuntimeContainer): void {
    const isOver = state === 'Exited' || (state === 'Created' && record?.waiting !== undefined)
    if (!record || !isOver || record.ended?.containerId === id) return
    record.ended = { containerId: id, atMs: this.#options.context.clock.monotonicMs() }
  }

  #act(): void {
    const { context } = this.#options
    this.#adoptHealth()
    const view = this.view()
    const plan = planPod(view)
    if (plan.isEnding) this.records.terminatingSinceMs ??= view.monotonicMs
    for (const action of plan.actions) this.#actions.perform(action)
    if (plan.isEnding && this.records.areLogsRemoved && (this.records.isGone || this.records.isDeleted)) return this.#finish()
    this.#wakeAt(plan.wakeAtMs, false)
    const after = this.view()
    this.#noteResize(after)
    if (!this.records.isGone && !this.#isLeaving) this.#state(podStatus(after, { hostIPs: context.hostIPs() }))
    const running = plan.isEnding ? [] : containerViews(after).filter((v) => isProbed(v))
    context.probes.sync(this.#pod, running, this.#sandboxes[0]?.ips[0] ?? (this.#pod.spec?.hostNetwork ? (context.hostIPs()[0] ?? '') : ''))
  }

  #state(status: PodStatus): void {
    const { statuses, mirrorOf } = this.#options.context
    if (!isStaticPod(this.#pod)) return statuses.put(this.#pod, status)
    this.#pod = { ...this.#pod, status }
    const mirror = mirrorOf(this.#pod)
    if (mirror) statuses.put(mirror, status)
  }

  /** Its end has been told and it is about to be removed for good: what is left to say of its sandbox nobody would read. */
  get #isLeaving(): boolean {
    const { metadata, status } = this.#pod
    const isTold = isPodTerminal(this.#pod) && (status?.containerStatuses ?? []).every(({ state }) => state?.terminated !== undefined)
    return isTold && metadata.deletionTimestamp !== undefined && !metadata.finalizers?.length
  }

  #noteResize(view: PodView): void {
    if (!isResized(view, containerViews(view))) {
      this.records.resizeGeneration ??= this.#pod.metadata.generation ?? 0
    } else if (this.records.resizeGeneration !== undefined) {
      completeResize(this.#options.context, this.records, this.#pod)
      // Files of the downward API may tell of it.
      if (this.#sandboxes.length > 0) this.#refreshFiles()
      this.#options.onRoom()
    }
  }

  #finish(): void {
    this.#isClosed = true
    this.#cancelTimer?.()
    this.#options.context.probes.stop(this.records.uid)
    this.#options.onDone(this.records.uid)
  }

  #wakeAt(atMs: number | undefined, observe: boolean): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (atMs === undefined || this.#isClosed) return
    const { clock } = this.#options.context
    this.#cancelTimer = clock.schedule(Math.max(0, atMs - clock.monotonicMs()), () => this.look({ observe }))
  }
}

/** Nothing that the plan or the status rests on differs but what the agent states itself. */
function isOnlyOwnChange({ metadata: old }: Pod, { metadata, spec }: Pod): boolean {
  return (
    metadata.generation === old.generation &&
    metadata.deletionTimestamp === old.deletionTimestamp &&
    metadata.deletionGracePeriodSeconds === old.deletionGracePeriodSeconds &&
    deepEqual(metadata.annotations, old.annotations) &&
    deepEqual(metadata.labels, old.labels) &&
    // Conditions that others state decide about readiness.
    !spec?.readinessGates?.length
  )
}

function isProbed({ current, record, role }: ContainerView): boolean {
  return (
    (role === 'app' || role === 'sidecar') &&
    isRunning(current) &&
    record?.healthOf === current!.id &&
    !record.isPaused &&
    record.hasPostStarted === true
  )
}

function sorted(sandboxes: readonly RuntimePod[]): RuntimePod[] {
  return [...sandboxes].sort((a, b) => b.attempt - a.attempt || b.createdAtMs - a.createdAtMs)
}
