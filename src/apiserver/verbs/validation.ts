import type { FieldError } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { validateObjectMeta, validateObjectMetaUpdate } from '../../machinery/object-meta.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Core, RequestContext } from '../core.ts'
import type { Resource } from '../registry.ts'

/** Throws 422 with every field error of a new object: metadata, schema, the kind's own rules. */
export function validateCreate(core: Core, resource: Resource, object: KubeObject): void {
  const errors = [...metadataErrors(resource, object), ...schemaErrors(core, resource, object), ...(resource.kind.validate?.(object) ?? [])]
  throwIfAny(resource, object, errors)
}

/** Throws 422 with every field error of a changed object. */
export function validateUpdate(core: Core, resource: Resource, write: { object: KubeObject; old: KubeObject; subresource: string }): void {
  const { object, old, subresource } = write
  const { kind } = resource
  const changeErrors = subresource === 'status' ? kind.validateStatusUpdate?.(object, old) : kind.validateUpdate?.(object, old)
  const errors = [
    ...validateObjectMetaUpdate(object.metadata, old.metadata, { path: 'metadata' }),
    ...metadataErrors(resource, object),
    ...schemaErrors(core, resource, object),
    // A status write is not refused for a spec that older rules let in.
    ...(subresource === 'status' ? [] : (kind.validate?.(object) ?? [])),
    ...(changeErrors ?? []),
  ]
  throwIfAny(resource, object, errors)
}

export function warnAbout(context: RequestContext, resource: Resource, object: KubeObject): void {
  for (const warning of resource.kind.warnings?.(object) ?? []) context.warn(warning)
}

function metadataErrors(resource: Resource, object: KubeObject): FieldError[] {
  const { kind } = resource
  return validateObjectMeta(object.metadata, { path: 'metadata', namespaced: kind.scope === 'Namespaced', validateName: kind.validateName })
}

function schemaErrors(core: Core, { kind }: Resource, object: KubeObject): readonly FieldError[] {
  if (!core.schemas.lookup(kind.schema)) return []
  return [...core.schemas.missingRequired(kind.schema, object), ...core.schemas.unsupportedValues(kind.schema, object)]
}

function throwIfAny(resource: Resource, object: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length === 0) return
  // The schema and the kind's rules may both miss a required field; upstream says so once.
  const seen = new Set<string>()
  const unique = errors.filter((e) => {
    const key = `${e.field} ${e.message}`
    return !seen.has(key) && seen.add(key)
  })
  throw statusErrors.invalid(resource.kind, object.metadata.name ?? '', unique)
}

/** Fills what the schema and the kind give by default. */
export function applyDefaults(core: Core, { kind }: Resource, object: KubeObject): void {
  if (core.schemas.lookup(kind.schema)) core.schemas.applyDefaults(kind.schema, object)
  kind.applyDefaults?.(object)
}
