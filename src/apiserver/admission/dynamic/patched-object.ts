import { schemaName } from '../../../kinds/define-kind.ts'
import { deepEqual } from '../../../machinery/deep-equal.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import { parseApiVersion } from '../../../machinery/object.ts'
import type { SchemaSet } from '../../../machinery/schema/schema-set.ts'
import type { Resource } from '../../registry.ts'

/**
 * Brings what a webhook or policy made of an object into the form in which the server works on it: types checked, unknown
 * fields dropped, defaults filled. Changes the object in place. Throws an Error for types that do not fit, `isStrict` for unknown fields, too.
 */
export function finishPatched(
  schemas: SchemaSet,
  resource: Resource,
  object: KubeObject,
  { isStrict = false }: { readonly isStrict?: boolean } = {},
): void {
  const { kind } = resource
  const schema = schemaOf(resource, object)
  if (schemas.lookup(schema)) {
    const { error, unknownFields } = schemas.decode(schema, object)
    if (error !== undefined) throw new Error(error)
    if (isStrict && unknownFields.length > 0)
      throw new Error(`strict decoding error: ${unknownFields.map((field) => `unknown field ${JSON.stringify(field)}`).join(', ')}`)
    schemas.applyDefaults(schema, object)
  }
  object.metadata ??= {}
  if (object.kind === kind.kind) kind.applyDefaults?.(object)
}

/** The schema's name of an object that a request on the resource carries: some subresources have a kind of their own. */
export function schemaOf({ kind }: Resource, object: KubeObject): string {
  return object.kind === kind.kind ? kind.schema : schemaName({ ...parseApiVersion(object.apiVersion ?? ''), kind: object.kind ?? '' })
}

/** Makes `target` the same as `next`, in place: other plugins hold it. Gives whether anything changed. */
export function replaceContent(target: KubeObject, next: KubeObject): boolean {
  if (deepEqual(target, next)) return false
  for (const field of Object.keys(target)) if (!(field in next)) delete (target as Record<string, unknown>)[field]
  Object.assign(target, next)
  return true
}
