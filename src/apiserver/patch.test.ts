import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createTestApi } from './test-api.ts'
import { at, type SendOptions, sender, type TestJson } from './test-requests.ts'

const clock = virtualClock()
const { api } = await createTestApi({ clock, random: seededRandom(11) })
after(() => api.close())
const send = sender(api)

const types = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const
const deployments = '/apis/apps/v1/namespaces/default/deployments'
const deployment = (name: string) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, labels: { a: '1' } },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: {
        containers: [
          { name: 'main', image: 'i:1' },
          { name: 'side', image: 's:1' },
        ],
      },
    },
  },
})

async function patch(type: keyof typeof types, url: string, body: unknown, options: SendOptions = {}) {
  return send('PATCH', url, { ...options, body, type: types[type] })
}

const made = await send('POST', deployments, { body: deployment('d') })
assert.equal(made.code, 201, made.text)
const url = `${deployments}/d`
const version = (json: TestJson) => at(json, 'metadata.resourceVersion')

/** Each case starts from what the one before left. */
function check(
  title: string,
  [type, body]: readonly [keyof typeof types, unknown],
  expected: { code?: number; message?: RegExp; values?: Readonly<Record<string, unknown>> },
) {
  test(title, async () => {
    const { code, json, text } = await patch(type, url, body)
    assert.equal(code, expected.code ?? 200, text)
    if (expected.message) assert.match(String(json.message), expected.message)
    for (const [path, value] of Object.entries(expected.values ?? {})) assert.deepEqual(at(json, path), value, path)
  })
}

check('a merge patch merges and null removes', ['merge', { metadata: { labels: { a: null, b: '2' } } }], {
  values: { 'metadata.labels': { b: '2' }, 'metadata.generation': 1 },
})
check('a spec change counts the generation', ['merge', { spec: { replicas: 3 } }], {
  values: { 'spec.replicas': 3, 'metadata.generation': 2 },
})
check(
  'a strategic patch merges a list by its key',
  ['strategic', { spec: { template: { spec: { containers: [{ name: 'side', image: 's:2' }] } } } }],
  {
    values: { 'spec.template.spec.containers.0.image': 'i:1', 'spec.template.spec.containers.1.image': 's:2' },
  },
)
check(
  'a JSON patch tests and replaces',
  [
    'json',
    [
      { op: 'test', path: '/spec/replicas', value: 3 },
      { op: 'replace', path: '/spec/replicas', value: 4 },
    ],
  ],
  { values: { 'spec.replicas': 4 } },
)
check(
  'a JSON patch whose test fails changes nothing',
  [
    'json',
    [
      { op: 'replace', path: '/spec/replicas', value: 9 },
      { op: 'test', path: '/spec/replicas', value: 3 },
    ],
  ],
  { code: 422 },
)
check('a patch that is no list of operations', ['json', { op: 'x' }], { code: 400 })
check('a merge patch that is a list', ['merge', [1]], { code: 400 })
check('a patch of another name', ['merge', { metadata: { name: 'e' } }], {
  code: 400,
  message: /the name of the object \(e\) does not match the name on the URL \(d\)/,
})
check('a patch of the uid', ['merge', { metadata: { uid: 'x' } }], {
  code: 422,
  message: /metadata.uid: Invalid value: "x": field is immutable/,
})
check('a patch that names a stale version', ['merge', { metadata: { resourceVersion: '1' } }], { code: 409 })
check('a patch of the kind', ['merge', { kind: 'Pod' }], { code: 422, message: /no kind \\?"Pod\\?" is registered/ })
check('a patch of a wrong type', ['merge', { spec: { replicas: 'many' } }], {
  code: 422,
  message: /cannot unmarshal string into Go struct field/,
})
check('a patch to an invalid object', ['merge', { spec: { replicas: -1 } }], { code: 422, message: /spec\.replicas: Invalid value: -1/ })
check('a patch of what may not change', ['merge', { spec: { selector: { matchLabels: { app: 'x' } } } }], { code: 422 })
check('metadata taken away', ['merge', { metadata: null }], { code: 400, message: /name must be provided/ })

test('a patch that changes nothing is not written', async () => {
  const before = (await send('GET', url)).json
  await clock.advance(5_000)
  const { json } = await patch('merge', url, { spec: { replicas: at(before, 'spec.replicas') } })
  assert.equal(version(json), version(before))
  const put = await send('PUT', url, { body: before })
  assert.equal(version(put.json), version(before))
})

test('a status patch leaves the spec, a spec patch the status', async () => {
  const { json } = await patch('merge', `${url}/status`, { spec: { replicas: 77 }, status: { replicas: 5 } })
  assert.equal(at(json, 'status.replicas'), 5)
  assert.notEqual(at(json, 'spec.replicas'), 77)
  const back = await patch('merge', url, { status: { replicas: 6 } })
  assert.equal(at(back.json, 'status.replicas'), 5)
})

test('a patch of a missing object is 404', async () => assert.equal((await patch('merge', `${deployments}/none`, {})).code, 404))

const config = (data: Record<string, string>, name = 'applied') => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })
const configMap = '/api/v1/namespaces/default/configmaps/applied'

test('server-side apply creates, takes no foreign field without force, and removes what it no longer names', async () => {
  const created = await patch('apply', `${configMap}?fieldManager=one`, config({ a: '1', b: '1' }))
  assert.equal(created.code, 201, created.text)
  assert.equal(at(created.json, 'metadata.managedFields.0.operation'), 'Apply')
  const again = await patch('apply', `${configMap}?fieldManager=one`, config({ a: '1', b: '1' }))
  assert.equal(again.code, 200)
  assert.equal(version(again.json), version(created.json), 'nothing changed')
  const conflict = await patch('apply', `${configMap}?fieldManager=two`, config({ a: '2' }))
  assert.equal(conflict.code, 409)
  assert.equal(conflict.json.message, 'Apply failed with 1 conflict: conflict with "one": .data.a')
  assert.equal(at(conflict.json, 'details.causes.0.reason'), 'FieldManagerConflict')
  const forced = await patch('apply', `${configMap}?fieldManager=two&force=true`, config({ a: '2' }))
  assert.deepEqual(forced.json.data, { a: '2', b: '1' })
  const less = await patch('apply', `${configMap}?fieldManager=one`, config({ c: '3' }))
  assert.deepEqual(less.json.data, { a: '2', c: '3' })
})

test('apply takes YAML, and JSON under the name of YAML', async () => {
  const yaml = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  k: v\n'
  const { code, json } = await patch('apply', '/api/v1/namespaces/default/configmaps/yaml?fieldManager=m', yaml)
  assert.equal(code, 201)
  assert.deepEqual(json.data, { k: 'v' })
})

const refusals: readonly (readonly [title: string, query: string, body: unknown, code: number, message: RegExp])[] = [
  ['without a manager', '', config({}), 422, /fieldManager: Required value: is required for apply patch/],
  ['of another kind', '?fieldManager=m', { ...config({}), kind: 'Secret' }, 400, /invalid object type: \/v1, Kind=Secret/],
  ['of another name', '?fieldManager=m', config({}, 'other'), 400, /does not match the name on the URL/],
  ['that is no object', '?fieldManager=m', [1], 400, /cannot unmarshal array into Go value/],
  [
    'with managedFields',
    '?fieldManager=m',
    { ...config({}), metadata: { name: 'applied', managedFields: [{ manager: 'x' }] } },
    400,
    /managedFields must be nil/,
  ],
]
for (const [title, query, body, code, message] of refusals) {
  test(`an apply ${title} is refused`, async () => {
    const answer = await patch('apply', configMap + query, body)
    assert.equal(answer.code, code, answer.text)
    assert.match(String(answer.json.message), message)
  })
}

const managers = (json: TestJson) =>
  (at(json, 'metadata.managedFields') as { manager: string; subresource?: string }[] | undefined)?.map(
    ({ manager, subresource }) => `${manager}/${subresource ?? ''}`,
  )

test('an empty list and one empty entry reset the managers; a list that cannot be read changes nothing', async () => {
  for (const [i, managedFields] of [[], [{}]].entries()) {
    await send('POST', deployments, { body: deployment(`managed-${i}`) })
    const mine = `${deployments}/managed-${i}`
    const unreadable = [{ manager: 'x', operation: 'Other' }]
    assert.deepEqual(managers((await patch('merge', mine, { metadata: { managedFields: unreadable } })).json), ['tester/'])
    const reset = await patch('merge', mine, { metadata: { managedFields } })
    assert.equal(reset.code, 200, reset.text)
    assert.equal(managers(reset.json), undefined)
  }
})

test('an apply of the status neither owns nor contests the spec', async () => {
  await send('POST', deployments, { body: deployment('reporting') })
  const config = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'reporting' },
    spec: { replicas: 9 },
    status: { replicas: 2 },
  }
  const { code, json, text } = await patch('apply', `${deployments}/reporting/status?fieldManager=reporter`, config)
  assert.equal(code, 200, text)
  assert.deepEqual([at(json, 'spec.replicas'), at(json, 'status.replicas')], [2, 2])
  assert.deepEqual(managers(json), ['reporter/status', 'tester/'])
})

test('an apply of the scale owns the number of replicas through it', async () => {
  await send('POST', deployments, { body: deployment('scaled') })
  const config = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'scaled' }, spec: { replicas: 5 } }
  const scaled = `${deployments}/scaled/scale?fieldManager=scaler`
  const refused = await patch('apply', scaled, config)
  assert.deepEqual([refused.code, at(refused.json, 'details.causes.0.field')], [409, '.spec.replicas'])
  const { code, json } = await patch('apply', `${scaled}&force=true`, config)
  assert.deepEqual([code, json.kind, at(json, 'spec.replicas')], [200, 'Scale', 5])
  assert.deepEqual(managers((await send('GET', `${deployments}/scaled`)).json), ['scaler/scale', 'tester/'])
})

test('force is for apply only', async () => {
  assert.equal((await patch('merge', `${configMap}?force=true`, {})).code, 422)
})

test('a hundred patches at once all count', async () => {
  await send('POST', '/api/v1/namespaces/default/configmaps', { body: config({}, 'busy') })
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => patch('merge', '/api/v1/namespaces/default/configmaps/busy', { data: { [`k${i}`]: 'v' } })),
  )
  const codes = new Set(answers.map((a) => a.code))
  const { json } = await send('GET', '/api/v1/namespaces/default/configmaps/busy')
  const written = Object.keys(json.data as object).length
  assert.equal(written, answers.filter((a) => a.code === 200).length)
  assert.ok(
    [...codes].every((code) => code === 200 || code === 409),
    [...codes].join(),
  )
})
