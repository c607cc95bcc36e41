import { keepAllButStatusStrictly } from '../../kinds/define-kind.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import { type FieldSet, fieldSet } from '../../machinery/apply/field-set.ts'
import { managedFieldsFault } from '../../machinery/apply/managed-fields.ts'
import { type FieldOperation, updateManagedFields, type Versioned } from '../../machinery/apply/update-managed-fields.ts'
import { toTime } from '../../base/clock.ts'
import { deepClone } from '../../machinery/deep-clone.ts'
import { apiVersionOf, type KubeObject } from '../../machinery/object.ts'
import type { AdmissionRequest } from '../contract.ts'
import { createdFields } from './created-fields.ts'
import type { Core, RequestContext, WriteParameters } from '../core.ts'
import type { Resource } from '../registry.ts'
import type { ExpectedKind } from '../verb-request.ts'

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

/**
 * Who changed which fields (metadata.managedFields), recorded before admission, which sees it: what admission and the kind's own rules
 * change after that, nobody owns. Managers that were sent are those of the object where they can be read; one empty entry resets them.
 */
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
  const { kind, apiVersion } = resource
  const fieldsV1 = createdFields(core.schemas.lookup(kind.schema), object, { ignoresStatus: hasStatus(kind) })
  if (!fieldsV1) return
  object.metadata.managedFields = [
    { manager: managerOf(context, parameters), operation: 'Update', apiVersion, time: now, fieldsType: 'FieldsV1', fieldsV1 },
  ]
}

const managerOf = (context: RequestContext, { fieldManager }: WriteParameters) => (fieldManager ?? context.agent) || 'unknown'

type Posted = {
  readonly admission: AdmissionRequest
  readonly expected: ExpectedKind
  readonly parameters: WriteParameters
  /** The object itself is the answer. */
  readonly isAnswered?: true
}

/** Admission of what is posted to a subresource and not stored: it bears the manager, too, for a webhook or policy to see. */
export async function admitPosted(core: Core, context: RequestContext, posted: Posted): Promise<void> {
  const { admission, expected, parameters, isAnswered = false } = posted
  const { object, subresource } = admission
  if (object && (isAnswered || !core.admission.treatsAlike(admission))) {
    const fieldsV1 = createdFields(core.schemas.lookup(expected.schema), object, { ignoresStatus: false })
    const [manager, time] = [managerOf(context, parameters), toTime(core.clock.now())]
    const entry = { manager, operation: 'Update', apiVersion: apiVersionOf(expected), time, fieldsType: 'FieldsV1', subresource } as const
    if (fieldsV1) object.metadata.managedFields = [{ ...entry, fieldsV1 }]
  }
  await admitManaged(core, context, admission)
  await core.admission.validate(admission)
}

/** Mutating admission, a promise where some of it takes time. Managers that it leaves unreadable become again what they were, and the client is told. */
export function admitManaged(core: Core, context: RequestContext, admission: AdmissionRequest): Promise<void> | undefined {
  const before = admission.object?.metadata.managedFields
  const pending = core.admission.admit(admission)
  if (pending) return pending.then(() => settleAdmitted(context, admission, before))
  settleAdmitted(context, admission, before)
  return undefined
}

function settleAdmitted(context: RequestContext, { object }: AdmissionRequest, before: KubeObject['metadata']['managedFields']): void {
  const { metadata } = object ?? {}
  if (!metadata || metadata.managedFields === before) return
  const fault = managedFieldsFault(metadata.managedFields)
  if (fault !== undefined) {
    context.warn(
      `.metadata.managedFields was in an invalid state after admission; this could be caused by an outdated mutating admission controller; please fix your requests: ${fault}`,
    )
    if (before) metadata.managedFields = before
  }
  if (fault !== undefined ? !before : metadata.managedFields?.length === 0) delete metadata.managedFields
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
    inVersion: (object, apiVersion) => inVersion(core, resource, object, apiVersion),
    ...ignoredFields(kind, subresource),
  }
}

/** Of kinds whose versions somebody else converts, who is not asked for this, it is not known. */
function inVersion(core: Core, from: Resource, object: KubeObject, apiVersion: string): Versioned | 'gone' | undefined {
  const to = core.registry.findKind(apiVersion, from.kind.kind)
  if (!to || to.prefix !== from.prefix) return 'gone'
  if (from.conversion?.prepare || to.conversion?.prepare) return undefined
  // What was applied has yet to be decoded.
  const decoded = core.schemas.prune(from.kind.schema, deepClone(object))
  const stored = from.conversion?.toStored(decoded) ?? decoded
  if (stored instanceof Promise) return undefined
  return { object: to.conversion?.fromStored(stored) ?? stored, schema: core.schemas.lookup(to.kind.schema) }
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
