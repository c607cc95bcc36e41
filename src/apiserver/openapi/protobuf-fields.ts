/**
 * Fields of gnostic's messages, in which OpenAPI documents are protobuf: how a value of a document is written as one. What starts with
 * `x-` becomes a vendor extension, whose value is YAML; JSON is YAML.
 */
import { ProtobufWriter } from '../../machinery/wire/protobuf-buffer.ts'

/** Writes a value as a field. The writer goes backwards: the value first, then its tag. */
export type Encode = (writer: ProtobufWriter, field: number, value: unknown) => void
export type Fields = Readonly<Record<string, readonly [field: number, encode: Encode]>>
export type Json = Readonly<Record<string, unknown>>

export const string: Encode = (writer, field, value) => {
  writer.text(String(value))
  writer.tag(field, 2)
}

export const boolean: Encode = (writer, field, value) => {
  writer.varint(value === true ? 1 : 0)
  writer.tag(field, 0)
}

export const integer: Encode = (writer, field, value) => {
  writer.int64(value as number)
  writer.tag(field, 0)
}

export const double: Encode = (writer, field, value) => {
  writer.double(value as number)
  writer.tag(field, 1)
}

export const repeated =
  (encode: Encode): Encode =>
  (writer, field, value) => {
    for (const item of (value as readonly unknown[]).toReversed()) encode(writer, field, item)
  }

export function nested(writer: ProtobufWriter, field: number, write: () => void): void {
  const mark = writer.mark
  write()
  writer.closeMessage(mark)
  writer.tag(field, 2)
}

/** A message of one field: the arms of a oneof, and lists that stand in a message. */
export const within =
  (inner: number, encode: Encode): Encode =>
  (writer, field, value) =>
    nested(writer, field, () => encode(writer, inner, value))

/** A map as pairs of name and value. */
export const pairs =
  (encode: Encode): Encode =>
  (writer, field, value) => {
    for (const [name, item] of Object.entries(value as Json).toReversed())
      nested(writer, field, () => {
        encode(writer, 2, item)
        string(writer, 1, name)
      })
  }

export const yaml: Encode = (writer, field, value) => nested(writer, field, () => string(writer, 2, `${JSON.stringify(value)}\n`))
const extension = pairs(yaml)

/** `extensions`: the field for what starts with `x-`; undefined where nothing does. */
export const message = (fields: () => Fields, extensions?: number): Encode => {
  let known: Fields | undefined
  return (writer, field, value) => nested(writer, field, () => writeFields(writer, value as Json, (known ??= fields()), extensions))
}

function writeFields(writer: ProtobufWriter, value: Json, fields: Fields, extensions: number | undefined): void {
  for (const [name, item] of Object.entries(value).toReversed()) {
    if (item === undefined) continue
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (known) known[1](writer, known[0], item)
    else if (extensions !== undefined && name.startsWith('x-')) extension(writer, extensions, { [name]: item })
  }
}

/** A whole document as bytes of a message. */
export function encodeDocument(document: object, fields: Fields, extensions: number): Buffer {
  const writer = new ProtobufWriter()
  writeFields(writer, document as Json, fields, extensions)
  return writer.finish()
}
