import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CustomResourceDefinition } from '../../kinds/generated/types/apiextensions-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { simCluster } from '../sim-cluster.ts'
import { disruptionController } from './controller.ts'

const crew: KindRef<KubeObject & { spec?: object }> = {
  group: 'example.com',
  version: 'v1',
  kind: 'Crew',
  plural: 'crews',
  scope: 'Namespaced',
}

function definition(hasScale: boolean): CustomResourceDefinition {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } } as const
  const scale = { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' }
  const version = { name: 'v1', served: true, storage: true, schema, ...(hasScale ? { subresources: { scale } } : {}) }
  return {
    metadata: { name: 'crews.example.com' },
    spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'crews', kind: 'Crew' }, versions: [version] },
  }
}

for (const { title, hasScale, expected } of [
  { title: 'a share of what a custom owner wants is taken from its scale', hasScale: true, expected: [4, 2, 1, 'SufficientPods'] },
  { title: 'an owner without a scale forbids every disruption and is told', hasScale: false, expected: [0, 0, 0, 'SyncFailed'] },
] as const)
  test(title, async () => {
    const cluster = await simCluster({ definitions: [disruptionController] })
    const { client, clientset, clock, until } = cluster
    try {
      await clientset.apiextensionsV1().customResourceDefinitions().create(definition(hasScale))
      await clock.advance(1_000)
      const owner = await client
        .resource(crew, 'default')
        .create({ apiVersion: 'example.com/v1', kind: 'Crew', metadata: { name: 'c' }, spec: { size: 4 } })
      const ownerReferences = [{ apiVersion: 'example.com/v1', kind: 'Crew', name: 'c', uid: owner.metadata.uid ?? '', controller: true }]
      for (const name of ['p1', 'p2', 'p3'])
        await clientset
          .coreV1()
          .pods('default')
          .create({ metadata: { name, labels: { app: 'c' }, ownerReferences }, spec: { containers: [{ name: 'c', image: 'i' }] } })
      const spec = { minAvailable: '50%', selector: { matchLabels: { app: 'c' } } }
      await clientset
        .policyV1()
        .podDisruptionBudgets('default')
        .create({ metadata: { name: 'b' }, spec })
      const statusOf = async () => (await clientset.policyV1().podDisruptionBudgets('default').get('b')).status
      await until('judged', async () => (await statusOf())?.conditions?.[0]?.reason === expected[3])
      const { expectedPods = 0, desiredHealthy = 0, disruptionsAllowed = 0, conditions } = (await statusOf()) ?? {}
      assert.deepEqual([expectedPods, desiredHealthy, disruptionsAllowed, conditions?.[0]?.reason], expected)
      if (!hasScale) assert.equal(conditions?.[0]?.message, 'crews.example.com does not implement the scale subresource')
    } finally {
      await cluster.stop()
    }
  })
