import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { JsonSchema } from '../../src/machinery/structural/json-schema.ts'
import { parseYaml } from '../../src/machinery/yaml.ts'
import { at, type TestJson } from '../../src/apiserver/test-requests.ts'
import { startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
after(() => conformance.close())
const { send, clock, collection } = conformance
const deployments = '/apis/apps/v1/namespaces/default/deployments'

const applyType = 'application/apply-patch+yaml'
const json = 'application/json'

/** A write with strict validation; the text goes as it is, with its duplicates. */
const strict = (method: string, url: string, body: string, type = json) =>
  send(method, `${url}?fieldValidation=Strict${type === applyType ? '&fieldManager=test' : ''}`, { body, type })

/** Refused with these words, and nothing was written. */
async function refused(method: string, url: string, body: string, ...words: readonly (string | RegExp)[]): Promise<void> {
  const { code, json: status, text } = await strict(method, url, body, method === 'PATCH' ? applyType : json)
  assert.equal(code, 400, text)
  assert.equal(status.reason, 'BadRequest')
  for (const word of words)
    if (typeof word === 'string') assert.ok(String(status.message).includes(word), text)
    else assert.match(String(status.message), word)
  const { metadata } = (body.startsWith('{') ? JSON.parse(body) : parseYaml(body)) as { metadata: { name: string } }
  assert.equal((await send('GET', method === 'PATCH' ? url : `${url}/${metadata.name}`)).code, 404, 'it was written')
}

async function accepted(method: string, url: string, body: string, code: number): Promise<TestJson> {
  const answer = await strict(method, url, body, method === 'PATCH' ? applyType : json)
  assert.equal(answer.code, code, answer.text)
  assert.equal(answer.headers.warning, undefined)
  return answer.json
}

/** What the lenient levels do with the same text: it is written, with a warning for each problem or with none. */
async function warned(url: string, body: string, ...problems: readonly string[]): Promise<void> {
  for (const [level, wanted] of [
    ['Warn', problems],
    ['Ignore', []],
  ] as const) {
    const { code, headers, text } = await send('POST', `${url}?fieldValidation=${level}&dryRun=All`, { body })
    assert.equal(code, 201, text)
    const warnings = [headers.warning ?? []].flat().flatMap((line) => [...String(line).matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)])
    assert.deepEqual(
      warnings.map((match) => JSON.parse(`"${match[1]!}"`) as string),
      wanted,
    )
  }
}

async function serve(plural: string, schema: JsonSchema): Promise<string> {
  const kind = plural[0]!.toUpperCase() + plural.slice(1, -1)
  await collection('/apis/apiextensions.k8s.io/v1/customresourcedefinitions').create({
    metadata: { name: `${plural}.valid.example.com` },
    spec: {
      group: 'valid.example.com',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema } }],
    },
  })
  await clock.settle()
  return `/apis/valid.example.com/v1/namespaces/default/${plural}`
}

const custom = (kind: string, name: string, more: string) =>
  `{"apiVersion":"valid.example.com/v1","kind":"${kind}","metadata":{"name":"${name}"},${more}}`
const customYaml = (kind: string, name: string, ...lines: readonly string[]) =>
  ['apiVersion: valid.example.com/v1', `kind: ${kind}`, 'metadata:', `  name: ${name}`, ...lines, ''].join('\n')
const deployment = (metadata: string, spec: string, template = '') =>
  `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"my-dep"${metadata}},"spec":{"selector":{"matchLabels":{"app":"nginx"}},"template":{"metadata":{"labels":{"app":"nginx"}${template}},"spec":{"containers":[{"name":"nginx","image":"nginx"}]}}${spec}}}`

const schema: JsonSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        foo: { type: 'string' },
        cronSpec: { type: 'string', pattern: '^(\\*|\\d+)(/\\d+)?( (\\*|\\d+)(/\\d+)?){4}$' },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
          items: {
            type: 'object',
            required: ['containerPort', 'protocol'],
            properties: { containerPort: { type: 'integer', format: 'int32' }, protocol: { type: 'string' } },
          },
        },
      },
    },
  },
}
const keepsUnknown: JsonSchema = {
  ...schema,
  properties: { spec: { ...schema.properties!.spec!, 'x-kubernetes-preserve-unknown-fields': true } },
}

test('FieldValidation should detect unknown and duplicate fields of a typed object', async () => {
  const body = deployment('', ',"unknownField":"foo","unknownDupe":1,"unknownDupe":2,"replicas":1,"replicas":2')
  const problems = [
    'duplicate field "spec.unknownDupe"',
    'duplicate field "spec.replicas"',
    'unknown field "spec.unknownField"',
    'unknown field "spec.unknownDupe"',
  ]
  await refused('POST', deployments, body, `strict decoding error: ${problems.join(', ')}`)
  await warned(deployments, body, ...problems)
  await refused('PATCH', `${deployments}/my-dep`, body, '.spec.unknownField: field not declared in schema')
  const twice = deployment('', ',"replicas":1,"replicas":2')
  await refused('PATCH', `${deployments}/my-dep`, twice, /^error strict decoding YAML: .*line 1: key "replicas" already set in map$/s)
})

test('FieldValidation should detect unknown metadata fields of a typed object', async () => {
  const body = deployment(',"unknownMeta":"foo"', '', ',"unknownInside":1')
  const problems = ['unknown field "metadata.unknownMeta"', 'unknown field "spec.template.metadata.unknownInside"']
  await refused('POST', deployments, body, `strict decoding error: ${problems.join(', ')}`)
  await warned(deployments, body, ...problems)
  await refused('PATCH', `${deployments}/my-dep`, body, '.metadata.unknownMeta: field not declared in schema')
})

const spec = '"spec":{"foo":"foo1","cronSpec":"* * * * */5","ports":[{"containerPort":8080,"protocol":"TCP"}]}'

test('FieldValidation should create/apply a valid CR for CRD with validation schema', async () => {
  const path = await serve('valids', schema)
  await accepted('POST', path, custom('Valid', 'created', spec), 201)
  await accepted('PATCH', `${path}/applied`, custom('Valid', 'applied', spec), 201)
  const applied = await accepted('PATCH', `${path}/applied`, custom('Valid', 'applied', spec.replace('foo1', 'foo2')), 200)
  assert.equal(at(applied, 'spec.foo'), 'foo2')
})

test('FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema', async () => {
  const path = await serve('opens', { type: 'object', 'x-kubernetes-preserve-unknown-fields': true })
  for (const [method, name] of [
    ['POST', 'created'],
    ['PATCH', 'applied'],
  ] as const) {
    const url = method === 'POST' ? path : `${path}/${name}`
    const made = await accepted(method, url, custom('Open', name, '"unknownRoot":1,"spec":{"unknownField":"foo"}'), 201)
    assert.deepEqual([made.unknownRoot, made.spec], [1, { unknownField: 'foo' }])
  }
})

test('FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema', async () => {
  const path = await serve('extras', schema)
  const body = custom('Extra', 'a', '"extraRoot":1,"spec":{"foo":"foo1","extraProperty":"arbitrary-value"}')
  await refused('PATCH', `${path}/a`, body.replace('"extraRoot":1,', ''), '.spec.extraProperty: field not declared in schema')
  await refused('PATCH', `${path}/a`, body, '.extraRoot: field not declared in schema')
  const problems = ['unknown field "extraRoot"', 'unknown field "spec.extraProperty"']
  await refused('POST', path, body, `strict decoding error: ${problems.join(', ')}`)
  await warned(path, body, ...problems)
})

test('FieldValidation should detect duplicates in a CR when preserving unknown fields', async () => {
  const path = await serve('twices', keepsUnknown)
  const body = custom('Twice', 'a', '"spec":{"unknown":"uk1","unknown":"uk2","foo":"foo1","foo":"foo2"}')
  const problems = ['duplicate field "spec.unknown"', 'duplicate field "spec.foo"']
  await refused('POST', path, body, `strict decoding error: ${problems.join(', ')}`)
  await warned(path, body, ...problems)
  const lines = ['spec:', '  unknown: uk1', '  unknown: uk2', '  foo: foo1', '  foo: foo2']
  const said = ['line 7: key "unknown" already set in map', 'line 9: key "foo" already set in map'].join('\n  ')
  await refused(
    'PATCH',
    `${path}/a`,
    customYaml('Twice', 'a', ...lines),
    `error strict decoding YAML: error converting YAML to JSON: yaml: unmarshal errors:\n  ${said}`,
  )
})

test('FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR', async () => {
  const template: JsonSchema = { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }
  const inner = '"spec":{"template":{"apiVersion":"foo/v1","kind":"Sub","metadata":{"name":"x","unknownSubMeta":"foo"}}}'
  const problems = ['unknown field "metadata.unknownMeta"', 'unknown field "spec.template.metadata.unknownSubMeta"']
  for (const [plural, more] of [
    ['embeds', {}],
    ['keepers', { 'x-kubernetes-preserve-unknown-fields': true }],
  ] as const) {
    const path = await serve(plural, { type: 'object', properties: { spec: { type: 'object', properties: { template } } }, ...more })
    const kind = plural === 'embeds' ? 'Embed' : 'Keeper'
    const body = `{"apiVersion":"valid.example.com/v1","kind":"${kind}","metadata":{"name":"a","unknownMeta":"foo"},${inner}}`
    await refused('POST', path, body, `strict decoding error: ${problems.join(', ')}`)
    await warned(path, body, ...problems)
    await refused(
      'PATCH',
      `${path}/a`,
      body,
      '.metadata.unknownMeta: field not declared in schema',
      '.spec.template.metadata.unknownSubMeta: field not declared in schema',
    )
  }
})
