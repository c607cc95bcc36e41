import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { allKinds } from '../../src/kinds/all.ts'
import { at, type TestJson } from '../../src/apiserver/test-requests.ts'
import { startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
after(() => conformance.close())
const { send } = conformance
const get = async (path: string) => {
  const { code, json, text } = await send('GET', path)
  assert.equal(code, 200, text)
  return json
}

test('server version should find the server version', async () => {
  const { major, minor } = await get('/version')
  assert.match(String(major), /^\d+$/)
  assert.match(String(minor), /^\d+$/)
})

test('Discovery should validate PreferredVersion for each APIGroup', async () => {
  const groups = (await get('/apis')).groups as TestJson[]
  assert.ok(groups.length > 0)
  for (const { name, preferredVersion } of groups) {
    const group = await get(`/apis/${String(name)}`)
    assert.equal(group.name, name)
    assert.deepEqual(group.preferredVersion, preferredVersion)
    const preferred = (group.versions as TestJson[]).find((v) => v.groupVersion === at(group, 'preferredVersion.groupVersion'))
    assert.ok(preferred, String(name))
    assert.deepEqual(preferred, preferredVersion)
    assert.equal(preferred.groupVersion, `${String(name)}/${String(preferred.version)}`)
  }
})

test('Discovery should locate the groupVersion and a resource within each APIGroup', async () => {
  for (const [path, groupVersion, resource] of [
    ['/api/v1', 'v1', 'namespaces'],
    ['/apis/admissionregistration.k8s.io/v1', 'admissionregistration.k8s.io/v1', 'validatingwebhookconfigurations'],
    ['/apis/apiextensions.k8s.io/v1', 'apiextensions.k8s.io/v1', 'customresourcedefinitions'],
    ['/apis/apiregistration.k8s.io/v1', 'apiregistration.k8s.io/v1', 'apiservices'],
    ['/apis/apps/v1', 'apps/v1', 'deployments'],
    ['/apis/authentication.k8s.io/v1', 'authentication.k8s.io/v1', 'tokenreviews'],
    ['/apis/authorization.k8s.io/v1', 'authorization.k8s.io/v1', 'selfsubjectaccessreviews'],
    ['/apis/autoscaling/v1', 'autoscaling/v1', 'horizontalpodautoscalers'],
    ['/apis/autoscaling/v2', 'autoscaling/v2', 'horizontalpodautoscalers'],
    ['/apis/batch/v1', 'batch/v1', 'jobs'],
    ['/apis/certificates.k8s.io/v1', 'certificates.k8s.io/v1', 'certificatesigningrequests'],
    ['/apis/coordination.k8s.io/v1', 'coordination.k8s.io/v1', 'leases'],
    ['/apis/discovery.k8s.io/v1', 'discovery.k8s.io/v1', 'endpointslices'],
    ['/apis/events.k8s.io/v1', 'events.k8s.io/v1', 'events'],
    ['/apis/flowcontrol.apiserver.k8s.io/v1', 'flowcontrol.apiserver.k8s.io/v1', 'flowschemas'],
    ['/apis/networking.k8s.io/v1', 'networking.k8s.io/v1', 'ingresses'],
    ['/apis/node.k8s.io/v1', 'node.k8s.io/v1', 'runtimeclasses'],
    ['/apis/policy/v1', 'policy/v1', 'poddisruptionbudgets'],
    ['/apis/scheduling.k8s.io/v1', 'scheduling.k8s.io/v1', 'priorityclasses'],
    ['/apis/storage.k8s.io/v1', 'storage.k8s.io/v1', 'csinodes'],
  ] as const) {
    const list = await get(path)
    assert.equal(list.groupVersion, groupVersion)
    assert.ok(
      (list.resources as TestJson[]).some((r) => r.name === resource),
      `${resource} in ${groupVersion}`,
    )
  }
  // And of each group that is found each version, with something to list where there is anything to list (nodes measure, and there are none).
  for (const { versions } of ((await get('/apis')).groups as TestJson[]).filter(({ name }) => name !== 'metrics.k8s.io'))
    for (const { groupVersion } of versions as TestJson[]) {
      const list = await get(`/apis/${String(groupVersion)}`)
      assert.equal(list.groupVersion, groupVersion)
      const resources = list.resources as { name: string; kind: string; verbs: string[] }[]
      assert.ok(resources.length > 0 && resources.every(({ kind, verbs }) => kind !== '' && verbs.length > 0), String(groupVersion))
      const listed = resources.find(({ verbs }) => verbs.includes('list'))
      if (listed) assert.equal((await get(`/apis/${String(groupVersion)}/${listed.name}`)).apiVersion, groupVersion)
    }
})

const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList'

/** Every resource of an aggregated document as `group/version/plural`. */
async function aggregated(path: string, accept: string): Promise<ReadonlySet<string>> {
  const { code, json, headers } = await send('GET', path, { accept })
  assert.equal(code, 200)
  assert.equal(headers['content-type'], aggregatedType)
  assert.equal(json.kind, 'APIGroupDiscoveryList')
  assert.equal(json.apiVersion, 'apidiscovery.k8s.io/v2')
  const found = new Set<string>()
  for (const group of json.items as TestJson[])
    for (const version of group.versions as TestJson[])
      for (const { resource, scope, verbs } of version.resources as TestJson[]) {
        assert.ok((scope === 'Cluster' || scope === 'Namespaced') && (verbs as string[]).length > 0)
        found.add(`${(at(group, 'metadata.name') as string | undefined) ?? ''}/${String(version.version)}/${String(resource)}`)
      }
  return found
}

function assertBuiltIn(found: ReadonlySet<string>, isCore: boolean): void {
  const served = allKinds.filter((kind) => kind.verbs.length > 0 && (kind.group === '') === isCore)
  assert.deepEqual(
    served.map(({ group, version, plural }) => `${group}/${version}/${plural}`).filter((name) => !found.has(name)),
    [],
  )
}

test('AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers', async () => {
  assertBuiltIn(await aggregated('/api', aggregatedType), true)
  assertBuiltIn(await aggregated('/apis', aggregatedType), false)
  const older = await send('GET', '/apis', { accept: aggregatedType.replace('v=v2', 'v=v2beta1') })
  assert.deepEqual([older.code, older.json.apiVersion], [200, 'apidiscovery.k8s.io/v2beta1'])
  for (const [path, kind] of [
    ['/api', 'APIVersions'],
    ['/apis', 'APIGroupList'],
  ] as const)
    assert.equal((await send('GET', path, { accept: 'application/json' })).json.kind, kind)
  for (const accept of [aggregatedType.replace('v=v2', 'v=v3'), aggregatedType.replace('application/json', 'application/yaml')])
    assert.equal((await send('GET', '/apis', { accept })).code, 406, accept)
})

test('aggregated documents have a tag, by which who has them already is spared them, and another after a change', async () => {
  const ask = (headers: Record<string, string> = {}) => send('GET', '/apis', { accept: aggregatedType, headers })
  const { etag = '' } = (await ask()).headers
  assert.match(String(etag), /^"[^"]+"$/)
  const spared = await ask({ 'if-none-match': String(etag) })
  assert.deepEqual([spared.code, spared.text], [304, ''])
  const definitions = conformance.collection('/apis/apiextensions.k8s.io/v1/customresourcedefinitions')
  await definitions.create(definitionOf('tags.example.com'))
  await conformance.clock.settle()
  const changed = await ask({ 'if-none-match': String(etag) })
  assert.equal(changed.code, 200)
  assert.notEqual(changed.headers.etag, etag)
  await definitions.remove('things.tags.example.com')
  await conformance.clock.settle()
  assert.equal((await ask()).headers.etag, etag)
})

const definitionOf = (group: string) => ({
  metadata: { name: `things.${group}` },
  spec: {
    group,
    names: { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' },
    scope: 'Namespaced',
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
})

/** As client-go asks: the newest form first, older ones and the plain one after it. */
const clientAccept = `${aggregatedType},application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json`

test('AggregatedDiscovery should support aggregated discovery interface', async () => {
  assertBuiltIn(await aggregated('/api', clientAccept), true)
  assertBuiltIn(await aggregated('/apis', clientAccept), false)
})

for (const [title, accept, group] of [
  ['AggregatedDiscovery should support raw aggregated discovery request for CRDs', aggregatedType, 'raw.example.com'],
  ['AggregatedDiscovery should support aggregated discovery interface for CRDs', clientAccept, 'interface.example.com'],
] as const) {
  test(title, async () => {
    const definitions = conformance.collection('/apis/apiextensions.k8s.io/v1/customresourcedefinitions')
    const name = `things.${group}`
    await definitions.create(definitionOf(group))
    const watch = await definitions.watch(`fieldSelector=metadata.name%3D${name}`)
    const isEstablished = (definition: TestJson) =>
      (at(definition, 'status.conditions') as TestJson[] | undefined)?.some((c) => c.type === 'Established' && c.status === 'True')
    let definition = (await watch.next()).object
    while (!isEstablished(definition)) definition = (await watch.next()).object
    watch.stop()
    assert.ok((await aggregated('/apis', accept)).has(`${group}/v1/things`))
    await definitions.remove(name)
  })
}
