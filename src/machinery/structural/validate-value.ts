import { deepEqual } from '../deep-equal.ts'
import { type FieldError, fieldErrors } from '../field-error.ts'
import { hasFormat, isKnownFormat } from './formats.ts'
import { fieldPath, isObject, type JsonSchema } from './json-schema.ts'
import { isUnchanged, itemsByKeys, keysOf } from './unchanged.ts'
import { numberCheck } from './validate-number.ts'
import { goPattern } from './pattern.ts'

/**
 * Checks of values by a structural schema, compiled once a schema. The words are upstream's (kube-openapi's validator), which
 * clients show to their users and tests compare.
 *
 * Ratcheting (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-ratcheting):
 * a value that an update leaves as it was is not judged again. Items of a list have an old value only where keys tell which.
 */
export type ValueValidator = (value: unknown, old?: unknown) => FieldError[]

type Check = (value: unknown, old: unknown, path: string, result: Result) => void

/** `matches` counts the checks that were made: of alternatives that all fail, the one with the most of them is told. */
export type Result = { errors: FieldError[]; matches: number }

/** Costs one walk over the schema. The schema must have passed the structural rules. */
export function compileValidator(schema: JsonSchema): ValueValidator {
  const check = compile(schema)
  return (value, old) => {
    const result: Result = { errors: [], matches: 0 }
    check(value, old, '', result)
    return distinct(result.errors)
  }
}

/** What a schema and one of its alternatives say alike is said once. */
const distinct = (errors: readonly FieldError[]): FieldError[] =>
  errors.length < 2 ? [...errors] : [...new Map(errors.map((error) => [`${error.field}: ${error.message}`, error])).values()]

function compile(schema: JsonSchema): Check {
  const type = typeCheck(schema)
  const allowed = enumCheck(schema)
  const isFormatted = formatOf(schema) !== ''
  const checks = [
    ...junctionChecks(schema),
    stringCheck(schema),
    formatCheck(schema),
    numberCheck(schema),
    listCheck(schema),
    allowed,
    objectCheck(schema),
  ].filter((check) => check !== undefined)
  return (value, old, path, result) => {
    if (value === undefined) return
    const { errors } = result
    const before = errors.length
    if (type) {
      type(value, old, path, result)
      if (errors.length === before) result.matches++
    }
    if (value === null) allowed?.(value, old, path, result)
    else {
      result.matches += (type ? 1 : 0) + checksOf(value, isFormatted)
      for (const check of checks) check(value, old, path, result)
    }
    if (errors.length > before && old !== undefined && isUnchanged(schema, value, old)) errors.length = before
  }
}

/** How many checks upstream counts for a value, beside that of its type. */
function checksOf(value: unknown, isFormatted: boolean): number {
  const ofAll = 4
  if (typeof value === 'string') return ofAll + (isFormatted ? 2 : 1)
  if (typeof value === 'number' || Array.isArray(value)) return ofAll + 2
  return typeof value === 'object' ? ofAll + 1 : ofAll
}

/** What upstream writes for an error that belongs to no field. */
const nowhere = '<nil>'
const at = (path: string) => (path === '' ? nowhere : path)
/** Go's words for a field in a body; the root has no name. */
const named = (path: string) => `${path} in body`

const invalid = (path: string, value: unknown, why: string) => fieldErrors.invalid(at(path), value, `${named(path)} ${why}`)

const typesOf = ({ type, 'x-kubernetes-int-or-string': isEither }: JsonSchema): readonly string[] =>
  isEither ? ['integer', 'string'] : type ? [type] : []

const numberFormats: Readonly<Record<string, readonly string[]>> = { integer: ['int32', 'int64'], number: ['float', 'double'] }

/** The format that counts: one that is known for the type. */
function formatOf(schema: JsonSchema): string {
  const { format = '' } = schema
  const types = typesOf(schema)
  const type = types.length === 1 ? types[0]! : 'string'
  const isKnown = type === 'string' ? isKnownFormat(format) : numberFormats[type]?.includes(format)
  return isKnown ? format : ''
}

/** Texts and lists pass wherever a text of a format is wanted, as upstream: the format is judged by its own check. */
function typeCheck(schema: JsonSchema): Check | undefined {
  const types = typesOf(schema)
  const format = formatOf(schema)
  const { nullable = false } = schema
  if (types.length === 0 && format === '') return undefined
  const isText = format !== '' && !types.includes('number') && !types.includes('integer')
  return (value, _old, path, { errors }) => {
    const type = typeOf(value)
    if (value === null) {
      if (types.length > 0 && !nullable) errors.push(wrongType(path, types.join(','), type))
      return
    }
    if (isText && (type === 'string' || type === 'array')) return
    if (types.includes(type) || (type === 'integer' && types.includes('number'))) return
    const isOfFormat = format !== '' && type !== 'string' && type !== 'array'
    errors.push(isOfFormat ? wrongType(path, format, goFormats[type] ?? '') : wrongType(path, types.join(','), type))
  }
}

/** What Go's numbers are, in the words of formats. */
const goFormats: Readonly<Record<string, string>> = { integer: 'int64', number: 'float64' }

const wrongType = (path: string, wanted: string, shown: string) =>
  fieldErrors.typeInvalid(at(path), shown, `${named(path)} must be of type ${wanted}: ${JSON.stringify(shown)}`)

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  return typeof value
}

function formatCheck(schema: JsonSchema): Check | undefined {
  const format = formatOf(schema)
  if (format === '') return undefined
  return (value, _old, path, { errors }) => {
    if (typeof value === 'string' && hasFormat(format, value) === false) errors.push(wrongType(path, format, value))
  }
}

function enumCheck({ enum: allowed }: JsonSchema): Check | undefined {
  if (!allowed?.length) return undefined
  const shown = allowed.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
  return (value, _old, path, { errors }) => {
    if (!allowed.some((one) => isAllowed(one, value))) errors.push(fieldErrors.notSupported(at(path), value, shown))
  }
}

/** Upstream brings a number into the type of the one that is allowed first: 1.5 is 1 where only 1 is. */
function isAllowed(allowed: unknown, value: unknown): boolean {
  if (allowed === null) return false
  return deepEqual(allowed, typeof value === 'number' && Number.isInteger(allowed) ? Math.trunc(value) : value)
}

function junctionChecks({ allOf, anyOf, oneOf, not }: JsonSchema): Check[] {
  const checks: Check[] = []
  const nowhereInvalid = (path: string, why: string) => fieldErrors.invalid(nowhere, '', `${JSON.stringify(path)} ${why}`)
  if (anyOf?.length) {
    const parts = anyOf.map(compile)
    checks.push((value, old, path, result) => {
      const results = resultsOf(parts, value, old, path, (one) => one.errors.length === 0)
      const valid = results.find(({ errors }) => errors.length === 0)
      if (!valid) result.errors.push(nowhereInvalid(path, 'must validate at least one schema (anyOf)'))
      merge(result, valid ?? mostMatches(results))
    })
  }
  if (oneOf?.length) {
    const parts = oneOf.map(compile)
    checks.push((value, old, path, result) => {
      const results = resultsOf(parts, value, old, path)
      const valid = results.filter(({ errors }) => errors.length === 0)
      if (valid.length === 1) return merge(result, valid[0]!)
      const found = valid.length === 0 ? 'Found none valid' : `Found ${valid.length} valid alternatives`
      result.errors.push(nowhereInvalid(path, `must validate one and only one schema (oneOf). ${found}`))
      if (valid.length === 0) merge(result, mostMatches(results))
    })
  }
  if (allOf?.length) {
    const parts = allOf.map(compile)
    checks.push((value, old, path, result) => {
      const results = resultsOf(parts, value, old, path)
      for (const one of results) merge(result, one)
      const failed = results.filter(({ errors }) => errors.length > 0)
      const none = failed.length === results.length ? '. None validated' : ''
      if (failed.length > 0) result.errors.push(nowhereInvalid(path, `must validate all the schemas (allOf)${none}`))
    })
  }
  if (not) {
    const parts = [compile(not)]
    checks.push((value, old, path, result) => {
      const [{ errors }] = resultsOf(parts, value, old, path) as [Result]
      if (errors.length === 0) result.errors.push(nowhereInvalid(path, 'must not validate the schema (not)'))
    })
  }
  return checks
}

/** Until one of them is enough. */
function resultsOf(
  parts: readonly Check[],
  value: unknown,
  old: unknown,
  path: string,
  isEnough?: (result: Result) => boolean,
): readonly Result[] {
  const results: Result[] = []
  for (const part of parts) {
    const result: Result = { errors: [], matches: 0 }
    part(value, old, path, result)
    results.push(result)
    if (isEnough?.(result)) break
  }
  return results
}

const mostMatches = (results: readonly Result[]) => results.reduce((best, one) => (one.matches > best.matches ? one : best))

/** What has been said once is not said again. */
function merge(result: Result, { errors, matches }: Result): void {
  result.matches += matches
  for (const error of errors) {
    const isKnown = result.errors.some(({ field, message }) => field === error.field && message === error.message)
    if (!isKnown) result.errors.push(error)
  }
}

/** The first that is wrong is told alone. */
function stringCheck({ minLength, maxLength, pattern = '' }: JsonSchema): Check | undefined {
  if (minLength === undefined && maxLength === undefined && pattern === '') return undefined
  const expression = pattern === '' ? undefined : goPattern(pattern)
  return (value, _old, path, { errors }) => {
    if (typeof value !== 'string') return
    const length = maxLength === undefined && minLength === undefined ? 0 : codePoints(value)
    if (maxLength !== undefined && length > maxLength) errors.push(fieldErrors.tooLong(at(path), value, maxLength))
    else if (minLength !== undefined && length < minLength) errors.push(invalid(path, value, `should be at least ${minLength} chars long`))
    else if (expression && !expression.test(value)) errors.push(invalid(path, value, `should match '${pattern}'`))
  }
}

function codePoints(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}

function listCheck(schema: JsonSchema): Check | undefined {
  const { items, minItems, maxItems } = schema
  const item = items && compile(items)
  if (!item && minItems === undefined && maxItems === undefined) return undefined
  return (value, old, path, result) => {
    if (!Array.isArray(value)) return
    const { errors } = result
    if (item) {
      const before = Array.isArray(old) ? itemsByKeys(schema, old) : undefined
      for (const [i, one] of value.entries()) item(one, before?.get(keysOf(schema, one)), `${path}[${i}]`, result)
    }
    if (minItems !== undefined && value.length < minItems)
      errors.push(invalid(path, value.length, `should have at least ${minItems} items`))
    if (maxItems !== undefined && value.length > maxItems) errors.push(fieldErrors.tooMany(at(path), value.length, maxItems))
  }
}

function objectCheck(schema: JsonSchema): Check | undefined {
  const { properties, additionalProperties, required = [], minProperties, maxProperties } = schema
  const fields = new Map(Object.entries(properties ?? {}).map(([field, child]) => [field, compile(child)]))
  const others = typeof additionalProperties === 'object' ? compile(additionalProperties) : undefined
  const isClosed = additionalProperties === false
  const isBounded = isClosed || required.length > 0 || minProperties !== undefined || maxProperties !== undefined
  if (fields.size === 0 && !others && !isBounded) return undefined
  return (value, old, path, result) => {
    if (!isObject(value)) return
    const { errors } = result
    const count = minProperties === undefined && maxProperties === undefined ? 0 : Object.keys(value).length
    if (minProperties !== undefined && count < minProperties)
      errors.push(invalid(path, count, `should have at least ${minProperties} properties`))
    if (maxProperties !== undefined && count > maxProperties) errors.push(fieldErrors.tooMany(at(path), count, maxProperties))
    const before = isObject(old) ? old : undefined
    if (isClosed)
      for (const field of Object.keys(value).filter((name) => !fields.has(name)))
        errors.push(fieldErrors.invalid(at(path), field, `${named(fieldPath(path, field))} is a forbidden property`))
    for (const field in value) (fields.get(field) ?? others)?.(value[field], before?.[field], fieldPath(path, field), result)
    for (const field of required)
      if (!Object.hasOwn(value, field) || value[field] === undefined) errors.push(fieldErrors.required(fieldPath(path, field)))
  }
}
