import assert from 'node:assert/strict'
import { at, type TestJson } from '../../src/apiserver/test-requests.ts'
import { type Collection, changed, type ConformanceApi, namesOf } from './conformance-api.ts'

export type OperationsCase = {
  /** Empty for the core group. */
  readonly group: string
  readonly version: string
  readonly plural: string
  /** Absent: the kind is cluster-scoped. */
  readonly namespace?: string
  /** An object of a name, complete; labels are added. */
  readonly make: (name: string) => object
  /** A status that an empty object may get by PATCH; absent: the kind has none to try. */
  readonly status?: TestJson
  /** What else can be read, updated and patched of an object, beside its status. */
  readonly subresources?: readonly string[]
  /** Where objects are named by rules of the kind (IPAddress). Three of them. */
  readonly names?: readonly [string, string, string]
}

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch']
const subresourceVerbs = ['get', 'patch', 'update']

/**
 * What the texts "should support … API operations" ask of a kind: it is in the discovery documents with all its verbs, and
 * create, get, list, watch, update, patch, delete and deletecollection (and its status, where it has one) do what they say.
 */
export async function checkApiOperations(conformance: ConformanceApi, test: OperationsCase): Promise<void> {
  await checkDiscovery(conformance, test)
  const { group, version, plural, namespace } = test
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
  const collection = conformance.collection(`${root}/${namespace === undefined ? '' : `namespaces/${namespace}/`}${plural}`)
  const [first, second, third] = test.names ?? ['operations-1', 'operations-2', 'operations-3']
  const everywhere = conformance.collection(`${root}/${plural}`)
  const make = (name: string) => changed(test.make(name) as TestJson, { 'metadata.labels.special-label': plural })
  const selector = `labelSelector=special-label%3D${plural}`

  assert.deepEqual(await everywhere.list(selector), [])
  const watch = await everywhere.watch(selector)
  const created = await collection.create(make(first))
  assert.equal(at(await watch.until('ADDED', first), 'metadata.uid'), at(created, 'metadata.uid'))
  await collection.create(make(second))
  await collection.create(make(third))
  assert.equal(at(await collection.get(first), 'metadata.uid'), at(created, 'metadata.uid'))
  assert.deepEqual(namesOf(await collection.list(selector)), [first, second, third])
  assert.deepEqual(namesOf(await everywhere.list(selector)), [first, second, third])

  await collection.merge(first, { metadata: { annotations: { patched: 'true' } } })
  await collection.strategic(first, { metadata: { annotations: { patchedAgain: 'true' } } })
  const patched = await collection.get(first)
  const updated = await collection.replace(first, changed(patched, { 'metadata.annotations.updated': 'true' }))
  assert.deepEqual(at(updated, 'metadata.annotations'), { patched: 'true', patchedAgain: 'true', updated: 'true' })
  // Each change is told; a controller may write in between.
  for (const path of ['metadata.annotations.patched', 'metadata.annotations.patchedAgain', 'metadata.annotations.updated'])
    while (at(await watch.until('MODIFIED', first), path) !== 'true');
  assert.equal((await conformance.send('PUT', `${collection.path}/${first}`, { body: created })).code, 409)
  if (test.status) await checkStatus(collection, first, test.status)

  await collection.remove(first)
  await watch.until('DELETED', first)
  await collection.gone(first)
  assert.deepEqual(namesOf(await collection.list(selector)), [second, third])
  await collection.removeAll(selector)
  await watch.until('DELETED', third)
  watch.stop()
  assert.deepEqual(await collection.list(selector), [])
}

async function checkDiscovery({ send }: ConformanceApi, test: OperationsCase): Promise<void> {
  const { group, version, plural, namespace } = test
  const groupVersion = group === '' ? version : `${group}/${version}`
  if (group !== '') {
    const groups = (await send('GET', '/apis')).json.groups as TestJson[]
    assert.ok(
      groups.some((g) => g.name === group),
      `${group} in /apis`,
    )
    const versions = (await send('GET', `/apis/${group}`)).json.versions as TestJson[]
    assert.ok(
      versions.some((v) => v.groupVersion === groupVersion),
      `${groupVersion} in /apis/${group}`,
    )
  }
  const list = (await send('GET', group === '' ? `/api/${version}` : `/apis/${groupVersion}`)).json
  assert.equal(list.groupVersion, groupVersion)
  const resource = (list.resources as TestJson[]).find((r) => r.name === plural)
  assert.ok(resource, `${plural} in ${groupVersion}`)
  assert.equal(resource.namespaced, namespace !== undefined)
  assert.deepEqual([...(resource.verbs as string[])].sort(), allVerbs)
  for (const subresource of [...(test.status ? ['status'] : []), ...(test.subresources ?? [])]) {
    const found = (list.resources as TestJson[]).find((r) => r.name === `${plural}/${subresource}`)
    assert.ok(found, `${plural}/${subresource}`)
    assert.deepEqual([found.namespaced, [...(found.verbs as string[])].sort()], [namespace !== undefined, subresourceVerbs])
  }
}

async function checkStatus(collection: Collection, name: string, status: TestJson): Promise<void> {
  const path = `${name}/status`
  const patched = await collection.merge(path, { status })
  assert.deepEqual(subset(patched.status, status), status)
  const updated = await collection.replace(path, changed(patched, { status }))
  assert.deepEqual(subset(updated.status, status), status)
  assert.deepEqual(subset((await collection.get(path)).status, status), status)
}

const subset = (whole: unknown, like: TestJson) =>
  Object.fromEntries(Object.keys(like).map((key) => [key, (whole as TestJson | undefined)?.[key]]))
