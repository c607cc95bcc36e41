import type { ValidationRule } from '../../kinds/generated/types/apiextensions-v1.ts'

/**
 * A schema as a CustomResourceDefinition states it (OpenAPI v3 and Kubernetes' extensions). Definitions reach their rules
 * before anything has judged them, so a reader of an unjudged schema must expect fields of the wrong shape in `items`.
 */
export type JsonSchema = {
  readonly $ref?: string
  readonly $schema?: string
  readonly id?: string
  readonly type?: string
  readonly format?: string
  readonly title?: string
  readonly description?: string
  readonly default?: unknown
  readonly example?: unknown
  readonly nullable?: boolean
  readonly enum?: readonly unknown[]
  readonly maximum?: number
  readonly minimum?: number
  readonly exclusiveMaximum?: boolean
  readonly exclusiveMinimum?: boolean
  readonly multipleOf?: number
  readonly maxLength?: number
  readonly minLength?: number
  readonly pattern?: string
  readonly maxItems?: number
  readonly minItems?: number
  readonly uniqueItems?: boolean
  readonly maxProperties?: number
  readonly minProperties?: number
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly additionalItems?: unknown
  readonly patternProperties?: Readonly<Record<string, JsonSchema>>
  readonly dependencies?: Readonly<Record<string, unknown>>
  readonly definitions?: Readonly<Record<string, JsonSchema>>
  readonly allOf?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly not?: JsonSchema
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-embedded-resource'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly 'x-kubernetes-list-type'?: string
  readonly 'x-kubernetes-list-map-keys'?: readonly string[]
  readonly 'x-kubernetes-map-type'?: string
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[]
}

export type JsonObject = Record<string, unknown>

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schema of an object's field: a declared one, or that of the values of a map. */
export function schemaOfField(schema: JsonSchema, field: string): JsonSchema | undefined {
  const declared = schema.properties && Object.hasOwn(schema.properties, field) ? schema.properties[field] : undefined
  if (declared) return declared
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined
}

/** `a.b`, or `b` at the root. */
export const fieldPath = (path: string, field: string) => (path === '' ? field : `${path}.${field}`)

/** Fields that every resource has, also one inside another. */
export const resourceFields: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata'])

/** Whether a schema, or anything below it, states rules in CEL. */
export function hasRules(schema: JsonSchema): boolean {
  if (schema['x-kubernetes-validations']?.length) return true
  if (schema.items && hasRules(schema.items)) return true
  if (typeof schema.additionalProperties === 'object' && hasRules(schema.additionalProperties)) return true
  return Object.values(schema.properties ?? {}).some(hasRules)
}
