import type { ManagedFieldsEntry } from '../../kinds/generated/types/meta-v1.ts'
import { difference, type FieldSet, isEmptySet, noteFieldSet, readFieldsV1, union } from './field-set.ts'
import { sharedFields } from './shared-fields.ts'

/**
 * The list in metadata.managedFields as a map: who owns which fields, by which kind of request
 * (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management).
 */

/** One owner. `apiVersion` is the version that the fields are written in. */
export type Owner = {
  readonly manager: string
  readonly operation: 'Apply' | 'Update'
  readonly apiVersion: string
  readonly subresource: string
  readonly time: string | undefined
  readonly fields: FieldSet
}

/** Owners by their identity: for Update the version is part of it, for Apply it is not. */
export type Owners = Map<string, Owner>

const updatersMax = 10
const ancientManager = 'ancient-changes'

type Identity = Pick<Owner, 'manager' | 'operation' | 'apiVersion' | 'subresource'>

/** Of a manager's name alone it is not known what is in it: it comes last. */
export function ownerId({ manager, operation, apiVersion, subresource }: Identity): string {
  return `${operation} ${operation === 'Apply' ? '' : apiVersion} ${subresource} ${manager}`
}

/** The order of owners that came at the same time. */
export function compareOwners(a: Identity, b: Identity): number {
  return compareText(identityText(a), identityText(b))
}

function identityText({ manager, operation, apiVersion, subresource }: Identity): string {
  return JSON.stringify([manager, operation, operation === 'Apply' ? '' : apiVersion, subresource])
}

/** Undefined where an entry cannot be read: the whole list is then distrusted, as upstream does. */
export function readManagedFields(entries: readonly ManagedFieldsEntry[] | undefined): Owners | undefined {
  const owners: Owners = new Map()
  for (const entry of entries ?? []) {
    const { manager = '', operation, apiVersion, fieldsType, fieldsV1 = {}, subresource = '', time } = entry
    if ((operation !== 'Apply' && operation !== 'Update') || !apiVersion || fieldsType !== 'FieldsV1') return undefined
    const fields = readFieldsV1(fieldsV1)
    if (fields === undefined) return undefined
    const owner: Owner = { manager, operation, apiVersion, subresource, time, fields }
    owners.set(ownerId(owner), owner)
  }
  return owners
}

/** Why a list of entries cannot be read, in upstream's words; undefined where it can. */
export function managedFieldsFault(entries: readonly ManagedFieldsEntry[] | undefined): string | undefined {
  for (const [i, { operation, apiVersion, fieldsType, fieldsV1 = {} }] of (entries ?? []).entries()) {
    if (operation !== 'Apply' && operation !== 'Update') return 'operation must be `Apply` or `Update`'
    if (!apiVersion) return 'apiVersion must not be empty'
    if (!fieldsType) return `missing fieldsType in managed fields entry ${i}`
    if (fieldsType !== 'FieldsV1') return `invalid fieldsType ${JSON.stringify(fieldsType)} in managed fields entry ${i}`
    if (readFieldsV1(fieldsV1) === undefined) return `error decoding versioned set of managed fields entry ${i}`
  }
  return undefined
}

/** The list for metadata: appliers first, then by time. Undefined when nobody owns anything. */
export function writeManagedFields(owners: Owners): ManagedFieldsEntry[] | undefined {
  const entries: ManagedFieldsEntry[] = []
  for (const owner of ranked([...owners.values()])) if (!isEmptySet(owner.fields)) entries.push(entryOf(owner))
  return entries.length > 0 ? entries : undefined
}

function entryOf({ manager, operation, apiVersion, subresource, time, fields }: Owner): ManagedFieldsEntry {
  const shared = sharedFields(fields)
  noteFieldSet(shared)
  return {
    manager,
    operation,
    apiVersion,
    ...(time === undefined ? {} : { time }),
    fieldsType: 'FieldsV1',
    fieldsV1: shared,
    ...(subresource === '' ? {} : { subresource }),
  }
}

/**
 * What `writeManagedFields` makes of the entries and an updater whose fields none of the others has, without reading them as owners: the
 * entries as they are, and the updater's behind them, in place of the one that it had. Undefined where that cannot be told so easily.
 */
export function withUpdater(
  entries: readonly ManagedFieldsEntry[],
  { time, ...updater }: Identity & { readonly time: string },
  changed: FieldSet,
): ManagedFieldsEntry[] | undefined {
  const kept: ManagedFieldsEntry[] = []
  let before: ManagedFieldsEntry | undefined
  for (const entry of entries) {
    const { operation, apiVersion, fieldsType, fieldsV1 } = entry
    if ((operation !== 'Apply' && operation !== 'Update') || apiVersion !== updater.apiVersion || fieldsType !== 'FieldsV1')
      return undefined
    if (fieldsV1 === undefined || readFieldsV1(fieldsV1) !== fieldsV1 || isEmptySet(fieldsV1 as FieldSet)) return undefined
    const isOwn = isOf(entry, updater)
    if (isOwn && before) return undefined
    if (isOwn) before = entry
    else if (difference(fieldsV1 as FieldSet, changed) !== fieldsV1) return undefined
    else kept.push(entry)
  }
  const fields = before ? union(difference(before.fieldsV1 as FieldSet, changed), changed) : changed
  kept.push(entryOf({ ...updater, time, fields }))
  if (kept.length > updatersMax) return undefined
  for (let i = 1; i < kept.length; i++) if (byRank(kept[i - 1]!, kept[i]!) >= 0) return undefined
  return kept
}

function isOf({ manager = '', operation, subresource = '' }: ManagedFieldsEntry, updater: Identity): boolean {
  return operation === updater.operation && manager === updater.manager && subresource === updater.subresource
}

/** Keeps at most ten updaters: the oldest are merged into one owner a version. Says whether there were more. */
export function capUpdaters(owners: Owners): boolean {
  if (owners.size <= updatersMax) return false
  const updaters = [...owners].filter(([, o]) => o.operation === 'Update')
  if (updaters.length <= updatersMax) return false
  updaters.sort(([, a], [, b]) => seconds(a) - seconds(b) || compareOwners(a, b))
  const firstOfVersion = new Map<string, string>()
  let count = updaters.length
  for (const [id, owner] of updaters) {
    if (count <= updatersMax) return true
    const first = firstOfVersion.get(owner.apiVersion)
    if (first === undefined) {
      firstOfVersion.set(owner.apiVersion, id)
      continue
    }
    const bucketTemplate: Owner = { ...owner, manager: ancientManager, subresource: '' }
    const bucketId = ownerId(bucketTemplate)
    const bucket = owners.get(bucketId) ?? owners.get(first)!
    if (!owners.has(bucketId)) owners.delete(first)
    owners.set(bucketId, { ...bucketTemplate, fields: union(owner.fields, bucket.fields) })
    owners.delete(id)
    count--
  }
  return true
}

/** Mostly the last one came last. */
function ranked(owners: Owner[]): readonly Owner[] {
  for (let i = 1; i < owners.length; i++) if (byRank(owners[i - 1]!, owners[i]!) > 0) return owners.sort(byRank)
  return owners
}

type Ranked = Pick<ManagedFieldsEntry, 'manager' | 'operation' | 'apiVersion' | 'subresource' | 'time'>

function byRank(a: Ranked, b: Ranked): number {
  return (
    compareText(a.operation ?? '', b.operation ?? '') ||
    compareTimes(a, b) ||
    compareText(a.manager ?? '', b.manager ?? '') ||
    compareText(a.apiVersion ?? '', b.apiVersion ?? '') ||
    compareText(a.subresource ?? '', b.subresource ?? '')
  )
}

/** As nearly all times are written, which read as they follow one another. */
const wholeSecondsLength = '2006-01-02T15:04:05Z'.length

function compareTimes(a: Ranked, b: Ranked): number {
  const [left, right] = [a.time ?? '', b.time ?? '']
  if (left === right) return 0
  if (left.length === wholeSecondsLength && right.length === wholeSecondsLength) return compareText(left, right)
  return seconds(a) - seconds(b)
}

function seconds({ time }: Ranked): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
