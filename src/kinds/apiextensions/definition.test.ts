import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CustomResourceDefinition, JSONSchemaProps } from '../generated/types/apiextensions-v1.ts'
import { updateErrors } from '../kind-test-support.ts'
import { customResourceDefinitions } from './custom-resource-definition.ts'

const texts = (maxItems: number): JSONSchemaProps => ({ type: 'array', maxItems, items: { type: 'string', maxLength: 50 } })
const costly = (list: JSONSchemaProps): JSONSchemaProps => ({
  type: 'object',
  properties: { list: { ...list, 'x-kubernetes-validations': [{ rule: 'self.all(a, self.all(b, a != b))' }] } },
})
const definition = (openAPIV3Schema: JSONSchemaProps, extra: object = {}): CustomResourceDefinition => ({
  metadata: { name: 'lists.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'lists', kind: 'List' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema }, ...extra }],
  },
})

test('a schema that has been accepted may cost what it costs, a changed one may not', () => {
  const old = definition(costly(texts(1000)))
  assert.deepEqual(updateErrors(customResourceDefinitions, old, definition(costly(texts(1000)), { deprecated: true })), [])
  const [error, ...others] = updateErrors(customResourceDefinitions, old, definition(costly(texts(1001))))
  assert.equal(others.length, 0)
  assert.match(error!, /^spec\.validation\.openAPIV3Schema\.properties\[list\]\.x-kubernetes-validations\[0\]\.rule: Forbidden: estimated/)
})

test('an approval is asked for once', () => {
  const { spec } = definition({ type: 'object' })
  const named = (annotations: Record<string, string>): CustomResourceDefinition => ({
    metadata: { name: 'lists.lists.k8s.io', annotations },
    spec: { ...spec, group: 'lists.k8s.io' },
  })
  assert.deepEqual(updateErrors(customResourceDefinitions, named({}), named({ other: 'x' })), [])
  const [error] = updateErrors(customResourceDefinitions, named({ 'api-approved.kubernetes.io': 'unapproved' }), named({}))
  assert.match(error!, /^metadata\.annotations\[api-approved\.kubernetes\.io\]: Required value/)
})
