import type { JsonSchema } from '../../machinery/structural/json-schema.ts'
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinitionVersion,
  SelectableField,
} from '../generated/types/apiextensions-v1.ts'
import { isShared } from './shared-fields.ts'

/** Values as upstream shows them in messages: by the names of its Go fields, what is not set with Go's zero. */

/** Versions without what they share, which upstream holds once. */
export const internalVersions = (versions: readonly CustomResourceDefinitionVersion[] | undefined): object[] | null =>
  versions?.map((version) => ({
    Name: version.name ?? '',
    Served: version.served ?? false,
    Storage: version.storage ?? false,
    Deprecated: version.deprecated ?? false,
    DeprecationWarning: version.deprecationWarning ?? null,
    Schema:
      !version.schema || isShared(versions, 'schema')
        ? null
        : { OpenAPIV3Schema: version.schema.openAPIV3Schema ? internalSchema(version.schema.openAPIV3Schema as JsonSchema) : null },
    Subresources: !version.subresources || isShared(versions, 'subresources') ? null : capitalized(version.subresources),
    AdditionalPrinterColumns:
      !version.additionalPrinterColumns || isShared(versions, 'additionalPrinterColumns')
        ? null
        : version.additionalPrinterColumns.map((column: Partial<CustomResourceColumnDefinition>) => ({
            Name: column.name ?? '',
            Type: column.type ?? '',
            Format: column.format ?? '',
            Description: column.description ?? '',
            Priority: column.priority ?? 0,
            JSONPath: column.jsonPath ?? '',
          })),
    SelectableFields:
      !version.selectableFields || isShared(versions, 'selectableFields')
        ? null
        : version.selectableFields.map((field: Partial<SelectableField>) => ({ JSONPath: field.jsonPath ?? '' })),
  })) ?? null

const capital = (name: string) => `${name.charAt(0).toUpperCase()}${name.slice(1)}`

const capitalized = ({ status, scale }: NonNullable<CustomResourceDefinitionVersion['subresources']>) => ({
  Status: status ?? null,
  Scale: scale ? Object.fromEntries(Object.entries(scale).map(([name, value]) => [capital(name), value])) : null,
})

type Zero = '' | false | null

/** Fields of a schema in Go's order, and what they are when they are not set. */
const fields: readonly (readonly [keyof JsonSchema | '$schema' | 'externalDocs', string, Zero])[] = [
  ['id', 'ID', ''],
  ['$schema', 'Schema', ''],
  ['$ref', 'Ref', null],
  ['description', 'Description', ''],
  ['type', 'Type', ''],
  ['nullable', 'Nullable', false],
  ['format', 'Format', ''],
  ['title', 'Title', ''],
  ['default', 'Default', null],
  ['maximum', 'Maximum', null],
  ['exclusiveMaximum', 'ExclusiveMaximum', false],
  ['minimum', 'Minimum', null],
  ['exclusiveMinimum', 'ExclusiveMinimum', false],
  ['maxLength', 'MaxLength', null],
  ['minLength', 'MinLength', null],
  ['pattern', 'Pattern', ''],
  ['maxItems', 'MaxItems', null],
  ['minItems', 'MinItems', null],
  ['uniqueItems', 'UniqueItems', false],
  ['multipleOf', 'MultipleOf', null],
  ['enum', 'Enum', null],
  ['maxProperties', 'MaxProperties', null],
  ['minProperties', 'MinProperties', null],
  ['required', 'Required', null],
  ['items', 'Items', null],
  ['allOf', 'AllOf', null],
  ['oneOf', 'OneOf', null],
  ['anyOf', 'AnyOf', null],
  ['not', 'Not', null],
  ['properties', 'Properties', null],
  ['additionalProperties', 'AdditionalProperties', null],
  ['patternProperties', 'PatternProperties', null],
  ['dependencies', 'Dependencies', null],
  ['additionalItems', 'AdditionalItems', null],
  ['definitions', 'Definitions', null],
  ['externalDocs', 'ExternalDocs', null],
  ['example', 'Example', null],
  ['x-kubernetes-preserve-unknown-fields', 'XPreserveUnknownFields', null],
  ['x-kubernetes-embedded-resource', 'XEmbeddedResource', false],
  ['x-kubernetes-int-or-string', 'XIntOrString', false],
  ['x-kubernetes-list-map-keys', 'XListMapKeys', null],
  ['x-kubernetes-list-type', 'XListType', null],
  ['x-kubernetes-map-type', 'XMapType', null],
  ['x-kubernetes-validations', 'XValidations', null],
]

export function internalSchema(schema: JsonSchema): object {
  const given = schema as Readonly<Record<string, unknown>>
  return Object.fromEntries(
    fields.map(([name, goName, zero]) => [goName, given[name] === undefined ? zero : internalValue(name, given[name])]),
  )
}

function internalValue(name: string, value: unknown): unknown {
  switch (name) {
    case 'items':
      return Array.isArray(value)
        ? { Schema: null, JSONSchemas: value.map(internalSchema) }
        : { Schema: internalSchema(value as JsonSchema), JSONSchemas: null }
    case 'additionalProperties':
      return typeof value === 'boolean' ? { Allows: value, Schema: null } : { Allows: true, Schema: internalSchema(value as JsonSchema) }
    case 'allOf':
    case 'oneOf':
    case 'anyOf':
      return (value as readonly JsonSchema[]).map(internalSchema)
    case 'not':
      return internalSchema(value as JsonSchema)
    case 'properties':
    case 'patternProperties':
    case 'definitions':
      return Object.fromEntries(
        Object.entries(value as Readonly<Record<string, JsonSchema>>)
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([key, child]) => [key, internalSchema(child)]),
      )
    case 'x-kubernetes-validations':
      return (value as readonly Readonly<Record<string, unknown>>[]).map((rule) => ({
        Rule: rule['rule'] ?? '',
        Message: rule['message'] ?? '',
        MessageExpression: rule['messageExpression'] ?? '',
        Reason: rule['reason'] ?? null,
        FieldPath: rule['fieldPath'] ?? '',
        OptionalOldSelf: rule['optionalOldSelf'] ?? null,
      }))
    default:
      return value
  }
}

const allowedAtRoot: ReadonlySet<string> = new Set([
  'Description',
  'Type',
  'Format',
  'Title',
  'Maximum',
  'ExclusiveMaximum',
  'Minimum',
  'ExclusiveMinimum',
  'MaxLength',
  'MinLength',
  'Pattern',
  'MaxItems',
  'MinItems',
  'UniqueItems',
  'MultipleOf',
  'Required',
  'Items',
  'Properties',
  'ExternalDocs',
  'Example',
  'XPreserveUnknownFields',
  'XValidations',
])

/** Why a schema may not be that of a resource with a status of its own: it is judged in two parts, so nothing at its root may speak of both. */
export function rootProblem(schema: JsonSchema): { readonly isOfType: boolean; readonly why: string } | undefined {
  const given = schema as Readonly<Record<string, unknown>>
  for (const [name, goName, zero] of fields) {
    const value = given[name]
    if (value === undefined || value === zero) continue
    if (goName === 'Type' && value !== 'object') {
      const why = 'only "object" is allowed as the type at the root of the schema if the status subresource is enabled'
      return { isOfType: true, why }
    }
    if (allowedAtRoot.has(goName)) continue
    const why = `only [${[...allowedAtRoot].join(' ')}] fields are allowed at the root of the schema if the status subresource is enabled`
    return { isOfType: false, why }
  }
  return undefined
}
