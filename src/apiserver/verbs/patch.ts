import { toTime } from '../../base/clock.ts'
import { applyServerSide, type ApplyOperation, describeKind } from '../../machinery/apply/apply-server-side.ts'
import { deepClone, deepCloneBeside } from '../../machinery/deep-clone.ts'
import { apiVersionOf, type KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Core, FieldValidation, RequestContext } from '../core.ts'
import { fieldOperation } from '../objects/managed-fields.ts'
import { decodeFields, warningsOf } from '../objects/object-decoding.ts'
import type { Resource } from '../registry.ts'
import type { Answer, ExpectedKind, PatchBody, VerbRequest } from '../verb-request.ts'
import { authorizeCreate } from './authorize-create.ts'
import { checkIdentity, withoutVersion } from './object-identity.ts'
import { patchedObject } from './patched-object.ts'
import { updateObject } from './update.ts'

/** Nothing says how lists of custom objects merge. */
const customPatchTypes = ['application/json-patch+json', 'application/merge-patch+json', 'application/apply-patch+yaml']

/** PATCH in its four forms: JSON, merge, strategic merge, server-side apply. Throws StatusError: 400, 404, 409, 415, 422. */
export async function patchObject(core: Core, context: RequestContext, request: VerbRequest): Promise<Answer> {
  const { resource, namespace, name, subresource, parameters, body } = request
  const patch = body.patch(resource.isCustom ? customPatchTypes : undefined)
  if (patch.type === 'apply') return applyObject(core, context, request, patch)
  const { value, created } = await updateObject(core, context, {
    resource,
    namespace,
    name,
    subresource,
    parameters,
    change: (current) => {
      const object = patchedObject(
        core,
        context,
        {
          expected: resource.kind,
          patch,
          validation: parameters.fieldValidation,
          isCustom: resource.isCustom,
          keepsSpec: resource.kind.sharesSpec && (subresource === '' || subresource === 'status'),
        },
        current,
      )
      checkIdentity(resource, object, request)
      return object
    },
  })
  return { type: 'object', code: created ? 201 : 200, resource, value }
}

async function applyObject(core: Core, context: RequestContext, request: VerbRequest, patch: PatchBody): Promise<Answer> {
  const { resource, namespace, name, subresource, parameters } = request
  const operation = applyOperation(core, context, request)
  const make = (current: KubeObject | undefined) => {
    const config = readConfig(patch, resource.kind)
    const object = decodedResult(core, context, resource, current, applyServerSide(current, config, operation))
    noteRepeated(context, patch, parameters.fieldValidation)
    if (!current) refuseForeignUid(resource, config)
    checkIdentity(resource, object, { namespace, name })
    return object
  }
  const { value, created } = await updateObject(core, context, {
    resource,
    namespace,
    name,
    subresource,
    parameters,
    keepsManagedFields: true,
    change: make,
    ...(subresource === '' ? { createMissing: () => createdByApply(core, context, request, () => make(undefined)) } : {}),
  })
  return { type: 'object', code: created ? 201 : 200, resource, value }
}

async function createdByApply(core: Core, context: RequestContext, request: VerbRequest, make: () => KubeObject): Promise<KubeObject> {
  const object = withoutVersion(make())
  await authorizeCreate(core, context, request)
  return object
}

/** What the configuration brought has yet to be decoded; what was there before is. */
function decodedResult(
  core: Core,
  context: RequestContext,
  resource: Resource,
  current: KubeObject | undefined,
  result: KubeObject,
): KubeObject {
  if (result === current) return deepClone(result)
  const { copy, untouched } = deepCloneBeside(result, current ?? {}, resource.isCustom ? undefined : current?.metadata.managedFields)
  const decoded = resource.isCustom ? undefined : untouched
  decodeFields(core.schemas, copy, { expected: resource.kind, context, validation: 'Ignore', decoded, keepsNulls: true })
  return copy
}

/** How server-side apply takes a request. */
export function applyOperation(core: Core, context: RequestContext, request: VerbRequest): ApplyOperation {
  const { resource, subresource, parameters } = request
  const now = toTime(core.clock.now())
  return { ...fieldOperation(core, { context, resource, subresource, parameters, now }), force: parameters.force ?? false }
}

/** An apply that names a uid means an object that is there. */
function refuseForeignUid({ name }: Resource, { metadata }: KubeObject): void {
  const { uid } = metadata ?? {}
  if (!uid) return
  throw statusErrors.conflict(
    name,
    metadata.name ?? '',
    `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
  )
}

/** The configuration that is applied, as it was sent. Throws 400 where it is none of that kind. */
export function readConfig({ value = {}, fault }: PatchBody, expected: ExpectedKind): KubeObject {
  if (fault !== undefined) throw statusErrors.badRequest(`error decoding YAML: ${fault}`)
  if (value !== null && (typeof value !== 'object' || Array.isArray(value))) {
    const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
    throw statusErrors.badRequest(
      `error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal ${type} into Go value of type map[string]interface {}`,
    )
  }
  const { kind = '', apiVersion = '' } = (value ?? {}) as KubeObject
  if (kind !== expected.kind || apiVersion !== apiVersionOf(expected))
    throw statusErrors.badRequest(`invalid object type: ${describeKind(String(apiVersion), String(kind))}`)
  const { metadata = {} } = value as Partial<KubeObject>
  return { ...(value as KubeObject), metadata }
}

/** Fields that occur twice in what was applied: refused by strict validation, once it is known that it can be applied. */
export function noteRepeated(context: RequestContext, { duplicates = [] }: PatchBody, validation: FieldValidation): void {
  if (validation === 'Strict' && duplicates.length > 0)
    throw statusErrors.badRequest(`error strict decoding YAML: error converting YAML to JSON: ${duplicates.join('; ')}`)
  if (validation === 'Warn') for (const repeated of duplicates) for (const line of warningsOf(repeated)) context.warn(line)
}
