import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simCluster } from '../sim-cluster.ts'
import { nodeIpamController } from './controller.ts'

test('a node for which there is no network is told of it, and gets the one of a node that goes', async () => {
  const cluster = await simCluster({ definitions: [nodeIpamController({ clusterCidr: '10.244.0.0/24', nodePrefix: 25 })], nodes: false })
  const nodes = cluster.clientset.coreV1().nodes()
  const networks = async () =>
    Object.fromEntries((await nodes.list()).items.map(({ metadata, spec }) => [metadata.name, spec?.podCIDRs?.join() ?? 'none']))
  const told = async () => (await cluster.clientset.coreV1().events('default').list()).items
  for (const name of ['a', 'b']) {
    await nodes.create({ metadata: { name } })
    await cluster.until(`${name} has one`, async () => (await networks())[name] !== 'none')
  }
  await nodes.create({ metadata: { name: 'c' } })
  await cluster.until('c is told', async () => (await told()).length > 0)
  assert.deepEqual(await networks(), { a: '10.244.0.0/25', b: '10.244.0.128/25', c: 'none' })
  const [event] = await told()
  assert.deepEqual(
    [event?.type, event?.reason, event?.message, event?.source?.component, event?.involvedObject.name],
    ['Normal', 'CIDRNotAvailable', 'Node c status is now: CIDRNotAvailable', 'cidrAllocator', 'c'],
  )
  await nodes.delete('a')
  await cluster.until('c has that of a', async () => (await networks()).c === '10.244.0.0/25')
  await cluster.stop()
})
