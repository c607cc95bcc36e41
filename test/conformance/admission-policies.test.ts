import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { at, type TestJson } from '../../src/apiserver/test-requests.ts'
import { checkApiOperations } from './api-operations.ts'
import { startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
const { collection, send, clock } = conformance
after(() => conformance.close())
const namespace = await conformance.namespace('policies')

const group = 'admissionregistration.k8s.io'
const registration = `/apis/${group}/v1`
const of = (plural: string) => collection(`${registration}/${plural}`)
const validating = { policies: of('validatingadmissionpolicies'), bindings: of('validatingadmissionpolicybindings') }
const mutating = { policies: of('mutatingadmissionpolicies'), bindings: of('mutatingadmissionpolicybindings') }
const deployments = collection(`/apis/apps/v1/namespaces/${namespace}/deployments`)

const matchConstraints = {
  resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE', 'UPDATE'], resources: ['deployments'] }],
}
const deployment = (name: string, replicas: number) => ({
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { test: 'test' } },
    template: { metadata: { labels: { test: 'test' } }, spec: { containers: [{ name: 'pause', image: 'pause' }] } },
  },
})

async function enforce(type: typeof validating, name: string, spec: object): Promise<void> {
  await type.policies.create({ metadata: { name }, spec: { matchConstraints, ...spec } })
  const actions = type === validating ? { validationActions: ['Deny'] } : {}
  await type.bindings.create({
    metadata: { name },
    spec: {
      policyName: name,
      ...actions,
      matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } },
    },
  })
  await clock.settle()
}

afterEach(async () => {
  for (const { policies, bindings } of [validating, mutating]) for (const each of [bindings, policies]) await each.removeAll('')
  await clock.settle()
})

async function denied(object: object, message: RegExp): Promise<void> {
  const { code, json } = await send('POST', deployments.path, { body: object })
  assert.equal(code, 422)
  assert.match(String(json.message), message)
}

async function typeChecked(name: string): Promise<TestJson> {
  await clock.settle()
  for (let i = 0; i < 100; i++) {
    const { status } = await validating.policies.get(name)
    if (at((status ?? {}) as TestJson, 'typeChecking') !== undefined) return status as TestJson
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.fail('the policy was not type checked')
}

test('ValidatingAdmissionPolicy should validate against a Deployment', async () => {
  await enforce(validating, 'replicas.policy.example.com', {
    validations: [
      { expression: 'object.spec.replicas > 1', messageExpression: `'wants at least two replicas, got ' + string(object.spec.replicas)` },
    ],
  })
  const status = await typeChecked('replicas.policy.example.com')
  assert.deepEqual(at(status, 'typeChecking'), {})
  assert.equal(at(status, 'observedGeneration'), 1)
  await deployments.create(deployment('replicated', 2))
  await denied(
    deployment('non-replicated', 1),
    /ValidatingAdmissionPolicy 'replicas\.policy\.example\.com' with binding '.*' denied request: wants at least two replicas, got 1$/,
  )
  await deployments.remove('replicated')
})

test('ValidatingAdmissionPolicy should allow expressions to refer variables.', async () => {
  await enforce(validating, 'variables.policy.example.com', {
    variables: [
      { name: 'replicas', expression: 'object.spec.replicas' },
      { name: 'oddReplicas', expression: 'variables.replicas % 2 == 1' },
    ],
    validations: [{ expression: 'variables.replicas > 1' }, { expression: 'variables.oddReplicas' }],
  })
  await deployments.create(deployment('odd', 3))
  await denied(deployment('one', 1), /failed expression: variables\.replicas > 1$/)
  await denied(deployment('even', 4), /failed expression: variables\.oddReplicas$/)
  await deployments.remove('odd')
})

test('a policy tells in its status what does not fit the kinds that it is for', async () => {
  await enforce(validating, 'confused.policy.example.com', {
    validations: [
      { expression: `object.spec.replicas > '1'` },
      { expression: 'object.spec.maxReplicas < 5', messageExpression: `'' + object.spec.paused` },
      { expression: 'object.spec.replicas > 1' },
    ],
  })
  const warnings = at(await typeChecked('confused.policy.example.com'), 'typeChecking.expressionWarnings') as {
    fieldRef: string
    warning: string
  }[]
  assert.deepEqual(
    warnings.map(({ fieldRef }) => fieldRef),
    ['spec.validations[0].expression', 'spec.validations[1].expression', 'spec.validations[1].messageExpression'],
  )
  assert.match(
    warnings[0]!.warning,
    /^apps\/v1, Kind=Deployment: ERROR: <input>:1:22: found no matching overload for '_>_' applied to '\(int, string\)'/,
  )
  assert.match(warnings[1]!.warning, /undefined field 'maxReplicas'/)
})

test('MutatingAdmissionPolicy should mutate a Deployment', async () => {
  await enforce(mutating, 'replicas.mutate.example.com', {
    reinvocationPolicy: 'Never',
    mutations: [
      {
        patchType: 'ApplyConfiguration',
        applyConfiguration: { expression: 'Object{spec: Object.spec{replicas: object.spec.replicas + 100}}' },
      },
    ],
  })
  assert.equal(at(await deployments.create(deployment('more', 2)), 'spec.replicas'), 102)
  await deployments.remove('more')
})

test('MutatingAdmissionPolicy should mutate a Deployment with annotations', async () => {
  await enforce(mutating, 'annotations.mutate.example.com', {
    reinvocationPolicy: 'IfNeeded',
    mutations: [
      {
        patchType: 'ApplyConfiguration',
        applyConfiguration: {
          expression: `Object{metadata: Object.metadata{annotations: {'my-annotation': 'my-value', 'my.example.com/other': string(object.spec.replicas)}}}`,
        },
      },
      {
        patchType: 'JSONPatch',
        jsonPatch: {
          expression: `[JSONPatch{op: 'add', path: '/metadata/annotations/' + jsonpatch.escapeKey('my.example.com/third'), value: 'x'}]`,
        },
      },
    ],
  })
  assert.deepEqual(at(await deployments.create(deployment('annotated', 2)), 'metadata.annotations'), {
    'my-annotation': 'my-value',
    'my.example.com/other': '2',
    'my.example.com/third': 'x',
  })
  await deployments.remove('annotated')
})

const conditions = [{ type: 'E2E', status: 'True', reason: 'Set', message: 'Set from a test', lastTransitionTime: '2026-01-01T00:00:00Z' }]
const cases: readonly (readonly [title: string, plural: string, spec: object, status?: TestJson])[] = [
  [
    'ValidatingAdmissionPolicy should support ValidatingAdmissionPolicy API operations',
    'validatingadmissionpolicies',
    { matchConstraints, validations: [{ expression: 'object.spec.replicas <= 100' }] },
    { conditions },
  ],
  [
    'ValidatingAdmissionPolicy should support ValidatingAdmissionPolicyBinding API operations',
    'validatingadmissionpolicybindings',
    { policyName: 'none.example.com', validationActions: ['Deny'] },
  ],
  [
    'MutatingAdmissionPolicy should support MutatingAdmissionPolicy API operations',
    'mutatingadmissionpolicies',
    {
      matchConstraints,
      reinvocationPolicy: 'Never',
      mutations: [{ patchType: 'ApplyConfiguration', applyConfiguration: { expression: 'Object{spec: Object.spec{replicas: 1}}' } }],
    },
  ],
  [
    'MutatingAdmissionPolicy should support MutatingAdmissionPolicyBinding API operations',
    'mutatingadmissionpolicybindings',
    { policyName: 'none.example.com' },
  ],
]

for (const [title, plural, spec, status] of cases)
  test(title, () =>
    checkApiOperations(conformance, {
      group,
      version: 'v1',
      plural,
      make: (name) => ({ metadata: { name }, spec }),
      ...(status ? { status } : {}),
      names: ['operations-1.example.com', 'operations-2.example.com', 'operations-3.example.com'],
    }),
  )

test('expressions that do not compile are refused with their place', async () => {
  const spec = { matchConstraints, variables: [{ name: 'v', expression: '1 +' }], validations: [{ expression: `'text'` }] }
  const { code, json } = await send('POST', validating.policies.path, { body: { metadata: { name: 'wrong.example.com' }, spec } })
  assert.equal(code, 422)
  assert.match(
    String(json.message),
    /spec\.variables\[0\]\.expression: Invalid value: "1 \+": compilation failed: ERROR: <input>:1:4: Syntax error/,
  )
  assert.match(String(json.message), /spec\.validations\[0\]\.expression: Invalid value: "'text'": must evaluate to bool/)
})
