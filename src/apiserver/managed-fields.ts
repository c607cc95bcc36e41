import { keepAllButStatusStrictly } from '../kinds/define-kind.ts'
import type { KindDefinition } from '../kinds/kind.ts'
import { type FieldSet, fieldSet } from '../machinery/apply/field-set.ts'
import { type FieldOperation, updateManagedFields } from '../machinery/apply/update-managed-fields.ts'
import type { KubeObject } from '../machinery/object.ts'
import { createdFields } from './created-fields.ts'
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
const specFields: FieldSet = fieldSet('spec')
const specAndMetadata: FieldSet = fieldSet('spec', 'metadata')

/** Who changed which fields (metadata.managedFields), recorded after everything else has shaped the object. */
export function recordManager(
  core: Core,
  write: ManagedWrite & { readonly object: KubeObject; readonly old: KubeObject | undefined },
): void {
  const { object, old } = write
  if (old === undefined && object.metadata.managedFields === undefined && !statedResets(write.resource.kind, '')) {
    recordCreator(core, write)
    return
  }
  const managedFields = updateManagedFields(old, object, fieldOperation(core, write))
  if (managedFields === undefined) delete object.metadata.managedFields
  else object.metadata.managedFields = managedFields
}

/** The usual create: one manager owns everything. */
function recordCreator(core: Core, { context, resource, parameters, now, object }: ManagedWrite & { readonly object: KubeObject }): void {
  const { kind } = resource
  const fieldsV1 = createdFields(core.schemas.lookup(kind.schema), object, { ignoresStatus: hasStatus(kind) })
  if (!fieldsV1) return
  const manager = (parameters.fieldManager ?? context.agent) || 'unknown'
  object.metadata.managedFields = [
    { manager, operation: 'Update', apiVersion: resource.apiVersion, time: now, fieldsType: 'FieldsV1', fieldsV1 },
  ]
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
    ...ignoredFields(kind, subresource),
  }
}

/** Kinds, by group and plural, whose requests reset other fields than the usual ones. */
const resetFields: Readonly<Record<string, Readonly<Record<string, FieldSet>>>> = {
  'apps/deployments': { status: fieldSet('spec', 'metadata.labels') },
  '/pods': { status: fieldSet('spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences') },
  'certificates.k8s.io/certificatesigningrequests': {
    '': fieldSet('spec', 'status'),
    status: fieldSet('spec', 'status.conditions'),
    approval: fieldSet('spec', 'status.certificate'),
  },
  'internal.apiserver.k8s.io/storageversions': { status: specAndMetadata },
  'resource.k8s.io/devicetaintrules': { status: specAndMetadata },
  'storagemigration.k8s.io/storageversionmigrations': { status: specAndMetadata },
}

const statedResets = ({ group, plural }: KindDefinition, subresource: string) => resetFields[`${group}/${plural}`]?.[subresource]

/** What the request cannot set, so that it neither owns nor contests it: the status through the object, all else through the status. */
function ignoredFields(kind: KindDefinition, subresource: string): { readonly ignored?: FieldSet } {
  const stated = statedResets(kind, subresource)
  if (stated) return { ignored: stated }
  if (subresource === 'status') return { ignored: kind.prepareForStatusUpdate === keepAllButStatusStrictly ? specAndMetadata : specFields }
  return subresource === '' && hasStatus(kind) ? { ignored: statusFields } : {}
}

function hasStatus(kind: KindDefinition): boolean {
  return kind.subresources.some(({ name }) => name === 'status')
}
