import type { KindDefinition } from '../kinds/kind.ts'
import { type FieldSet, fieldSet } from '../machinery/apply/field-set.ts'
import { type FieldOperation, updateManagedFields } from '../machinery/apply/update-managed-fields.ts'
import type { KubeObject } from '../machinery/object.ts'
import type { Core, RequestContext, WriteParameters } from './core.ts'
import type { Resource } from './registry.ts'

export type ManagedWrite = {
  readonly context: RequestContext
  readonly resource: Resource
  readonly subresource: string
  readonly parameters: WriteParameters
  readonly now: string
}

const statusFields: FieldSet = fieldSet('status')

/** Who changed which fields (metadata.managedFields), recorded after everything else has shaped the object. */
export function recordManager(
  core: Core,
  write: ManagedWrite & { readonly object: KubeObject; readonly old: KubeObject | undefined },
): void {
  const { object, old } = write
  const managedFields = updateManagedFields(old, object, fieldOperation(core, write))
  if (managedFields === undefined) delete object.metadata.managedFields
  else object.metadata.managedFields = managedFields
}

/** A write as the field managers' rules see it. */
export function fieldOperation(core: Core, { context, resource, subresource, parameters, now }: ManagedWrite): FieldOperation {
  const { kind } = resource
  return {
    schema: core.schemas.lookup(kind.schema),
    apiVersion: resource.apiVersion,
    manager: parameters.fieldManager ?? context.agent,
    subresource,
    now,
    ...(subresource === '' && hasStatus(kind) ? { ignored: statusFields } : {}),
  }
}

function hasStatus(kind: KindDefinition): boolean {
  return kind.subresources.some(({ name }) => name === 'status')
}
