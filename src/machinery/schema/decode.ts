import { QuantityError, writtenQuantity } from '../quantity.ts'
import { cannotUnmarshal, type FieldPath, formatPath } from './go-errors.ts'
import { canonicalTime, type TimePrecision } from './go-time.ts'
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
  readonly root: SchemaNode
  definition: string
  readonly report: DecodeReport
  readonly errors: TypeFault[]
  hasEnded: boolean
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
  const walk: Walk = {
    path: [],
    root: node,
    definition: node.name ?? '',
    report: { error: undefined, unknownFields: [] },
    errors: [],
    hasEnded: false,
    decoded,
  }
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
        typeof value === 'string' || (Number.isInteger(value) && isInt32(value as number)) ? value : selfReadFault(node, value, walk)
    case 'time':
      return timeDecoder(node, 'seconds')
    case 'microTime':
      return timeDecoder(node, 'micros')
    case 'bytes':
      return bytesDecoder(node)
    case 'any':
      return node.choice ? choiceDecoder(node.choice) : (value) => value
  }
}

/** Optional lists and maps that are empty vanish, as Go's omitempty makes them, and those of which an empty one is written as null. */
type FieldPlan = {
  readonly node: SchemaNode
  readonly dropsEmpty: boolean
  /** Written as null where there is nothing: null stays, and an empty list becomes it. */
  readonly isNulled: boolean
  /** As that: of a scalar that Go does not tell from an absent one. */
  readonly dropsZero: boolean
  readonly zero: unknown
  /** What `typeof` says of a value that is right as it is: most fields then need neither a decoder nor a place for its errors. */
  readonly scalar: string | undefined
  decoder: Decoder | undefined
}

function scalarOf({ shape }: SchemaNode): string | undefined {
  return shape === 'string' || shape === 'boolean' || shape === 'number' ? shape : undefined
}

function zeroOf({ shape }: SchemaNode): unknown {
  return shape === 'boolean' ? false : shape === 'number' || shape === 'integer' ? 0 : ''
}

function objectDecoder(node: SchemaNode): Decoder {
  const plans = new Map<string, FieldPlan>()
  for (const [field, child] of node.fields) {
    const isNulled = node.zeros?.[field] === null
    const dropsEmpty = (child.shape === 'list' || child.shape === 'map') && (isNulled || !node.required.includes(field))
    const dropsZero = node.omittedZeros.includes(field)
    plans.set(field, { node: child, dropsEmpty, isNulled, dropsZero, zero: zeroOf(child), scalar: scalarOf(child), decoder: undefined })
  }
  const definition = node.name
  const keepsUnknown = node.preservesUnknown
  return (value, walk) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return fault(node, value, walk)
    if (walk.decoded.has(value)) return value
    const object = value as Record<string, unknown>
    const outer = walk.definition
    if (definition !== undefined) walk.definition = definition
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
      if (!field && plan.dropsZero && field === plan.zero) {
        delete object[key]
        continue
      }
      if (typeof field === plan.scalar) continue
      if (field === null || (plan.dropsEmpty && isEmpty(field, plan.node.shape))) {
        if (!plan.isNulled) delete object[key]
        else if (field !== null) object[key] = null
        continue
      }
      plan.decoder ??= decoderOf(plan.node)
      walk.path.push(key)
      const decoded = plan.decoder(field, walk)
      walk.path.pop()
      if (decoded !== field) object[key] = decoded
    }
    walk.definition = outer
    return object
  }
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
    const inner: Walk = {
      ...walk,
      path: [],
      root: node,
      definition: node.name ?? '',
      report: { error: undefined, unknownFields: [] },
      errors: [],
    }
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
    if (error instanceof QuantityError) return refuseSelfRead(value, error.message, walk)
    throw error
  }
}

/** Most times are as they are written: those need no reading. A 29th and what follows it may not be there. */
const plainTimes = { seconds: plainTime(''), micros: plainTime('\\.\\d{6}') } as const

function plainTime(decimals: string): RegExp {
  return new RegExp(`^[1-9]\\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\\d|2[0-8])T(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d${decimals}Z$`)
}

function timeDecoder(node: SchemaNode, precision: TimePrecision): Decoder {
  const plain = plainTimes[precision]
  return (value, walk) => {
    if (typeof value !== 'string') return selfReadFault(node, value, walk)
    if (plain.test(value)) return value
    const read = canonicalTime(value, precision)
    return 'error' in read ? refuseSelfRead(value, read.error, walk) : read.time
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
  return refuse(value, cannotUnmarshal(value, walk, node), walk, node)
}

function refuse(value: unknown, message: string, { path, report, errors }: Walk, node?: SchemaNode): unknown {
  report.error ??= message
  errors.push({ path: formatPath(path), value, message, node })
  return value
}

function selfReadFault(node: SchemaNode, value: unknown, walk: Walk): unknown {
  if (!walk.hasEnded) walk.report.error = undefined
  walk.hasEnded = true
  return fault(node, value, walk)
}

/** A type of upstream's that reads itself: what it minds ends the reading there, and is told before what was found of other types. */
function refuseSelfRead(value: unknown, message: string, walk: Walk): unknown {
  if (!walk.hasEnded) walk.report.error = message
  walk.hasEnded = true
  return refuse(value, message, walk)
}
