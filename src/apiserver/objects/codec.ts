import { fieldsText } from '../../machinery/apply/shared-fields.ts'
import type { ManagedFieldsEntry } from '../../kinds/generated/types/meta-v1.ts'
import type { KubeObject, ObjectMeta } from '../../machinery/object.ts'
import { textOfShared } from '../../machinery/shared-value.ts'

/** Metadata fields in the order in which they are stored: scalars, then labels, then everything else that nests. */
const metadataOrder = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'labels',
  'annotations',
  'ownerReferences',
  'finalizers',
  'managedFields',
] as const satisfies readonly (keyof ObjectMeta)[]

/**
 * Metadata in canonical order with `resourceVersion` first: empty fields dropped, as upstream's omitempty does.
 * Unknown fields do not survive, as metadata has the same schema in every kind.
 */
export function canonicalMetadata(metadata: ObjectMeta): ObjectMeta {
  const ordered: Record<string, unknown> = { resourceVersion: metadata.resourceVersion ?? '' }
  for (const field of metadataOrder) {
    const value = metadata[field]
    if (value === undefined || value === null || value === '' || isEmpty(value)) continue
    ordered[field] = value
  }
  return ordered as ObjectMeta
}

function isEmpty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.length === 0
  for (const _ in value) return false
  return true
}

/**
 * The canonical stored bytes of an object: `{"kind":K,"apiVersion":V,"metadata":{` first and no resourceVersion (which is
 * the store's revision and is spliced in when the value is decoded).
 */
export const encodeStored = (object: KubeObject): Buffer => encodeCanonical(canonicalObject(object))

/** The same of what `canonicalObject` gives. */
export function encodeCanonical(object: KubeObject): Buffer {
  let text = `{"kind":${JSON.stringify(object.kind)},"apiVersion":${JSON.stringify(object.apiVersion)},"metadata":${metadataText(object.metadata)}`
  const fields = object as Record<string, unknown>
  for (const field in fields) {
    if (field === 'kind' || field === 'apiVersion' || field === 'metadata') continue
    const value = fields[field]
    const encoded = (typeof value === 'object' && value !== null ? textOfShared(value) : undefined) ?? JSON.stringify(value)
    if (encoded !== undefined) text += `,${JSON.stringify(field)}:${encoded}`
  }
  return bytesOf(`${text}}`)
}

/**
 * What encoded values are cut from: an ArrayBuffer for each, or for a few, costs more than its encoding, most of all the garbage collector.
 * Much larger ones grow old while they are in use, and then the whole heap is collected for them. Whoever keeps a value for long copies it.
 * Long values have memory of their own.
 */
const chunkBytes = 1 << 16
const cutBytesMax = chunkBytes >> 2
let chunk = Buffer.allocUnsafeSlow(0)
let used = 0

function bytesOf(text: string): Buffer {
  // In UTF-8 a UTF-16 unit is three bytes at most.
  const bytesMax = text.length * 3
  if (bytesMax > cutBytesMax) return Buffer.from(text)
  if (bytesMax > chunk.length - used) {
    chunk = Buffer.allocUnsafeSlow(chunkBytes)
    used = 0
  }
  const start = used
  used += chunk.write(text, start)
  return chunk.subarray(start, used)
}

/**
 * `encodeCanonical` for objects that differ from `first` in name and uid alone: those are put into a copy of its bytes where they are as
 * long, and plain, as names that the server makes and its uids are.
 */
export function encodeAlike(first: KubeObject): (object: KubeObject) => Buffer {
  const bytes = encodeCanonical(first)
  const { name = '', uid = '' } = first.metadata
  const nameAt = bytes.indexOf(`"metadata":{"name":"${name}"`) + '"metadata":{"name":"'.length
  const uidAt = bytes.indexOf(`"uid":"${uid}"`, nameAt) + '"uid":"'.length
  const fits = (text: string | undefined, like: string) => text?.length === like.length && plain.test(text)
  return (object) => {
    const own = object.metadata
    if (!fits(own.name, name) || !fits(own.uid, uid) || !plain.test(name)) return encodeCanonical(object)
    const copy = Buffer.from(bytes)
    copy.write(own.name!, nameAt, 'latin1')
    copy.write(own.uid!, uidAt, 'latin1')
    return copy
  }
}

/** Characters that are one byte each, in JSON too. */
const plain = /^[a-z0-9.-]+$/

function metadataText(metadata: ObjectMeta): string {
  const { resourceVersion: _, managedFields = [], ...others } = metadata
  const text = JSON.stringify(others)
  if (managedFields.length === 0) return text
  return `${text.slice(0, -1)}${text === '{}' ? '' : ','}"managedFields":${managersText(managedFields)}}`
}

/** Field sets that were written as text already are not walked again. */
function managersText(managers: NonNullable<ObjectMeta['managedFields']>): string {
  let text = ''
  for (let i = 0; i < managers.length; i++) text += (i === 0 ? '[' : ',') + managerText(managers[i]!)
  return `${text}]`
}

/** In the order in which they are made, so that an object reads alike whether it was parsed since or not. */
function managerText(entry: ManagedFieldsEntry): string {
  const { manager, operation, apiVersion, time, fieldsType, fieldsV1, subresource } = entry
  if (typeof fieldsV1 !== 'object' || fieldsV1 === null || fieldsType === undefined) return JSON.stringify(entry)
  const written = JSON.stringify({ manager, operation, apiVersion, time, fieldsType })
  const where = subresource === undefined ? '' : `,"subresource":${JSON.stringify(subresource)}`
  return `${written.slice(0, -1)},"fieldsV1":${fieldsText(fieldsV1)}${where}}`
}

/** An object with kind, apiVersion and metadata first, in canonical order: what clients see and the cache shares. */
export function canonicalObject<T extends KubeObject>(object: T): T {
  const first: object = { kind: object.kind, apiVersion: object.apiVersion, metadata: undefined }
  const canonical = { ...first, ...object }
  canonical.metadata = canonicalMetadata(object.metadata)
  return canonical
}
