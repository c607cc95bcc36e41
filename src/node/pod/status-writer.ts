import { backoffMs } from '../../base/backoff.ts'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { compareResourceVersions } from '../../client/resource-version.ts'
import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { Semaphore } from '../semaphore.ts'

export type StatusWriterOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Default: nothing waits. */
  readonly gather?: StatusGather
  /** The pod as it is after a write. */
  readonly onWritten: (pod: Pod) => void
}

/** So long the steps of a pod wait for the next, so that one write tells all of them. */
export type StatusGather = {
  /** Of a pod that comes up, which is seen Pending for as long; and of one that goes that this was seen, which tells nobody anything. */
  readonly startMs: number
  /** Of a pod that ends, and what else there is of one that goes. */
  readonly endMs: number
}

type Entry = {
  pod: Pod
  wanted: PodStatus
  writing: Promise<void> | undefined
  isGone: boolean
  /** Somebody waits for it. */
  isPressing: boolean
  /** Ends the wait for more. */
  proceed: (() => void) | undefined
  /** How long that wait may be. */
  waitMs: number
}

/** The condition types that the agent removes when it no longer states them. */
const transientConditions = new Set(['PodResizePending', 'PodResizeInProgress'])
/** Writes under way at a time, as upstream's agent has it: a burst of starts meets the server as fewer and newer statuses. */
const parallelWrites = 1
const retry = { initialMs: 100, maxMs: 10_000, factor: 2, jitter: 0.5 } as const

/**
 * Brings pods' statuses to the API: one write at a time, the pods by turns, and only the newest wanted status counts. A patch names the uid (never
 * another pod of the same name) and only what changed, so that conditions of others are left alone and no version can conflict.
 */
export class StatusWriter {
  readonly #options: StatusWriterOptions
  readonly #entries = new Map<string, Entry>()
  readonly #slots = new Semaphore(parallelWrites)
  readonly #signal: AbortSignal

  constructor(options: StatusWriterOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  /** States what the status should be; returns at once. */
  put(pod: Pod, wanted: PodStatus): void {
    const uid = pod.metadata.uid ?? ''
    const entry = this.#entries.get(uid)
    if (entry) {
      entry.wanted = wanted
      if (isNewer(pod, entry.pod)) entry.pod = pod
      if (this.#gatherMs(entry) < entry.waitMs) entry.proceed?.()
      return
    }
    if (statusPatch(pod.status, wanted) === undefined) return
    const fresh: Entry = { pod, wanted, writing: undefined, isGone: false, isPressing: false, proceed: undefined, waitMs: 0 }
    this.#entries.set(uid, fresh)
    fresh.writing = this.#write(uid, fresh)
  }

  /** The pod is gone: what is left to write for it is not tried again. */
  forget(uid: string): void {
    const entry = this.#entries.get(uid)
    if (!entry) return
    entry.isGone = true
    entry.proceed?.()
  }

  /** Resolves when nothing is left to write for the pod. */
  async flushed(uid: string): Promise<void> {
    for (let entry = this.#entries.get(uid); entry; entry = this.#entries.get(uid)) {
      entry.isPressing = true
      entry.proceed?.()
      await entry.writing
    }
  }

  async #write(uid: string, entry: Entry): Promise<void> {
    // A later microtask: what one step of the loop states twice is written once.
    await Promise.resolve()
    let failures = 0
    let told: Record<string, unknown> | undefined
    for (;;) {
      if (!entry.isPressing && !entry.isGone) await this.#gather(entry)
      const patch = statusPatch(entry.pod.status, entry.wanted)
      // In one step with the entry's end: what is stated from here on makes a new one.
      if (this.#signal.aborted || entry.isGone || patch === undefined) break
      // The server has it in other words: to say it again would change nothing.
      if (deepEqual(patch, told)) break
      try {
        const written = await this.#slots.run(() => this.#patch(entry), this.#signal)
        failures = 0
        if (!written) continue
        told = patch
        entry.pod = written
        this.#options.onWritten(written)
      } catch (error) {
        if (isStatus(error, 'NotFound') || this.#signal.aborted) break
        // Another pod of this name, or only a server that gave up on a busy object: the second is worth another try.
        if (isStatus(error, 'Conflict') && !(await this.#isStillThere(entry))) break
        this.#options.log.warn({ pod: entry.pod.metadata.name, error: String(error) }, 'the pod status could not be written')
        if (isStatus(error, 'Invalid') || isStatus(error, 'BadRequest')) break
        const delay = backoffMs(retry, failures++, this.#options.random)
        await sleep(this.#options.clock, delay, this.#signal).catch(() => {})
      }
    }
    this.#entries.delete(uid)
  }

  /** Until there is more to tell than the next step, or for as long as that may wait. */
  async #gather(entry: Entry): Promise<void> {
    const gatherMs = this.#gatherMs(entry)
    // After a write there may be nothing left to tell.
    if (gatherMs === 0 || statusPatch(entry.pod.status, entry.wanted) === undefined) return
    entry.waitMs = gatherMs
    await new Promise<void>((resolve) => {
      const cancel = this.#options.clock.schedule(gatherMs, resolve)
      entry.proceed = () => {
        cancel()
        resolve()
      }
    })
    entry.proceed = undefined
    entry.waitMs = 0
  }

  #gatherMs(entry: Entry): number {
    const step = stepOf(entry)
    return step === undefined ? 0 : (this.#options.gather?.[step] ?? 0)
  }

  async #isStillThere(entry: Entry): Promise<boolean> {
    const { namespace, name = '', uid } = entry.pod.metadata
    try {
      const current = await this.#options.client.resource(kindRefs.coreV1.pods, namespace).get(name, { signal: this.#signal })
      return current.metadata.uid === uid
    } catch (error) {
      // A refusal says nothing: of a pod that another node has by now, or of rights that come in a moment. The watch tells who is gone.
      return !isStatus(error, 'NotFound')
    }
  }

  /** Brings what is wanted by now; undefined when that is there already. */
  async #patch({ pod, wanted }: Entry): Promise<Pod | undefined> {
    const status = statusPatch(pod.status, wanted)
    if (status === undefined) return undefined
    const { namespace, name, uid } = pod.metadata
    const body = { metadata: { uid }, status }
    return this.#options.client
      .resource(kindRefs.coreV1.pods, namespace)
      .patch(name ?? '', { type: 'strategic', body }, { subresource: 'status', signal: this.#signal })
  }
}

const steps = new Set(['ContainerCreating', 'PodInitializing'])

/**
 * Which step it is, if that is all that there is to tell: how far the pod has come on its way to its last container's start, or on its way
 * out; or that it has ended by itself, which is told with the end of its sandbox: upstream's agent waits for that without a bound.
 */
function stepOf({ pod, wanted }: Entry): keyof StatusGather | undefined {
  const { phase, reason, message, containerStatuses = [], initContainerStatuses = [] } = wanted
  if (pod.metadata.deletionTimestamp !== undefined) {
    if (phase !== pod.status?.phase || reason || message) return undefined
    return tellsGenerationAlone(pod.status, wanted) ? 'startMs' : 'endMs'
  }
  if (reason || message) return undefined
  if (phase === 'Succeeded' || phase === 'Failed') return phase !== pod.status?.phase && hasSandbox(wanted) ? 'endMs' : undefined
  // One that ran and has lost its sandbox is not ready any more, which nobody should wait for.
  if (phase !== 'Pending' || pod.status?.phase === 'Running') return undefined
  return [...initContainerStatuses, ...containerStatuses].every(isOnItsWay) ? 'startMs' : undefined
}

function tellsGenerationAlone(told: PodStatus | undefined, wanted: PodStatus): boolean {
  const asTold = ({ observedGeneration: _, ...condition }: PodCondition): PodCondition => {
    const { observedGeneration } = told?.conditions?.find(({ type }) => type === condition.type) ?? {}
    return observedGeneration === undefined ? condition : { ...condition, observedGeneration }
  }
  const { observedGeneration: _, ...rest } = wanted
  const { observedGeneration } = told ?? {}
  const conditions = (wanted.conditions ?? []).map(asTold)
  return statusPatch(told, { ...rest, conditions, ...(observedGeneration === undefined ? {} : { observedGeneration }) }) === undefined
}

/** Waits for its turn, runs as the first of several, or has been what others waited for. */
function isOnItsWay({ state, restartCount }: ContainerStatus): boolean {
  if (state?.waiting) return steps.has(state.waiting.reason ?? '') && !state.waiting.message
  return restartCount === 0 && (state?.running !== undefined || state?.terminated?.exitCode === 0)
}

function hasSandbox({ conditions = [] }: PodStatus): boolean {
  return conditions.some(({ type, status }) => type === 'PodReadyToStartContainers' && status === 'True')
}

export function isNewer(pod: Pod, than: Pod): boolean {
  return compareResourceVersions(pod.metadata.resourceVersion ?? '', than.metadata.resourceVersion ?? '') > 0
}

/** Lists that the strategic merge would merge by key but that the agent owns whole. */
const ownedFields: readonly (keyof PodStatus)[] = [
  'observedGeneration',
  'phase',
  'message',
  'reason',
  'hostIP',
  'hostIPs',
  'podIP',
  'podIPs',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
  'qosClass',
  'ephemeralContainerStatuses',
  'resources',
  'allocatedResources',
]

/** The strategic merge patch of `/status` from what is to what should be; undefined: nothing to change. */
export function statusPatch(current: PodStatus | undefined, wanted: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {}
  for (const field of ownedFields) {
    if (deepEqual(current?.[field], wanted[field])) continue
    if (wanted[field] === undefined) patch[field] = null
    else if (field === 'podIPs' || field === 'hostIPs') patch[field] = replaceList(current?.[field], wanted[field]!)
    // What is gone from them would stay by a merge.
    else if ((field === 'resources' || field === 'allocatedResources') && current?.[field])
      patch[field] = { $patch: 'replace', ...wanted[field] }
    else patch[field] = wanted[field]
  }
  const conditions = conditionPatch(current?.conditions ?? [], wanted.conditions ?? [])
  if (conditions.length > 0) patch.conditions = conditions
  return Object.keys(patch).length > 0 ? patch : undefined
}

/** These merge by `ip`: an address that is gone must be named as deleted. */
function replaceList(current: readonly { ip?: string }[] | undefined, wanted: readonly { ip?: string }[]): unknown[] {
  const gone = (current ?? []).filter((old) => !wanted.some((w) => w.ip === old.ip))
  return [...gone.map(({ ip }) => ({ $patch: 'delete', ip })), ...wanted]
}

function conditionPatch(current: readonly PodCondition[], wanted: readonly PodCondition[]): unknown[] {
  const result: unknown[] = []
  for (const condition of wanted) {
    const old = current.find((c) => c.type === condition.type)
    if (old && deepEqual(withoutEmpty(old), condition)) continue
    // A reason or message that no longer holds has to be taken away by name.
    const cleared: Record<string, null> = {}
    if (old?.reason && !condition.reason) cleared.reason = null
    if (old?.message && !condition.message) cleared.message = null
    result.push({ ...condition, ...cleared })
  }
  for (const old of current) {
    if (transientConditions.has(old.type) && !wanted.some((c) => c.type === old.type)) result.push({ $patch: 'delete', type: old.type })
  }
  return result
}

/** The scheduler writes `lastProbeTime: null` and empty texts: not a difference. */
function withoutEmpty(condition: PodCondition): PodCondition {
  const result = { ...condition } as Record<string, unknown>
  for (const key of Object.keys(result)) if (result[key] === null || result[key] === '' || key === 'lastProbeTime') delete result[key]
  return result as PodCondition
}
