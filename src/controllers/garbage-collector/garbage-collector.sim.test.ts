import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Client } from '../../client/contract.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { simCluster, type SimCluster } from '../sim-cluster.ts'
import { garbageCollectorController } from './controller.ts'

async function inCluster(body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const cluster = await simCluster({ definitions: [garbageCollectorController()] })
  try {
    await body(cluster)
    assert.equal(cluster.metrics.panicsOf('generic-garbage-collector'), 0)
  } finally {
    await cluster.stop()
  }
}

const owner = (pod: Pod) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  name: pod.metadata.name ?? '',
  uid: pod.metadata.uid ?? '',
  blockOwnerDeletion: true,
})
const spec = { containers: [{ name: 'c', image: 'i' }] }

test('a circle of owners does not block its own deletion', () =>
  inCluster(async ({ clientset, until }) => {
    const pods = clientset.coreV1().pods('default')
    const make = (name: string) => pods.create({ metadata: { name }, spec })
    const own = (name: string, by: Pod) => pods.patch(name, { type: 'merge', body: { metadata: { ownerReferences: [owner(by)] } } })
    const [one, two, three] = [await make('one'), await make('two'), await make('three')]
    await own('one', three)
    await own('two', one)
    await own('three', two)
    await pods.delete('one', { propagationPolicy: 'Foreground' })
    await until('all are gone', async () => (await pods.list()).items.length === 0)
  }))

test('one between two that wait goes after its dependents, too', () =>
  inCluster(async ({ clientset, clock, until }) => {
    const maps = clientset.coreV1().configMaps('default')
    const make = async (name: string, of?: string, finalizers: string[] = []) => {
      const { uid = '' } = of ? (await maps.get(of)).metadata : {}
      const ownerReferences = of ? [{ apiVersion: 'v1', kind: 'ConfigMap', name: of, uid, blockOwnerDeletion: true }] : []
      await maps.create({ metadata: { name, ownerReferences, finalizers } })
    }
    await make('first')
    await make('between', 'first')
    await make('last', 'between')
    await make('held', 'last', ['example.com/held'])
    const states = async () =>
      (await maps.list()).items
        .filter(({ metadata }) => metadata.name !== 'kube-root-ca.crt')
        .map(({ metadata }) => `${metadata.name} ${metadata.finalizers?.join()}`)
    await maps.delete('last', { propagationPolicy: 'Foreground' })
    await clock.advance(10_000)
    await maps.delete('first', { propagationPolicy: 'Foreground' })
    await clock.advance(10_000)
    assert.deepEqual(await states(), ['between foregroundDeletion', 'held example.com/held', 'last foregroundDeletion'])
    await maps.patch('held', { type: 'merge', body: { metadata: { finalizers: null } } })
    await until('all are gone', async () => (await states()).length === 0)
  }))

test('a dependent of two owners lives on with the one that stays', () =>
  inCluster(async ({ clientset, clock, until }) => {
    const maps = clientset.coreV1().configMaps('default')
    const [going, staying] = [await maps.create({ metadata: { name: 'going' } }), await maps.create({ metadata: { name: 'staying' } })]
    const reference = (name: string, uid = '') => ({ apiVersion: 'v1', kind: 'ConfigMap', name, uid, blockOwnerDeletion: true })
    const ownerReferences = [reference('going', going.metadata.uid), reference('staying', staying.metadata.uid)]
    await maps.create({ metadata: { name: 'both', ownerReferences } })
    await maps.create({ metadata: { name: 'one', ownerReferences: ownerReferences.slice(0, 1) } })
    await maps.delete('going', { propagationPolicy: 'Foreground' })
    await until(
      'the owner and its own are gone',
      async () => !(await maps.list()).items.some(({ metadata }) => metadata.name === 'going' || metadata.name === 'one'),
    )
    await clock.advance(60_000)
    assert.deepEqual(
      (await maps.get('both')).metadata.ownerReferences?.map(({ name }) => name),
      ['staying'],
    )
  }))

test('an owner of another uid is no owner, one of a kind that is not served is left to judge itself', () =>
  inCluster(async ({ clientset, clock, until }) => {
    const maps = clientset.coreV1().configMaps('default')
    await maps.create({ metadata: { name: 'owner' } })
    await maps.create({
      metadata: { name: 'stale', ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'of-an-earlier-one' }] },
    })
    await maps.create({
      metadata: { name: 'strange', ownerReferences: [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'w' }] },
    })
    await until('the stale one is gone', async () => !(await maps.list()).items.some(({ metadata }) => metadata.name === 'stale'))
    await clock.advance(60_000)
    assert.ok((await maps.list()).items.some(({ metadata }) => metadata.name === 'strange'))
  }))

test('an owner of another namespace owns nothing: said, and collected', () =>
  inCluster(async ({ clientset, until }) => {
    const core = clientset.coreV1()
    await core.namespaces().create({ metadata: { name: 'other' } })
    const there = await core.pods('other').create({ metadata: { name: 'there' }, spec })
    await core.configMaps('default').create({ metadata: { name: 'stray', ownerReferences: [owner(there)] } })
    await until('it is collected', async () =>
      (await core.configMaps('default').list()).items.every(({ metadata }) => metadata.name !== 'stray'),
    )
    await until('it is said', async () =>
      (await core.events('default').list()).items.some(
        ({ reason, message }) => reason === 'OwnerRefInvalidNamespace' && message?.endsWith('does not exist in namespace "default"'),
      ),
    )
    // It does not hold up the owner either.
    await core.pods('other').delete('there', { propagationPolicy: 'Foreground', gracePeriodSeconds: 0 })
    await until('the owner is gone', async () => (await core.pods('other').list()).items.length === 0)
  }))

test('what its owner has just left to itself is not collected, however long the look for the owner took', async () => {
  /** Of config maps: news come a second late, and the answer to a look for one after twenty. */
  const slow = (client: Client, clock: Clock): Client => ({
    ...client,
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      if (kind.kind !== 'ConfigMap') return resource
      return {
        ...resource,
        get: async (name, options) => {
          await sleep(clock, 20_000)
          return resource.get(name, options)
        },
        watch: async function* (options) {
          for await (const event of resource.watch(options)) {
            await sleep(clock, 1_000, options.signal)
            yield event
          }
        },
      }
    },
  })
  const cluster = await simCluster({ definitions: [garbageCollectorController()], wrap: slow, wrapWatches: slow })
  const { clientset, clock } = cluster
  const [maps, secrets] = [clientset.coreV1().configMaps('default'), clientset.coreV1().secrets('default')]
  await clock.advance(5_000)
  const { metadata } = await maps.create({ metadata: { name: 'owner' } })
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: metadata.uid ?? '' }]
  const { metadata: kept } = await secrets.create({ metadata: { name: 'kept', ownerReferences } })
  await clock.advance(3_000)
  await maps.delete('owner', { propagationPolicy: 'Orphan' })
  await clock.advance(10_000)
  assert.deepEqual((await secrets.get('kept')).metadata.ownerReferences, undefined)
  await clock.advance(60_000)
  assert.equal((await secrets.get('kept')).metadata.uid, kept.uid)
  await cluster.stop()
})
