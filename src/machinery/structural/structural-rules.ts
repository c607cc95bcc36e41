import { type FieldError, fieldErrors } from '../field-error.ts'
import { pruned } from './prune.ts'
import { defaulted } from './defaults.ts'
import { deepEqual } from '../deep-equal.ts'
import { isObject, type JsonSchema, schemaOfField } from './json-schema.ts'
import { goPattern } from './pattern.ts'
import { embeddedResourceErrors } from './embedded-resources.ts'
import { listTypeErrors } from './list-types.ts'
import { compileValidator } from './validate-value.ts'

/**
 * What makes a schema structural
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema), in
 * upstream's words. Pure.
 */
export function validateStructuralSchema(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = []
  judge(schema, 'root', path, errors)
  // Defaults are values of their schema: they can be judged once the schema itself is sound.
  if (errors.length === 0) judgeDefaults(schema, path, errors)
  return errors
}

type Level = 'root' | 'item' | 'field'

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const where: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}
const property = (path: string, name: string) => `${path}.properties[${name}]`

function judge(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  if (!isObject(schema)) {
    errors.push(fieldErrors.invalid(path, schema, 'must be a schema'))
    return
  }
  judgeSupport(schema, path, errors)
  judgeType(schema, level, path, errors)
  judgeExtensions(schema, path, errors)
  judgeList(schema, path, errors)
  judgeMetadata(schema, level, path, errors)
  if (level === 'root' && schema.nullable) errors.push(fieldErrors.forbidden(`${path}.nullable`, 'nullable cannot be true at the root'))
  if (schema.additionalProperties !== undefined) judgeAdditional(schema, level, path, errors)
  judgeJunctions(schema, path, errors)
  if (schema.items && !Array.isArray(schema.items)) judge(schema.items, 'item', `${path}.items`, errors)
  for (const [name, child] of Object.entries(schema.properties ?? {})) judge(child, 'field', property(path, name), errors)
  if (typeof schema.additionalProperties === 'object') judge(schema.additionalProperties, 'field', `${path}.additionalProperties`, errors)
}

/** OpenAPI's features that resources cannot have. */
function judgeSupport(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const refuse = (field: keyof JsonSchema, why = `${field} is not supported`) => errors.push(fieldErrors.forbidden(`${path}.${field}`, why))
  if (schema.$ref !== undefined) refuse('$ref')
  if (schema.id !== undefined) refuse('id')
  if (schema.additionalItems !== undefined) refuse('additionalItems')
  for (const field of ['patternProperties', 'definitions', 'dependencies'] as const)
    if (Object.keys(schema[field] ?? {}).length > 0) refuse(field)
  if (Array.isArray(schema.items)) refuse('items', 'items must be a schema object and not an array')
  if (schema.uniqueItems) refuse('uniqueItems', 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic')
  if (schema.type === 'null') refuse('type', 'type cannot be set to null, use nullable as an alternative')
  else if (schema.type && !types.includes(schema.type)) errors.push(fieldErrors.notSupported(`${path}.type`, schema.type, types))
  if (schema.pattern !== undefined) {
    try {
      goPattern(schema.pattern)
    } catch (error) {
      const why = `must be a valid regular expression, but isn't: ${(error as Error).message}`
      errors.push(fieldErrors.invalid(`${path}.pattern`, schema.pattern, why))
    }
  }
  for (const field of ['maxLength', 'minLength', 'maxItems', 'minItems', 'maxProperties', 'minProperties'] as const) {
    const value = schema[field]
    if (value !== undefined && value < 0) errors.push(fieldErrors.invalid(`${path}.${field}`, value, 'must be greater than or equal to 0'))
  }
}

function judgeType(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  const { type = '' } = schema
  const isOpen = schema['x-kubernetes-int-or-string'] || schema['x-kubernetes-preserve-unknown-fields']
  if (schema['x-kubernetes-embedded-resource'] && type !== 'object') {
    const why = 'must be object if x-kubernetes-embedded-resource is true'
    errors.push(type === '' ? fieldErrors.required(`${path}.type`, why) : fieldErrors.invalid(`${path}.type`, type, why))
  } else if (type === '' && !isOpen) errors.push(fieldErrors.required(`${path}.type`, where[level]))
  if (level === 'root' && type !== '' && type !== 'object')
    errors.push(fieldErrors.invalid(`${path}.type`, type, 'must be object at the root'))
  if (schema['x-kubernetes-int-or-string'] && type !== '')
    errors.push(fieldErrors.invalid(`${path}.type`, type, 'must be empty if x-kubernetes-int-or-string is true'))
}

function judgeExtensions(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const preserve = 'x-kubernetes-preserve-unknown-fields'
  const embedded = 'x-kubernetes-embedded-resource'
  if (schema[preserve] === false) errors.push(fieldErrors.invalid(`${path}.${preserve}`, false, 'must be true or undefined'))
  if (schema['x-kubernetes-int-or-string']) {
    for (const field of [preserve, embedded] as const)
      if (schema[field]) errors.push(fieldErrors.invalid(`${path}.${field}`, true, 'must be false if x-kubernetes-int-or-string is true'))
  }
  if (schema[embedded] && !schema[preserve] && Object.keys(schema.properties ?? {}).length === 0) {
    const why = `must not be empty if ${embedded} is true without ${preserve}`
    errors.push(fieldErrors.required(`${path}.properties`, why))
  }
  const mapType = schema['x-kubernetes-map-type']
  if (mapType === undefined) return
  if (schema.type !== 'object') {
    const why = 'must be object if x-kubernetes-map-type is specified'
    errors.push(schema.type ? fieldErrors.invalid(`${path}.type`, schema.type, why) : fieldErrors.required(`${path}.type`, why))
  }
  if (mapType !== 'atomic' && mapType !== 'granular')
    errors.push(fieldErrors.notSupported(`${path}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']))
}

function judgeList(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const type = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const typeAt = `${path}.x-kubernetes-list-type`
  if (type !== undefined && schema.type !== 'array') {
    const why = 'must be array if x-kubernetes-list-type is specified'
    errors.push(schema.type ? fieldErrors.invalid(`${path}.type`, schema.type, why) : fieldErrors.required(`${path}.type`, why))
  }
  if (schema.type === 'array' && !schema.items && path !== '') errors.push(fieldErrors.required(`${path}.items`, 'must be specified'))
  if (type !== undefined && type !== 'atomic' && type !== 'set' && type !== 'map')
    errors.push(fieldErrors.notSupported(typeAt, type, ['atomic', 'set', 'map']))
  if (keys.length > 0 && type !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty'
    errors.push(type === undefined ? fieldErrors.required(typeAt, why) : fieldErrors.invalid(typeAt, type, why))
  }
  if (type === 'map') judgeMapList(schema, keys, path, errors)
  if (type === 'set' && schema.items && !Array.isArray(schema.items)) judgeSet(schema.items, path, errors)
}

function judgeSet(items: JsonSchema, path: string, errors: FieldError[]): void {
  if (items.nullable) errors.push(fieldErrors.forbidden(`${path}.items.nullable`, 'cannot be nullable when x-kubernetes-list-type is set'))
  const field = items.type === 'array' ? 'x-kubernetes-list-type' : items.type === 'object' ? 'x-kubernetes-map-type' : undefined
  if (!field || (items.type === 'array' && items[field] === undefined) || items[field] === 'atomic') return
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  const at = `${path}.items.${field}`
  errors.push(items[field] === undefined ? fieldErrors.required(at, why) : fieldErrors.invalid(at, items[field], why))
}

function judgeMapList({ items }: JsonSchema, keys: readonly string[], path: string, errors: FieldError[]): void {
  const keysAt = `${path}.x-kubernetes-list-map-keys`
  if (keys.length === 0) errors.push(fieldErrors.required(keysAt, 'must not be empty if x-kubernetes-list-type is map'))
  if (!items) {
    errors.push(fieldErrors.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'))
    return
  }
  if (items.type !== 'object')
    errors.push(
      fieldErrors.invalid(`${path}.items.type`, items.type ?? '', "must be object if parent array's x-kubernetes-list-type is map"),
    )
  if (Object.keys(items.properties ?? {}).length === 0) return
  for (const [i, key] of keys.entries()) {
    const child = items.properties![key]
    const at = property(`${path}.items`, key)
    if (keys.indexOf(key) < i) errors.push(fieldErrors.duplicate(`${keysAt}[${i}]`, key))
    else if (!child) errors.push(fieldErrors.invalid(`${keysAt}[${i}]`, key, 'entries must all be names of item properties'))
    else {
      if (child.type === 'array' || child.type === 'object')
        errors.push(fieldErrors.invalid(`${at}.type`, child.type, "must be a scalar type if parent array's x-kubernetes-list-type is map"))
      const named = 'this property is in x-kubernetes-list-map-keys, so it'
      if (child.default === undefined && !items.required?.includes(key))
        errors.push(fieldErrors.required(`${at}.default`, `${named} must have a default or be a required property`))
      if (child.nullable) errors.push(fieldErrors.forbidden(`${at}.nullable`, `${named} cannot be nullable`))
    }
  }
}

/** apiVersion, kind and metadata of a resource have their own types; of metadata only the names may be restricted. */
function judgeMetadata(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  if (level !== 'root' && !schema['x-kubernetes-embedded-resource']) return
  const { kind, apiVersion, metadata } = schema.properties ?? {}
  if (kind && kind.type !== 'string') errors.push(fieldErrors.invalid(`${property(path, 'kind')}.type`, kind.type ?? '', 'must be string'))
  if (apiVersion && apiVersion.type !== 'string')
    errors.push(fieldErrors.invalid(`${property(path, 'apiVersion')}.type`, apiVersion.type ?? '', 'must be string'))
  if (!metadata) return
  const at = property(path, 'metadata')
  if (metadata.type !== 'object') errors.push(fieldErrors.invalid(`${at}.type`, metadata.type ?? '', 'must be object'))
  const others = Object.keys(metadata.properties ?? {}).filter((name) => name !== 'name' && name !== 'generateName')
  if (others.length > 0 || metadata.additionalProperties !== undefined || metadata.default !== undefined) {
    const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
    errors.push(fieldErrors.forbidden(at, why))
  }
}

function judgeAdditional(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  const at = `${path}.additionalProperties`
  if (level === 'root') errors.push(fieldErrors.forbidden(at, 'must not be used at the root'))
  else if (schema['x-kubernetes-embedded-resource'])
    errors.push(fieldErrors.forbidden(at, 'must not be used if x-kubernetes-embedded-resource is set'))
  if (Object.keys(schema.properties ?? {}).length > 0)
    errors.push(fieldErrors.forbidden(at, 'additionalProperties and properties are mutual exclusive'))
  if (schema.additionalProperties === false) errors.push(fieldErrors.forbidden(at, 'additionalProperties cannot be set to false'))
}

/** Alternatives may restrict values, but every field in them is declared outside, where pruning and defaulting look. */
function judgeJunctions(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const isEither = schema['x-kubernetes-int-or-string'] === true
  const judgeAll = (field: 'allOf' | 'anyOf' | 'oneOf') => {
    for (const [i, part] of (schema[field] ?? []).entries())
      judgeNested(schema, part, { path, at: `${path}.${field}[${i}]`, isEither }, errors)
  }
  judgeAll('allOf')
  judgeAll('anyOf')
  judgeAll('oneOf')
  if (schema.not) judgeNested(schema, schema.not, { path, at: `${path}.not`, isEither: false }, errors)
}

type Nested = {
  /** Of the schema outside. */
  readonly path: string
  readonly at: string
  /** `anyOf: [{type: integer}, {type: string}]` is the old way of writing int-or-string, and allowed there. */
  readonly isEither: boolean
}

function judgeNested(outer: JsonSchema | undefined, nested: JsonSchema, { path, at, isEither }: Nested, errors: FieldError[]): void {
  const isEitherPart = isEither && (nested.type === 'integer' || nested.type === 'string')
  if (nested.type && !isEitherPart) errors.push(fieldErrors.forbidden(`${at}.type`, 'must be empty to be structural'))
  for (const field of ['title', 'description'] as const)
    if (nested[field]) errors.push(fieldErrors.forbidden(`${at}.${field}`, 'must be empty to be structural'))
  for (const field of ['default', 'additionalProperties'] as const)
    if (nested[field] !== undefined) errors.push(fieldErrors.forbidden(`${at}.${field}`, 'must be undefined to be structural'))
  if (nested.nullable) errors.push(fieldErrors.forbidden(`${at}.nullable`, 'must be false to be structural'))
  for (const field of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource', 'x-kubernetes-int-or-string'] as const)
    if (nested[field]) errors.push(fieldErrors.forbidden(`${at}.${field}`, 'must be false to be structural'))
  for (const field of ['x-kubernetes-list-type', 'x-kubernetes-list-map-keys', 'x-kubernetes-map-type'] as const)
    if (nested[field] !== undefined) errors.push(fieldErrors.forbidden(`${at}.${field}`, 'must be undefined to be structural'))
  for (const [name, child] of Object.entries(nested.properties ?? {})) {
    if (name === 'metadata' && outer?.['x-kubernetes-embedded-resource'])
      errors.push(fieldErrors.forbidden(`${property(at, name)}`, 'must not be specified in a nested context'))
    const declared = outer && schemaOfField(outer, name)
    if (!declared) errors.push(fieldErrors.required(property(path, name), `because it is defined in ${property(at, name)}`))
    else judgeNested(declared, child, { path: property(path, name), at: property(at, name), isEither: false }, errors)
  }
  if (nested.items) {
    if (!outer?.items) errors.push(fieldErrors.required(`${path}.items`, `because it is defined in ${at}.items`))
    else judgeNested(outer.items, nested.items, { path: `${path}.items`, at: `${at}.items`, isEither: false }, errors)
  }
  for (const field of ['allOf', 'anyOf', 'oneOf'] as const)
    for (const [i, part] of (nested[field] ?? []).entries())
      judgeNested(outer, part, { path, at: `${at}.${field}[${i}]`, isEither: isEither && field === 'anyOf' }, errors)
  if (nested.not) judgeNested(outer, nested.not, { path, at: `${at}.not`, isEither: false }, errors)
}

function judgeDefaults(schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (schema.default !== undefined) {
    const at = `${path}.default`
    const kept = pruned(schema, schema.default, { isResource: false })
    if (!deepEqual(kept, schema.default)) errors.push(fieldErrors.invalid(at, schema.default, 'must not have unknown fields'))
    else {
      const value = defaulted(schema, schema.default)
      for (const error of [...compileValidator(schema)(value), ...embeddedResourceErrors(schema, value), ...listTypeErrors(schema, value)])
        errors.push({ ...error, field: error.field === '<nil>' ? at : `${at}.${error.field}` })
    }
  }
  if (schema.items) judgeDefaults(schema.items, `${path}.items`, errors)
  for (const [name, child] of Object.entries(schema.properties ?? {})) judgeDefaults(child, property(path, name), errors)
  if (typeof schema.additionalProperties === 'object') judgeDefaults(schema.additionalProperties, `${path}.additionalProperties`, errors)
}
