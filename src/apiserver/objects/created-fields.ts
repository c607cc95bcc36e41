import type { KubeObject } from '../../machinery/object.ts'
import type { FieldSet } from '../../machinery/apply/field-set.ts'
import { fieldsOfText } from '../../machinery/apply/shared-fields.ts'
import { zeroOf } from '../../machinery/apply/typed-value.ts'
import { keyDefault } from '../../machinery/schema/key-default.ts'
import type { SchemaNode } from '../../machinery/schema/schema-node.ts'
import { ownedFields } from './sent-spec.ts'

/**
 * FieldsV1 of an object that is being created, written as text in one walk: what `updateManagedFields` gives for a create,
 * at a tenth of its cost (a create is the hottest write, and its manager owns simply everything).
 *
 * Objects made from one template own the same fields: the parsed form is shared between them, and its text is kept beside
 * it so that storing needs no second walk.
 */
export function createdFields(
  schema: SchemaNode | undefined,
  object: KubeObject,
  options: { readonly ignoresStatus: boolean },
): object | undefined {
  let before = ''
  let after = ''
  let spec: object | undefined
  const fields = object as KubeObject & Record<string, unknown>
  for (const key in fields) {
    if (key === 'kind' || key === 'apiVersion' || (options.ignoresStatus && key === 'status')) continue
    const value = fields[key]
    if (key === 'spec' && typeof value === 'object' && value !== null) {
      spec = value
      continue
    }
    const text = fieldText(schema, key, value, key === 'metadata' ? unownedMeta : undefined)
    if (spec) after = joined(after, text)
    else before = joined(before, text)
  }
  const make = () => fieldsOf(joined(joined(before, fieldText(schema, 'spec', spec, undefined)), after))
  return spec ? ownedFields(spec, schema, { beside: `${before}|${after}`, make }) : make()
}

function fieldsOf(text: string): object | undefined {
  const whole = `{${text}}`
  // The cast: what is written here is a field set.
  return text === '' ? undefined : fieldsOfText(whole, () => JSON.parse(whole) as FieldSet)
}

const unownedMeta: ReadonlySet<string> = new Set([
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
])
const joined = (text: string, more: string) => (text === '' ? more : more === '' ? text : `${text},${more}`)

/** One field of a container that is there anyway: empty when nothing of it is owned, because it is as if nothing had been set. */
function fieldText(node: SchemaNode | undefined, key: string, value: unknown, without: ReadonlySet<string> | undefined): string {
  if (value === undefined) return ''
  const child = node?.child(key)
  const zero = zeroOf(node, key)
  if (zero === value) return ''
  if (typeof zero !== 'object' || typeof value !== 'object' || value === null) return wholeField(child, key, value, without)
  if (Array.isArray(value)) return value.length === 0 ? '' : elementText(key) + ownedText(child, value).replace('{".":{},', '{')
  if (child?.isAtomic) return Object.keys(value).length === 0 ? '' : `${elementText(key)}{}`
  let text = ''
  for (const inner in value as Record<string, unknown>) {
    if (without?.has(inner)) continue
    text = joined(text, fieldText(child, inner, (value as Record<string, unknown>)[inner], undefined))
  }
  return text === '' ? '' : `${elementText(key)}{${text}}`
}

/** A field with all that is in it. */
function wholeField(child: SchemaNode | undefined, key: string, value: unknown, without: ReadonlySet<string> | undefined): string {
  if (!without) return elementText(key) + ownedText(child, value)
  const owned = Object.fromEntries(Object.entries(value as object).filter(([inner]) => !without.has(inner)))
  return Object.keys(owned).length === 0 ? '' : elementText(key) + ownedText(child, owned)
}

/** What a value that is owned itself has below it. */
function ownedText(node: SchemaNode | undefined, value: unknown): string {
  if (typeof value !== 'object' || value === null || node?.isAtomic) return '{}'
  if (Array.isArray(value)) return listText(node, value)
  if (node !== undefined && node.shape !== 'object' && node.shape !== 'map' && (node.shape !== 'any' || node.name !== undefined))
    return '{}'
  let text = ''
  const steps = node && stepsOf(node)
  for (const key in value as Record<string, unknown>) {
    const below = (value as Record<string, unknown>)[key]
    const step = steps?.get(key)
    if (step) text += typeof below !== 'object' ? step.scalarText : step.text + ownedText(step.node, below)
    else text += `,${elementText(key)}${ownedText(node?.child(key), below)}`
  }
  return text === '' ? '{}' : `{".":{}${text}}`
}

/** What a known field of a type contributes, worked out once. `scalarText`: all of it where the value is no object. */
type Step = { readonly node: SchemaNode; readonly text: string; readonly scalarText: string }

const stepsOfNodes = new WeakMap<SchemaNode, ReadonlyMap<string, Step>>()

function stepsOf(node: SchemaNode): ReadonlyMap<string, Step> {
  let steps = stepsOfNodes.get(node)
  if (!steps) {
    const made = new Map<string, Step>()
    for (const [field, child] of node.fields) {
      const text = `,${elementText(field)}`
      made.set(field, { node: child, text, scalarText: `${text}{}` })
    }
    stepsOfNodes.set(node, (steps = made))
  }
  return steps
}

function listText(node: SchemaNode | undefined, list: readonly unknown[]): string {
  const keys = node?.listKeys
  if (!keys || list.length === 0) return '{}'
  const items = new Map<string, string>()
  for (const item of list) {
    const key = keys.length === 0 ? valueKey(item) : itemKey(node, keys, item)
    if (key === undefined) return '{}'
    items.set(key, items.has(key) ? '{}' : ownedText(node.element, item))
  }
  let text = ''
  for (const [key, below] of items) text += `,${quoted(key)}:${below}`
  return `{".":{}${text}}`
}

function valueKey(item: unknown): string | undefined {
  return typeof item === 'object' ? undefined : `v:${JSON.stringify(item)}`
}

function itemKey(node: SchemaNode, keys: readonly string[], item: unknown): string | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return undefined
  let text = ''
  for (const key of keys.length > 1 ? [...keys].sort() : keys) {
    const value = (item as Record<string, unknown>)[key] ?? keyDefault(node.element, key)
    if (value !== undefined) text += `${text === '' ? '' : ','}${JSON.stringify(key)}:${JSON.stringify(value)}`
  }
  return text === '' ? undefined : `k:{${text}}`
}

const quotedKeys = new Map<string, string>()

/** The JSON of an item's key; containers and volumes of one workload have the same names over and over. */
function quoted(key: string): string {
  let text = quotedKeys.get(key)
  if (text === undefined) {
    text = JSON.stringify(key)
    if (quotedKeys.size >= 8_192) quotedKeys.clear()
    quotedKeys.set(key, text)
  }
  return text
}

const elements = new Map<string, string>()

/** `"f:NAME":`; field names are few and kept, up to a bound. */
function elementText(field: string): string {
  let text = elements.get(field)
  if (text === undefined) {
    text = `${JSON.stringify(`f:${field}`)}:`
    if (elements.size < 8_192) elements.set(field, text)
  }
  return text
}
