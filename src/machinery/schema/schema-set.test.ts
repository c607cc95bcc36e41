import assert from 'node:assert/strict'
import { test } from 'node:test'
import definitions from '../../kinds/generated/schemas.json' with { type: 'json' }
import type { Schema } from './schema-node.ts'
import { loadSchemas } from './schema-set.ts'

const schemas = loadSchemas(definitions as unknown as Record<string, Schema>)
const pod = 'io.k8s.api.core.v1.Pod'
const deployment = 'io.k8s.api.apps.v1.Deployment'

test('type errors are worded as upstream’s decoder words them', () => {
  const check = (name: string, value: unknown, expected: string | undefined) => assert.equal(schemas.decode(name, value).error, expected)
  check(pod, { spec: { containers: [{ name: 'a', ports: [{ containerPort: 80 }] }] } }, undefined)
  check(
    deployment,
    { spec: { replicas: 'x' } },
    'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  )
  check(
    deployment,
    { spec: { replicas: 1.5 } },
    'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
  )
  check(
    deployment,
    { spec: { replicas: 2 ** 31 } },
    'json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32',
  )
  check(
    pod,
    { spec: { containers: {} } },
    'json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container',
  )
  check(
    pod,
    { spec: { containers: [{ name: 1 }] } },
    'json: cannot unmarshal number into Go struct field Container.spec.containers.name of type string',
  )
  check(
    pod,
    { metadata: { labels: { a: true } } },
    'json: cannot unmarshal bool into Go struct field ObjectMeta.metadata.labels of type string',
  )
  const before = { containers: [{ name: 1, resources: { limits: { cpu: {} } } }] }
  check(pod, { spec: before }, "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")
  check(pod, { spec: { hostNetwork: 0 } }, 'json: cannot unmarshal number into Go struct field PodSpec.spec.hostNetwork of type bool')
  check(pod, { status: { phase: 1 } }, 'json: cannot unmarshal number into Go struct field PodStatus.status.phase of type v1.PodPhase')
  check(
    pod,
    { spec: { volumes: [{ hostPath: 1 }] } },
    'json: cannot unmarshal number into Go struct field Volume.spec.volumes.VolumeSource.hostPath of type v1.HostPathVolumeSource',
  )
  check(
    pod,
    { metadata: { creationTimestamp: 1 } },
    'json: cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string',
  )
  check(pod, { metadata: [] }, 'json: cannot unmarshal array into Go struct field Pod.metadata of type v1.ObjectMeta')
  check(pod, [], 'json: cannot unmarshal array into Go value of type v1.Pod')
  check(
    pod,
    { spec: { overhead: { cpu: '1x' } } },
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  )
  check(pod, { metadata: { creationTimestamp: 'now' } }, 'parsing time "now" as "2006-01-02T15:04:05Z07:00": cannot parse "now" as "2006"')
  check('io.k8s.api.core.v1.Secret', { data: { a: 'b!==' } }, 'illegal base64 data at input byte 1')
  check(
    'io.k8s.api.core.v1.Service',
    {
      spec: {
        ports: [
          { port: 80, targetPort: 'http' },
          { port: 81, targetPort: 8080 },
        ],
      },
    },
    undefined,
  )
})

test('unknown fields are found by path and dropped', () => {
  const value = { spec: { foo: 1, containers: [{ name: 'a' }, { name: 'b', bar: {} }] }, status: null, x: [] }
  assert.deepEqual(schemas.unknownFields(pod, value), ['spec.foo', 'spec.containers[1].bar', 'x'])
  assert.deepEqual(schemas.prune(pod, value), { spec: { containers: [{ name: 'a' }, { name: 'b' }] } })
})

test('what is stored is what upstream would write', () => {
  const check = (name: string, value: unknown, expected: unknown) => {
    assert.deepEqual(schemas.prune(name, value), expected)
    assert.deepEqual(schemas.prune(name, structuredClone(expected)), expected)
  }
  check(pod, { metadata: { labels: {}, annotations: { a: null }, finalizers: [] } }, { metadata: { annotations: { a: '' } } })
  check(pod, { spec: { volumes: [{ name: 'a', emptyDir: {} }] } }, { spec: { volumes: [{ name: 'a', emptyDir: {} }] } })
  check(pod, { spec: { overhead: { cpu: '1000m', memory: 1024 } } }, { spec: { overhead: { cpu: '1', memory: '1024' } } })
  check(
    pod,
    { metadata: { creationTimestamp: '2024-01-01T02:00:00.5+02:00' } },
    { metadata: { creationTimestamp: '2024-01-01T00:00:00Z' } },
  )
  check(
    'io.k8s.api.coordination.v1.Lease',
    { spec: { renewTime: '2024-01-01T01:00:00.100000+01:00' } },
    { spec: { renewTime: '2024-01-01T00:00:00.100000Z' } },
  )
  check('io.k8s.api.rbac.v1.Role', { rules: [] }, {})
  check(
    'io.k8s.api.apps.v1.ControllerRevision',
    { revision: 1, data: { any: [null, { thing: null }] } },
    { revision: 1, data: { any: [null, { thing: null }] } },
  )
})

test('validates without changing the value', () => {
  const value = Object.freeze({ spec: Object.freeze({ replicas: 'x', paused: 1 }) })
  assert.deepEqual(
    schemas.validate(deployment, value).map((e) => [e.field, e.reason]),
    [
      ['spec.replicas', 'FieldValueTypeInvalid'],
      ['spec.paused', 'FieldValueTypeInvalid'],
    ],
  )
})

test('lookups follow references and keep merge facts', () => {
  const containers = schemas.lookupPath(pod, ['spec', 'containers'])!
  assert.deepEqual(containers.listKeys, ['name'])
  assert.equal(containers.patchMergeKey, 'name')
  assert.deepEqual(schemas.lookupPath(pod, ['spec', 'containers', 'ports'])?.listKeys, ['containerPort', 'protocol'])
  assert.deepEqual(schemas.lookupPath(deployment, ['spec', 'strategy'])?.patchStrategies, ['retainKeys'])
  assert.equal(schemas.lookupPath(deployment, ['spec', 'selector'])?.isAtomic, true)
  assert.equal(schemas.lookup('nope'), undefined)
})

test('required and enumerated fields can be judged apart', () => {
  assert.deepEqual(schemas.missingRequired(pod, { spec: { containers: [{}] } }), [
    { field: 'spec.containers[0].name', reason: 'FieldValueRequired', message: 'Required value' },
  ])
  assert.deepEqual(
    schemas.unsupportedValues(pod, { spec: { restartPolicy: 'Sometimes' } }).map((e) => `${e.field}: ${e.message}`),
    ['spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "Never", "OnFailure"'],
  )
})

test('fills defaults that the schema states', () => {
  assert.deepEqual(schemas.applyDefaults(pod, { spec: { containers: [{ name: 'a', ports: [{ containerPort: 1 }] }] } }), {
    spec: { containers: [{ name: 'a', ports: [{ containerPort: 1, protocol: 'TCP' }] }] },
  })
  const custom = loadSchemas({
    Thing: { type: 'object', properties: { a: { type: 'object', default: {}, properties: { b: { type: 'integer', default: 3 } } } } },
  })
  assert.deepEqual(custom.applyDefaults('Thing', {}), { a: { b: 3 } })
})

test('every definition loads and decodes an empty object', () => {
  for (const name of Object.keys(definitions)) {
    const node = schemas.lookup(name)
    assert.ok(node, name)
    if (node.shape === 'object') assert.equal(schemas.decode(name, {}).error, undefined)
  }
})
