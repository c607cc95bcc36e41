import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { at, type TestJson, type TestResponse } from '../../src/apiserver/test-requests.ts'
import { changed, startConformanceApi } from './conformance-api.ts'
import { type Judge, type ReviewAnswer, startWebhookServer } from './webhook-server.ts'

const conformance = await startConformanceApi()
const { send, clock, collection } = conformance
const webhooks = await startWebhookServer()
after(async () => {
  await conformance.close()
  await webhooks.close()
})

const registration = '/apis/admissionregistration.k8s.io/v1'
const configurations = {
  mutating: collection(`${registration}/mutatingwebhookconfigurations`),
  validating: collection(`${registration}/validatingwebhookconfigurations`),
}
type Type = keyof typeof configurations

const namespace = await conformance.namespace('webhooks')
const configMaps = collection(`/api/v1/namespaces/${namespace}/configmaps`)
const pods = collection(`/api/v1/namespaces/${namespace}/pods`)
const configMap = (name: string, data: object = {}) => ({ metadata: { name }, data })
const pod = (name: string) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }] } })

const ruleOf = (resources: readonly string[], operations: readonly string[] = ['CREATE'], apiGroups: readonly string[] = ['']) => ({
  operations,
  apiGroups,
  apiVersions: ['*'],
  resources,
})
const onConfigMaps = [ruleOf(['configmaps'])]

function hook(judge: Judge, rules: readonly object[], more: object = {}) {
  const common = { sideEffects: 'None', admissionReviewVersions: ['v1', 'v1beta1'] }
  return { name: 'judge.example.com', clientConfig: webhooks.clientConfig(judge), rules, ...common, ...more }
}

/** Registers webhooks and waits until they are in force: the server follows configurations as they are written. */
async function register(
  type: Type,
  hooks: readonly object[],
  name = 'conformance',
  labels: Record<string, string> = {},
): Promise<TestJson> {
  const made = await configurations[type].create({ metadata: { name, labels }, webhooks: hooks })
  await clock.settle()
  return made
}

afterEach(async () => {
  for (const each of Object.values(configurations)) await each.removeAll('')
  await clock.settle()
  for (const each of [configMaps, pods]) await each.removeAll('')
})

const deny: Judge = () => ({ allowed: false, status: { message: 'the object is unwanted', reason: 'Unwanted', code: 403 } })
const add =
  (key: string, when: (data: Readonly<Record<string, string>>) => boolean = () => true): Judge =>
  ({ object }) =>
    when((object?.data ?? {}) as Record<string, string>) ? { patch: [{ op: 'add', path: `/data/${key}`, value: 'yes' }] } : {}
const denied = 'admission webhook "judge.example.com" denied the request: the object is unwanted'

function refused({ code, json }: TestResponse, message: string | RegExp, wanted = 403): void {
  assert.equal(code, wanted, JSON.stringify(json))
  if (typeof message === 'string') assert.equal(json.message, message)
  else assert.match(String(json.message), message)
}

const create = (object: object) => send('POST', configMaps.path, { body: object })
const keysOf = (object: TestJson) => Object.keys((at(object, 'data') ?? {}) as object).sort()

test('AdmissionWebhook listing mutating webhooks should work', async () => {
  for (let i = 0; i < 10; i++) await register('mutating', [hook(add(`mutated-${i}`), onConfigMaps)], `list-${i}`, { list: 'mutating' })
  assert.equal((await configurations.mutating.list('labelSelector=list%3Dmutating')).length, 10)
  assert.equal(keysOf(await configMaps.create(configMap('one', { own: '1' }))).length, 11)
  await configurations.mutating.removeAll('labelSelector=list%3Dmutating')
  await clock.settle()
  assert.deepEqual(await configurations.mutating.list('labelSelector=list%3Dmutating'), [])
  assert.deepEqual(keysOf(await configMaps.create(configMap('two', { own: '1' }))), ['own'])
})

test('AdmissionWebhook listing validating webhooks should work', async () => {
  for (let i = 0; i < 10; i++) await register('validating', [hook(deny, onConfigMaps)], `list-${i}`, { list: 'validating' })
  assert.equal((await configurations.validating.list('labelSelector=list%3Dvalidating')).length, 10)
  refused(await create(configMap('one')), denied)
  await configurations.validating.removeAll('labelSelector=list%3Dvalidating')
  await clock.settle()
  assert.deepEqual(await configurations.validating.list('labelSelector=list%3Dvalidating'), [])
  await configMaps.create(configMap('two'))
})

/** Rules without CREATE by PUT, with it again by PATCH. */
async function checkUpdates(type: Type, judge: Judge, isInForce: (made: TestResponse) => boolean): Promise<void> {
  const made = await register(type, [hook(judge, onConfigMaps)])
  const [webhook] = made.webhooks as TestJson[]
  assert.equal(isInForce(await create(configMap('first', { own: '1' }))), true)
  await configurations[type].replace('conformance', { ...made, webhooks: [{ ...webhook, rules: [ruleOf(['configmaps'], ['UPDATE'])] }] })
  await clock.settle()
  assert.equal(isInForce(await create(configMap('second', { own: '1' }))), false)
  await configurations[type].strategic('conformance', { webhooks: [{ name: 'judge.example.com', rules: onConfigMaps }] })
  await clock.settle()
  assert.equal(isInForce(await create(configMap('third', { own: '1' }))), true)
}

test('AdmissionWebhook patching/updating a mutating webhook should work', () =>
  checkUpdates('mutating', add('mutated'), ({ json }) => keysOf(json).includes('mutated')))

test('AdmissionWebhook patching/updating a validating webhook should work', () =>
  checkUpdates('validating', deny, ({ code }) => code === 403))

test('AdmissionWebhook should be able to deny attaching pod', async () => {
  await pods.create(pod('attached'))
  await register('validating', [hook(deny, [ruleOf(['pods/attach'], ['CONNECT'])])])
  const { upgrade } = conformance.api
  const { Duplex } = await import('node:stream')
  let head = ''
  const socket = new Duplex({ read() {}, write: (block: Buffer, _encoding, done) => done(void (head += block.toString())) })
  await pods.merge('attached/status', { status: { phase: 'Running' } })
  const bound = await send('POST', `${pods.path}/attached/binding`, {
    body: { metadata: { name: 'attached' }, target: { kind: 'Node', name: 'node-1' } },
  })
  assert.equal(bound.code, 201)
  await collection('/api/v1/nodes').create({
    metadata: { name: 'node-1' },
    status: { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }] },
  })
  await upgrade(
    {
      method: 'POST',
      url: `${pods.path}/attached/attach?container=c&stdin=true`,
      headers: { upgrade: 'SPDY/3.1' },
      body: undefined,
      credentials: { clientCertificate: undefined, bearerToken: undefined },
      remoteAddress: '127.0.0.1',
      signal: AbortSignal.timeout(10_000),
    },
    socket,
    Buffer.alloc(0),
  )
  assert.match(head, /^HTTP\/1\.1 403 .*denied the request: the object is unwanted/s)
  const asked = webhooks.reviews.at(-1)!
  assert.deepEqual(asked.kind, { group: '', version: 'v1', kind: 'PodAttachOptions' })
  assert.equal(asked.subResource, 'attach')
  assert.equal(at(asked.object as TestJson, 'container'), 'c')
  await collection('/api/v1/nodes').remove('node-1')
})

test('AdmissionWebhook should be able to deny custom resource creation, update and deletion', async () => {
  const customs = await serveCustoms('denials')
  const unwanted: Judge = ({ object, oldObject }) =>
    at((object ?? oldObject) as TestJson, 'data.unwanted') === 'yes'
      ? { allowed: false, status: { message: 'the object is unwanted', code: 403 } }
      : {}
  await register('validating', [hook(unwanted, [ruleOf(['denials'], ['CREATE', 'UPDATE', 'DELETE'], ['stable.example.com'])])])
  const make = (name: string, data: object) => ({ apiVersion: 'stable.example.com/v1', kind: 'Denials', metadata: { name }, data })
  refused(await send('POST', customs.path, { body: make('no', { unwanted: 'yes' }) }), denied)
  await customs.create(make('some', { wanted: 'yes' }))
  const type = 'application/merge-patch+json'
  refused(await send('PATCH', `${customs.path}/some`, { type, body: { data: { unwanted: 'yes' } } }), denied)
  await configurations.validating.removeAll('')
  await clock.settle()
  await customs.merge('some', { data: { unwanted: 'yes' } })
  await register('validating', [hook(unwanted, [ruleOf(['denials'], ['DELETE'], ['stable.example.com'])])])
  refused(await send('DELETE', `${customs.path}/some`), denied)
  await configurations.validating.removeAll('')
  await clock.settle()
  await customs.remove('some')
})

test('AdmissionWebhook should be able to deny pod and configmap creation', async () => {
  const isUnwanted = (object: TestJson) => at(object, 'data.unwanted') !== undefined || at(object, 'metadata.labels.unwanted') !== undefined
  let hangs = 0
  const judge: Judge = ({ object }) => {
    if (at(object as TestJson, 'metadata.name') !== 'hangs') return isUnwanted(object as TestJson) ? deny({} as never) : {}
    hangs++
    return new Promise<ReviewAnswer>(() => {})
  }
  const namespaceSelector = { matchExpressions: [{ key: 'skip-webhooks', operator: 'NotIn', values: ['yes'] }] }
  await register('validating', [
    hook(judge, [ruleOf(['configmaps', 'pods'], ['CREATE', 'UPDATE'])], { namespaceSelector, timeoutSeconds: 5 }),
  ])
  refused(await create(configMap('no', { unwanted: 'yes' })), denied)
  refused(await send('POST', pods.path, { body: { ...pod('no'), metadata: { name: 'no', labels: { unwanted: 'yes' } } } }), denied)

  const hanging = send('POST', pods.path, { body: pod('hangs') })
  while (hangs === 0) await new Promise((resolve) => setImmediate(resolve))
  await clock.advance(5_000)
  refused(
    await hanging,
    /failed calling webhook "judge\.example\.com": failed to call webhook: Post ".*timeout=5s": context deadline exceeded/,
    500,
  )
  assert.equal((await send('GET', `${pods.path}/hangs`)).code, 404)

  const made = await configMaps.create(configMap('fine', { wanted: 'yes' }))
  refused(await send('PUT', `${configMaps.path}/fine`, { body: { ...made, data: { unwanted: 'yes' } } }), denied)
  const type = 'application/merge-patch+json'
  refused(await send('PATCH', `${configMaps.path}/fine`, { type, body: { data: { unwanted: 'yes' } } }), denied)
  assert.deepEqual((await configMaps.get('fine')).data, { wanted: 'yes' })

  const compliant = await pods.create(pod('fine'))
  const unwanted = changed(compliant, { 'metadata.labels.unwanted': 'yes' })
  refused(await send('PUT', `${pods.path}/fine`, { body: unwanted }), denied)
  refused(await send('PATCH', `${pods.path}/fine`, { type, body: { metadata: { labels: { unwanted: 'yes' } } } }), denied)
  assert.equal(at(await pods.get('fine'), 'metadata.labels.unwanted'), undefined)

  await collection('/api/v1/namespaces').create({ metadata: { name: 'skipped', labels: { 'skip-webhooks': 'yes' } } })
  await collection('/api/v1/namespaces/skipped/configmaps').create(configMap('free', { unwanted: 'yes' }))
})

test('AdmissionWebhook should deny crd creation', async () => {
  await register('validating', [hook(deny, [ruleOf(['customresourcedefinitions'], ['CREATE'], ['apiextensions.k8s.io'])])])
  refused(await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body: definition('refusals') }), denied)
})

test('AdmissionWebhook should honor timeout', async () => {
  let release = () => {}
  let asked = 0
  const slow: Judge = () => {
    asked++
    return new Promise<ReviewAnswer>((resolve) => (release = () => resolve({})))
  }
  const attempt = async (policy: object, meanwhile: () => Promise<void> | void): Promise<TestResponse> => {
    await register('validating', [hook(slow, onConfigMaps, policy)])
    const before = asked
    const answer = create(configMap('slow'))
    while (asked === before) await new Promise((resolve) => setImmediate(resolve))
    await meanwhile()
    const response = await answer
    release()
    await configurations.validating.removeAll('')
    await clock.settle()
    await configMaps.removeAll('')
    return response
  }
  refused(await attempt({ timeoutSeconds: 1, failurePolicy: 'Fail' }, () => clock.advance(1_000)), /context deadline exceeded$/, 500)
  assert.equal((await attempt({ timeoutSeconds: 1, failurePolicy: 'Ignore' }, () => clock.advance(1_000))).code, 201)
  const afterFive = async () => {
    await clock.advance(5_000)
    release()
  }
  assert.equal((await attempt({ timeoutSeconds: 10 }, afterFive)).code, 201)
  // The default is ten seconds.
  assert.equal((await attempt({}, afterFive)).code, 201)
})

test('AdmissionWebhook should include webhook resources in discovery documents', async () => {
  const groups = (await send('GET', '/apis')).json.groups as TestJson[]
  const group = groups.find(({ name }) => name === 'admissionregistration.k8s.io')
  assert.ok((at(group!, 'versions') as TestJson[]).some(({ groupVersion }) => groupVersion === 'admissionregistration.k8s.io/v1'))
  const single = await send('GET', '/apis/admissionregistration.k8s.io')
  assert.ok((single.json.versions as TestJson[]).some(({ version }) => version === 'v1'))
  const resources = ((await send('GET', registration)).json.resources as TestJson[]).map(({ name }) => name)
  for (const name of ['mutatingwebhookconfigurations', 'validatingwebhookconfigurations']) assert.ok(resources.includes(name))
})

test('AdmissionWebhook should mutate configmap', async () => {
  await register('mutating', [
    hook(
      add('stage-1', (data) => data.start !== undefined),
      onConfigMaps,
    ),
    {
      ...hook(
        add('stage-2', (data) => data['stage-1'] !== undefined),
        onConfigMaps,
      ),
      name: 'second.example.com',
    },
  ])
  assert.deepEqual(keysOf(await configMaps.create(configMap('staged', { start: 'this' }))), ['stage-1', 'stage-2', 'start'])
})

const definition = (plural: string, more: object = {}) => ({
  metadata: { name: `${plural}.stable.example.com` },
  spec: {
    group: 'stable.example.com',
    scope: 'Namespaced',
    names: { plural, kind: plural[0]!.toUpperCase() + plural.slice(1) },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
    ...more,
  },
})

async function serveCustoms(plural: string, more: object = {}) {
  await collection('/apis/apiextensions.k8s.io/v1/customresourcedefinitions').create(definition(plural, more))
  await clock.settle()
  return collection(`/apis/stable.example.com/v1/namespaces/${namespace}/${plural}`)
}

const custom = (kind: string, name: string) => ({ apiVersion: 'stable.example.com/v1', kind, metadata: { name }, data: { start: 'this' } })
const onCustoms = (plural: string) => [ruleOf([plural], ['CREATE', 'UPDATE'], ['stable.example.com'])]

/** Two webhooks, the second of which waits for the first. */
const stages = (plural: string) => [
  hook(
    add('stage-1', (data) => data.start !== undefined),
    onCustoms(plural),
  ),
  {
    ...hook(
      add('stage-2', (data) => data['stage-1'] !== undefined),
      onCustoms(plural),
    ),
    name: 'second.example.com',
  },
]

test('AdmissionWebhook should mutate custom resource', async () => {
  const customs = await serveCustoms('mutations')
  await register('mutating', stages('mutations'))
  assert.deepEqual(keysOf(await customs.create(custom('Mutations', 'a'))), ['stage-1', 'stage-2', 'start'])
})

test('AdmissionWebhook should mutate custom resource with different stored version', async () => {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }
  const version = (name: string, storage: boolean) => ({ name, served: true, storage, schema })
  const customs = await serveCustoms('storeds', { versions: [version('v1', true), version('v2', false)] })
  await register('mutating', [hook(add('mutated'), onCustoms('storeds'))])
  assert.deepEqual(keysOf(await customs.create(custom('Storeds', 'a'))), ['mutated', 'start'])
  const definitions = collection('/apis/apiextensions.k8s.io/v1/customresourcedefinitions')
  await definitions.merge('storeds.stable.example.com', { spec: { versions: [version('v1', false), version('v2', true)] } })
  await clock.settle()
  assert.deepEqual(keysOf(await customs.merge('a', { data: { dummy: 'test' } })), ['dummy', 'mutated', 'start'])
  const [first, second] = ['v1', 'v2'].map((version) => collection(`/apis/stable.example.com/${version}/namespaces/${namespace}/storeds`))
  for (const [version, each] of [
    ['v1', first!],
    ['v2', second!],
  ] as const) {
    const read = await each.get('a')
    assert.equal(read.apiVersion, `stable.example.com/${version}`)
    assert.deepEqual(read.data, { start: 'this', mutated: 'yes', dummy: 'test' })
  }
})

test('AdmissionWebhook should mutate custom resource with pruning', async () => {
  const properties = { data: { type: 'object', properties: { start: { type: 'string' }, 'stage-1': { type: 'string' } } } }
  const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties } } }]
  const customs = await serveCustoms('prunings', { versions })
  await register('mutating', stages('prunings'))
  assert.deepEqual(keysOf(await customs.create(custom('Prunings', 'a'))), ['stage-1', 'start'])
})

test('AdmissionWebhook should mutate pod and apply defaults after mutation', async () => {
  const initContainers = [{ name: 'webhook-added-init-container', image: 'webhook-added-image' }]
  await register('mutating', [
    hook(() => ({ patch: [{ op: 'add', path: '/spec/initContainers', value: initContainers }] }), [ruleOf(['pods'])]),
  ])
  const made = await pods.create(pod('initialized'))
  assert.equal(at(made, 'spec.initContainers.0.name'), 'webhook-added-init-container')
  assert.equal(at(made, 'spec.initContainers.0.terminationMessagePolicy'), 'File')
})

test('AdmissionWebhook should not be able to mutate or prevent deletion of webhook configuration objects', async () => {
  const everywhere = [ruleOf(['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'], ['*'], ['*'])]
  await register('validating', [hook(deny, everywhere)], 'deny-deletion')
  await register(
    'mutating',
    [hook(() => ({ patch: [{ op: 'add', path: '/metadata/labels', value: { mutated: 'yes' } }] }), everywhere)],
    'mutate',
  )
  const before = webhooks.reviews.length
  const dummy = hook(() => ({}), [ruleOf(['invalid'])])
  for (const type of ['validating', 'mutating'] as const) {
    const made = await register(type, [dummy], `dummy-${type}`)
    assert.equal(at(made, 'metadata.labels.mutated'), undefined)
    await configurations[type].remove(`dummy-${type}`)
  }
  assert.equal(webhooks.reviews.length, before)
})

test('AdmissionWebhook should unconditionally reject operations on fail closed webhook', async () => {
  const before = await configMaps.create(configMap('before', { own: '1' }))
  const unreachable = { ...hook(() => ({}), [ruleOf(['configmaps'], ['*'])]), failurePolicy: 'Fail' }
  await register('validating', [{ ...unreachable, clientConfig: { url: unreachable.clientConfig.url } }])
  const one = `${configMaps.path}/before`
  for (const answer of [
    await create(configMap('closed')),
    await send('PUT', one, { body: { ...before, data: { own: '2' } } }),
    await send('PATCH', one, { type: 'application/merge-patch+json', body: { data: { own: '2' } } }),
    await send('DELETE', one),
    await send('DELETE', configMaps.path),
  ])
    refused(
      answer,
      /^Internal error occurred: failed calling webhook "judge\.example\.com": failed to call webhook: Post .*: tls: failed to verify/,
      500,
    )
  assert.deepEqual(await configMaps.get('before'), before)
  // What cannot be reached because there is no such service is as closed.
  await configurations.validating.removeAll('')
  const nowhere = { service: { namespace, name: 'no-such', path: '/x', port: 443 }, caBundle: webhooks.caBundle }
  await register('validating', [{ ...unreachable, clientConfig: nowhere }])
  refused(
    await create(configMap('closed')),
    /failed calling webhook "judge\.example\.com": failed to call webhook: service.*"no-such" not found$/,
    500,
  )
})

/** Conditions are stored as they are written, and replaced by an update. */
async function checkConditions(type: Type): Promise<void> {
  const conditions = (value: string) => [{ name: `expression-${value}`, expression: `object.metadata.namespace == '${value}'` }]
  await register(type, [hook(deny, onConfigMaps, { matchConditions: conditions('test') })])
  const made = await configurations[type].get('conformance')
  const [webhook] = made.webhooks as TestJson[]
  assert.deepEqual(webhook!.matchConditions, conditions('test'))
  await configurations[type].replace('conformance', { ...made, webhooks: [{ ...webhook, matchConditions: conditions('other') }] })
  assert.deepEqual(at(await configurations[type].get('conformance'), 'webhooks.0.matchConditions'), conditions('other'))
}

test('AdmissionWebhook should be able to create and update mutating webhook configurations with match conditions', () =>
  checkConditions('mutating'))

test('AdmissionWebhook should be able to create and update validating webhook configurations with match conditions', () =>
  checkConditions('validating'))

async function checkWrongConditions(type: Type): Promise<void> {
  const matchConditions = [{ name: 'invalid-expression-1', expression: '... [] bad expression' }]
  const { code, json } = await send('POST', configurations[type].path, {
    body: { metadata: { name: 'wrong' }, webhooks: [hook(deny, onConfigMaps, { matchConditions })] },
  })
  assert.equal(code, 422)
  assert.match(String(json.message), /webhooks\[0\]\.matchConditions\[0\]\.expression: Invalid value: .*: compilation failed/)
}

test('AdmissionWebhook should reject mutating webhook configurations with invalid match conditions', () => checkWrongConditions('mutating'))

test('AdmissionWebhook should reject validating webhook configurations with invalid match conditions', () =>
  checkWrongConditions('validating'))

test("AdmissionWebhook should mutate everything except 'skip-me' configmaps", async () => {
  const matchConditions = [{ name: 'skip-me', expression: `object.metadata.name != 'skip-me'` }]
  await register('mutating', [hook(add('mutated'), onConfigMaps, { matchConditions })])
  assert.deepEqual(keysOf(await configMaps.create(configMap('skip-me', { own: '1' }))), ['own'])
  assert.deepEqual(keysOf(await configMaps.create(configMap('other', { own: '1' }))), ['mutated', 'own'])
})
