import { deepEqual } from '../deep-equal.ts'
import { type FieldError, fieldErrors } from '../field-error.ts'
import { hasFormat } from './formats.ts'
import { fieldPath, isObject, type JsonSchema, schemaOfField } from './json-schema.ts'
import { goPattern } from './pattern.ts'

/**
 * Checks of values by a structural schema, compiled once a schema. The words are upstream's (kube-openapi's validator), which
 * clients show to their users and tests compare.
 *
 * Ratcheting (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting):
 * a value that an update leaves as it was is not judged again. Items of a list have an old value only where keys tell which.
 */
export type ValueValidator = (value: unknown, old?: unknown) => FieldError[]

type Check = (value: unknown, old: unknown, path: string, errors: FieldError[]) => void

/** Costs one walk over the schema. The schema must have passed the structural rules. */
export function compileValidator(schema: JsonSchema): ValueValidator {
  const check = compile(schema)
  return (value, old) => {
    const errors: FieldError[] = []
    check(value, old, '', errors)
    return errors
  }
}

function compile(schema: JsonSchema): Check {
  const type = typeCheck(schema)
  const common = enumCheck(schema)
  const checks = [...junctionChecks(schema), stringCheck(schema), numberCheck(schema), listCheck(schema), objectCheck(schema)].filter(
    (check) => check !== undefined,
  )
  return (value, old, path, errors) => {
    if (value === undefined) return
    const before = errors.length
    type?.(value, old, path, errors)
    if (value !== null) for (const check of checks) check(value, old, path, errors)
    common?.(value, old, path, errors)
    if (errors.length > before && old !== undefined && deepEqual(value, old)) errors.length = before
  }
}

/** What upstream writes for an error that belongs to no field. */
const nowhere = '<nil>'
const at = (path: string) => (path === '' ? nowhere : path)
/** Go's words for a field in a body; the root has no name. */
const named = (path: string) => `${path} in body`

const invalid = (path: string, value: unknown, why: string) => fieldErrors.invalid(at(path), value, `${named(path)} ${why}`)

function typeCheck(schema: JsonSchema): Check | undefined {
  const types = schema['x-kubernetes-int-or-string'] ? ['integer', 'string'] : schema.type ? [schema.type] : []
  const { format = '', nullable = false } = schema
  if (types.length === 0 && format === '') return undefined
  return (value, _old, path, errors) => {
    const type = typeOf(value)
    if (value === null) {
      if (types.length > 0 && !nullable) errors.push(wrongType(path, types.join(','), type))
      return
    }
    const fits = types.length === 0 || types.includes(type) || (type === 'integer' && types.includes('number'))
    if (!fits) errors.push(wrongType(path, types.join(','), type))
    else if (format !== '' && typeof value === 'string' && hasFormat(format, value) === false) errors.push(wrongType(path, format, value))
  }
}

const wrongType = (path: string, wanted: string, shown: string) =>
  fieldErrors.typeInvalid(at(path), shown, `${named(path)} must be of type ${wanted}: ${JSON.stringify(shown)}`)

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function enumCheck({ enum: allowed }: JsonSchema): Check | undefined {
  if (!allowed?.length) return undefined
  const shown = allowed.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return (value, _old, path, errors) => {
    if (!allowed.some((one) => deepEqual(one, value))) errors.push(fieldErrors.notSupported(at(path), value, shown))
  }
}

function junctionChecks({ allOf, anyOf, oneOf, not }: JsonSchema): Check[] {
  const checks: Check[] = []
  const nowhereInvalid = (path: string, why: string) => fieldErrors.invalid(nowhere, '', `${JSON.stringify(path)} ${why}`)
  if (anyOf?.length) {
    const parts = anyOf.map(compile)
    checks.push((value, old, path, errors) => {
      const results = parts.map((part) => failuresOf(part, value, old, path))
      if (results.some((r) => r.length === 0)) return
      errors.push(nowhereInvalid(path, 'must validate at least one schema (anyOf)'), ...fewest(results))
    })
  }
  if (oneOf?.length) {
    const parts = oneOf.map(compile)
    checks.push((value, old, path, errors) => {
      const results = parts.map((part) => failuresOf(part, value, old, path))
      const valid = results.filter((r) => r.length === 0).length
      if (valid === 1) return
      const found = valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`
      errors.push(nowhereInvalid(path, `must validate one and only one schema (oneOf). ${found}`), ...(valid === 0 ? fewest(results) : []))
    })
  }
  if (allOf?.length) {
    const parts = allOf.map(compile)
    checks.push((value, old, path, errors) => {
      const results = parts.map((part) => failuresOf(part, value, old, path))
      const failed = results.filter((r) => r.length > 0)
      if (failed.length === 0) return
      const none = failed.length === results.length ? '. None validated' : ''
      errors.push(...failed.flat(), nowhereInvalid(path, `must validate all the schemas (allOf)${none}`))
    })
  }
  if (not) {
    const part = compile(not)
    checks.push((value, old, path, errors) => {
      if (failuresOf(part, value, old, path).length === 0) errors.push(nowhereInvalid(path, 'must not validate the schema (not)'))
    })
  }
  return checks
}

function failuresOf(part: Check, value: unknown, old: unknown, path: string): FieldError[] {
  const errors: FieldError[] = []
  part(value, old, path, errors)
  return errors
}

const fewest = (results: readonly FieldError[][]) => results.reduce((best, one) => (one.length < best.length ? one : best))

function stringCheck({ minLength, maxLength, pattern }: JsonSchema): Check | undefined {
  if (minLength === undefined && maxLength === undefined && pattern === undefined) return undefined
  const expression = pattern === undefined ? undefined : goPattern(pattern)
  return (value, _old, path, errors) => {
    if (typeof value !== 'string') return
    const length = maxLength === undefined && minLength === undefined ? 0 : codePoints(value)
    if (maxLength !== undefined && length > maxLength) errors.push(fieldErrors.tooLong(at(path), value, maxLength))
    if (minLength !== undefined && length < minLength) errors.push(invalid(path, value, `should be at least ${minLength} chars long`))
    if (expression && !expression.test(value)) errors.push(invalid(path, value, `should match '${pattern}'`))
  }
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function numberCheck({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: JsonSchema): Check | undefined {
  if (minimum === undefined && maximum === undefined && multipleOf === undefined) return undefined
  return (value, _old, path, errors) => {
    if (typeof value !== 'number') return
    if (multipleOf !== undefined && !isMultiple(value, multipleOf))
      errors.push(invalid(path, value, `should be a multiple of ${multipleOf}`))
    if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum))
      errors.push(invalid(path, value, `should be less than ${exclusiveMaximum ? '' : 'or equal to '}${maximum}`))
    if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum))
      errors.push(invalid(path, value, `should be greater than ${exclusiveMinimum ? '' : 'or equal to '}${minimum}`))
  }
}

function isMultiple(value: number, factor: number): boolean {
  const quotient = value / factor
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient))
}

function listCheck(schema: JsonSchema): Check | undefined {
  const { items, minItems, maxItems } = schema
  const item = items && compile(items)
  const keys = schema['x-kubernetes-list-type'] === 'map' ? schema['x-kubernetes-list-map-keys'] : undefined
  if (!item && minItems === undefined && maxItems === undefined) return undefined
  return (value, old, path, errors) => {
    if (!Array.isArray(value)) return
    if (item) {
      const before = keys && Array.isArray(old) ? (one: unknown) => old.find((o) => hasSameKeys(keys, one, o)) : undefined
      for (const [i, one] of value.entries()) item(one, before?.(one), `${path}[${i}]`, errors)
    }
    if (minItems !== undefined && value.length < minItems)
      errors.push(invalid(path, value.length, `should have at least ${minItems} items`))
    if (maxItems !== undefined && value.length > maxItems) errors.push(fieldErrors.tooMany(at(path), value.length, maxItems))
  }
}

function hasSameKeys(keys: readonly string[], a: unknown, b: unknown): boolean {
  return isObject(a) && isObject(b) && keys.every((key) => deepEqual(a[key], b[key]))
}

function objectCheck(schema: JsonSchema): Check | undefined {
  const { properties, additionalProperties, required = [], minProperties, maxProperties } = schema
  const fields = new Map(Object.entries(properties ?? {}).map(([field, child]) => [field, compile(child)]))
  const others = typeof additionalProperties === 'object' ? compile(additionalProperties) : undefined
  if (fields.size === 0 && !others && required.length === 0 && minProperties === undefined && maxProperties === undefined) return undefined
  return (value, old, path, errors) => {
    if (!isObject(value)) return
    const count = minProperties === undefined && maxProperties === undefined ? 0 : Object.keys(value).length
    if (minProperties !== undefined && count < minProperties)
      errors.push(invalid(path, minProperties, `should have at least ${minProperties} properties`))
    if (maxProperties !== undefined && count > maxProperties) errors.push(fieldErrors.tooMany(at(path), count, maxProperties))
    const before = isObject(old) ? old : undefined
    for (const field in value) (fields.get(field) ?? others)?.(value[field], before?.[field], fieldPath(path, field), errors)
    for (const field of required)
      if (!Object.hasOwn(value, field) || value[field] === undefined) errors.push(fieldErrors.required(fieldPath(path, field)))
  }
}

/** Lists that are sets or maps with an item twice, and embedded resources that are none. Ratchets as the rest does. */
export function structuralErrors(schema: JsonSchema, value: unknown, old: unknown, path = ''): FieldError[] {
  const errors: FieldError[] = []
  if (Array.isArray(value)) {
    errors.push(...duplicateItems(schema, value, path))
    if (schema.items)
      for (const [i, item] of value.entries()) errors.push(...structuralErrors(schema.items, item, undefined, `${path}[${i}]`))
  } else if (isObject(value)) {
    if (path !== '' && schema['x-kubernetes-embedded-resource']) errors.push(...resourceErrors(value, path))
    const before = isObject(old) ? old : undefined
    for (const field in value) {
      const child = schemaOfField(schema, field)
      if (child) errors.push(...structuralErrors(child, value[field], before?.[field], fieldPath(path, field)))
    }
  }
  return errors.length > 0 && old !== undefined && deepEqual(value, old) ? [] : errors
}

function resourceErrors(value: Readonly<Record<string, unknown>>, path: string): FieldError[] {
  return (['apiVersion', 'kind'] as const).flatMap((field) => {
    const given = value[field]
    if (given === undefined || given === '') return [fieldErrors.required(`${path}.${field}`, 'must not be empty')]
    return typeof given === 'string' ? [] : [fieldErrors.typeInvalid(`${path}.${field}`, given, 'must be a string')]
  })
}

function duplicateItems(schema: JsonSchema, list: readonly unknown[], path: string): FieldError[] {
  const type = schema['x-kubernetes-list-type']
  if (type !== 'set' && type !== 'map') return []
  const keys = type === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : undefined
  const seen = new Set<string>()
  return list.flatMap((item, i) => {
    const identity = keys ? keysOf(keys, item) : item
    const text = canonical(identity)
    if (!seen.has(text)) {
      seen.add(text)
      return []
    }
    return [fieldErrors.duplicate(`${path}[${i}]`, identity)]
  })
}

function keysOf(keys: readonly string[], item: unknown): unknown {
  return isObject(item) ? Object.fromEntries(keys.filter((key) => item[key] !== undefined).map((key) => [key, item[key]])) : item
}

/** JSON with the fields in order, so that equal values have equal texts. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (!isObject(value)) return JSON.stringify(value) ?? 'null'
  return `{${Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`)
    .join(',')}}`
}
