import { statusErrors } from '../../machinery/status-error.ts'
import { applyJsonPatch } from '../../machinery/patch/json-patch.ts'
import { applyMergePatch } from '../../machinery/patch/merge-patch.ts'
import { deepClone } from '../../machinery/deep-clone.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { Core, RequestContext } from '../core.ts'
import type { Answer, VerbRequest } from '../verb-request.ts'
import { updateObject } from './update.ts'

/** PATCH in its four forms. Throws StatusError: 400, 404, 409, 415, 422. */
export async function patchObject(
  core: Core,
  context: RequestContext,
  request: VerbRequest,
  prepare?: (object: KubeObject, old: KubeObject) => void,
): Promise<Answer> {
  const { resource, namespace, name, subresource, parameters, body } = request
  const patch = body.patch()
  const { value, created } = await updateObject(core, context, {
    resource,
    namespace,
    name,
    subresource,
    parameters,
    change: (current) => {
      if (patch.type === 'json') return applyJsonPatch(current, patch.value)
      if (patch.type === 'merge') return deepClone(applyMergePatch(current, patch.value))
      throw statusErrors.badRequest('unsupported')
    },
    ...(prepare ? { prepare } : {}),
  })
  return { type: 'object', code: created ? 201 : 200, resource, value }
}
