import type { ManagedFieldsEntry } from '../../kinds/generated/types/meta-v1.ts'
import { deepEqual } from '../deep-equal.ts'
import type { KubeObject } from '../object.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { difference, type FieldSet, isEmptySet, recursiveDifference, union } from './field-set.ts'
import { capUpdaters, type Owner, type Owners, ownerId, readManagedFields, writeManagedFields } from './managed-fields.ts'
import { type Comparison, compareValues } from './typed-value.ts'

/** Who changes an object, and how. */
export type FieldOperation = {
  readonly schema: SchemaNode | undefined
  /** The version that the request spoke. */
  readonly apiVersion: string
  /** `?fieldManager=`, else the first part of the User-Agent. */
  readonly manager: string
  /** Empty for the main resource. */
  readonly subresource: string
  /** RFC 3339 in whole seconds. */
  readonly now: string
  /** Fields that this request cannot set, so that it never owns them: `fieldSet('status')` for the main resource of a kind with one. */
  readonly ignored?: FieldSet
}

/** Fields of an object that nobody owns. */
const unownedMeta = new Set(['name', 'namespace', 'creationTimestamp', 'selfLink', 'uid', 'generation', 'managedFields', 'resourceVersion'])

/**
 * The managedFields of an object after a create or update by other means than apply: whoever changed a field owns it.
 * Pure. `live` undefined: the object is being created. Gives the live list itself when the request changed nothing that is
 * owned, so that the caller can tell by reference. Objects that were never tracked stay untracked, as upstream's.
 */
export function updateManagedFields(
  live: KubeObject | undefined,
  next: KubeObject,
  operation: FieldOperation,
): ManagedFieldsEntry[] | undefined {
  const owners = currentOwners(live, next, operation.subresource)
  if (owners.size === 0 && live !== undefined) return undefined
  const isChanged = trackChanges(owners, compareOwned(live ?? emptyObject, next, operation), operation)
  return !isChanged && live !== undefined && isFromLive(live, next) ? live.metadata.managedFields : writeManagedFields(owners)
}

/** Gives what changed to the operation's manager, and takes what changed or went from everybody else. Changes `owners`, and says whether. */
export function trackChanges(owners: Owners, { added, modified, removed }: Comparison, operation: FieldOperation): boolean {
  const changed = union(modified, added)
  let isChanged = false
  for (const [id, owner] of owners) {
    const kept = difference(difference(owner.fields, changed), removed)
    if (kept === owner.fields && !isEmptySet(kept)) continue
    isChanged = true
    if (isEmptySet(kept)) owners.delete(id)
    else owners.set(id, { ...owner, fields: kept })
  }
  if (!isEmptySet(changed)) {
    const { manager, apiVersion, subresource, now } = operation
    const owner: Owner = { manager: manager || 'unknown', operation: 'Update', apiVersion, subresource, time: now, fields: changed }
    const id = ownerId(owner)
    const previous = owners.get(id)
    owners.set(id, previous ? { ...owner, fields: union(previous.fields, changed) } : owner)
    isChanged = true
  }
  return capUpdaters(owners) || isChanged
}

/** What differs between two objects, without the fields that nobody owns. */
export function compareOwned(old: KubeObject, next: KubeObject, { schema, ignored }: FieldOperation): Comparison {
  const comparison = compareValues(schema, ownable(old), ownable(next))
  if (ignored === undefined) return comparison
  return {
    added: recursiveDifference(comparison.added, ignored),
    modified: recursiveDifference(comparison.modified, ignored),
    removed: recursiveDifference(comparison.removed, ignored),
  }
}

/** The object without the fields that nobody owns; shares everything else with it. */
export function ownable(object: KubeObject): Record<string, unknown> {
  const fields = object as KubeObject & Record<string, unknown>
  const owned: Record<string, unknown> = {}
  for (const key in fields) if (key !== 'apiVersion' && key !== 'kind' && key !== 'metadata') owned[key] = fields[key]
  const { metadata } = fields
  const meta: Record<string, unknown> = {}
  for (const key in metadata) if (!unownedMeta.has(key)) meta[key] = metadata[key as keyof typeof metadata]
  if (!isEmptySet(meta as FieldSet)) owned.metadata = meta
  return owned
}

const emptyObject: KubeObject = { metadata: {} }

/**
 * A request may rewrite the list itself, or reset it by an empty one or one empty entry; a subresource may not, and a list that cannot be
 * read counts as none.
 */
function currentOwners(live: KubeObject | undefined, next: KubeObject, subresource: string): Owners {
  const sent = next.metadata.managedFields
  const stored = live?.metadata.managedFields
  if (subresource === '' && sent !== stored) {
    if (isReset(sent)) return new Map()
    const owners = readManagedFields(sent)
    if (owners && owners.size > 0) return owners
  }
  return readManagedFields(stored) ?? new Map<string, Owner>()
}

function isReset(entries: readonly ManagedFieldsEntry[] | undefined): boolean {
  if (!entries) return false
  return entries.length === 0 || (entries.length === 1 && Object.keys(entries[0]!).length === 0)
}

function isFromLive(live: KubeObject, next: KubeObject): boolean {
  const sent = next.metadata.managedFields
  return sent === undefined || deepEqual(sent, live.metadata.managedFields)
}
