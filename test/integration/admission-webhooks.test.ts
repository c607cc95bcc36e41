/** What webhooks see and what becomes of what they say, beyond the conformance texts. */
import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import type { AuditEntry } from '../../src/apiserver/audit/audit-event.ts'
import { createTestApi, keptAudit } from '../../src/apiserver/test-api.ts'
import { at, type SendOptions, sender, type TestJson } from '../../src/apiserver/test-requests.ts'
import { seededRandom } from '../../src/base/random.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { changePods, evictionOf } from '../../src/control/pod-changes.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'
import { type Judge, startWebhookServer } from '../conformance/webhook-server.ts'

const clock = virtualClock()
const audited: AuditEntry[] = []
const { api, client } = await createTestApi({ clock, random: seededRandom(7), audit: keptAudit(audited) })
const send = sender(api)
const webhooks = await startWebhookServer()
after(async () => {
  await api.close()
  await webhooks.close()
})

const registration = '/apis/admissionregistration.k8s.io/v1'
const anything = [{ operations: ['*'], apiGroups: ['*'], apiVersions: ['*'], resources: ['*/*'] }]
const on = (resource: string, group = '', version = 'v1') => [
  { operations: ['*'], apiGroups: [group], apiVersions: [version], resources: [resource] },
]

type Register = {
  readonly type?: 'mutating' | 'validating'
  readonly rules?: readonly object[]
  readonly more?: object
  readonly name?: string
}

const hook = (judge: Judge, { rules = on('configmaps'), more = {}, name = 'a.example.com' }: Register) => ({
  name,
  clientConfig: webhooks.clientConfig(judge),
  rules,
  sideEffects: 'None',
  admissionReviewVersions: ['v1'],
  ...more,
})

async function register(type: 'mutating' | 'validating', ...hooks: object[]): Promise<void> {
  const { code, text } = await send('POST', `${registration}/${type}webhookconfigurations`, {
    body: { metadata: { name: type }, webhooks: hooks },
  })
  assert.equal(code, 201, text)
  await clock.settle()
}

afterEach(async () => {
  for (const type of ['mutating', 'validating']) await send('DELETE', `${registration}/${type}webhookconfigurations`)
  await clock.settle()
  await send('DELETE', '/api/v1/namespaces/default/configmaps')
  webhooks.reviews.length = 0
  audited.length = 0
})

const configMaps = '/api/v1/namespaces/default/configmaps'
const create = (metadata: object, options: SendOptions = {}, query = '') =>
  send('POST', `${configMaps}${query}`, { body: { metadata, data: {} }, ...options })
const last = () => webhooks.reviews.at(-1) as unknown as TestJson

test('a review says who does what to which object', async () => {
  await register(
    'validating',
    hook(() => ({}), {}),
  )
  await create({ name: 'seen', labels: { a: 'b' } }, {}, '?fieldManager=me')
  const review = last()
  assert.deepEqual(
    ['kind', 'resource', 'requestKind', 'requestResource', 'name', 'namespace', 'operation', 'dryRun', 'oldObject'].map((f) =>
      at(review, f),
    ),
    [
      { group: '', version: 'v1', kind: 'ConfigMap' },
      { group: '', version: 'v1', resource: 'configmaps' },
      { group: '', version: 'v1', kind: 'ConfigMap' },
      { group: '', version: 'v1', resource: 'configmaps' },
      'seen',
      'default',
      'CREATE',
      false,
      null,
    ],
  )
  assert.deepEqual(at(review, 'userInfo'), { username: 'test', groups: ['system:masters', 'system:authenticated'] })
  assert.deepEqual(at(review, 'options'), {
    kind: 'CreateOptions',
    apiVersion: 'meta.k8s.io/v1',
    fieldManager: 'me',
  })
  await send('DELETE', `${configMaps}/seen?gracePeriodSeconds=0`)
  assert.equal(at(last(), 'object'), null)
  assert.equal(at(last(), 'oldObject.metadata.name'), 'seen')
  assert.equal(at(last(), 'options.gracePeriodSeconds'), 0)
})

test('a name that the server is to make is not there yet when webhooks may change the object', async () => {
  await register(
    'mutating',
    hook(() => ({}), {}),
  )
  const made = await create({ generateName: 'given-' })
  assert.equal(at(last(), 'name'), undefined)
  assert.equal(at(last(), 'object.metadata.name'), undefined)
  assert.match(String(at(made.json, 'metadata.name')), /^given-[a-z0-9]{5}$/)
})

test('a webhook for one served version is asked about all, in its own', async () => {
  const url = '/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers'
  const rules = on('horizontalpodautoscalers', 'autoscaling', 'v2')
  const patch = [
    {
      op: 'add',
      path: '/spec/metrics',
      value: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 42 } } }],
    },
  ]
  await register(
    'mutating',
    hook(() => ({ patch }), { rules }),
  )
  const spec = { maxReplicas: 3, scaleTargetRef: { kind: 'Deployment', name: 'd', apiVersion: 'apps/v1' } }
  const { code, json, text } = await send('POST', url, { body: { metadata: { name: 'h' }, spec } })
  assert.equal(code, 201, text)
  assert.equal(at(last(), 'kind.version'), 'v2')
  assert.equal(at(last(), 'requestKind.version'), 'v1')
  assert.equal(at(last(), 'object.apiVersion'), 'autoscaling/v2')
  assert.equal(at(json, 'spec.targetCPUUtilizationPercentage'), 42)
  await send('DELETE', `${registration}/mutatingwebhookconfigurations/mutating`)
  await register(
    'mutating',
    hook(() => ({ patch }), { rules, more: { matchPolicy: 'Exact' } }),
  )
  const before = webhooks.reviews.length
  await send('PATCH', `${url}/h`, { type: 'application/merge-patch+json', body: { spec: { maxReplicas: 4 } } })
  assert.equal(webhooks.reviews.length, before)
})

test('selectors look at the object before and after, and at its namespace', async () => {
  await register(
    'validating',
    hook(() => ({ allowed: false }), { more: { objectSelector: { matchLabels: { watched: 'yes' } } } }),
  )
  assert.equal((await create({ name: 'free' })).code, 201)
  const { code, json } = await create({ name: 'held', labels: { watched: 'yes' } })
  assert.equal(code, 400)
  assert.equal(json.message, 'admission webhook "a.example.com" denied the request without explanation')
  await send('DELETE', `${registration}/validatingwebhookconfigurations/validating`)
  await register(
    'validating',
    hook(() => ({ allowed: false }), { rules: anything, more: { namespaceSelector: { matchLabels: { watched: 'yes' } } } }),
  )
  assert.equal((await create({ name: 'elsewhere' })).code, 201)
  const labelled = await send('POST', '/api/v1/namespaces', { body: { metadata: { name: 'watched', labels: { watched: 'yes' } } } })
  assert.equal(labelled.code, 400, 'a namespace is judged by the labels that it is to have')
  // What lies in no namespace is never left out.
  assert.equal(
    (await send('POST', '/apis/scheduling.k8s.io/v1/priorityclasses', { body: { metadata: { name: 'p' }, value: 1 } })).code,
    400,
  )
})

test('webhooks that want to are asked again when a later one changes the object, once', async () => {
  const order: string[] = []
  const step =
    (name: string, patch?: readonly object[]): Judge =>
    () => {
      order.push(name)
      return patch && order.filter((n) => n === name).length === 1 ? { patch } : {}
    }
  const label = [{ op: 'add', path: '/metadata/labels', value: { late: 'yes' } }]
  await register(
    'mutating',
    hook(step('first'), { more: { reinvocationPolicy: 'IfNeeded' } }),
    hook(step('once'), { name: 'b.example.com' }),
    hook(step('last', label), { name: 'c.example.com', more: { reinvocationPolicy: 'IfNeeded' } }),
  )
  assert.equal(at((await create({ name: 'twice' })).json, 'metadata.labels.late'), 'yes')
  assert.deepEqual(order, ['first', 'once', 'last', 'first'])
})

test('built-in plugins see what webhooks made of a pod', async () => {
  const limits = [{ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '1' } }]
  await send('POST', '/api/v1/namespaces/default/limitranges', { body: { metadata: { name: 'l' }, spec: { limits } } })
  const patch = [{ op: 'add', path: '/spec/containers/-', value: { name: 'side', image: 'i' } }]
  await register(
    'mutating',
    hook(({ object }) => (at(object as TestJson, 'spec.containers.1') ? {} : { patch }), { rules: on('pods') }),
  )
  const made = await send('POST', '/api/v1/namespaces/default/pods', {
    body: { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  })
  assert.equal(at(made.json, 'spec.containers.1.resources.requests.cpu'), '1')
  await send('DELETE', '/api/v1/namespaces/default/limitranges/l')
})

test('a dry run asks only webhooks without side effects', async () => {
  await register(
    'mutating',
    hook(() => ({ patch: [{ op: 'add', path: '/data', value: { x: 'y' } }] }), {}),
  )
  const dry = await create({ name: 'dry' }, {}, '?dryRun=All')
  assert.equal(at(dry.json, 'data.x'), 'y')
  assert.equal(at(last(), 'dryRun'), true)
  assert.equal((await send('GET', `${configMaps}/dry`)).code, 404)
  const admissionReviewVersions = ['v1beta1']
  const { code, json } = await send('POST', `${registration}/validatingwebhookconfigurations`, {
    body: { metadata: { name: 'validating' }, webhooks: [hook(() => ({}), { more: { sideEffects: 'Some', admissionReviewVersions } })] },
  })
  assert.equal(code, 422, 'v1 configurations must say that they are free of them')
  assert.match(String(json.message), /sideEffects: Unsupported value: "Some"/)
})

test('warnings reach the client, and annotations the audit', async () => {
  await register(
    'mutating',
    hook(() => ({ warnings: ['mind the gap'], auditAnnotations: { why: 'because' } }), {}),
  )
  const { headers } = await create({ name: 'warned' })
  assert.deepEqual(headers.warning, '299 - "mind the gap"')
  const { 'authorization.k8s.io/decision': _d, 'authorization.k8s.io/reason': _r, ...noted } = audited.at(-1)?.annotations ?? {}
  assert.deepEqual(noted, {
    'a.example.com/why': 'because',
    'mutation.webhook.admission.k8s.io/round_0_index_0': '{"configuration":"mutating","webhook":"a.example.com","mutated":false}',
  })
})

function check(title: string, judge: Judge, expected: { readonly code: number; readonly message: string | RegExp }, more: object = {}) {
  test(title, async () => {
    await register('mutating', hook(judge, { more }))
    const { code, json } = await create({ name: 'x' })
    assert.equal(code, expected.code)
    const message = typeof json.message === 'string' ? json.message : ''
    if (typeof expected.message === 'string') assert.equal(message, expected.message)
    else assert.match(message, expected.message)
  })
}

const failed = 'Internal error occurred: failed calling webhook "a.example.com": '
check('no explanation', () => ({ allowed: false }), {
  code: 400,
  message: 'admission webhook "a.example.com" denied the request without explanation',
})
check('a reason stands in for a message', () => ({ allowed: false, status: { reason: 'TooBig', code: 413 } }), {
  code: 413,
  message: 'admission webhook "a.example.com" denied the request: TooBig',
})
check('a refusal is no success', () => ({ allowed: false, status: { code: 200, status: 'Success', message: 'm' } }), {
  code: 400,
  message: 'admission webhook "a.example.com" denied the request: m',
})
check('an answer that is none', () => ({ raw: { code: 200, body: 'no' } }), {
  code: 500,
  message:
    /^Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: couldn't get version\/kind; json parse error: /,
})
check('an answer of another kind', () => ({ raw: { code: 200, body: '{"kind":"Pod","apiVersion":"v1"}' } }), {
  code: 500,
  message: `${failed}failed to call webhook: no kind "Pod" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"`,
})
check(
  'an answer to another question',
  () => ({
    raw: { code: 200, body: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"x","allowed":true}}' },
  }),
  {
    code: 500,
    message: /received invalid webhook response: expected response\.uid="[-0-9a-f]+", got "x"$/,
  },
)
check('no answer in it', () => ({ raw: { code: 200, body: '{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}' } }), {
  code: 500,
  message: `${failed}received invalid webhook response: webhook response was absent`,
})
check('a path that is not there', () => ({ raw: { code: 404, body: '' } }), {
  code: 500,
  message: `${failed}failed to call webhook: the server could not find the requested resource`,
})
check('an error of its own', () => ({ raw: { code: 503, body: 'sorry' } }), {
  code: 500,
  message: `${failed}failed to call webhook: the server is currently unable to handle the request`,
})
check(
  'failures are passed over where the policy says so',
  () => ({ raw: { code: 503, body: 'sorry' } }),
  { code: 201, message: '' },
  { failurePolicy: 'Ignore' },
)
check('but refusals are not', () => ({ allowed: false }), { code: 400, message: /denied/ }, { failurePolicy: 'Ignore' })
check('a patch that does not fit', () => ({ patch: [{ op: 'remove', path: '/data/none' }] }), {
  code: 500,
  message: /^Internal error occurred: /,
})
check('a patch that breaks the types', () => ({ patch: [{ op: 'add', path: '/data', value: 'text' }] }), {
  code: 500,
  message: /^Internal error occurred: /,
})
check(
  'a patch that takes the object out of its namespace',
  () => ({ patch: [{ op: 'replace', path: '/metadata/namespace', value: 'other' }] }),
  {
    code: 400,
    message: 'the namespace of the provided object does not match the namespace sent on the request',
  },
)
check(
  'a review in v1beta1',
  () => ({ patch: [{ op: 'add', path: '/data', value: { x: 'y' } }] }),
  { code: 201, message: '' },
  { admissionReviewVersions: ['v2', 'v1beta1'] },
)

test('a patch where there is nothing to change', async () => {
  await create({ name: 'kept' })
  await register(
    'mutating',
    hook(({ operation }) => (operation === 'DELETE' ? { patch: [{ op: 'add', path: '/x', value: 1 }] } : {}), {}),
  )
  const { code, json } = await send('DELETE', `${configMaps}/kept`)
  assert.equal(code, 500)
  assert.equal(
    json.message,
    'Internal error occurred: admission webhook "a.example.com" attempted to modify the object, which is not supported for this operation',
  )
})

test('subresources are asked about as what they carry', async () => {
  const deployment = {
    metadata: { name: 'd' },
    spec: {
      replicas: 1,
      selector: { matchLabels: { a: 'b' } },
      template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    },
  }
  const deployments = '/apis/apps/v1/namespaces/default/deployments'
  await send('POST', deployments, { body: deployment })
  const rules = [...on('*/*'), ...on('*/*', 'apps')]
  await register(
    'mutating',
    hook(({ subResource }) => (subResource === 'scale' ? { patch: [{ op: 'replace', path: '/spec/replicas', value: 5 }] } : {}), { rules }),
  )
  const scaled = await send('PATCH', `${deployments}/d/scale`, { type: 'application/merge-patch+json', body: { spec: { replicas: 3 } } })
  assert.equal(at(last(), 'kind.kind'), 'Scale')
  assert.equal(at(last(), 'object.spec.replicas'), 3)
  assert.equal(at(last(), 'oldObject.spec.replicas'), 1)
  assert.equal(at(scaled.json, 'spec.replicas'), 5)
  await send('POST', '/api/v1/namespaces/default/pods', {
    body: { metadata: { name: 'e' }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  })
  await send('POST', '/api/v1/namespaces/default/pods/e/eviction', { body: { metadata: { name: 'e' } } })
  assert.deepEqual(
    [at(last(), 'kind.kind'), at(last(), 'resource.resource'), at(last(), 'subResource'), at(last(), 'operation')],
    ['Eviction', 'pods', 'eviction', 'CREATE'],
  )
})

test('questions to the server are asked about like all that is created', async () => {
  await register(
    'validating',
    hook(() => ({}), { rules: on('*', 'authorization.k8s.io') }),
  )
  const body = { spec: { resourceAttributes: { verb: 'get', resource: 'pods' } } }
  const { code } = await send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', { body })
  assert.equal(code, 201)
  assert.equal(at(last(), 'kind.kind'), 'SelfSubjectAccessReview')
})

test('calls, refusals and failures are counted under the names that upstream gives them', async () => {
  const { text } = await send('GET', '/metrics')
  assert.match(
    text,
    /apiserver_admission_webhook_admission_duration_seconds_count\{name="a\.example\.com",operation="CREATE",rejected="true",type="admit"\} \d+/,
  )
  assert.match(
    text,
    /apiserver_admission_webhook_rejection_count\{error_type="calling_webhook_error",name="a\.example\.com",operation="CREATE",rejection_code="503",type="admit"\} \d+/,
  )
  assert.match(
    text,
    /apiserver_admission_webhook_rejection_count\{error_type="no_error",name="a\.example\.com",operation="CREATE",rejection_code="413",type="admit"\} 1/,
  )
  assert.match(text, /apiserver_admission_webhook_fail_open_count\{name="a\.example\.com",type="admit"\} 1/)
})

test('of pods that are evicted together a webhook is asked for each, and keeps the one that it refuses', async () => {
  const pods = client.resource(kindRefs.coreV1.pods, 'default')
  const names = ['leaves', 'stays', 'leaves-too']
  const made = await Promise.all(
    names.map((name) =>
      pods.create({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 0 } }),
    ),
  )
  const rules = [{ operations: ['DELETE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }]
  await register(
    'validating',
    hook(({ name }) => ({ allowed: name !== 'stays' }), { rules }),
  )
  const why = { reason: 'PreemptionByScheduler', message: 'makes room' }
  const outcomes = await changePods(
    client,
    made.map((pod) => evictionOf({ clock }, pod, why)),
  )
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(new Set(webhooks.reviews.map(({ name }) => name)), new Set(names))
  const items = (await pods.list()).items.filter(({ metadata }) => names.includes(metadata.name ?? ''))
  assert.deepEqual(
    items.map(({ metadata, status }) => [metadata.name, status?.conditions]),
    [['stays', undefined]],
  )
})
