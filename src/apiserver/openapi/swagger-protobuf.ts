/**
 * OpenAPI version 2 in protobuf, as client-go asks for it: the messages of gnostic's `openapi.v2` package
 * (https://github.com/google/gnostic/blob/main/openapiv2/OpenAPIv2.proto), those of their fields that our documents have.
 */
import {
  boolean,
  double,
  type Encode,
  encodeDocument,
  type Fields,
  integer,
  type Json,
  message,
  nested,
  pairs,
  repeated,
  string,
  within,
  yaml,
} from './protobuf-fields.ts'

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
  return encodeDocument(document, documentFields, 16)
}
