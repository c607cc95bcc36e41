/**
 * The types of expressions. A type made from a schema also tells how much a value of it can hold, from which costs are estimated
 * before anything is evaluated.
 */
export type CelType = SimpleType | ListType | MapType | TypeOfTypes | ObjectType | OpaqueType | TypeParameter | WrapperType

export type SimpleKind = 'dyn' | 'error' | 'null' | 'bool' | 'int' | 'uint' | 'double' | 'string' | 'bytes' | 'timestamp' | 'duration'

type Sized = {
  /** The most characters, bytes, items or entries that a value has; absent: unknown. */
  readonly maxElements?: number
  /** The fewest bytes of a value written as JSON. */
  readonly minSerializedSize?: number
}

export type SimpleType = Sized & { readonly kind: SimpleKind }
export type ListType = Sized & { readonly kind: 'list'; readonly element: CelType; readonly merge?: ListMerge }
export type MapType = Sized & { readonly kind: 'map'; readonly key: CelType; readonly value: CelType }
export type TypeOfTypes = Sized & { readonly kind: 'type'; readonly of?: CelType }
/** A type with named fields. Two of one name are one type. */
export type ObjectType = Sized & { readonly kind: 'object'; readonly name: string; readonly fields: ReadonlyMap<string, Field> }
export type OpaqueType = Sized & { readonly kind: 'opaque'; readonly name: string; readonly parameters: readonly CelType[] }
export type TypeParameter = Sized & { readonly kind: 'parameter'; readonly name: string }
/** A value of the type, or null. */
export type WrapperType = Sized & { readonly kind: 'wrapper'; readonly of: SimpleType }

/** `json`: the field's name in JSON, where it differs from the one that expressions use. */
export type Field = { readonly type: CelType; readonly json?: string }

/** How lists with semantics compare and add up (`x-kubernetes-list-type`): without order, items known by themselves or by their keys. */
export type ListMerge = { readonly type: 'set' } | { readonly type: 'map'; readonly keys: readonly string[] }

/** Words of the language: a property of such a name is the field `__name__`, and may be asked for by its name, too. */
export const reservedWords: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)

/** The field that an expression means by a name. */
export const fieldNamed = ({ fields }: ObjectType, name: string): Field | undefined =>
  fields.get(name) ?? (reservedWords.has(name) ? fields.get(`__${name}__`) : undefined)

const simple = (kind: SimpleKind): SimpleType => ({ kind })

export const celTypes = {
  dyn: simple('dyn'),
  error: simple('error'),
  null: simple('null'),
  bool: simple('bool'),
  int: simple('int'),
  uint: simple('uint'),
  double: simple('double'),
  string: simple('string'),
  bytes: simple('bytes'),
  timestamp: simple('timestamp'),
  duration: simple('duration'),
  list: (element: CelType): ListType => ({ kind: 'list', element }),
  map: (key: CelType, value: CelType): MapType => ({ kind: 'map', key, value }),
  type: (of?: CelType): TypeOfTypes => (of ? { kind: 'type', of } : { kind: 'type' }),
  optional: (of: CelType): OpaqueType => ({ kind: 'opaque', name: optionalName, parameters: [of] }),
  opaque: (name: string, ...parameters: readonly CelType[]): OpaqueType => ({ kind: 'opaque', name, parameters }),
  parameter: (name: string): TypeParameter => ({ kind: 'parameter', name }),
  wrapper: (of: SimpleType): WrapperType => ({ kind: 'wrapper', of }),
  object: (name: string, fields: Readonly<Record<string, CelType>>): ObjectType => ({
    kind: 'object',
    name,
    fields: new Map(Object.entries(fields).map(([field, type]) => [field, { type }])),
  }),
} as const

const optionalName = 'optional_type'

export const isDynamic = (type: CelType) => type.kind === 'dyn' || type.kind === 'error'
export const isOptional = (type: CelType): type is OpaqueType => type.kind === 'opaque' && type.name === optionalName
export const withoutOptional = (type: CelType): CelType => (isOptional(type) ? type.parameters[0]! : type)

/** The types that a type is made of. */
export function partsOf(type: CelType): readonly CelType[] {
  switch (type.kind) {
    case 'list':
      return [type.element]
    case 'map':
      return [type.key, type.value]
    case 'opaque':
      return type.parameters
    case 'type':
      return type.of ? [type.of] : []
    default:
      return []
  }
}

/** The same type made of other parts. */
export function withParts(type: CelType, parts: readonly CelType[]): CelType {
  switch (type.kind) {
    case 'list':
      return { ...type, element: parts[0]! }
    case 'map':
      return { ...type, key: parts[0]!, value: parts[1]! }
    case 'opaque':
      return { ...type, parameters: parts }
    case 'type':
      return parts[0] ? { ...type, of: parts[0] } : type
    default:
      return type
  }
}

const written: Partial<Record<SimpleKind, string>> = {
  error: '!error!',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
}

/** A type as messages write it: `list(string)`, `map(string, dyn)`, `timestamp`. */
export function formatType(type: CelType): string {
  switch (type.kind) {
    case 'list':
      return `list(${formatType(type.element)})`
    case 'map':
      return `map(${formatType(type.key)}, ${formatType(type.value)})`
    case 'type':
      return type.of ? `type(${formatType(type.of)})` : 'type'
    case 'object':
    case 'parameter':
      return type.name
    case 'opaque':
      return type.parameters.length === 0 ? type.name : `${type.name}(${type.parameters.map(formatType).join(', ')})`
    case 'wrapper':
      return `wrapper(${formatType(type.of)})`
    case 'error':
      return '!error!'
    default:
      return type.kind
  }
}

/** The name that `type(value)` gives, and that a name in an expression may stand for. */
export function runtimeName(type: CelType): string {
  switch (type.kind) {
    case 'null':
      return 'null_type'
    case 'object':
    case 'opaque':
      return type.name
    case 'wrapper':
      return runtimeName(type.of)
    default:
      return written[type.kind as SimpleKind] ?? type.kind
  }
}

/** As cel-go prints a type outside of its own issues. */
export function typeText(type: CelType): string {
  const parts = partsOf(type)
  const name = type.kind === 'parameter' ? `<${type.name}>` : runtimeName(type)
  return parts.length === 0 || type.kind === 'wrapper' ? name : `${name}(${parts.map(typeText).join(', ')})`
}

export function sameType(a: CelType, b: CelType): boolean {
  if (a === b) return true
  if (a.kind !== b.kind) return false
  if (a.kind === 'object' || a.kind === 'parameter' || a.kind === 'opaque') if (a.name !== (b as ObjectType).name) return false
  if (a.kind === 'wrapper') return sameType(a.of, (b as WrapperType).of)
  const [x, y] = [partsOf(a), partsOf(b)]
  return x.length === y.length && x.every((part, i) => sameType(part, y[i]!))
}
