import { toTime } from '../../base/clock.ts'
import { applyServerSide, type ApplyOperation } from '../../machinery/apply/apply-server-side.ts'
import { deepClone } from '../../machinery/deep-clone.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Core, RequestContext } from '../core.ts'
import { fieldOperation } from '../managed-fields.ts'
import { cannotHandle, decodeFields } from '../object-decoding.ts'
import type { Answer, ExpectedKind, PatchBody, VerbRequest } from '../verb-request.ts'
import { checkIdentity } from './object-identity.ts'
import { patchedObject } from './patched-object.ts'
import { updateObject } from './update.ts'

/** PATCH in its four forms: JSON, merge, strategic merge, server-side apply. Throws StatusError: 400, 404, 409, 415, 422. */
export async function patchObject(core: Core, context: RequestContext, request: VerbRequest): Promise<Answer> {
  const { resource, namespace, name, subresource, parameters, body } = request
  const patch = body.patch()
  if (patch.type === 'apply') return applyObject(core, context, request, patch)
  if (parameters.force !== undefined) refuseOptions('force', 'FieldValueForbidden', 'Forbidden: may not be specified for non-apply patch')
  if (patch.type === 'strategic' && resource.isCustom) {
    throw statusErrors.unsupportedPatchType()
  }
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
          keepsSpec: resource.kind.sharesSpec && subresource === 'status',
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
  const config = readConfig(core, context, { ...request, expected: resource.kind }, patch)
  const operation = applyOperation(core, context, request)
  const { value, created } = await updateObject(core, context, {
    resource,
    namespace,
    name,
    subresource,
    parameters,
    keepsManagedFields: true,
    change: (current) => deepClone(applyServerSide(current, config, operation)),
    ...(subresource === '' ? { createMissing: () => createdByApply(resource, config, applyServerSide(undefined, config, operation)) } : {}),
  })
  return { type: 'object', code: created ? 201 : 200, resource, value }
}

/** How server-side apply takes a request. Throws 422 where it names no manager. */
export function applyOperation(core: Core, context: RequestContext, request: VerbRequest): ApplyOperation {
  const { resource, subresource, parameters } = request
  if (!parameters.fieldManager) refuseOptions('fieldManager', 'FieldValueRequired', 'Required value: is required for apply patch')
  const now = toTime(core.clock.now())
  return { ...fieldOperation(core, { context, resource, subresource, parameters, now }), force: parameters.force ?? false }
}

/** An apply that names a uid or a version means an object that is there. */
function createdByApply({ kind }: VerbRequest['resource'], config: KubeObject, object: KubeObject): KubeObject {
  const { name = '', uid, resourceVersion } = config.metadata
  const what = { group: kind.group, resource: kind.plural }
  if (uid) {
    const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`
    throw statusErrors.conflict(what, name, why)
  }
  if (resourceVersion) throw statusErrors.staleVersion(what, name)
  return deepClone(object)
}

/** The configuration that is applied, decoded as `expected`. Throws 400. */
export function readConfig(
  core: Core,
  context: RequestContext,
  { resource, namespace, name, parameters, expected }: VerbRequest & { readonly expected: ExpectedKind },
  patch: PatchBody,
): KubeObject {
  if (patch.fault !== undefined) throw statusErrors.badRequest(`error decoding YAML: ${patch.fault}`)
  if (typeof patch.value !== 'object' || patch.value === null || Array.isArray(patch.value)) {
    throw statusErrors.badRequest('error decoding YAML: an apply patch must be an object')
  }
  const config = deepClone(patch.value) as KubeObject
  if (!config.kind || !config.apiVersion) throw statusErrors.badRequest('error decoding YAML: apiVersion and kind must be set')
  if (config.kind !== expected.kind) throw cannotHandle({ ...expected, from: String(config.kind) }, 'the kind does not match')
  decodeFields(core.schemas, config, {
    expected,
    context,
    validation: parameters.fieldValidation,
    duplicates: patch.duplicates ?? [],
  })
  const { metadata } = config
  if (metadata.name && metadata.name !== name) {
    throw statusErrors.badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  }
  if (metadata.namespace && metadata.namespace !== namespace) {
    throw statusErrors.badRequest(
      `the namespace of the object (${metadata.namespace}) does not match the namespace on the request (${namespace})`,
    )
  }
  metadata.name = name
  if (resource.kind.scope === 'Namespaced') metadata.namespace = namespace
  return config
}

function refuseOptions(field: string, reason: 'FieldValueForbidden' | 'FieldValueRequired', message: string): never {
  throw statusErrors.invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [{ field, reason, message }])
}
