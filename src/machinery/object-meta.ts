import type { ManagedFieldsEntry, ObjectMeta, OwnerReference } from '../kinds/generated/types/meta-v1.ts'
import { deepEqual } from './deep-equal.ts'
import { type FieldError, fieldErrors } from './field-error.ts'
import { goQuote } from './go-text.ts'
import { validateLabels } from './labels.ts'
import { dns1123Label, maskTrailingDash, qualifiedName } from './names.ts'
import { parseApiVersion } from './object.ts'

const annotationsBytesMax = 256 * 1024
const fieldManagerBytesMax = 128
const subresourceBytesMax = 256
const orphanFinalizer = 'orphan'
const foregroundFinalizer = 'foregroundDeletion'

export type ObjectMetaRules = {
  /** Where the metadata is, usually `metadata`. */
  readonly path: string
  readonly namespaced: boolean
  readonly validateName: (name: string, named: NamedAs) => readonly string[]
  /** False: of a generated name only the outcome is judged, and not what it begins with. */
  readonly judgesPrefix?: boolean
}

/** What a name is judged as: itself, or the beginning of generated ones, whose dash at the end is then masked. `given`: as it was sent. */
export type NamedAs = { readonly given: string; readonly isPrefix: boolean }

/** Checks metadata of an object that is to be created, names already generated. Errors are worded as upstream's. */
export function validateObjectMeta(
  meta: ObjectMeta,
  { path, namespaced, validateName, judgesPrefix = true }: ObjectMetaRules,
): FieldError[] {
  const errors: FieldError[] = []
  const { generateName, name } = meta
  if (generateName && judgesPrefix)
    for (const m of validateName(maskTrailingDash(generateName), { given: generateName, isPrefix: true }))
      errors.push(fieldErrors.invalid(`${path}.generateName`, generateName, m))
  if (!name) errors.push(fieldErrors.required(`${path}.name`, 'name or generateName is required'))
  else for (const m of validateName(name, { given: name, isPrefix: false })) errors.push(fieldErrors.invalid(`${path}.name`, name, m))
  if (namespaced) {
    if (!meta.namespace) errors.push(fieldErrors.required(`${path}.namespace`))
    else for (const m of dns1123Label(meta.namespace)) errors.push(fieldErrors.invalid(`${path}.namespace`, meta.namespace, m))
  } else if (meta.namespace) errors.push(fieldErrors.forbidden(`${path}.namespace`, 'not allowed on this type'))
  validateParts(meta, path, errors)
  if (meta.finalizers) errors.push(...validateFinalizers(meta.finalizers, `${path}.finalizers`))
  return errors
}

/**
 * Checks what an update may change of the metadata. `next` carries the resource version that it was read at. `isSoundAsNew`:
 * `validateObjectMeta` has found nothing in it.
 */
export function validateObjectMetaUpdate(
  next: ObjectMeta,
  old: ObjectMeta,
  { path, isSoundAsNew = false }: { readonly path: string; readonly isSoundAsNew?: boolean },
): FieldError[] {
  const errors: FieldError[] = []
  if (old.deletionTimestamp) {
    const added = (next.finalizers ?? []).filter((f) => !old.finalizers?.includes(f)).sort()
    if (added.length)
      errors.push(
        fieldErrors.forbidden(
          `${path}.finalizers`,
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((f) => JSON.stringify(f)).join(', ')}}`,
        ),
      )
  }
  if (!next.resourceVersion)
    errors.push(fieldErrors.invalid(`${path}.resourceVersion`, next.resourceVersion ?? '', 'must be specified for an update'))
  if ((next.generation ?? 0) < (old.generation ?? 0))
    errors.push(fieldErrors.invalid(`${path}.generation`, next.generation ?? 0, 'must not be decremented'))
  for (const field of immutableText)
    if (next[field] !== old[field]) errors.push(...immutableField(next[field] ?? '', old[field] ?? '', `${path}.${field}`))
  for (const field of immutableOptional)
    if (next[field] !== old[field]) errors.push(...immutableField(next[field], old[field], `${path}.${field}`))
  if (!isSoundAsNew) validateParts(next, path, errors)
  return errors
}

const immutableText = ['name', 'namespace', 'uid'] as const
const immutableOptional = ['creationTimestamp', 'deletionTimestamp', 'deletionGracePeriodSeconds'] as const

/** The error for a field that an update may not change, when it did. */
export function immutableField(next: unknown, old: unknown, path: string): FieldError[] {
  return deepEqual(next ?? undefined, old ?? undefined) ? [] : [fieldErrors.invalid(path, next, 'field is immutable')]
}

/** Keys are qualified names in any case; keys and values together are at most 256 KiB. */
export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  let bytes = 0
  for (const key in annotations) {
    for (const m of qualifiedName(key.toLowerCase())) errors.push(fieldErrors.invalid(path, key, m))
    bytes += byteLength(key) + byteLength(annotations[key]!)
  }
  if (bytes > annotationsBytesMax) errors.push(fieldErrors.tooLong(path, '', annotationsBytesMax))
  return errors
}

/** The rules of `?fieldManager=` and of managedFields' manager. */
export function validateFieldManager(manager: string, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (manager.length <= fieldManagerBytesMax && plainText.test(manager)) return errors
  if (byteLength(manager) > fieldManagerBytesMax) errors.push(fieldErrors.tooLong(path, '', fieldManagerBytesMax))
  let at = 0
  for (const ch of manager) {
    if (!isPrintable(ch))
      errors.push(
        fieldErrors.invalidOmitted(
          path,
          `${goQuote(manager)}: invalid character U+${ch.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')} (at position ${at})`,
        ),
      )
    at += byteLength(ch)
  }
  return errors
}

export function validateFinalizers(finalizers: readonly string[], path: string): FieldError[] {
  const errors = finalizers.flatMap((f) => qualifiedName(f).map((m) => fieldErrors.invalid(path, f, m)))
  if (finalizers.includes(orphanFinalizer) && finalizers.includes(foregroundFinalizer))
    errors.push(fieldErrors.invalid(path, finalizers, `finalizer ${orphanFinalizer} and ${foregroundFinalizer} cannot be both set`))
  return errors
}

const ownFinalizers: ReadonlySet<string> = new Set(['kubernetes', orphanFinalizer, foregroundFinalizer])

/** What upstream's own kinds demand of finalizers beside: a domain, or to be one of its own. */
export function validateOwnFinalizers(finalizers: readonly string[], path: string): FieldError[] {
  return finalizers.flatMap((finalizer, i) =>
    finalizer.includes('/') || ownFinalizers.has(finalizer)
      ? []
      : [fieldErrors.invalid(`${path}[${i}]`, finalizer, 'name is neither a standard finalizer name nor is it fully qualified')],
  )
}

function validateParts(meta: ObjectMeta, path: string, errors: FieldError[]): void {
  if ((meta.generation ?? 0) < 0)
    errors.push(fieldErrors.invalid(`${path}.generation`, meta.generation, 'must be greater than or equal to 0'))
  if (meta.labels) errors.push(...validateLabels(meta.labels, `${path}.labels`))
  if (meta.annotations) errors.push(...validateAnnotations(meta.annotations, `${path}.annotations`))
  if (meta.ownerReferences?.length) errors.push(...validateOwnerReferences(meta.ownerReferences, `${path}.ownerReferences`))
  if (meta.managedFields) errors.push(...validateManagedFields(meta.managedFields, `${path}.managedFields`))
}

/** Of more than two parts there is none. */
const ownerVersion = (apiVersion: string) =>
  apiVersion.split('/', 3).length > 2 ? { group: '', version: '' } : parseApiVersion(apiVersion)

function validateOwnerReferences(owners: readonly OwnerReference[], path: string): FieldError[] {
  const errors: FieldError[] = []
  let controller: string | undefined
  for (const owner of owners) {
    const { group, version } = ownerVersion(owner.apiVersion ?? '')
    if (!version) errors.push(fieldErrors.invalid(`${path}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'))
    for (const field of ['kind', 'name', 'uid'] as const)
      if (!owner[field]) errors.push(fieldErrors.invalid(`${path}.${field}`, owner[field] ?? '', 'must not be empty'))
    if (group === '' && version === 'v1' && owner.kind === 'Event')
      errors.push(fieldErrors.invalid(path, owner, '/v1, Kind=Event is disallowed from being an owner'))
    if (!owner.controller) continue
    const name = `${owner.kind}/${owner.name}`
    if (controller !== undefined)
      errors.push(
        fieldErrors.invalid(
          path,
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`,
        ),
      )
    else controller = name
  }
  return errors
}

function validateManagedFields(entries: readonly ManagedFieldsEntry[], path: string): FieldError[] {
  const errors: FieldError[] = []
  for (const [i, entry] of entries.entries()) {
    const at = `${path}[${i}]`
    if (!entry.operation) errors.push(fieldErrors.required(`${at}.operation`, 'must not be empty'))
    else if (entry.operation !== 'Apply' && entry.operation !== 'Update')
      errors.push(fieldErrors.notSupported(`${at}.operation`, entry.operation, ['Apply', 'Update']))
    if (entry.fieldsType && entry.fieldsType !== 'FieldsV1')
      errors.push(fieldErrors.invalid(`${at}.fieldsType`, entry.fieldsType, 'must be `FieldsV1`'))
    errors.push(...validateFieldManager(entry.manager ?? '', `${at}.manager`))
    if (byteLength(entry.subresource ?? '') > subresourceBytesMax)
      errors.push(fieldErrors.tooLong(`${at}.subresource`, '', subresourceBytesMax))
  }
  return errors
}

function isPrintable(ch: string): boolean {
  return ch === ' ' || /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u.test(ch)
}

const encoder = new TextEncoder()
/** Printable characters of one byte each. */
const plainText = /^[\x20-\x7e]*$/

function byteLength(text: string): number {
  return text.length < 32 && plainText.test(text) ? text.length : encoder.encode(text).length
}
