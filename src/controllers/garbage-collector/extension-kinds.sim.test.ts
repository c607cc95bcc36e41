import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CustomResourceDefinition } from '../../kinds/generated/types/apiextensions-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { namespaceController } from '../namespace/controller.ts'
import { simCluster, type SimCluster } from '../sim-cluster.ts'
import { garbageCollectorController } from './controller.ts'

const widgets: KindRef = { group: 'example.com', version: 'v1', kind: 'Widget', plural: 'widgets', scope: 'Namespaced' }
const definition: CustomResourceDefinition = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: ['v1', 'v2'].map((name) => ({
      name,
      served: true,
      storage: name === 'v1',
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    })),
  },
}

async function withWidgets(body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const cluster = await simCluster({ definitions: [garbageCollectorController(), namespaceController()] })
  try {
    const definitions = cluster.clientset.apiextensionsV1().customResourceDefinitions()
    await definitions.create(definition)
    await cluster.until('the kind is served', async () => {
      const { status } = await definitions.get('widgets.example.com')
      return status?.conditions?.some((c) => c.type === 'Established' && c.status === 'True') ?? false
    })
    await body(cluster)
    assert.equal(cluster.metrics.panicsOf('generic-garbage-collector'), 0)
  } finally {
    await cluster.stop()
  }
}

const ownedBy = (owner: KubeObject, apiVersion: string, kind: string) => [
  { apiVersion, kind, name: owner.metadata.name ?? '', uid: owner.metadata.uid ?? '' },
]

async function isGone(get: Promise<unknown>): Promise<boolean> {
  try {
    await get
    return false
  } catch (error) {
    if (isStatus(error, 'NotFound')) return true
    throw error
  }
}

test('custom kinds own and are owned, in any version', () =>
  withWidgets(async ({ client, clientset, clock, until }) => {
    const resource = client.resource(widgets, 'default')
    const maps = clientset.coreV1().configMaps('default')
    const map = await maps.create({ metadata: { name: 'owner' } })
    const owner = await resource.create({ metadata: { name: 'owner', ownerReferences: ownedBy(map, 'v1', 'ConfigMap') } })
    await maps.create({ metadata: { name: 'owned', ownerReferences: ownedBy(owner, 'example.com/v2', 'Widget') } })
    await resource.create({ metadata: { name: 'owned', ownerReferences: ownedBy(owner, 'example.com/v1', 'Widget') } })
    await clock.advance(30_000)
    assert.equal((await maps.get('owned')).metadata.name, 'owned')
    await maps.delete('owner')
    await until('all that hung on it is gone', async () => (await isGone(maps.get('owned'))) && (await isGone(resource.get('owned'))))
  }))

test('a namespace goes with its custom resources, a definition with all of them', () =>
  withWidgets(async ({ client, clientset, until }) => {
    await clientset
      .coreV1()
      .namespaces()
      .create({ metadata: { name: 'doomed' } })
    await client.resource(widgets, 'doomed').create({ metadata: { name: 'a' } })
    const held = await client.resource(widgets, 'default').create({ metadata: { name: 'held', finalizers: ['example.com/hold'] } })
    await clientset.coreV1().namespaces().delete('doomed')
    await until('the namespace is gone', () => isGone(clientset.coreV1().namespaces().get('doomed')))
    const definitions = clientset.apiextensionsV1().customResourceDefinitions()
    await definitions.delete('widgets.example.com')
    await until('the instance is on its way out', async () => {
      const { metadata } = await client.resource(widgets, 'default').get('held')
      return metadata.deletionTimestamp !== undefined
    })
    const { status } = await definitions.get('widgets.example.com')
    assert.equal(status?.conditions?.find((c) => c.type === 'Terminating')?.reason, 'InstanceDeletionInProgress')
    await assert.rejects(
      client.resource(widgets, 'default').create({ metadata: { name: 'late' } }),
      /create not allowed while custom resource definition is terminating/,
    )
    await client.resource(widgets, 'default').patch(held.metadata.name ?? '', { type: 'merge', body: { metadata: { finalizers: null } } })
    await until('the definition is gone', () => isGone(definitions.get('widgets.example.com')))
    // The same name may be defined anew, and starts empty.
    await definitions.create(definition)
    await until('it is served again', async () => !(await isGone(client.resource(widgets, 'default').list())))
    assert.equal((await client.resource(widgets, 'default').list()).items.length, 0)
  }))
