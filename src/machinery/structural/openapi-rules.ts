import { type FieldError, fieldErrors } from '../field-error.ts'
import { isObject, type JsonSchema } from './json-schema.ts'

const types = ['array', 'boolean', 'integer', 'number', 'object', 'string']
const property = (path: string, name: string) => `${path}.properties[${name}]`

/** What OpenAPI allows and schemas of resources do not, and how their extensions go together; in upstream's order. */
export function openApiErrors(schema: JsonSchema, path: string): FieldError[] {
  const errors: FieldError[] = []
  if (schema.nullable) errors.push(fieldErrors.forbidden(`${path}.nullable`, 'nullable cannot be true at the root'))
  judge(schema, path, errors)
  return errors
}

const unsupported = ['id', '$schema', '$ref', 'patternProperties', 'dependencies', 'additionalItems', 'definitions'] as const

/** Whether a schema, or anything below it, has what no structural schema can be read with. */
export function unsupportedFeature(schema: JsonSchema): boolean {
  if (!isObject(schema)) return true
  if (Array.isArray(schema.items) || unsupported.some((field) => isSet(schema[field]))) return true
  return partsOf(schema).some(({ part }) => unsupportedFeature(part))
}

const isSet = (value: unknown) => value !== undefined && value !== '' && !(isObject(value) && Object.keys(value).length === 0)

/** Schemas within a schema, where they are. */
function partsOf(schema: JsonSchema): readonly { readonly part: JsonSchema; readonly at: string }[] {
  const list = (field: 'allOf' | 'oneOf' | 'anyOf') => (schema[field] ?? []).map((part, i) => ({ part, at: `.${field}[${i}]` }))
  return [
    ...(typeof schema.additionalProperties === 'object' ? [{ part: schema.additionalProperties, at: '.additionalProperties' }] : []),
    ...Object.entries(schema.properties ?? {}).map(([name, part]) => ({ part, at: property('', name) })),
    ...(schema.not ? [{ part: schema.not, at: '.not' }] : []),
    ...list('allOf'),
    ...list('oneOf'),
    ...list('anyOf'),
    ...(schema.items && !Array.isArray(schema.items) ? [{ part: schema.items, at: '.items' }] : []),
  ]
}

function judge(schema: JsonSchema, path: string, errors: FieldError[]): void {
  if (!isObject(schema)) {
    errors.push(fieldErrors.invalid(path, schema, 'must be a schema'))
    return
  }
  judgeSupport(schema, path, errors)
  if (schema.additionalProperties !== undefined && schema.additionalProperties !== true && Object.keys(schema.properties ?? {}).length > 0)
    errors.push(fieldErrors.forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'))
  for (const { part, at } of partsOf(schema)) judge(part, `${path}${at}`, errors)
  if (schema['x-kubernetes-preserve-unknown-fields'] === false)
    errors.push(fieldErrors.invalid(`${path}.x-kubernetes-preserve-unknown-fields`, false, 'must be true or undefined'))
  judgeMapType(schema, path, errors)
  judgeListType(schema, path, errors)
}

function judgeSupport(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const refuse = (field: keyof JsonSchema, why = `${field} is not supported`) => errors.push(fieldErrors.forbidden(`${path}.${field}`, why))
  if (schema.type && !types.includes(schema.type)) errors.push(fieldErrors.notSupported(`${path}.type`, schema.type, types))
  if (schema.id) refuse('id')
  if (schema.additionalItems !== undefined) refuse('additionalItems')
  for (const field of ['patternProperties', 'definitions'] as const) if (isSet(schema[field])) refuse(field)
  if (schema.dependencies !== undefined) refuse('dependencies')
  if (schema.$ref !== undefined) refuse('$ref')
  if (schema.type === 'null') refuse('type', 'type cannot be set to null, use nullable as an alternative')
  if (Array.isArray(schema.items)) refuse('items', 'items must be a schema object and not an array')
  if (schema.uniqueItems) refuse('uniqueItems', 'uniqueItems cannot be set to true since the runtime complexity becomes quadratic')
}

function judgeOwnType(schema: JsonSchema, wanted: string, extension: string, path: string, errors: FieldError[]): void {
  const why = `must be ${wanted} if ${extension} is specified`
  if (schema.type === wanted) return
  errors.push(schema.type ? fieldErrors.invalid(`${path}.type`, schema.type, why) : fieldErrors.required(`${path}.type`, why))
}

function judgeMapType(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const type = schema['x-kubernetes-map-type']
  if (type === undefined) return
  judgeOwnType(schema, 'object', 'x-kubernetes-map-type', path, errors)
  if (type !== 'atomic' && type !== 'granular')
    errors.push(fieldErrors.notSupported(`${path}.x-kubernetes-map-type`, type, ['atomic', 'granular']))
}

function judgeListType(schema: JsonSchema, path: string, errors: FieldError[]): void {
  const type = schema['x-kubernetes-list-type']
  const keys = schema['x-kubernetes-list-map-keys'] ?? []
  const at = `${path}.x-kubernetes-list-type`
  const items = Array.isArray(schema.items) ? undefined : schema.items
  if (type !== undefined && schema.type !== 'array') judgeOwnType(schema, 'array', 'x-kubernetes-list-type', path, errors)
  else if (type === 'set' && items) judgeSetItems(items, path, errors)
  if (type !== undefined && !['atomic', 'set', 'map'].includes(type))
    errors.push(fieldErrors.notSupported(at, type, ['atomic', 'set', 'map']))
  if (keys.length > 0 && type !== 'map') {
    const why = 'must be map if x-kubernetes-list-map-keys is non-empty'
    errors.push(type === undefined ? fieldErrors.required(at, why) : fieldErrors.invalid(at, type, why))
  }
  if (type === 'map') judgeMapList(schema, keys, path, errors)
  if (items && (type === 'set' || type === 'map')) judgeNullables(items, type, keys, path, errors)
}

/** Upstream shows the list type of the items in both cases. */
function judgeSetItems(items: JsonSchema, path: string, errors: FieldError[]): void {
  const listType = items['x-kubernetes-list-type']
  const why = 'must be atomic as item of a list with x-kubernetes-list-type=set'
  if (items.type === 'array' && listType !== undefined && listType !== 'atomic')
    errors.push(fieldErrors.invalid(`${path}.items.x-kubernetes-list-type`, listType, why))
  if (items.type === 'object' && items['x-kubernetes-map-type'] !== 'atomic')
    errors.push(fieldErrors.invalid(`${path}.items.x-kubernetes-map-type`, listType ?? null, why))
}

function judgeMapList({ items }: JsonSchema, keys: readonly string[], path: string, errors: FieldError[]): void {
  const keysAt = `${path}.x-kubernetes-list-map-keys`
  if (keys.length === 0) errors.push(fieldErrors.required(keysAt, 'must not be empty if x-kubernetes-list-type is map'))
  if (!items) errors.push(fieldErrors.required(`${path}.items`, 'must have a schema if x-kubernetes-list-type is map'))
  if (!items || Array.isArray(items)) return
  if (items.type !== 'object') {
    const why = "must be object if parent array's x-kubernetes-list-type is map"
    errors.push(fieldErrors.invalid(`${path}.items.type`, items.type ?? '', why))
    return
  }
  for (const [i, key] of keys.entries()) {
    const child = items.properties?.[key]
    if (!child) errors.push(fieldErrors.invalid(keysAt, keys, 'entries must all be names of item properties'))
    else if (child.type === 'array' || child.type === 'object') {
      const why = "must be a scalar type if parent array's x-kubernetes-list-type is map"
      errors.push(fieldErrors.invalid(`${property(`${path}.items`, key)}.type`, items.type, why))
    }
    if (keys.indexOf(key) < i) errors.push(fieldErrors.invalid(keysAt, keys, 'must not contain duplicate entries'))
  }
}

function judgeNullables(items: JsonSchema, type: 'set' | 'map', keys: readonly string[], path: string, errors: FieldError[]): void {
  if (items.nullable)
    errors.push(fieldErrors.forbidden(`${path}.items.nullable`, `cannot be nullable when x-kubernetes-list-type is ${type}`))
  if (type === 'set') return
  for (const key of keys) {
    const child = items.properties?.[key]
    const at = property(`${path}.items`, key)
    const named = 'this property is in x-kubernetes-list-map-keys, so it'
    if (child && child.default === undefined && !items.required?.includes(key))
      errors.push(fieldErrors.required(`${at}.default`, `${named} must have a default or be a required property`))
    if (child?.nullable) errors.push(fieldErrors.forbidden(`${at}.nullable`, `${named} cannot be nullable`))
  }
}
