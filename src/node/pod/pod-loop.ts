/**
 * All pods of one node: a worker each, fed by the API's pods, the engine's events and their own timers.
 *
 * 1. After a start nothing is touched before both sides are known: the API's pods and everything that the engine holds. Only the node's own
 *    pods are run before the API answers.
 * 2. When the engine's event stream breaks, everything is listed anew as soon as the engine answers again.
 * 3. What the engine holds of pods that the API does not know is ended and removed.
 */
import { backoffMs } from '../../base/backoff.ts'
import { sleep } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { RuntimeEvent, RuntimePod } from '../runtime/contract.ts'
import type { PodContext } from './pod-context.ts'
import { PodWorker } from './pod-worker.ts'
import type { TerminalReason } from './pod-records.ts'

/** Where the pods of this node come from: an informer of its own, or a shared one. */
export type PodSource = {
  synced(signal: AbortSignal): Promise<void>
  list(): readonly Pod[]
  /** Every change from now on, and once for each pod that is there. */
  onChange(handler: (change: { readonly current: Pod | undefined; readonly old: Pod | undefined }) => void): () => void
  /** Likewise the pods that the node has of its own, which wait for no API. */
  readonly local?: PodSource['onChange']
}

export type PodLoopOptions = {
  readonly context: PodContext
  readonly source: PodSource
  readonly random: Random
  /** Nothing is left of a pod. */
  readonly onEnd?: (uid: string) => void
}

const preempted: TerminalReason = { reason: 'Preempting', message: 'Preempted in order to admit critical pod', hasStarted: true }
/** Others' containers on the same engine end, too, and are never claimed. */
const earlyExitsMax = 1024
const reconnect = { initialMs: 200, maxMs: 10_000, factor: 2, jitter: 0.5 } as const

export class PodLoop {
  readonly #options: PodLoopOptions
  readonly #workers = new Map<string, PodWorker>()
  /** Engine ids of containers and sandboxes → uid. */
  readonly #owners = new Map<string, string>()
  readonly #listeners = new Map<string, Set<() => void>>()
  readonly #idsOf = new Map<string, readonly string[]>()
  /** Exits of containers that nobody owned yet, the latest last. */
  readonly #earlyExits = new Set<string>()
  #failingSinceMs: number | undefined
  /** What the engine held at the last list for pods without a worker yet. */
  #held = new Map<string, RuntimePod[]>()

  readonly #removals: { api?: (() => void) | undefined; local?: (() => void) | undefined } = {}
  #hasApi = false

  constructor(options: PodLoopOptions) {
    this.#options = options
  }

  /** Since when the engine has not answered, by the clock that nobody sets; undefined: it does. */
  get failingSinceMs(): number | undefined {
    return this.#failingSinceMs
  }

  get workers(): ReadonlyMap<string, PodWorker> {
    return this.#workers
  }

  /** Pods as this agent has them, with the status that it states (possibly newer than the API's). */
  pods(): Pod[] {
    return [...this.#workers.values()].map((w) => w.pod)
  }

  /**
   * Those that take room on the node: refused ones do not, even before the API knows, nor do those that are gone from the API, even while
   * their containers end: the scheduler has given their room away already.
   */
  admittedPods(): Pod[] {
    return [...this.#workers.values()]
      .filter(({ records }) => !records.isGone && records.terminal?.hasStarted !== false)
      .map((w) => w.allocated)
  }

  worker(uid: string): PodWorker | undefined {
    return this.#workers.get(uid)
  }

  find(namespace: string, name: string): PodWorker | undefined {
    for (const worker of this.#workers.values()) {
      const { metadata } = worker.pod
      if (metadata.name === name && metadata.namespace === namespace && !worker.records.isGone) return worker
    }
    return undefined
  }

  /** Runs until the signal aborts; containers are left running. */
  async run(signal: AbortSignal): Promise<void> {
    const { source, context } = this.#options
    const synced = source.synced(signal).then(() => {
      this.#hasApi = true
    })
    try {
      if (source.local) void synced.then(() => this.#catchUp(signal)).catch(() => {})
      else await synced
    } catch (error) {
      if (signal.aborted) return
      throw error
    }
    let failures = 0
    while (!signal.aborted) {
      try {
        const stream = context.runtime.events(signal)
        await this.#list()
        this.#removals.local ??= source.local?.((change) => this.#onPodChange(change))
        if (this.#hasApi) await this.#takeApiPods()
        failures = 0
        this.#failingSinceMs = undefined
        for await (const event of stream) this.#onEvent(event)
      } catch (error) {
        this.#failingSinceMs ??= context.clock.monotonicMs()
        if (!signal.aborted) context.log.warn({ error: String(error) }, 'the container engine does not answer; trying again')
      }
      if (!signal.aborted) await sleep(context.clock, backoffMs(reconnect, failures++, this.#options.random), signal).catch(() => {})
    }
    this.#removals.api?.()
    this.#removals.local?.()
    await Promise.all([...this.#workers.values()].map((w) => w.close()))
  }

  /** The API answers at last, while the node's own pods run already. */
  async #catchUp(signal: AbortSignal): Promise<void> {
    // Before the first list the loop itself takes them.
    while (!signal.aborted && this.#removals.local && !this.#removals.api) {
      try {
        await this.#list()
        return await this.#takeApiPods()
      } catch {
        await sleep(this.#options.context.clock, reconnect.initialMs, signal)
      }
    }
  }

  async #takeApiPods(): Promise<void> {
    const { source, context } = this.#options
    this.#removals.api ??= source.onChange((change) => this.#onPodChange(change))
    this.#endOrphans()
    await context.host
      .sweep(new Set(this.#workers.keys()))
      .catch((error: unknown) => context.log.warn({ error: String(error) }, 'leftovers of pods could not be removed'))
  }

  /** Something outside the pod changed that its status or start depends on (a probe's verdict, a ConfigMap). */
  look(uid: string): void {
    this.#workers.get(uid)?.look({ observe: false })
  }

  /** Calls back after each look at a pod. Returns the removal. */
  onLooked(uid: string, listener: () => void): () => void {
    const listeners = this.#listeners.get(uid) ?? new Set()
    this.#listeners.set(uid, listeners.add(listener))
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0) this.#listeners.delete(uid)
    }
  }

  /** Ends a pod for the node's own reasons. */
  evict(uid: string, terminal: TerminalReason): void {
    const worker = this.#workers.get(uid)
    if (!worker || worker.records.terminal) return
    worker.records.terminal = terminal
    // Why the machine stops is told of the node.
    if (terminal.reason !== 'Terminated')
      this.#options.context.event(worker.pod, { type: 'Warning', reason: terminal.reason, message: terminal.message })
    worker.look({ observe: false })
  }

  /** There may be more room than before: resizes that wait for it are weighed again, those of the most important pods first. */
  retryResizes(): void {
    const waiting = [...this.#workers.values()].filter(
      ({ records }) => records.allocated !== undefined && records.resizePending?.reason !== 'Infeasible',
    )
    for (const worker of waiting.sort((a, b) => (b.pod.spec?.priority ?? 0) - (a.pod.spec?.priority ?? 0))) worker.retryResize()
  }

  async #list(): Promise<void> {
    const pods = await this.#options.context.runtime.list()
    const byUid = new Map<string, RuntimePod[]>()
    for (const pod of pods) {
      const list = byUid.get(pod.uid) ?? []
      list.push(pod)
      byUid.set(pod.uid, list)
    }
    for (const [uid, held] of byUid)
      this.#watchIds(
        uid,
        held.flatMap((s) => [s.sandboxId, ...s.containers.map((c) => c.id)]),
      )
    for (const [uid, worker] of this.#workers) worker.setSandboxes(byUid.get(uid) ?? [])
    this.#held = byUid
  }

  /** Ends what belongs to no pod of the API: deleted while this agent was away. */
  #endOrphans(): void {
    for (const [uid, sandboxes] of this.#held) {
      if (this.#workers.has(uid)) continue
      const { namespace, name } = sandboxes[0]!
      const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name, uid }, spec: orphanSpec(sandboxes) }
      this.#addWorker(pod, sandboxes).setGone(pod)
    }
    this.#held = new Map()
  }

  #onPodChange({ current, old }: { readonly current: Pod | undefined; readonly old: Pod | undefined }): void {
    const oldUid = old?.metadata.uid
    const uid = current?.metadata.uid
    if (old && oldUid !== undefined && oldUid !== uid) this.#workers.get(oldUid)?.setGone(old)
    if (!current || uid === undefined) return
    const worker = this.#workers.get(uid)
    if (worker) worker.setPod(current)
    else this.#admit(current)
  }

  #admit(pod: Pod): void {
    const uid = pod.metadata.uid ?? ''
    const sandboxes = this.#held.get(uid) ?? []
    const { context } = this.#options
    const isNew = sandboxes.length === 0 && !pod.status?.containerStatuses?.length && pod.metadata.deletionTimestamp === undefined
    const isOver = pod.status?.phase === 'Failed' || pod.status?.phase === 'Succeeded'
    const admission = isNew && !isOver ? context.admit(pod) : { victims: [] }
    const worker = this.#addWorker(pod, sandboxes)
    if ('victims' in admission) {
      for (const { metadata } of admission.victims) this.#makeRoom(worker, metadata.uid ?? '')
    } else {
      const { refusal } = admission
      worker.records.terminal = { ...refusal, message: `Pod was rejected: ${refusal.message}` }
      context.event(pod, { type: 'Warning', reason: refusal.reason, message: refusal.message })
    }
    if (sandboxes.length > 0 && pod.metadata.deletionTimestamp === undefined && !isOver) {
      void context.host
        .adopt(pod)
        .catch((error: unknown) => context.log.warn({ error: String(error) }, 'a running pod could not be taken over'))
    }
    worker.look({ observe: false })
  }

  /** Ends a pod for another one, which starts when nothing of the first is left: until then it has what the other was promised. */
  #makeRoom(worker: PodWorker, victim: string): void {
    this.evict(victim, preempted)
    const { waitsFor } = worker.records
    waitsFor.add(victim)
    const remove = this.onLooked(victim, () => {
      if (this.#workers.get(victim)?.records.isTornDown === false) return
      remove()
      waitsFor.delete(victim)
      worker.look({ observe: false })
    })
    this.look(victim)
  }

  #addWorker(pod: Pod, sandboxes: readonly RuntimePod[]): PodWorker {
    const uid = pod.metadata.uid ?? ''
    const worker = new PodWorker({
      context: this.#options.context,
      pod,
      sandboxes,
      watchIds: (owner, ids) => this.#watchIds(owner, ids),
      onLooked: (looked) => {
        for (const listener of this.#listeners.get(looked) ?? []) listener()
      },
      onRoom: () => this.retryResizes(),
      onDone: (done) => this.#forget(done),
    })
    this.#workers.set(uid, worker)
    return worker
  }

  #watchIds(uid: string, ids: readonly string[]): void {
    for (const id of this.#idsOf.get(uid) ?? []) this.#owners.delete(id)
    for (const id of ids) this.#owners.set(id, uid)
    this.#idsOf.set(uid, ids)
    // The look that found the container may have seen it as it was before its end.
    if (ids.filter((id) => this.#earlyExits.delete(id)).length > 0) this.#workers.get(uid)?.look({ observe: true })
  }

  #forget(uid: string): void {
    for (const id of this.#idsOf.get(uid) ?? []) this.#owners.delete(id)
    this.#idsOf.delete(uid)
    this.#workers.delete(uid)
    for (const listener of this.#listeners.get(uid) ?? []) listener()
    this.#options.onEnd?.(uid)
    this.retryResizes()
  }

  #onEvent({ containerId, type }: RuntimeEvent): void {
    const uid = this.#owners.get(containerId)
    if (uid !== undefined) return this.#workers.get(uid)?.look({ observe: true })
    // An id that nobody owns yet belongs to a step under way, which looks again when it ends; that look may be on its way, too.
    if (type !== 'ContainerExited') return
    this.#earlyExits.add(containerId)
    for (const oldest of this.#earlyExits) if (this.#earlyExits.size > earlyExitsMax) this.#earlyExits.delete(oldest)
  }
}

/** Enough of a spec to end an orphan's containers one and all. */
function orphanSpec(sandboxes: readonly RuntimePod[]): NonNullable<Pod['spec']> {
  const names = new Set(sandboxes.flatMap((s) => s.containers.map((c) => c.name)))
  return { containers: [...names].map((name) => ({ name })) }
}
