import type { PrepareContext } from '../../kinds/kind.ts'
import type { FieldError } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { pathSegmentName } from '../../machinery/names.ts'
import { validateObjectMeta, validateObjectMetaUpdate, validateOwnFinalizers } from '../../machinery/object-meta.ts'
import type { SchemaNode } from '../../machinery/schema/schema-node.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { Core, RequestContext } from '../core.ts'
import type { Resource } from '../registry.ts'

/** Throws 422 with every field error of a new object: `more`, metadata, schema, the kind's own rules. */
export function validateCreate(core: Core, resource: Resource, object: KubeObject, more: readonly FieldError[] = []): void {
  const { kind } = resource
  const own = [...objectErrors(core, resource, object), ...(kind.validateCreate?.(object) ?? [])]
  throwIfAny(resource, object, [...more, ...metadataErrors(resource, object), ...own])
  if (kind.judgesMetadata) throwIfAny(resource, object, commonMetadataErrors(resource, object))
}

/** Throws 422 with every field error of a changed object; `more` come before those of the kind's own rules. */
export function validateUpdate(
  core: Core,
  resource: Resource,
  write: { object: KubeObject; old: KubeObject; subresource: string; more?: readonly FieldError[] },
): void {
  const { object, more = [] } = write
  throwIfAny(resource, object, [...metadataChangeErrors(resource, write), ...more, ...changeErrors(core, resource, write)])
}

export function warnAbout(context: RequestContext, resource: Resource, object: KubeObject, old?: KubeObject): void {
  if (context.readsWarnings === false || !resource.kind.warnings) return
  for (const warning of resource.kind.warnings(object, old)) context.warn(warning)
}

export function warnAboutStatus(context: RequestContext, resource: Resource, object: KubeObject, old: KubeObject): void {
  if (context.readsWarnings === false || !resource.kind.statusWarnings) return
  for (const warning of resource.kind.statusWarnings(object, old)) context.warn(warning)
}

/** By the kind's own rules. */
function metadataErrors(resource: Resource, object: KubeObject): FieldError[] {
  const { kind } = resource
  if (kind.judgesMetadata === 'never') return []
  const { metadata } = object
  const errors = validateObjectMeta(metadata, {
    path: 'metadata',
    namespaced: kind.scope === 'Namespaced',
    validateName: (name, named) => kind.validateName(name, { ...named, object }),
    judgesPrefix: kind.judgesMetadata === undefined,
  })
  return [...errors, ...finalizerErrors(resource, metadata)]
}

/** What upstream demands of every kind's metadata, after the kind's own rules where those found nothing. */
function commonMetadataErrors({ kind }: Resource, { metadata }: KubeObject): FieldError[] {
  return validateObjectMeta(metadata, { path: 'metadata', namespaced: kind.scope === 'Namespaced', validateName: pathSegmentName })
}

/** Upstream's own kinds take no finalizers without a domain but its own. */
const finalizerErrors = ({ kind, isCustom }: Resource, { finalizers }: KubeObject['metadata']) =>
  finalizers && !isCustom && !laxGroups.has(kind.group) ? validateOwnFinalizers(finalizers, 'metadata.finalizers') : []
const laxGroups: ReadonlySet<string> = new Set([
  'apiextensions.k8s.io',
  'apiregistration.k8s.io',
  'admissionregistration.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'policy',
])

/** Upstream checks metadata for all kinds, and then once more in each kind's rules: what is wrong is a cause more than once. */
function metadataChangeErrors(
  resource: Resource,
  { object, old, subresource }: { object: KubeObject; old: KubeObject; subresource: string },
): FieldError[] {
  const { metadata } = object
  const path = 'metadata'
  const isLeftOut = resource.kind.judgesMetadata === 'never'
  const asNew = isLeftOut ? commonMetadataErrors(resource, object) : metadataErrors(resource, object)
  const changes = validateObjectMetaUpdate(metadata, old.metadata, { path, isSoundAsNew: asNew.length === 0 })
  if (asNew.length === 0 && changes.length === 0) return changes
  const common = [...commonMetadataErrors(resource, object), ...changes]
  if (isLeftOut) return common
  return [...common, ...changes, ...finalizerErrors(resource, metadata), ...(subresource === '' ? asNew : [])]
}

function changeErrors(
  core: Core,
  resource: Resource,
  write: { object: KubeObject; old: KubeObject; subresource: string },
): readonly FieldError[] {
  const { object, old, subresource } = write
  const { kind } = resource
  if (subresource === 'status') return kind.validateStatusUpdate?.(object, old) ?? []
  const own = kind.subresourceUpdates?.[subresource]
  if (own) return own.validate(object, old)
  return [...objectErrors(core, resource, object, old), ...(kind.validateUpdate?.(object, old) ?? [])]
}

/** The kind's own rules; where it states none, what its schema requires. */
function objectErrors(core: Core, { kind }: Resource, object: KubeObject, old?: KubeObject): readonly FieldError[] {
  if (kind.validate) return kind.validate(object, old)
  if (!core.schemas.lookup(kind.schema)) return []
  // What metadata must have is every kind's, and told with it.
  const missing = core.schemas.missingRequired(kind.schema, object).filter(({ field }) => !field.startsWith('metadata.'))
  return [...missing, ...core.schemas.unsupportedValues(kind.schema, object)]
}

function throwIfAny(resource: Resource, object: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length === 0) return
  // A kind that is stored as another group's is reported under it.
  const { group, kind, storedAs } = resource.kind
  throw statusErrors.invalid({ group: storedAs?.group ?? group, kind }, object.metadata.name ?? '', errors)
}

/**
 * Fills what the schema and the kind give by default. `isSpecFilled`: what a write of a kind with shared specs leaves to be filled is its
 * metadata, since the status that was sent does not count.
 */
export function applyDefaults(core: Core, { kind }: Resource, object: KubeObject, isSpecFilled = false): void {
  if (isSpecFilled) return kind.applyDefaults?.({ kind: object.kind, metadata: object.metadata } as KubeObject)
  const schema = core.schemas.lookup(kind.schema)
  if (schema) {
    giveSpec(schema, object)
    core.schemas.applyDefaults(kind.schema, object)
  }
  kind.applyDefaults?.(object)
  if (schema) core.schemas.fillZeroValues(kind.schema, object)
}

/** After the kind's prepare rules, which may have taken away a part that is always written. */
export function restoreParts(core: Core, { kind }: Resource, object: KubeObject, old?: KubeObject): void {
  const schema = core.schemas.lookup(kind.schema)
  if (!schema) return
  if (!kind.sharesSpec) return fillBeside(core, kind, object, old)
  // Of a pod those rules change the status alone: its spec, the most of it, is not walked again.
  const written = object as { status?: unknown }
  if (old && written.status === (old as { status?: unknown }).status) return
  written.status ??= {}
  fillStatus(core, kind, written.status)
}

/** What those rules took from the old object is everybody's, and as it was when it was stored. */
function fillBeside({ schemas }: Core, kind: Resource['kind'], object: KubeObject, old?: KubeObject): void {
  const [parts, oldParts] = [object as Record<string, unknown>, old as Record<string, unknown> | undefined]
  const shared = Object.entries(parts).filter(([field, part]) => typeof part === 'object' && part === oldParts?.[field])
  for (const [field] of shared) parts[field] = undefined
  schemas.fillZeroValues(kind.schema, object)
  for (const [field, part] of shared) parts[field] = part
}

/** Upstream's types have their spec within them: an object without one has an empty one. */
function giveSpec(schema: SchemaNode, object: KubeObject & { spec?: object }): void {
  if (object.spec === undefined && schema.child('spec')?.name !== undefined) object.spec = {}
}

/** The schema's alone, with what is always written, and of the status alone: whatever the rest is, the stored one stays. */
export function applyStatusDefaults(core: Core, { kind }: Resource, object: KubeObject): void {
  const { status } = object as { status?: unknown }
  if (status === undefined) return
  core.schemas.applyDefaults(kind.schema, { status })
  fillStatus(core, kind, status)
}

function fillStatus({ schemas }: Core, kind: Resource['kind'], status: unknown): void {
  const type = schemas.lookup(kind.schema)?.child('status')?.name
  if (type !== undefined) schemas.fillZeroValues(type, status)
}

/** What the kind's prepare rules learn of the request. */
export function prepareContext(context: RequestContext, now: string): PrepareContext {
  const { name, uid, groups, extra } = context.user
  const warn = (message: string) => context.warn(message)
  return { now, user: name, warn, userInfo: { groups, ...(uid === undefined ? {} : { uid }), ...(extra === undefined ? {} : { extra }) } }
}
