import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { simCluster } from '../sim-cluster.ts'
import { namespaceController } from './controller.ts'

test('a namespace ends although every list may fail', async () => {
  const random = seededRandom(1)
  const cluster = await simCluster({
    definitions: [namespaceController()],
    wrap: (client) => ({
      ...client,
      resource: (kind, namespace) => {
        const resource = client.resource(kind, namespace)
        return {
          ...resource,
          list: async (options) => {
            if (random.next() < 0.2) throw new Error('simulated: connection refused')
            return resource.list(options)
          },
        }
      },
    }),
  })
  const { clientset, until, stop } = cluster
  const namespaces = clientset.coreV1().namespaces()
  await namespaces.create({ metadata: { name: 'n' } })
  await clientset
    .coreV1()
    .configMaps('n')
    .create({ metadata: { name: 'c' } })
  await namespaces.delete('n')
  await until('it is gone', async () => !(await namespaces.list()).items.some(({ metadata }) => metadata.name === 'n'), 60_000)
  assert.equal((await clientset.coreV1().configMaps('n').list()).items.length, 0)
  await stop()
})
