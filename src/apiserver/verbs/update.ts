import { toTime } from '../../base/clock.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus, statusErrors } from '../../machinery/status-error.ts'
import type { PrepareContext } from '../../kinds/kind.ts'
import { noRevision } from '../../store/contract.ts'
import type { CacheEntry } from '../../store/watch-cache-contract.ts'
import { admissionRequest, writeOptions } from '../admission/request.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { Core, RequestContext, WriteParameters } from '../core.ts'
import type { Allocation } from '../objects/write-hooks.ts'
import { admitManaged, recordManager } from '../objects/managed-fields.ts'
import { prepareViews, viewOf } from '../objects/object-storage.ts'
import { keyOfObject, type Resource } from '../registry.ts'
import { keepUnchangedSpec } from '../objects/share-spec.ts'
import { createObject } from './create.ts'
import { isReleasedForDeletion } from './deletion-rules.ts'
import { dedupeOwners } from './dedupe-owners.ts'
import { preconditionFailed } from './precondition.ts'
import { putObject } from './put-object.ts'
import { freshCache } from './read-revision.ts'
import {
  applyDefaults,
  applyStatusDefaults,
  prepareContext,
  restoreParts,
  validateUpdate,
  warnAbout,
  warnAboutStatus,
} from './validation.ts'

export type UpdateRequest = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  /** Empty for the main resource. */
  readonly subresource: string
  readonly parameters: WriteParameters
  /**
   * Makes the wanted object from the current one (shared: never mutate it), in the version of `resource`. It is called again
   * after a conflict. The result is the caller's own; its resourceVersion, when set, must be the current one.
   */
  readonly change: (current: KubeObject) => KubeObject | Promise<KubeObject>
  /** Makes the object to create when there is none; absent: 404. */
  readonly createMissing?: () => KubeObject | Promise<KubeObject>
  /** Where admission sees another object than the stored one (a Scale): its form, and how what admission made of it is taken over. */
  readonly admitted?: AdmittedForm
  /** How the change is brought into a valid update; default: the kind's rules for the subresource. */
  readonly prepare?: (object: KubeObject, old: KubeObject) => void
  /** Server-side apply: `change` has recorded the managers itself. */
  readonly keepsManagedFields?: boolean
  /** A PUT: kinds that do not allow unconditional updates demand a resourceVersion. */
  readonly isReplace?: boolean
}

export type AdmittedForm = {
  readonly of: (object: KubeObject) => KubeObject
  readonly take: (admitted: KubeObject, object: KubeObject) => void
}

export type UpdateResult = { readonly value: CachedObject; readonly created: boolean }

/** Retries of a change that names no resourceVersion, each on fresh state. */
const attemptsMax = 25

/**
 * Changes one object: read, change, record who did, admit, prepare, validate, write if it is still what was read.
 * A change that changes nothing is not written: the answer is the object as it is, with its resourceVersion.
 * Throws StatusError: 400, 403, 404, 409, 422.
 */
export async function updateObject(core: Core, context: RequestContext, request: UpdateRequest): Promise<UpdateResult> {
  const { resource, namespace, name } = request
  const key = keyOfObject(resource, namespace, name)
  for (let attempt = 1; ; attempt++) {
    const refreshing = freshCache(core, context)
    if (refreshing) await refreshing
    const entry = core.storage.cache.get(key)
    if (!entry) {
      const created = await attemptCreate(core, context, request)
      if (created) return { value: created, created: true }
      if (attempt >= attemptsMax) throw statusErrors.staleVersion(resource.name, name)
      continue
    }
    const written = await attemptUpdate(core, context, request, entry)
    if (written) return { value: written, created: false }
    if (attempt >= attemptsMax) throw statusErrors.staleVersion(resource.name, name)
  }
}

/** Undefined when another made it first: then it is to be changed. */
async function attemptCreate(core: Core, context: RequestContext, request: UpdateRequest): Promise<CachedObject | undefined> {
  const { resource, namespace, name, parameters, keepsManagedFields = false } = request
  if (!request.createMissing) throw statusErrors.notFound(resource.name, name)
  const object = await request.createMissing()
  try {
    return await createObject(core, context, { resource, namespace, object, parameters, keepsManagedFields })
  } catch (error) {
    if (isStatus(error, 'AlreadyExists') && core.storage.cache.get(keyOfObject(resource, namespace, name))) return undefined
    throw error
  }
}

/** Undefined when another writer came first: the next attempt sees its state, and a change that insists on a version fails there. */
async function attemptUpdate(
  core: Core,
  context: RequestContext,
  request: UpdateRequest,
  entry: CacheEntry<CachedObject>,
): Promise<CachedObject | undefined> {
  const { resource, namespace, name, subresource, parameters } = request
  const preparing = prepareViews(resource, () => [entry.value], context)
  if (preparing) await preparing
  const stored = viewOf(resource, entry.value)
  const object = await request.change(stored)
  const unchanged = subresource === '' ? keepUnchangedSpec(resource.kind, object, stored) : undefined
  const old = unchanged ?? stored
  checkVersion(request, object, old)
  if (request.isReplace) dedupeOwners(context, object, 'sent')
  keepSystemMetadata(object, old)
  if (subresource === 'status' && resource.kind.sharesSpec) applyStatusDefaults(core, resource, object)
  else applyDefaults(core, resource, object, unchanged !== undefined)
  const now = toTime(core.clock.now())
  if (!request.keepsManagedFields) recordManager(core, { context, resource, object, old, subresource, parameters, now })
  const { admitted } = request
  const admission = admissionRequest(context, {
    operation: 'UPDATE',
    resource,
    subresource,
    namespace,
    name,
    object: admitted?.of(object) ?? object,
    old: admitted?.of(old) ?? old,
    dryRun: parameters.dryRun,
    options: writeOptions('UpdateOptions', parameters),
  })
  const admitting = admitManaged(core, context, admission)
  if (admitting) await admitting
  admitted?.take(admission.object!, object)
  dedupeOwners(context, object, 'admitted')
  prepare(request, { object, old, context: prepareContext(context, now) })
  restoreParts(core, resource, object, old)

  const claiming = parameters.dryRun ? undefined : core.hooks.prepare(resource, namespace)
  if (claiming) await claiming
  const allocation = core.hooks.allocate(resource, { object, old, dryRun: parameters.dryRun })
  try {
    const rights = core.judgeWrite(resource, admission)
    validateUpdate(core, resource, { object, old, subresource, more: rights ? await rights : [] })
    const judging = core.admission.validate(admission)
    if (judging) await judging
    if (subresource === 'status') warnAboutStatus(context, resource, object, old)
    else warnAbout(context, resource, object, old)
    context.proceed?.()
    const written = await write(core, context, request, { entry, object, old, claims: allocation.claims })
    if (written) {
      // What is gone has given back what it had, and takes nothing more.
      if (isReleasedForDeletion(resource, object)) allocation.release()
      else allocation.commit()
      const views = prepareViews(resource, () => [written])
      if (views) await views
      return written
    }
  } catch (error) {
    allocation.release()
    throw error
  }
  allocation.release()
  return undefined
}

/** Throws 409 when the change was made from another state than the current one, 422 when it must say which and does not. */
function checkVersion(request: UpdateRequest, object: KubeObject, old: KubeObject): void {
  const { resource, name } = request
  const { resourceVersion, uid } = object.metadata
  const given = resourceVersion && resourceVersion !== '0' ? resourceVersion : undefined
  if (given === undefined && request.isReplace && !resource.kind.allowUnconditionalUpdate) {
    const message = 'Invalid value: 0: must be specified for an update'
    throw statusErrors.invalid({ group: resource.kind.group, kind: resource.kind.plural }, name, [
      { field: 'metadata.resourceVersion', reason: 'FieldValueInvalid', message },
    ])
  }
  // Of a patched object, validation says that its uid cannot change.
  if (uid && uid !== old.metadata.uid && request.isReplace) {
    throw preconditionFailed(resource, request, { wanted: uid, found: old.metadata.uid ?? '' })
  }
  if (given !== undefined && given !== old.metadata.resourceVersion) throw statusErrors.staleVersion(resource.name, name)
}

/** What no client may change silently; other immutable fields are validation's business. */
function keepSystemMetadata(object: KubeObject, old: KubeObject): void {
  const { metadata } = object
  metadata.name ??= old.metadata.name
  if (old.metadata.namespace !== undefined) metadata.namespace ??= old.metadata.namespace
  metadata.uid ||= old.metadata.uid!
  metadata.creationTimestamp = old.metadata.creationTimestamp
  metadata.resourceVersion = old.metadata.resourceVersion
  if (old.metadata.generation === undefined) delete metadata.generation
  else metadata.generation = old.metadata.generation
  if (old.metadata.deletionTimestamp !== undefined) metadata.deletionTimestamp = old.metadata.deletionTimestamp
  const { deletionGracePeriodSeconds: grace } = old.metadata
  if (grace !== undefined) metadata.deletionGracePeriodSeconds ??= grace
  delete metadata.selfLink
}

function prepare(request: UpdateRequest, write: { object: KubeObject; old: KubeObject; context: PrepareContext }): void {
  const { object, old, context } = write
  const { kind } = request.resource
  if (request.prepare) request.prepare(object, old)
  else if (request.subresource === 'status') kind.prepareForStatusUpdate(object, old, context)
  else if (kind.subresourceUpdates?.[request.subresource]) kind.subresourceUpdates[request.subresource]!.prepare(object, old, context)
  else kind.prepareForUpdate(object, old, context)
}

type Replacing = Pick<Allocation, 'claims'> & {
  readonly entry: CacheEntry<CachedObject>
  readonly object: KubeObject
  readonly old: KubeObject
}

async function write(
  core: Core,
  context: RequestContext,
  { resource, parameters, keepsManagedFields = false }: UpdateRequest,
  { entry, object, old, claims }: Replacing,
): Promise<CachedObject | undefined> {
  const { storage } = core
  // An object in a version that is not stored any more is written even as it is: so clients migrate what is stored.
  const isCurrent = !resource.isCustom || entry.value.object.apiVersion === resource.storageApiVersion
  if (isCurrent && isSame(object, old)) return entry.value
  const stored = resource.conversion ? await resource.conversion.toStored(object, context) : object
  if (resource.conversion) context.proceed?.()
  const isReleased = isReleasedForDeletion(resource, object)
  if (parameters.dryRun) return storage.uncommitted(stored, entry.revision)
  if (!isReleased) {
    const result = await putObject(storage, { key: entry.key, object: stored, expected: entry.revision, claims, keepsManagedFields })
    return result.type === 'committed' ? result.value : undefined
  }
  const more = core.hooks.claimsOf(resource, old)
  const result = await storage.change({ type: 'delete', key: entry.key, expected: entry.revision, more })
  if (result.type === 'conflict') return undefined
  core.hooks.deleted(resource, old)
  return storage.uncommitted(stored, result.revision > noRevision ? result.revision : entry.revision)
}

/** Equal but for the time at which a manager's entry was touched. */
function isSame(object: KubeObject, old: KubeObject): boolean {
  // What is cheap to compare first: nearly every write changes something.
  if (!areOthersSame(object, old) || !areOthersSame(old, object)) return false
  if (!isMetadataSame(object.metadata, old.metadata) || !isMetadataSame(old.metadata, object.metadata)) return false
  const [a, b] = [object.metadata.managedFields, old.metadata.managedFields]
  return a === b || deepEqual(a?.map(untimed) ?? [], b?.map(untimed) ?? [])
}

/** Whether what is in some metadata is in others, too, but for who owns what. An empty field is none. */
function isMetadataSame(metadata: object, others: object): boolean {
  for (const key of Object.keys(metadata)) {
    if (key === 'managedFields') continue
    const value = (metadata as Record<string, unknown>)[key]
    const other = (others as Record<string, unknown>)[key]
    if (value !== other && !deepEqual(value, other) && !(isNothing(value) && isNothing(other))) return false
  }
  return true
}

function isNothing(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return value === undefined || value === null || value === ''
  for (const _ in value) return false
  return true
}

/** Whether what an object has beside its metadata is in the other, too. */
function areOthersSame(object: KubeObject, other: KubeObject): boolean {
  const fields = object as KubeObject & Record<string, unknown>
  const others = other as KubeObject & Record<string, unknown>
  // See objectDecoder in machinery/schema/decode.ts for why not `for … in`.
  return Object.keys(fields).every((key) => key === 'metadata' || deepEqual(fields[key], others[key]))
}

const untimed = <T extends { time?: string }>({ time: _, ...entry }: T) => entry
