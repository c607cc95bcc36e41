import { deepEqual } from '../../machinery/deep-equal.ts'
import { fieldErrors } from '../../machinery/field-error.ts'
import { type JsonPath, parseJsonPath } from '../../machinery/structural/json-path.ts'
import type { JsonSchema } from '../../machinery/structural/json-schema.ts'
import { validateRules } from '../../machinery/structural/rule-validation.ts'
import { validateStructuralSchema } from '../../machinery/structural/structural-rules.ts'
import type { Errors } from '../checks.ts'
import type { CustomResourceDefinitionSpec, CustomResourceDefinitionVersion } from '../generated/types/apiextensions-v1.ts'

const selectableFieldsMax = 8

/**
 * The schemas of all versions, and the paths that lead into them. Upstream holds a schema that all versions share once, at the top
 * of the spec, and says so in its messages; so does this.
 */
export function validateSchemas(errors: Errors, spec: Partial<CustomResourceDefinitionSpec>): void {
  const { versions = [] } = spec
  const schemas = versions.map(schemaOf)
  const isShared = versions.length > 0 && schemas.every((schema) => schema !== undefined && deepEqual(schema, schemas[0]))
  for (const [i, version] of versions.entries()) {
    const schema = schemas[i]
    if (!schema) errors.push(fieldErrors.required(`spec.versions[${i}].schema.openAPIV3Schema`, 'schemas are required'))
    else if (!isShared || i === 0) {
      const path = isShared ? 'spec.validation.openAPIV3Schema' : `spec.versions[${i}].schema.openAPIV3Schema`
      const problems = validateStructuralSchema(schema, path)
      // Rules are judged by the types of a sound schema only.
      errors.push(...(problems.length > 0 ? problems : validateRules(schema, path)))
    }
    if (schema) validateSelectableFields(errors, version, schema, `spec.versions[${i}]`)
  }
}

function validateSelectableFields(errors: Errors, version: CustomResourceDefinitionVersion, schema: JsonSchema, path: string): void {
  const fields = version.selectableFields ?? []
  const at = `${path}.selectableFields`
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
