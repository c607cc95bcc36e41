import type { GroupVersionKind } from '../../machinery/object.ts'
import type { Schema } from '../../machinery/schema/schema-node.ts'
import type { JsonSchema } from '../../machinery/structural/json-schema.ts'
import { ownWords } from '../openapi/definitions.ts'

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
  apiVersion: {
    type: 'string',
    description: 'Group and version of the API that this object is written in.',
  },
  kind: { type: 'string', description: 'The kind of object; with apiVersion it says what the rest means.' },
  metadata: { ...metaReference, description: 'Name, labels and everything else that all objects have in common.' },
} as const

/** The definition of a kind for `/openapi/v3` or, without what that version cannot say, for `/openapi/v2`. */
export function publishedSchema(schema: JsonSchema, kind: GroupVersionKind, dialect: 'v2' | 'v3'): Schema {
  const written = dialect === 'v2' ? simplified(schema) : schema
  const { group, version, kind: name } = kind
  return {
    ...written,
    type: 'object',
    properties: { ...written.properties, ...standardFields },
    'x-kubernetes-group-version-kind': [{ group, version, kind: name }],
    [ownWords]: true,
  } as Schema
}

/** OpenAPI v2 knows neither alternatives nor null, and its clients take named fields for the only ones. */
function simplified(schema: JsonSchema): JsonSchema {
  const { allOf: _a, anyOf: _n, oneOf: _o, not: _t, nullable, items, properties, additionalProperties, ...rest } = schema
  const { type: _y, format: _f, ...untyped } = rest
  const isOpen = nullable === true || rest['x-kubernetes-int-or-string'] === true
  if (isOpen) return untyped
  const isPreserving = rest['x-kubernetes-preserve-unknown-fields'] === true
  if (isPreserving) return rest
  return {
    ...rest,
    ...(items ? { items: simplified(items) } : {}),
    ...(properties ? { properties: Object.fromEntries(Object.entries(properties).map(([k, child]) => [k, simplified(child)])) } : {}),
    ...(additionalProperties === undefined
      ? {}
      : { additionalProperties: typeof additionalProperties === 'object' ? simplified(additionalProperties) : additionalProperties }),
  }
}
