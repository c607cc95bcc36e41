/** Policies in expressions: what they see, what they say, and what becomes of their mistakes. */
import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import type { AuditEntry } from '../../src/apiserver/audit/audit-event.ts'
import { createTestApi, keptAudit } from '../../src/apiserver/test-api.ts'
import { at, sender, type TestResponse } from '../../src/apiserver/test-requests.ts'
import { seededRandom } from '../../src/base/random.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'

const clock = virtualClock()
const audited: AuditEntry[] = []
const { api } = await createTestApi({ clock, random: seededRandom(8), audit: keptAudit(audited) })
const send = sender(api)
after(() => api.close())

const registration = '/apis/admissionregistration.k8s.io/v1'
const configMaps = '/api/v1/namespaces/default/configmaps'
const plurals = ['validatingadmissionpolicies', 'mutatingadmissionpolicies'].flatMap((plural) => [
  plural,
  `${plural.replace(/ies$/, 'y')}bindings`,
])

async function make(path: string, body: object): Promise<void> {
  const { code, text } = await send('POST', path, { body })
  assert.equal(code, 201, text)
}

const onConfigMaps = { resourceRules: [{ operations: ['*'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }] }

async function bind(type: 'validating' | 'mutating', spec: object, binding: object = {}): Promise<void> {
  const name = 'p.example.com'
  await make(`${registration}/${type}admissionpolicies`, { metadata: { name }, spec: { matchConstraints: onConfigMaps, ...spec } })
  const actions = type === 'validating' ? { validationActions: ['Deny'] } : {}
  await make(`${registration}/${type}admissionpolicybindings`, {
    metadata: { name: 'b.example.com' },
    spec: { policyName: name, ...actions, ...binding },
  })
  await clock.settle()
}

async function unbind(): Promise<void> {
  for (const plural of plurals) await send('DELETE', `${registration}/${plural}`)
  await clock.settle()
}

afterEach(async () => {
  await unbind()
  await send('DELETE', configMaps)
  audited.length = 0
})

const create = (name: string, data: object = { a: 'b' }) => send('POST', configMaps, { body: { metadata: { name }, data } })
const messageOf = ({ json }: TestResponse) => (typeof json.message === 'string' ? json.message : '')
const denied = `configmaps "x" is forbidden: ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com' denied request: `

/** One validation (or a whole spec) against a config map `x`; the message of the refusal, empty where there is none. */
function check(
  title: string,
  spec: object | string,
  expected: { readonly code: number; readonly message?: string | RegExp },
  binding: object = {},
) {
  test(title, async () => {
    await bind('validating', typeof spec === 'string' ? { validations: [{ expression: spec }] } : spec, binding)
    const answer = await create('x')
    assert.equal(answer.code, expected.code, answer.text)
    const { message = '' } = expected
    if (typeof message === 'string') assert.equal(messageOf(answer), message)
    else assert.match(messageOf(answer), message)
  })
}

const validations = (...all: object[]) => ({ validations: all })
check('what holds lets through', `object.data.a == 'b'`, { code: 201 })
check('what does not is told by its expression', ` object.data.a == 'c' `, {
  code: 422,
  message: `${denied}failed expression: object.data.a == 'c'`,
})
check('a message stands in for the expression', validations({ expression: 'false', message: ' no way ' }), {
  code: 422,
  message: `${denied}no way`,
})
check('a message may be computed', validations({ expression: 'false', message: 'm', messageExpression: `'a is ' + object.data.a` }), {
  code: 422,
  message: `${denied}a is b`,
})
check('but not in several lines', validations({ expression: 'false', message: 'm', messageExpression: `'a\\nb'` }), {
  code: 422,
  message: `${denied}m`,
})
check('a reason gives the code', validations({ expression: 'false', reason: 'Forbidden' }), {
  code: 403,
  message: `${denied}failed expression: false`,
})
check('an error is a refusal', 'object.data.none == 1', {
  code: 422,
  message: `${denied}expression 'object.data.none == 1' resulted in error: no such key: none`,
})
check('unless failures are ignored', { ...validations({ expression: 'object.data.none == 1' }), failurePolicy: 'Ignore' }, { code: 201 })
check(
  'the first refusal is told',
  validations({ expression: 'true' }, { expression: 'false', message: 'one' }, { expression: 'false', message: 'two' }),
  {
    code: 422,
    message: `${denied}one`,
  },
)
check(
  'a condition that is false leaves the request alone',
  { ...validations({ expression: 'false' }), matchConditions: [{ name: 'n', expression: `object.metadata.name != 'x'` }] },
  { code: 201 },
)
check(
  'variables see those before them',
  {
    variables: [
      { name: 'a', expression: 'object.data.a' },
      { name: 'aa', expression: 'variables.a + variables.a' },
    ],
    validations: [{ expression: `variables.aa == 'cc'`, messageExpression: `'aa is ' + variables.aa` }],
  },
  { code: 422, message: `${denied}aa is bb` },
)
check(
  'the request is there',
  `request.operation == 'CREATE' && request.resource.resource == 'configmaps' && request.userInfo.username == 'test' && !request.dryRun`,
  { code: 201 },
)
check('the namespace is there', `namespaceObject.metadata.name == 'default'`, { code: 201 })
check('there is no old object on create', 'oldObject == null', { code: 201 })
check(
  'the authorizer answers',
  `authorizer.group('').resource('secrets').namespace('default').check('get').allowed() && authorizer.requestResource.check('create').allowed()`,
  { code: 201 },
)
check('a namespace can be left out', 'false', { code: 201 }, { matchResources: { namespaceSelector: { matchLabels: { none: 'x' } } } })
check(
  'names can be left out',
  {
    ...validations({ expression: 'false' }),
    matchConstraints: { ...onConfigMaps, excludeResourceRules: [{ ...onConfigMaps.resourceRules[0], resourceNames: ['x'] }] },
  },
  { code: 201 },
)
check(
  'names can be chosen',
  {
    ...validations({ expression: 'false' }),
    matchConstraints: { resourceRules: [{ ...onConfigMaps.resourceRules[0], resourceNames: ['y'] }] },
  },
  { code: 201 },
)

const params = {
  paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
  validations: [{ expression: `object.metadata.name != params.data.forbidden` }],
}
const paramRef = (more: object) => ({ paramRef: { parameterNotFoundAction: 'Deny', ...more } })
const configured = (why: string) =>
  `configmaps "x" is forbidden: ValidatingAdmissionPolicy 'p.example.com' denied request: failed to configure binding: ${why}`

test('parameters come by name and by selector, each judged for itself', async () => {
  for (const name of ['x', 'y'])
    await make(configMaps, { metadata: { name: `not-${name}`, labels: { kind: 'params' } }, data: { forbidden: name } })
  await bind('validating', params, paramRef({ name: 'not-x' }))
  assert.match(messageOf(await create('x')), /failed expression: object\.metadata\.name != params\.data\.forbidden$/)
  assert.equal((await create('y')).code, 201)
  await send('PATCH', `${registration}/validatingadmissionpolicybindings/b.example.com`, {
    type: 'application/merge-patch+json',
    body: { spec: { paramRef: { name: null, selector: { matchLabels: { kind: 'params' } } } } },
  })
  await clock.settle()
  assert.equal((await send('PATCH', `${configMaps}/y`, { type: 'application/merge-patch+json', body: { data: { z: '1' } } })).code, 422)
})

check(
  'missing parameters may be a refusal',
  params,
  {
    code: 422,
    message: configured('no params found for policy binding with `Deny` parameterNotFoundAction').replace(
      "' denied",
      "' with binding 'b.example.com' denied",
    ),
  },
  paramRef({ name: 'none' }),
)
check('or not', params, { code: 201 }, paramRef({ name: 'none', parameterNotFoundAction: 'Allow' }))
check(
  'a kind of parameters that is not served',
  { ...params, paramKind: { apiVersion: 'a.b/v1', kind: 'C' } },
  { code: 422, message: /failed to configure policy: failed to find resource referenced by paramKind: 'a\.b\/v1, Kind=C'$/ },
  paramRef({ name: 'none' }),
)

test('custom kinds are parameters like any other', async () => {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  await make('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'limits.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { plural: 'limits', kind: 'Limit' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  })
  await clock.settle()
  await make('/apis/example.com/v1/limits', { apiVersion: 'example.com/v1', kind: 'Limit', metadata: { name: 'l' }, keysMax: 1 })
  const spec = {
    paramKind: { apiVersion: 'example.com/v1', kind: 'Limit' },
    validations: [{ expression: 'size(object.data) <= params.keysMax' }],
  }
  await bind('validating', spec, paramRef({ name: 'l' }))
  assert.equal((await create('one')).code, 201)
  assert.equal((await create('two', { a: '1', b: '2' })).code, 422)
})

test('Warn warns, Audit notes', async () => {
  const auditAnnotations = [
    { key: 'size', valueExpression: `'keys: ' + string(size(object.data))` },
    { key: 'none', valueExpression: 'null' },
  ]
  await bind(
    'validating',
    { ...validations({ expression: 'false', message: 'm' }), auditAnnotations },
    { validationActions: ['Warn', 'Audit'] },
  )
  const { code, headers } = await create('x')
  assert.equal(code, 201)
  assert.equal(headers.warning, `299 - "Validation failed for ValidatingAdmissionPolicy 'p.example.com' with binding 'b.example.com': m"`)
  const { 'authorization.k8s.io/decision': _d, 'authorization.k8s.io/reason': _r, ...noted } = audited.at(-1)?.annotations ?? {}
  assert.deepEqual(noted, {
    'p.example.com/size': 'keys: 1',
    'validation.policy.admission.k8s.io/validation_failure': JSON.stringify([
      { message: 'm', policy: 'p.example.com', binding: 'b.example.com', expressionIndex: 0, validationActions: ['Warn', 'Audit'] },
    ]),
  })
})

test('a policy is asked about deletions and updates as well', async () => {
  await create('kept')
  await bind('validating', validations({ expression: `request.operation != 'DELETE' || oldObject.data.a != 'b'`, message: 'keep it' }))
  assert.match(messageOf(await send('DELETE', `${configMaps}/kept`)), /keep it$/)
  assert.equal((await send('PATCH', `${configMaps}/kept`, { type: 'application/merge-patch+json', body: { data: { a: 'c' } } })).code, 200)
  assert.equal((await send('DELETE', `${configMaps}/kept`)).code, 200)
})

type Mutation = { readonly apply?: string; readonly patch?: string }
const mutation = ({ apply, patch }: Mutation) =>
  apply === undefined
    ? { patchType: 'JSONPatch', jsonPatch: { expression: patch } }
    : { patchType: 'ApplyConfiguration', applyConfiguration: { expression: apply } }
const mutating = (mutations: readonly Mutation[], more: object = {}) => ({
  reinvocationPolicy: 'Never',
  mutations: mutations.map(mutation),
  ...more,
})

function checkMutation(
  title: string,
  mutations: readonly Mutation[],
  expected: { readonly data?: object; readonly labels?: object; readonly error?: string | RegExp },
  more: object = {},
) {
  test(title, async () => {
    await bind('mutating', mutating(mutations, more))
    const answer = await send('POST', configMaps, { body: { metadata: { name: 'x', labels: { own: 'yes' } }, data: { a: 'b' } } })
    if (expected.error !== undefined) {
      assert.equal(answer.code, 403, answer.text)
      if (typeof expected.error === 'string') assert.equal(messageOf(answer), expected.error)
      else assert.match(messageOf(answer), expected.error)
      return
    }
    assert.equal(answer.code, 201, answer.text)
    assert.deepEqual(at(answer.json, 'data'), expected.data ?? { a: 'b' })
    assert.deepEqual(at(answer.json, 'metadata.labels'), expected.labels ?? { own: 'yes' })
  })
}

checkMutation(
  'an apply configuration is merged',
  [{ apply: `Object{metadata: Object.metadata{labels: Object.metadata.labels{added: 'yes'}}, data: {'x': object.data.a}}` }],
  { data: { a: 'b', x: 'b' }, labels: { own: 'yes', added: 'yes' } },
)
checkMutation(
  'a JSON patch is applied',
  [{ patch: `[JSONPatch{op: 'add', path: '/data/x', value: 'y'}, JSONPatch{op: 'remove', path: '/data/a'}]` }],
  { data: { x: 'y' } },
)
checkMutation(
  'mutations see those before them',
  [{ apply: `Object{data: {'n': '1'}}` }, { patch: `[JSONPatch{op: 'replace', path: '/data/n', value: object.data.n + '2'}]` }],
  { data: { a: 'b', n: '12' } },
)
checkMutation(
  'a condition decides',
  [{ apply: `Object{data: {'n': '1'}}` }],
  {},
  { matchConditions: [{ name: 'c', expression: `object.data.a != 'b'` }] },
)
checkMutation(
  'variables are there',
  [{ apply: `Object{data: {'n': variables.v}}` }],
  { data: { a: 'b', n: 'b!' } },
  { variables: [{ name: 'v', expression: `object.data.a + '!'` }] },
)
checkMutation('an error is a refusal', [{ patch: `[JSONPatch{op: 'remove', path: '/data/none'}]` }], {
  error: /^policy 'p\.example\.com' with binding 'b\.example\.com' denied request: JSON Patch: /,
})
checkMutation('unless failures are ignored', [{ patch: `[JSONPatch{op: 'remove', path: '/data/none'}]` }], {}, { failurePolicy: 'Ignore' })

test('lists are merged by their keys', async () => {
  const matchConstraints = { resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] }
  const apply = `Object{spec: Object.spec{initContainers: [Object.spec.initContainers{name: 'mesh', image: 'mesh:1', restartPolicy: 'Always'}]}}`
  await bind('mutating', { ...mutating([{ apply }]), matchConstraints })
  const spec = { initContainers: [{ name: 'own', image: 'i' }], containers: [{ name: 'c', image: 'i' }] }
  const { json, code, text } = await send('POST', '/api/v1/namespaces/default/pods', { body: { metadata: { name: 'p' }, spec } })
  assert.equal(code, 201, text)
  assert.deepEqual((at(json, 'spec.initContainers') as { name: string }[]).map(({ name }) => name).sort(), ['mesh', 'own'])
  assert.equal(at(json, 'spec.initContainers.1.terminationMessagePolicy'), 'File')
})

test('custom objects are merged by their schema, and what it does not have is refused', async () => {
  const properties = {
    spec: {
      type: 'object',
      properties: { size: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' } },
    },
  }
  await make('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
    metadata: { name: 'boxes.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural: 'boxes', kind: 'Box' },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } }],
    },
  })
  await clock.settle()
  const matchConstraints = {
    resourceRules: [{ operations: ['CREATE'], apiGroups: ['example.com'], apiVersions: ['v1'], resources: ['boxes'] }],
  }
  const setting = (spec: string) => ({ ...mutating([{ apply: `Object{spec: Object.spec{${spec}}}` }]), matchConstraints })
  await bind('mutating', setting(`size: 2, tags: ['b']`))
  const box = { apiVersion: 'example.com/v1', kind: 'Box', metadata: { name: 'b' }, spec: { size: 1, tags: ['a'] } }
  const { json, text } = await send('POST', '/apis/example.com/v1/namespaces/default/boxes', { body: box })
  assert.deepEqual(at(json, 'spec'), { size: 2, tags: ['a', 'b'] }, text)
  await unbind()
  await bind('mutating', setting(`unknown: 'x'`))
  const refused = await send('POST', '/apis/example.com/v1/namespaces/default/boxes', { body: { ...box, metadata: { name: 'c' } } })
  assert.match(refused.text, /failed to convert patch object to typed object: \.spec\.unknown: field not declared in schema/)
})

test('a policy sees once more what a later one changed, where it wants to', async () => {
  const spec = (reinvocationPolicy: string, expression: string) => ({
    matchConstraints: onConfigMaps,
    reinvocationPolicy,
    mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
  })
  const count = `Object{data: {'KEY': 'late' in object.data ? 'saw it' : 'did not'}}`
  const policies = [
    ['a.example.com', spec('IfNeeded', count.replace('KEY', 'again'))],
    ['b.example.com', spec('Never', count.replace('KEY', 'once'))],
    ['c.example.com', spec('Never', `Object{data: {'late': 'yes'}}`)],
  ] as const
  for (const [name, policy] of policies) {
    await make(`${registration}/mutatingadmissionpolicies`, { metadata: { name }, spec: policy })
    await make(`${registration}/mutatingadmissionpolicybindings`, { metadata: { name }, spec: { policyName: name } })
  }
  await clock.settle()
  assert.deepEqual(at((await create('x')).json, 'data'), { a: 'b', again: 'saw it', late: 'yes', once: 'did not' })
})

test('an expression that costs too much is an error, and ends', async () => {
  const expression = `[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a + b + c + d + e + f > 0))))))`
  await bind('validating', validations({ expression }))
  assert.match(messageOf(await create('x')), /actual cost limit exceeded$/)
})

test('what does not hold, fails or changes something is counted by policy, binding and outcome', async () => {
  const count = async (family: string, labels: string) => {
    const { text } = await send('GET', '/metrics')
    const line = text.split('\n').find((one) => one.startsWith(`${family}{${labels}}`))
    return Number(line?.split(' ').at(-1) ?? 0)
  }
  const named = 'policy="p.example.com",policy_binding="b.example.com"'
  const validations = (action: string, error: string) =>
    count('apiserver_validating_admission_policy_check_total', `enforcement_action="${action}",error_type="${error}",${named}`)
  const before = { deny: await validations('deny', 'no_error'), warn: await validations('warn', 'no_error') }
  const validation = { expression: "object.metadata.name != 'x'" }
  await bind('validating', { validations: [validation] }, { validationActions: ['Deny', 'Audit'] })
  await create('y')
  assert.equal((await create('x')).code, 422)
  assert.equal(await validations('deny', 'no_error'), before.deny + 1)
  assert.equal(await validations('warn', 'no_error'), before.warn)
  await unbind()

  const ignored = await validations('allow', 'invalid_error')
  await bind('validating', { failurePolicy: 'Ignore', validations: [{ expression: "object.data['none'] == ''" }] })
  assert.equal((await create('z')).code, 201)
  assert.equal(await validations('allow', 'invalid_error'), ignored + 1)
  await unbind()

  const mutations = () => count('apiserver_mutating_admission_policy_check_total', `error_type="no_error",${named}`)
  const mutated = await mutations()
  const expression = "Object{metadata: Object.metadata{labels: {'made': 'so'}}}"
  await bind('mutating', {
    reinvocationPolicy: 'Never',
    mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression } }],
  })
  assert.equal((await create('m')).code, 201)
  assert.equal(await mutations(), mutated + 1)
  assert.ok((await count('apiserver_mutating_admission_policy_check_duration_seconds_count', `error_type="no_error",${named}`)) > 0)
})
