import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { Endpoint } from '../../kinds/generated/types/discovery-v1.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { serviceEndpoint } from './service-endpoint.ts'
import { createTestApi } from '../test-api.ts'
import { sender } from '../test-requests.ts'

const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(3) })
after(() => api.close())
const send = sender(api)
const parts = { reader: api.reader, random: seededRandom(4) }

const created = async (path: string, body: object) => assert.equal((await send('POST', path, { body })).code, 201)
const slice = (name: string, addressType: string, endpoints: readonly object[]) =>
  created('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
    metadata: { name, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType,
    ports: [{ name: 'api', port: 8443 }],
    endpoints,
  })
const at = (address: string, ready?: boolean) => ({ addresses: [address], ...(ready === undefined ? {} : { conditions: { ready } }) })

await created('/api/v1/namespaces/default/services', {
  metadata: { name: 'web' },
  spec: { ports: [{ name: 'api', port: 443 }] },
})
await created('/api/v1/namespaces/default/services', { metadata: { name: 'empty' }, spec: { ports: [{ port: 443 }] } })
await slice('web-six', 'IPv6', [at('fd00::1')])
await slice('web-one', 'IPv4', [at('10.0.0.1', true), at('10.0.0.2', false)])
await slice('web-two', 'IPv4', [at('10.0.0.3')])

const drawn = (isAllowed?: (endpoint: Endpoint) => boolean) => {
  const draw = () => serviceEndpoint(parts, { namespace: 'default', name: 'web', port: '443' }, isAllowed)
  return [...new Set(Array.from({ length: 64 }, () => `${draw().host} ${draw().port}`))].sort()
}

test('every ready endpoint of the first family is drawn, and no other', () => {
  assert.deepEqual(drawn(), ['10.0.0.1 8443', '10.0.0.3 8443'])
})

test('where none of the first family is allowed, those of the other are drawn', () => {
  assert.deepEqual(
    drawn(({ addresses }) => addresses[0]!.includes(':')),
    ['fd00::1 8443'],
  )
})

test('a port is found by its name, or as the only one', () => {
  for (const port of ['api', '']) assert.equal(serviceEndpoint(parts, { namespace: 'default', name: 'web', port }).port, 8443)
})

test('what is missing is named', () => {
  const missing = (name: string, port: string, code: number, message: string) =>
    assert.throws(() => serviceEndpoint(parts, { namespace: 'default', name, port }), { code, message })
  missing('none', '443', 404, 'services "none" not found')
  missing('web', '80', 503, 'no service port 80 found for service "web"')
  missing('web', 'x', 503, 'no service port "x" found for service "web"')
  missing('empty', '443', 503, 'no endpoints available for service "empty"')
})
