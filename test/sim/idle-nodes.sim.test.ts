import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'
import { startCluster } from '../../src/roles/embedded.ts'

test('a node that stays as it is renews its Lease and writes nothing else, whatever its size', async () => {
  const clock = virtualClock()
  const gib = 1024 ** 3
  // Whole gigabytes come back from the API in other words than they were written.
  const sizes = [16 * gib, 16 * gib + 4096, 3 * gib + 512 * 1024, 1_000_000_000]
  const nodes = sizes.map((memoryBytes, i) => ({ name: `n${i}`, memoryBytes, cpuMilli: 1_000 + i * 250 }))
  const cluster = await startCluster({ clock, random: seededRandom(1), nodes })
  try {
    await clock.advance(30_000)
    const versions = async (kind: 'nodes' | 'leases') => {
      const resource =
        kind === 'nodes'
          ? cluster.client.resource(kindRefs.coreV1.nodes)
          : cluster.client.resource(kindRefs.coordinationV1.leases, 'kube-node-lease')
      return (await resource.list()).items.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`)
    }
    const before = { nodes: await versions('nodes'), leases: await versions('leases') }
    await clock.advance(60_000)
    assert.deepEqual(await versions('nodes'), before.nodes)
    const renewed = (await versions('leases')).filter((lease) => !before.leases.includes(lease))
    assert.equal(renewed.length, sizes.length)
  } finally {
    await cluster.close()
  }
})
