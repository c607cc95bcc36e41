/**
 * OpenAPI version 2 in protobuf, as client-go asks for it: the messages of gnostic's `openapi.v2` package
 * (https://github.com/google/gnostic/blob/main/openapiv2/OpenAPIv2.proto), those of their fields that our documents have. What starts
 * with `x-` becomes a vendor extension, whose value is YAML; JSON is YAML.
 */
import { ProtobufWriter } from '../../machinery/wire/protobuf-buffer.ts'

/** Writes a value as a field. The writer goes backwards: the value first, then its tag. */
type Encode = (writer: ProtobufWriter, field: number, value: unknown) => void
type Fields = Readonly<Record<string, readonly [field: number, encode: Encode]>>
type Json = Readonly<Record<string, unknown>>

const string: Encode = (writer, field, value) => {
  writer.text(String(value))
  writer.tag(field, 2)
}

const boolean: Encode = (writer, field, value) => {
  writer.varint(value === true ? 1 : 0)
  writer.tag(field, 0)
}

const integer: Encode = (writer, field, value) => {
  writer.int64(value as number)
  writer.tag(field, 0)
}

const double: Encode = (writer, field, value) => {
  writer.double(value as number)
  writer.tag(field, 1)
}

const repeated =
  (encode: Encode): Encode =>
  (writer, field, value) => {
    for (const item of (value as readonly unknown[]).toReversed()) encode(writer, field, item)
  }

function nested(writer: ProtobufWriter, field: number, write: () => void): void {
  const mark = writer.mark
  write()
  writer.closeMessage(mark)
  writer.tag(field, 2)
}

/** A message of one field: the arms of a oneof, and lists that stand in a message. */
const within =
  (inner: number, encode: Encode): Encode =>
  (writer, field, value) =>
    nested(writer, field, () => encode(writer, inner, value))

/** A map as pairs of name and value. */
const pairs =
  (encode: Encode): Encode =>
  (writer, field, value) => {
    for (const [name, item] of Object.entries(value as Json).toReversed())
      nested(writer, field, () => {
        encode(writer, 2, item)
        string(writer, 1, name)
      })
  }

const yaml: Encode = (writer, field, value) => nested(writer, field, () => string(writer, 2, `${JSON.stringify(value)}\n`))
const extension = pairs(yaml)

/** `extensions`: the field for what starts with `x-`; undefined where nothing does. */
const message =
  (fields: () => Fields, extensions?: number): Encode =>
  (writer, field, value) =>
    nested(writer, field, () => writeFields(writer, value as Json, fields(), extensions))

function writeFields(writer: ProtobufWriter, value: Json, fields: Fields, extensions: number | undefined): void {
  for (const [name, item] of Object.entries(value).toReversed()) {
    if (item === undefined) continue
    const known = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (known) known[1](writer, known[0], item)
    else if (extensions !== undefined && name.startsWith('x-')) extension(writer, extensions, { [name]: item })
  }
}

const schema: Encode = message(() => schemaFields, 31)

const booleanOrSchema: Encode = (writer, field, value) =>
  nested(writer, field, () => (typeof value === 'boolean' ? boolean(writer, 2, value) : schema(writer, 1, value)))

const schemaFields: Fields = {
  $ref: [1, string],
  format: [2, string],
  title: [3, string],
  description: [4, string],
  default: [5, yaml],
  multipleOf: [6, double],
  maximum: [7, double],
  exclusiveMaximum: [8, boolean],
  minimum: [9, double],
  exclusiveMinimum: [10, boolean],
  maxLength: [11, integer],
  minLength: [12, integer],
  pattern: [13, string],
  maxItems: [14, integer],
  minItems: [15, integer],
  uniqueItems: [16, boolean],
  maxProperties: [17, integer],
  minProperties: [18, integer],
  required: [19, repeated(string)],
  enum: [20, repeated(yaml)],
  additionalProperties: [21, booleanOrSchema],
  type: [22, within(1, string)],
  items: [23, within(1, schema)],
  allOf: [24, repeated(schema)],
  properties: [25, within(1, pairs(schema))],
  example: [30, yaml],
}

const bodyParameter = message(
  () => ({ description: [1, string], name: [2, string], in: [3, string], required: [4, boolean], schema: [5, schema] }),
  6,
)
const pathParameter = message(
  () => ({
    required: [1, boolean],
    in: [2, string],
    description: [3, string],
    name: [4, string],
    type: [5, string],
    uniqueItems: [19, boolean],
  }),
  22,
)
const queryParameter = message(
  () => ({
    required: [1, boolean],
    in: [2, string],
    description: [3, string],
    name: [4, string],
    type: [6, string],
    uniqueItems: [20, boolean],
  }),
  23,
)

const parameter: Encode = (writer, field, value) => {
  const place = (value as Json)['in']
  const arm =
    place === 'body' ? within(1, bodyParameter) : within(2, place === 'path' ? within(4, pathParameter) : within(3, queryParameter))
  within(1, arm)(writer, field, value)
}

const response = message(() => ({ description: [1, string], schema: [2, within(1, schema)] }), 5)
const operation = message(
  () => ({
    tags: [1, repeated(string)],
    description: [3, string],
    operationId: [5, string],
    produces: [6, repeated(string)],
    consumes: [7, repeated(string)],
    parameters: [8, repeated(parameter)],
    responses: [9, within(1, pairs(within(1, response)))],
    schemes: [10, repeated(string)],
  }),
  13,
)
const pathItem = message(
  () => ({
    get: [2, operation],
    put: [3, operation],
    post: [4, operation],
    delete: [5, operation],
    options: [6, operation],
    head: [7, operation],
    patch: [8, operation],
    parameters: [9, repeated(parameter)],
  }),
  10,
)
const apiKey = message(() => ({ type: [1, string], name: [2, string], in: [3, string], description: [4, string] }), 5)

const documentFields: Fields = {
  swagger: [1, string],
  info: [2, message(() => ({ title: [1, string], version: [2, string] }), 7)],
  paths: [8, within(2, pairs(pathItem))],
  definitions: [9, within(1, pairs(schema))],
  security: [12, repeated(within(1, pairs(within(1, repeated(string)))))],
  securityDefinitions: [13, within(1, pairs(within(2, apiKey)))],
}

/** A version 2 document as bytes of an `openapi.v2.Document`. */
export function encodeSwagger(document: object): Buffer {
  const writer = new ProtobufWriter()
  writeFields(writer, document as Json, documentFields, 16)
  return writer.finish()
}
