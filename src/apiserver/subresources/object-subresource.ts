import { getObject } from '../verbs/get.ts'
import { patchObject } from '../verbs/patch.ts'
import { replaceObject, type VerbHandler } from '../dispatch.ts'

/**
 * A part of an object under a path of its own (`status`, `ephemeralcontainers`, `resize`, `approval`, `finalize`): the kind
 * says what of the object it may change.
 */
export const objectSubresource: Readonly<Record<string, VerbHandler>> = {
  get: async (core, context, { resource, namespace, name, parameters }) => ({
    type: 'object',
    code: 200,
    resource,
    value: await getObject(core, context, { resource, namespace, name, resourceVersion: parameters.resourceVersion }),
  }),
  update: (core, context, request) => replaceObject(core, context, request),
  patch: (core, context, request) => patchObject(core, context, request),
}
