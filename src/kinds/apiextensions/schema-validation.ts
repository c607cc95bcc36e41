import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { isKnownFormat } from '../../machinery/structural/formats.ts'
import type { JsonSchema } from '../../machinery/structural/json-schema.ts'
import { findPlace } from '../../machinery/structural/rule-field-path.ts'
import { validateRules } from '../../machinery/structural/rule-validation.ts'
import { validateStructuralSchema } from '../../machinery/structural/structural-rules.ts'
import type { CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../generated/types/apiextensions-v1.ts'
import { internalSchema, rootProblem } from './internal-form.ts'

const selectableFieldsMax = 8

/**
 * One schema. Rules that are known have been accepted once: what one of them costs is not asked again, only what all cost together.
 */
export function schemaErrors(
  schema: JsonSchema,
  path: string,
  { hasStatus, isKnown }: { readonly hasStatus: boolean; readonly isKnown: boolean },
): FieldError[] {
  const problem = hasStatus ? rootProblem(schema) : undefined
  const ofRoot = problem ? [rootError(schema, path, problem)] : []
  const problems = [...ofRoot, ...validateStructuralSchema(schema, path)]
  // Rules are judged by the types of a sound schema only.
  return problems.length > 0 ? problems : validateRules(schema, path, { isKnown })
}

const rootError = (schema: JsonSchema, path: string, { isOfType, why }: { readonly isOfType: boolean; readonly why: string }) =>
  isOfType ? fieldErrors.invalid(`${path}.type`, schema.type ?? '', why) : fieldErrors.invalid(path, internalSchema(schema), why)

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

export function selectableFieldErrors(
  fields: NonNullable<CustomResourceDefinitionVersion['selectableFields']>,
  schema: JsonSchema,
  at: string,
): FieldError[] {
  const errors: FieldError[] = []
  const known = new Set<string>()
  for (const [i, { jsonPath = '' }] of fields.entries()) {
    const field = `${at}[${i}].jsonPath`
    if (jsonPath === '') {
      errors.push(fieldErrors.required(field, ''))
      continue
    }
    const found = findPlace(schema, jsonPath, { allowsBrackets: false })
    if ('problem' in found) {
      errors.push(fieldErrors.invalid(field, jsonPath, `is an invalid path: ${found.problem}`))
      continue
    }
    const { path, root, schema: leaf } = found.place
    if (root === 'metadata') errors.push(fieldErrors.invalid(field, jsonPath, 'must not point to fields in metadata'))
    if (leaf?.type !== 'string' && leaf?.type !== 'boolean' && leaf?.type !== 'integer') {
      const why = 'must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.'
      errors.push(fieldErrors.invalid(field, jsonPath, why))
    }
    if (known.has(path)) errors.push(fieldErrors.duplicate(field, jsonPath))
    known.add(path)
  }
  if (known.size > selectableFieldsMax) errors.push(fieldErrors.tooMany(at, known.size, selectableFieldsMax))
  return errors
}

/** The generated type is looser than the schema of schemas in `items` and `additionalProperties`, which the rules judge. */
export const schemaOf = (version: CustomResourceDefinitionVersion) => version.schema?.openAPIV3Schema as JsonSchema | undefined
