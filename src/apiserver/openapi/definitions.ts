import { descriptions } from '../../kinds/descriptions.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import type { Schema } from '../../machinery/schema/schema-node.ts'
import { definitionName } from '../../machinery/schema/schema-node.ts'
import { keelsonProperties } from './own-kinds.ts'
import { publishedDefaults } from './published-defaults.ts'

/** Definitions as documents show them: with our descriptions, in the dialect of OpenAPI 2 or 3. */

export type Dialect = {
  readonly refPrefix: string
  readonly wrapsRefs: boolean
  readonly special: Readonly<Record<string, object>>
  /** By `Definition.field`. */
  readonly defaults: Readonly<Record<string, string | number>>
}

/** Marks a definition that brings its own descriptions: none of ours are added. */
export const ownWords: unique symbol = Symbol('describes itself')

type Described = Schema & { readonly description?: string; readonly [ownWords]?: true }

export const openApi2: Dialect = { refPrefix: '#/definitions/', wrapsRefs: false, special: {}, defaults: {} }

/** In version 3 a reference may have no siblings, so one with a description is wrapped. */
export const openApi3: Dialect = {
  refPrefix: '#/components/schemas/',
  wrapsRefs: true,
  defaults: publishedDefaults,
  special: {
    'io.k8s.apimachinery.pkg.api.resource.Quantity': { oneOf: [{ type: 'string' }, { type: 'number' }] },
    'io.k8s.apimachinery.pkg.util.intstr.IntOrString': { format: 'int-or-string', oneOf: [{ type: 'integer' }, { type: 'string' }] },
  },
}

export type Definitions = Readonly<Record<string, Schema>>

const reference = (name: string): Schema => ({ $ref: `#/definitions/io.k8s.apimachinery.pkg.${name}` })
const usageField: Schema = { type: 'object', additionalProperties: reference('api.resource.Quantity') }
const measuredFields: Readonly<Record<string, Schema>> = {
  timestamp: reference('apis.meta.v1.Time'),
  window: { type: 'string' },
}

/** Kinds that upstream's facts do not have: our own, and those of the metrics server; by `group/version/kind`. */
const ownProperties: Readonly<Record<string, Readonly<Record<string, Schema>>>> = {
  ...keelsonProperties,
  'metrics.k8s.io/v1beta1/NodeMetrics': { ...measuredFields, usage: usageField },
  'metrics.k8s.io/v1beta1/PodMetrics': {
    ...measuredFields,
    containers: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' }, usage: usageField } } },
  },
}

/** The definitions with one for every kind that has none: kinds of our own, custom kinds without a schema, and their lists. */
export function completeDefinitions(definitions: Definitions, kinds: readonly KindDefinition[]): Definitions {
  const added: Record<string, Schema> = {}
  for (const kind of kinds) {
    if (!definitions[kind.schema]) added[kind.schema] = openKind(kind)
    const list = `${kind.schema}List`
    if (!definitions[list] && kind.verbs.includes('list')) added[list] = listOf(kind)
  }
  return { ...definitions, ...added }
}

/** Writes one definition in a dialect. */
export function writeDefinition(name: string, schema: Schema, dialect: Dialect): object {
  if ((schema as Described)[ownWords]) return write(schema, undefined, dialect)
  const short = name.slice(name.lastIndexOf('.') + 1)
  return { ...describe(descriptions()[short]), ...(dialect.special[name] ?? write(schema, short, dialect)) }
}

/** Names of all definitions that some reach, themselves included. */
export function reachable(roots: Iterable<string>, definitions: Definitions): Set<string> {
  const seen = new Set<string>()
  const waiting = [...roots]
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const schema = definitions[name]
    if (!schema || seen.has(name)) continue
    seen.add(name)
    collectReferences(schema, waiting)
  }
  return seen
}

/** Without an owner nothing is described but by the schema itself. */
function write(schema: Described, owner: string | undefined, dialect: Dialect): object {
  const { $ref, properties, items, additionalProperties, ...rest } = schema
  const written = {
    ...rest,
    ...(items ? { items: write(items, owner, dialect) } : {}),
    ...(typeof additionalProperties === 'object' ? { additionalProperties: write(additionalProperties, owner, dialect) } : {}),
    ...(typeof additionalProperties === 'boolean' ? { additionalProperties } : {}),
    ...(properties
      ? {
          properties: Object.fromEntries(
            Object.entries(properties).map(([field, child]) => [field, writeField(field, child, owner, dialect)]),
          ),
        }
      : {}),
  }
  if ($ref === undefined) return written
  const reference = { $ref: dialect.refPrefix + definitionName($ref) }
  if (Object.keys(written).length === 0) return reference
  return dialect.wrapsRefs ? { ...written, allOf: [reference] } : { ...written, ...reference }
}

function writeField(field: string, schema: Described, owner: string | undefined, dialect: Dialect): object {
  if (owner === undefined) return write(schema, owner, dialect)
  const known = descriptions()
  const description = schema.description ?? known[`${owner}.${field}`] ?? known[`*.${field}`]
  const value = dialect.defaults[`${owner}.${field}`]
  const published = value === undefined ? schema : { ...schema, default: value }
  return write(description === undefined ? published : { ...published, description }, owner, dialect)
}

function describe(description: string | undefined): object {
  return description === undefined ? {} : { description }
}

function collectReferences(schema: Schema, into: string[]): void {
  if (schema.$ref !== undefined) into.push(definitionName(schema.$ref))
  if (schema.items) collectReferences(schema.items, into)
  if (typeof schema.additionalProperties === 'object') collectReferences(schema.additionalProperties, into)
  for (const child of Object.values(schema.properties ?? {})) collectReferences(child, into)
}

const metaPrefix = '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1'

function openKind({ group, version, kind }: KindDefinition): Schema {
  const known = ownProperties[`${group}/${version}/${kind}`]
  return {
    type: 'object',
    properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: { $ref: `${metaPrefix}.ObjectMeta` }, ...known },
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
    ...(known ? {} : { 'x-kubernetes-preserve-unknown-fields': true }),
  }
}

export type SelectableKind = { readonly selectableFields?: Readonly<Record<string, unknown>> }

/** Custom kinds tell which of their fields a list can be asked for by. */
export function selectableFieldsMark({ selectableFields = {} }: SelectableKind): object {
  const fields = Object.keys(selectableFields)
  return fields.length > 0 ? { 'x-kubernetes-selectable-fields': fields.map((fieldPath) => ({ fieldPath })) } : {}
}

function listOf(kind: KindDefinition): Schema {
  const { group, version, listKind, schema } = kind
  return {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { $ref: `${metaPrefix}.ListMeta` },
      items: { type: 'array', items: { $ref: `#/definitions/${schema}` } },
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind: listKind }],
    ...(kind.isUnstructured ? selectableFieldsMark(kind) : {}),
  }
}
