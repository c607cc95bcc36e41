import { deepClone } from '../deep-clone.ts'
import { type FieldError, fieldErrors } from '../field-error.ts'
import { decodeReport, decodeValue, type TypeFault } from './decode.ts'
import { formatPath } from './go-errors.ts'
import { type Schema, SchemaNode } from './schema-node.ts'
import { type OmittedZeros, type ZeroValues, zeroValueFiller } from './zero-values.ts'

/** The types of the API by their definition's name, and the rules that follow from a type alone. */
export type SchemaSet = {
  /** The type, or undefined when no definition has this name. */
  lookup(name: string): SchemaNode | undefined
  /** The type at a path of field names below a definition (`spec`, `containers`); list items are passed through. */
  lookupPath(name: string, path: readonly string[]): SchemaNode | undefined
  /** Definitions as they were loaded, for OpenAPI documents. */
  readonly definitions: Readonly<Record<string, Schema>>
  /**
   * Checks types and brings the value into the form that upstream's server would store: unknown fields, nulls (but those that it writes)
   * and empty optional lists and maps dropped, quantities and times canonical. Changes the value in place. `keepsNulls`: of a custom type.
   */
  decode(name: string, value: unknown, options?: { readonly keepsNulls: boolean }): Decoded
  /** Type errors as field errors (422); the value stays as it is. */
  validate(name: string, value: unknown): FieldError[]
  /** Type errors as a server's decoder words them (400): none or one. The value stays as it is. */
  decodeErrors(name: string, value: unknown): string[]
  /** Paths of fields that the type does not have. The value stays as it is. */
  unknownFields(name: string, value: unknown): string[]
  /** `decode` without its report. Changes the value in place and returns it. */
  prune<T>(name: string, value: T): T
  /** Fills what the schema states as default. Changes the value in place and returns it. */
  applyDefaults<T>(name: string, value: T): T
  /** Fills what upstream's server writes of empty fields. Changes the value in place. */
  fillZeroValues(name: string, value: unknown): void
  /** Required fields that are absent. */
  missingRequired(name: string, value: unknown): FieldError[]
  /** Values outside their enumeration. */
  unsupportedValues(name: string, value: unknown): FieldError[]
}

export type Decoded = {
  /** The first type error in a decoder's words; the value is then not to be used. */
  readonly error: string | undefined
  /** The same with its place; absent where it is not known. */
  readonly fault?: TypeFault | undefined
  /** `spec.foo`, `spec.containers[0].bar`: what strict validation refuses. At most 100. */
  readonly unknownFields: readonly string[]
  /** Upstream decodes objects of custom kinds first and prunes them then: duplicates are reported before unknown fields. */
  readonly isPrunedLater?: true
}

/** Loads definitions (the content of generated/schemas.json, or a custom resource's). Costs nothing but a closure: types compile on first use. */
export function loadSchemas(
  definitions: Readonly<Record<string, Schema>>,
  zeroValues: ZeroValues = {},
  omittedZeros: OmittedZeros = {},
): SchemaSet {
  const nodes = new Map<string, SchemaNode>()
  const lookup = (name: string): SchemaNode | undefined => {
    const loaded = nodes.get(name)
    if (loaded) return loaded
    const schema = Object.hasOwn(definitions, name) ? definitions[name] : undefined
    if (!schema) return undefined
    const known = withKnownDefaults(name, schema)
    const [omitted, zeros] = [omittedZeros[name], zeroValues[name]]
    const facts = { ...known, ...(omitted ? { omittedZeros: omitted } : {}), ...(zeros ? { zeros } : {}) }
    const node = new SchemaNode(facts, lookup, name)
    nodes.set(name, node)
    return node
  }
  const mustLookup = (name: string): SchemaNode => {
    const node = lookup(name)
    if (!node) throw new TypeError(`no schema named ${name}`)
    return node
  }
  const fillZeroValues = zeroValueFiller(zeroValues)
  return {
    lookup,
    lookupPath: (name, path) => path.reduce<SchemaNode | undefined>(step, lookup(name)),
    definitions,
    decode: (name, value) => decodeReport(mustLookup(name), value),
    validate: (name, value) =>
      decodeValue(mustLookup(name), deepClone(value)).faults.map((f) => fieldErrors.typeInvalid(f.path || '<nil>', f.value, f.message)),
    decodeErrors: (name, value) => {
      const { error } = decodeValue(mustLookup(name), deepClone(value)).report
      return error === undefined ? [] : [error]
    },
    unknownFields: (name, value) => decodeValue(mustLookup(name), deepClone(value)).report.unknownFields,
    prune: <T>(name: string, value: T) => decodeValue(mustLookup(name), value).value as T,
    applyDefaults: <T>(name: string, value: T) => fillDefaults(mustLookup(name), value) as T,
    fillZeroValues: (name, value) => fillZeroValues(mustLookup(name), value),
    missingRequired: (name, value) => collect(mustLookup(name), value, missingFields),
    unsupportedValues: (name, value) => collect(mustLookup(name), value, outsideEnum),
  }
}

function step(node: SchemaNode | undefined, field: string): SchemaNode | undefined {
  return (node?.shape === 'list' ? node.element : node)?.child(field)
}

/**
 * Defaults of fields that are keys of a merging list. OpenAPI v2 does not carry them, and without them an item written
 * without its key would be another item (upstream: `+default` on the Go fields).
 */
const keyDefaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'io.k8s.api.core.v1.ContainerPort': { protocol: 'TCP' },
  'io.k8s.api.core.v1.ServicePort': { protocol: 'TCP' },
}

function withKnownDefaults(name: string, schema: Schema): Schema {
  const defaults = keyDefaults[name]
  if (!defaults || !schema.properties) return schema
  const properties = { ...schema.properties }
  for (const [field, value] of Object.entries(defaults)) properties[field] = { ...properties[field], default: value }
  return { ...schema, properties }
}

function fillDefaults(node: SchemaNode, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const { fields, element } = defaultingOf(node)
  if (Array.isArray(value)) {
    if (element) for (let i = 0; i < value.length; i++) value[i] = fillDefaults(element, value[i])
    return value
  }
  const object = value as Record<string, unknown>
  for (const [field, child] of fields) {
    if (object[field] === undefined && child.default !== undefined) object[field] = deepClone(child.default)
    if (object[field] !== undefined) object[field] = fillDefaults(child, object[field])
  }
  if (node.shape === 'map' && element) for (const key of Object.keys(object)) object[key] = fillDefaults(element, object[key])
  return value
}

/** The parts of a type that have a default or lead to one: few, so that a walk over an object looks at little else. */
type Defaulting = { readonly fields: readonly (readonly [string, SchemaNode])[]; readonly element: SchemaNode | undefined }

const defaultings = new WeakMap<SchemaNode, Defaulting>()

function defaultingOf(node: SchemaNode): Defaulting {
  const known = defaultings.get(node)
  if (known) return known
  const fields = [...node.fields].filter(([, child]) => leadsToDefault(child, new Set()))
  const element = node.element && leadsToDefault(node.element, new Set()) ? node.element : undefined
  const found = { fields, element }
  defaultings.set(node, found)
  return found
}

function leadsToDefault(node: SchemaNode, seen: Set<SchemaNode>): boolean {
  if (node.default !== undefined) return true
  if (seen.has(node)) return false
  seen.add(node)
  if (node.element && leadsToDefault(node.element, seen)) return true
  for (const child of node.fields.values()) if (leadsToDefault(child, seen)) return true
  return false
}

type Judge = (node: SchemaNode, value: unknown, path: readonly (string | number)[]) => FieldError[]

function collect(node: SchemaNode, value: unknown, judge: Judge, path: readonly (string | number)[] = []): FieldError[] {
  const errors = judge(node, value, path)
  if (typeof value !== 'object' || value === null) return errors
  if (Array.isArray(value)) {
    if (node.element) for (const [i, item] of value.entries()) errors.push(...collect(node.element, item, judge, [...path, i]))
    return errors
  }
  for (const [key, field] of Object.entries(value)) {
    const child = node.child(key)
    if (child) errors.push(...collect(child, field, judge, [...path, key]))
  }
  return errors
}

const missingFields: Judge = (node, value, path) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? node.required
        .filter((field) => ((value as Record<string, unknown>)[field] ?? undefined) === undefined)
        .map((field) => fieldErrors.required(formatPath([...path, field])))
    : []

const outsideEnum: Judge = (node, value, path) =>
  node.enum && typeof value === 'string' && !node.enum.includes(value) ? [fieldErrors.notSupported(formatPath(path), value, node.enum)] : []
