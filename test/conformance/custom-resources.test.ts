import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { at, type TestJson } from '../../src/apiserver/test-requests.ts'
import protobufFacts from '../../src/kinds/generated/protobuf.json' with { type: 'json' }
import type { JsonSchema } from '../../src/machinery/structural/json-schema.ts'
import { createProtobufCodec, type ProtobufFacts } from '../../src/machinery/wire/protobuf.ts'
import { namesOf, startConformanceApi } from './conformance-api.ts'
import { startWebhookServer } from './webhook-server.ts'

const conformance = await startConformanceApi()
const webhooks = await startWebhookServer()
after(async () => {
  await conformance.close()
  await webhooks.close()
})
const { send, clock, collection } = conformance
const definitions = collection('/apis/apiextensions.k8s.io/v1/customresourcedefinitions')

type Version = {
  readonly name: string
  readonly served?: boolean
  readonly storage?: boolean
  readonly schema?: JsonSchema
  readonly [more: string]: unknown
}
type Options = {
  readonly group?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly versions?: readonly Version[]
  readonly conversion?: object
}

const open: JsonSchema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }
const objectOf = (properties: Record<string, JsonSchema>): JsonSchema => ({ type: 'object', properties })

function definition(plural: string, { group = 'stable.example.com', labels = {}, versions = [{ name: 'v1' }], conversion }: Options = {}) {
  const kind = plural[0]!.toUpperCase() + plural.slice(1, -1)
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}`, labels },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind },
      versions: versions.map(({ schema = open, ...version }, i) => ({
        served: true,
        storage: i === 0,
        schema: { openAPIV3Schema: schema },
        ...version,
      })),
      ...(conversion ? { conversion } : {}),
    },
  }
}

/** Makes a definition, waits until it is served, and gives the collection of a version of it. */
async function serve(plural: string, options: Options = {}) {
  await definitions.create(definition(plural, options))
  await clock.settle()
  const group = options.group ?? 'stable.example.com'
  return (version: string) => collection(`/apis/${group}/${version}/namespaces/default/${plural}`)
}

test('CustomResourceDefinition Watch CustomResourceDefinition Watch watch on custom resource definition objects', async () => {
  const noxus = (await serve('noxus'))('v1')
  const watch = await noxus.watch()
  for (const name of ['a', 'b']) {
    await noxus.create({ metadata: { name } })
    assert.equal(at(await watch.until('ADDED', name), 'metadata.name'), name)
    await noxus.merge(name, { data: 'x' })
    assert.equal((await watch.until('MODIFIED', name)).data, 'x')
    await noxus.remove(name)
    await watch.until('DELETED', name)
  }
  watch.stop()
})

test('CustomResourceDefinition resources Simple CustomResourceDefinition creating/deleting custom resource definition objects works', async () => {
  await serve('randoms')
  const made = await definitions.get('randoms.stable.example.com')
  const conditions = at(made, 'status.conditions') as { type: string; status: string }[]
  assert.ok(conditions.some((c) => c.type === 'Established' && c.status === 'True'))
  await definitions.remove('randoms.stable.example.com')
  await clock.settle()
  await definitions.gone('randoms.stable.example.com')
})

test('CustomResourceDefinition resources Simple CustomResourceDefinition listing custom resource definition objects works', async () => {
  const labels = { 'e2e-list-test': 'yes' }
  for (let i = 0; i < 10; i++) await definitions.create(definition(`lists${i}s`, { labels }))
  await definitions.create(definition('unlabelleds'))
  await clock.settle()
  const query = 'labelSelector=e2e-list-test%3Dyes'
  assert.equal((await definitions.list(query)).length, 10)
  await definitions.removeAll(query)
  await clock.settle()
  assert.deepEqual(namesOf(await definitions.list(query)), [])
  assert.ok(await definitions.get('unlabelleds.stable.example.com'))
})

test('CustomResourceDefinition resources Simple CustomResourceDefinition getting/updating/patching custom resource definition status sub-resource works', async () => {
  await serve('statuses')
  const name = 'statuses.stable.example.com'
  const status = await definitions.get(`${name}/status`)
  assert.equal(at(status, 'metadata.name'), name)
  const condition = (type: string) => ({
    type,
    status: 'True',
    reason: 'E2E',
    message: 'Set from e2e test',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  })
  const conditions = [...(at(status, 'status.conditions') as object[]), condition('StatusUpdate')]
  await definitions.replace(`${name}/status`, { ...status, status: { ...(status.status as object), conditions } })
  await definitions.merge(`${name}/status`, { status: { conditions: [...conditions, condition('StatusPatch')] } })
  const types = (at(await definitions.get(name), 'status.conditions') as { type: string }[]).map((c) => c.type)
  assert.ok(types.includes('StatusUpdate') && types.includes('StatusPatch'), types.join())
})

test('CustomResourceDefinition resources should include custom resource definition resources in discovery documents', async () => {
  const get = async (path: string) => (await send('GET', path)).json
  const group = ((await get('/apis')).groups as TestJson[]).find((g) => g.name === 'apiextensions.k8s.io')
  assert.ok((group!.versions as TestJson[]).some((v) => v.groupVersion === 'apiextensions.k8s.io/v1'))
  const versions = (await get('/apis/apiextensions.k8s.io')).versions as TestJson[]
  assert.ok(versions.some((v) => v.version === 'v1'))
  const resources = (await get('/apis/apiextensions.k8s.io/v1')).resources as TestJson[]
  assert.ok(resources.some((r) => r.name === 'customresourcedefinitions'))
})

test('CustomResourceDefinition resources custom resource defaulting for requests and from storage works', async () => {
  const withDefaults = (a?: string, b?: string): JsonSchema =>
    objectOf({ a: { type: 'string', ...(a ? { default: a } : {}) }, b: { type: 'string', ...(b ? { default: b } : {}) } })
  const customs = (await serve('defaulteds', { versions: [{ name: 'v1', schema: withDefaults() }] }))('v1')
  const redefine = async (schema: JsonSchema) => {
    const { spec } = definition('defaulteds', { versions: [{ name: 'v1', schema }] })
    await definitions.merge('defaulteds.stable.example.com', { spec: { versions: spec.versions } })
    await clock.settle()
  }
  assert.equal((await customs.create({ metadata: { name: 'one' } })).a, undefined)
  await redefine(withDefaults('A'))
  assert.equal((await customs.get('one')).a, 'A')
  assert.equal((await customs.create({ metadata: { name: 'two' } })).a, 'A')
  await redefine(withDefaults(undefined, 'B'))
  const two = await customs.get('two')
  assert.deepEqual([two.a, two.b], ['A', 'B'])
})

test('CustomResourceFieldSelectors CustomResourceFieldSelectors MUST list and watch custom resources matching the field selector', async () => {
  const { url, caBundle } = webhooks.clientConfig((request) => {
    const { uid, desiredAPIVersion, objects } = request as unknown as { uid: string; desiredAPIVersion: string; objects: TestJson[] }
    const convertedObjects = objects.map((object) => convert(object, desiredAPIVersion))
    const response = { uid, convertedObjects, result: { status: 'Success' } }
    return { raw: { code: 200, body: JSON.stringify({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', response }) } }
  })
  const text: JsonSchema = { type: 'string' }
  const fields = (...names: string[]) => names.map((name) => ({ jsonPath: `.${name}` }))
  const version = await serve('selectables', {
    versions: [
      { name: 'v1', schema: objectOf({ hostPort: text }), selectableFields: fields('hostPort') },
      { name: 'v2', schema: objectOf({ host: text, port: text }), selectableFields: fields('host', 'port') },
    ],
    conversion: { strategy: 'Webhook', webhook: { clientConfig: { url, caBundle }, conversionReviewVersions: ['v1'] } },
  })
  const [v1, v2] = [version('v1'), version('v2')]
  const [watch1, watch2] = [await v1.watch('fieldSelector=hostPort%3Dhost1:80'), await v2.watch('fieldSelector=host%3Dhost1')]
  await v1.create({ metadata: { name: 'a' }, hostPort: 'host1:80' })
  await v1.create({ metadata: { name: 'b' }, hostPort: 'host1:8080' })
  await v2.create({ metadata: { name: 'c' }, host: 'host2', port: '80' })
  assert.deepEqual(namesOf(await v1.list('fieldSelector=hostPort%3Dhost1:80')), ['a'])
  assert.deepEqual(namesOf(await v2.list('fieldSelector=host%3Dhost1')), ['a', 'b'])
  assert.deepEqual(namesOf(await v2.list('fieldSelector=host%3Dhost1,port%3D80')), ['a'])
  assert.equal(at((await watch1.next()).object, 'metadata.name'), 'a')
  assert.deepEqual([at((await watch2.next()).object, 'host'), at((await watch2.next()).object, 'port')], ['host1', '8080'])
  await v2.merge('a', { host: 'host3' })
  await v1.remove('b')
  assert.equal((await watch1.next()).type, 'DELETED')
  assert.deepEqual([(await watch2.next()).type, (await watch2.next()).type], ['DELETED', 'DELETED'])
  // What comes to match by a change is new to who watches; a collection is deleted by field as well.
  await v2.merge('c', { host: 'host1' })
  for (const watch of [watch1, watch2]) assert.equal(at(await watch.until('ADDED', 'c'), 'metadata.name'), 'c')
  await v1.removeAll('fieldSelector=hostPort%3Dhost1:80')
  for (const watch of [watch1, watch2]) await watch.until('DELETED', 'c')
  assert.deepEqual(namesOf(await v1.list()), ['a'])
  assert.deepEqual(namesOf(await v2.list('fieldSelector=host%3Dhost1')), [])
  const refused = await send('GET', `${v1.path}?fieldSelector=host%3Dx`)
  assert.equal(refused.code, 400)
  watch1.stop()
  watch2.stop()
})

function convert(object: TestJson, apiVersion: string): object {
  const { hostPort, host, port, ...rest } = object as { hostPort?: string; host?: string; port?: string }
  const [h, p] = hostPort === undefined ? [host, port] : hostPort.split(':')
  return apiVersion.endsWith('/v2') ? { ...rest, apiVersion, host: h, port: p } : { ...rest, apiVersion, hostPort: `${h}:${p}` }
}

const published = async () => Object.keys((await send('GET', '/openapi/v2')).json.definitions as object)
const nameOf = (group: string, version: string, kind: string) => `${group.split('.').reverse().join('.')}.${version}.${kind}`

test('CustomResourcePublishOpenAPI works for multiple CRDs of different groups', async () => {
  await serve('foos', { group: 'one.example.com' })
  await serve('waldos', { group: 'two.example.com', versions: [{ name: 'v2beta1' }] })
  const names = await published()
  assert.ok(names.includes(nameOf('one.example.com', 'v1', 'Foo')))
  assert.ok(names.includes(nameOf('two.example.com', 'v2beta1', 'Waldo')))
})

test('CustomResourcePublishOpenAPI works for multiple CRDs of same group but different versions', async () => {
  await serve('manys', { group: 'multi.example.com', versions: [{ name: 'v2' }, { name: 'v3' }] })
  await serve('others', { group: 'multi.example.com', versions: [{ name: 'v4' }] })
  const names = await published()
  for (const [version, kind] of [
    ['v2', 'Many'],
    ['v3', 'Many'],
    ['v4', 'Other'],
  ] as const)
    assert.ok(names.includes(nameOf('multi.example.com', version, kind)))
})

test('CustomResourcePublishOpenAPI works for multiple CRDs of same group and version but different kinds', async () => {
  await serve('bars', { group: 'kinds.example.com', versions: [{ name: 'v6' }] })
  await serve('bazs', { group: 'kinds.example.com', versions: [{ name: 'v6' }] })
  const names = await published()
  for (const kind of ['Bar', 'Baz']) assert.ok(names.includes(nameOf('kinds.example.com', 'v6', kind)))
})

async function versionsNow(plural: string, group: string, versions: readonly Version[]): Promise<readonly string[]> {
  const { spec } = definition(plural, { group, versions })
  await definitions.merge(`${plural}.${group}`, { spec: { versions: spec.versions } })
  await clock.settle()
  return published()
}

test('CustomResourcePublishOpenAPI updates the published spec when one version gets renamed', async () => {
  const group = 'renamed.example.com'
  await serve('renames', { group, versions: [{ name: 'v2' }, { name: 'v3' }] })
  const before = await published()
  const names = await versionsNow('renames', group, [{ name: 'v2' }, { name: 'v4' }])
  const has = (list: readonly string[], version: string) => list.includes(nameOf(group, version, 'Rename'))
  assert.deepEqual([has(before, 'v3'), has(names, 'v3'), has(names, 'v4'), has(names, 'v2')], [true, false, true, true])
})

test('CustomResourcePublishOpenAPI removes definition from spec when one version gets changed to not be served', async () => {
  const group = 'stopped.example.com'
  await serve('stops', { group, versions: [{ name: 'v5' }, { name: 'v6alpha1' }] })
  const before = await published()
  const names = await versionsNow('stops', group, [{ name: 'v5' }, { name: 'v6alpha1', served: false }])
  const has = (list: readonly string[], version: string) => list.includes(nameOf(group, version, 'Stop'))
  assert.deepEqual([has(before, 'v6alpha1'), has(names, 'v6alpha1'), has(names, 'v5')], [true, false, true])
})

/** Go's typed client sends definitions as protobuf, with the zero value of every field that is no pointer. */
test('a schema that comes as protobuf is stored and published without the zeros that go with it, however deep it lies', async () => {
  const text = { type: 'string' }
  const schemas = (leaf: object) =>
    objectOf({ list: { type: 'array', items: leaf }, map: { type: 'object', additionalProperties: leaf }, one: leaf } as never)
  const zeros = { type: 'string', nullable: false, uniqueItems: false, title: '', 'x-kubernetes-embedded-resource': false }
  const sent = definition('binaries', { versions: [{ name: 'v1', schema: schemas(zeros) }] })
  const body = createProtobufCodec(protobufFacts as unknown as ProtobufFacts).encode(sent)
  const { code, text: answer } = await send('POST', definitions.path, { body, type: 'application/vnd.kubernetes.protobuf' })
  assert.equal(code, 201, answer)
  await clock.settle()
  const [version] = at(await definitions.get('binaries.stable.example.com'), 'spec.versions') as TestJson[]
  assert.deepEqual(at(version!, 'schema.openAPIV3Schema'), schemas(text))
  const shown = ((await send('GET', '/openapi/v2')).json.definitions as Record<string, TestJson>)['com.example.stable.v1.Binarie']!
  const own = Object.entries(shown.properties as object).filter(([name]) => !['apiVersion', 'kind', 'metadata'].includes(name))
  assert.deepEqual(Object.fromEntries(own), schemas(text).properties)
})

test('what a schema inside a schema has no field for is dropped without a word', async () => {
  const items = { type: 'string', unknown: 1, minLength: 0, nullable: false } as JsonSchema
  const body = definition('strangers', { versions: [{ name: 'v1', schema: objectOf({ list: { type: 'array', items } }) }] })
  const { code, text, json } = await send('POST', `${definitions.path}?fieldValidation=Strict`, { body })
  assert.equal(code, 201, text)
  const [version] = at(json, 'spec.versions') as TestJson[]
  assert.deepEqual(at(version!, 'schema.openAPIV3Schema.properties.list.items'), { type: 'string', minLength: 0 })
})
