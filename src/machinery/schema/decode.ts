import { QuantityError, writtenQuantity } from '../quantity.ts'
import { cannotParseTime, cannotUnmarshal, type FieldPath, formatPath, structName } from './go-errors.ts'
import type { SchemaNode } from './schema-node.ts'

/**
 * What upstream's server does to a body by decoding it into a Go struct and writing it again, done on the JSON value itself:
 * types are checked, unknown fields and nulls dropped, empty optional lists and maps and meaningless zeros dropped, quantities and times brought
 * into canonical form.
 *
 * Invariants:
 * 1. Decoding a decoded value changes nothing.
 * 2. The value is changed in place; it must be the caller's own (a parsed body).
 * 3. Walkers are compiled per type on first use: 2–4 µs for a usual Pod.
 */

/** What was found while decoding. Only the first error counts, as in Go; unknown fields are listed up to a bound. */
export type DecodeReport = { error: string | undefined; readonly unknownFields: string[] }

type Walk = {
  readonly path: FieldPath[number][]
  struct: string
  readonly report: DecodeReport
  readonly errors: TypeFault[]
  readonly decoded: ReadonlySet<unknown>
}
/** A type error with its place, for callers that answer 422 instead of 400. */
export type TypeFault = { readonly path: string; readonly value: unknown; readonly message: string; readonly node: SchemaNode | undefined }
type Decoder = (value: unknown, walk: Walk) => unknown

const unknownFieldsMax = 100
const decoders = new WeakMap<SchemaNode, Decoder>()

const nothing: ReadonlySet<unknown> = new Set()

/**
 * Decodes in place and returns the value, which is another one only where the root itself changes. The objects and lists in
 * `decoded` are known to be in decoded form and passed over.
 */
export function decodeValue(
  node: SchemaNode,
  value: unknown,
  decoded = nothing,
): { value: unknown; report: DecodeReport; faults: readonly TypeFault[] } {
  const walk: Walk = { path: [], struct: structName(node), report: { error: undefined, unknownFields: [] }, errors: [], decoded }
  const result = decoderOf(node)(value, walk)
  return { value: result, report: walk.report, faults: walk.errors }
}

/** As `decodeValue`, with the first fault alone. */
export function decodeReport(
  node: SchemaNode,
  value: unknown,
  decoded = nothing,
): DecodeReport & { readonly fault: TypeFault | undefined } {
  const { report, faults } = decodeValue(node, value, decoded)
  return { ...report, fault: faults[0] }
}

function decoderOf(node: SchemaNode): Decoder {
  let decoder = decoders.get(node)
  if (!decoder) {
    decoder = compile(node)
    decoders.set(node, decoder)
  }
  return decoder
}

function compile(node: SchemaNode): Decoder {
  switch (node.shape) {
    case 'object':
      return objectDecoder(node)
    case 'map':
      return mapDecoder(node)
    case 'list':
      return listDecoder(node)
    case 'string':
      return scalarDecoder(node, 'string')
    case 'boolean':
      return scalarDecoder(node, 'boolean')
    case 'number':
      return scalarDecoder(node, 'number')
    case 'integer':
      return integerDecoder(node)
    case 'quantity':
      return decodeQuantity
    case 'intOrString':
      return (value, walk) =>
        typeof value === 'string' || (Number.isInteger(value) && isInt32(value as number)) ? value : fault(node, value, walk)
    case 'time':
      return timeDecoder(node, 19)
    case 'microTime':
      return timeDecoder(node, 26)
    case 'bytes':
      return bytesDecoder(node)
    case 'any':
      return node.choice ? choiceDecoder(node.choice) : (value) => value
  }
}

/** Optional lists and maps that are empty vanish, as Go's omitempty makes them. */
type FieldPlan = {
  readonly node: SchemaNode
  readonly dropsEmpty: boolean
  /** As that: of a scalar that Go does not tell from an absent one. */
  readonly dropsZero: boolean
  /** What `typeof` says of a value that is right as it is: most fields then need neither a decoder nor a place for its errors. */
  readonly scalar: string | undefined
  decoder: Decoder | undefined
}

function scalarOf({ shape }: SchemaNode): string | undefined {
  return shape === 'string' || shape === 'boolean' || shape === 'number' ? shape : undefined
}

function objectDecoder(node: SchemaNode): Decoder {
  const plans = new Map<string, FieldPlan>()
  for (const [field, child] of node.fields) {
    const dropsEmpty = (child.shape === 'list' || child.shape === 'map') && !node.required.includes(field)
    const dropsZero = node.omittedZeros.includes(field)
    plans.set(field, { node: child, dropsEmpty, dropsZero, scalar: scalarOf(child), decoder: undefined })
  }
  const struct = structName(node)
  const keepsUnknown = node.preservesUnknown
  return (value, walk) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault(node, value, walk)
    if (walk.decoded.has(value)) return value
    const object = value as Record<string, unknown>
    const outer = walk.struct
    if (struct !== '') walk.struct = struct
    // Not `for … in`: what V8 makes of it gives up at a name that it has not seen, is made again and learns nothing, many times a second.
    for (const key of Object.keys(object)) {
      const field = object[key]
      const plan = plans.get(key)
      if (plan === undefined) {
        if (keepsUnknown) continue
        noteUnknown(key, walk)
        delete object[key]
        continue
      }
      if (!field && plan.dropsZero && isZero(field)) {
        delete object[key]
        continue
      }
      if (typeof field === plan.scalar) continue
      if (field === null || (plan.dropsEmpty && isEmpty(field, plan.node.shape))) {
        delete object[key]
        continue
      }
      plan.decoder ??= decoderOf(plan.node)
      walk.path.push(key)
      const decoded = plan.decoder(field, walk)
      walk.path.pop()
      if (decoded !== field) object[key] = decoded
    }
    walk.struct = outer
    return object
  }
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false
}

function mapDecoder(node: SchemaNode): Decoder {
  const element = node.element!
  const scalar = scalarOf(element)
  let decoder: Decoder | undefined
  return (value, walk) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault(node, value, walk)
    if (walk.decoded.has(value)) return value
    decoder ??= decoderOf(element)
    const map = value as Record<string, unknown>
    for (const key of Object.keys(map)) {
      const field = map[key]
      if (typeof field === scalar) continue
      walk.path.push({ key })
      const decoded = field === null ? zeroValue(element) : decoder(field, walk)
      walk.path.pop()
      if (decoded !== field) map[key] = decoded
    }
    return map
  }
}

function listDecoder(node: SchemaNode): Decoder {
  const element = node.element!
  const scalar = scalarOf(element)
  let decoder: Decoder | undefined
  return (value, walk) => {
    if (!Array.isArray(value)) return fault(node, value, walk)
    if (walk.decoded.has(value)) return value
    decoder ??= decoderOf(element)
    for (let i = 0; i < value.length; i++) {
      const item: unknown = value[i]
      if (typeof item === scalar) continue
      walk.path.push(i)
      const decoded = item === null ? zeroValue(element) : decoder(item, walk)
      walk.path.pop()
      if (decoded !== item) value[i] = decoded
    }
    return value
  }
}

/**
 * Objects, alone or in a list, that upstream's types read by themselves: nobody hears of their unknown fields, and errors name
 * fields from there on. Everything else is left to validation.
 */
function choiceDecoder(node: SchemaNode): Decoder {
  let decoder: Decoder | undefined
  const decodeObject = (value: unknown, walk: Walk): void => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return
    decoder ??= decoderOf(node)
    const inner: Walk = { ...walk, path: [], struct: structName(node), report: { error: undefined, unknownFields: [] }, errors: [] }
    decoder(value, inner)
    walk.report.error ??= inner.report.error
    for (const error of inner.errors) walk.errors.push({ ...error, path: `${formatPath(walk.path)}.${error.path}` })
  }
  return (value, walk) => {
    if (Array.isArray(value)) for (const item of value) decodeObject(item, walk)
    else decodeObject(value, walk)
    return value
  }
}

function scalarDecoder(node: SchemaNode, type: 'string' | 'boolean' | 'number'): Decoder {
  // oxlint-disable-next-line valid-typeof -- `type` is one of typeof's words by its own type
  return (value, walk) => (typeof value === type ? value : fault(node, value, walk))
}

function integerDecoder(node: SchemaNode): Decoder {
  const isIn32Bits = node.format !== 'int64'
  return (value, walk) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return fault(node, value, walk)
    if (isIn32Bits ? !isInt32(value) : Math.abs(value) > 2 ** 63) return fault(node, value, walk)
    return value
  }
}

function decodeQuantity(value: unknown, walk: Walk): unknown {
  try {
    return writtenQuantity(typeof value === 'string' ? value.trim() : typeof value === 'number' ? value : '')
  } catch (error) {
    if (error instanceof QuantityError) return refuse(value, error.message, walk)
    throw error
  }
}

const timePattern = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/

/** `length` is how many characters of `YYYY-MM-DDTHH:MM:SS.ffffff` the canonical form keeps. */
function timeDecoder(node: SchemaNode, length: 19 | 26): Decoder {
  return (value, walk) => {
    if (typeof value !== 'string') return fault(node, value, walk)
    const match = timePattern.exec(value)
    const ms = match ? Date.parse(value) : Number.NaN
    if (!match || Number.isNaN(ms)) return refuse(value, cannotParseTime(value, length === 26), walk)
    const [, seconds, fraction = '', zone] = match
    const utcSeconds = zone === 'Z' ? seconds! : new Date(ms).toISOString().slice(0, 19)
    const canonical = length === 19 ? `${utcSeconds}Z` : `${utcSeconds}.${fraction.slice(1, 7).padEnd(6, '0')}Z`
    return canonical === value ? value : canonical
  }
}

function bytesDecoder(node: SchemaNode): Decoder {
  return (value, walk) => {
    if (typeof value !== 'string') return fault(node, value, walk)
    const text = value.replace(/[\r\n]/g, '')
    const bad = text.search(/[^A-Za-z0-9+/]/)
    const padding = bad < 0 ? '' : text.slice(bad)
    if ((padding !== '' && padding !== '=' && padding !== '==') || text.length % 4 !== 0)
      return refuse(value, `illegal base64 data at input byte ${bad < 0 ? text.length - (text.length % 4) : bad}`, walk)
    return text
  }
}

/** Go leaves a null item of a list or map at its type's zero. */
function zeroValue(node: SchemaNode): unknown {
  switch (node.shape) {
    case 'object':
      return {}
    case 'map':
    case 'list':
    case 'any':
    case 'time':
    case 'microTime':
      return null
    case 'integer':
    case 'number':
    case 'intOrString':
      return 0
    case 'boolean':
      return false
    case 'quantity':
      return '0'
    case 'string':
    case 'bytes':
      return ''
  }
}

function isEmpty(value: unknown, shape: 'list' | 'map' | SchemaNode['shape']): boolean {
  if (shape === 'list') return Array.isArray(value) && value.length === 0
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  for (const _ in value) return false
  return true
}

function isInt32(value: number): boolean {
  return value >= -2147483648 && value <= 2147483647
}

function noteUnknown(key: string, { path, report }: Walk): void {
  if (report.unknownFields.length < unknownFieldsMax) report.unknownFields.push(formatPath([...path, key]))
}

function fault(node: SchemaNode, value: unknown, walk: Walk): unknown {
  return refuse(value, cannotUnmarshal(value, walk.struct, walk.path, node), walk, node)
}

function refuse(value: unknown, message: string, { path, report, errors }: Walk, node?: SchemaNode): unknown {
  report.error ??= message
  errors.push({ path: formatPath(path), value, message, node })
  return value
}
