import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../src/base/random.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'
import { startCluster } from '../../src/roles/embedded.ts'
import { exactly, testClass, testDevice, testSlice } from '../../src/scheduler/devices/fixtures.ts'
import { deployment } from './scenario.ts'

test('a workload gets devices by claims from a template, and gives them back when it shrinks', async () => {
  const clock = virtualClock()
  const cluster = await startCluster({ nodes: 2, clock, random: seededRandom(5) })
  const { clientset } = cluster
  const resource = clientset.resourceV1()
  const until = async (what: string, condition: () => Promise<boolean>) => {
    for (const end = clock.now() + 300_000; clock.now() < end; await clock.advance(500)) if (await condition().catch(() => false)) return
    assert.fail(`did not happen: ${what}`)
  }
  const claims = async () => (await resource.resourceClaims('default').list()).items
  const given = async () =>
    (await claims()).flatMap((c) => c.status?.allocation?.devices?.results?.map((r) => `${r.pool}/${r.device}`) ?? []).toSorted()
  const pods = async () => (await clientset.coreV1().pods('default').list()).items
  try {
    await until('accounts and nodes', async () => {
      await clientset.coreV1().serviceAccounts('default').get('default')
      return (await clientset.coreV1().nodes().list()).items.every((n) =>
        n.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True'),
      )
    })
    await resource.deviceClasses().create(testClass('gpu'))
    for (const on of ['node-1', 'node-2']) {
      const { metadata, ...slice } = testSlice({ name: `slice-${on}`, on, devices: [testDevice('gpu-0')] })
      await resource.resourceSlices().create({ ...slice, metadata: { name: metadata.name! } })
    }
    const requests = [{ name: 'gpu', exactly: exactly() }]
    await resource.resourceClaimTemplates('default').create({ metadata: { name: 'one' }, spec: { spec: { devices: { requests } } } })
    const pod = { resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'one' }] }
    const deployments = clientset.appsV1().deployments('default')
    await deployments.create(deployment('web', { replicas: 3, pod }))
    await until('two have devices', async () => (await given()).join() === 'node-1/gpu-0,node-2/gpu-0')
    await until('two run', async () => (await pods()).filter((p) => p.status?.phase === 'Running').length === 2)
    for (const running of (await pods()).filter((p) => p.spec?.nodeName)) {
      const name = running.status?.resourceClaimStatuses?.[0]?.resourceClaimName
      const claim = (await claims()).find((c) => c.metadata.name === name)
      assert.equal(claim?.status?.allocation?.devices?.results?.[0]?.pool, running.spec!.nodeName)
      assert.deepEqual(
        claim?.status?.reservedFor?.map((r) => r.uid),
        [running.metadata.uid],
      )
    }
    const waiting = (await pods()).find((p) => !p.spec?.nodeName)!
    const message = waiting.status?.conditions?.find((c) => c.type === 'PodScheduled')?.message
    assert.match(message ?? '', /^0\/2 nodes are available: 2 cannot allocate all claims\. still not schedulable, preemption: /)
    const { text } = cluster.controlPlane.scheduler!.explain('default', waiting.metadata.name!)!
    assert.match(text, /request gpu: wants 1 of class gpu, 0 can be had, short 1 \(1 there: 1 in use by claim default\/web-/)
    // One of those with a device goes: the third gets it.
    const gone = (await pods()).find((p) => p.spec?.nodeName)!
    await deployments.patch('web', { type: 'merge', body: { spec: { replicas: 2 } } })
    await until('two are left', async () => (await pods()).length === 2)
    await clientset
      .coreV1()
      .pods('default')
      .delete(gone.metadata.name!)
      .catch(() => {})
    await until('both have devices', async () => {
      const all = await pods()
      return all.length === 2 && all.every((p) => p.status?.phase === 'Running') && (await claims()).length === 2
    })
    assert.deepEqual(await given(), ['node-1/gpu-0', 'node-2/gpu-0'])
    await deployments.delete('web')
    await until('everything is given back', async () => (await claims()).length === 0)
  } finally {
    await cluster.close()
  }
})
