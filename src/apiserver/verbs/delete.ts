import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { CacheEntry } from '../../store/watch-cache-contract.ts'
import { admissionRequest } from '../admission/request.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { Core, RequestContext } from '../core.ts'
import { prepareViews, viewOf } from '../objects/object-storage.ts'
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
    const result = await perform(core, resource, plan, entry)
    if (result) return result
  }
  throw statusErrors.staleVersion(resource.name, name)
}

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
async function perform(core: Core, resource: Resource, plan: Deletion, entry: CacheEntry<CachedObject>): Promise<DeleteResult | undefined> {
  const { storage } = core
  switch (plan.type) {
    case 'pending':
      return present(entry.value)
    case 'mark': {
      const result = await storage.put(entry.key, plan.object, entry.revision)
      if (result.type !== 'committed') return undefined
      const preparing = prepareViews(resource, () => [result.value])
      if (preparing) await preparing
      return present(result.value)
    }
    case 'remove': {
      const result = await storage.delete(entry.key, entry.revision, core.hooks.claimsOf(resource, entry.value.object), plan.told)
      if (result.type === 'conflict') return undefined
      core.hooks.deleted(resource, entry.value.object)
      return gone(core, plan, entry)
    }
  }
}

/** Whoever insists on a version means the one that was there before the change. */
function madeFor({ object }: CachedObject, options: DeletionOptions): DeletionOptions {
  const { preconditions } = options
  if (!preconditions?.resourceVersion) return options
  return { ...options, preconditions: { ...preconditions, resourceVersion: object.metadata.resourceVersion } }
}

function dryResult(core: Core, plan: Deletion, entry: CacheEntry<CachedObject>): DeleteResult {
  if (plan.type === 'mark') return present(core.storage.uncommitted(plan.object, entry.revision))
  return plan.type === 'remove' ? gone(core, plan, entry) : present(entry.value)
}

const present = (value: CachedObject): DeleteResult => ({ value, metadata: value.object.metadata, isGone: false })

function gone(core: Core, { last }: Deletion & { type: 'remove' }, entry: CacheEntry<CachedObject>): DeleteResult {
  return {
    isGone: true,
    last,
    metadata: (last ?? entry.value.object).metadata,
    get value() {
      return last ? core.storage.uncommitted(last, entry.revision) : entry.value
    },
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
