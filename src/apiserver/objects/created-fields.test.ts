import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realisticPod } from '../pod-fixture.ts'
import schemaFacts from '../../kinds/generated/schemas.json' with { type: 'json' }
import zeroValues from '../../kinds/generated/zero-values.json' with { type: 'json' }
import { fieldSet } from '../../machinery/apply/field-set.ts'
import { fieldsText } from '../../machinery/apply/shared-fields.ts'
import { updateManagedFields } from '../../machinery/apply/update-managed-fields.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { loadSchemas } from '../../machinery/schema/schema-set.ts'
import { createdFields } from './created-fields.ts'

const schemas = loadSchemas(schemaFacts as Parameters<typeof loadSchemas>[0], zeroValues)

function check(title: string, schema: string, object: KubeObject): void {
  test(`a creator owns the same as by the general rule: ${title}`, () => {
    const node = schemas.lookup(schema)
    const operation = {
      schema: node,
      apiVersion: 'v1',
      manager: 'm',
      subresource: '',
      now: '2026-01-01T00:00:00Z',
      ignored: fieldSet('status'),
    }
    const expected = updateManagedFields(undefined, structuredClone(object), operation)?.[0]?.fieldsV1
    const actual = createdFields(node, object, { ignoresStatus: true })
    assert.deepEqual(actual, expected)
    if (actual) assert.deepEqual(JSON.parse(fieldsText(actual)), expected)
  })
}

const metadata = { name: 'x', namespace: 'default', labels: { a: 'b' }, annotations: { 'a.b/c': 'd"e' }, finalizers: ['f/g'] }
check('a pod of two containers', 'io.k8s.api.core.v1.Pod', realisticPod('pod-1'))
check('a pod with a status and empty parts', 'io.k8s.api.core.v1.Pod', {
  metadata,
  spec: {
    containers: [{ name: 'a', resources: {}, ports: [{ containerPort: 1 }, { containerPort: 1, protocol: 'UDP' }] }],
    securityContext: {},
    tolerations: [{ key: 'k' }],
  },
  status: { phase: 'Pending' },
} as KubeObject)
check('a config map', 'io.k8s.api.core.v1.ConfigMap', { metadata, data: { a: 'b', 'c.d': '' }, immutable: false } as KubeObject)
check('a deployment', 'io.k8s.api.apps.v1.Deployment', {
  metadata,
  spec: {
    replicas: 1,
    selector: { matchLabels: { a: 'b' } },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
} as KubeObject)
check('an event with empty parts', 'io.k8s.api.core.v1.Event', {
  metadata,
  involvedObject: {},
  source: {},
  reportingComponent: '',
  reportingInstance: 'i',
} as KubeObject)
check('a claim', 'io.k8s.api.core.v1.PersistentVolumeClaim', {
  metadata,
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
} as KubeObject)
check('a controller, whose template is a pointer', 'io.k8s.api.core.v1.ReplicationController', {
  metadata,
  spec: { replicas: 1, template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', resources: {} }] } } },
} as KubeObject)
check('data of any form', 'io.k8s.api.apps.v1.ControllerRevision', { metadata, revision: 1, data: { a: { b: 1 } } } as KubeObject)
check('owner references', 'io.k8s.api.core.v1.Secret', {
  metadata: { name: 'x', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u-1', controller: true }] },
  type: 'Opaque',
} as KubeObject)
check('a kind without a schema', 'none', { metadata, spec: { list: [1, { a: 2 }], map: { k: null } } } as KubeObject)
