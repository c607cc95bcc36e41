import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { at } from '../../src/apiserver/test-requests.ts'
import { changed, namesOf, startConformanceApi } from './conformance-api.ts'

/** ConfigMaps, Secrets, PodTemplates, Leases and Nodes: plain objects and what becomes of them. */
const conformance = await startConformanceApi()
after(() => conformance.close())
const { send } = conformance
const namespace = await conformance.namespace('objects')
const root = `/api/v1/namespaces/${namespace}`
const configMaps = conformance.collection(`${root}/configmaps`)
const secrets = conformance.collection(`${root}/secrets`)
const podTemplates = conformance.collection(`${root}/podtemplates`)

for (const [title, collection, kind] of [
  ['ConfigMap should fail to create ConfigMap with empty key', configMaps, 'ConfigMap'],
  ['Secrets should fail to create secret due to empty secret key', secrets, 'Secret'],
] as const) {
  test(title, async () => {
    const body = { metadata: { name: 'empty-key' }, data: { '': 'dmFsdWUtMQ==' } }
    const { code, json } = await send('POST', collection.path, { body })
    assert.equal(code, 422)
    assert.match(
      String(json.message),
      new RegExp(`^${kind} "empty-key" is invalid: data\\[\\]: Invalid value: "": a valid config key must consist of`),
    )
    await collection.gone('empty-key')
  })
}

test('ConfigMap should run through a ConfigMap lifecycle', async () => {
  const made = await configMaps.create({
    metadata: { name: 'lifecycle', labels: { 'test-configmap-static': 'true' } },
    data: { valueName: 'value' },
  })
  const watch = await configMaps.watch(
    `labelSelector=test-configmap-static%3Dtrue&resourceVersion=${String(at(made, 'metadata.resourceVersion'))}`,
  )
  await configMaps.strategic('lifecycle', { metadata: { labels: { 'test-configmap': 'patched' } }, data: { valueName: 'value1' } })
  await watch.until('MODIFIED', 'lifecycle')
  const read = await configMaps.get('lifecycle')
  assert.equal(at(read, 'data.valueName'), 'value1')
  assert.equal(at(read, 'metadata.labels.test-configmap'), 'patched')
  const everywhere = await conformance.collection('/api/v1/configmaps').list('labelSelector=test-configmap-static%3Dtrue')
  assert.deepEqual(
    everywhere.map((item) => [at(item, 'metadata.name'), at(item, 'metadata.namespace'), at(item, 'data.valueName')]),
    [['lifecycle', namespace, 'value1']],
  )
  await configMaps.removeAll('labelSelector=test-configmap-static%3Dtrue')
  await watch.until('DELETED', 'lifecycle')
  watch.stop()
  assert.deepEqual(await configMaps.list('labelSelector=test-configmap-static%3Dtrue'), [])
})

test('ConfigMap should update ConfigMap successfully', async () => {
  const made = await configMaps.create({ metadata: { name: 'updated' }, data: {} })
  await configMaps.replace('updated', changed(made, { data: { key: 'value' } }))
  assert.deepEqual((await configMaps.get('updated')).data, { key: 'value' })
})

for (const [title, collection, encode] of [
  ['ConfigMap should be immutable if `immutable` field is set', configMaps, String],
  ['Secrets should be immutable if `immutable` field is set', secrets, btoa],
] as const) {
  test(title, async () => {
    const refused = async (object: object) => {
      const { code, json } = await send('PUT', `${collection.path}/immutable`, { body: object })
      assert.equal(code, 422)
      assert.match(String(json.message), /field is immutable when `immutable` is set$/)
    }
    const value = (text: string) => ({ data: { 'data-1': encode(text) } })
    const made = await collection.create({ metadata: { name: 'immutable' }, ...value('value-1') })
    const updated = await collection.replace('immutable', changed(made, value('value-2')))
    const locked = await collection.replace('immutable', changed(updated, { immutable: true }))
    await refused(changed(locked, value('value-3')))
    await refused(changed(locked, { immutable: false }))
    await refused(changed(locked, { immutable: undefined }))
    const labelled = await collection.replace('immutable', changed(locked, { 'metadata.labels.label1': 'value1' }))
    assert.equal(at(labelled, 'metadata.labels.label1'), 'value1')
    assert.equal(at(labelled, 'data.data-1'), encode('value-2'))
    await collection.remove('immutable')
    await collection.gone('immutable')
  })
}

test('Secrets should patch a secret', async () => {
  await secrets.create({ metadata: { name: 'patched', labels: { testsecret: 'true' } }, data: { key: btoa('value') }, type: 'Opaque' })
  assert.deepEqual(namesOf(await conformance.collection('/api/v1/secrets').list('labelSelector=testsecret%3Dtrue')), ['patched'])
  await secrets.strategic('patched', { metadata: { labels: { 'testsecret-constant': 'true' } }, data: { key: btoa('value1') } })
  const read = await secrets.get('patched')
  assert.equal(at(read, 'data.key'), btoa('value1'))
  assert.deepEqual(at(read, 'metadata.labels'), { testsecret: 'true', 'testsecret-constant': 'true' })
  await secrets.removeAll('labelSelector=testsecret%3Dtrue')
  assert.deepEqual(await conformance.collection('/api/v1/secrets').list('labelSelector=testsecret-constant%3Dtrue'), [])
})

const podTemplate = (name: string, labels: Readonly<Record<string, string>>) => ({
  metadata: { name, labels },
  template: { metadata: { labels: { podtemplate: 'nginx' } }, spec: { containers: [{ name: 'nginx', image: 'nginx:1' }] } },
})

test('PodTemplates should run the lifecycle of PodTemplates', async () => {
  const selector = 'labelSelector=podtemplate-static%3Dtrue'
  await podTemplates.create(podTemplate('lifecycle', { 'podtemplate-static': 'true' }))
  assert.deepEqual(namesOf(await conformance.collection('/api/v1/podtemplates').list(selector)), ['lifecycle'])
  await podTemplates.strategic('lifecycle', { metadata: { labels: { podtemplate: 'patched' } } })
  const read = await podTemplates.get('lifecycle')
  assert.deepEqual(at(read, 'metadata.labels'), { 'podtemplate-static': 'true', podtemplate: 'patched' })
  assert.equal(at(read, 'template.spec.restartPolicy'), 'Always')
  await podTemplates.remove('lifecycle')
  assert.deepEqual(await podTemplates.list(selector), [])
})

test('PodTemplates should delete a collection of pod templates', async () => {
  const selector = 'labelSelector=podtemplate-set%3Dtrue'
  for (const name of ['t1', 't2', 't3']) await podTemplates.create(podTemplate(name, { 'podtemplate-set': 'true' }))
  assert.deepEqual(namesOf(await podTemplates.list(selector)), ['t1', 't2', 't3'])
  await podTemplates.removeAll(selector)
  assert.deepEqual(await podTemplates.list(selector), [])
})

test('PodTemplates should replace a pod template', async () => {
  const made = await podTemplates.create(podTemplate('replaced', { 'e2e-pod-template': 'replaced' }))
  const replaced = await podTemplates.replace('replaced', changed(made, { 'metadata.annotations.updated': 'true' }))
  assert.equal(at(replaced, 'metadata.annotations.updated'), 'true')
  assert.equal(at(await podTemplates.get('replaced'), 'metadata.annotations.updated'), 'true')
})

test('Lease lease API should be available', async () => {
  const leases = conformance.collection(`/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`)
  const spec = {
    holderIdentity: 'holder',
    leaseDurationSeconds: 30,
    acquireTime: '2026-01-01T00:00:00.000005Z',
    renewTime: '2026-01-01T00:00:02.000005Z',
    leaseTransitions: 0,
  }
  const made = await leases.create({ metadata: { name: 'lease' }, spec })
  assert.deepEqual((await leases.get('lease')).spec, spec)
  const next = {
    ...spec,
    holderIdentity: 'holder2',
    leaseDurationSeconds: 45,
    renewTime: '2026-01-01T00:00:12.000005Z',
    leaseTransitions: 1,
  }
  await leases.replace('lease', changed(made, { spec: next }))
  assert.deepEqual((await leases.get('lease')).spec, next)
  await leases.strategic('lease', { spec: { holderIdentity: 'holder3', leaseDurationSeconds: 60, leaseTransitions: 2 } })
  assert.deepEqual((await leases.get('lease')).spec, { ...next, holderIdentity: 'holder3', leaseDurationSeconds: 60, leaseTransitions: 2 })
  await leases.create({ metadata: { name: 'lease2', labels: { deletecollection: 'true' } }, spec })
  assert.deepEqual(namesOf(await leases.list()), ['lease', 'lease2'])
  await leases.removeAll('labelSelector=deletecollection%3Dtrue')
  assert.deepEqual(namesOf(await leases.list()), ['lease'])
  await leases.remove('lease')
  await leases.gone('lease')
})

test('Node Lifecycle should run through the lifecycle of a node', async () => {
  const nodes = conformance.collection('/api/v1/nodes')
  const made = await nodes.create({
    metadata: { name: 'fake-node' },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True', message: 'Set from a test', reason: 'Test' }],
      capacity: { cpu: '1', memory: '1Gi' },
    },
  })
  assert.equal(at(await nodes.get('fake-node'), 'metadata.uid'), at(made, 'metadata.uid'))
  const patched = await nodes.strategic('fake-node', { metadata: { labels: { 'fake-node': 'patched' } } })
  assert.equal(at(patched, 'metadata.labels.fake-node'), 'patched')
  assert.deepEqual(namesOf(await nodes.list('labelSelector=fake-node%3Dpatched')), ['fake-node'])
  const updated = await nodes.replace('fake-node', changed(patched, { 'metadata.labels.fake-node': 'updated' }))
  assert.equal(at(updated, 'metadata.labels.fake-node'), 'updated')
  assert.deepEqual(namesOf(await nodes.list('labelSelector=fake-node%3Dupdated')), ['fake-node'])
  await nodes.remove('fake-node')
  await nodes.gone('fake-node')
})

test('Sysctls should reject invalid sysctls', async () => {
  const sysctls = [
    { name: 'foo-', value: 'bar' },
    { name: 'kernel.shmmax', value: '100000000' },
    { name: 'safe-and-unsafe', value: '100000000' },
    { name: 'bar..', value: '42' },
  ]
  const body = { metadata: { name: 'sysctl' }, spec: { containers: [{ name: 'c', image: 'i' }], securityContext: { sysctls } } }
  const { code, json } = await send('POST', `${root}/pods`, { body })
  assert.equal(code, 422)
  const message = String(json.message)
  assert.ok(message.includes('spec.securityContext.sysctls[0].name: Invalid value: "foo-"'), message)
  assert.ok(message.includes('spec.securityContext.sysctls[3].name: Invalid value: "bar.."'), message)
  assert.ok(!message.includes('safe-and-unsafe') && !message.includes('kernel.shmmax'), message)
})
