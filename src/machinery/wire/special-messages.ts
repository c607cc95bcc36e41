import { type ProtobufReader, ProtobufError, type ProtobufWriter, wireTypes } from './protobuf-buffer.ts'
import { formatGoDuration, parseGoDuration } from './go-duration.ts'

/**
 * Messages whose JSON form is not an object of their fields: times, quantities, raw JSON, lists under another name.
 * Decoding gives undefined for what JSON leaves out.
 */
export type SpecialMessage = { decode(reader: ProtobufReader): unknown; encode(value: unknown, writer: ProtobufWriter): void }

/** What a message of the API needs to nest objects of any kind inside raw bytes. */
export type RawObjects = { decode(bytes: Uint8Array): unknown }

const magic = Buffer.from('k8s\0')

/** True for the protobuf envelope of an object. */
export function hasMagic(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && magic.compare(bytes, 0, 4) === 0
}

export function specialMessages(raw: RawObjects): Readonly<Record<string, SpecialMessage>> {
  const time = timeMessage(0)
  const list = itemsMessage
  return {
    Time: time,
    MicroTime: timeMessage(6),
    Timestamp: time,
    Duration: durationMessage,
    Quantity: quantityMessage,
    IntOrString: intOrStringMessage,
    RawExtension: rawMessage(raw),
    FieldsV1: rawMessage(raw),
    JSON: rawMessage(raw),
    ExtraValue: list,
    AttestationValue: list,
    Verbs: list,
  }
}

/** Reads numbered fields of a small message into an array: varints as numbers, the rest as bytes. */
function readFields(reader: ProtobufReader): (number | Buffer | undefined)[] {
  const fields: (number | Buffer | undefined)[] = []
  while (!reader.isDone) {
    const tag = reader.length()
    const wireType = tag % 8
    const number = Math.floor(tag / 8)
    if (number > 15) reader.skip(wireType)
    else if (wireType === wireTypes.varint) fields[number] = reader.int64()
    else if (wireType === wireTypes.bytes) fields[number] = reader.bytes()
    else reader.skip(wireType)
  }
  return fields
}

const asNumber = (value: number | Buffer | undefined): number => (typeof value === 'number' ? value : 0)
const asText = (value: number | Buffer | undefined): string => (value instanceof Buffer ? value.toString() : '')

/** Seconds and nanoseconds; an empty message is the zero time, which JSON leaves out. */
function timeMessage(digits: 0 | 6): SpecialMessage {
  return {
    decode(reader) {
      if (reader.isDone) return undefined
      const [, seconds, nanos] = readFields(reader)
      const date = new Date(asNumber(seconds) * 1000)
      if (Number.isNaN(date.getTime())) throw new ProtobufError('time out of range')
      const text = date.toISOString().replace(/\.\d+Z$/, '')
      if (digits === 0) return `${text}Z`
      return `${text}.${String(Math.floor(asNumber(nanos) / 1000)).padStart(6, '0')}Z`
    },
    encode(value, writer) {
      const text = String(value)
      const ms = Date.parse(text)
      if (Number.isNaN(ms)) throw new ProtobufError(`no time: ${text}`)
      const fraction = /\.(\d+)/.exec(text)?.[1] ?? ''
      const nanos = digits === 0 ? 0 : Number(fraction.slice(0, 9).padEnd(9, '0'))
      writer.varint(nanos)
      writer.tag(2, wireTypes.varint)
      writer.int64(Math.floor(ms / 1000))
      writer.tag(1, wireTypes.varint)
    },
  }
}

const durationMessage: SpecialMessage = {
  decode: (reader) => formatGoDuration(asNumber(readFields(reader)[1])),
  encode(value, writer) {
    const nanos = parseGoDuration(String(value))
    if (nanos === undefined) throw new ProtobufError(`no duration: ${String(value)}`)
    writer.int64(nanos)
    writer.tag(1, wireTypes.varint)
  },
}

const quantityMessage: SpecialMessage = {
  decode: (reader) => asText(readFields(reader)[1]) || '0',
  encode(value, writer) {
    writer.text(String(value))
    writer.tag(1, wireTypes.bytes)
  },
}

const intOrStringMessage: SpecialMessage = {
  decode(reader) {
    const [, type, int, text] = readFields(reader)
    return asNumber(type) === 1 ? asText(text) : asNumber(int)
  },
  encode(value, writer) {
    const isText = typeof value === 'string'
    writer.text(isText ? value : '')
    writer.tag(3, wireTypes.bytes)
    writer.int64(isText ? 0 : Number(value))
    writer.tag(2, wireTypes.varint)
    writer.varint(isText ? 1 : 0)
    writer.tag(1, wireTypes.varint)
  },
}

/** Raw bytes are JSON, or an object in its own envelope. */
function rawMessage(raw: RawObjects): SpecialMessage {
  return {
    decode(reader) {
      const [, bytes] = readFields(reader)
      if (!(bytes instanceof Buffer) || bytes.length === 0) return undefined
      if (hasMagic(bytes)) return raw.decode(bytes)
      try {
        return JSON.parse(bytes.toString()) as unknown
      } catch (error) {
        throw new ProtobufError('raw extension is not JSON', { cause: error })
      }
    },
    encode(value, writer) {
      writer.bytes(Buffer.from(JSON.stringify(value)))
      writer.tag(1, wireTypes.bytes)
    },
  }
}

/** `{items: […]}` on the wire, the plain list in JSON. */
const itemsMessage: SpecialMessage = {
  decode(reader) {
    const items: string[] = []
    while (!reader.isDone) {
      const tag = reader.length()
      if (tag === 8 + wireTypes.bytes) items.push(reader.text())
      else reader.skip(tag % 8)
    }
    return items
  },
  encode(value, writer) {
    const items = Array.isArray(value) ? value : []
    for (const item of items.toReversed()) {
      writer.text(String(item))
      writer.tag(1, wireTypes.bytes)
    }
  },
}
