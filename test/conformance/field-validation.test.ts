import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { JsonSchema } from '../../src/machinery/structural/json-schema.ts'
import { startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
after(() => conformance.close())
const { send, clock, collection } = conformance
const deployments = '/apis/apps/v1/namespaces/default/deployments'

/** A write with strict validation; the text goes as it is, with its duplicates. */
const strict = (method: string, url: string, body: string, type = 'application/json') =>
  send(method, `${url}?fieldValidation=Strict${method === 'PATCH' && type.includes('apply') ? '&fieldManager=test' : ''}`, { body, type })

async function refused(method: string, url: string, body: string, ...words: readonly RegExp[]): Promise<void> {
  const { code, text } = await strict(method, url, body, method === 'PATCH' ? 'application/apply-patch+yaml' : 'application/json')
  assert.equal(code, 400, text)
  for (const word of words) assert.match(text, word)
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
const deployment = (metadata: string, spec: string) =>
  `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"my-dep"${metadata}},"spec":{"selector":{"matchLabels":{"app":"nginx"}},"template":{"metadata":{"labels":{"app":"nginx"}},"spec":{"containers":[{"name":"nginx","image":"nginx"}]}}${spec}}}`

test('FieldValidation should detect unknown and duplicate fields of a typed object', () =>
  refused(
    'POST',
    deployments,
    deployment('', ',"unknownField":"foo","replicas":1,"replicas":2'),
    /unknown field \\"spec.unknownField\\"/,
    /duplicate field \\"spec.replicas\\"/,
  ))

test('FieldValidation should detect unknown metadata fields of a typed object', () =>
  refused('POST', deployments, deployment(',"unknownMeta":"foo"', ''), /unknown field \\"metadata.unknownMeta\\"/))

test('FieldValidation should create/apply a valid CR for CRD with validation schema', async () => {
  const path = await serve('valids', {
    type: 'object',
    properties: { spec: { type: 'object', properties: { foo: { type: 'string' }, cronSpec: { type: 'string' } } } },
  })
  const { code, text } = await strict(
    'PATCH',
    `${path}/a`,
    custom('Valid', 'a', '"spec":{"foo":"foo1","cronSpec":"* * * * */5"}'),
    'application/apply-patch+yaml',
  )
  assert.equal(code, 201, text)
})

test('FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema', async () => {
  const path = await serve('opens', { type: 'object', 'x-kubernetes-preserve-unknown-fields': true })
  const { code, text } = await strict(
    'PATCH',
    `${path}/a`,
    custom('Open', 'a', '"spec":{"unknownField":"foo"}'),
    'application/apply-patch+yaml',
  )
  assert.equal(code, 201, text)
})

test('FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema', async () => {
  const path = await serve('extras', { type: 'object', properties: { spec: { type: 'object', properties: { foo: { type: 'string' } } } } })
  const body = custom('Extra', 'a', '"spec":{"foo":"foo1","extraProperty":"arbitrary-value"}')
  await refused('PATCH', `${path}/a`, body, /extraProperty/)
  await refused('POST', path, body, /unknown field \\"spec.extraProperty\\"/)
})

test('FieldValidation should detect duplicates in a CR when preserving unknown fields', async () => {
  const path = await serve('twices', { type: 'object', 'x-kubernetes-preserve-unknown-fields': true })
  await refused(
    'POST',
    path,
    custom('Twice', 'a', '"spec":{"unknown":"uk1","unknown":"uk2","foo":"foo1"}'),
    /duplicate field \\"spec.unknown\\"/,
  )
})

test('FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR', async () => {
  const template: JsonSchema = { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true }
  const path = await serve('embeds', { type: 'object', properties: { spec: { type: 'object', properties: { template } } } })
  const inner = '"spec":{"template":{"apiVersion":"foo/v1","kind":"Sub","metadata":{"name":"x","unknownSubMeta":"foo"}}}'
  const body = `{"apiVersion":"valid.example.com/v1","kind":"Embed","metadata":{"name":"a","unknownMeta":"foo"},${inner}}`
  await refused('POST', path, body, /unknown field \\"metadata.unknownMeta\\"/, /unknown field \\"spec.template.metadata.unknownSubMeta\\"/)
})
