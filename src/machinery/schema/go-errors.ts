import { goKind } from '../go-text.ts'
import type { SchemaNode } from './schema-node.ts'

/** The decoding errors of upstream's server, which are Go's: clients show them verbatim. */

const goScalars: Readonly<Partial<Record<SchemaNode['shape'], string>>> = {
  string: 'string',
  boolean: 'bool',
  quantity: 'resource.Quantity',
  intOrString: 'int32',
  time: 'v1.Time',
  microTime: 'v1.MicroTime',
  bytes: '[]uint8',
  any: 'interface {}',
}

/** `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. */
export function cannotUnmarshal(value: unknown, struct: string, path: FieldPath, node: SchemaNode): string {
  // Go's path names fields only, without the items of lists and maps.
  const field = path.filter((step) => typeof step === 'string').join('.')
  const into = field === '' ? `Go value of type ${goType(node)}` : `Go struct field ${struct}.${field} of type ${goType(node)}`
  return `json: cannot unmarshal ${describe(value, node)} into ${into}`
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
  return node.name === undefined ? '' : node.name.slice(node.name.lastIndexOf('.') + 1)
}

/** `parsing time "x" as …`: Go's words for a time that is none. */
export function cannotParseTime(text: string, isMicro: boolean): string {
  const layout = isMicro ? '2006-01-02T15:04:05.000000Z07:00' : '2006-01-02T15:04:05Z07:00'
  const quoted = JSON.stringify(text)
  return `parsing time ${quoted} as "${layout}": cannot parse ${quoted} as "2006"`
}

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
  if (typeof value === 'number') return node.shape === 'integer' ? `number ${value}` : 'number'
  if (typeof value === 'boolean') return 'bool'
  return Array.isArray(value) ? 'array' : typeof value
}
