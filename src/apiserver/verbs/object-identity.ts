import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Resource } from '../registry.ts'

/** Brings the namespace of an object that came in a request in line with the request's. Throws 400 where it names another one. */
export function settleNamespace({ kind }: Resource, { metadata }: KubeObject, namespace: string): void {
  if (kind.scope === 'Cluster') delete metadata.namespace
  else if (!metadata.namespace) metadata.namespace = namespace
  else if (metadata.namespace !== namespace)
    throw statusErrors.badRequest('the namespace of the provided object does not match the namespace sent on the request')
}

/** Throws 400 unless the object is the one that the path names. */
export function checkIdentity(resource: Resource, object: KubeObject, at: { readonly namespace: string; readonly name: string }): void {
  settleNamespace(resource, object, at.namespace)
  const { name } = object.metadata
  if (!name) throw statusErrors.badRequest(`the name of the object (${at.name} based on URL) was undeterminable: name must be provided`)
  if (name !== at.name) throw statusErrors.badRequest(`the name of the object (${name}) does not match the name on the URL (${at.name})`)
}

/** An object that is created by an update, or an apply, has no version of another that it follows. Changes the object. */
export function withoutVersion(object: KubeObject): KubeObject {
  delete object.metadata.resourceVersion
  return object
}
