import { toTime } from '../../base/clock.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import { admissionRequest, writeOptions } from '../admission/request.ts'
import type { CachedObject } from '../objects/cached-object.ts'
import type { AdmissionRequest } from '../contract.ts'
import type { Core, RequestContext, WriteParameters } from '../core.ts'
import type { Allocation } from '../objects/write-hooks.ts'
import { admitManaged, recordManager } from '../objects/managed-fields.ts'
import { prepareViews } from '../objects/object-storage.ts'
import { keyOfObject, type Resource } from '../registry.ts'
import { isFilledSpec, keepFilledSpec } from '../objects/sent-spec.ts'
import { shareSpec } from '../objects/share-spec.ts'
import { dedupeOwners } from './dedupe-owners.ts'
import { settleNamespace } from './object-identity.ts'
import { putObject } from './put-object.ts'
import { freshCache } from './read-revision.ts'
import { applyDefaults, prepareContext, restoreParts, validateCreate, warnAbout } from './validation.ts'

export type CreateRequest = {
  readonly resource: Resource
  readonly namespace: string
  /** The caller's own copy in the version of `resource`; it becomes the stored object. */
  readonly object: KubeObject
  readonly parameters: WriteParameters
  /** Skips recording the field manager: server-side apply has done it. */
  readonly keepsManagedFields?: boolean
}

/** Upstream's: how often a taken generated name is drawn again. */
export const generatedNamesMax = 8
const generatedBaseMax = 58

/** How often other servers may be first to take what this object needs. */
const claimsLostMax = 25

/** Creates an object. Throws StatusError: 400, 403, 404 (namespace), 409 AlreadyExists, 409 Conflict (other servers keep coming first), 422. */
export async function createObject(core: Core, context: RequestContext, request: CreateRequest): Promise<CachedObject> {
  const { resource, namespace, object, parameters } = request
  const { admission, generateName } = await prepareNew(core, context, request)
  let claimsLost = 0
  for (let attempt = 1; ; ) {
    let isClaimed = false
    const claiming = parameters.dryRun ? undefined : core.hooks.prepare(resource, namespace)
    if (claiming) await claiming
    const allocation = core.hooks.allocate(resource, { object, old: undefined, dryRun: parameters.dryRun })
    try {
      const judging = judgeNew(core, request, admission)
      if (judging) await judging
      if (attempt + claimsLost === 1) warnAbout(context, resource, object)
      context.proceed?.()
      const created = await insert(core, context, request, allocation.claims)
      if (created === 'claimed') isClaimed = true
      else if (created) {
        allocation.commit()
        const preparing = prepareViews(resource, () => [created])
        if (preparing) await preparing
        return created
      }
    } catch (error) {
      allocation.release()
      throw error
    }
    allocation.release()
    if (isClaimed) {
      if (++claimsLost > claimsLostMax) throw statusErrors.staleVersion(resource.name, object.metadata.name ?? '')
      await freshCache(core, context)
      continue
    }
    if (!generateName || attempt++ >= generatedNamesMax) throw nameTaken(core, request)
    object.metadata.name = generatedName(core, generateName)
  }
}

/** What is known of an object on its way: `generateName` empty where it came with a name. */
export type NewObject = { readonly admission: AdmissionRequest; readonly generateName: string }

/** Up to the object as it is to be judged: defaults, who made it, mutating admission, what the system gives. */
export async function prepareNew(core: Core, context: RequestContext, request: CreateRequest): Promise<NewObject> {
  const { resource, namespace, object } = request
  checkNamespace(resource, namespace, object)
  const { resourceVersion } = object.metadata
  // Upstream's store refuses it, which a dry run does not come to.
  if (resourceVersion && resourceVersion !== '0' && !request.parameters.dryRun) {
    throw statusErrors.badRequest('resourceVersion should not be set on objects to be created')
  }
  const refreshing = freshCache(core, context)
  if (refreshing) await refreshing
  applyDefaults(core, resource, object, isFilledSpec(object))
  keepFilledSpec(object)
  dedupeOwners(context, object, 'sent')
  const now = toTime(core.clock.now())
  const { parameters } = request
  if (!request.keepsManagedFields) recordManager(core, { context, resource, object, old: undefined, subresource: '', parameters, now })
  const admission = createAdmission(context, request)
  const admitting = admitManaged(core, context, admission)
  if (admitting) await admitting
  dedupeOwners(context, object, 'admitted')
  // Admission may have given another metadata, and the name in it; a name that is left to the server is made here.
  const { metadata } = object
  checkNamespace(resource, namespace, object)
  const generateName = metadata.name ? '' : (metadata.generateName ?? '')
  if (generateName) metadata.name = generatedName(core, generateName)
  fillSystemMetadata(core, object, now)
  resource.kind.prepareForCreate(object, prepareContext(context, now))
  restoreParts(core, resource, object)
  return { admission, generateName }
}

/** Validation and validating admission; a promise where some of it takes time. */
export function judgeNew(core: Core, { resource, object }: CreateRequest, admission: AdmissionRequest): Promise<void> | undefined {
  shareSpec(resource.kind, object)
  const rights = core.judgeWrite(resource, admission)
  if (!rights) {
    validateCreate(core, resource, object)
    return core.admission.validate(admission)
  }
  return rights.then((more) => {
    validateCreate(core, resource, object, more)
    return core.admission.validate(admission)
  })
}

export function createAdmission(context: RequestContext, { resource, namespace, object, parameters }: CreateRequest): AdmissionRequest {
  return admissionRequest(context, {
    operation: 'CREATE',
    resource,
    subresource: '',
    namespace,
    name: object.metadata.name ?? '',
    object,
    old: undefined,
    dryRun: parameters.dryRun,
    options: writeOptions('CreateOptions', parameters),
  })
}

export function nameTaken(
  { storage }: Core,
  { resource, namespace, object }: Pick<CreateRequest, 'resource' | 'namespace' | 'object'>,
): StatusError {
  const name = object.metadata.name ?? ''
  const holder = storage.cache.get(keyOfObject(resource, namespace, name))?.value.object
  return statusErrors.alreadyExists(resource.name, name, { isBeingDeleted: holder?.metadata.deletionTimestamp !== undefined })
}

/** Undefined when the name is taken; `claimed` when another server was first to take an address or port. */
async function insert(
  core: Core,
  context: RequestContext,
  { resource, namespace, object, parameters, keepsManagedFields = false }: CreateRequest,
  claims: Allocation['claims'],
): Promise<CachedObject | 'claimed' | undefined> {
  const { storage } = core
  const stored = resource.conversion ? await resource.conversion.toStored(object, context) : object
  if (resource.conversion) context.proceed?.()
  const key = keyOfObject(resource, namespace, object.metadata.name ?? '')
  if (parameters.dryRun) return storage.cache.get(key) ? undefined : storage.uncommitted(stored, undefined)
  const result = await putObject(storage, { key, object: stored, expected: 'absent', claims, keepsManagedFields })
  if (result.type === 'committed') return result.value
  return result.key === key ? undefined : 'claimed'
}

function checkNamespace(resource: Resource, namespace: string, object: KubeObject): void {
  settleNamespace(resource, object, namespace)
}

function fillSystemMetadata(core: Core, object: KubeObject, now: string): void {
  const { metadata } = object
  metadata.creationTimestamp = now
  metadata.uid = core.random.uuid()
  delete metadata.deletionTimestamp
  delete metadata.deletionGracePeriodSeconds
  delete metadata.selfLink
  delete metadata.resourceVersion
}

export const generatedName = (core: Core, base: string) => base.slice(0, generatedBaseMax) + core.random.suffix(5)
