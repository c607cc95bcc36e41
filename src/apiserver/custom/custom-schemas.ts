import { deepClone } from '../../machinery/deep-clone.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { SchemaSet } from '../../machinery/schema/schema-set.ts'
import type { CustomType } from './custom-type.ts'

/** The built-in types and, beside them, those of custom kinds, which come and go. Looking a built-in one up costs what it did. */
export type CustomSchemas = SchemaSet & {
  /** Adds or replaces a custom type. A name of a built-in type is refused with a TypeError. */
  set(name: string, type: CustomType): void
  remove(name: string): void
}

export function createCustomSchemas(builtIn: SchemaSet): CustomSchemas {
  const types = new Map<string, CustomType>()
  return {
    definitions: builtIn.definitions,
    lookup: (name) => builtIn.lookup(name) ?? types.get(name)?.node,
    lookupPath: (name, path) => {
      const type = types.get(name)
      if (!type) return builtIn.lookupPath(name, path)
      return path.reduce(
        (node, field) => (node?.shape === 'list' ? node.element : node)?.child(field),
        type.node as typeof type.node | undefined,
      )
    },
    decode: (name, value, options) => types.get(name)?.decode(value as KubeObject, options) ?? builtIn.decode(name, value),
    validate: (name, value) => types.get(name)?.validate(value as KubeObject) ?? builtIn.validate(name, value),
    decodeErrors: (name, value) => {
      const error = types.get(name)?.decode(deepClone(value) as KubeObject).error
      return error === undefined ? (types.has(name) ? [] : builtIn.decodeErrors(name, value)) : [error]
    },
    unknownFields: (name, value) => {
      const type = types.get(name)
      return type ? [...type.decode(deepClone(value) as KubeObject).unknownFields] : builtIn.unknownFields(name, value)
    },
    prune: <T>(name: string, value: T) => {
      const type = types.get(name)
      if (!type) return builtIn.prune(name, value)
      type.decode(value as KubeObject)
      return value
    },
    applyDefaults: <T>(name: string, value: T) => {
      const type = types.get(name)
      if (!type) return builtIn.applyDefaults(name, value)
      type.applyDefaults(value as KubeObject)
      return value
    },
    fillZeroValues: (name, value) => {
      if (!types.has(name)) builtIn.fillZeroValues(name, value)
    },
    // A custom kind's own rules say both, in the words of its schema.
    missingRequired: (name, value) => (types.has(name) ? [] : builtIn.missingRequired(name, value)),
    unsupportedValues: (name, value) => (types.has(name) ? [] : builtIn.unsupportedValues(name, value)),
    set: (name, type) => {
      if (builtIn.lookup(name)) throw new TypeError(`${name} is the name of a built-in type`)
      types.set(name, type)
    },
    remove: (name) => void types.delete(name),
  }
}
