import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { admissionPluginNames, offByDefault } from './plugin-names.ts'
import { builtInPlugins } from './plugins.ts'
import { createTestApi } from '../test-api.ts'
import { at, sender, type TestResponse } from '../test-requests.ts'

const { api } = await createTestApi({
  clock: virtualClock(),
  random: seededRandom(12),
  withoutAdmission: ['ServiceAccount'],
  withAdmission: ['OwnerReferencesPermissionEnforcement'],
})
after(() => api.close())
const send = sender(api)
const core = (plural: string, body: object) => send('POST', `/api/v1/namespaces/default/${plural}`, { body })
const ok = ({ code, text, json }: TestResponse) => {
  assert.ok(code < 300, text)
  return json
}
const refused = ({ code, json }: TestResponse) => {
  assert.equal(code, 403)
  return json.message
}
const pod = (name: string, spec: object = {}) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } })

test('a new node takes no pods until it is known to be ready', async () => {
  const node = ok(
    await send('POST', '/api/v1/nodes', {
      body: { metadata: { name: 'n', labels: { 'topology.kubernetes.io/zone': 'z', 'topology.kubernetes.io/region': 'r' } } },
    }),
  )
  assert.deepEqual(at(node, 'spec.taints'), [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }])
})

test('a pod learns the zone of its node when it is bound, whatever it said itself', async () => {
  ok(await core('pods', { ...pod('bound'), metadata: { name: 'bound', labels: { 'topology.kubernetes.io/region': 'own' } } }))
  ok(await core('pods/bound/binding', { metadata: { name: 'bound' }, target: { kind: 'Node', name: 'n' } }))
  const { json } = await send('GET', '/api/v1/namespaces/default/pods/bound')
  assert.deepEqual(at(json, 'metadata.labels'), { 'topology.kubernetes.io/region': 'r', 'topology.kubernetes.io/zone': 'z' })
})

test('a runtime class brings its overhead, its nodes and its tolerations', async () => {
  const scheduling = { nodeSelector: { sandbox: 'yes' }, tolerations: [{ key: 'sandbox', operator: 'Exists' }] }
  ok(
    await send('POST', '/apis/node.k8s.io/v1/runtimeclasses', {
      body: { metadata: { name: 'sandboxed' }, handler: 'h', overhead: { podFixed: { cpu: '100m' } }, scheduling },
    }),
  )
  const made = ok(await core('pods', pod('boxed', { runtimeClassName: 'sandboxed', nodeSelector: { disk: 'ssd' } })))
  assert.deepEqual(at(made, 'spec.overhead'), { cpu: '100m' })
  assert.deepEqual(at(made, 'spec.nodeSelector'), { disk: 'ssd', sandbox: 'yes' })
  assert.ok((at(made, 'spec.tolerations') as { key: string }[]).some(({ key }) => key === 'sandbox'))
  assert.equal(
    refused(await core('pods', pod('clash', { runtimeClassName: 'sandboxed', nodeSelector: { sandbox: 'no' } }))),
    'pods "clash" is forbidden: conflict: runtimeClass.scheduling.nodeSelector[sandbox] = yes; pod.spec.nodeSelector[sandbox] = no',
  )
  assert.equal(
    refused(await core('pods', pod('lost', { runtimeClassName: 'none' }))),
    'pods "lost" is forbidden: pod rejected: RuntimeClass "none" not found',
  )
  assert.equal(
    refused(await core('pods', pod('liar', { overhead: { cpu: '1' } }))),
    'pods "liar" is forbidden: pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead',
  )
})

const claim = (name: string, spec: object = {}) => ({
  metadata: { name },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, ...spec },
})
const storageClass = (name: string, more: object = {}) =>
  send('POST', '/apis/storage.k8s.io/v1/storageclasses', {
    body: { metadata: { name, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }, provisioner: 'p', ...more },
  })

test('a claim gets the default class and is held until it is out of use', async () => {
  assert.equal(at(ok(await core('persistentvolumeclaims', claim('before'))), 'spec.storageClassName'), undefined)
  ok(await storageClass('b-class', { allowVolumeExpansion: true }))
  ok(await storageClass('a-class'))
  const made = ok(await core('persistentvolumeclaims', claim('defaulted')))
  assert.equal(at(made, 'spec.storageClassName'), 'a-class')
  assert.deepEqual(at(made, 'metadata.finalizers'), ['kubernetes.io/pvc-protection'])
  assert.equal(at(ok(await core('persistentvolumeclaims', claim('none', { storageClassName: '' }))), 'spec.storageClassName'), '')
})

test('a claim grows when it is bound and its class allows it', async () => {
  const type = 'application/merge-patch+json'
  const url = (name: string) => `/api/v1/namespaces/default/persistentvolumeclaims/${name}`
  const grow = (name: string) => send('PATCH', url(name), { type, body: { spec: { resources: { requests: { storage: '2Gi' } } } } })
  const bind = (name: string) => send('PATCH', `${url(name)}/status`, { type, body: { status: { phase: 'Bound' } } })
  // Validation comes first, and says the same of a claim that is not bound.
  assert.equal((await grow('defaulted')).code, 422)
  ok(await bind('defaulted'))
  assert.match(String(refused(await grow('defaulted'))), /the storageclass that provisions the pvc must support resize$/)
  ok(await core('persistentvolumeclaims', claim('elastic', { storageClassName: 'b-class' })))
  ok(await bind('elastic'))
  assert.equal(at(ok(await grow('elastic')), 'spec.resources.requests.storage'), '2Gi')
})

test('an ingress gets the default class', async () => {
  const annotations = { 'ingressclass.kubernetes.io/is-default-class': 'true' }
  ok(
    await send('POST', '/apis/networking.k8s.io/v1/ingressclasses', {
      body: { metadata: { name: 'front', annotations }, spec: { controller: 'a.b/c' } },
    }),
  )
  const ingress = { metadata: { name: 'i' }, spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } }
  assert.equal(
    at(ok(await send('POST', '/apis/networking.k8s.io/v1/namespaces/default/ingresses', { body: ingress })), 'spec.ingressClassName'),
    'front',
  )
})

test('a pod keeps its priority when an update leaves it out', async () => {
  ok(await core('pods', pod('kept', { priorityClassName: 'system-node-critical' })))
  const { json } = await send('GET', '/api/v1/namespaces/default/pods/kept')
  const spec = { ...(json.spec as object), priority: undefined, preemptionPolicy: undefined }
  const put = ok(await send('PUT', '/api/v1/namespaces/default/pods/kept', { body: { ...json, spec } }))
  assert.equal(at(put, 'spec.priority'), 2_000_001_000)
})

test('a mirror pod is no way to secrets', async () => {
  const mirror = { annotations: { 'kubernetes.io/config.mirror': 'x' } }
  const { api: strict } = await createTestApi({ clock: virtualClock(), random: seededRandom(13), withoutAdmission: [] })
  after(() => strict.close())
  const volumes = [{ name: 's', secret: { secretName: 's' } }]
  const body = { metadata: { name: 'm', ...mirror }, spec: { containers: [{ name: 'c', image: 'i' }], volumes } }
  assert.equal(
    refused(await sender(strict)('POST', '/api/v1/namespaces/default/pods', { body })),
    'pods "m" is forbidden: a mirror pod may not reference secrets',
  )
})

test('an owner of an unknown kind cannot be blocked', async () => {
  const ownerReferences = [{ apiVersion: 'x.y/v1', kind: 'Z', name: 'z', uid: 'u', blockOwnerDeletion: true }]
  assert.equal(
    refused(await core('configmaps', { metadata: { name: 'owned', ownerReferences } })),
    'configmaps "owned" is forbidden: cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion x.y/v1 Kind Z',
  )
  ok(await core('configmaps', { metadata: { name: 'free', ownerReferences: [{ ...ownerReferences[0], blockOwnerDeletion: false }] } }))
})

test('a quota on a device class counts the devices that claims may get', async () => {
  ok(await core('resourcequotas', { metadata: { name: 'devices' }, spec: { hard: { 'gpu.deviceclass.resource.k8s.io/devices': '3' } } }))
  const requests = (count: number) => ({ devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', count } }] } })
  const claims = (name: string, count: number) =>
    send('POST', '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims', { body: { metadata: { name }, spec: requests(count) } })
  ok(await claims('two', 2))
  assert.equal(
    refused(await claims('more', 2)),
    'resourceclaims.resource.k8s.io "more" is forbidden: exceeded quota: devices, requested: gpu.deviceclass.resource.k8s.io/devices=2, used: gpu.deviceclass.resource.k8s.io/devices=2, limited: gpu.deviceclass.resource.k8s.io/devices=3',
  )
})

test('a quota can be for claims of one attributes class', async () => {
  const scopeSelector = { matchExpressions: [{ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['gold'] }] }
  ok(await core('resourcequotas', { metadata: { name: 'gold' }, spec: { hard: { 'requests.storage': '1Gi' }, scopeSelector } }))
  ok(await core('persistentvolumeclaims', claim('g1', { volumeAttributesClassName: 'gold', storageClassName: 'b-class' })))
  assert.match(
    String(refused(await core('persistentvolumeclaims', claim('g2', { volumeAttributesClassName: 'gold', storageClassName: 'b-class' })))),
    /exceeded quota: gold/,
  )
  ok(await core('persistentvolumeclaims', claim('s1', { volumeAttributesClassName: 'silver', storageClassName: 'b-class' })))
  const wrong = await core('resourcequotas', { metadata: { name: 'w' }, spec: { hard: { services: '1' }, scopes: ['BestEffort'] } })
  assert.equal(wrong.code, 422)
  assert.match(String(wrong.json.message), /spec.scopes: Invalid value: \["BestEffort"\]: unsupported scope applied to resource/)
})

test('creates at once never take more than a quota has', async () => {
  const quota = { metadata: { name: 'at-once' }, spec: { hard: { 'count/secrets': '7' } } }
  ok(await core('resourcequotas', quota))
  const all = await Promise.all(Array.from({ length: 30 }, (_, i) => core('secrets', { metadata: { name: `s-${i}` } })))
  assert.equal(all.filter(({ code }) => code === 201).length, 7)
  assert.match(
    String(all.at(-1)?.json.message),
    /exceeded quota: at-once, requested: count\/secrets=1, used: count\/secrets=7, limited: count\/secrets=7$/,
  )
})

test('the plugins run in the order of their list', () => {
  const { core: parts } = api
  const all = builtInPlugins({ ...parts, reader: api.reader, pluralOf: () => undefined }, { enabled: [...offByDefault], disabled: [] }).map(
    ({ name }) => name,
  )
  const listed = admissionPluginNames.filter((name) => all.includes(name))
  assert.deepEqual(all.slice(0, listed.length), listed)
  assert.deepEqual(all.slice(listed.length), ['PrivilegeEscalation'])
})

test('devices in admin mode are for namespaces that are marked for it', async () => {
  const devices = { requests: [{ name: 'r', exactly: { deviceClassName: 'gpu', adminAccess: true } }] }
  const claims = '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims'
  const templates = '/apis/resource.k8s.io/v1/namespaces/default/resourceclaimtemplates'
  const make = (url: string, name: string, spec: object) => send('POST', url, { body: { metadata: { name }, spec } })
  const why =
    'spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: true` label on the containing namespace'
  const direct = await make(claims, 'a', { devices })
  assert.equal(direct.code, 422, direct.text)
  assert.equal(direct.json.message, `ResourceClaim.resource.k8s.io "a" is invalid: ${why}`)
  assert.equal((await make(templates, 'a', { spec: { devices } })).code, 422)
  const labels = { 'resource.kubernetes.io/admin-access': 'true' }
  ok(await send('PATCH', '/api/v1/namespaces/default', { body: { metadata: { labels } }, type: 'application/merge-patch+json' }))
  ok(await make(claims, 'a', { devices }))
  ok(await make(templates, 'a', { spec: { devices } }))
})
