/**
 * A type of the API as the rest of machinery sees it: one node per position, references resolved on first look, so that
 * recursive types cost nothing and a server that never meets a kind never pays for it.
 */

/** A schema as OpenAPI writes it, reduced to what the API's rules need. */
export type Schema = {
  readonly $ref?: string
  readonly type?: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly default?: unknown
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly required?: readonly string[]
  /** Fields that are left out where they hold nothing: '', 0, false. OpenAPI does not tell them from those that may hold it. */
  readonly omittedZeros?: readonly string[]
  /** Fields that upstream always has, with what they hold where nothing was set: `{}` for a part that is held by value. */
  readonly zeros?: Readonly<Record<string, unknown>>
  readonly nullable?: boolean
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-patch-strategy'?: string
  readonly 'x-kubernetes-patch-merge-key'?: string
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-group-version-kind'?: readonly { readonly group: string; readonly version: string; readonly kind: string }[]
}

export type Shape =
  | 'object'
  | 'map'
  | 'list'
  | 'string'
  | 'integer'
  | 'number'
  | 'boolean'
  | 'quantity'
  | 'intOrString'
  | 'time'
  | 'microTime'
  | 'bytes'
  /** Any JSON: raw extensions, field sets, CRD schemas' own defaults. */
  | 'any'

export type ResolveSchema = (name: string) => SchemaNode | undefined

/** Definitions whose JSON form is not what their schema says. */
const specialShapes: Readonly<Record<string, Shape>> = {
  Quantity: 'quantity',
  IntOrString: 'intOrString',
  Time: 'time',
  MicroTime: 'microTime',
  RawExtension: 'any',
  FieldsV1: 'any',
  Patch: 'any',
  JSON: 'any',
  JSONSchemaPropsOrArray: 'any',
  JSONSchemaPropsOrBool: 'any',
  JSONSchemaPropsOrStringArray: 'any',
}

/** Where CRD schemas have a schema inside or something else in its place. */
const schemaChoice = /^(.*\.JSONSchemaProps)Or(?:Array|Bool|StringArray)$/

/** A class because fields resolve lazily and are kept. */
export class SchemaNode {
  /** The definition's full name; undefined for a type written in place. */
  readonly name: string | undefined
  readonly shape: Shape
  readonly format: string | undefined
  readonly enum: readonly string[] | undefined
  readonly default: unknown
  readonly required: readonly string[]
  readonly omittedZeros: readonly string[]
  /** Fields that are there also where nothing was set, with what they then hold. */
  readonly zeros: Readonly<Record<string, unknown>> | undefined
  /** Fields beyond the known ones are kept, not pruned. */
  readonly preservesUnknown: boolean
  /** How server-side apply treats the value: whole, or item by item. */
  readonly isAtomic: boolean
  /** For lists that merge: the key fields of an item; empty for sets. Undefined for every other value. */
  readonly listKeys: readonly string[] | undefined
  readonly patchStrategies: readonly string[]
  readonly patchMergeKey: string | undefined
  readonly #schema: Schema
  readonly #target: SchemaNode | undefined
  readonly #resolve: ResolveSchema
  #fields: ReadonlyMap<string, SchemaNode> | undefined
  #element: SchemaNode | undefined

  constructor(schema: Schema, resolve: ResolveSchema, name?: string) {
    const target = schema.$ref === undefined ? undefined : resolve(definitionName(schema.$ref))
    this.#schema = schema
    this.#target = target
    this.#resolve = resolve
    this.name = name ?? target?.name
    this.shape = target?.shape ?? shapeOf(schema, name)
    this.format = schema.format ?? target?.format
    this.enum = schema.enum ?? target?.enum
    this.default = schema.default ?? target?.default
    this.required = target?.required ?? schema.required ?? []
    this.zeros = target?.zeros ?? schema.zeros
    this.omittedZeros = target?.omittedZeros ?? schema.omittedZeros ?? []
    this.preservesUnknown = target?.preservesUnknown ?? schema['x-kubernetes-preserve-unknown-fields'] === true
    this.patchStrategies = schema['x-kubernetes-patch-strategy']?.split(',') ?? target?.patchStrategies ?? []
    this.patchMergeKey = schema['x-kubernetes-patch-merge-key'] ?? target?.patchMergeKey
    this.listKeys = this.shape === 'list' ? mergingKeys(schema) : undefined
    this.isAtomic = isAtomic(this.shape, schema, target, this.listKeys)
  }

  /** Known fields of an object; empty for every other shape. */
  get fields(): ReadonlyMap<string, SchemaNode> {
    return this.#target ? this.#target.fields : (this.#fields ??= this.#properties())
  }

  #properties(): ReadonlyMap<string, SchemaNode> {
    return new Map(Object.entries(this.#schema.properties ?? {}).map(([field, schema]) => [field, this.#child(schema)]))
  }

  /** Items of a list, values of a map; undefined for every other shape. */
  get element(): SchemaNode | undefined {
    if (this.#target) return this.#target.element
    const schema = this.shape === 'list' ? this.#schema.items : this.#schema.additionalProperties
    if (typeof schema !== 'object') return undefined
    this.#element ??= this.#child(schema)
    return this.#element
  }

  /** What an object is (or each object of a list) that stands where any JSON may: a schema inside a CRD's schema. */
  get choice(): SchemaNode | undefined {
    const name = this.shape === 'any' ? schemaChoice.exec(this.name ?? '')?.[1] : undefined
    return name === undefined ? undefined : this.#resolve(name)
  }

  /** The type of one step down: a field of an object, a value of a map. */
  child(field: string): SchemaNode | undefined {
    return this.fields.get(field) ?? (this.shape === 'map' ? this.element : undefined)
  }

  #child(schema: Schema): SchemaNode {
    // A bare reference shares the definition's own node, and with it everything compiled for it.
    const isBare = schema.$ref !== undefined && Object.keys(schema).length === 1
    const shared = isBare ? this.#resolve(definitionName(schema.$ref!)) : undefined
    return shared ?? new SchemaNode(schema, this.#resolve)
  }
}

/** `#/definitions/X` and `#/components/schemas/X` → `X`. */
export function definitionName(ref: string): string {
  return ref.slice(ref.lastIndexOf('/') + 1)
}

function shapeOf(schema: Schema, name: string | undefined): Shape {
  const special = name === undefined ? undefined : specialShapes[name.slice(name.lastIndexOf('.') + 1)]
  if (special) return special
  if (schema['x-kubernetes-int-or-string']) return 'intOrString'
  switch (schema.type) {
    case 'object':
      return objectShape(schema)
    case 'array':
      return 'list'
    case 'string':
      return schema.format === 'byte' ? 'bytes' : schema.format === 'int-or-string' ? 'intOrString' : 'string'
    case 'integer':
    case 'number':
    case 'boolean':
      return schema.type
    default:
      return schema.properties ? 'object' : 'any'
  }
}

function objectShape(schema: Schema): Shape {
  if (schema.properties) return 'object'
  if (schema.additionalProperties === true || schema['x-kubernetes-preserve-unknown-fields']) return 'any'
  return schema.additionalProperties ? 'map' : 'object'
}

/** The list type decides; older types say the same by their patch strategy only. */
function mergingKeys(schema: Schema): readonly string[] | undefined {
  switch (schema['x-kubernetes-list-type']) {
    case 'map':
      return schema['x-kubernetes-list-map-keys'] ?? []
    case 'set':
      return []
    case 'atomic':
      return undefined
    default: {
      if (!schema['x-kubernetes-patch-strategy']?.split(',').includes('merge')) return undefined
      const key = schema['x-kubernetes-patch-merge-key']
      return key === undefined ? [] : [key]
    }
  }
}

function isAtomic(shape: Shape, schema: Schema, target: SchemaNode | undefined, listKeys: readonly string[] | undefined): boolean {
  if (shape === 'list') return listKeys === undefined
  if (shape !== 'object' && shape !== 'map' && shape !== 'any') return true
  const mapType = schema['x-kubernetes-map-type']
  return mapType === undefined ? (target?.isAtomic ?? false) : mapType === 'atomic'
}
