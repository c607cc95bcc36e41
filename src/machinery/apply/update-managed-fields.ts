import type { ManagedFieldsEntry } from '../../kinds/generated/types/meta-v1.ts'
import { deepEqual } from '../deep-equal.ts'
import type { KubeObject } from '../object.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { difference, emptySet, type FieldSet, isEmptySet, isMember, recursiveDifference, union } from './field-set.ts'
import { capUpdaters, type Owner, type Owners, ownerId, readManagedFields, withUpdater, writeManagedFields } from './managed-fields.ts'
import { compareValues } from './typed-value.ts'

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
  /**
   * The object in another version, whose fields some owner has, and that version's type; `gone` where it is not served any more. Undefined
   * where that is not known here: its owners are then compared as if their version had the same fields.
   */
  readonly inVersion?: (object: KubeObject, apiVersion: string) => Versioned | 'gone' | undefined
}

export type Versioned = { readonly object: KubeObject; readonly schema: SchemaNode | undefined }

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
  const changes = ownedChanges(live, next, operation)
  return (live && simplyChanged(live, next, changes, operation)) ?? changedOwners(live, next, changes, operation)
}

/** Most changes take nothing from anybody. Undefined where one does, or where that cannot be told easily; `changedOwners` gives the same. */
function simplyChanged(
  live: KubeObject,
  next: KubeObject,
  changes: OwnedChanges,
  { manager, apiVersion, subresource, now }: FieldOperation,
): ManagedFieldsEntry[] | undefined {
  const entries = live.metadata.managedFields
  const sent = next.metadata.managedFields
  if (!entries || (sent !== undefined && sent !== entries)) return undefined
  const own = changes(apiVersion)
  if (own === 'gone' || !isEmptySet(own.removed) || isEmptySet(own.changed)) return undefined
  const updater = { manager: manager || 'unknown', operation: 'Update', apiVersion, subresource, time: now } as const
  return withUpdater(entries, updater, own.changed)
}

/** Exported for its test. */
export function changedOwners(
  live: KubeObject | undefined,
  next: KubeObject,
  changes: OwnedChanges,
  operation: FieldOperation,
): ManagedFieldsEntry[] | undefined {
  const owners = currentOwners(live, next, operation.subresource)
  if (owners.size === 0 && live !== undefined) return undefined
  const isChanged = trackChanges(owners, changes, operation)
  return !isChanged && live !== undefined && isFromLive(live, next) ? live.metadata.managedFields : writeManagedFields(owners)
}

/** Gives what changed to the operation's manager, and takes what changed or went from everybody else. Changes `owners`, and says whether. */
export function trackChanges(owners: Owners, changes: OwnedChanges, operation: FieldOperation): boolean {
  let isChanged = false
  for (const [id, owner] of owners) {
    const seen = changes(owner.apiVersion)
    const kept = seen === 'gone' ? emptySet : difference(difference(owner.fields, seen.changed), seen.removed)
    if (kept === owner.fields && !isEmptySet(kept)) continue
    isChanged = true
    if (isEmptySet(kept)) owners.delete(id)
    else owners.set(id, { ...owner, fields: kept })
  }
  const own = changes(operation.apiVersion)
  const changed = own === 'gone' ? emptySet : own.changed
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

/** What has another value than before, and what is not there any more. */
export type OwnedChange = { readonly changed: FieldSet; readonly removed: FieldSet }
/** The same in the words of each version; `gone`: it is not served any more, and nobody owns anything in it. */
export type OwnedChanges = (apiVersion: string) => OwnedChange | 'gone'

/** What differs between two states, without the fields that nobody owns; compared once for each version that is asked for. */
export function ownedChanges(live: KubeObject | undefined, next: KubeObject, operation: FieldOperation): OwnedChanges {
  const old = live ?? emptyObject
  const { schema, apiVersion: own, inVersion } = operation
  const known = new Map<string, OwnedChange | 'gone'>()
  const compared = (apiVersion: string): OwnedChange | 'gone' => {
    const before = apiVersion === own || !live ? undefined : inVersion?.(live, apiVersion)
    if (before === undefined) return compareOwned(old, next, { schema, ignored: operation.ignored })
    const after = before === 'gone' ? before : inVersion?.(next, apiVersion)
    if (before === 'gone' || after === 'gone' || after === undefined) return 'gone'
    return compareOwned(before.object, after.object, { schema: before.schema, ignored: operation.ignored })
  }
  return (apiVersion) => {
    let change = known.get(apiVersion)
    if (!change) known.set(apiVersion, (change = compared(apiVersion)))
    return change
  }
}

function compareOwned(old: KubeObject, next: KubeObject, { schema, ignored }: Pick<FieldOperation, 'schema' | 'ignored'>): OwnedChange {
  const { added, modified, removed } = compareValues(schema, ownable(old, ignored), ownable(next, ignored))
  const changed = union(modified, added)
  if (ignored === undefined) return { changed, removed }
  return { changed: recursiveDifference(changed, ignored), removed: recursiveDifference(removed, ignored) }
}

/** The object without the fields that nobody owns, and without those that are ignored whole; shares everything else with it. */
export function ownable(object: KubeObject, ignored: FieldSet = emptySet): Record<string, unknown> {
  const fields = object as KubeObject & Record<string, unknown>
  const isIgnored = (key: string) => {
    const part = ignored[`f:${key}`]
    return part !== undefined && isMember(part)
  }
  const owned: Record<string, unknown> = {}
  for (const key in fields) if (key !== 'apiVersion' && key !== 'kind' && key !== 'metadata' && !isIgnored(key)) owned[key] = fields[key]
  if (isIgnored('metadata')) return owned
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
