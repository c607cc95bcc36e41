import { deepClone } from '../../machinery/deep-clone.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { SchemaNode } from '../../machinery/schema/schema-node.ts'
import type { SchemaSet } from '../../machinery/schema/schema-set.ts'
import { type DecodeOptions, decodeFields } from './object-decoding.ts'

/**
 * The pods of one workload are sent with equal specs. What decoding and defaults make of such a spec is kept by its JSON as it was sent, with
 * its owned fields, so that the next pod needs none of these.
 *  1. What is kept never changes: every object gets a copy of its own.
 *  2. A copy counts as known until admission gets it; after that nobody asks.
 *  3. At most twice `generationMax` specs are kept, each with a JSON of at most `textMax` characters.
 */
const generationMax = 128
const textMax = 16_384
/** Of one spec, by the other fields of the objects that have it. */
const besideMax = 32

type HasSpec = KubeObject & { spec?: unknown }
type SentSpec = {
  readonly filled: object
  owned: { readonly schema: SchemaNode | undefined; readonly fields: Map<string, object | undefined> } | undefined
}

let recent = new Map<string, SentSpec>()
let former = new Map<string, SentSpec>()
const known = new WeakMap<object, SentSpec>()
/** As they were sent: specs that defaults have yet to fill. */
const sentTexts = new WeakMap<object, string>()

/** As `decodeFields`; a spec that was sent before comes out decoded and filled with its defaults. */
export function decodeSent(schemas: SchemaSet, object: HasSpec, options: DecodeOptions): void {
  const { spec } = object
  const text = options.expected.sharesSpec && typeof spec === 'object' && spec !== null ? JSON.stringify(spec) : ''
  const before = text === '' ? undefined : lookUp(text)
  if (before) {
    const copy = deepClone(before.filled)
    known.set(copy, before)
    object.spec = copy
    decodeFields(schemas, object, { ...options, decoded: new Set([copy]) })
    return
  }
  const isWhole = decodeFields(schemas, object, options)
  if (isWhole && text !== '' && text.length <= textMax) sentTexts.set(object.spec as object, text)
}

/** Whether the spec has its defaults already. */
export const isFilledSpec = ({ spec }: HasSpec): boolean => known.has(spec as object)

/** Keeps what decoding and defaults made of a spec, for the next that is sent alike. */
export function keepFilledSpec({ spec }: HasSpec): void {
  const text = sentTexts.get(spec as object)
  if (text === undefined) return
  sentTexts.delete(spec as object)
  const sent: SentSpec = { filled: deepClone(spec as object), owned: undefined }
  known.set(spec as object, sent)
  remember(text, sent)
}

/**
 * The owned fields of an object whose spec admission has not seen yet, made once for all that were sent alike. `beside`: what tells the
 * fields of the rest of it.
 */
export function ownedFields(
  spec: object,
  schema: SchemaNode | undefined,
  { beside, make }: { readonly beside: string; readonly make: () => object | undefined },
): object | undefined {
  const sent = known.get(spec)
  if (!sent) return make()
  if (sent.owned?.schema !== schema || !sent.owned || sent.owned.fields.size >= besideMax) sent.owned = { schema, fields: new Map() }
  const { fields } = sent.owned
  let owned = fields.get(beside)
  if (!owned) fields.set(beside, (owned = make()))
  return owned
}

function lookUp(text: string): SentSpec | undefined {
  const found = recent.get(text)
  if (found) return found
  const older = former.get(text)
  if (older) remember(text, older)
  return older
}

function remember(text: string, sent: SentSpec): void {
  recent.set(text, sent)
  if (recent.size < generationMax) return
  former = recent
  recent = new Map()
}
