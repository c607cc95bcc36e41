import goTypes from '../../kinds/generated/go-types.json' with { type: 'json' }
import { goKind } from '../go-text.ts'
import type { SchemaNode } from './schema-node.ts'

/** The decoding errors of upstream's server, which are Go's: clients show them verbatim. */

const goScalars: Readonly<Partial<Record<SchemaNode['shape'], string>>> = {
  string: 'string',
  boolean: 'bool',
  quantity: 'resource.Quantity',
  intOrString: 'int32',
  // What reads itself reads a text.
  time: 'string',
  microTime: 'string',
  bytes: '[]uint8',
  any: 'interface {}',
}

/** A value's place: the definition it lies in, and the way to it from the root of what is read. */
export type ValuePlace = { readonly root: SchemaNode; readonly definition: string; readonly path: FieldPath }

/** `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. */
export function cannotUnmarshal(value: unknown, place: ValuePlace, node: SchemaNode): string {
  const field = goPath(place)
  const type = fieldType(place) ?? goType(node)
  const into = field === '' ? `Go value of type ${type}` : `Go struct field ${shortName(place.definition)}.${field} of type ${type}`
  return `json: cannot unmarshal ${describe(value, node)} into ${into}`
}

/** The name of a struct that a field is embedded with, and the type where that has a name of its own; both may be empty. */
function knownOf(definition: string | undefined, field: string): readonly [embedded: string, type: string] {
  const told = (goTypes as Readonly<Record<string, Readonly<Record<string, string>>>>)[definition ?? '']?.[field] ?? ''
  const slash = told.indexOf('/')
  return [told.slice(0, Math.max(0, slash)), told.slice(slash + 1)]
}

/** Go's path names fields and what they are embedded with, without the items of lists and maps. */
function goPath({ root, path }: ValuePlace): string {
  const names: string[] = []
  let node: SchemaNode | undefined = root
  for (const step of path) {
    if (typeof step === 'string') names.push(...[knownOf(node?.name, step)[0], step].filter((name) => name !== ''))
    node = typeof step === 'string' ? node?.child(step) : node?.element
  }
  return names.join('.')
}

/** What Go calls the type where it has a name of its own: of the last field of the path, or of what the list that it is holds. */
function fieldType({ definition, path }: ValuePlace): string | undefined {
  const at = path.findLastIndex((step) => typeof step === 'string')
  const [, named] = knownOf(definition, at < 0 ? '' : (path[at] as string))
  const depth = path.length - 1 - at
  if (named === '' || depth === 0) return named || undefined
  return named.startsWith('[]'.repeat(depth)) ? named.slice(2 * depth) : undefined
}

/**
 * What upstream says where a tree that is no text any more does not fit a type (a strategic merge patch was applied): its words are
 * other ones than those of reading JSON. `node` undefined: the value has the right type and is no such thing; it keeps its message.
 */
export function cannotConvert(fault: { readonly value: unknown; readonly node: SchemaNode | undefined; readonly message: string }): string {
  const { value, node, message } = fault
  if (!node) return message
  const from = goKind(value)
  switch (node.shape) {
    case 'object':
      return `cannot restore struct from: ${from}`
    case 'map':
      return `cannot restore map from ${from}`
    case 'list':
    case 'bytes':
      return `cannot restore slice from ${from}`
    case 'string':
      return from === 'int64' ? 'cannot convert int64 to string' : 'unrecognized type: string'
    case 'integer':
    case 'number':
      return from === 'float64' ? `cannot convert float64 to ${goType(node)}` : `unrecognized type: ${goType(node)}`
    case 'boolean':
      return 'unrecognized type: bool'
    default:
      return message
  }
}

/** `v1.Container`, `[]v1.Container`, `map[string]string`, `int32`. */
export function goType(node: SchemaNode): string {
  switch (node.shape) {
    case 'list':
      return `[]${node.element ? goType(node.element) : 'interface {}'}`
    case 'map':
      return `map[string]${node.element ? goType(node.element) : 'interface {}'}`
    case 'integer':
      return node.format === 'int64' ? 'int64' : 'int32'
    case 'number':
      return 'float64'
    case 'object':
      return node.name === undefined ? 'struct' : node.name.split('.').slice(-2).join('.')
    default:
      return goScalars[node.shape] ?? 'string'
  }
}

/** The last part of a definition's name: what Go calls the struct. */
export function structName(node: SchemaNode): string {
  return shortName(node.name ?? '')
}

const shortName = (definition: string) => definition.slice(definition.lastIndexOf('.') + 1)

/** Names of fields, indexes of items, and keys of maps. */
export type FieldPath = readonly (string | number | { readonly key: string })[]

/** `spec.containers[0].name`. */
export function formatPath(path: FieldPath): string {
  let text = ''
  for (const step of path) {
    const name = typeof step === 'object' ? step.key : step
    text += typeof name === 'number' ? `[${name}]` : text === '' ? name : `.${name}`
  }
  return text
}

function describe(value: unknown, node: SchemaNode): string {
  if (typeof value === 'number') return node.shape === 'integer' || node.shape === 'intOrString' ? `number ${number(value)}` : 'number'
  if (typeof value === 'boolean') return 'bool'
  return Array.isArray(value) ? 'array' : typeof value
}

/** All digits of a great whole number, as it was most likely sent. */
const number = (value: number) => (Number.isInteger(value) && Math.abs(value) < 1e21 ? BigInt(value) : value)
