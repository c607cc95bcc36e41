import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { checkApiOperations } from './api-operations.ts'
import { startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
const { collection, send } = conformance
after(() => conformance.close())
const namespace = await conformance.namespace('runtimes')
const runtimeClasses = collection('/apis/node.k8s.io/v1/runtimeclasses')

async function rejected(runtimeClassName: string): Promise<void> {
  const body = { metadata: { name: 'p' }, spec: { runtimeClassName, containers: [{ name: 'c', image: 'i' }] } }
  const { code, json } = await send('POST', `/api/v1/namespaces/${namespace}/pods`, { body })
  assert.equal(code, 403)
  assert.equal(json.message, `pods "p" is forbidden: pod rejected: RuntimeClass "${runtimeClassName}" not found`)
}

test('RuntimeClass should reject a Pod requesting a non-existent RuntimeClass', () => rejected('nonexistent'))

test('RuntimeClass should reject a Pod requesting a deleted RuntimeClass', async () => {
  await runtimeClasses.create({ metadata: { name: 'deleted' }, handler: 'h' })
  await runtimeClasses.remove('deleted')
  await rejected('deleted')
})

test('RuntimeClass should support RuntimeClasses API operations', () =>
  checkApiOperations(conformance, {
    group: 'node.k8s.io',
    version: 'v1',
    plural: 'runtimeclasses',
    make: (name) => ({ metadata: { name }, handler: 'h' }),
  }))
