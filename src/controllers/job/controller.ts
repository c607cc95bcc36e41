import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { gatherWithPods } from '../../control/gather-with-pods.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { controlledBy, orphansIn, performClaims, planClaims } from '../../control/ownership.ts'
import { slowStart } from '../../control/slow-start.ts'
import { keysOfController, watchKind } from '../../control/watch-declaration.ts'
import type { Job, JobStatus } from '../../kinds/generated/types/batch-v1.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { formatSelector, matches, type Selector, selectorFrom } from '../../machinery/label-selector.ts'
import { controllerOf, keyOf, splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { type FailureRecord, recordAfter } from './failure-backoff.ts'
import { jobPod } from './job-pod.ts'
import { completionOf, type Finish, judgeJob, type Verdict } from './judge.ts'
import { type NewPod, planPods, type PodPlan } from './plan.ts'
import { hasFailed, isTracked, trackingFinalizer } from './pod-facts.ts'
import { planCounted, planTracking, type Said, statusEquals } from './tracking.ts'

const { jobs } = kindRefs.batchV1
const { pods } = kindRefs.coreV1

/** What is not in any object: how often pods failed in a row, and which Jobs' last write may have happened unheard. */
type Memory = { readonly records: Map<string, { readonly uid: string; readonly record: FailureRecord }>; readonly uncertain: Set<string> }

/** Runs the pods of Jobs to their completion. */
export function jobController(): ControllerDefinition {
  const memory: Memory = { records: new Map(), uncertain: new Set() }
  return {
    name: 'job',
    watches: [watchKind(jobs), watchKind(pods, keysOfPod)],
    writes: [jobs, pods],
    minIntervalMs: gatherWithPods(jobs),
    reconcile: async (context, key) => {
      const isUncertain = memory.uncertain.delete(key)
      try {
        return await reconcile(context, key, memory, isUncertain)
      } catch (error) {
        memory.uncertain.add(key)
        throw error
      }
    },
  }
}

const keysOfOwner = keysOfController(jobs)
const nameLabel = 'batch.kubernetes.io/job-name'
const trackedIndex = 'job-of-tracked-pod'

/** The owner's; for a pod without one those that might adopt it, and the Job that left its finalizer behind. */
function keysOfPod(change: { readonly current: Pod | undefined; readonly old: Pod | undefined }, context: LoopContext): readonly string[] {
  const { current } = change
  if (!current || controllerOf(current)) return keysOfOwner(change)
  const adopters = context.informer(jobs).list(current.metadata.namespace)
  return [
    ...keysOfOwner(change),
    ...adopters.filter((job) => matches(selectorFrom(job.spec?.selector), current.metadata.labels)).map(keyOf),
    ...trackedKeyOf(current),
  ]
}

function trackedKeyOf(pod: Pod): readonly string[] {
  if (!isTracked(pod)) return []
  const owner = controllerOf(pod)
  const name = owner ? (owner.kind === 'Job' ? owner.name : undefined) : pod.metadata.labels?.[nameLabel]
  return name === undefined ? [] : [`${pod.metadata.namespace}/${name}`]
}

const isFinished = ({ status }: Job) =>
  status?.conditions?.some((c) => (c.type === 'Complete' || c.type === 'Failed') && c.status === 'True') ?? false

async function reconcile(context: LoopContext, key: string, memory: Memory, isUncertain: boolean): Promise<ReconcileResult> {
  const job = isUncertain ? await liveJob(context, key) : context.informer(jobs).get(key)
  await releaseLeftBehind(context, key, job)
  if (!job?.spec || isFinished(job)) {
    memory.records.delete(key)
    return
  }
  if (job.spec.managedBy !== undefined && job.spec.managedBy !== 'kubernetes.io/job-controller') return
  const owned = await claimPods(context, job, isUncertain)
  const verdict = judgeJob(job, owned, context.clock.now())
  const record = recordOf(memory, key, job, owned, verdict)
  const plan = planPods(job, owned, verdict, record, context.clock.now())
  const acting = new Acting(context, job, owned)
  const error = await acting.perform(plan)
  const activeCount = acting.pods.filter((pod) => pod.metadata.deletionTimestamp === undefined && !isEnded(pod)).length
  const finish = verdict.finish ?? (job.metadata.deletionTimestamp ? undefined : completionOf(job, verdict, activeCount))
  const isWhole = error === undefined || !plan.isOver
  if (finish?.reason === 'CompletionsReached' && verdict.succeeded > (job.spec.completions ?? verdict.succeeded)) {
    const message = 'Too many succeeded pods running after completion count reached'
    context.event(job, { type: 'Warning', reason: 'TooManySucceededPods', message })
  }
  const remember = () => memory.records.set(key, { uid: job.metadata.uid ?? '', record })
  const hasMore = await acting.track(verdict, isWhole ? finish : undefined, remember)
  if (error !== undefined) throw error
  if (hasMore) return { requeueAfterMs: 1 }
  return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs }
}

const isEnded = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** A first look takes what lies there for what happened: so a restart keeps most of the back-off. */
function recordOf(memory: Memory, key: string, job: Job, owned: readonly Pod[], verdict: Verdict): FailureRecord {
  const known = memory.records.get(key)
  if (known?.uid === job.metadata.uid) return recordAfter(known?.record, verdict.newlySucceeded, verdict.newlyFailed)
  const succeeded = owned.filter((pod) => pod.status?.phase === 'Succeeded')
  const failed = owned.filter((pod) => hasFailed(job, pod))
  return recordAfter(undefined, succeeded, failed)
}

async function liveJob(context: LoopContext, key: string): Promise<Job | undefined> {
  const { namespace, name } = splitKey(key)
  try {
    return await context.client.resource(jobs, namespace).get(name)
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined
    throw error
  }
}

/** Takes the finalizer from pods that no Job will count: theirs is gone, another, or finished. */
async function releaseLeftBehind(context: LoopContext, key: string, job: Job | undefined): Promise<void> {
  const informer = context.informer(pods)
  informer.addIndex(trackedIndex, trackedKeyOf)
  const selector = selectorFrom(job?.spec?.selector)
  const isAwaited = (pod: Pod) => {
    if (!job || isFinished(job)) return false
    const owner = controllerOf(pod)
    return owner ? owner.uid === job.metadata.uid : !job.metadata.deletionTimestamp && matches(selector, pod.metadata.labels)
  }
  const left = informer.byIndex(trackedIndex, key).filter((pod) => !isAwaited(pod))
  await Promise.all(left.map((pod) => untrack(context, pod)))
}

async function claimPods(context: LoopContext, job: Job, isUncertain: boolean): Promise<readonly Pod[]> {
  const { namespace = '', uid } = job.metadata
  const selector = selectorFrom(job.spec?.selector)
  const informer = context.informer(pods)
  const candidates = isUncertain
    ? await livePods(context, namespace, selector)
    : [...controlledBy(informer, uid), ...orphansIn(informer, namespace)]
  const claims = planClaims({
    owner: job,
    selector,
    controlled: candidates.filter((pod) => controllerOf(pod)?.uid === uid),
    orphans: candidates.filter((pod) => !controllerOf(pod)),
  })
  // A released pod is nobody's to count; first, so that it is not forgotten between the two writes.
  for (const pod of claims.release) if (isTracked(pod)) await untrack(context, pod)
  // An adopted one is, and likewise first.
  for (const pod of claims.adopt) if (!isTracked(pod)) await track(context, pod)
  return performClaims({ client: context.client, ownerKind: jobs, owner: job, kind: pods }, claims)
}

async function livePods(context: LoopContext, namespace: string, selector: Selector): Promise<readonly Pod[]> {
  if (selector.nothing) return []
  const { items } = await context.client.resource(pods, namespace).list({ labelSelector: formatSelector(selector) })
  return items
}

const track = (context: LoopContext, pod: Pod) => patchFinalizers(context, pod, { finalizers: [trackingFinalizer] })

/** Gives the pod without the tracking finalizer; undefined when it is gone. */
const untrack = (context: LoopContext, pod: Pod) =>
  patchFinalizers(context, pod, { '$deleteFromPrimitiveList/finalizers': [trackingFinalizer] })

async function patchFinalizers(context: LoopContext, pod: Pod, change: object): Promise<Pod | undefined> {
  const body = { metadata: { uid: pod.metadata.uid, ...change } }
  try {
    return await context.client.resource(pods, pod.metadata.namespace).patch(pod.metadata.name ?? '', { type: 'strategic', body })
  } catch (error) {
    if (isStatus(error, 'NotFound')) return undefined
    throw error
  }
}

/** Carries out what was planned for one Job, and knows its pods as they are after each write. */
class Acting {
  readonly #context: LoopContext
  #job: Job
  readonly #pods: Map<string, Pod>

  constructor(context: LoopContext, job: Job, owned: readonly Pod[]) {
    this.#context = context
    this.#job = job
    this.#pods = new Map(owned.map((pod) => [pod.metadata.uid ?? '', pod]))
  }

  get pods(): readonly Pod[] {
    return [...this.#pods.values()]
  }

  /** Gives the first failure. */
  async perform({ create, remove, isOver }: PodPlan): Promise<unknown> {
    const removals = await Promise.allSettled(remove.map((pod) => this.#remove(pod, isOver)))
    const failed = removals.find((result) => result.status === 'rejected')
    if (failed) return failed.reason
    const { error } = await slowStart(create.length, (i) => this.#create(create[i]!))
    return isNamespaceTerminating(error) ? undefined : error
  }

  /** The three steps of counting; true: more pods ended than one round counts. */
  async track(verdict: Verdict, finish: Finish | undefined, named: () => void): Promise<boolean> {
    const nowMs = this.#context.clock.now()
    const first = planTracking({ job: this.#job, pods: this.pods, verdict, finish, nowMs })
    await this.#write(first.status, first.events)
    named()
    await Promise.all(first.untrack.map(async (pod) => this.#put(pod, await untrack(this.#context, pod))))
    const second = planCounted(first.status, this.pods, first.hasMore ? undefined : finish, this.#context.clock.now())
    await this.#write(second.status, second.events)
    return first.hasMore
  }

  async #write(status: JobStatus, events: readonly Said[]): Promise<void> {
    if (!statusEquals(this.#job.status, status))
      this.#job = await this.#context.client.resource(jobs, this.#job.metadata.namespace).updateStatus({ ...this.#job, status })
    for (const event of events) this.#context.event(this.#job, event)
  }

  #put(pod: Pod, now: Pod | undefined): void {
    const uid = pod.metadata.uid ?? ''
    if (now) this.#pods.set(uid, now)
    else this.#pods.delete(uid)
  }

  async #create(wanted: NewPod): Promise<void> {
    try {
      const pod = await this.#context.client.resource(pods, this.#job.metadata.namespace).create(jobPod(this.#job, wanted))
      this.#put(pod, pod)
      this.#context.event(this.#job, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${pod.metadata.name}` })
    } catch (error) {
      if (!isNamespaceTerminating(error)) this.#tellFailure('FailedCreate', 'creating', error)
      throw error
    }
  }

  async #remove(pod: Pod, isOver: boolean): Promise<void> {
    const { name = '', namespace, uid } = pod.metadata
    try {
      // What is superfluous is not counted as failed: the finalizer goes first.
      if (!isOver && isTracked(pod)) await untrack(this.#context, pod)
      const deleted = await this.#context.client.resource(pods, namespace).delete(name, { preconditions: uid ? { uid } : {} })
      this.#put(pod, deleted.kind === 'Pod' && (deleted as Pod).metadata.deletionTimestamp ? (deleted as Pod) : undefined)
      this.#context.event(this.#job, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${name}` })
    } catch (error) {
      if (isStatus(error, 'NotFound')) return this.#put(pod, undefined)
      if (!isStatus(error, 'Conflict')) this.#tellFailure('FailedDelete', 'deleting', error)
      throw error
    }
  }

  #tellFailure(reason: string, what: string, error: unknown): void {
    const message = `Error ${what}: ${error instanceof Error ? error.message : String(error)}`
    this.#context.event(this.#job, { type: 'Warning', reason, message })
  }
}
