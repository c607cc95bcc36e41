import { ProtobufError, ProtobufReader, ProtobufWriter, wireTypes } from './protobuf-buffer.ts'
import { fieldsOfMessage, hasMessage } from './release-fields.ts'
import type { OmittedZeros } from '../schema/zero-values.ts'
import { hasMagic, type SpecialMessage, specialMessages } from './special-messages.ts'

/**
 * The API's protobuf form: `k8s\0`, then runtime.Unknown around the object
 * (https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding). Codecs are compiled a message on first
 * use from generated/protobuf.json.
 *
 * Invariants:
 * 1. What upstream's encoder writes is read and written again byte for byte (maps in the order of their keys, fields in the
 *    order of their numbers), but for zero values that Go writes and JSON leaves out.
 * 2. Decoding is bounded by the bytes given: nesting at most 100 deep, every length checked.
 */

/** message → field → [number, type], types as in .proto files; a leading dot marks a full name. */
export type ProtobufFacts = Readonly<Record<string, Readonly<Record<string, readonly [number, string]>>>>

export type ObjectType = { readonly apiVersion: string; readonly kind: string }

export type ProtobufCodec = {
  /** Whether objects of this version and kind have a protobuf form. */
  supports(apiVersion: string, kind: string): boolean
  /** An enveloped object to its JSON form, `kind` and `apiVersion` first; `expected` is what it is if it does not say. Throws ProtobufError. */
  decode(bytes: Uint8Array, expected?: ObjectType): Record<string, unknown>
  /** The envelope of an object; undefined for kinds without a protobuf form. Throws ProtobufError for values of a wrong type. */
  encode(object: Readonly<Record<string, unknown>>): Buffer | undefined
  /** The message of an object without its envelope, as an item of a list. */
  encodeBare(object: Readonly<Record<string, unknown>>): Buffer | undefined
  /** The envelope of a list, in pieces: `list` is given without its items, `items` are bare. */
  wrapList(list: Readonly<Record<string, unknown>>, items: readonly Uint8Array[]): Uint8Array[] | undefined
}

const depthMax = 100
const magic = Buffer.from('k8s\0')

type Json = Record<string, unknown>
type Scalar = 'string' | 'bytes' | 'bool' | 'int32' | 'int64' | 'double'
type FieldType = { readonly kind: 'scalar'; readonly scalar: Scalar } | { readonly kind: 'message'; readonly message: () => Message }
type Field = {
  readonly number: number
  /** The name in JSON. */
  readonly name: string
  readonly type: FieldType
  readonly form: 'one' | 'repeated' | 'map'
  /** The message's fields stand among those of its parent in JSON. */
  readonly isInline: boolean
  /** Go writes its zero where nothing is set, and JSON leaves it out; of every other field the zero means something. */
  readonly dropsZero: boolean
}
type Message = {
  readonly fields: readonly Field[]
  readonly byNumber: ReadonlyMap<number, Field>
  readonly special: SpecialMessage | undefined
}

/** Fields whose message JSON writes in place: `Message.field`. */
const inlineFields = new Set([
  'NamedRuleWithOperations.ruleWithOperations',
  'RuleWithOperations.rule',
  'ConfigMapEnvSource.localObjectReference',
  'ConfigMapKeySelector.localObjectReference',
  'ConfigMapProjection.localObjectReference',
  'ConfigMapVolumeSource.localObjectReference',
  'SecretEnvSource.localObjectReference',
  'SecretKeySelector.localObjectReference',
  'SecretProjection.localObjectReference',
  'EphemeralContainer.ephemeralContainerCommon',
  'PersistentVolumeSpec.persistentVolumeSource',
  'Probe.handler',
  'Volume.volumeSource',
  'IngressRule.ingressRuleValue',
  'DeviceAllocationConfiguration.deviceConfiguration',
  'DeviceClaimConfiguration.deviceConfiguration',
  'DeviceClassConfiguration.deviceConfiguration',
])

/** Fields whose JSON name follows no rule. */
const jsonNames: Readonly<Record<string, string>> = {
  uID: 'uid',
  aPIGroup: 'apiGroup',
  Webhooks: 'webhooks',
  Expression: 'expression',
  'Variable.Name': 'name',
  'JSONSchemaProps.schema': '$schema',
  'JSONSchemaProps.ref': '$ref',
}

/** Where a group's messages live when its name does not say so. */
const packages: Readonly<Record<string, string>> = {
  '': 'k8s.io.api.core',
  'internal.apiserver.k8s.io': 'k8s.io.api.apiserverinternal',
  'apiextensions.k8s.io': 'k8s.io.apiextensions_apiserver.pkg.apis.apiextensions',
  'apiregistration.k8s.io': 'k8s.io.kube_aggregator.pkg.apis.apiregistration',
  'meta.k8s.io': 'k8s.io.apimachinery.pkg.apis.meta',
}
const metaPackage = 'k8s.io.apimachinery.pkg.apis.meta.v1'

/** `omittedZeros`: by definition the fields that JSON leaves out where they hold nothing; default: none is known, and decoding keeps all zeros. */
export function createProtobufCodec(facts: ProtobufFacts, omittedZeros: OmittedZeros = {}): ProtobufCodec {
  const messages = new Map<string, Message>()
  const codec: ProtobufCodec = {
    supports: (apiVersion, kind) => messageName(facts, apiVersion, kind) !== undefined,
    decode: (bytes, expected) => decodeEnvelope(bytes, { lookup, facts, expected }),
    encode: (object) => encodeEnvelope(object, lookup, facts),
    encodeBare: (object) => encodeBare(object, lookup, facts),
    wrapList: (list, items) => wrapList(list, items, encodeBare(list, lookup, facts)),
  }
  const specials = specialMessages(codec)
  function lookup(name: string): Message {
    let message = messages.get(name)
    if (!message) {
      message = compile(name, facts, { specials, lookup, omittedZeros })
      messages.set(name, message)
    }
    return message
  }
  return codec
}

function messageName(facts: ProtobufFacts, apiVersion: string, kind: string): string | undefined {
  const slash = apiVersion.indexOf('/')
  const group = slash < 0 ? '' : apiVersion.slice(0, slash)
  const version = apiVersion.slice(slash + 1)
  const home = packages[group] ?? `k8s.io.api.${group.split('.')[0]}`
  const name = `${home}.${version}.${kind}`
  if (hasMessage(facts, name)) return name
  // Status, DeleteOptions, tables and the like are spoken of in every group.
  const meta = `${metaPackage}.${kind}`
  return hasMessage(facts, meta) ? meta : undefined
}

type Compilation = {
  readonly specials: Readonly<Record<string, SpecialMessage>>
  readonly lookup: (name: string) => Message
  readonly omittedZeros: OmittedZeros
}

function compile(name: string, facts: ProtobufFacts, { specials, lookup, omittedZeros }: Compilation): Message {
  const omitted = omittedZeros[definitionOf(name)] ?? []
  const short = name.slice(name.lastIndexOf('.') + 1)
  const special = specials[short] ?? schemaChoices(short, name, lookup)
  const fields = Object.entries(fieldsOfMessage(facts, name)).map(([field, [number, type]]): Field => {
    const map = /^map<string,(.*)>$/.exec(type)
    const isRepeated = type.startsWith('repeated ')
    const base = map ? map[1]! : isRepeated ? type.slice('repeated '.length) : type
    const inJson = jsonName(short, field)
    return {
      number,
      name: inJson,
      dropsZero: omitted.includes(inJson),
      type: fieldType(base, name, lookup),
      form: map ? 'map' : isRepeated ? 'repeated' : 'one',
      isInline: inlineFields.has(`${short}.${field}`),
    }
  })
  fields.sort((a, b) => a.number - b.number)
  return { fields, byNumber: new Map(fields.map((f) => [f.number, f])), special }
}

/** `k8s.io.api.core.v1.Pod` → `io.k8s.api.core.v1.Pod`: how OpenAPI calls what a message is. */
const definitionOf = (message: string) => message.replace(/^k8s\.io\./, 'io.k8s.').replace('_', '-')

function fieldType(type: string, owner: string, lookup: (name: string) => Message): FieldType {
  if (/^(?:string|bytes|bool|int32|int64|double)$/.test(type)) return { kind: 'scalar', scalar: type as Scalar }
  const name = type.startsWith('.') ? type.slice(1) : `${owner.slice(0, owner.lastIndexOf('.'))}.${type}`
  let message: Message | undefined
  return { kind: 'message', message: () => (message ??= lookup(name)) }
}

function jsonName(message: string, field: string): string {
  const known = jsonNames[`${message}.${field}`] ?? jsonNames[field]
  if (known !== undefined) return known
  return field.startsWith('xKubernetes') ? field.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`) : field
}

type Decoding = {
  readonly lookup: (name: string) => Message
  readonly facts: ProtobufFacts
  readonly expected: ObjectType | undefined
}

function decodeEnvelope(bytes: Uint8Array, { lookup, facts, expected }: Decoding): Json {
  if (bytes.length === 0) throw new ProtobufError('empty data')
  if (!hasMagic(bytes)) throw new ProtobufError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]')
  if (bytes.length === magic.length) throw new ProtobufError('empty body')
  const reader = new ProtobufReader(bytes.subarray(4))
  let apiVersion = ''
  let kind = ''
  let raw: Buffer = Buffer.alloc(0)
  while (!reader.isDone) {
    const tag = reader.length()
    if (tag === 0x0a) {
      const meta = new ProtobufReader(reader.bytes())
      while (!meta.isDone) {
        const inner = meta.length()
        if (inner === 0x0a) apiVersion = meta.text()
        else if (inner === 0x12) kind = meta.text()
        else meta.skip(inner % 8)
      }
    } else if (tag === 0x12) raw = reader.bytes()
    else reader.skip(tag % 8)
  }
  apiVersion ||= expected?.apiVersion ?? ''
  kind ||= expected?.kind ?? ''
  const name = messageName(facts, apiVersion, kind)
  if (name === undefined) throw new ProtobufError(`no kind "${kind}" is registered for version "${apiVersion}"`)
  return { kind, apiVersion, ...(decodeMessage(lookup(name), new ProtobufReader(raw), 0) as Json) }
}

function decodeMessage(message: Message, reader: ProtobufReader, depth: number): unknown {
  if (message.special) return message.special.decode(reader)
  if (depth > depthMax) throw new ProtobufError('message nested too deep')
  const object: Json = {}
  while (!reader.isDone) {
    const tag = reader.length()
    const field = message.byNumber.get(Math.floor(tag / 8))
    if (!field) {
      reader.skip(tag % 8)
      continue
    }
    if (field.form === 'map') decodeMapEntry(field, reader, object, depth)
    else if (field.form === 'repeated') decodeRepeated(field, tag % 8, reader, object, depth)
    else {
      const value = decodeValue(field.type, tag % 8, reader, depth)
      if (field.isInline) Object.assign(object, value)
      else if (value !== undefined && !(field.dropsZero && !value)) object[field.name] = value
    }
  }
  return object
}

function decodeValue(type: FieldType, wireType: number, reader: ProtobufReader, depth: number): unknown {
  const expected = expectedWireType(type)
  if (wireType !== expected) throw new ProtobufError(`proto: wrong wireType = ${wireType}`)
  if (type.kind === 'message') return decodeMessage(type.message(), new ProtobufReader(reader.bytes()), depth + 1)
  switch (type.scalar) {
    case 'string':
      return reader.text()
    case 'bytes':
      return reader.bytes().toString('base64')
    case 'bool':
      return reader.bool()
    case 'int32':
    case 'int64':
      return reader.int64()
    case 'double':
      return reader.double()
  }
}

function decodeRepeated(field: Field, wireType: number, reader: ProtobufReader, object: Json, depth: number): void {
  const list = (object[field.name] ??= []) as unknown[]
  const isPacked = wireType === wireTypes.bytes && expectedWireType(field.type) !== wireTypes.bytes
  if (!isPacked) {
    const item = decodeValue(field.type, wireType, reader, depth)
    list.push(item === undefined ? null : item)
    return
  }
  const packed = new ProtobufReader(reader.bytes())
  while (!packed.isDone) list.push(decodeValue(field.type, expectedWireType(field.type), packed, depth))
}

function decodeMapEntry(field: Field, reader: ProtobufReader, object: Json, depth: number): void {
  const map = (object[field.name] ??= {}) as Json
  const entry = new ProtobufReader(reader.bytes())
  let key = ''
  let value: unknown
  while (!entry.isDone) {
    const tag = entry.length()
    if (tag === 0x0a) key = entry.text()
    else if (Math.floor(tag / 8) === 2) value = decodeValue(field.type, tag % 8, entry, depth)
    else entry.skip(tag % 8)
  }
  Object.defineProperty(map, key, {
    value: value === undefined ? absentMapValue(field.type) : value,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}

/** An entry without a value has its type's zero; for messages that is what their JSON shows as null. */
function absentMapValue(type: FieldType): unknown {
  if (type.kind === 'message') return null
  return type.scalar === 'string' || type.scalar === 'bytes' ? '' : type.scalar === 'bool' ? false : 0
}

function encodeBare(object: Readonly<Json>, lookup: (name: string) => Message, facts: ProtobufFacts): Buffer | undefined {
  const { apiVersion, kind } = object
  const name = typeof apiVersion === 'string' && typeof kind === 'string' ? messageName(facts, apiVersion, kind) : undefined
  if (name === undefined) return undefined
  const writer = new ProtobufWriter()
  encodeMessage(lookup(name), object, writer, 0)
  return writer.finish()
}

/** Every list has its items in field 2, after its metadata. */
const itemsField = 2

function wrapList(list: Readonly<Json>, items: readonly Uint8Array[], head: Uint8Array | undefined): Uint8Array[] | undefined {
  if (!head) return undefined
  const pieces: Uint8Array[] = [head]
  let length = head.length
  for (const item of items) {
    const writer = new ProtobufWriter(16)
    writer.varint(item.length)
    writer.tag(itemsField, wireTypes.bytes)
    const start = writer.finish()
    pieces.push(start, item)
    length += start.length + item.length
  }
  const writer = new ProtobufWriter()
  writer.varint(length)
  writeEnvelopeHead(list, writer)
  return [writer.finish(), ...pieces, envelopeTail]
}

/** Content encoding and type are written empty, as upstream writes them. */
const envelopeTail = Buffer.from([(3 << 3) | wireTypes.bytes, 0, (4 << 3) | wireTypes.bytes, 0])

function writeEnvelopeHead({ kind, apiVersion }: Readonly<Json>, writer: ProtobufWriter): void {
  writer.tag(2, wireTypes.bytes)
  const meta = writer.mark
  writer.text(String(kind))
  writer.tag(2, wireTypes.bytes)
  writer.text(String(apiVersion))
  writer.tag(1, wireTypes.bytes)
  writer.closeMessage(meta)
  writer.tag(1, wireTypes.bytes)
  writer.raw(magic)
}

function encodeEnvelope(object: Readonly<Json>, lookup: (name: string) => Message, facts: ProtobufFacts): Buffer | undefined {
  const { apiVersion, kind } = object
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return undefined
  const name = messageName(facts, apiVersion, kind)
  if (name === undefined) return undefined
  const writer = new ProtobufWriter()
  writer.raw(envelopeTail)
  const body = writer.mark
  encodeMessage(lookup(name), object, writer, 0)
  writer.closeMessage(body)
  writeEnvelopeHead(object, writer)
  return writer.finish()
}

function encodeMessage(message: Message, value: unknown, writer: ProtobufWriter, depth: number): void {
  if (message.special) return message.special.encode(value, writer)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new ProtobufError('expected an object')
  if (depth > depthMax) throw new ProtobufError('object nested too deep')
  const object = value as Json
  for (let i = message.fields.length - 1; i >= 0; i--) {
    const field = message.fields[i]!
    const content = field.isInline ? object : object[field.name]
    if (content === undefined || content === null) continue
    if (field.form === 'map') encodeMap(field, content as Json, writer, depth)
    else if (field.form === 'repeated') {
      if (!Array.isArray(content)) throw new ProtobufError(`${field.name}: expected a list`)
      for (const item of content.toReversed()) encodeField(field.number, field.type, item, writer, depth)
    } else encodeField(field.number, field.type, content, writer, depth)
  }
}

function encodeMap(field: Field, map: Json, writer: ProtobufWriter, depth: number): void {
  for (const key of Object.keys(map).sort().reverse()) {
    const mark = writer.mark
    encodeField(2, field.type, map[key], writer, depth)
    writer.text(key)
    writer.tag(1, wireTypes.bytes)
    writer.closeMessage(mark)
    writer.tag(field.number, wireTypes.bytes)
  }
}

function encodeField(number: number, type: FieldType, value: unknown, writer: ProtobufWriter, depth: number): void {
  if (type.kind === 'message') {
    const mark = writer.mark
    if (value !== null) encodeMessage(type.message(), value, writer, depth + 1)
    writer.closeMessage(mark)
  } else encodeScalar(type.scalar, value, writer)
  writer.tag(number, expectedWireType(type))
}

function encodeScalar(scalar: Scalar, value: unknown, writer: ProtobufWriter): void {
  switch (scalar) {
    case 'string':
      return writer.text(String(value))
    case 'bytes':
      return writer.bytes(Buffer.from(String(value), 'base64'))
    case 'bool':
      return writer.varint(value ? 1 : 0)
    case 'int32':
    case 'int64':
      if (!Number.isFinite(value)) throw new ProtobufError('expected a number')
      return writer.int64(value as number)
    case 'double':
      return writer.double(Number(value))
  }
}

function expectedWireType(type: FieldType): number {
  if (type.kind === 'message' || type.scalar === 'string' || type.scalar === 'bytes') return wireTypes.bytes
  return type.scalar === 'double' ? wireTypes.fixed64 : wireTypes.varint
}

/** CRD schemas have three types that are one thing or another: `true` or a schema, a schema or a list, a schema or names. */
function schemaChoices(short: string, name: string, lookup: (name: string) => Message): SpecialMessage | undefined {
  const props = () => lookup(`${name.slice(0, name.lastIndexOf('.'))}.JSONSchemaProps`)
  switch (short) {
    case 'JSONSchemaPropsOrBool':
      return choice({ schemaField: 2, other: (tag, reader) => (tag === 8 ? reader.bool() : undefined), props, encodeOther: encodeAllows })
    case 'JSONSchemaPropsOrArray':
      return choice({
        schemaField: 1,
        other: (tag, reader) => (tag === 18 ? [decodeMessage(props(), new ProtobufReader(reader.bytes()), 1)] : undefined),
        props,
        encodeOther: (value, writer) => {
          for (const item of (value as unknown[]).toReversed()) encodeField(2, { kind: 'message', message: props }, item, writer, 0)
        },
      })
    case 'JSONSchemaPropsOrStringArray':
      return choice({
        schemaField: 1,
        other: (tag, reader) => (tag === 18 ? [reader.text()] : undefined),
        props,
        encodeOther: (value, writer) => {
          for (const item of (value as unknown[]).toReversed()) encodeField(2, { kind: 'scalar', scalar: 'string' }, item, writer, 0)
        },
      })
    default:
      return undefined
  }
}

type Choice = {
  readonly schemaField: number
  readonly other: (tag: number, reader: ProtobufReader) => unknown
  readonly props: () => Message
  readonly encodeOther: (value: unknown, writer: ProtobufWriter) => void
}

function choice({ schemaField, other, props, encodeOther }: Choice): SpecialMessage {
  return {
    decode(reader) {
      let result: unknown
      while (!reader.isDone) {
        const tag = reader.length()
        if (tag === schemaField * 8 + wireTypes.bytes) result = decodeMessage(props(), new ProtobufReader(reader.bytes()), 1)
        else {
          const before = reader.position
          const value = other(tag, reader)
          if (reader.position === before) reader.skip(tag % 8)
          else if (Array.isArray(value) && Array.isArray(result)) result.push(...(value as unknown[]))
          else result ??= value
        }
      }
      return result
    },
    encode(value, writer) {
      if (typeof value !== 'object' || Array.isArray(value)) return encodeOther(value, writer)
      encodeField(schemaField, { kind: 'message', message: props }, value, writer, 0)
      // Beside a schema, "allowed" is always true.
      if (schemaField === 2) encodeAllows(true, writer)
    },
  }
}

function encodeAllows(value: unknown, writer: ProtobufWriter): void {
  writer.varint(value ? 1 : 0)
  writer.tag(1, wireTypes.varint)
}
