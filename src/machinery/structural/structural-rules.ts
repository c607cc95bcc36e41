import { deepEqual } from '../deep-equal.ts'
import { type FieldError, fieldErrors } from '../field-error.ts'
import { defaulted } from './defaults.ts'
import { embeddedResourceErrors } from './embedded-resources.ts'
import type { JsonSchema } from './json-schema.ts'
import { openApiErrors, unsupportedFeature } from './openapi-rules.ts'
import { patternProblem } from './pattern.ts'
import { pruned } from './prune.ts'
import { compileValidator } from './validate-value.ts'

/**
 * What makes a schema structural
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema), in
 * upstream's words and order: what is not structural first, sorted by its text; then defaults, where the rest is sound; then what OpenAPI
 * allows and resources do not. Pure.
 */
export function validateStructuralSchema(schema: JsonSchema, path: string): FieldError[] {
  const openApi = openApiErrors(schema, path)
  // What cannot be read as a structural schema is told by what resources do not allow.
  if (unsupportedFeature(schema))
    return openApi.length > 0 ? openApi : [fieldErrors.invalid(path, '', "OpenAPIV3Schema 'schema' is not supported")]
  const errors = structuralErrors(schema, path)
  if (errors.length === 0) judgeDefaults(schema, path, errors)
  return [...errors, ...openApi]
}

function structuralErrors(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = []
  judge(schema, 'root', path, errors)
  judgeCompleteness(schema, schema, { path, at: path }, errors)
  const textOf = ({ field, message }: FieldError) => `${field}: ${message}`
  return errors.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1))
}

type Level = 'root' | 'item' | 'field'

const where: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  item: 'must not be empty for specified array items',
  field: 'must not be empty for specified object fields',
}
const property = (path: string, name: string) => `${path}.properties[${name}]`

function judge(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  const { items, properties = {}, additionalProperties } = schema
  if (schema.type === 'array' && !items) errors.push(fieldErrors.required(`${path}.items`, 'must be specified'))
  if (items) judge(items, 'item', `${path}.items`, errors)
  for (const [name, child] of Object.entries(properties)) judge(child, 'field', property(path, name), errors)
  if (additionalProperties !== undefined && level === 'root')
    errors.push(fieldErrors.forbidden(`${path}.additionalProperties`, 'must not be used at the root'))
  if (typeof additionalProperties === 'object') judge(additionalProperties, 'field', `${path}.additionalProperties`, errors)
  judgeType(schema, level, path, errors)
  judgeExtensions(schema, path, errors)
  judgeAlternatives(schema, path, errors)
  judgeMetadata(schema, level, path, errors)
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
}

function judgeExtensions(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const preserve = 'x-kubernetes-preserve-unknown-fields'
  const embedded = 'x-kubernetes-embedded-resource'
  if (schema['x-kubernetes-int-or-string']) {
    for (const field of [preserve, embedded] as const)
      if (schema[field]) errors.push(fieldErrors.invalid(`${path}.${field}`, true, 'must be false if x-kubernetes-int-or-string is true'))
  }
  if (!schema[embedded]) return
  if (schema.additionalProperties !== undefined)
    errors.push(fieldErrors.forbidden(`${path}.additionalProperties`, `must not be used if ${embedded} is set`))
  if (!schema[preserve] && Object.keys(schema.properties ?? {}).length === 0) {
    const why = `must not be empty if ${embedded} is true without ${preserve}`
    errors.push(fieldErrors.required(`${path}.properties`, why))
  }
}

/** apiVersion, kind and metadata of a resource have their own types; of metadata at the root only the names may be restricted. */
function judgeMetadata(schema: JsonSchema, level: Level, path: string, errors: FieldError[]): void {
  const isResource = level === 'root' || schema['x-kubernetes-embedded-resource'] === true
  const { kind, apiVersion, metadata } = schema.properties ?? {}
  for (const [name, child] of [
    ['kind', kind],
    ['apiVersion', apiVersion],
  ] as const)
    if (isResource && child && child.type !== 'string')
      errors.push(fieldErrors.invalid(`${property(path, name)}.type`, child.type ?? '', 'must be string'))
  if (!metadata) return
  const at = property(path, 'metadata')
  if (isResource && metadata.type !== 'object') errors.push(fieldErrors.invalid(`${at}.type`, metadata.type ?? '', 'must be object'))
  if (level !== 'root') return
  const { properties = {}, type: _type, default: _default, ...others } = metadata
  const isRestricted = Object.keys(properties).some((name) => name !== 'name' && name !== 'generateName')
  if (isRestricted || Object.values(others).some((value) => value !== undefined && value !== '' && value !== false)) {
    const why = 'must not specify anything other than name and generateName, but metadata is implicitly specified'
    errors.push(fieldErrors.forbidden(at, why))
  }
}

/** The old way of writing `x-kubernetes-int-or-string`. */
export const integerOrText: readonly JsonSchema[] = [{ type: 'integer' }, { type: 'string' }]

/** `anyOf: [{type: integer}, {type: string}]` is the old way of writing int-or-string, and allowed there, also within the first of allOf. */
function judgeAlternatives(
  schema: JsonSchema,
  path: string,
  errors: FieldError[],
  skipsAnyOf = deepEqual(schema.anyOf, integerOrText),
): void {
  if (!skipsAnyOf) for (const [i, part] of (schema.anyOf ?? []).entries()) judgeNested(part, `${path}.anyOf[${i}]`, errors)
  for (const [i, part] of (schema.allOf ?? []).entries())
    judgeNested(part, `${path}.allOf[${i}]`, errors, i === 0 && deepEqual(part.anyOf, integerOrText))
  for (const [i, part] of (schema.oneOf ?? []).entries()) judgeNested(part, `${path}.oneOf[${i}]`, errors)
  if (schema.not) judgeNested(schema.not, `${path}.not`, errors)
  if (!schema.pattern) return
  const problem = patternProblem(schema.pattern)
  if (problem === undefined) return
  const why = `must be a valid regular expression, but isn't: ${problem}`
  errors.push(fieldErrors.invalid(`${path}.pattern`, schema.pattern, why))
}

const emptyInside = ['type', 'title', 'description', 'x-kubernetes-list-map-keys', 'x-kubernetes-validations'] as const
const undefinedInside = ['additionalProperties', 'default', 'x-kubernetes-list-type', 'x-kubernetes-map-type'] as const
const falseInside = [
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-int-or-string',
] as const

/** Alternatives may restrict values, and say nothing else of them. */
function judgeNested(nested: JsonSchema, path: string, errors: FieldError[], skipsAnyOf = false): void {
  const forbid = (field: string, why: string) => errors.push(fieldErrors.forbidden(`${path}.${field}`, `must be ${why} to be structural`))
  judgeAlternatives(nested, path, errors, skipsAnyOf)
  if (nested.items) judgeNested(nested.items, `${path}.items`, errors)
  for (const [name, child] of Object.entries(nested.properties ?? {})) judgeNested(child, property(path, name), errors)
  for (const field of emptyInside) if (nested[field]?.length) forbid(field, 'empty')
  for (const field of undefinedInside) if (nested[field] !== undefined) forbid(field, 'undefined')
  for (const field of falseInside) if (nested[field]) forbid(field, 'false')
  if (nested.properties?.['metadata'])
    errors.push(fieldErrors.forbidden(property(path, 'metadata'), 'must not be specified in a nested context'))
}

/** What alternatives at the root speak of is declared outside them, where pruning and defaulting look. `at`: of the alternative. */
function judgeCompleteness(
  outer: JsonSchema | undefined,
  nested: JsonSchema,
  { path, at }: { readonly path: string; readonly at: string },
  errors: FieldError[],
): void {
  if (!outer) {
    errors.push(fieldErrors.required(path, `because it is defined in ${at}`))
    return
  }
  const part = (inner: JsonSchema, innerAt: string) => {
    judgeCompleteness(outer, inner, { path, at: innerAt }, errors)
    judgeFields(outer, inner, { path, at: innerAt }, errors)
  }
  if (nested.not) part(nested.not, `${at}.not`)
  for (const field of ['allOf', 'anyOf', 'oneOf'] as const)
    for (const [i, inner] of (nested[field] ?? []).entries()) part(inner, `${at}.${field}[${i}]`)
}

/** The fields of what is declared, as far down as the alternative goes. */
function judgeFields(
  outer: JsonSchema,
  nested: JsonSchema,
  { path, at }: { readonly path: string; readonly at: string },
  errors: FieldError[],
): void {
  for (const [name, child] of Object.entries(nested.properties ?? {})) {
    const place = { path: property(path, name), at: property(at, name) }
    const declared = outer.properties?.[name]
    judgeCompleteness(declared, child, place, errors)
    if (declared) judgeFields(declared, child, place, errors)
  }
  if (!nested.items) return
  const place = { path: `${path}.items`, at: `${at}.items` }
  judgeCompleteness(outer.items, nested.items, place, errors)
  if (outer.items) judgeFields(outer.items, nested.items, place, errors)
}

/** Those of values of maps are taken as they are, and so are items that stand twice where they must not. */
function judgeDefaults(schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (schema.default !== undefined) {
    const at = `${path}.default`
    const kept = pruned(schema, schema.default, { isResource: false })
    if (!deepEqual(kept, schema.default)) errors.push(fieldErrors.invalid(at, schema.default, 'must not have unknown fields'))
    else {
      const value = defaulted(schema, schema.default)
      for (const error of compileValidator(schema)(value))
        errors.push({ ...error, field: error.field === '<nil>' ? at : `${at}.${error.field}` })
      const held: JsonSchema = { type: 'object', properties: { default: schema } }
      for (const error of embeddedResourceErrors(held, { default: value })) errors.push({ ...error, field: `${path}.${error.field}` })
    }
  }
  if (schema.items) judgeDefaults(schema.items, `${path}.items`, errors)
  for (const [name, child] of Object.entries(schema.properties ?? {})) judgeDefaults(child, property(path, name), errors)
}
