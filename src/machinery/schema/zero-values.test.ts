import assert from 'node:assert/strict'
import { test } from 'node:test'
import definitions from '../../kinds/generated/schemas.json' with { type: 'json' }
import zeroValues from '../../kinds/generated/zero-values.json' with { type: 'json' }
import { loadSchemas } from './schema-set.ts'

const schemas = loadSchemas(definitions as unknown as Parameters<typeof loadSchemas>[0], zeroValues)

function check(title: string, name: string, value: object, expected: object): void {
  test(title, () => {
    schemas.fillZeroValues(name, value)
    assert.deepEqual(value, expected)
  })
}

check(
  'parts that are held by value, and what is in them, are written',
  'io.k8s.api.apps.v1.DaemonSet',
  {},
  {
    spec: { template: { metadata: {}, spec: {} }, updateStrategy: {} },
    status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
  },
)
check(
  'items of lists are filled, what is there stays',
  'io.k8s.api.core.v1.PodSpec',
  { containers: [{ image: 'x' }, { name: 'c', resources: { limits: { cpu: '1' } } }] },
  {
    containers: [
      { name: '', image: 'x', resources: {} },
      { name: 'c', resources: { limits: { cpu: '1' } } },
    ],
  },
)
check('a pointer that is not there stays away', 'io.k8s.api.core.v1.Probe', { httpGet: {} }, { httpGet: { port: 0 } })
check('a type that holds itself ends', 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps', { not: {} }, { not: {} })
