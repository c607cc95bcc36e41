import { type CelType, celTypes, type Field } from '../../../machinery/cel/cel-type.ts'
import { escapedName } from '../../../machinery/cel/schema-type.ts'
import type { SchemaNode } from '../../../machinery/schema/schema-node.ts'

/** Undefined for what upstream's schemas give no one type, so that no expression can name it: quantities, any JSON. */
type Declared = CelType | undefined

const emptyObject = (name: string): CelType => celTypes.object(name, {})

/** Of these, upstream's schemas say that they are objects, and nothing of what is in them. */
const closedObjects = new Set(['RawExtension', 'FieldsV1', 'Patch'])
const lastPart = (name: string) => name.slice(name.lastIndexOf('.') + 1)

/**
 * The type of values of a built-in schema as a type check sees it, fields resolved when they are asked for. `within`: the definitions
 * that lead here, of which an inner one is an object without fields.
 */
export function schemaNodeType(node: SchemaNode, name: string, within: readonly string[] = []): Declared {
  switch (node.shape) {
    case 'object':
      if (node.name !== undefined && within.includes(node.name)) return emptyObject(name)
      return { kind: 'object', name, fields: new NodeFields(node, name, node.name === undefined ? within : [...within, node.name]) }
    case 'map': {
      const value = node.element && schemaNodeType(node.element, `${name}.@elem`, within)
      return value && celTypes.map(celTypes.string, value)
    }
    case 'list': {
      const element = node.element && schemaNodeType(node.element, `${name}.@idx`, within)
      return element && celTypes.list(element)
    }
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
    case 'intOrString':
      return celTypes.dyn
    case 'any':
      return node.name !== undefined && closedObjects.has(lastPart(node.name)) ? emptyObject(name) : undefined
    case 'quantity':
      return undefined
  }
}

class NodeFields extends Map<string, Field> {
  readonly #node: SchemaNode
  readonly #path: string
  readonly #within: readonly string[]

  constructor(node: SchemaNode, path: string, within: readonly string[]) {
    super()
    this.#node = node
    this.#path = path
    this.#within = within
  }

  override get(field: string): Field | undefined {
    const known = super.get(field)
    if (known) return known
    const child = this.#node.fields.get(field) ?? this.#escaped(field)
    const type = child && schemaNodeType(child, `${this.#path}.${field}`, this.#within)
    if (!type) return undefined
    super.set(field, { type })
    return { type }
  }

  /** The field whose name expressions cannot write as it is. */
  #escaped(field: string): SchemaNode | undefined {
    if (!field.startsWith('_') && !field.includes('__')) return undefined
    for (const [name, node] of this.#node.fields) if (escapedName(name) === field) return node
    return undefined
  }

  override has(field: string): boolean {
    return this.get(field) !== undefined
  }
}
