import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { Schema } from '../../machinery/schema/schema-node.ts'
import { SchemaNode } from '../../machinery/schema/schema-node.ts'
import type { Decoded, SchemaSet } from '../../machinery/schema/schema-set.ts'
import { defaulted } from '../../machinery/structural/defaults.ts'
import { fieldPath, isObject, type JsonObject, type JsonSchema, schemaOfField } from '../../machinery/structural/json-schema.ts'
import { compileRuleValidator } from '../../machinery/structural/rules.ts'
import { pruned, set } from '../../machinery/structural/prune.ts'
import { compileValidator, structuralErrors, type ValueValidator } from '../../machinery/structural/validate-value.ts'
import { mergeableSchema, objectMeta } from './published-schema.ts'

/** The type of one version of a custom kind: what the built-in kinds' schemas do for them. Compiled on first use. */
export type CustomType = {
  readonly schema: JsonSchema
  /** For server-side apply and managed fields. */
  readonly node: SchemaNode
  /** Checks metadata, drops unknown fields. Changes the object, which is the caller's own. */
  decode(object: KubeObject): Decoded
  applyDefaults(object: KubeObject): void
  /** With `old`, what the update leaves as it was is not judged. */
  validate(object: KubeObject, old?: KubeObject): FieldError[]
  /** A stored object as it is served: pruned and defaulted by today's schema. The argument itself when nothing changes. */
  fromStored(object: KubeObject): KubeObject
}

/** Errors behind which no rule runs: values that rules could not rely on, or too many for the costs that were estimated. */
const stopsRules: ReadonlySet<string> = new Set([
  'FieldValueTypeInvalid',
  'FieldValueRequired',
  'FieldValueNotSupported',
  'FieldValueTooLong',
  'FieldValueTooMany',
])
const uncheckedRules = fieldErrors.invalid(
  '<nil>',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
)
const unknownFieldsMax = 100
const describesItself: JsonSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }

export function customType(schema: JsonSchema | undefined, options: { readonly name: string; readonly builtIn: SchemaSet }): CustomType {
  const { name, builtIn } = options
  const root = schema ?? describesItself
  let node: SchemaNode | undefined
  let validator: ValueValidator | undefined
  let rules: ReturnType<typeof compileRuleValidator>
  return {
    schema: root,
    get node() {
      return (node ??= new SchemaNode(mergeableSchema(root) as Schema, (other) => builtIn.lookup(other), name))
    },
    decode: (object) => decode(root, builtIn, object as KubeObject & JsonObject),
    applyDefaults: (object) => replaceFields(object, defaulted(root, object) as KubeObject),
    validate: (object, old) => {
      if (!validator) {
        validator = compileValidator(root)
        rules = compileRuleValidator(root)
      }
      const errors = [...validator(object, old), ...structuralErrors(root, object, old)]
      if (!rules) return errors
      return [...errors, ...(errors.some(({ reason }) => stopsRules.has(reason)) ? [uncheckedRules] : rules(object, old))]
    },
    fromStored: (object) => defaulted(root, pruned(root, object, { isResource: true })) as KubeObject,
  }
}

/** Takes over the top-level fields of a changed copy. */
function replaceFields(object: KubeObject, changed: KubeObject): void {
  if (changed === object) return
  const target = object as KubeObject & JsonObject
  const source = changed as KubeObject & JsonObject
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) delete target[key]
  for (const key of Object.keys(source)) set(target, key, source[key])
}

function decode(schema: JsonSchema, builtIn: SchemaSet, object: KubeObject & JsonObject): Decoded {
  const unknownFields: string[] = []
  const note = (path: string) => {
    if (unknownFields.length < unknownFieldsMax) unknownFields.push(path)
  }
  const metadata: unknown = object.metadata
  if (metadata === undefined || metadata === null) object.metadata = {}
  const errors = [decodeMetadata(builtIn, object.metadata, 'metadata', note)]
  replaceFields(object, pruned(schema, object, { isResource: true, note }) as KubeObject)
  errors.push(decodeEmbedded(schema, builtIn, object, { path: '', note }))
  return { error: errors.find((error) => error !== undefined), unknownFields, isPrunedLater: true }
}

function decodeMetadata(builtIn: SchemaSet, metadata: unknown, path: string, note: (path: string) => void): string | undefined {
  const { error, unknownFields } = builtIn.decode(objectMeta, metadata)
  for (const field of unknownFields) note(`${path}.${field}`)
  return error
}

/** Resources inside resources have metadata of the same type. */
function decodeEmbedded(
  schema: JsonSchema,
  builtIn: SchemaSet,
  value: unknown,
  place: { readonly path: string; readonly note: (path: string) => void },
): string | undefined {
  const { path, note } = place
  if (!leadsToEmbedded(schema)) return undefined
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) {
      const error = schema.items && decodeEmbedded(schema.items, builtIn, item, { path: `${path}[${i}]`, note })
      if (error !== undefined) return error
    }
    return undefined
  }
  if (!isObject(value)) return undefined
  if (path !== '' && schema['x-kubernetes-embedded-resource'] && value['metadata'] !== undefined) {
    if (value['metadata'] === null) delete value['metadata']
    else {
      const error = decodeMetadata(builtIn, value['metadata'], `${path}.metadata`, note)
      if (error !== undefined) return error
    }
  }
  for (const key in value) {
    const child = schemaOfField(schema, key)
    const error = child && decodeEmbedded(child, builtIn, value[key], { path: fieldPath(path, key), note })
    if (error !== undefined) return error
  }
  return undefined
}

const embedding = new WeakMap<JsonSchema, boolean>()

function leadsToEmbedded(schema: JsonSchema): boolean {
  const known = embedding.get(schema)
  if (known !== undefined) return known
  const children = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties]
  const found =
    schema['x-kubernetes-embedded-resource'] === true || children.some((child) => typeof child === 'object' && leadsToEmbedded(child))
  embedding.set(schema, found)
  return found
}
