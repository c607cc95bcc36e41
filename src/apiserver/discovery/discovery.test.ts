import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allKinds } from '../../kinds/all.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import { aggregatedVersion, createDiscovery } from './discovery.ts'
import { compareVersions } from './group-versions.ts'

const kinds: readonly KindDefinition[] = allKinds
const discovery = createDiscovery({ kinds, version: { gitVersion: 'v1.36.0' }, serverAddress: '127.0.0.1:6443' })
const v2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

type Json = { [field: string]: unknown }

function get(path: string, headers: Record<string, string> = {}): Json {
  const response = discovery.respond(path, headers)
  assert.equal(response?.code, 200, path)
  return JSON.parse(Buffer.from(response.body as Uint8Array).toString()) as Json
}

const named = <T extends Json>(list: unknown, field: string, value: string) => (list as T[]).find((item) => item[field] === value)

test('the plain documents name every group, version and resource', () => {
  assert.deepEqual(get('/api'), {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: '127.0.0.1:6443' }],
  })
  const apps = {
    name: 'apps',
    versions: [{ groupVersion: 'apps/v1', version: 'v1' }],
    preferredVersion: { groupVersion: 'apps/v1', version: 'v1' },
  }
  assert.deepEqual(named(get('/apis')['groups'], 'name', 'apps'), apps)
  assert.deepEqual(get('/apis/apps'), { kind: 'APIGroup', apiVersion: 'v1', ...apps })
  assert.equal(get('/apis/apps/v1/')['groupVersion'], 'apps/v1')
  const { resources } = get('/api/v1')
  const pods = named(resources, 'name', 'pods')
  assert.deepEqual(pods?.['shortNames'], ['po'])
  assert.deepEqual(pods?.['verbs'], ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'])
  assert.equal(named(resources, 'name', 'nodes')?.['namespaced'], false)
  assert.deepEqual(named(resources, 'name', 'pods/eviction')?.['group'], 'policy')
  assert.deepEqual(named(get('/apis/apps/v1')['resources'], 'name', 'deployments/scale'), {
    name: 'deployments/scale',
    singularName: '',
    namespaced: true,
    group: 'autoscaling',
    version: 'v1',
    kind: 'Scale',
    verbs: ['get', 'patch', 'update'],
  })
  assert.equal(get('/version')['gitVersion'], 'v1.36.0')
})

test('every kind with verbs is found in its list', () => {
  for (const kind of kinds.filter((k) => k.verbs.length > 0)) {
    const path = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
    assert.equal(named(get(path)['resources'], 'name', kind.plural)?.['kind'], kind.kind, kind.plural)
  }
})

test('the aggregated form is given to those who ask for it', () => {
  const response = discovery.respond('/apis', { accept: `${v2},application/json` })
  assert.equal(response?.headers['content-type'], v2)
  const list = get('/apis', { accept: v2 })
  assert.equal(list['apiVersion'], 'apidiscovery.k8s.io/v2')
  assert.equal((list['items'] as Json[]).length, (get('/apis')['groups'] as Json[]).length)
  const [core] = get('/api', { accept: v2 })['items'] as { metadata: Json; versions: { resources: Json[] }[] }[]
  assert.deepEqual(core?.metadata, {})
  const pods = named(core.versions[0]?.resources, 'resource', 'pods')
  assert.deepEqual(pods?.['responseKind'], { group: '', version: '', kind: 'Pod' })
  assert.ok(named(pods['subresources'], 'subresource', 'log'))
  const check = (accept: string, expected: string | undefined) => assert.equal(aggregatedVersion(accept), expected, accept)
  check('application/json', undefined)
  check(`application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,${v2}`, 'v2')
  check(v2.replace('v=v2', 'v=v2beta1'), 'v2beta1')
  check(`${v2.replace('v=v2', 'v=v3')},${v2}`, 'v2')
  check(`application/json,${v2}`, undefined)
  check('', undefined)
})

test('who has the document already gets 304', () => {
  const first = discovery.respond('/apis', { accept: v2 })
  const again = discovery.respond('/apis', { accept: v2, 'if-none-match': String(first?.headers['etag']) })
  assert.equal(again?.code, 304)
  assert.equal((again.body as Uint8Array).length, 0)
  assert.equal(discovery.respond('/apis', { accept: 'application/json', 'if-none-match': String(first?.headers['etag']) })?.code, 200)
})

test('other paths are left to others', () => {
  for (const path of ['/', '/healthz', '/apis/nope', '/api/v2', '/apis/apps/v1/deployments', '/apiserver'])
    assert.equal(discovery.respond(path, {}), undefined, path)
})

test('versions are ordered as Kubernetes orders them', () => {
  const versions = ['foo', 'v1alpha1', 'v2', 'v1beta2', 'v10', 'v1', 'v1beta1', 'bar']
  assert.deepEqual(versions.sort(compareVersions), ['v10', 'v2', 'v1', 'v1beta2', 'v1beta1', 'v1alpha1', 'bar', 'foo'])
})
