import { standardDescriptions } from '../../kinds/descriptions.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { GroupVersionKind } from '../../machinery/object.ts'
import type { Schema } from '../../machinery/schema/schema-node.ts'
import type { JsonSchema } from '../../machinery/structural/json-schema.ts'
import { integerOrText } from '../../machinery/structural/structural-rules.ts'
import { ownWords, type SelectableKind, selectableFieldsMark } from '../openapi/definitions.ts'

/** The forms in which a custom kind's schema leaves its definition: for merging, and for the two dialects of OpenAPI. */

export const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'
const metaReference = { $ref: `#/definitions/${objectMeta}` } as const

/** `com.example.stable.v1.CronTab`: the name of a custom kind's definition, as upstream makes it. */
export function definitionNameOf({ group, version, kind }: GroupVersionKind): string {
  return [...group.split('.').reverse(), version, kind].join('.')
}

/** The schema with the types of what every resource has, for merging by list and map types. */
export function mergeableSchema(schema: JsonSchema, isResource = true): JsonSchema {
  const { properties, items, additionalProperties } = schema
  const isOwn = isResource || schema['x-kubernetes-embedded-resource'] === true
  const fields = Object.fromEntries(Object.entries(properties ?? {}).map(([field, child]) => [field, mergeableSchema(child, false)]))
  const resource: Readonly<Record<string, JsonSchema>> = isOwn
    ? { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: metaReference }
    : {}
  const hasFields = properties !== undefined || isOwn
  return {
    ...schema,
    ...(hasFields ? { properties: { ...fields, ...resource } } : {}),
    ...(items ? { items: mergeableSchema(items, false) } : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: mergeableSchema(additionalProperties, false) } : {}),
  }
}

const standardFields = {
  apiVersion: { type: 'string', description: standardDescriptions['*.apiVersion'] },
  kind: { type: 'string', description: standardDescriptions['*.kind'] },
  metadata: { ...metaReference, description: standardDescriptions['*.metadata'] },
} as const

/** The definition of a kind for `/openapi/v3` or, without what that version cannot say, for `/openapi/v2`. */
export function publishedSchema(schema: JsonSchema, kind: PublishedKind, dialect: 'v2' | 'v3'): Schema {
  const { group, version, kind: name } = kind
  const marks = {
    'x-kubernetes-group-version-kind': [{ group, version, kind: name }],
    ...selectableFieldsMark(kind),
    [ownWords]: true,
  }
  // Clients of version 2 would refuse whatever is not named.
  if (dialect === 'v2' && schema['x-kubernetes-preserve-unknown-fields']) return { type: 'object', ...marks } as Schema
  const written = withResourceFields(dialect === 'v2' ? simplified(schema) : schema, dialect)
  return { ...written, type: 'object', properties: { ...written.properties, ...standardFields }, ...marks } as Schema
}

export type PublishedKind = GroupVersionKind & SelectableKind

/** Resources inside have the fields of resources; in version 3, what is an integer or a text says so by the means of the language. */
function withResourceFields(schema: JsonSchema, dialect: 'v2' | 'v3'): JsonSchema {
  const { properties, items, additionalProperties } = schema
  const isOpen = dialect === 'v2' && schema['x-kubernetes-preserve-unknown-fields'] === true
  const isResource = schema['x-kubernetes-embedded-resource'] === true && !isOpen
  const added = isResource ? standardFields : {}
  const inside = Object.fromEntries(Object.entries(properties ?? {}).map(([field, child]) => [field, withResourceFields(child, dialect)]))
  const all = { ...inside, ...added }
  return {
    ...schema,
    ...(dialect === 'v3' ? eitherType(schema) : {}),
    ...(isResource ? { required: [...new Set([...(schema.required ?? []), 'kind', 'apiVersion'])] } : {}),
    ...(Object.keys(all).length > 0 ? { properties: all } : {}),
    ...(items ? { items: withResourceFields(items, dialect) } : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: withResourceFields(additionalProperties, dialect) } : {}),
  }
}

function eitherType(schema: JsonSchema): JsonSchema {
  if (!schema['x-kubernetes-int-or-string'] || deepEqual(schema.anyOf, integerOrText)) return {}
  const { anyOf, allOf = [] } = schema
  if (deepEqual(allOf[0]?.anyOf, integerOrText)) return {}
  return anyOf ? { allOf: [{ anyOf: integerOrText }, ...allOf] } : { anyOf: integerOrText }
}

/**
 * OpenAPI v2 knows neither alternatives nor null, and its clients take named fields for the only ones: what may be null has no type there
 * and is not required, what keeps unknown fields names none, and a list without items is none. Defaults are not told.
 */
function simplified(schema: JsonSchema): JsonSchema {
  const { allOf: _a, anyOf: _n, oneOf: _o, not: _t, default: _d, nullable = false, ...more } = schema
  const { items, properties, additionalProperties, required, ...rest } = more
  const { type, ...untyped } = rest
  const keepsUnknown = rest['x-kubernetes-preserve-unknown-fields'] === true
  const isOpen = nullable || keepsUnknown
  const hasNullValues = typeof additionalProperties === 'object' && additionalProperties.nullable === true
  const needed = hasNullValues ? [] : isOpen ? required : required?.filter((field) => !properties?.[field]?.nullable)
  const hasType = type !== undefined && !nullable && !(type === 'array' && (isOpen || !items)) && !(type === 'object' && keepsUnknown)
  return {
    ...(hasType ? rest : untyped),
    ...(needed?.length ? { required: needed } : {}),
    ...(items && !isOpen ? { items: simplified(items) } : {}),
    ...(properties && !isOpen
      ? { properties: Object.fromEntries(Object.entries(properties).map(([field, child]) => [field, simplified(child)])) }
      : {}),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: typeof additionalProperties === 'object' ? simplified(additionalProperties) : additionalProperties }),
  }
}
