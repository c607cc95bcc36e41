import type { SchemaNode } from './schema-node.ts'

/** The decoding errors of upstream's server, which are Go's: clients show them verbatim. */

const goScalars: Readonly<Partial<Record<SchemaNode['shape'], string>>> = {
  string: 'string',
  boolean: 'bool',
  quantity: 'resource.Quantity',
  intOrString: 'intstr.IntOrString',
  time: 'v1.Time',
  microTime: 'v1.MicroTime',
  bytes: '[]uint8',
  any: 'interface {}',
}

/** `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`. */
export function cannotUnmarshal(value: unknown, struct: string, path: readonly (string | number)[], node: SchemaNode): string {
  // Go's path names fields only, without the items of lists.
  const field = path.filter((step) => typeof step === 'string').join('.')
  const into = field === '' ? `Go value of type ${goType(node)}` : `Go struct field ${struct}.${field} of type ${goType(node)}`
  return `json: cannot unmarshal ${describe(value, node)} into ${into}`
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

/** `spec.containers[0].name`. */
export function formatPath(path: readonly (string | number)[]): string {
  let text = ''
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : text === '' ? step : `.${step}`
  return text
}

function describe(value: unknown, node: SchemaNode): string {
  if (typeof value === 'number') return node.shape === 'integer' ? `number ${value}` : 'number'
  if (typeof value === 'boolean') return 'bool'
  return Array.isArray(value) ? 'array' : typeof value
}
