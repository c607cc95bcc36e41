import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { CacheEntry } from '../../store/watch-cache-contract.ts'
import { admissionRequest } from '../admission/request.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { Core, RequestContext } from '../core.ts'
import { type ObjectChange, prepareViews, viewOf } from '../objects/object-storage.ts'
import { keyOfObject, type Resource } from '../registry.ts'
import { freshCache } from './read-revision.ts'
import { type Deletion, type DeletionOptions, type LastChange, planDeletion } from './deletion-rules.ts'

export type DeleteRequest = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly options: DeletionOptions
  readonly dryRun: boolean
  /** One of many that were asked for together: admission is not told its name. */
  readonly isOfCollection?: boolean
  /** The request has been through admission as something else (an eviction). */
  readonly isAdmitted?: boolean
  /** What is to be seen of the object by whoever hears of its end: stored with the mark of a deletion, or told with the removal. */
  readonly change?: LastChange | undefined
}

/**
 * `isGone`: removed from the store; otherwise it is marked and waits for its grace period or finalizers. `value` is made when it is read:
 * who deletes a collection does not look at each, and of what is gone most clients are told the name and uid, which are in `metadata`.
 */
export type DeleteResult = {
  readonly value: CachedObject
  readonly metadata: KubeObject['metadata']
  readonly isGone: boolean
  /** `value` of what is gone, as it is stored, where that differs from what was there. */
  readonly last?: KubeObject | undefined
}

const attemptsMax = 25

/** Deletes one object by its kind's rules. Throws StatusError: 403, 404, 409 (preconditions). */
export async function deleteObject(core: Core, context: RequestContext, request: DeleteRequest): Promise<DeleteResult> {
  const { resource, namespace, name, dryRun } = request
  const key = keyOfObject(resource, namespace, name)
  let { options } = request
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    const refreshing = freshCache(core, context)
    if (refreshing) await refreshing
    const entry = core.storage.cache.get(key)
    if (!entry) throw statusErrors.notFound(resource.name, name)
    const planning = plannedDeletion(core, context, { ...request, options }, entry)
    const plan = planning instanceof Promise ? await planning : planning
    if (dryRun) return dryResult(core, plan, entry)
    context.proceed?.()
    // Other servers tell of what was stored last: there the change has a commit of its own.
    if (refreshing && plan.type === 'remove' && plan.told) {
      const changed = await core.storage.put(entry.key, plan.told, entry.revision)
      if (changed.type === 'committed') options = madeFor(changed.value, options)
      continue
    }
    const result = await perform(core, resource, { plan, entry })
    if (result) return result
  }
  throw statusErrors.staleVersion(resource.name, name)
}

/**
 * Several deletions, each judged and answered as if it had come alone, and committed in one turn, each with a revision of its own. Not for
 * dry runs.
 */
export async function deleteEach(
  core: Core,
  context: RequestContext,
  { resource, deletions }: { readonly resource: Resource; readonly deletions: readonly Omit<DeleteRequest, 'resource' | 'dryRun'>[] },
): Promise<readonly PromiseSettledResult<DeleteResult>[]> {
  const requests = deletions.map((deletion): DeleteRequest => ({ ...deletion, resource, dryRun: false }))
  const alone = (request: DeleteRequest) => deleteObject(core, context, request)
  if (freshCache(core, context)) return Promise.allSettled(requests.map(alone))
  const outcomes: PromiseSettledResult<DeleteResult>[] = []
  const writes: { readonly i: number; readonly planned: Planned; readonly change: ObjectChange }[] = []
  const late: Promise<void>[] = []
  const take = (i: number, planned: Planned) => {
    const change = changeOf(core, resource, planned)
    if (change) writes.push({ i, planned, change })
    else outcomes[i] = { status: 'fulfilled', value: present(planned.entry.value) }
  }
  const refuse = (i: number, reason: unknown) => void (outcomes[i] = { status: 'rejected', reason })
  for (const [i, request] of requests.entries()) {
    try {
      const entry = core.storage.get(resource, request.namespace, request.name)
      if (!entry) throw statusErrors.notFound(resource.name, request.name)
      const planning = plannedDeletion(core, context, request, entry)
      if (!(planning instanceof Promise)) take(i, { plan: planning, entry })
      else late.push(planning.then((plan) => take(i, { plan, entry })).catch((error: unknown) => refuse(i, error)))
    } catch (error) {
      refuse(i, error)
    }
  }
  if (late.length > 0) await Promise.all(late)
  context.proceed?.()
  const results = writes.length > 0 ? await core.storage.changeEach(writes.map(({ change }) => change)) : []
  for (const [n, { i, planned }] of writes.entries()) {
    const result = results[n]!
    if (result.status === 'rejected') outcomes[i] = result
    else if (result.value.type === 'committed')
      outcomes[i] = { status: 'fulfilled', value: await done(core, resource, planned, result.value.value) }
  }
  // Where another writer came first.
  const again = requests.flatMap((request, i) => (outcomes[i] ? [] : [{ i, request }]))
  const retried = await Promise.allSettled(again.map(({ request }) => alone(request)))
  for (const [n, { i }] of again.entries()) outcomes[i] = retried[n]!
  return outcomes
}

/** What a deletion does to what is there. */
type Planned = { readonly plan: Deletion; readonly entry: CacheEntry<CachedObject> }

/** Checks preconditions and admission, then decides what the deletion of this entry does: a promise where there is something to wait for. */
function plannedDeletion(
  core: Core,
  context: RequestContext,
  request: DeleteRequest,
  entry: CacheEntry<CachedObject>,
): Promise<Deletion> | Deletion {
  const { resource, name, options, change } = request
  const object = entry.value.object
  const refusal = resource.kind.refuseDeletion?.(object)
  if (refusal) throw statusErrors.forbidden(resource.name, name, refusal)
  checkPreconditions(resource, object, options)
  const plan = () => planDeletion({ kind: resource.storage, object: entry.value, options, nowMs: core.clock.now(), change })
  const preparing = prepareViews(resource, () => [entry.value], context)
  if (request.isAdmitted) return preparing ? preparing.then(plan) : plan()
  if (preparing) return preparing.then(() => admitDeletion(core, context, request, entry)).then(plan)
  const judging = admitDeletion(core, context, request, entry)
  return judging ? judging.then(plan) : plan()
}

function admitDeletion(
  core: Core,
  context: RequestContext,
  request: DeleteRequest,
  entry: CacheEntry<CachedObject>,
): Promise<void> | undefined {
  const { resource, namespace, name, options, dryRun } = request
  const { dryRun: _, ...told } = options
  const admission = admissionRequest(context, {
    operation: 'DELETE',
    resource,
    subresource: '',
    namespace,
    name: request.isOfCollection ? '' : name,
    object: undefined,
    old: viewOf(resource, entry.value),
    dryRun,
    options: { kind: 'DeleteOptions', apiVersion: 'meta.k8s.io/v1', ...told, ...(dryRun ? { dryRun: ['All'] } : {}) },
  })
  const admitting = core.admission.admit(admission)
  return admitting ? admitting.then(() => core.admission.validate(admission)) : core.admission.validate(admission)
}

/** Undefined when another writer changed the entry first. */
async function perform(core: Core, resource: Resource, planned: Planned): Promise<DeleteResult | undefined> {
  const change = changeOf(core, resource, planned)
  if (!change) return present(planned.entry.value)
  const result = await core.storage.change(change)
  return result.type === 'committed' ? done(core, resource, planned, result.value) : undefined
}

/** Undefined where nothing changes: what is asked for is under way. */
function changeOf(core: Core, resource: Resource, { plan, entry }: Planned): ObjectChange | undefined {
  const { key, revision: expected } = entry
  switch (plan.type) {
    case 'pending':
      return undefined
    case 'mark':
      return { type: 'put', key, object: plan.object, expected }
    case 'remove':
      return { type: 'delete', key, expected, more: core.hooks.claimsOf(resource, entry.value.object), last: plan.told }
  }
}

/** After the commit; `marked` is what is stored now. A promise where its views have to be made first. */
function done(core: Core, resource: Resource, planned: Planned, marked: CachedObject | undefined): DeleteResult | Promise<DeleteResult> {
  if (marked) {
    const preparing = prepareViews(resource, () => [marked])
    return preparing ? preparing.then(() => present(marked)) : present(marked)
  }
  const { plan, entry } = planned
  core.hooks.deleted(resource, entry.value.object)
  return new Gone(core, plan, entry)
}

/** Whoever insists on a version means the one that was there before the change. */
function madeFor({ object }: CachedObject, options: DeletionOptions): DeletionOptions {
  const { preconditions } = options
  if (!preconditions?.resourceVersion) return options
  return { ...options, preconditions: { ...preconditions, resourceVersion: object.metadata.resourceVersion } }
}

function dryResult(core: Core, plan: Deletion, entry: CacheEntry<CachedObject>): DeleteResult {
  if (plan.type === 'mark') return present(core.storage.uncommitted(plan.object, entry.revision))
  return plan.type === 'remove' ? new Gone(core, plan, entry) : present(entry.value)
}

const present = (value: CachedObject): DeleteResult => ({ value, metadata: value.object.metadata, isGone: false })

/** Of what is gone mostly nobody asks for more than its name. */
class Gone implements DeleteResult {
  readonly isGone = true
  readonly last: KubeObject | undefined
  readonly #core: Core
  readonly #entry: CacheEntry<CachedObject>

  constructor(core: Core, plan: Deletion, entry: CacheEntry<CachedObject>) {
    this.#core = core
    this.#entry = entry
    this.last = plan.type === 'remove' ? plan.last : undefined
  }

  get metadata(): KubeObject['metadata'] {
    return (this.last ?? this.#entry.value.object).metadata
  }

  get value(): CachedObject {
    return this.last ? this.#core.storage.uncommitted(this.last, this.#entry.revision) : this.#entry.value
  }
}

/** Throws 409 unless it is the object, and the version of it, that the options mean. */
export function checkPreconditions({ kind }: Resource, { metadata }: KubeObject, { preconditions }: DeletionOptions): void {
  if (!preconditions) return
  const { name = '', uid = '', resourceVersion = '' } = metadata
  const refuse = (what: string, wanted: string, found: string, how: string) =>
    statusErrors.conflict(
      { group: kind.group, resource: kind.kind },
      name,
      `the ${what} in the precondition (${wanted}) does not match the ${what} in record (${found}). The object might have been ${how}`,
    )
  const { uid: wantedUid, resourceVersion: wantedVersion } = preconditions
  if (wantedUid != null && wantedUid !== uid) throw refuse('UID', wantedUid, uid, 'deleted and then recreated')
  if (wantedVersion != null && wantedVersion !== resourceVersion)
    throw refuse('ResourceVersion', wantedVersion, resourceVersion, 'modified')
}
