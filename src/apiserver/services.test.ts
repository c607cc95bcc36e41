import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createTestApi } from './test-api.ts'
import { at, sender } from './test-requests.ts'

const clock = virtualClock()
const { api, store } = await createTestApi({ clock, random: seededRandom(2) })
after(() => api.close())
const send = sender(api)
const services = '/api/v1/namespaces/default/services'
const service = (name: string, spec: object) => ({ metadata: { name }, spec: { ports: [{ port: 80 }], ...spec } })

function check(
  title: string,
  body: object,
  expected: { code: number; message?: RegExp; values?: Readonly<Record<string, unknown>> },
): void {
  test(title, async () => {
    const { code, json, text } = await send('POST', services, { body })
    assert.equal(code, expected.code, text)
    if (expected.message) assert.match(String(json.message), expected.message)
    for (const [path, value] of Object.entries(expected.values ?? {})) assert.deepEqual(at(json, path), value, path)
  })
}

test('the kubernetes Service has the first address', async () => {
  assert.equal(at((await send('GET', `${services}/kubernetes`)).json, 'spec.clusterIP'), '10.96.0.1')
})
test('an address is drawn behind the static part', async () => {
  const { json } = await send('POST', services, { body: service('drawn', {}) })
  const [, , third, fourth] = String(at(json, 'spec.clusterIP')).split('.').map(Number)
  assert.match(String(at(json, 'spec.clusterIP')), /^10\.(9[6-9]|10\d|11[01])\./)
  assert.ok(third! * 256 + fourth! > 256 || String(at(json, 'spec.clusterIP')).split('.')[1] !== '96')
  assert.deepEqual(at(json, 'spec.clusterIPs'), [at(json, 'spec.clusterIP')])
})
check('a wanted address is given', service('dns', { clusterIP: '10.96.0.10' }), {
  code: 201,
  values: { 'spec.clusterIP': '10.96.0.10', 'spec.ipFamilies': ['IPv4'], 'spec.ipFamilyPolicy': 'SingleStack' },
})
check('once', service('dns2', { clusterIP: '10.96.0.10' }), {
  code: 422,
  message: /spec\.clusterIPs: Invalid value: \["10\.96\.0\.10"\]: failed to allocate IP 10\.96\.0\.10: provided IP is already allocated/,
})
check('an address outside of the range', service('out', { clusterIP: '10.1.2.3' }), {
  code: 422,
  message: /failed to allocate IP 10\.1\.2\.3: the provided network does not match the current range/,
})
check('the address of the range itself', service('net', { clusterIP: '10.96.0.0' }), {
  code: 422,
  message: /failed to allocate IP 10\.96\.0\.0: the provided network does not match the current range/,
})
check('headless', service('headless', { clusterIP: 'None' }), {
  code: 201,
  values: { 'spec.clusterIP': 'None', 'spec.clusterIPs': ['None'] },
})
check(
  'an external name has no address',
  { metadata: { name: 'ext' }, spec: { type: 'ExternalName', externalName: 'example.com' } },
  { code: 201, values: { 'spec.clusterIP': undefined } },
)
check('a wanted node port is given', service('np', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }), {
  code: 201,
  values: { 'spec.ports.0.nodePort': 30080 },
})
check('once', service('np2', { type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }), {
  code: 422,
  message: /spec\.ports\[0\]\.nodePort: Invalid value: 30080: provided port is already allocated/,
})
check('a node port outside of the range', service('np3', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }), {
  code: 422,
  message: /provided port is not in the valid range\. The range of valid ports is 30000-32767/,
})
check('dual stack is refused where there is none', service('dual', { ipFamilyPolicy: 'RequireDualStack' }), {
  code: 422,
  message: /not configured for dual-stack/,
})

test('what a deleted Service held can be taken again, also after a change of type', async () => {
  await send('POST', services, {
    body: service('cycle', { type: 'NodePort', clusterIP: '10.96.0.77', ports: [{ port: 80, nodePort: 31000 }] }),
  })
  const plain = await send('PATCH', `${services}/cycle`, { body: { spec: { type: 'ClusterIP' } }, type: 'application/merge-patch+json' })
  assert.equal(plain.code, 200, plain.text)
  assert.equal(at(plain.json, 'spec.ports.0.nodePort'), undefined)
  assert.equal(
    (await send('POST', services, { body: service('port', { type: 'NodePort', ports: [{ port: 80, nodePort: 31000 }] }) })).code,
    201,
  )
  assert.equal((await send('DELETE', `${services}/cycle`)).code, 200)
  assert.equal((await send('POST', services, { body: service('again', { clusterIP: '10.96.0.77' }) })).code, 201)
})

test('an update that leaves the address out keeps it', async () => {
  const before = (await send('GET', `${services}/dns`)).json
  const { json, code, text } = await send('PUT', `${services}/dns`, { body: service('dns', { sessionAffinity: 'ClientIP' }) })
  assert.equal(code, 200, text)
  assert.equal(at(json, 'spec.clusterIP'), at(before, 'spec.clusterIP'))
})

test('a refused or dry create takes nothing', async () => {
  await send('POST', `${services}?dryRun=All`, { body: service('dry', { clusterIP: '10.96.0.99' }) })
  await send('POST', services, { body: { metadata: { name: 'bad' }, spec: { clusterIP: '10.96.0.99', ports: [{ port: 0 }] } } })
  assert.equal((await send('POST', services, { body: service('real', { clusterIP: '10.96.0.99' }) })).code, 201)
})

test('a restarted server knows what is taken', async () => {
  const later = await createTestApi({ clock, random: seededRandom(9), store })
  const answer = await sender(later.api)('POST', services, { body: service('after', { clusterIP: '10.96.0.10' }) })
  assert.equal(answer.code, 422)
  await later.api.close()
})

const networking = '/apis/networking.k8s.io/v1'
const addressOf = (address: string) => send('GET', `${networking}/ipaddresses/${address}`)

test('every address of a Service is an IPAddress object that comes and goes with it', async () => {
  const first = await addressOf('10.96.0.1')
  assert.equal(at(first.json, 'spec.parentRef.name'), 'kubernetes')
  assert.equal(at(first.json, 'metadata.labels')?.['ipaddress.kubernetes.io/managed-by' as never], 'ipallocator.k8s.io')
  await send('POST', services, { body: service('held', { clusterIP: '10.96.0.120' }) })
  assert.deepEqual(at((await addressOf('10.96.0.120')).json, 'spec'), {
    parentRef: { resource: 'services', namespace: 'default', name: 'held' },
  })
  await send('POST', `${services}?dryRun=All`, { body: service('dry', { clusterIP: '10.96.0.121' }) })
  assert.equal((await addressOf('10.96.0.121')).code, 404)
  const external = { spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: null, clusterIPs: null } }
  assert.equal((await send('PATCH', `${services}/held`, { body: external, type: 'application/merge-patch+json' })).code, 200)
  assert.equal((await addressOf('10.96.0.120')).code, 404)
  const back = { spec: { type: 'ClusterIP', clusterIP: '10.96.0.120' } }
  assert.equal((await send('PATCH', `${services}/held`, { body: back, type: 'application/merge-patch+json' })).code, 200)
  assert.equal((await addressOf('10.96.0.120')).code, 200)
  await send('DELETE', `${services}/held`)
  assert.equal((await addressOf('10.96.0.120')).code, 404)
})

test('an address that somebody else holds is taken', async () => {
  const parentRef = { group: 'example.com', resource: 'things', name: 'mine' }
  const made = await send('POST', `${networking}/ipaddresses`, { body: { metadata: { name: '10.96.0.130' }, spec: { parentRef } } })
  assert.equal(made.code, 201, made.text)
  const refused = await send('POST', services, { body: service('late', { clusterIP: '10.96.0.130' }) })
  assert.match(String(refused.json.message), /provided IP is already allocated/)
})

test('addresses come out of every range that is ready', async () => {
  assert.deepEqual(at((await send('GET', `${networking}/servicecidrs/kubernetes`)).json, 'spec.cidrs'), ['10.96.0.0/12'])
  const ranges = `${networking}/servicecidrs`
  const wanted = service('far', { clusterIP: '10.200.0.5' })
  assert.equal((await send('POST', services, { body: wanted })).code, 422)
  const made = await send('POST', ranges, { body: { metadata: { name: 'more' }, spec: { cidrs: ['10.200.0.0/29'] } } })
  assert.equal(made.code, 201, made.text)
  assert.equal((await send('POST', services, { body: wanted })).code, 201)
  const notReady = {
    status: {
      conditions: [{ type: 'Ready', status: 'False', reason: 'Terminating', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }],
    },
  }
  const patched = await send('PATCH', `${ranges}/more/status`, { body: notReady, type: 'application/merge-patch+json' })
  assert.equal(patched.code, 200, patched.text)
  assert.equal((await send('POST', services, { body: service('far2', { clusterIP: '10.200.0.4' }) })).code, 422)
  const tiny = await send('POST', ranges, { body: { metadata: { name: 'tiny' }, spec: { cidrs: ['10.201.0.0/32', 'fd00::/112'] } } })
  assert.equal(tiny.code, 201, tiny.text)
  assert.equal((await send('POST', services, { body: service('any', {}) })).code, 201)
})

test('the range of node ports and the seconds of tolerations are set', async () => {
  const made = await createTestApi({
    clock,
    random: seededRandom(2),
    nodePorts: { min: 20_000, max: 20_001 },
    tolerationSeconds: { notReady: 7 },
  })
  try {
    const ask = sender(made.api)
    const ported = (name: string, nodePort?: number) => ({
      metadata: { name },
      spec: { type: 'NodePort', ports: [{ port: 80, ...(nodePort ? { nodePort } : {}) }] },
    })
    const first = await ask('POST', services, { body: ported('a') })
    assert.match(String(at(first.json, 'spec.ports.0.nodePort')), /^2000[01]$/)
    const { json } = await ask('POST', services, { body: ported('b', 30_000) })
    assert.match(String(json.message), /The range of valid ports is 20000-20001/)
    const pod = { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }
    const { json: made2 } = await ask('POST', '/api/v1/namespaces/default/pods', { body: pod })
    assert.deepEqual(at(made2, 'spec.tolerations.0.tolerationSeconds'), 7)
    assert.deepEqual(at(made2, 'spec.tolerations.1.tolerationSeconds'), 300)
  } finally {
    await made.api.close()
  }
})
