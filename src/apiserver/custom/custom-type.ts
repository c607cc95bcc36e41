import { describeFieldErrors, type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { Schema } from '../../machinery/schema/schema-node.ts'
import { SchemaNode } from '../../machinery/schema/schema-node.ts'
import type { Decoded, SchemaSet } from '../../machinery/schema/schema-set.ts'
import { defaulted, withoutNulls } from '../../machinery/structural/defaults.ts'
import { embeddedResourceErrors, leadsToEmbedded } from '../../machinery/structural/embedded-resources.ts'
import { fieldPath, isObject, type JsonObject, type JsonSchema, schemaOfField } from '../../machinery/structural/json-schema.ts'
import { listTypeErrors } from '../../machinery/structural/list-types.ts'
import { compileRuleValidator } from '../../machinery/structural/rules.ts'
import { pruned, set } from '../../machinery/structural/prune.ts'
import { compileValidator, type ValueValidator } from '../../machinery/structural/validate-value.ts'
import type { CelMetrics } from './cel-metrics.ts'
import { mergeableSchema, objectMeta } from './published-schema.ts'

/** The type of one version of a custom kind: what the built-in kinds' schemas do for them. Compiled on first use. */
export type CustomType = {
  readonly schema: JsonSchema
  /** For server-side apply and managed fields. */
  readonly node: SchemaNode
  /** Checks metadata, drops unknown fields, and nulls where none may be. Changes the object, which is the caller's own. */
  decode(object: KubeObject, options?: { readonly keepsNulls: boolean }): Decoded
  applyDefaults(object: KubeObject): void
  /** With `old`, what the update leaves as it was is not judged. `more` is what else is wrong with the object. */
  validate(object: KubeObject, old?: KubeObject, more?: readonly FieldError[]): FieldError[]
  /** Judges the status, and all rules, which may read it. */
  validateStatus(object: KubeObject, old: KubeObject, more?: readonly FieldError[]): FieldError[]
  /** A converted object without the fields that this version does not know. Nothing is filled in, as upstream. */
  withoutUnknown(object: KubeObject): KubeObject
  /** What rules say of values that the last `validate` of the object found as they had been. */
  warnings(object: KubeObject): readonly string[]
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

type CustomTypeOptions = { readonly name: string; readonly builtIn: SchemaSet; readonly cel: CelMetrics }

export function customType(schema: JsonSchema | undefined, options: CustomTypeOptions): CustomType {
  const { name, builtIn, cel } = options
  const root = schema ?? describesItself
  let node: SchemaNode | undefined
  let compiled: Compiled | undefined
  const rulesAfter = (errors: readonly FieldError[], object: KubeObject, old?: KubeObject): readonly FieldError[] => {
    const { rules } = (compiled ??= compile(root, cel))
    if (!rules) return []
    if (errors.some(({ reason }) => stopsRules.has(reason))) return [uncheckedRules]
    const result = cel.evaluating(() => rules(object, old))
    if (result.ratcheted.length > 0) ratcheted.set(object, result.ratcheted)
    return result.errors
  }
  const ratcheted = new WeakMap<KubeObject, readonly FieldError[]>()
  return {
    schema: root,
    get node() {
      return (node ??= new SchemaNode(mergeableSchema(root) as Schema, (other) => builtIn.lookup(other), name))
    },
    decode: (object, options) => decode(root, builtIn, object as KubeObject & JsonObject, options),
    applyDefaults: (object) => replaceFields(object, defaulted(root, object) as KubeObject),
    validate: (object, old, more = []) => {
      const { values } = (compiled ??= compile(root, cel))
      const errors = [...values(object, old), ...more, ...embeddedResourceErrors(root, object), ...duplicates(root, object, old)]
      return [...errors, ...rulesAfter(errors, object, old)]
    },
    validateStatus: (object, old, more = []) => {
      const { status } = (compiled ??= compile(root, cel))
      const statusOf = (one: KubeObject) => (one as { status?: unknown }).status
      const ofStatus = status?.(statusOf(object), statusOf(old)).map(({ field, ...error }) => ({
        ...error,
        field: field === '<nil>' ? 'status' : `status.${field}`,
      }))
      const errors = [...(ofStatus ?? []), ...more, ...duplicates(root, object, old)]
      return [...errors, ...rulesAfter(errors, object, old)]
    },
    withoutUnknown: (object) => pruned(root, object, { isResource: true }) as KubeObject,
    warnings: (object) => (ratcheted.get(object) ?? []).map((error) => describeFieldErrors([error])),
    fromStored: (object) => defaulted(root, withoutNulls(root, pruned(root, object, { isResource: true }))) as KubeObject,
  }
}

type Compiled = {
  readonly values: ValueValidator
  readonly status: ValueValidator | undefined
  readonly rules: ReturnType<typeof compileRuleValidator>
}

function compile(schema: JsonSchema, cel: CelMetrics): Compiled {
  const status = schema.properties?.['status']
  return {
    values: compileValidator(schema),
    status: status && compileValidator(status),
    rules: cel.compiling(() => compileRuleValidator(schema)),
  }
}

/** Lists that are sets or maps are judged where the old object had none with an item twice. */
function duplicates(schema: JsonSchema, object: KubeObject, old: KubeObject | undefined): FieldError[] {
  const errors = listTypeErrors(schema, object)
  return errors.length > 0 && old && listTypeErrors(schema, old).length > 0 ? [] : errors
}

/** Takes over the top-level fields of a changed copy. */
function replaceFields(object: KubeObject, changed: KubeObject): void {
  if (changed === object) return
  const target = object as KubeObject & JsonObject
  const source = changed as KubeObject & JsonObject
  for (const key of Object.keys(target)) if (!Object.hasOwn(source, key)) delete target[key]
  for (const key of Object.keys(source)) set(target, key, source[key])
}

/** Unknown fields are told in three parts: of the metadata, of what the schema describes, and of metadata inside. */
function decode(schema: JsonSchema, builtIn: SchemaSet, object: KubeObject & JsonObject, { keepsNulls } = { keepsNulls: false }): Decoded {
  const unknownFields: string[] = []
  const metadata: unknown = object.metadata
  if (metadata === undefined || metadata === null) object.metadata = {}
  let error = decodeMetadata(builtIn, object.metadata, 'metadata', (path) => unknownFields.push(path))
  const pruning: string[] = []
  const kept = pruned(schema, object, { isResource: true, note: (path) => pruning.push(path) })
  replaceFields(object, (keepsNulls ? kept : withoutNulls(schema, kept)) as KubeObject)
  const inside: string[] = []
  error ??= decodeEmbedded(schema, builtIn, object, { path: '', note: (path) => inside.push(path) })
  unknownFields.push(...pruning.sort(), ...inside.sort())
  return { error, unknownFields: unknownFields.slice(0, unknownFieldsMax), isPrunedLater: true }
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
  if (path !== '' && schema['x-kubernetes-embedded-resource']) {
    const error = decodeResource(builtIn, value, path, note)
    if (error !== undefined) return error
  }
  for (const key in value) {
    const child = schemaOfField(schema, key)
    const error = child && decodeEmbedded(child, builtIn, value[key], { path: fieldPath(path, key), note })
    if (error !== undefined) return error
  }
  return undefined
}

function decodeResource(builtIn: SchemaSet, resource: JsonObject, path: string, note: (path: string) => void): string | undefined {
  const invalid = (field: string, value: unknown, why: string) => describeFieldErrors([fieldErrors.invalid(`${path}.${field}`, value, why)])
  for (const field of ['apiVersion', 'kind'] as const)
    if (Object.hasOwn(resource, field) && typeof resource[field] !== 'string') return invalid(field, resource[field], 'must be a string')
  if (!Object.hasOwn(resource, 'metadata')) return undefined
  const given = resource['metadata']
  if (given === null) resource['metadata'] = {}
  const why = decodeMetadata(builtIn, resource['metadata'], `${path}.metadata`, note)
  return why === undefined ? undefined : invalid('metadata', given, why)
}
