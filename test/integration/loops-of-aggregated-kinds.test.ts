// Loops that look after kinds of every sort follow those of aggregated API servers, too.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { seededRandom } from '../../src/base/random.ts'
import { createClientset } from '../../src/client/clientset.ts'
import { planFollowed } from '../../src/control/aggregated-kinds.ts'
import { ControllerMetrics } from '../../src/control/controller-metrics.ts'
import type { ControllerDefinition } from '../../src/control/contract.ts'
import { InformerFactory } from '../../src/control/informer-factory.ts'
import { createLoopContext } from '../../src/control/loop-context.ts'
import { runControllers } from '../../src/control/run-controllers.ts'
import { garbageCollectorController } from '../../src/controllers/garbage-collector/controller.ts'
import { namespaceController } from '../../src/controllers/namespace/controller.ts'
import { resourceQuotaController } from '../../src/controllers/resourcequota/controller.ts'
import type { KindRef } from '../../src/kinds/kind.ts'
import type { KubeObject } from '../../src/machinery/object.ts'
import { isStatus } from '../../src/machinery/status-error.ts'
import { systemClock as clock } from '../../src/platform/system-clock.ts'
import {
  type SampleAggregation,
  sampleApiService,
  sampleNamespace,
  sampleService,
  startSampleAggregation,
} from '../conformance/sample-aggregation.ts'
import { sampleGroup } from '../conformance/sample-api-server.ts'

const flunders: KindRef = { group: sampleGroup, version: 'v1alpha1', kind: 'Flunder', plural: 'flunders', scope: 'Namespaced' }
const flunderVersion = `${sampleGroup}/v1alpha1`

async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 60_000
  while (!(await condition())) {
    assert.ok(performance.now() < endMs, what)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function isGone(get: Promise<unknown>): Promise<boolean> {
  try {
    await get
    return false
  } catch (error) {
    if (isStatus(error, 'NotFound')) return true
    throw error
  }
}

const ownedBy = ({ metadata: { name = '', uid = '' } }: KubeObject, apiVersion: string, kind: string) => ({
  ownerReferences: [{ apiVersion, kind, name, uid }],
})

function runLoops({ testApi: { client } }: SampleAggregation) {
  const random = seededRandom(1)
  const abort = new AbortController()
  const metrics = new ControllerMetrics()
  const informers = new InformerFactory({ client, clock, random, log: silentLog })
  const contextFor = ({ name }: ControllerDefinition) =>
    createLoopContext({ component: name, client, informers, clock, random, log: silentLog })
  const definitions = [garbageCollectorController(), resourceQuotaController, namespaceController()]
  const running = runControllers({ definitions, contextFor, informers, metrics }, abort.signal)
  return {
    end: async () => {
      abort.abort()
      await running
      for (const { name } of definitions) assert.equal(metrics.panicsOf(name), 0, name)
    },
  }
}

async function withFlunders(body: (aggregation: SampleAggregation) => Promise<void>): Promise<void> {
  const aggregation = await startSampleAggregation()
  const loops = runLoops(aggregation)
  try {
    await body(aggregation)
  } finally {
    await loops.end()
    await aggregation.close()
  }
}

async function serve({ testApi: { client }, putSlice }: SampleAggregation): Promise<void> {
  const clientset = createClientset(client)
  await clientset
    .coreV1()
    .services(sampleNamespace)
    .create({ metadata: { name: sampleService }, spec: { ports: [{ port: 7443 }] } })
  await putSlice()
  await clientset.apiregistrationV1().apiServices().create(sampleApiService())
  await until('its kinds are served', () => isServed(client.resource(flunders, sampleNamespace).list()))
}

const isServed = (list: Promise<unknown>) =>
  list.then(
    () => true,
    () => false,
  )

test('aggregated kinds own and are owned', () =>
  withFlunders(async (aggregation) => {
    const { client } = aggregation.testApi
    const maps = createClientset(client).coreV1().configMaps(sampleNamespace)
    // What belongs to an object of a kind that nobody serves is not judged before somebody does.
    const orphan = { apiVersion: flunderVersion, kind: 'Flunder', name: 'never', uid: 'never' }
    await maps.create({ metadata: { name: 'early', ownerReferences: [orphan] } })
    await serve(aggregation)
    await until('the owner is known not to be there', () => isGone(maps.get('early')))

    const resource = client.resource(flunders, sampleNamespace)
    const map = await maps.create({ metadata: { name: 'owner' } })
    const owner = await resource.create({ metadata: { name: 'owner', ...ownedBy(map, 'v1', 'ConfigMap') } })
    await maps.create({ metadata: { name: 'owned', ...ownedBy(owner, flunderVersion, 'Flunder') } })
    await resource.create({ metadata: { name: 'owned', ...ownedBy(owner, flunderVersion, 'Flunder') } })
    const kept = await resource.create({ metadata: { name: 'kept', ...ownedBy(map, 'v1', 'ConfigMap') } })
    await resource.patch('kept', { type: 'merge', body: { metadata: { ownerReferences: null } } })
    await maps.delete('owner')
    await until('all that hung on it is gone', async () => (await isGone(maps.get('owned'))) && (await isGone(resource.get('owned'))))
    assert.equal((await resource.get('kept')).metadata.uid, kept.metadata.uid)
  }))

test('dependents of an aggregated kind are left behind where the deletion says so', () =>
  withFlunders(async (aggregation) => {
    const { client } = aggregation.testApi
    const maps = createClientset(client).coreV1().configMaps(sampleNamespace)
    await serve(aggregation)
    const resource = client.resource(flunders, sampleNamespace)
    const map = await maps.create({ metadata: { name: 'owner' } })
    await resource.create({ metadata: { name: 'left', ...ownedBy(map, 'v1', 'ConfigMap') } })
    await maps.create({
      metadata: { name: 'goes', ...ownedBy(await resource.create({ metadata: { name: 'seen' } }), flunderVersion, 'Flunder') },
    })
    // The loops know of both once they have judged what came last.
    await resource.delete('seen')
    await until('the loops follow the kind', () => isGone(maps.get('goes')))
    await maps.delete('owner', { propagationPolicy: 'Orphan' })
    await until('the owner is gone', () => isGone(maps.get('owner')))
    assert.equal((await resource.get('left')).metadata.ownerReferences?.length ?? 0, 0)
  }))

test('a quota tells how many objects of an aggregated kind there are', () =>
  withFlunders(async (aggregation) => {
    const { client } = aggregation.testApi
    const quotas = createClientset(client).coreV1().resourceQuotas(sampleNamespace)
    const name = `count/flunders.${sampleGroup}`
    await quotas.create({ metadata: { name: 'q' }, spec: { hard: { [name]: '5', 'count/endpoints': '1' } } })
    const used = async () => (await quotas.get('q')).status?.used
    await until('a kind that nobody serves is not counted', async () => (await used())?.['count/endpoints'] === '0')
    assert.deepEqual(await used(), { 'count/endpoints': '0' })
    await serve(aggregation)
    await until('one that is served is', async () => (await used())?.[name] === '0')
    const resource = client.resource(flunders, sampleNamespace)
    for (const one of ['a', 'b']) await resource.create({ metadata: { name: one } })
    await until('both are counted', async () => (await used())?.[name] === '2')
    await resource.delete('a')
    await until('one is left', async () => (await used())?.[name] === '1')
    const services = createClientset(client).apiregistrationV1().apiServices()
    await services.delete(`v1alpha1.${sampleGroup}`)
    await until('nobody serves it any more', async () => !(name in ((await used()) ?? {})))
  }))

test('a namespace goes with what aggregated servers hold in it', () =>
  withFlunders(async (aggregation) => {
    const { client } = aggregation.testApi
    const clientset = createClientset(client)
    await serve(aggregation)
    await clientset
      .coreV1()
      .namespaces()
      .create({ metadata: { name: 'doomed' } })
    await client.resource(flunders, 'doomed').create({ metadata: { name: 'a' } })
    await clientset.coreV1().namespaces().delete('doomed')
    await until('the namespace is gone', () => isGone(clientset.coreV1().namespaces().get('doomed')))
    assert.deepEqual((await client.resource(flunders, 'doomed').list()).items, [])
  }))

test('an owner of an aggregated kind may hold back its deletion', async () => {
  const aggregation = await startSampleAggregation({ withAdmission: ['OwnerReferencesPermissionEnforcement'] })
  try {
    await serve(aggregation)
    const { client } = aggregation.testApi
    const maps = createClientset(client).coreV1().configMaps(sampleNamespace)
    const blocking = (kind: string) => ({ apiVersion: flunderVersion, kind, name: 'x', uid: 'x', blockOwnerDeletion: true })
    await maps.create({ metadata: { name: 'a', ownerReferences: [blocking('Flunder')] } })
    await assert.rejects(
      maps.create({ metadata: { name: 'b', ownerReferences: [blocking('Other')] } }),
      /because cannot find RESTMapping for APIVersion wardle.example.com\/v1alpha1 Kind Other/,
    )
  } finally {
    await aggregation.close()
  }
})

test('each resource is followed once, in the version that clients prefer, and stays while its server cannot be asked', () => {
  const kind = (version: string, plural: string): KindRef => ({ group: 'g', version, kind: plural, plural, scope: 'Namespaced' })
  const verbs = ['delete', 'get', 'list', 'watch']
  const kinds = [
    { kind: kind('v1', 'a'), verbs },
    { kind: kind('v1', 'unwatched'), verbs: ['delete', 'list'] },
    { kind: kind('v1beta1', 'a'), verbs },
    { kind: kind('v1beta1', 'b'), verbs },
    { kind: { group: 'apps', version: 'v1', kind: 'Deployment', plural: 'deployments', scope: 'Namespaced' } as const, verbs },
  ]
  const followed = planFollowed(kinds, { known: new Map(), undiscovered: [] })
  const names = (map: ReadonlyMap<string, KindRef>) => [...map].map(([name, { version }]) => `${name} ${version}`)
  assert.deepEqual(names(followed), ['a.g v1', 'b.g v1beta1'])
  assert.deepEqual(names(planFollowed([], { known: followed, undiscovered: ['g/v1'] })), ['a.g v1'])
})
