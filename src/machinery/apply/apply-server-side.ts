import type { StatusCause } from '../../kinds/generated/types/meta-v1.ts'
import { deepEqual } from '../deep-equal.ts'
import { parseJson } from '../json-strict.ts'
import type { KubeObject } from '../object.ts'
import type { SchemaNode } from '../schema/schema-node.ts'
import { type StatusError, statusErrors } from '../status-error.ts'
import {
  difference,
  emptySet,
  type FieldSet,
  formatFieldPath,
  intersection,
  isEmptySet,
  pathsOf,
  recursiveDifference,
  union,
} from './field-set.ts'
import { compareOwners, type Owner, type Owners, ownerId, readManagedFields, writeManagedFields } from './managed-fields.ts'
import { appliedFault } from './check-applied.ts'
import { compareValues, fieldsOf, mergeValues, removeFields, withNamedFields } from './typed-value.ts'
import { type FieldOperation, ownable, ownedChanges, trackChanges } from './update-managed-fields.ts'

/**
 * Server-side apply (https://kubernetes.io/docs/reference/using-api/server-side-apply/): the applied configuration is merged
 * into the live object, fields that its manager applied before and does not now are removed unless somebody else owns
 * them, and a field that another manager owns with another value is a conflict.
 *
 * Invariants:
 * 1. Pure: neither object is changed; the result shares structure with both.
 * 2. Applying the same configuration again gives the live object itself, unless it names empty parts, which are not stored.
 * 3. A conflict changes nothing.
 *
 * Owners that speak another version of the kind are compared in that version. What a manager applied in another version is taken away path
 * by path: kinds served in several versions share their field names but for renamed ones.
 */

const lastAppliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'
const clientSideApplier = 'kubectl'
const beforeFirstApply = 'before-first-apply'

export type ApplyOperation = FieldOperation & { readonly force: boolean }

/**
 * Gives the object to store, its managedFields brought up to date; the live object itself when nothing changes. `live`
 * undefined: the object is being created. `config` is what was sent, of the operation's kind, and the result has yet to be decoded. Throws StatusError: 400 for a
 * configuration that cannot be applied, 409 with a cause a field for conflicts.
 */
export function applyServerSide(live: KubeObject | undefined, config: KubeObject, operation: ApplyOperation): KubeObject {
  if (config.metadata?.managedFields !== undefined) throw statusErrors.badRequest('metadata.managedFields must be nil')
  const fault = appliedFault(operation.schema, config)
  if (fault !== undefined) throw statusErrors.badRequest(`failed to create typed patch object (${describeObject(config)}): ${fault}`)
  const owners = ownersBeforeApply(live, operation)
  const attempt = attemptApply(live, config, owners, operation)
  if (attempt.conflicts.length === 0) return finish(live, keepLastApplied(attempt, config, operation), operation)
  const allowed = operation.manager === clientSideApplier && live ? lastAppliedFields(live, operation) : emptySet
  const remaining = attempt.conflicts.flatMap((c) => {
    const fields = difference(c.fields, allowed)
    return isEmptySet(fields) ? [] : [{ ...c, fields }]
  })
  if (remaining.length > 0) throw conflictError(remaining)
  const forced = attemptApply(live, config, owners, { ...operation, force: true })
  return finish(live, keepLastApplied(forced, config, operation), operation)
}

/** `NAMESPACE/NAME; GROUP/VERSION, Kind=KIND`. */
function describeObject({ apiVersion = '', kind = '', metadata }: KubeObject): string {
  const { name = '', namespace = '' } = metadata ?? {}
  return `${namespace}/${name}; ${describeKind(apiVersion, kind)}`
}

/** As upstream prints a kind: `/v1, Kind=Pod`. */
export const describeKind = (apiVersion: string, kind: string) =>
  `${apiVersion.includes('/') ? apiVersion : `/${apiVersion}`}, Kind=${kind}`

type Conflict = { readonly owner: Owner; readonly fields: FieldSet }
type Attempt = { readonly object: KubeObject; readonly owners: Owners; readonly conflicts: readonly Conflict[] }

function attemptApply(live: KubeObject | undefined, config: KubeObject, current: Owners, operation: ApplyOperation): Attempt {
  const { schema, ignored, apiVersion, subresource, now } = operation
  const owners: Owners = new Map(current)
  const named = fieldsOf(schema, ownable(config))
  const fields = ignored ? recursiveDifference(named, ignored) : named
  const applier: Owner = { manager: operation.manager || 'unknown', operation: 'Apply', apiVersion, subresource, time: now, fields }
  const id = ownerId(applier)
  const previous = owners.get(id)
  const merged = mergeValues(schema, live ?? { metadata: {} }, config) as KubeObject
  const namesTheSame = previous !== undefined && deepEqual(previous.fields, fields)
  // What controllers do most: apply again what is there already.
  if (live && namesTheSame && previous.apiVersion === apiVersion && deepEqual(merged, live)) return { object: live, owners, conflicts: [] }
  owners.set(id, applier)
  const object = previous && !namesTheSame ? removeAbandoned(schema, merged, { last: previous.fields, config, owners }) : merged
  const changes = ownedChanges(live, object, operation)
  const conflicts: Conflict[] = []
  for (const [other, owner] of owners) {
    if (other === id) continue
    const seen = changes(owner.apiVersion)
    if (seen === 'gone') {
      owners.delete(other)
      continue
    }
    const contested = intersection(owner.fields, seen.changed)
    if (!isEmptySet(contested)) conflicts.push({ owner, fields: contested })
    const kept = difference(difference(owner.fields, contested), seen.removed)
    if (isEmptySet(kept)) owners.delete(other)
    else if (kept !== owner.fields) owners.set(other, { ...owner, fields: kept })
  }
  if (isEmptySet(fields)) owners.delete(id)
  return { object, owners, conflicts: operation.force ? [] : conflicts }
}

/** Removes what this manager applied last time, does not apply now, and nobody else owns. */
function removeAbandoned(
  schema: SchemaNode | undefined,
  merged: KubeObject,
  { last, config, owners }: { readonly last: FieldSet; readonly config: KubeObject; readonly owners: Owners },
): KubeObject {
  // Name and namespace are named by every configuration though nobody owns them: they keep the metadata in place.
  let owned = fieldsOf(schema, config)
  for (const owner of owners.values()) owned = union(owned, owner.fields)
  const lastNamed = withNamedFields(schema, last)
  const whole = withNamedFields(schema, fieldsOf(schema, merged))
  const namedBelow = (value: unknown) => (value === undefined ? emptySet : withNamedFields(schema, fieldsOf(schema, value)))
  const withoutLast = removeFields(schema, merged, lastNamed)
  const stillOwned = union(namedBelow(withoutLast), withNamedFields(schema, owned))
  const withOwned = removeFields(schema, merged, difference(whole, stillOwned))
  // Only what this manager had may go: items that nobody owns come back.
  const abandoned = intersection(difference(whole, namedBelow(withOwned)), lastNamed)
  if (isEmptySet(abandoned)) return merged
  return removeFields(schema, merged, abandoned) as KubeObject
}

/** An object that nobody tracked so far gets an owner for all that it has. */
function ownersBeforeApply(live: KubeObject | undefined, operation: ApplyOperation): Owners {
  const owners = readManagedFields(live?.metadata.managedFields) ?? new Map<string, Owner>()
  if (owners.size > 0 || live === undefined) return owners
  const before: FieldOperation = { ...operation, manager: beforeFirstApply }
  trackChanges(owners, ownedChanges(undefined, live, before), before)
  return owners
}

function finish(live: KubeObject | undefined, { object, owners }: Attempt, operation: ApplyOperation): KubeObject {
  if (object === live) return live
  const stored = live?.metadata.managedFields
  const id = ownerId({ ...operation, manager: operation.manager || 'unknown', operation: 'Apply' })
  const isSameObject = live !== undefined && deepEqual(withoutManagedFields(live), withoutManagedFields(object))
  const applier = owners.get(id)
  const previous = readManagedFields(stored)?.get(id)
  // Time moves only with a change of the object; who comes to own what is there already has none.
  if (isSameObject && applier) owners.set(id, { ...applier, time: previous?.time })
  const managedFields = writeManagedFields(owners)
  if (isSameObject && deepEqual(managedFields, stored)) return live
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata: managedFields ? { ...metadata, managedFields } : metadata }
}

function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata
  return { ...object, metadata }
}

/** kubectl's own record of client-side apply is kept in step while `kubectl` applies on the server. */
function keepLastApplied(attempt: Attempt, config: KubeObject, { manager }: ApplyOperation): Attempt {
  const { object } = attempt
  if (manager !== clientSideApplier || !object.metadata.annotations?.[lastAppliedAnnotation]) return attempt
  const { [lastAppliedAnnotation]: _, ...annotations } = config.metadata?.annotations ?? {}
  const { annotations: _all, ...metadata } = config.metadata ?? {}
  // Annotations stay, empty, where there were any.
  const plain = { ...config, metadata: config.metadata?.annotations ? { annotations, ...metadata } : metadata }
  const text = `${JSON.stringify(sortKeys(plain))}\n`
  const recorded = { ...object.metadata, annotations: { ...object.metadata.annotations, [lastAppliedAnnotation]: text } }
  return { ...attempt, object: { ...object, metadata: recorded } }
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, field]) => [key, sortKeys(field)]),
  )
}

/** The fields that client-side apply set and nobody changed since: `kubectl` may take them over without a conflict. */
function lastAppliedFields(live: KubeObject, { schema, apiVersion }: ApplyOperation): FieldSet {
  const text = live.metadata.annotations?.[lastAppliedAnnotation]
  if (!text) return emptySet
  let lastApplied: unknown
  try {
    lastApplied = parseJson(text)
  } catch {
    // The annotation is the user's: one that cannot be read only means that nothing is taken over.
    return emptySet
  }
  if (typeof lastApplied !== 'object' || lastApplied === null || (lastApplied as KubeObject).apiVersion !== apiVersion) return emptySet
  const { added, modified, removed } = compareValues(schema, lastApplied, live)
  return difference(difference(difference(fieldsOf(schema, lastApplied), modified), added), removed)
}

function conflictError(conflicts: readonly Conflict[]): StatusError {
  const causes: StatusCause[] = []
  const blocks: string[] = []
  const sorted = conflicts.toSorted((a, b) => compareOwners(a.owner, b.owner))
  for (const { owner, fields } of sorted) {
    const paths = [...pathsOf(fields)].map(formatFieldPath)
    const who = describeOwner(owner)
    for (const field of paths) causes.push({ reason: 'FieldManagerConflict', message: `conflict with ${who}`, field })
    blocks.push(`conflicts with ${who}:`, ...paths.map((p) => `- ${p}`))
  }
  const only = causes.length === 1 ? causes[0]! : undefined
  const message = only
    ? `Apply failed with 1 conflict: ${only.message}: ${only.field}`
    : `Apply failed with ${causes.length} conflicts: ${blocks.join('\n')}`
  return statusErrors.applyConflict(message, causes)
}

function describeOwner({ manager, operation, apiVersion, subresource }: Owner): string {
  const name = JSON.stringify(manager)
  const place = subresource === '' ? name : `${name} with subresource ${JSON.stringify(subresource)}`
  return operation === 'Update' ? `${place} using ${apiVersion}` : place
}
