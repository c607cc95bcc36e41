/**
 * OpenAPI version 3 in protobuf, as client-go asks for it: the messages of gnostic's `openapi.v3` package
 * (https://github.com/google/gnostic/blob/main/openapiv3/OpenAPIv3.proto), all of them, for aggregated servers may use any.
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

/** A map that is a message of its own. */
const map = (encode: Encode): Encode => within(1, pairs(encode))

const reference = message(() => ({ $ref: [1, string], summary: [2, string], description: [3, string] }))
/** What has a `$ref` is a reference, whatever else stands beside it. */
const orReference = (encode: Encode): Encode => {
  const [itself, referred] = [within(1, encode), within(2, reference)]
  return (writer, field, value) => (Object.hasOwn(value as Json, '$ref') ? referred : itself)(writer, field, value)
}

/** A map with some keys that are no names: those of vendor extensions, and `fields`. */
const patterned =
  (
    map: { readonly isName: RegExp; readonly entries: number; readonly encode: Encode; readonly extensions: number },
    fields: Fields = {},
  ): Encode =>
  (writer, field, value) =>
    nested(writer, field, () => {
      for (const [name, item] of Object.entries(value as Json).toReversed()) {
        const known = Object.hasOwn(fields, name) ? fields[name] : undefined
        if (known) known[1](writer, known[0], item)
        else if (map.isName.test(name)) pairs(map.encode)(writer, map.entries, { [name]: item })
        else if (name.startsWith('x-')) pairs(yaml)(writer, map.extensions, { [name]: item })
      }
    })

const externalDocs = message(() => ({ description: [1, string], url: [2, string] }), 3)

const schema: Encode = message(() => schemaFields, 36)
const schemaOrReference = orReference(schema)

const booleanOrSchema: Encode = (writer, field, value) =>
  (typeof value === 'boolean' ? within(2, boolean) : within(1, schemaOrReference))(writer, field, value)

const scalars: Readonly<Record<string, readonly [field: number, encode: Encode]>> = {
  number: [1, double],
  boolean: [2, boolean],
  string: [3, string],
}
/** The message has no place for objects and lists: of such a default only tells that there is one. */
const defaultValue: Encode = (writer, field, value) =>
  nested(writer, field, () => {
    const scalar = scalars[typeof value]
    if (scalar) scalar[1](writer, scalar[0], value)
  })

const schemaFields: Fields = {
  nullable: [1, boolean],
  discriminator: [2, message(() => ({ propertyName: [1, string], mapping: [2, map(string)] }), 3)],
  readOnly: [3, boolean],
  writeOnly: [4, boolean],
  xml: [
    5,
    message(() => ({ name: [1, string], namespace: [2, string], prefix: [3, string], attribute: [4, boolean], wrapped: [5, boolean] }), 6),
  ],
  externalDocs: [6, externalDocs],
  example: [7, yaml],
  deprecated: [8, boolean],
  title: [9, string],
  multipleOf: [10, double],
  maximum: [11, double],
  exclusiveMaximum: [12, boolean],
  minimum: [13, double],
  exclusiveMinimum: [14, boolean],
  maxLength: [15, integer],
  minLength: [16, integer],
  pattern: [17, string],
  maxItems: [18, integer],
  minItems: [19, integer],
  uniqueItems: [20, boolean],
  maxProperties: [21, integer],
  minProperties: [22, integer],
  required: [23, repeated(string)],
  enum: [24, repeated(yaml)],
  type: [25, string],
  allOf: [26, repeated(schemaOrReference)],
  oneOf: [27, repeated(schemaOrReference)],
  anyOf: [28, repeated(schemaOrReference)],
  not: [29, schema],
  items: [30, within(1, schemaOrReference)],
  properties: [31, map(schemaOrReference)],
  additionalProperties: [32, booleanOrSchema],
  default: [33, defaultValue],
  description: [34, string],
  format: [35, string],
}

const server = message(
  () => ({
    url: [1, string],
    description: [2, string],
    variables: [3, map(message(() => ({ enum: [1, repeated(string)], default: [2, string], description: [3, string] }), 4))],
  }),
  4,
)

const example = message(() => ({ summary: [1, string], description: [2, string], value: [3, yaml], externalValue: [4, string] }), 5)
const examples = map(orReference(example))

const mediaType: Encode = message(
  () => ({ schema: [1, schemaOrReference], example: [2, yaml], examples: [3, examples], encoding: [4, map(encoding)] }),
  5,
)
const content = map(mediaType)
const header = message(
  () => ({
    description: [1, string],
    required: [2, boolean],
    deprecated: [3, boolean],
    allowEmptyValue: [4, boolean],
    style: [5, string],
    explode: [6, boolean],
    allowReserved: [7, boolean],
    schema: [8, schemaOrReference],
    example: [9, yaml],
    examples: [10, examples],
    content: [11, content],
  }),
  12,
)
const headers = map(orReference(header))
const encoding = message(
  () => ({ contentType: [1, string], headers: [2, headers], style: [3, string], explode: [4, boolean], allowReserved: [5, boolean] }),
  6,
)

const parameter = message(
  () => ({
    name: [1, string],
    in: [2, string],
    description: [3, string],
    required: [4, boolean],
    deprecated: [5, boolean],
    allowEmptyValue: [6, boolean],
    style: [7, string],
    explode: [8, boolean],
    allowReserved: [9, boolean],
    schema: [10, schemaOrReference],
    example: [11, yaml],
    examples: [12, examples],
    content: [13, content],
  }),
  14,
)

const requestBody = message(() => ({ description: [1, string], content: [2, content], required: [3, boolean] }), 4)

/** What a link fills in, by name. */
const expression = within(2, map(yaml))
const link = message(
  () => ({
    operationRef: [1, string],
    operationId: [2, string],
    parameters: [3, expression],
    requestBody: [4, expression],
    description: [5, string],
    server: [6, server],
  }),
  7,
)
const links = map(orReference(link))
const response = message(() => ({ description: [1, string], headers: [2, headers], content: [3, content], links: [4, links] }), 5)
const responses = patterned(
  { isName: /^(?:[0-9X]{3})$/, entries: 2, encode: orReference(response), extensions: 3 },
  { default: [1, orReference(response)] },
)

const callback: Encode = patterned({ isName: /^(?!x-)/, entries: 1, encode: (...at) => pathItem(...at), extensions: 2 })
const callbacks = map(orReference(callback))
const security = repeated(map(within(1, repeated(string))))

const operation = message(
  () => ({
    tags: [1, repeated(string)],
    summary: [2, string],
    description: [3, string],
    externalDocs: [4, externalDocs],
    operationId: [5, string],
    parameters: [6, repeated(orReference(parameter))],
    requestBody: [7, orReference(requestBody)],
    responses: [8, responses],
    callbacks: [9, callbacks],
    deprecated: [10, boolean],
    security: [11, security],
    servers: [12, repeated(server)],
  }),
  13,
)

const pathItem: Encode = message(
  () => ({
    $ref: [1, string],
    summary: [2, string],
    description: [3, string],
    get: [4, operation],
    put: [5, operation],
    post: [6, operation],
    delete: [7, operation],
    options: [8, operation],
    head: [9, operation],
    patch: [10, operation],
    trace: [11, operation],
    servers: [12, repeated(server)],
    parameters: [13, repeated(orReference(parameter))],
  }),
  14,
)

const flow = message(() => ({ authorizationUrl: [1, string], tokenUrl: [2, string], refreshUrl: [3, string], scopes: [4, map(string)] }), 5)
const securityScheme = message(
  () => ({
    type: [1, string],
    description: [2, string],
    name: [3, string],
    in: [4, string],
    scheme: [5, string],
    bearerFormat: [6, string],
    flows: [
      7,
      message(() => ({ implicit: [1, flow], password: [2, flow], clientCredentials: [3, flow], authorizationCode: [4, flow] }), 5),
    ],
    openIdConnectUrl: [8, string],
  }),
  9,
)

const components = message(
  () => ({
    schemas: [1, map(schemaOrReference)],
    responses: [2, map(orReference(response))],
    parameters: [3, map(orReference(parameter))],
    examples: [4, examples],
    requestBodies: [5, map(orReference(requestBody))],
    headers: [6, headers],
    securitySchemes: [7, map(orReference(securityScheme))],
    links: [8, links],
    callbacks: [9, callbacks],
  }),
  10,
)

const info = message(
  () => ({
    title: [1, string],
    description: [2, string],
    termsOfService: [3, string],
    contact: [4, message(() => ({ name: [1, string], url: [2, string], email: [3, string] }), 4)],
    license: [5, message(() => ({ name: [1, string], url: [2, string] }), 3)],
    version: [6, string],
    summary: [8, string],
  }),
  7,
)

const documentFields: Fields = {
  openapi: [1, string],
  info: [2, info],
  servers: [3, repeated(server)],
  paths: [4, patterned({ isName: /^\//, entries: 1, encode: pathItem, extensions: 2 })],
  components: [5, components],
  security: [6, security],
  tags: [7, repeated(message(() => ({ name: [1, string], description: [2, string], externalDocs: [3, externalDocs] }), 4))],
  externalDocs: [8, externalDocs],
}

/** A version 3 document as bytes of an `openapi.v3.Document`. */
export function encodeVersion3(document: object): Buffer {
  return encodeDocument(document, documentFields, 9)
}
