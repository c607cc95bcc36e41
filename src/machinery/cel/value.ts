import { type CelType, celTypes } from './cel-type.ts'

/**
 * What expressions compute with. Scalars are JavaScript's own: `bigint` is int, `number` double. Everything else has a `kind`.
 *
 * Invariants:
 * 1. Values are never changed once anybody but their maker has them.
 * 2. Lists and maps over JSON adapt an item when it is asked for, by the type that its schema gives it (json-value.ts).
 */
export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | CelUint
  | CelBytes
  | CelTimestamp
  | CelDuration
  | CelList
  | CelMap
  | CelStruct
  | CelTypeValue
  | CelOptional
  | CelOpaque

export const int64Max = 9223372036854775807n
export const int64Min = -9223372036854775808n
export const uint64Max = 18446744073709551615n

export type CelList = {
  readonly kind: 'list'
  readonly size: number
  /** An item inside the bounds. */
  at(index: number): Value
}

export type CelMap = {
  readonly kind: 'map'
  readonly size: number
  get(key: Value): Value | undefined
  /** Whether the key is there, for maps that `get` gives a value of even where it is not. */
  has?(key: Value): boolean
  keys(): readonly Value[]
}

/** An object with declared fields. */
export type CelStruct = {
  readonly kind: 'struct'
  readonly type: CelType & { readonly kind: 'object' }
  /** Undefined for a field that is not set. */
  get(field: string): Value | undefined
  /** The names of the fields that are set. */
  fields(): readonly string[]
}

export class CelUint {
  readonly kind = 'uint'
  readonly value: bigint

  constructor(value: bigint) {
    this.value = value
  }
}

export class CelBytes {
  readonly kind = 'bytes'
  readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }
}

/** A point in time: whole seconds since 1970 (may be negative), and 0 to 999,999,999 nanoseconds after them. */
export class CelTimestamp {
  readonly kind = 'timestamp'
  readonly seconds: number
  readonly nanos: number

  constructor(seconds: number, nanos: number) {
    this.seconds = seconds
    this.nanos = nanos
  }
}

/** A span of time, exact to the nanosecond, of at most ±292 years (an int64 of nanoseconds). */
export class CelDuration {
  readonly kind = 'duration'
  readonly nanos: bigint

  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

export class CelTypeValue {
  readonly kind = 'type'
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** `value` is undefined for none. */
export class CelOptional {
  readonly kind = 'optional'
  readonly value: Value | undefined

  constructor(value: Value | undefined) {
    this.value = value
  }
}

/** A value that only functions look into: an IP address, a quantity, an authorizer. `type` tells which. */
export class CelOpaque {
  readonly kind = 'opaque'
  readonly type: OpaqueKind
  readonly content: unknown

  constructor(type: OpaqueKind, content: unknown) {
    this.type = type
    this.content = content
  }
}

export type OpaqueKind = {
  readonly name: string
  equals(a: unknown, b: unknown): boolean
  /** What a string made of the value would be; undefined where there is none. */
  size?(content: unknown): number
}

export class ArrayList implements CelList {
  readonly kind = 'list'
  readonly items: readonly Value[]

  constructor(items: readonly Value[]) {
    this.items = items
  }

  get size(): number {
    return this.items.length
  }

  at(index: number): Value {
    return this.items[index]!
  }
}

/** Two lists one after the other. Made in no time whatever their sizes, as its cost says. */
export class JoinedList implements CelList {
  readonly kind = 'list'
  readonly size: number
  private readonly left: CelList
  private readonly right: CelList

  constructor(left: CelList, right: CelList) {
    this.left = left
    this.right = right
    this.size = left.size + right.size
  }

  at(index: number): Value {
    return index < this.left.size ? this.left.at(index) : this.right.at(index - this.left.size)
  }
}

/** A map of computed entries. Numbers are one key whatever their type: `1`, `1u` and `1.0`. */
export class EntryMap implements CelMap {
  readonly kind = 'map'
  private readonly entries: ReadonlyMap<unknown, readonly [key: Value, value: Value]>

  constructor(entries: ReadonlyMap<unknown, readonly [key: Value, value: Value]>) {
    this.entries = entries
  }

  get size(): number {
    return this.entries.size
  }

  get(key: Value): Value | undefined {
    return this.entries.get(mapKey(key))?.[1]
  }

  keys(): readonly Value[] {
    return [...this.entries.values()].map(([key]) => key)
  }
}

/** What a key is known by in a JavaScript map; undefined for what can be no key. */
export function mapKey(key: Value): unknown {
  switch (typeof key) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return key
    case 'number':
      return Number.isInteger(key) ? BigInt(key) : undefined
    default:
      return key !== null && key.kind === 'uint' ? key.value : undefined
  }
}

/** A struct of computed fields. */
export class FieldStruct implements CelStruct {
  readonly kind = 'struct'
  readonly type: CelType & { readonly kind: 'object' }
  private readonly values: ReadonlyMap<string, Value>

  constructor(type: CelType & { readonly kind: 'object' }, values: ReadonlyMap<string, Value>) {
    this.type = type
    this.values = values
  }

  get(field: string): Value | undefined {
    return this.values.get(field)
  }

  fields(): readonly string[] {
    return [...this.values.keys()]
  }
}

/** A struct whose fields are computed when they are first asked for, like the variables of a policy. */
export function lazyStruct(type: CelType & { readonly kind: 'object' }, compute: (field: string) => Value | undefined): CelStruct {
  const known = new Map<string, Value | undefined>()
  return {
    kind: 'struct',
    type,
    get: (field) => {
      if (!known.has(field)) known.set(field, compute(field))
      return known.get(field)
    },
    fields: () => [...type.fields.keys()],
  }
}

/** The name of a value's type, as `type()` gives it. */
export function typeNameOf(value: Value): string {
  switch (typeof value) {
    case 'string':
      return 'string'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    case 'boolean':
      return 'bool'
    default:
      return value === null ? 'null_type' : objectTypeName(value)
  }
}

function objectTypeName(value: Exclude<Value, null | string | bigint | number | boolean>): string {
  switch (value.kind) {
    case 'timestamp':
      return 'google.protobuf.Timestamp'
    case 'duration':
      return 'google.protobuf.Duration'
    case 'optional':
      return 'optional_type'
    case 'struct':
    case 'opaque':
      return value.type.name
    default:
      return value.kind
  }
}

/** The values that names of types stand for. */
export const typeValues: ReadonlyMap<string, { readonly type: CelType; readonly value: CelTypeValue }> = new Map(
  (
    [
      ['bool', celTypes.bool],
      ['bytes', celTypes.bytes],
      ['double', celTypes.double],
      ['int', celTypes.int],
      ['uint', celTypes.uint],
      ['string', celTypes.string],
      ['null_type', celTypes.null],
      ['list', celTypes.list(celTypes.dyn)],
      ['map', celTypes.map(celTypes.dyn, celTypes.dyn)],
      ['type', celTypes.type(celTypes.dyn)],
      ['google.protobuf.Timestamp', celTypes.timestamp],
      ['google.protobuf.Duration', celTypes.duration],
      ['optional_type', celTypes.optional(celTypes.dyn)],
    ] as const
  ).map(([name, type]) => [name, { type: celTypes.type(type), value: new CelTypeValue(name) }]),
)
