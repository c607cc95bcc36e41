import { type CelType, celTypes, type Field } from '../../../machinery/cel/cel-type.ts'
import type { SchemaNode } from '../../../machinery/schema/schema-node.ts'

const types = new WeakMap<SchemaNode, CelType>()

/** The type of values of a schema, fields resolved when they are asked for: types of the API refer to themselves. */
export function schemaNodeType(node: SchemaNode, name: string): CelType {
  const known = types.get(node)
  if (known) return known
  const type = typeOf(node, name)
  types.set(node, type)
  return type
}

function typeOf(node: SchemaNode, name: string): CelType {
  switch (node.shape) {
    case 'object':
      return node.preservesUnknown ? celTypes.dyn : { kind: 'object', name: node.name ?? name, fields: new NodeFields(node, name) }
    case 'map':
      return celTypes.map(celTypes.string, node.element ? schemaNodeType(node.element, `${name}.@values`) : celTypes.dyn)
    case 'list':
      return celTypes.list(node.element ? schemaNodeType(node.element, `${name}.@items`) : celTypes.dyn)
    case 'string':
      return celTypes.string
    case 'integer':
      return celTypes.int
    case 'number':
      return celTypes.double
    case 'boolean':
      return celTypes.bool
    case 'time':
    case 'microTime':
      return celTypes.timestamp
    case 'bytes':
      return celTypes.bytes
    default:
      return celTypes.dyn
  }
}

class NodeFields extends Map<string, Field> {
  readonly #node: SchemaNode
  readonly #path: string

  constructor(node: SchemaNode, path: string) {
    super()
    this.#node = node
    this.#path = path
  }

  override get(field: string): Field | undefined {
    const child = this.#node.fields.get(field)
    return child && { type: schemaNodeType(child, `${this.#path}.${field}`) }
  }

  override has(field: string): boolean {
    return this.#node.fields.has(field)
  }
}
