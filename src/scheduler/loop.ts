import { sleep } from '../base/clock.ts'
import type { LoopContext } from '../control/contract.ts'
import type { Pod } from '../kinds/generated/types/core-v1.ts'
import { Binder } from './binder.ts'
import { ClusterObserver, schedulerInformers } from './cluster-observer.ts'
import { defaultConfiguration, type SchedulerConfiguration } from './config/scheduler-configuration.ts'
import { type Diagnosis, diagnosisOfRefusal, fitErrorMessage } from './core/fit-error.ts'
import { isAssigned } from './core/pod-shape.ts'
import type { Candidate, PreemptionInput } from './core/preemption.ts'
import { scan } from './core/scan.ts'
import { type SharedCluster, sharedCluster } from './core/scheduler-core.ts'
import { Snapshot } from './core/snapshot.ts'
import { explainPod } from './explain/explain.ts'
import type { SchedulingExplanation } from './explain/explanation.ts'
import { type PodChanges, podChanges, type SchedulingFailure, writePodCondition } from './pod-condition.ts'
import { askExtenders, concerns } from './extenders/extender-client.ts'
import { EventOutlet } from './event-outlet.ts'
import { EventSeriesWriter, type PodEvent } from './event-series.ts'
import type { ExtenderConfig } from './extenders/extender-config.ts'
import { acceptAllowed, askForPreemption } from './extenders/extender-preemption.ts'
import { extenderJudgement } from './extenders/extender-judgement.ts'
import { followNodeUsage } from './follow-node-usage.ts'
import { gangPlugin, Gangs, groupKeyOf } from './gang/gangs.ts'
import { askForGroup, type GroupAnswers } from './gang/group-extenders.ts'
import type { RoomInTheMaking } from './gang/group-seating.ts'
import { writeGroupStatus } from './gang/group-status.ts'
import { type Attempt, type Placement, Placer } from './placer.ts'
import { noPreemption, Preemptor } from './preemptor.ts'
import { profileOf, type ProfileRuntime, profileRuntimes } from './profile-runtime.ts'
import { reliefsFor } from './reliefs.ts'
import { isGated, type QueuedPod, SchedulingQueue } from './queue.ts'
import { SchedulerMetrics } from './scheduler-metrics.ts'
import { lostRacesJudgement, lostRacesMax } from './shards/lost-races.ts'
import { ownNodes } from './shards/own-nodes.ts'
import { ownerOf, shardKeyOf } from './shards/shard-of.ts'

export type SchedulerConfig = SchedulerConfiguration & {
  /** Bindings and status writes under way at once: a full house pauses decisions. */
  readonly writesMax: number
  /** The same where bindings go to the API many in one call: they are no requests then, and wait for one commit. */
  readonly batchedWritesMax: number
  /** So long it decides without a pause; then requests and whoever else shares the event loop have a turn. */
  readonly turnMs: number
  /** Pods whose last decision is remembered, 256 bytes each. */
  readonly recordsMax: number
}

export const defaultSchedulerConfig: SchedulerConfig = {
  ...defaultConfiguration,
  writesMax: 256,
  batchedWritesMax: 4096,
  turnMs: 50,
  recordsMax: 1 << 16,
}

export type Scheduler = {
  /** Schedules until the signal aborts; resolves when everything under way has ended. */
  run(signal: AbortSignal): Promise<void>
  /** Why the pod is where it is, or nowhere; undefined when there is no such pod. */
  explain(namespace: string, name: string): SchedulingExplanation | undefined
  /** Whether it remembers a decision about the pod. */
  hasDecided(namespace: string, name: string): boolean
  readonly metrics: SchedulerMetrics
}

/** Several schedulers on one cluster: each places the pods of its share (shards/shard-of.ts) and asks for a check of the room. */
export type SharedScheduling = {
  readonly identity: string
  /** Names of those that are alive, and a call after every change of them. */
  readonly live: { readonly members: readonly string[]; onChange(listener: () => void): () => void }
  /** Whether nodes of its own share get a vote (shards/own-nodes.ts). Default true. */
  readonly prefersOwnNodes?: boolean
}

export type SchedulerOptions = {
  readonly context: LoopContext
  readonly config?: Partial<SchedulerConfig>
  readonly shared?: SharedScheduling
  /** The machine that its Events name. */
  readonly host?: string
  /** Where it counts; default: numbers of its own. */
  readonly metrics?: SchedulerMetrics
}

/** Watches pods and nodes, decides, and binds. `context.client` must speak for `system:kube-scheduler`. */
export function createScheduler(options: SchedulerOptions): Scheduler {
  const loop = new SchedulerLoop(options)
  return {
    run: (signal) => loop.run(signal),
    explain: (namespace, name) => loop.explain(namespace, name),
    hasDecided: (namespace, name) => loop.hasDecided(namespace, name),
    metrics: loop.metrics,
  }
}

/**
 * One decision at a time, synchronously on the snapshot; its write to the API runs beside the next decisions.
 *
 * 1. A decided pod is assumed on its node before anything else is decided, and forgotten if the binding fails.
 * 2. Between taking a pod from the queue and its decision there is no await, so no event can fall in between.
 * 3. At most `writesMax` writes are under way, `batchedWritesMax` where they go many in one call; nothing runs while the queue is empty.
 * 4. After `turnMs` of decisions everybody else on the event loop has a turn.
 */
class SchedulerLoop {
  readonly metrics: SchedulerMetrics
  readonly #context: LoopContext
  readonly #config: SchedulerConfig
  readonly #cluster: SharedCluster
  readonly #profiles: ReadonlyMap<string, ProfileRuntime>
  readonly #closePlugins: () => void
  readonly #queue: SchedulingQueue
  readonly #observer: ClusterObserver
  readonly #preemptor: Preemptor
  readonly #binder: Binder
  readonly #podChanges: PodChanges
  readonly #informers: ReturnType<typeof schedulerInformers>
  readonly #placer: Placer
  readonly #gangs: Gangs
  readonly #events: EventOutlet
  readonly #eventSeries: EventSeriesWriter
  #isAwake = true
  #signal = new AbortController().signal
  /** Decided pods whose volumes or devices are being made ready; they hold no place among the writes while they wait. */
  readonly #preparing = new Set<Promise<void>>()
  readonly #writes = new Set<Promise<void>>()
  #wake: (() => void) | undefined
  /** Waits for a free place among the writes. */
  #onWritten: (() => void) | undefined

  readonly #shared: SharedScheduling | undefined

  constructor(options: SchedulerOptions) {
    const { context, shared } = options
    const config = { ...defaultSchedulerConfig, ...options.config }
    this.metrics = options.metrics ?? new SchedulerMetrics()
    this.#context = context
    this.#config = config
    this.#shared = shared
    this.#cluster = sharedCluster(new Snapshot())
    this.#queue = new SchedulingQueue({
      clock: context.clock,
      onReady: () => this.#wake?.(),
      backoffInitialMs: config.podInitialBackoffSeconds * 1_000,
      backoffMaxMs: config.podMaxBackoffSeconds * 1_000,
    })
    this.#observer = new ClusterObserver({
      cluster: this.#cluster,
      queue: this.#queue,
      isOurs: (pod) => this.#isOurs(pod) && this.#isInShare(pod),
      filtersOf: (pod) => this.#profiles.get(profileOf(pod))!.filters,
    })
    this.#informers = schedulerInformers(context)
    const { client, clock, random, log } = context
    const onDropped = () => this.metrics.eventDropped()
    this.#eventSeries = new EventSeriesWriter({ client, clock, random, log, host: options.host ?? '', onDropped })
    const write = (events: readonly PodEvent[]) => this.#eventSeries.write(events)
    this.#events = new EventOutlet({ clock, write, isBusy: () => this.#isBusy, onDropped })
    const votes =
      shared && shared.prefersOwnNodes !== false ? [ownNodes({ identity: shared.identity, members: () => shared.live.members })] : []
    const profiles = config.profiles.map((profile) => ({ ...profile, plugins: [...profile.plugins, ...votes] }))
    const runtimes = profileRuntimes({ profiles, cluster: this.#cluster, context, informers: this.#informers })
    this.#profiles = runtimes.profiles
    this.metrics.expect(this.#profiles.keys())
    this.#closePlugins = runtimes.close
    this.#placer = new Placer({
      context,
      cluster: this.#cluster,
      informers: this.#informers,
      profiles: this.#profiles,
      observer: this.#observer,
      metrics: this.metrics,
      recordsMax: config.recordsMax,
    })
    this.#podChanges = podChanges(context)
    this.#preemptor = new Preemptor({
      context,
      events: this.#events,
      changes: this.#podChanges,
      budgets: this.#informers.budgets,
      metrics: this.metrics,
      onStays: (nodeName, victim) => this.#observer.victimStays(nodeName, victim),
    })
    this.#gangs = new Gangs({
      snapshot: this.#cluster.snapshot,
      pods: this.#informers.pods,
      groups: this.#informers.podGroups,
      queue: this.#queue,
      placer: this.#placer,
      preemptor: this.#preemptor,
      nominations: this.#cluster.nominations,
      evict: (rooms) => this.#makeRoom(rooms),
      commit: (placement) => this.#commit(placement),
      ask: (members) => this.#askForGroup(members),
      hold: ({ key }) => this.#observer.hold(key),
      isStillPending: (queued) => this.#isStillPending(queued),
      onFailed: (queued, error) => this.#failedBy(queued, error),
      track: (work) => this.#track(this.#preparing, work),
      onMisfit: (attempt, diagnosis) => this.#unplaced(attempt, diagnosis),
      park: (queued, why) => this.#park(queued, why),
      onTried: (group, outcome) => this.#track(this.#writes, writeGroupStatus(context, group, { ...outcome, signal: this.#signal })),
    })
    this.#binder = new Binder({
      context,
      events: this.#events,
      observer: this.#observer,
      nominations: this.#cluster.nominations,
      metrics: this.metrics,
      extender: config.extenders.find((e) => e.bindVerb !== ''),
      onFailed: (queued, message) => this.#failed(queued, message),
      checksFit: shared !== undefined,
      onLostRace: (queued, nodeName) => this.#lostRace(queued, nodeName),
    })
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    try {
      await this.#serve(signal)
    } finally {
      this.#closePlugins()
    }
  }

  async #serve(signal: AbortSignal): Promise<void> {
    const stopCounting = this.metrics.watchQueue(() => this.#queue.counts())
    const stopMeasuring = followNodeUsage({
      context: this.#context,
      plugins: this.#config.profiles.flatMap((p) => p.plugins),
      snapshot: this.#cluster.snapshot,
      onFallen: () => this.#observer.wake({ kind: 'NodeUsageFell' }),
    })
    // Before the informers are filled: a hundred thousand pods are taken in as they come, and not all at once at the end.
    const stopObserving = this.#observer.start(this.#informers)
    const stopSharing = this.#shared?.live.onChange(() => this.#membersChanged())
    const wakeUp = () => this.#wake?.()
    signal.addEventListener('abort', wakeUp)
    try {
      const { storage, devices, ...others } = this.#informers
      const informers = [...Object.values(others), ...Object.values(storage), ...Object.values(devices)]
      await Promise.all(informers.map((informer) => informer.synced(signal)))
      await this.#decideAll(signal)
    } finally {
      signal.removeEventListener('abort', wakeUp)
      stopObserving()
      stopMeasuring()
      stopSharing?.()
      stopCounting()
      this.#queue.close()
      await Promise.all([...this.#preparing, ...this.#writes])
      this.#events.close()
      this.#eventSeries.close()
    }
  }

  async #decideAll(signal: AbortSignal): Promise<void> {
    const { clock, client } = this.#context
    const { writesMax, batchedWritesMax, turnMs } = this.#config
    const underWayMax = client.createBatch ? batchedWritesMax : writesMax
    let turnEndMs = clock.monotonicMs() + turnMs
    while (!signal.aborted) {
      const queued = this.#queue.pop()
      if (queued) this.#tryToSchedule(queued)
      const isFull = this.#writes.size >= underWayMax
      if (queued && !isFull && clock.monotonicMs() < turnEndMs) continue
      if (isFull) await new Promise<void>((resolve) => (this.#onWritten = resolve))
      else if (queued) await sleep(clock, 0)
      else await this.#untilWoken()
      turnEndMs = clock.monotonicMs() + turnMs
      this.#wake = undefined
    }
  }

  async #untilWoken(): Promise<void> {
    this.#isAwake = false
    if (!this.#isBusy) this.#events.idle()
    await new Promise<void>((resolve) => (this.#wake = resolve))
    this.#isAwake = true
  }

  get #isBusy(): boolean {
    return this.#isAwake || this.#writes.size > 0
  }

  /** A bug in a plugin must not stop the others: it is logged, and the pod tries again after its back-off. */
  #tryToSchedule(queued: QueuedPod): void {
    try {
      this.#schedule(queued)
    } catch (error) {
      this.#context.log.error(
        { pod: queued.key, error: String(error), stack: error instanceof Error ? error.stack : undefined },
        'scheduling failed',
      )
      this.metrics.panicked()
      this.#queue.retry(queued)
    }
  }

  #schedule(queued: QueuedPod): void {
    const group = groupKeyOf(queued.pod)
    if (group !== undefined && this.#gangs.schedule(group, queued)) return
    let attempt = this.#placer.attempt(queued)
    const within = group === undefined ? undefined : this.#gangs.within(group)
    if (within) attempt = this.#placer.withJudged(attempt, within)
    if (queued.lostRaces.size > 0) attempt = this.#placer.withJudged(attempt, lostRacesJudgement(this.#cluster.snapshot, queued.lostRaces))
    if (attempt.refused?.isEarly) return this.#queue.waitFor(queued, new Set([attempt.refused.plugin]))
    if (attempt.refused) {
      this.metrics.decided('Unplaced', { profile: profileOf(queued.pod), ms: 0 })
      return this.#unplaced(attempt, diagnosisOfRefusal(this.#cluster.snapshot.nodeCount, attempt.refused))
    }
    const extenders = this.#config.extenders.filter((e) => concerns(e, queued.pod))
    if (extenders.length === 0) return this.#decide(attempt)
    this.#track(this.#preparing, this.#askAndDecide(attempt, extenders))
  }

  #decide(attempt: Attempt): void {
    const placement = this.#placer.place(attempt)
    if (placement.kind === 'Placed') this.#commit(placement)
    else if (placement.kind === 'Unplaced') this.#unplaced(attempt, placement.diagnosis)
    else this.#track(this.#writes, this.#failed(attempt.queued, placement.message))
  }

  #commit({ attempt: { queued }, nodeName, reservations }: Placement): void {
    if (reservations.length === 0) this.#track(this.#writes, this.#binder.bind(queued, nodeName, this.#signal))
    else this.#track(this.#preparing, this.#binder.prepareAndBind(queued, { nodeName, reservations }, this.#signal))
  }

  /** The only decision that waits for others: what they leave is decided on the snapshot as it is after their answer. */
  async #askAndDecide(attempt: Attempt, extenders: readonly ExtenderConfig[]): Promise<void> {
    const { queued, profile, target } = attempt
    const { snapshot } = profile.core
    const release = this.#observer.hold(queued.key)
    try {
      const nodes = scan(profile.core.planOf(target), snapshot).rows.map((row) => snapshot.nodes[row]!)
      const answer = await askExtenders(extenders, { pod: queued.pod, nodes, signal: this.#signal })
      if (!this.#isStillPending(queued)) return
      const judged = this.#placer.withJudged(attempt, extenderJudgement(answer, snapshot))
      const placement = this.#placer.place(judged)
      if (placement.kind === 'Placed') return this.#commit(placement)
      if (placement.kind === 'Failed') return await this.#failed(queued, placement.message)
      // Preemption asks by the scheduler's own filters: of nodes that they reject the extenders have not been asked yet.
      const candidates = extenders.some((e) => e.preemptVerb !== '') ? this.#preemptionCandidates(attempt, placement.diagnosis) : []
      if (candidates.length === 0) return this.#unplaced(attempt, placement.diagnosis)
      const allowed = await askForPreemption(extenders, { pod: queued.pod, candidates, snapshot, signal: this.#signal })
      if (this.#isStillPending(queued)) this.#unplaced(attempt, profile.core.diagnose(judged.target), acceptAllowed(allowed, snapshot))
    } catch (error) {
      await this.#failedBy(queued, error)
    } finally {
      release()
    }
  }

  #askForGroup(members: readonly QueuedPod[]): Promise<GroupAnswers> | undefined {
    const { extenders } = this.#config
    if (extenders.length === 0) return undefined
    const attempts = members.map((queued) => this.#placer.attempt(queued))
    return askForGroup(extenders, attempts, { snapshot: this.#cluster.snapshot, signal: this.#signal })
  }

  #preemptionCandidates({ profile, target }: Attempt, diagnosis: Diagnosis): readonly Candidate[] {
    return profile.preempts ? this.#preemptor.candidates(profile.core, target, diagnosis) : []
  }

  #unplaced(attempt: Attempt, diagnosis: Diagnosis, accept?: PreemptionInput['accept']): void {
    const { queued, profile, target } = attempt
    // Not all nodes were asked: that is no verdict yet.
    if (queued.lostRaces.size > 0) return this.#retryAllNodes(queued)
    this.#placer.recordUnplaced(queued, diagnosis)
    const { reliefs, mayPreempt } = reliefsFor(attempt)
    const preemption = profile.preempts && mayPreempt ? this.#preemptor.plan(profile.core, target, diagnosis, accept) : noPreemption
    const { nominatedNodeName } = preemption
    // Where room is being made, nothing is said of what else was tried.
    const attempted = nominatedNodeName ? [] : [...reliefs.map((r) => r.message), preemption.message].filter((text) => text !== '')
    const message = fitErrorMessage(diagnosis, attempted.join(', '))
    this.#park(queued, { message, plugins: new Set(diagnosis.nodesByPlugin.keys()), nominatedNodeName })
    for (const { act } of reliefs) if (act) this.#track(this.#writes, act(this.#signal))
    if (preemption.victims.length > 0) this.#track(this.#writes, this.#preemptor.evict(target, preemption, this.#signal))
  }

  #makeRoom(rooms: readonly RoomInTheMaking<Attempt>[]): void {
    for (const { asked, nodeName, victims } of rooms) {
      const { key, pod, priority } = asked.target
      this.#cluster.nominations.set({ key, pod, nodeName, priority, leaving: new Set(victims.map((victim) => victim.key)) })
      const plan = { message: '', nominatedNodeName: nodeName, victims }
      if (victims.length > 0) this.#track(this.#writes, this.#preemptor.evict(asked.target, plan, this.#signal))
    }
  }

  #park(
    queued: QueuedPod,
    why: { readonly message: string; readonly plugins: ReadonlySet<string>; readonly nominatedNodeName?: string | undefined },
  ): void {
    const { message, plugins, nominatedNodeName } = why
    this.#queue.park(queued, plugins)
    this.#tellFailure(queued.pod, message)
    const failure = { reason: 'Unschedulable', message, ...(nominatedNodeName === undefined ? {} : { nominatedNodeName }) }
    this.#track(this.#writes, this.#report(queued, failure))
  }

  #tellFailure(pod: Pod, note: string): void {
    this.#events.add({ pod, type: 'Warning', reason: 'FailedScheduling', action: 'Scheduling', note, reporter: profileOf(pod) })
  }

  explain(namespace: string, name: string): SchedulingExplanation | undefined {
    const key = `${namespace}/${name}`
    const pod = this.#informers.pods.get(key)
    if (!pod) return undefined
    const group = groupKeyOf(pod)
    const { profile, target, refused } = this.#placer.asked({ key, pod, priority: pod.spec?.priority ?? 0 })
    const groupWaits = group === undefined ? undefined : this.#gangs.whyWaiting(group)
    return explainPod({
      core: profile.core,
      target,
      refused: groupWaits ? { plugin: gangPlugin, ...groupWaits } : refused,
      record: this.#placer.recordOf(pod, key),
      isOurs: this.#isOurs(pod),
      isGated: isGated(pod),
      isInGang: group !== undefined && this.#gangs.isGang(group),
      extenders: this.#config.extenders.filter((e) => concerns(e, pod)).map((e) => e.urlPrefix),
    })
  }

  hasDecided(namespace: string, name: string): boolean {
    const key = `${namespace}/${name}`
    const pod = this.#informers.pods.get(key)
    return pod !== undefined && this.#placer.recordOf(pod, key) !== undefined
  }

  #isInShare(pod: Pod): boolean {
    return !this.#shared || ownerOf(shardKeyOf(pod), this.#shared.live.members) === this.#shared.identity
  }

  /** Pods and nodes have other owners now. */
  #membersChanged(): void {
    this.#cluster.snapshot.layoutVersion++
    this.#observer.reshard(this.#informers.pods)
  }

  #isOurs(pod: Pod): boolean {
    return this.#profiles.has(profileOf(pod))
  }

  #track(among: Set<Promise<void>>, work: Promise<void>): void {
    const tracked = work.finally(() => {
      among.delete(tracked)
      if (!this.#isBusy) this.#events.idle()
      this.#onWritten?.()
      this.#onWritten = undefined
    })
    among.add(tracked)
  }

  async #failedBy(queued: QueuedPod, error: unknown): Promise<void> {
    if (!this.#signal.aborted) await this.#failed(queued, error instanceof Error ? error.message : String(error))
  }

  /** A filter had no answer, somebody bound it first, it was replaced, the server had trouble: look at what is and try again after the back-off. */
  async #failed(queued: QueuedPod, message: string): Promise<void> {
    if (!this.#isStillPending(queued)) return
    this.#queue.retry(queued)
    this.#tellFailure(queued.pod, message)
    await this.#report(queued, {
      reason: 'SchedulerError',
      message,
      nominatedNodeName: this.#cluster.nominations.get(queued.key)?.nodeName ?? '',
    })
  }

  /** The room went to another scheduler's pod: at once elsewhere, since only that node is known to be worse than it seemed. */
  #lostRace(queued: QueuedPod, nodeName: string): void {
    if (!this.#isStillPending(queued)) return
    queued.lostRaces.add(nodeName)
    if (queued.lostRaces.size < lostRacesMax) this.#queue.retryNow(queued)
    else this.#retryAllNodes(queued)
  }

  #retryAllNodes(queued: QueuedPod): void {
    queued.lostRaces.clear()
    this.#queue.retry(queued)
  }

  /** Whether the pod still needs a node; it then goes on as what it is now. */
  #isStillPending(queued: QueuedPod): boolean {
    const current = this.#informers.pods.get(queued.key)
    if (current === undefined || isAssigned(current) || current.metadata.deletionTimestamp !== undefined || !this.#isInShare(current))
      return false
    queued.pod = current
    queued.shape = this.#cluster.snapshot.shapeOf(current)
    return true
  }

  async #report(queued: QueuedPod, failure: Omit<SchedulingFailure, 'signal'>): Promise<void> {
    const latest = this.#informers.pods.get(queued.key) ?? queued.pod
    await writePodCondition(this.#context, this.#podChanges, latest, { ...failure, signal: this.#signal })
  }
}
