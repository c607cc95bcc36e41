import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createTestApi } from './test-api.ts'
import { type SendOptions, sender } from './test-requests.ts'

/** Requests that say what their answer is, in the words that clients of Kubernetes know. They run in order on one server. */
const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(7) })
after(() => api.close())
const send = sender(api)

type Expectation = { readonly code: number; readonly reason?: string; readonly message?: string | RegExp; readonly warning?: string }

function check(title: string, [method, url, options]: readonly [string, string, SendOptions?], expected: Expectation): void {
  test(title, async () => {
    const { code, json, headers, text } = await send(method, url, options)
    assert.equal(code, expected.code, text)
    if (expected.reason !== undefined) assert.equal(json.reason, expected.reason)
    if (typeof expected.message === 'string') assert.equal(json.message, expected.message)
    else if (expected.message) assert.match(String(json.message), expected.message)
    if (expected.warning !== undefined) assert.ok([headers.warning].flat().includes(expected.warning), JSON.stringify(headers))
    if (code >= 400) assert.equal(json.kind, 'Status')
  })
}

const configMaps = '/api/v1/namespaces/default/configmaps'
const pods = '/api/v1/namespaces/default/pods'
const configMap = (name: string, more: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more })
const pod = (name: string, more: object = {}) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] }, ...more })

check('creates', ['POST', configMaps, { body: configMap('a', { data: { k: 'v' } }) }], { code: 201 })
check('a taken name', ['POST', configMaps, { body: configMap('a') }], {
  code: 409,
  reason: 'AlreadyExists',
  message: 'configmaps "a" already exists',
})
check('gets', ['GET', `${configMaps}/a`], { code: 200 })
check('a missing object', ['GET', `${configMaps}/none`], { code: 404, reason: 'NotFound', message: 'configmaps "none" not found' })
check('a missing object of a named group', ['GET', '/apis/apps/v1/namespaces/default/deployments/none'], {
  code: 404,
  message: 'deployments.apps "none" not found',
})
check('an unknown resource', ['GET', '/api/v1/namespaces/default/nothings'], {
  code: 404,
  message: 'the server could not find the requested resource',
})
check('an unknown version', ['GET', '/apis/apps/v9/things'], { code: 404, message: 'the server could not find the requested resource' })
test('what is below no group is a page that is not there', async () => {
  for (const path of ['/apis/none.example.com/v1/things', '/nothing/here']) {
    const { code, text } = await send('GET', path)
    assert.deepEqual([code, text], [404, '404 page not found\n'], path)
  }
})
check('an unknown subresource', ['GET', `${pods}/p/nothing`], { code: 404 })
check('a method that the collection does not have', ['PUT', configMaps, { body: configMap('a') }], {
  code: 405,
  reason: 'MethodNotAllowed',
  message: 'the server does not allow this method on the requested resource',
})
check('a create across all namespaces', ['POST', '/api/v1/configmaps', { body: configMap('a') }], { code: 405 })
check('no name', ['POST', configMaps, { body: { metadata: {} } }], {
  code: 422,
  reason: 'Invalid',
  message: 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
})
check('an impossible name', ['POST', configMaps, { body: configMap('Upper_Case') }], {
  code: 422,
  message: /^ConfigMap "Upper_Case" is invalid: metadata\.name: Invalid value: "Upper_Case": a lowercase RFC 1123 subdomain/,
})
check('a namespace that is not there', ['POST', '/api/v1/namespaces/none/configmaps', { body: configMap('a') }], {
  code: 404,
  message: 'namespaces "none" not found',
})
check('another namespace in the body', ['POST', configMaps, { body: { metadata: { name: 'b', namespace: 'other' } } }], {
  code: 400,
  reason: 'BadRequest',
  message: 'the namespace of the provided object does not match the namespace sent on the request',
})
check('another name in the body', ['PUT', `${configMaps}/a`, { body: configMap('b') }], {
  code: 400,
  message: 'the name of the object (b) does not match the name on the URL (a)',
})
check(
  'another version in the body',
  [
    'POST',
    '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers',
    { body: { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', metadata: { name: 'h' } } },
  ],
  {
    code: 400,
    message: 'the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)',
  },
)
check('another kind in the body', ['POST', configMaps, { body: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'b' } } }], {
  code: 400,
  message: /^Pod in version "v1" cannot be handled as a ConfigMap: /,
})
check('an unknown kind in the body', ['POST', configMaps, { body: { apiVersion: 'v1', kind: 'Nothing', metadata: { name: 'b' } } }], {
  code: 400,
  message: /^Nothing in version "v1" cannot be handled as a ConfigMap: no kind "Nothing" is registered/,
})
check('a body that is no JSON', ['POST', configMaps, { body: '{"metadata":' }], {
  code: 400,
  message: /^the object provided is unrecognized \(must be of type ConfigMap\): couldn't get version\/kind; json parse error: /,
})
check('an empty body', ['POST', configMaps, { body: '' }], { code: 400 })
check('a body that is a list', ['POST', configMaps, { body: [] }], { code: 400 })
check('a field of a wrong type', ['POST', pods, { body: pod('b', { spec: { containers: 'x' } }) }], {
  code: 400,
  message: /^Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into Go struct field/,
})
check('metadata of a wrong type', ['POST', pods, { body: { metadata: 'x' } }], { code: 400 })
check('a required field that is missing', ['POST', pods, { body: { metadata: { name: 'b' }, spec: {} } }], {
  code: 422,
  message: 'Pod "b" is invalid: spec.containers: Required value',
})
check('a media type that nobody knows', ['POST', configMaps, { body: configMap('b'), type: 'text/csv' }], {
  code: 415,
  reason: 'UnsupportedMediaType',
})
check('a patch of a type that nobody knows', ['PATCH', `${configMaps}/a`, { body: {}, type: 'application/json' }], { code: 415 })
check('an answer that nobody can give', ['GET', `${configMaps}/a`, { accept: 'image/png' }], { code: 406, reason: 'NotAcceptable' })
check('an oversized body', ['POST', configMaps, { body: `{"metadata":{"name":"b"},"data":{"k":"${'x'.repeat(3 * 1024 * 1024)}"}}` }], {
  code: 413,
  reason: 'RequestEntityTooLarge',
})
check(
  'YAML',
  ['POST', configMaps, { body: 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  k: v\n', type: 'application/yaml' }],
  { code: 201 },
)
check('YAML that is none', ['POST', configMaps, { body: 'a: [', type: 'application/yaml' }], { code: 400 })

check(
  'unknown fields warn by default',
  ['POST', pods, { body: pod('warn', { spec: { containers: [{ name: 'c', image: 'i', nothing: 1 }] } }) }],
  {
    code: 201,
    warning: '299 - "unknown field \\"spec.containers[0].nothing\\""',
  },
)
check('unknown fields are refused when strict', ['POST', `${pods}?fieldValidation=Strict`, { body: pod('strict', { nothing: 1 }) }], {
  code: 400,
  message: 'Pod in version "v1" cannot be handled as a Pod: strict decoding error: unknown field "nothing"',
})
check(
  'duplicate fields are refused when strict',
  ['POST', `${configMaps}?fieldValidation=Strict`, { body: '{"metadata":{"name":"d"},"data":{"a":"1","a":"2"}}' }],
  {
    code: 400,
    message: 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: duplicate field "data.a"',
  },
)
check('a validation that is none', ['POST', `${configMaps}?fieldValidation=Maybe`, { body: configMap('v') }], {
  code: 422,
  message: /fieldValidation: Unsupported value: "Maybe": supported values: "", "Ignore", "Strict", "Warn"/,
})
check('a dry run that is none', ['POST', `${configMaps}?dryRun=Some`, { body: configMap('v') }], {
  code: 422,
  message: /dryRun: Unsupported value: \["Some"\]/,
})
check('a dry run creates nothing', ['POST', `${configMaps}?dryRun=All`, { body: configMap('dry') }], { code: 201 })
check('… as one sees', ['GET', `${configMaps}/dry`], { code: 404 })
check('a dry run of a taken name', ['POST', `${configMaps}?dryRun=All`, { body: configMap('a') }], { code: 409 })
check('a resourceVersion on create', ['POST', configMaps, { body: { metadata: { name: 'rv', resourceVersion: '5' } } }], {
  code: 400,
  message: 'resourceVersion should not be set on objects to be created',
})

check(
  'an object larger than the store takes',
  ['POST', pods, { body: { metadata: { name: 'big' }, spec: { containers: [{ name: 'c', image: 'i', args: ['x'.repeat(1_600_000)] }] } } }],
  { code: 413, reason: 'RequestEntityTooLarge', message: 'Request entity too large: limit is 1572864' },
)
check('a label selector that is none', ['GET', `${pods}?labelSelector=a%20b%20c`], { code: 400, reason: 'BadRequest' })
check('a field that cannot be selected by', ['GET', `${pods}?fieldSelector=spec.nothing%3D1`], {
  code: 400,
  message: 'field label not supported: spec.nothing',
})
check('a limit that is no number', ['GET', `${pods}?limit=many`], { code: 400 })
check('a continue token that is none', ['GET', `${pods}?continue=abc`], { code: 400, message: /continue key is not valid/ })
check('a resourceVersion that is none', ['GET', `${pods}?resourceVersion=x`], {
  code: 400,
  message: /^invalid resource version: resourceVersion: Invalid value: "x"/,
})
check('a match without a version', ['GET', `${pods}?resourceVersionMatch=Exact`], {
  code: 422,
  message: /resourceVersionMatch is forbidden unless resourceVersion is provided/,
})
check('a match that is none', ['GET', `${pods}?resourceVersion=1&resourceVersionMatch=Near`], {
  code: 422,
  message: /supported values: "Exact", "NotOlderThan", ""$/,
})
check('initial events of a list', ['GET', `${pods}?sendInitialEvents=true`], {
  code: 422,
  message: 'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
})
check('a field of a kind that offers none', ['GET', `${configMaps}?fieldSelector=metadata.uid%3D1`], {
  code: 400,
  message: '"metadata.uid" is not a known field selector: only "metadata.name", "metadata.namespace"',
})
check(
  'an apply that means an object which is not there',
  [
    'PATCH',
    `${configMaps}/absent?fieldManager=m`,
    { type: 'application/apply-patch+yaml', body: configMap('absent', { metadata: { name: 'absent', uid: 'abc' } }) },
  ],
  {
    code: 409,
    message:
      'Operation cannot be fulfilled on configmaps "absent": uid mismatch: the provided object specified uid abc, and no existing object was found',
  },
)

check('a stale version', ['PUT', `${configMaps}/a`, { body: { metadata: { name: 'a', resourceVersion: '1' } } }], {
  code: 409,
  reason: 'Conflict',
  message:
    'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
})
check('another uid', ['PUT', `${configMaps}/a`, { body: { metadata: { name: 'a', uid: 'other' } } }], {
  code: 409,
  message: /Precondition failed: UID in precondition: other, UID in object meta: /,
})
check('an update without a version', ['PUT', `${configMaps}/a`, { body: configMap('a', { data: { k: 'w' } }) }], { code: 200 })
check('an update of a missing object', ['PUT', `${configMaps}/none`, { body: configMap('none') }], { code: 404 })
check(
  'an update that creates, where the kind allows it',
  [
    'PUT',
    '/apis/coordination.k8s.io/v1/namespaces/default/leases/l',
    { body: { metadata: { name: 'l' }, spec: { holderIdentity: 'me', leaseDurationSeconds: 10 } } },
  ],
  { code: 201 },
)

check('a system namespace stays', ['DELETE', '/api/v1/namespaces/default'], {
  code: 403,
  reason: 'Forbidden',
  message: 'namespaces "default" is forbidden: this namespace may not be deleted',
})
check(
  'a priority class that is not there',
  ['POST', pods, { body: pod('pc', { spec: { priorityClassName: 'none', containers: [{ name: 'c', image: 'i' }] } }) }],
  {
    code: 403,
    message: 'pods "pc" is forbidden: no PriorityClass with name none was found',
  },
)
check('the health of the parts, with a warning', ['GET', '/api/v1/componentstatuses/etcd-0'], {
  code: 200,
  warning: '299 - "v1 ComponentStatus is deprecated in v1.19+"',
})
check('a part that is not there', ['GET', '/api/v1/componentstatuses/none'], {
  code: 404,
  message: 'componentstatus "none" not found',
})
check('health', ['GET', '/readyz'], { code: 200 })
check('version', ['GET', '/version'], { code: 200 })
check('metrics', ['GET', '/metrics'], { code: 200 })
check('an exec into a pod on no node', ['GET', `${pods}/warn/exec?command=ls`], {
  code: 400,
  message: 'pod warn does not have a host assigned',
})

test('every kind can be listed and watched by its path', async () => {
  for (const { kind } of api.registry.all()) {
    if (!kind.persisted || !kind.verbs.includes('list')) continue
    const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
    const list = await send('GET', `${root}/${kind.plural}`)
    assert.equal(list.code, 200, `${root}/${kind.plural}: ${list.text}`)
    assert.equal(list.json.kind, kind.listKind)
    const table = await send('GET', `${root}/${kind.plural}`, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
    assert.equal(table.json.kind, 'Table')
  }
})

test('protobuf in and out, and JSON where the client takes both', async () => {
  const { createProtobufCodec } = await import('../machinery/wire/protobuf.ts')
  const facts = await import('../kinds/generated/protobuf.json', { with: { type: 'json' } })
  const codec = createProtobufCodec(facts.default as unknown as Parameters<typeof createProtobufCodec>[0])
  const type = 'application/vnd.kubernetes.protobuf'
  const body = codec.encode({ ...configMap('binary', { data: { k: 'v' } }), apiVersion: 'v1', kind: 'ConfigMap' })!
  const made = await send('POST', configMaps, { body, type, accept: `${type},application/json` })
  assert.equal(made.code, 201, made.text)
  assert.equal(made.headers['content-type'], 'application/json')
  assert.deepEqual(made.json.data, { k: 'v' })
  const { code, headers } = await send('GET', `${configMaps}/binary`, { accept: type })
  assert.equal(code, 200)
  assert.equal(headers['content-type'], type)
  const broken = await send('POST', configMaps, { body: body.subarray(0, 20), type })
  assert.equal(broken.code, 400)
  // What does not say what it is, is what is asked for.
  const bare = codec.encodeBare({ ...configMap('untyped'), apiVersion: 'v1', kind: 'ConfigMap' })!
  const untyped = Buffer.concat([Buffer.from('k8s\0\x12'), Buffer.from([bare.length]), bare])
  const taken = await send('POST', configMaps, { body: untyped, type })
  assert.deepEqual([taken.code, taken.json.kind], [201, 'ConfigMap'], taken.text)
})
