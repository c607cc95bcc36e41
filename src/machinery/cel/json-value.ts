import { deepEqual } from '../deep-equal.ts'
import { type CelType, celTypes, fieldNamed, formatType, type ListMerge } from './cel-type.ts'
import { EvaluationError, spendSteps } from './evaluation-error.ts'
import { formatDuration, formatTimestamp, parseFormatDuration, parseTimestamp } from './time.ts'
import {
  CelBytes,
  type CelDuration,
  type CelList,
  type CelMap,
  type CelStruct,
  CelTimestamp,
  type CelTypeValue,
  type Value,
} from './value.ts'

/**
 * JSON as values, without a copy: an item is adapted when it is asked for. `type` says what a text or a number is; without one
 * (`dyn`) whole numbers are ints, others doubles. Throws EvaluationError for a value that is not of its type.
 */
export function fromJson(json: unknown, type: CelType): Value {
  if (json === null || json === undefined) return null
  switch (type.kind) {
    case 'string':
      if (typeof json === 'string') return json
      break
    case 'bool':
      if (typeof json === 'boolean') return json
      break
    case 'int':
      if (typeof json === 'number' && Number.isInteger(json)) return BigInt(json)
      break
    case 'double':
      if (typeof json === 'number') return json
      break
    case 'list':
      if (Array.isArray(json)) return new JsonList(json, type.element, type.merge)
      break
    case 'map':
      if (isJsonObject(json)) return new JsonMap(json, type.value)
      break
    case 'object':
      if (isJsonObject(json)) return new JsonStruct(json, type)
      break
    case 'opaque':
    case 'dyn':
      return fromUntyped(json)
    case 'bytes':
    case 'timestamp':
    case 'duration':
      if (typeof json === 'string') return fromText(json, type.kind)
      break
    default:
      return fromUntyped(json)
  }
  throw new EvaluationError(`expected ${formatType(type)}, got ${Array.isArray(json) ? 'list' : typeof json}`)
}

function fromUntyped(json: unknown): Value {
  switch (typeof json) {
    case 'string':
    case 'boolean':
      return json
    case 'number':
      return Number.isInteger(json) && Math.abs(json) < 2 ** 63 ? BigInt(json) : json
    default:
      if (Array.isArray(json)) return new JsonList(json, celTypes.dyn, undefined)
      if (isJsonObject(json)) return new JsonMap(json, celTypes.dyn)
      return null
  }
}

function fromText(text: string, kind: 'bytes' | 'timestamp' | 'duration'): Value {
  if (kind === 'bytes') return new CelBytes(Buffer.from(text, 'base64'))
  if (kind === 'duration') return parseFormatDuration(text)
  return parseTimestamp(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text)
}

type JsonObject = Readonly<Record<string, unknown>>
const isJsonObject = (json: unknown): json is JsonObject => typeof json === 'object' && json !== null && !Array.isArray(json)

export class JsonList implements CelList {
  readonly kind = 'list'
  readonly merge: ListMerge | undefined
  private readonly items: readonly unknown[]
  private readonly element: CelType

  constructor(items: readonly unknown[], element: CelType, merge: ListMerge | undefined) {
    this.items = items
    this.element = element
    this.merge = merge
  }

  get size(): number {
    return this.items.length
  }

  at(index: number): Value {
    return fromJson(this.items[index], this.element)
  }
}

export class JsonMap implements CelMap {
  readonly kind = 'map'
  private readonly object: JsonObject
  private readonly value: CelType
  private names: readonly string[] | undefined

  constructor(object: JsonObject, value: CelType) {
    this.object = object
    this.value = value
  }

  get size(): number {
    return this.keys().length
  }

  get(key: Value): Value | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.object, key)) return undefined
    const json = this.object[key]
    return json === undefined ? undefined : fromJson(json, this.value)
  }

  keys(): readonly string[] {
    return (this.names ??= Object.keys(this.object))
  }
}

/** A field that is null counts as absent; a key of a map and an item of a list do not. */
export class JsonStruct implements CelStruct {
  readonly kind = 'struct'
  readonly type: CelType & { readonly kind: 'object' }
  readonly object: JsonObject

  constructor(object: JsonObject, type: CelType & { readonly kind: 'object' }) {
    this.object = object
    this.type = type
  }

  get(field: string): Value | undefined {
    const declared = fieldNamed(this.type, field)
    if (!declared) return undefined
    const name = declared.json ?? field
    const json = Object.hasOwn(this.object, name) ? this.object[name] : undefined
    return json === undefined || json === null ? undefined : fromJson(json, declared.type)
  }

  fields(): readonly string[] {
    const set: string[] = []
    for (const [field, { json = field }] of this.type.fields)
      if (this.object[json] !== undefined && this.object[json] !== null && Object.hasOwn(this.object, json)) set.push(field)
    return set
  }
}

type Equals = (a: Value, b: Value) => boolean

/** All that the JSON holds counts: nulls, and what no type declares, which is compared as it is. */
export function equalJsonStructs(a: JsonStruct, b: JsonStruct, equals: Equals): boolean {
  const names = Object.keys(a.object)
  if (names.length !== Object.keys(b.object).length) return false
  spendSteps(names.length)
  const declared = typesByName(a.type)
  return names.every((name) => {
    if (!Object.hasOwn(b.object, name)) return false
    const [x, y, type] = [a.object[name], b.object[name], declared.get(name)]
    return type ? equals(fromJson(x, type), fromJson(y, type)) : deepEqual(x, y)
  })
}

const namedTypes = new WeakMap<object, ReadonlyMap<string, CelType>>()

/** The types of the fields by their names in JSON. */
function typesByName(type: JsonStruct['type']): ReadonlyMap<string, CelType> {
  const known = namedTypes.get(type) ?? new Map([...type.fields].map(([field, declared]) => [declared.json ?? field, declared.type]))
  namedTypes.set(type, known)
  return known
}

/** A value as JSON would hold it. Times become texts, bytes base64. Throws EvaluationError for what JSON cannot say. */
export function toJson(value: Value): unknown {
  switch (typeof value) {
    case 'bigint':
      return Number(value)
    case 'number':
      if (!Number.isFinite(value)) throw new EvaluationError('not a number that JSON can hold')
      return value
    case 'object':
      return value === null ? null : objectToJson(value)
    default:
      return value
  }
}

function objectToJson(value: Exclude<Value, null | string | bigint | number | boolean>): unknown {
  spendSteps(1)
  switch (value.kind) {
    case 'uint':
      return Number(value.value)
    case 'bytes':
      return Buffer.from(value.bytes).toString('base64')
    case 'timestamp':
    case 'duration':
      return timeText(value)
    case 'list':
      return Array.from({ length: boundedSize(value) }, (_, i) => toJson(value.at(i)))
    case 'map':
      return Object.fromEntries(value.keys().map((key) => [keyText(key), toJson(value.get(key)!)]))
    case 'struct':
      return Object.fromEntries(value.fields().map((field) => [value.type.fields.get(field)?.json ?? field, toJson(value.get(field)!)]))
    case 'optional':
      return value.value === undefined ? null : toJson(value.value)
    default:
      throw new EvaluationError(`unsupported conversion from ${nameOf(value)} to JSON`)
  }
}

const nameOf = (value: CelTypeValue | { readonly type: { readonly name: string } }) => ('type' in value ? value.type.name : value.name)

function boundedSize(list: CelList): number {
  spendSteps(list.size)
  return list.size
}

function keyText(key: Value): string {
  if (typeof key === 'object') return key !== null && key.kind === 'uint' ? String(key.value) : 'null'
  return String(key)
}

/** An RFC 3339 time, or seconds with an `s`. */
function timeText(value: CelTimestamp | CelDuration): string {
  return value instanceof CelTimestamp ? formatTimestamp(value) : formatDuration(value)
}
