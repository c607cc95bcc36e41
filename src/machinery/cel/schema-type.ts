import type { JsonSchema } from '../structural/json-schema.ts'
import { type CelType, type Field, type ListMerge, type ObjectType, reservedWords } from './cel-type.ts'

/**
 * The types of values that a structural schema describes
 * (https://kubernetes.io/docs/reference/using-api/cel/#type-system-integration), with the sizes that costs are estimated from. What no
 * schema describes cannot be named: fields that are preserved although unknown have no type.
 */

/** The longest request, in bytes: what has no bound of its own is bounded by it. */
const requestBytesMax = 3 * 1024 * 1024
const durationBytes = 32
const dateBytes = 12
const dateTimeBytes = 22

type Place = {
  readonly name: string
  /** The type of resources' metadata; absent: what rules may read of it, the name. */
  readonly metadata?: ((name: string) => CelType | undefined) | undefined
}

/** Undefined for a schema whose values have no declared type. `isResource`: has apiVersion, kind and metadata, whatever the schema says. */
export function schemaType(schema: JsonSchema, { isResource, ...place }: Place & { readonly isResource: boolean }): CelType | undefined {
  if (schema['x-kubernetes-int-or-string']) return { kind: 'dyn', maxElements: requestBytesMax - 2, minSerializedSize: 1 }
  const whole = isResource ? withResourceFields(schema) : schema
  switch (whole.type) {
    case 'array':
      return listType(whole, place)
    case 'object':
      return isResource ? withMetadata(objectType(whole, place), place) : objectType(whole, place)
    case 'string':
      return stringType(whole)
    case 'boolean':
      return { kind: 'bool', minSerializedSize: 4 }
    case 'number':
      return { kind: 'double', minSerializedSize: 1 }
    case 'integer':
      return { kind: 'int', minSerializedSize: 1 }
    default:
      return undefined
  }
}

const childType = (schema: JsonSchema, { name, metadata }: Place, step: string) =>
  schemaType(schema, { isResource: schema['x-kubernetes-embedded-resource'] === true, name: `${name}.${step}`, metadata })

function withMetadata(type: CelType | undefined, { name, metadata }: Place): CelType | undefined {
  const declared = metadata?.(`${name}.metadata`)
  return type?.kind === 'object' && declared ? { ...type, fields: new Map([...type.fields, ['metadata', { type: declared }]]) } : type
}

const atLeastZero = (value: number) => Math.max(value, 0)

function listType(schema: JsonSchema, place: Place): CelType | undefined {
  const element = schema.items && childType(schema.items, place, '@idx')
  if (!element) return undefined
  const maxElements =
    schema.maxItems === undefined
      ? Math.floor((requestBytesMax - 2) / ((element.minSerializedSize ?? 0) + 1))
      : atLeastZero(schema.maxItems)
  const merge = mergeOf(schema)
  return { kind: 'list', element, maxElements, minSerializedSize: 2, ...(merge ? { merge } : {}) }
}

function mergeOf(schema: JsonSchema): ListMerge | undefined {
  switch (schema['x-kubernetes-list-type']) {
    case 'set':
      return { type: 'set' }
    case 'map':
      return { type: 'map', keys: (schema['x-kubernetes-list-map-keys'] ?? []).flatMap((key) => escapedName(key) ?? []) }
    default:
      return undefined
  }
}

function objectType(schema: JsonSchema, place: Place): CelType | undefined {
  const { additionalProperties, maxProperties, properties = {}, required = [] } = schema
  if (typeof additionalProperties === 'object') {
    const value = childType(additionalProperties, place, '@elem')
    if (!value) return undefined
    const maxElements =
      maxProperties === undefined ? Math.floor((requestBytesMax - 2) / ((value.minSerializedSize ?? 0) + 6)) : atLeastZero(maxProperties)
    // Upstream's estimate gives keys no length, and well-known definitions would cost too much if they had one.
    return { kind: 'map', key: { kind: 'string', maxElements: 0 }, value, maxElements, minSerializedSize: 2 }
  }
  const fields = new Map<string, Field>()
  let minSerializedSize = 2
  for (const [json, property] of Object.entries(properties)) {
    const type = childType(property, place, json)
    if (!type) continue
    const field = escapedName(json)
    if (field !== undefined) fields.set(field, field === json ? { type } : { type, json })
    if (required.includes(json) && property.default === undefined) minSerializedSize += json.length + (type.minSerializedSize ?? 0) + 4
  }
  return { kind: 'object', name: place.name, fields, minSerializedSize } satisfies ObjectType
}

function stringType(schema: JsonSchema): CelType {
  const { format, maxLength } = schema
  switch (format) {
    case 'byte':
      return { kind: 'bytes', minSerializedSize: 2, maxElements: maxLength === undefined ? requestBytesMax - 2 : atLeastZero(maxLength) }
    case 'duration':
      return { kind: 'duration', minSerializedSize: 4, maxElements: durationBytes }
    case 'date':
      return { kind: 'timestamp', minSerializedSize: dateBytes, maxElements: dateBytes }
    case 'date-time':
      return { kind: 'timestamp', minSerializedSize: dateTimeBytes, maxElements: dateTimeBytes }
  }
  return { kind: 'string', minSerializedSize: 2, maxElements: textMax(schema) }
}

/** In bytes: a character may take four. */
function textMax({ maxLength, enum: values = [] }: JsonSchema): number {
  if (maxLength !== undefined) return atLeastZero(maxLength) * 4
  if (values.length === 0) return requestBytesMax - 2
  return Math.max(...values.map((value) => (typeof value === 'string' ? Buffer.byteLength(value) : 0)))
}

const text: JsonSchema = { type: 'string' }

function withResourceFields(schema: JsonSchema): JsonSchema {
  const metadata = schema.properties?.['metadata']
  const own = metadata?.properties ?? {}
  const named = { name: own['name'] ?? text, generateName: own['generateName'] ?? text }
  return {
    ...schema,
    type: 'object',
    properties: {
      ...schema.properties,
      apiVersion: text,
      kind: text,
      metadata: { type: 'object', properties: named },
    },
  }
}

/** A property's name as expressions write it; undefined for one that they cannot. */
export function escapedName(name: string): string | undefined {
  if (reservedWords.has(name)) return `__${name}__`
  if (!/^[A-Za-z_][A-Za-z0-9_./-]*$/.test(name)) return undefined
  return name.replaceAll('__', '__underscores__').replaceAll('.', '__dot__').replaceAll('-', '__dash__').replaceAll('/', '__slash__')
}
