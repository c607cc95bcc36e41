import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { isKnownFormat } from '../../machinery/structural/formats.ts'
import { type JsonPath, parseJsonPath } from '../../machinery/structural/json-path.ts'
import type { JsonSchema } from '../../machinery/structural/json-schema.ts'
import { validateRules } from '../../machinery/structural/rule-validation.ts'
import { validateStructuralSchema } from '../../machinery/structural/structural-rules.ts'
import type { Errors } from '../checks.ts'
import type { CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../generated/types/apiextensions-v1.ts'
import { forEachDistinct } from './shared-fields.ts'

const selectableFieldsMax = 8

/**
 * The schemas of all versions, and the paths that lead into them. The rules of a version whose schema is as `old` has it have been accepted
 * once: what one of them costs is not asked again, only what all cost together.
 */
export function validateSchemas(
  errors: Errors,
  spec: Partial<CustomResourceDefinitionSpec>,
  old: Partial<CustomResourceDefinitionSpec> | undefined,
): void {
  const { versions = [] } = spec
  const hasSharedStatus = versions.some(({ subresources }) => subresources?.status)
  forEachDistinct(versions, 'schema', (_, path, i) => {
    const version = versions[i]!
    const schema = schemaOf(version)
    if (!schema) return
    const at = `${path}.openAPIV3Schema`
    const hasStatus = path === 'spec.validation' ? hasSharedStatus : version.subresources?.status !== undefined
    const problems = [...(hasStatus ? rootProblems(schema, at) : []), ...validateStructuralSchema(schema, at)]
    const before = old?.versions?.find(({ name }) => name === version.name)
    const isKnown = before !== undefined && deepEqual(before.schema, version.schema)
    // Rules are judged by the types of a sound schema only.
    errors.push(...(problems.length > 0 ? problems : validateRules(schema, at, { isKnown })))
  })
  for (const [i, version] of versions.entries())
    if (!schemaOf(version)) errors.push(fieldErrors.required(`spec.versions[${i}].schema.openAPIV3Schema`, 'schemas are required'))
  forEachDistinct(versions, 'selectableFields', (fields, path, i) => {
    const schema = schemaOf(versions[i]!)
    if (schema) validateSelectableFields(errors, fields ?? [], schema, path)
  })
}

/** With a status of its own, a resource is judged in two parts: nothing at the root may speak of both. */
function rootProblems(schema: JsonSchema, path: string): FieldError[] {
  const strange = Object.keys(schema).find((field) => !allowedAtRoot.has(field) && isSet(schema[field as keyof JsonSchema]))
  if (strange === undefined) return []
  const words = [...allowedAtRoot].map((field) => (field.startsWith('x-') ? goNames[field] : `${field[0]!.toUpperCase()}${field.slice(1)}`))
  const why = `only [${words.join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`
  return [fieldErrors.invalid(path, schema, why)]
}

const isSet = (value: unknown) => value !== undefined && value !== false && value !== '' && !(Array.isArray(value) && value.length === 0)
const goNames: Readonly<Record<string, string>> = {
  'x-kubernetes-preserve-unknown-fields': 'XPreserveUnknownFields',
  'x-kubernetes-validations': 'XValidations',
}
const allowedAtRoot: ReadonlySet<string> = new Set([
  'description',
  'type',
  'format',
  'title',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'multipleOf',
  'required',
  'items',
  'properties',
  'externalDocs',
  'example',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-validations',
])

/** Formats that are stated and promise nothing, each once in the order of the schemas. */
export function unknownFormats(spec: Partial<CustomResourceDefinitionSpec> | undefined): readonly string[] {
  const found = new Set<string>()
  for (const version of spec?.versions ?? []) {
    const schema = schemaOf(version)
    if (schema) collectUnknownFormats(schema, found)
  }
  return [...found]
}

const numberFormats: Readonly<Record<string, readonly string[]>> = { integer: ['int32', 'int64'], number: ['float', 'double'] }

function collectUnknownFormats(schema: JsonSchema, found: Set<string>): void {
  const { type = 'string', format } = schema
  if (format && !(type === 'string' ? isKnownFormat(format) : numberFormats[type]?.includes(format))) found.add(format)
  const { items, not, properties, additionalProperties, allOf = [], anyOf = [], oneOf = [] } = schema
  const parts = [items, not, additionalProperties, ...Object.values(properties ?? {}), ...allOf, ...anyOf, ...oneOf]
  for (const part of parts) if (typeof part === 'object' && !Array.isArray(part)) collectUnknownFormats(part, found)
}

function validateSelectableFields(
  errors: Errors,
  fields: NonNullable<CustomResourceDefinitionVersion['selectableFields']>,
  schema: JsonSchema,
  at: string,
): void {
  if (fields.length > selectableFieldsMax) errors.push(fieldErrors.tooMany(at, fields.length, selectableFieldsMax))
  for (const [i, { jsonPath = '' }] of fields.entries()) {
    const field = `${at}[${i}].jsonPath`
    if (jsonPath === '') {
      errors.push(fieldErrors.required(field, ''))
      continue
    }
    if (fields.findIndex((f) => f.jsonPath === jsonPath) < i) errors.push(fieldErrors.duplicate(field, jsonPath))
    const why = selectableProblem(schema, jsonPath)
    if (why !== undefined) errors.push(fieldErrors.invalid(field, jsonPath, why))
  }
}

function selectableProblem(schema: JsonSchema, jsonPath: string): string | undefined {
  if (!jsonPath.startsWith('.')) return 'is an invalid path: must be a simple json path starting with .'
  const names = parsed(jsonPath)?.fields
  if (!names) return 'is an invalid path: must be a simple json path of field names'
  if (names[0] === 'metadata') return 'must not point to fields in metadata'
  let at: JsonSchema | undefined = schema
  for (const name of names) at = at?.properties && Object.hasOwn(at.properties, name) ? at.properties[name] : undefined
  if (!at) return 'is an invalid path: does not refer to a valid field'
  const { type } = at
  if (type === 'string' || type === 'boolean' || type === 'integer') return undefined
  return 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
}

/** Checks a JSON path of a column or scale. `root`: the only field that it may lead into. */
export function validateJsonPath(errors: Errors, path: string, field: string, root?: 'spec' | 'status'): void {
  const result = parsed(path)
  if (!result) errors.push(fieldErrors.invalid(field, path, 'is an invalid JSON path'))
  else if (root !== undefined && result.fields === undefined) errors.push(fieldErrors.invalid(field, path, 'should be a simple json path'))
  else if (root !== undefined && !path.startsWith(`.${root}.`))
    errors.push(fieldErrors.invalid(field, path, `should be a json path under .${root}`))
}

function parsed(path: string): JsonPath | undefined {
  try {
    return parseJsonPath(path)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The generated type is looser than the schema of schemas in `items` and `additionalProperties`, which the rules judge. */
const schemaOf = (version: CustomResourceDefinitionVersion) => version.schema?.openAPIV3Schema as JsonSchema | undefined
