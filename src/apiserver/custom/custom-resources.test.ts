import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { JsonSchema } from '../../machinery/structural/json-schema.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createTestApi } from '../test-api.ts'
import { at, rawRequest, sender, type TestResponse, typedSender } from '../test-requests.ts'

const clock = virtualClock()
const { api } = await createTestApi({ clock, random: seededRandom(7) })
after(() => api.close())
const send = typedSender(api, 'example.com')

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
const merge = 'application/merge-patch+json'
const text = { type: 'string' }

type Version = {
  readonly name: string
  readonly served?: boolean
  readonly storage?: boolean
  readonly schema?: JsonSchema
  readonly [field: string]: unknown
}

function definition(plural: string, versions: readonly Version[] = [{ name: 'v1' }], spec: object = {}) {
  const kind = plural.charAt(0).toUpperCase() + plural.slice(1, -1)
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, kind },
      versions: versions.map(({ schema, ...version }, i) => ({
        served: true,
        storage: i === 0,
        schema: { openAPIV3Schema: schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        ...version,
      })),
      ...spec,
    },
  }
}

/** Creates a definition and waits until it has been looked at. */
async function define(...args: Parameters<typeof definition>): Promise<TestResponse> {
  const made = await send('POST', definitions, { body: definition(...args) })
  assert.equal(made.code, 201, made.text)
  await clock.settle()
  return send('GET', `${definitions}/${args[0]}.example.com`)
}

async function change(plural: string, body: object): Promise<void> {
  const { code, text: why } = await send('PATCH', `${definitions}/${plural}.example.com`, { body, type: merge })
  assert.equal(code, 200, why)
  await clock.settle()
}

const path = (plural: string, version = 'v1') => `/apis/example.com/${version}/namespaces/default/${plural}`
const schemaOf = (properties: Record<string, JsonSchema>): JsonSchema => ({ type: 'object', properties })
const specOf = (properties: Record<string, JsonSchema>) => schemaOf({ spec: { type: 'object', properties } })

function conditionOf(response: TestResponse, type: string): unknown {
  const conditions = (at(response.json, 'status.conditions') ?? []) as { type: string; status: string; reason: string; message: string }[]
  const found = conditions.find((c) => c.type === type)
  return found && `${found.status} ${found.reason}: ${found.message}`
}

test('a definition is established with its names, and one whose names are taken is not', async () => {
  const made = await define('alphas', undefined, { names: { plural: 'alphas', kind: 'Alpha', shortNames: ['al'], categories: ['all'] } })
  assert.equal(conditionOf(made, 'NamesAccepted'), 'True NoConflicts: no conflicts found')
  assert.equal(conditionOf(made, 'Established'), 'True InitialNamesAccepted: the initial names have been accepted')
  assert.deepEqual(at(made.json, 'status.acceptedNames'), {
    categories: ['all'],
    kind: 'Alpha',
    listKind: 'AlphaList',
    plural: 'alphas',
    shortNames: ['al'],
    singular: 'alpha',
  })
  assert.deepEqual(at(made.json, 'status.storedVersions'), ['v1'])
  const second = await define('betas', undefined, { names: { plural: 'betas', kind: 'Beta', shortNames: ['al'] } })
  assert.equal(conditionOf(second, 'NamesAccepted'), 'False ShortNamesConflict: "al" is already in use')
  assert.equal(conditionOf(second, 'Established'), 'False NotAccepted: not all names are accepted')
  assert.equal((await send('GET', path('betas'))).code, 404)
  assert.equal((await send('DELETE', `${definitions}/alphas.example.com`)).code, 200)
  await clock.settle()
  // The names are free now.
  const later = await send('GET', `${definitions}/betas.example.com`)
  assert.equal(conditionOf(later, 'Established'), 'True InitialNamesAccepted: the initial names have been accepted')
  assert.equal((await send('GET', path('betas'))).code, 200)
  assert.equal((await send('GET', path('alphas'))).code, 404)
})

test('unknown fields are dropped with a warning or refused, whatever carries them', async () => {
  const embedded = {
    type: 'object',
    'x-kubernetes-embedded-resource': true,
    properties: { spec: schemaOf({ a: text }) },
  } satisfies JsonSchema
  await define('prunes', [{ name: 'v1', schema: specOf({ a: text, template: embedded }) }])
  const template = { apiVersion: 'v1', kind: 'K', metadata: { name: 'n', odd: 1 }, spec: { a: 'x', b: 1 } }
  const body = { metadata: { name: 'p', odd: 1 }, spec: { a: 'x', b: 1, template } }
  const expected = ['metadata.odd', 'spec.b', 'spec.template.spec.b', 'spec.template.metadata.odd'].map((f) => `unknown field "${f}"`)
  const strict = await send('POST', `${path('prunes')}?fieldValidation=Strict`, { body })
  assert.equal(strict.code, 400)
  assert.equal(strict.json.message, `Prune in version "v1" cannot be handled as a Prune: strict decoding error: ${expected.join(', ')}`)
  const made = await send('POST', path('prunes'), { body })
  assert.deepEqual(
    made.headers['warning'],
    expected.map((w) => `299 - ${JSON.stringify(w)}`),
  )
  const stored = { a: 'x', template: { apiVersion: 'v1', kind: 'K', metadata: { name: 'n' }, spec: { a: 'x' } } }
  assert.deepEqual(at(made.json, 'spec'), stored)
  const patched = await send('PATCH', `${path('prunes')}/p?fieldValidation=Strict`, { body: { spec: { c: 1 } }, type: merge })
  assert.equal(patched.code, 422)
  const apply = { apiVersion: 'example.com/v1', kind: 'Prune', metadata: { name: 'p' }, spec: { c: 1 } }
  const applied = await send('PATCH', `${path('prunes')}/p?fieldManager=m&fieldValidation=Strict`, {
    body: apply,
    type: 'application/apply-patch+yaml',
  })
  assert.match(String(applied.json.message), /\.spec\.c: field not declared in schema$/)
  const twice = await send('POST', `${path('prunes')}?fieldValidation=Strict`, {
    body: '{"apiVersion":"example.com/v1","kind":"Prune","metadata":{"name":"d"},"spec":{"a":"x","a":"y","z":1}}',
  })
  assert.match(String(twice.json.message), /strict decoding error: duplicate field "spec\.a", unknown field "spec\.z"$/)
  const yaml = 'apiVersion: example.com/v1\nkind: Prune\nmetadata:\n  name: d\nspec:\n  a: x\n  a: y\n'
  const said = await send('POST', `${path('prunes')}?fieldValidation=Strict`, { body: yaml, type: 'application/yaml' })
  assert.match(String(said.json.message), /strict decoding error: yaml: unmarshal errors:\n {2}line 7: key "a" already set in map$/)
  const typed = await send('POST', path('prunes'), { body: { metadata: { name: 'q', labels: 'x' } } })
  assert.equal(typed.code, 400)
})

test('values are judged by the schema on every way in', async () => {
  await define('judges', [
    {
      name: 'v1',
      subresources: { status: {} },
      schema: schemaOf({ spec: specOf({}).properties!['spec']!, status: schemaOf({ n: { type: 'integer' } }) }),
    },
  ])
  await change('judges', {
    spec: {
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: schemaOf({
              spec: { ...schemaOf({ n: { type: 'integer', maximum: 3 } }), required: ['n'] },
              status: schemaOf({ n: { type: 'integer' } }),
            }),
          },
        },
      ],
    },
  })
  const refused = await send('POST', path('judges'), { body: { metadata: { name: 'j' }, spec: { n: 'x' } } })
  assert.equal(refused.code, 422)
  assert.equal(
    refused.json.message,
    'Judge.example.com "j" is invalid: spec.n: Invalid value: "string": spec.n in body must be of type integer: "string"',
  )
  assert.equal((await send('POST', path('judges'), { body: { metadata: { name: 'j' }, spec: { n: 1 }, status: { n: 9 } } })).code, 201)
  const put = await send('PUT', `${path('judges')}/j`, { body: { metadata: { name: 'j' }, spec: { n: 2 } } })
  assert.match(String(put.json.message), /metadata.resourceVersion: Invalid value: 0: must be specified for an update/)
  assert.equal((await send('PATCH', `${path('judges')}/j`, { body: { spec: { n: 4 } }, type: merge })).code, 422)
  const status = await send('PATCH', `${path('judges')}/j/status`, { body: { status: { n: 'x' }, spec: { n: 3 } }, type: merge })
  assert.match(String(status.json.message), /status.n: Invalid value: "string": n in body must be of type integer/)
  assert.equal((await send('PATCH', `${path('judges')}/j`, { body: {}, type: 'application/strategic-merge-patch+json' })).code, 415)
})

test('the generation counts changes of what is not status', async () => {
  const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } as const
  const scale = { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas', labelSelectorPath: '.status.selector' }
  await define('counts', [{ name: 'v1', subresources: { status: {}, scale }, schema: open }])
  await define('plains', [{ name: 'v1', schema: open }])
  const steps = async (plural: string) => {
    const generations: unknown[] = []
    const note = (response: TestResponse) => generations.push(at(response.json, 'metadata.generation'))
    const body = { metadata: { name: 'c' }, spec: { replicas: 1 }, status: { a: 1 } }
    note(await send('POST', path(plural), { body }))
    for (const patch of [{ metadata: { labels: { a: 'b' } } }, { status: { a: 2 } }, { spec: { replicas: 2 } }])
      note(await send('PATCH', `${path(plural)}/c`, { body: patch, type: merge }))
    return generations
  }
  assert.deepEqual(await steps('counts'), [1, 1, 1, 2])
  assert.deepEqual(await steps('plains'), [1, 1, 2, 3])
  assert.equal((await send('GET', `${path('plains')}/c/status`)).code, 404)
  const status = await send('PATCH', `${path('counts')}/c/status`, {
    body: { metadata: { labels: { x: 'y' } }, spec: { replicas: 9 }, status: { replicas: 2, selector: 'a=b' } },
    type: merge,
  })
  assert.deepEqual(at(status.json, 'status'), { replicas: 2, selector: 'a=b' })
  assert.equal(at(status.json, 'spec.replicas'), 2)
  assert.equal(at(status.json, 'metadata.labels.x'), undefined)
  const scaled = await send('PATCH', `${path('counts')}/c/scale`, { body: { spec: { replicas: 5 } }, type: merge })
  assert.deepEqual([at(scaled.json, 'spec.replicas'), at(scaled.json, 'status')], [5, { replicas: 2, selector: 'a=b' }])
  assert.equal(at((await send('GET', `${path('counts')}/c`)).json, 'metadata.generation'), 3)
})

test('defaults hold for requests and for what was stored before them', async () => {
  await define('fills', [{ name: 'v1', schema: specOf({ a: text, b: text }) }])
  await send('POST', path('fills'), { body: { metadata: { name: 'old' }, spec: {} } })
  const withDefault = (field: string) => ({
    spec: {
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: specOf({ a: text, b: text, [field]: { ...text, default: field } }) },
        },
      ],
    },
  })
  await change('fills', withDefault('a'))
  const read = async (name: string) => at((await send('GET', `${path('fills')}/${name}`)).json, 'spec')
  assert.deepEqual(await read('old'), { a: 'a' })
  assert.deepEqual(at((await send('GET', path('fills'))).json, 'items.0.spec'), { a: 'a' })
  await send('POST', path('fills'), { body: { metadata: { name: 'new' }, spec: {} } })
  await change('fills', withDefault('b'))
  assert.deepEqual(await read('new'), { a: 'a', b: 'b' })
  assert.deepEqual(await read('old'), { b: 'b' })
})

test('versions share their objects, and say so when they are old', async () => {
  const v1 = { name: 'v1', schema: specOf({ a: text }), deprecated: true }
  const v2 = { name: 'v2', schema: specOf({ a: text, b: { ...text, default: 'two' } }) }
  await define('sharers', [v1, v2])
  const made = await send('POST', path('sharers'), { body: { metadata: { name: 's' }, spec: { a: 'x' } } })
  assert.equal(made.headers['warning'], '299 - "example.com/v1 Sharer is deprecated; use example.com/v2 Sharer"')
  const newer = await send('GET', `${path('sharers', 'v2')}/s`)
  assert.equal(newer.json.apiVersion, 'example.com/v2')
  // What was stored of the older version got its defaults alone, as upstream.
  assert.deepEqual(at(newer.json, 'spec'), { a: 'x' })
  await change(
    'sharers',
    definition('sharers', [
      { ...v1, storage: false },
      { ...v2, storage: true },
    ]),
  )
  const after = await send('GET', `${definitions}/sharers.example.com`)
  assert.deepEqual(at(after.json, 'status.storedVersions'), ['v1', 'v2'])
  assert.equal((await send('GET', `${path('sharers')}/s`)).json.apiVersion, 'example.com/v1')
  const list = await send('GET', path('sharers', 'v2'))
  assert.equal(at(list.json, 'items.0.apiVersion'), 'example.com/v2')
  await change(
    'sharers',
    definition('sharers', [
      { ...v1, storage: false, served: false },
      { ...v2, storage: true },
    ]),
  )
  assert.equal((await send('GET', `${path('sharers')}/s`)).code, 404)
  assert.equal((await send('GET', `${path('sharers', 'v2')}/s`)).code, 200)
})

test('tables show the columns of the definition', async () => {
  const additionalPrinterColumns = [
    { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status', description: 'Whether it is.' },
    { name: 'N', type: 'integer', jsonPath: '.spec.n', priority: 1 },
    { name: 'List', type: 'string', jsonPath: '.spec.list' },
    { name: 'Made', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  ]
  await define('tables', [{ name: 'v1', additionalPrinterColumns }])
  const body = { metadata: { name: 't' }, spec: { n: 3, list: ['a'] }, status: { conditions: [{ type: 'Ready', status: 'True' }] } }
  await send('POST', path('tables'), { body })
  await send('POST', path('tables'), { body: { metadata: { name: 'u' }, spec: { n: 'x' } } })
  const table = await send('GET', path('tables'), { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' })
  const columns = table.json.columnDefinitions as { name: string; priority: number }[]
  assert.deepEqual(
    columns.map(({ name, priority }) => `${name} ${priority}`),
    ['Name 0', 'Ready 0', 'N 1', 'List 0', 'Made 0'],
  )
  assert.deepEqual(
    (table.json.rows as { cells: unknown[] }[]).map(({ cells }) => cells),
    [
      ['t', 'True', 3, '["a"]', '0s'],
      ['u', null, null, null, '0s'],
    ],
  )
})

test('discovery and OpenAPI follow at once, each with a tag of its own', async () => {
  const tags = async () => Promise.all(['/apis', '/openapi/v2', '/openapi/v3'].map(async (p) => (await send('GET', p)).headers['etag']))
  const before = await tags()
  const schema = { ...specOf({ n: { type: 'integer', description: 'How many.' } }), description: 'A shown thing.' }
  await define('shows', [{ name: 'v3', schema }])
  const now = await tags()
  for (const [i, tag] of now.entries()) assert.notEqual(tag, before[i])
  const list = await send('GET', '/apis/example.com/v3')
  assert.deepEqual(at(list.json, 'resources.0.kind'), 'Show')
  const v2 = (await send('GET', '/openapi/v2')).json
  const published = (v2.definitions as Record<string, { description: string; properties: { spec: object } }>)['com.example.v3.Show']!
  assert.equal(published.description, 'A shown thing.')
  assert.deepEqual(published.properties.spec, { type: 'object', properties: { n: { type: 'integer', description: 'How many.' } } })
  assert.ok(at(v2, 'paths')!['/apis/example.com/v3/namespaces/{namespace}/shows' as unknown as keyof object])
  assert.ok((v2.definitions as Record<string, object>)['io.k8s.api.core.v1.Pod'])
  const v3 = (await send('GET', '/openapi/v3/apis/example.com/v3')).json
  const schemas = at(v3, 'components.schemas') as Record<string, { 'x-kubernetes-group-version-kind': object[] }>
  assert.deepEqual(schemas['com.example.v3.Show']?.['x-kubernetes-group-version-kind'], [
    { group: 'example.com', version: 'v3', kind: 'Show' },
  ])
  await change(
    'shows',
    definition('shows', [
      { name: 'v4', schema },
      { name: 'v3', schema, served: false },
    ]),
  )
  assert.equal((await send('GET', '/openapi/v3/apis/example.com/v3')).code, 404)
  const renamed = (await send('GET', '/openapi/v2')).json.definitions as Record<string, object>
  assert.deepEqual([renamed['com.example.v3.Show'] !== undefined, renamed['com.example.v4.Show'] !== undefined], [false, true])
})

test('OpenAPI v2 shows what its clients can cope with', async () => {
  const check = async (plural: string, field: JsonSchema, expected: JsonSchema) => {
    await define(plural, [
      { name: 'v1', schema: { type: 'object', properties: { spec: { type: 'object', required: ['f'], properties: { f: field } } } } },
    ])
    const { definitions: published } = (await send('GET', '/openapi/v2')).json as {
      definitions: Record<string, { properties: { spec: JsonSchema } }>
    }
    const kind = plural.charAt(0).toUpperCase() + plural.slice(1, -1)
    assert.deepEqual(published[`com.example.v1.${kind}`]?.properties.spec, expected)
    const { code } = await send('DELETE', `${definitions}/${plural}.example.com`)
    assert.equal(code, 200)
  }
  const spec = (f: JsonSchema, required = true): JsonSchema => ({
    type: 'object',
    ...(required ? { required: ['f'] } : {}),
    properties: { f },
  })
  await check('aas', { ...text, anyOf: [{ pattern: 'a' }] }, spec(text))
  await check('abs', { ...text, nullable: true, description: 'D' }, spec({ description: 'D' }, false))
  const open = { 'x-kubernetes-preserve-unknown-fields': true } as const
  await check('acs', { ...open, type: 'object', properties: { a: text } }, spec(open))
  await define('roots')
  const { definitions: all } = (await send('GET', '/openapi/v2')).json as { definitions: Record<string, object> }
  assert.deepEqual(all['com.example.v1.Root'], {
    type: 'object',
    'x-kubernetes-group-version-kind': [{ group: 'example.com', version: 'v1', kind: 'Root' }],
  })
  await check('ads', { 'x-kubernetes-int-or-string': true }, spec({ 'x-kubernetes-int-or-string': true }))
})

test('fields that the definition names can be selected by, in lists, watches and collections', async () => {
  const schema = specOf({ color: text })
  await define('picks', [{ name: 'v1', schema, selectableFields: [{ jsonPath: '.spec.color' }] }])
  for (const [name, color] of [
    ['a', 'red'],
    ['b', 'blue'],
    ['c', 'red'],
  ])
    await send('POST', path('picks'), { body: { metadata: { name }, spec: { color } } })
  const query = 'fieldSelector=spec.color%3Dred'
  const names = async (p: string) => ((await send('GET', p)).json.items as { metadata: { name: string } }[]).map((i) => i.metadata.name)
  assert.deepEqual(await names(`${path('picks')}?${query}`), ['a', 'c'])
  const other = await send('GET', `${path('picks')}?fieldSelector=spec.size%3D1`)
  assert.deepEqual([other.code, other.json.message], [400, 'field label not supported: spec.size'])
  assert.equal((await send('DELETE', `${path('picks')}?${query}`)).code, 200)
  assert.deepEqual(await names(path('picks')), ['b'])
})

test('lists that are maps are applied by their keys', async () => {
  const items = { ...schemaOf({ name: text, v: text }), required: ['name'] }
  const list = { type: 'array', items, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] }
  await define('merges', [{ name: 'v1', schema: specOf({ list, whole: { type: 'array', items: text } }) }])
  const apply = (manager: string, spec: object, query = '') =>
    send('PATCH', `${path('merges')}/m?fieldManager=${manager}${query}`, {
      body: { apiVersion: 'example.com/v1', kind: 'Merge', metadata: { name: 'm' }, spec },
      type: 'application/apply-patch+yaml',
    })
  assert.equal((await apply('one', { list: [{ name: 'a', v: '1' }], whole: ['x'] })).code, 201)
  const second = await apply('two', { list: [{ name: 'b', v: '2' }] })
  assert.deepEqual(at(second.json, 'spec.list'), [
    { name: 'a', v: '1' },
    { name: 'b', v: '2' },
  ])
  const conflict = await apply('two', { list: [{ name: 'a', v: '3' }] })
  assert.equal(conflict.json.message, 'Apply failed with 1 conflict: conflict with "one": .spec.list[name="a"].v')
  assert.equal((await apply('two', { whole: ['y'] })).code, 409)
  const forced = await apply('two', { whole: ['y'] }, '&force=true')
  assert.deepEqual(at(forced.json, 'spec'), { list: [{ name: 'a', v: '1' }], whole: ['y'] })
})

test('a watch shows what is served, and ends with its kind', async () => {
  await define('seens', [{ name: 'v1', schema: specOf({ a: { ...text, default: 'd' } }) }])
  const response = await rawRequest(api, 'GET', `${path('seens')}?watch=true`)
  const reading = (async () => {
    let frames = ''
    for await (const block of response.body as AsyncIterable<Uint8Array>) frames += Buffer.from(block).toString()
    return frames
  })()
  await send('POST', path('seens'), { body: { metadata: { name: 's' }, spec: {} } })
  await send('DELETE', `${definitions}/seens.example.com`)
  await clock.advance(1_000)
  const events = (await reading)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as TestResponse['json'])
  assert.deepEqual(
    events.map((event) => [event.type, at(event, 'object.spec.a')]),
    [
      ['ADDED', 'd'],
      ['DELETED', 'd'],
    ],
  )
})

test('definitions that promise what is not so are refused or warned of', async () => {
  const check = async (plural: string, version: Version, expected: RegExp, spec: object = {}) => {
    const { code, json } = await send('POST', definitions, { body: definition(plural, [version], spec) })
    assert.equal(code, 422)
    assert.match(String(json.message), expected)
  }
  await check(
    'bads',
    { name: 'v1', schema: schemaOf({ spec: {} }) },
    /spec\.validation\.openAPIV3Schema\.properties\[spec\]\.type: Required value: must not be empty for specified object fields/,
  )
  await check('bads', { name: 'v1', selectableFields: [{ jsonPath: '.spec.x' }] }, /does not refer to a valid field/)
  await check(
    'bads',
    { name: 'v1', additionalPrinterColumns: [{ name: 'x', type: 'string', jsonPath: 'a' }] },
    /must be a simple json path starting with \./,
  )
  await check(
    'bads',
    { name: 'v1', subresources: { scale: { specReplicasPath: '.x', statusReplicasPath: '.status.r' } } },
    /spec\.subresources\.scale\.specReplicasPath: Invalid value: "\.x": should be a json path under \.spec/,
  )
  await check(
    'bads',
    { name: 'v1', additionalPrinterColumns: [{ name: 'x', type: 'string', format: 'f', jsonPath: '.a' }] },
    /spec\.additionalPrinterColumns\[0\]\.format: Invalid value: "f": must be one of byte,date,date-time,double,float,int32,int64,password/,
  )
  await check(
    'bads',
    { name: 'v1', subresources: { status: {} }, schema: { ...specOf({ a: text }), anyOf: [{ required: ['spec'] }] } },
    /only \[Description Type .* XValidations\] fields are allowed at the root of the schema if the status subresource is enabled/,
  )
  await check(
    'bads',
    { name: 'v1', deprecated: true, deprecationWarning: '' },
    /deprecationWarning: Invalid value: "": must not be an empty string/,
  )
  const conversion = { strategy: 'Webhook', webhook: { conversionReviewVersions: ['v3', 'v3'] } }
  await check(
    'bads',
    { name: 'v1' },
    /spec\.conversion\.webhookClientConfig: Required value: required when strategy is set to Webhook.*conversionReviewVersions\[1\]: Invalid value: "v3": duplicate version.*must include at least one of v1, v1beta1/s,
    { conversion },
  )
  const odd = { name: 'v1', schema: specOf({ a: { ...text, format: 'shoe-size' }, b: { ...text, format: 'date-time' } }) }
  const warned = await send('POST', definitions, { body: definition('odds', [odd]) })
  assert.match(JSON.stringify(warned.headers), /unrecognized format \\+"shoe-size/)
  const wrong = { ...specOf({ a: text }), 'x-kubernetes-validations': [{ rule: 'self.spec.b == "x"' }] }
  await check(
    'bads',
    { name: 'v1', schema: wrong },
    /x-kubernetes-validations\[0\]\.rule: .*compilation failed: ERROR: .*undefined field 'b'/s,
  )
})

test('a column whose path is none leaves the age alone', async () => {
  await define('columners', [{ name: 'v1', additionalPrinterColumns: [{ name: 'x', type: 'string', jsonPath: '.a[' }] }])
  const { json } = await send('GET', path('columners'), { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  const columns = at(json, 'columnDefinitions') as { name: string }[]
  assert.deepEqual(
    columns.map(({ name }) => name),
    ['Name', 'Age'],
  )
})

test('a group of the community needs its word, and says whether it has it', async () => {
  const body = (annotations: object) => ({
    ...definition('gates', undefined, { group: 'gates.k8s.io' }),
    metadata: { name: 'gates.gates.k8s.io', annotations },
  })
  const approved = 'api-approved.kubernetes.io'
  const missing = await send('POST', definitions, { body: body({}) })
  assert.match(
    String(missing.json.message),
    /metadata\.annotations\[api-approved\.kubernetes\.io\]: Required value: protected groups must have approval/,
  )
  const wrong = await send('POST', definitions, { body: body({ [approved]: 'yes' }) })
  assert.match(String(wrong.json.message), /with either a URL or a reason starting with "unapproved"/)
  assert.equal((await send('POST', definitions, { body: body({ [approved]: 'unapproved, a test' }) })).code, 201)
  await clock.settle()
  const read = () => send('GET', `${definitions}/gates.gates.k8s.io`)
  assert.equal(
    conditionOf(await read(), 'KubernetesAPIApprovalPolicyConformant'),
    'False UnapprovedAnnotation: not approved: "unapproved, a test"',
  )
  const url = 'https://github.com/kubernetes/kubernetes/pull/1'
  await send('PATCH', `${definitions}/gates.gates.k8s.io`, { body: { metadata: { annotations: { [approved]: url } } }, type: merge })
  await clock.settle()
  assert.equal(conditionOf(await read(), 'KubernetesAPIApprovalPolicyConformant'), `True ApprovedAnnotation: approved in ${url}`)
})

test('a version that was stored stays until whoever migrates says that nothing is stored in it', async () => {
  await define('olds', [{ name: 'v1' }, { name: 'v2' }])
  await send('POST', path('olds'), { body: { metadata: { name: 'a' }, size: 1 } })
  await change('olds', { spec: { versions: definition('olds', [{ name: 'v2' }, { name: 'v1', storage: false }]).spec.versions } })
  const versions = definition('olds', [{ name: 'v2' }]).spec.versions
  const url = `${definitions}/olds.example.com`
  const early = await send('PATCH', url, { body: { spec: { versions } }, type: merge })
  assert.match(
    String(early.json.message),
    /status\.storedVersions\[0\]: Invalid value: "v1": missing from spec\.versions; v1 was previously/,
  )
  const before = (await send('GET', `${path('olds', 'v2')}/a`)).json
  // Putting an object back as it is rewrites it in the version that is stored now, and only once.
  const replace = async () => at((await send('PUT', `${path('olds', 'v2')}/a`, { body: before })).json, 'metadata.resourceVersion')
  const rewritten = await replace()
  assert.notEqual(rewritten, at(before, 'metadata.resourceVersion'))
  assert.equal(
    at(
      (await send('PUT', `${path('olds', 'v2')}/a`, { body: (await send('GET', `${path('olds', 'v2')}/a`)).json })).json,
      'metadata.resourceVersion',
    ),
    rewritten,
  )
  const status = await send('PATCH', `${url}/status`, { body: { status: { storedVersions: ['v2'] } }, type: merge })
  assert.equal(status.code, 200, status.text)
  await change('olds', { spec: { versions } })
  assert.deepEqual(at((await send('GET', url)).json, 'status.storedVersions'), ['v2'])
  assert.equal((await send('GET', `${path('olds', 'v2')}/a`)).json['size'], 1)
  assert.equal((await send('GET', `${path('olds', 'v1')}/a`)).code, 404)
})

test('appliers of different versions own the same fields', async () => {
  await define('shareds', [{ name: 'v1' }, { name: 'v2' }])
  const apply = (version: string, manager: string, body: object) =>
    send('PATCH', `${path('shareds', version)}/a?fieldManager=${manager}`, {
      body: { apiVersion: `example.com/${version}`, kind: 'Shared', metadata: { name: 'a' }, ...body },
      type: 'application/apply-patch+yaml',
    })
  assert.equal((await apply('v1', 'one', { size: 1, only: 'one' })).code, 201)
  const conflict = await apply('v2', 'two', { size: 2 })
  assert.deepEqual([conflict.code, conflict.json.message], [409, 'Apply failed with 1 conflict: conflict with "one": .size'])
  assert.equal((await apply('v2', 'two', { size: 1, more: true })).code, 200)
  const left = await apply('v1', 'one', { only: 'one' })
  assert.deepEqual([left.json['size'], left.json['more'], left.json['only']], [1, true, 'one'])
})

test('rules in CEL judge what is written, and only what an update changes', async () => {
  const spec: JsonSchema = {
    type: 'object',
    properties: {
      replicas: { type: 'integer', maximum: 100 },
      maxReplicas: { type: 'integer' },
      mode: { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'mode is immutable' }] },
    },
    'x-kubernetes-validations': [
      {
        rule: '!has(self.maxReplicas) || self.replicas <= self.maxReplicas',
        messageExpression: "'replicas must be at most %d'.format([self.maxReplicas])",
        fieldPath: '.replicas',
        reason: 'FieldValueForbidden',
      },
    ],
  }
  await define('ruleds', [{ name: 'v1', schema: schemaOf({ spec }) }])
  const put = (name: string, body: object) => send('POST', path('ruleds'), { body: { metadata: { name }, spec: body } })
  const change = (name: string, body: object) => send('PATCH', `${path('ruleds')}/${name}`, { body: { spec: body }, type: merge })
  assert.equal((await put('a', { replicas: 1, maxReplicas: 2, mode: 'x' })).code, 201)
  const refused = await put('b', { replicas: 3, maxReplicas: 2 })
  assert.deepEqual(
    [refused.code, refused.json.message],
    [422, 'Ruled.example.com "b" is invalid: spec.replicas: Forbidden: replicas must be at most 2'],
  )
  const mode = await change('a', { mode: 'y' })
  assert.equal(mode.json.message, 'Ruled.example.com "a" is invalid: spec.mode: Invalid value: "y": mode is immutable')
  const typed = await put('c', { replicas: 'x', maxReplicas: 2 })
  assert.match(String(typed.json.message), /some validation rules were not checked because the object was invalid/)
  assert.equal((await put('d', { replicas: 3 })).code, 201)
  assert.equal((await change('d', { maxReplicas: 3 })).code, 200)
})

test('a server that starts serves what is stored before it answers', async () => {
  const store = createMemoryStore()
  const first = await createTestApi({ clock, random: seededRandom(1), store })
  const made = await sender(first.api)('POST', definitions, { body: definition('keeps') })
  assert.equal(made.code, 201)
  await first.api.close()
  const second = await createTestApi({ clock, random: seededRandom(2), store })
  assert.equal((await typedSender(second.api, 'example.com')('POST', path('keeps'), { body: { metadata: { name: 'k' } } })).code, 201)
  await second.api.close()
  await store.close()
})
