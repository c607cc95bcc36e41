import assert from 'node:assert/strict'
import { test } from 'node:test'
import protobuf from 'protobufjs/light.js'
import { allKinds } from '../../kinds/all.ts'
import schemas from '../../kinds/generated/schemas.json' with { type: 'json' }
import type { Schema } from '../../machinery/schema/schema-node.ts'
import { createOpenApi } from './openapi.ts'
import { encodeVersion3 } from './version3-protobuf.ts'

const openapi = createOpenApi({ kinds: allKinds, definitions: schemas as unknown as Record<string, Schema> })
const asked = 'application/com.github.proto-openapi.spec.v3@v1.0+protobuf'
const answered = 'application/com.github.proto-openapi.spec.v3.v1.0+protobuf'

const oneOfs: readonly string[] = ['Default', 'Additional']

/** What of gnostic's messages the tests read. */
const gnostic = protobuf.Root.fromJSON({
  nested: Object.fromEntries(
    Object.entries({
      Document: { openapi: [1, 'string'], paths: [4, 'Paths'], components: [5, 'Components'] },
      Paths: { path: [1, 'NamedPathItem', 'repeated'], extensions: [2, 'NamedAny', 'repeated'] },
      NamedPathItem: { name: [1, 'string'], value: [2, 'PathItem'] },
      PathItem: { get: [4, 'Operation'], patch: [10, 'Operation'] },
      Operation: {
        operationId: [5, 'string'],
        parameters: [6, 'ParameterOrReference', 'repeated'],
        requestBody: [7, 'BodyOrReference'],
        responses: [8, 'Responses'],
        extensions: [13, 'NamedAny', 'repeated'],
      },
      ParameterOrReference: { parameter: [1, 'Parameter'] },
      Parameter: { name: [1, 'string'], in: [2, 'string'], required: [4, 'bool'], schema: [10, 'SchemaOrReference'] },
      BodyOrReference: { body: [1, 'Body'] },
      Body: { content: [2, 'MediaTypes'], required: [3, 'bool'] },
      MediaTypes: { all: [1, 'NamedMediaType', 'repeated'] },
      NamedMediaType: { name: [1, 'string'], value: [2, 'MediaType'] },
      MediaType: { schema: [1, 'SchemaOrReference'] },
      Responses: { default: [1, 'ResponseOrReference'], all: [2, 'NamedResponse', 'repeated'], extensions: [3, 'NamedAny', 'repeated'] },
      NamedResponse: { name: [1, 'string'], value: [2, 'ResponseOrReference'] },
      ResponseOrReference: { response: [1, 'Response'], reference: [2, 'Reference'] },
      Response: { description: [1, 'string'] },
      Components: { schemas: [1, 'Properties'] },
      Properties: { all: [1, 'NamedSchema', 'repeated'] },
      NamedSchema: { name: [1, 'string'], value: [2, 'SchemaOrReference'] },
      SchemaOrReference: { schema: [1, 'Schema'], reference: [2, 'Reference'] },
      Reference: { ref: [1, 'string'] },
      Schema: {
        enum: [24, 'Any', 'repeated'],
        type: [25, 'string'],
        allOf: [26, 'SchemaOrReference', 'repeated'],
        oneOf: [27, 'SchemaOrReference', 'repeated'],
        not: [29, 'Schema'],
        items: [30, 'Items'],
        properties: [31, 'Properties'],
        additional: [32, 'Additional'],
        default: [33, 'Default'],
        extensions: [36, 'NamedAny', 'repeated'],
      },
      Items: { all: [1, 'SchemaOrReference', 'repeated'] },
      Additional: { schema: [1, 'SchemaOrReference'], boolean: [2, 'bool'] },
      Default: { number: [1, 'double'], boolean: [2, 'bool'], string: [3, 'string'] },
      NamedAny: { name: [1, 'string'], value: [2, 'Any'] },
      Any: { yaml: [2, 'string'] },
    }).map(([name, fields]) => [
      name,
      {
        fields: Object.fromEntries(Object.entries(fields).map(([f, [id, type, rule]]) => [f, { id, type, ...(rule ? { rule } : {}) }])),
        // Of one of several the reader tells that it is set, be it zero.
        ...(oneOfs.includes(name) ? { oneofs: { one: { oneof: Object.keys(fields) } } } : {}),
      },
    ]),
  ),
} as never)

type Named<T> = { readonly name: string; readonly value: T }
type Decoded = {
  readonly paths: { readonly path: readonly Named<{ patch?: object }>[]; readonly extensions?: readonly object[] }
  readonly components: { readonly schemas: { readonly all: readonly Named<{ schema: { properties?: { all: Named<object>[] } } }>[] } }
}

const decode = (bytes: unknown) =>
  gnostic
    .lookupType('Document')
    .decode(bytes as Uint8Array)
    .toJSON() as Decoded

const get = (path: string, accept: string, headers: Readonly<Record<string, string>> = {}) => {
  const response = openapi.respond(path, { accept, ...headers })
  assert.ok(response, path)
  return response
}

const read = (path: string) =>
  JSON.parse(Buffer.from(get(path, 'application/json').body as Uint8Array).toString()) as {
    paths: Record<string, object>
    components: { schemas?: Record<string, object> }
  }

test('every document of version 3 names in protobuf what it names in JSON, in its order', () => {
  const { paths } = read('/openapi/v3')
  assert.ok(Object.keys(paths).length > 20)
  for (const name of Object.keys(paths)) {
    const response = get(`/openapi/v3/${name}`, asked)
    assert.deepEqual([response.code, response.headers['content-type']], [200, answered], name)
    const [document, json] = [decode(response.body), read(`/openapi/v3/${name}`)]
    assert.deepEqual(
      document.paths.path.map((path) => path.name),
      Object.keys(json.paths),
    )
    assert.deepEqual(
      (document.components.schemas.all ?? []).map((schema) => schema.name),
      Object.keys(json.components.schemas ?? {}),
    )
  }
})

test('an operation and a schema of version 3 in protobuf', () => {
  const { paths, components } = decode(get('/openapi/v3/apis/apps/v1', asked).body)
  const path = paths.path.find(({ name }) => name === '/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale')
  const patch = path?.value.patch as { responses: { all: Named<object>[] }; requestBody: { body: { content: { all: Named<object>[] } } } }
  assert.deepEqual(
    patch.responses.all.map(({ name, value }) => [name, value]),
    [
      ['200', { response: { description: 'OK' } }],
      ['201', { response: { description: 'Created' } }],
      ['401', { response: { description: 'Unauthorized' } }],
    ],
  )
  assert.deepEqual(patch.requestBody.body.content.all[0], {
    name: 'application/json-patch+json',
    value: { schema: { reference: { ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Patch' } } },
  })
  const spec = components.schemas.all.find(({ name }) => name === 'io.k8s.api.core.v1.PodSpec')?.value.schema.properties
  const field = (name: string) => JSON.stringify(spec?.all.find((property) => property.name === name)?.value)
  assert.ok(field('containers').includes('{"name":"x-kubernetes-list-map-keys","value":{"yaml":"[\\"name\\"]\\n"}}'), field('containers'))
  assert.ok(field('nodeSelector').includes('"additional":{"schema":{"schema":{"type":"string"}}}'), field('nodeSelector'))
  assert.ok(
    field('securityContext').includes('"allOf":[{"reference":{"ref":"#/components/schemas/io.k8s.api.core.v1.PodSecurityContext"}}]'),
  )
})

/** What a schema says in protobuf. */
function checkSchema(schema: object, said: object): void {
  const { components } = decode(encodeVersion3({ components: { schemas: { it: schema } } }))
  assert.deepEqual(components.schemas.all, [{ name: 'it', value: said }])
}

test('schemas that only custom and aggregated kinds have', () => {
  checkSchema({ $ref: '#/a', default: 1 }, { reference: { ref: '#/a' } })
  checkSchema({ default: 0 }, { schema: { default: { number: 0 } } })
  checkSchema({ default: false }, { schema: { default: { boolean: false } } })
  checkSchema({ default: '' }, { schema: { default: { string: '' } } })
  checkSchema({ default: { a: 1 } }, { schema: { default: {} } })
  checkSchema({ enum: ['a', 1, null] }, { schema: { enum: [{ yaml: '"a"\n' }, { yaml: '1\n' }, { yaml: 'null\n' }] } })
  checkSchema({ items: { type: 'string' } }, { schema: { items: { all: [{ schema: { type: 'string' } }] } } })
  checkSchema(
    { not: { type: 'string' }, oneOf: [{ $ref: '#/b' }] },
    { schema: { not: { type: 'string' }, oneOf: [{ reference: { ref: '#/b' } }] } },
  )
  checkSchema({ additionalProperties: false }, { schema: { additional: { boolean: false } } })
  // A property may be named as a field or as an extension is.
  checkSchema(
    { properties: { $ref: { type: 'string' }, 'x-a': {} } },
    {
      schema: {
        properties: {
          all: [
            { name: '$ref', value: { schema: { type: 'string' } } },
            { name: 'x-a', value: { schema: {} } },
          ],
        },
      },
    },
  )
})

test('maps with extensions and a default among the names', () => {
  const responses = { default: { $ref: '#/d' }, 404: { description: 'None' }, 'x-a': [1] }
  const { paths } = decode(encodeVersion3({ paths: { '/a': { patch: { responses } }, 'x-b': true } }))
  assert.deepEqual(paths.path[0]?.value.patch, {
    responses: {
      default: { reference: { ref: '#/d' } },
      all: [{ name: '404', value: { response: { description: 'None' } } }],
      extensions: [{ name: 'x-a', value: { yaml: '[1]\n' } }],
    },
  })
  assert.deepEqual(paths.extensions, [{ name: 'x-b', value: { yaml: 'true\n' } }])
})

test('both forms have one hash: in the index, in the tag and in the address', () => {
  const { paths } = read('/openapi/v3')
  const url = (paths['apis/apps/v1'] as unknown as { serverRelativeURL: string }).serverRelativeURL
  const [json, binary] = [get(url, 'application/json'), get(url, asked)]
  assert.equal(binary.headers['etag'], json.headers['etag'])
  assert.equal(binary.headers['vary'], 'Accept')
  assert.match(String(binary.headers['cache-control']), /immutable/)
  assert.equal(get(url, asked, { 'if-none-match': String(binary.headers['etag']) }).code, 304)
  const moved = get(url.replace(/hash=.*/, 'hash=0'), asked)
  assert.deepEqual([moved.code, moved.headers['location']], [301, url])
})

/** Which form an Accept header gives; undefined: none. */
function checkForm(accept: string, form: string | undefined, path = '/openapi/v3/apis/apps/v1'): void {
  const { code, headers } = get(path, accept)
  assert.deepEqual([code, headers['content-type']], form === undefined ? [406, undefined] : [200, form], accept)
}

test('the first type of the highest quality that there is decides', () => {
  checkForm(answered, answered)
  checkForm(`image/png, ${asked}`, answered)
  checkForm(`${asked}, application/json`, answered)
  checkForm(`application/json, ${asked}`, 'application/json')
  checkForm(`application/json;q=0.5, ${asked}`, answered)
  checkForm(`${asked};q=0.2, */*;q=0.4`, 'application/json')
  checkForm(asked.replace('v3', 'v2'), undefined)
  checkForm(asked, undefined, '/openapi/v2')
  checkForm('application/vnd.kubernetes.protobuf', undefined)
  // The index has no form but one, and is never refused.
  checkForm('application/vnd.kubernetes.protobuf', 'application/json', '/openapi/v3')
})
