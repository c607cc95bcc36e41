import assert from 'node:assert/strict'
import { test } from 'node:test'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { podCondition } from '../../kinds/pod-status.ts'
import { type SimCluster, withCluster } from '../sim-cluster.ts'
import { driver, exactly, type SliceInput, testClaim, testClass, testDevice, testSlice } from './fixtures.ts'

const { resourceV1, coreV1 } = kindRefs
const claimsOf = (c: SimCluster) => c.client.resource(resourceV1.resourceClaims, 'default')
const nodeOf = async (c: SimCluster, pod: string) => (await c.pod(pod)).spec?.nodeName
const reason = async (c: SimCluster, pod: string) => podCondition(await c.pod(pod), 'PodScheduled')?.message ?? ''
const allocatedTo = async (c: SimCluster, claim: string) =>
  (await claimsOf(c).get(claim)).status?.allocation?.devices?.results?.map((r) => `${r.pool}/${r.device}`).join()

async function addSlice(c: SimCluster, input: SliceInput): Promise<void> {
  const { metadata, ...slice } = testSlice(input)
  await c.client.resource(resourceV1.resourceSlices).create({ ...slice, metadata: { name: metadata.name! } })
}

const addClass = (c: SimCluster) => c.client.resource(resourceV1.deviceClasses).create(testClass('gpu'))

async function addClaim(c: SimCluster, name: string, count = 1): Promise<void> {
  const { spec } = testClaim(name, { requests: [{ name: 'gpu', exactly: exactly({ count }) }] })
  await claimsOf(c).create({ metadata: { name }, spec })
}

const podWith = (c: SimCluster, name: string, claim: string) =>
  c.addPod({ name, spec: { resourceClaims: [{ name: 'gpu', resourceClaimName: claim }] } })

const gpusOn = (node: string, count: number): SliceInput => ({
  name: `slice-${node}`,
  on: node,
  devices: Array.from({ length: count }, (_, i) => testDevice(`gpu-${i}`)),
})

test('a pod goes where its devices are; the claim says which, is reserved, and protected', () =>
  withCluster(1, async (c) => {
    for (const name of ['a', 'b']) await c.addNode({ name })
    await addClass(c)
    await addSlice(c, gpusOn('b', 2))
    await addClaim(c, 'mine')
    const pod = await podWith(c, 'p', 'mine')
    await c.until('bound', async () => (await nodeOf(c, 'p')) === 'b')
    const { metadata, status } = await claimsOf(c).get('mine')
    assert.deepEqual(metadata.finalizers, ['resource.kubernetes.io/delete-protection'])
    assert.deepEqual(status?.reservedFor, [{ resource: 'pods', name: 'p', uid: pod.metadata.uid }])
    assert.deepEqual(status?.allocation?.nodeSelector, {
      nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['b'] }] }],
    })
    assert.equal(await allocatedTo(c, 'mine'), 'b/gpu-0')
    // A second pod shares the claim, and follows it.
    await podWith(c, 'q', 'mine')
    await c.until('bound', async () => (await nodeOf(c, 'q')) === 'b')
    assert.equal((await claimsOf(c).get('mine')).status?.reservedFor?.length, 2)
  }))

test('a pod waits for its claim, then with the reason for its class and its devices, and is explained', () =>
  withCluster(2, async (c) => {
    await c.addNode({ name: 'a' })
    await podWith(c, 'p', 'mine')
    const tail = 'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.'
    const refusal = (text: string) => `0/1 nodes are available: ${text}. no new claims to deallocate, ${tail}`
    await c.clock.settle()
    assert.match(
      c.scheduler.explain('default', 'p')!.text,
      /no node is asked before this is settled: resourceclaim.resource.k8s.io "mine" not found/,
    )
    assert.deepEqual([await reason(c, 'p'), await c.events('p')], ['', []])
    await addClaim(c, 'mine')
    await c.until('a reason', async () => (await reason(c, 'p')) === refusal('request gpu: device class gpu does not exist'))
    await addClass(c)
    await c.until(
      'a reason',
      async () => (await reason(c, 'p')) === `0/1 nodes are available: 1 cannot allocate all claims. still not schedulable, ${tail}`,
    )
    assert.match(
      c.scheduler.explain('default', 'p')!.text,
      /a {2}DynamicResources: claim default\/mine, request gpu: wants 1 of class gpu, 0 can be had, short 1 \(no device reaches this node\)/,
    )
    await addSlice(c, gpusOn('a', 1))
    await c.until('bound', async () => (await nodeOf(c, 'p')) === 'a')
  }))

test('no device is given twice, however many pods come at once; what is given back serves the next', () =>
  withCluster(3, async (c) => {
    for (const name of ['a', 'b']) {
      await c.addNode({ name })
      await addSlice(c, gpusOn(name, 2))
    }
    await addClass(c)
    for (let i = 0; i < 6; i++) {
      await addClaim(c, `claim${i}`)
      await podWith(c, `p${i}`, `claim${i}`)
    }
    const bound = async () => (await Promise.all([0, 1, 2, 3, 4, 5].map((i) => nodeOf(c, `p${i}`)))).filter((n) => n).length
    await c.until('four have devices', async () => (await bound()) === 4)
    await c.clock.advance(20_000)
    const given = (await Promise.all([0, 1, 2, 3, 4, 5].map((i) => allocatedTo(c, `claim${i}`)))).filter((d) => d !== undefined)
    assert.deepEqual(given.toSorted(), ['a/gpu-0', 'a/gpu-1', 'b/gpu-0', 'b/gpu-1'])
    const waiting = await Promise.all([0, 1, 2, 3, 4, 5].map(async (i) => ((await nodeOf(c, `p${i}`)) ? undefined : `p${i}`)))
    const [next] = waiting.filter((p) => p !== undefined)
    assert.match(
      c.scheduler.explain('default', next!)!.text,
      /what would place it\n {2}1\. on node [ab]: free device gpu\.example\.com\/[ab]\/gpu-0, held by claim default\/claim\d/,
    )
    const claim = await claimsOf(c).get('claim0')
    await claimsOf(c).updateStatus({ ...claim, status: {} })
    await c.until('the fifth has one', async () => (await bound()) === 5)
  }))

test('a claim that is allocated where the pod cannot go, and used by nobody, is allocated anew', () =>
  withCluster(4, async (c) => {
    await c.addNode({ name: 'a', unschedulable: true })
    await c.addNode({ name: 'b' })
    await addClass(c)
    for (const name of ['a', 'b']) await addSlice(c, gpusOn(name, 1))
    await addClaim(c, 'mine')
    const claim = await claimsOf(c).get('mine')
    const allocation = {
      devices: { results: [{ request: 'gpu', driver, pool: 'a', device: 'gpu-0' }] },
      nodeSelector: { nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In' as const, values: ['a'] }] }] },
    }
    await claimsOf(c).updateStatus({ ...claim, status: { allocation } })
    await podWith(c, 'p', 'mine')
    await c.until('bound', async () => (await nodeOf(c, 'p')) === 'b')
    assert.equal(await allocatedTo(c, 'mine'), 'b/gpu-0')
  }))

test('a pod that was not bound gives its reservation back', () =>
  withCluster(5, async (c) => {
    await c.addNode({ name: 'a' })
    await addClass(c)
    const conditions = { bindingConditions: ['attached'], bindingFailureConditions: ['broken'] }
    await addSlice(c, { ...gpusOn('a', 1), devices: [testDevice('gpu-0', '40Gi', conditions)] })
    await addClaim(c, 'mine')
    await podWith(c, 'p', 'mine')
    await c.until('reserved, and waiting for the device', async () => (await claimsOf(c).get('mine')).status?.reservedFor?.length === 1)
    assert.equal(await nodeOf(c, 'p'), undefined)
    await c.until('it is said where it goes', async () => (await c.pod('p')).status?.nominatedNodeName === 'a')
    const say = async (type: string) => {
      const claim = await claimsOf(c).get('mine')
      const time = '2026-01-01T00:00:00Z'
      const condition = { type, status: 'True' as const, reason: 'Driver', message: '', lastTransitionTime: time }
      const devices = [{ driver, pool: 'a', device: 'gpu-0', conditions: [condition] }]
      await claimsOf(c).updateStatus({ ...claim, status: { ...claim.status, devices } })
    }
    await say('broken')
    await c.until('given back, devices too', async () => (await claimsOf(c).get('mine')).status?.allocation === undefined)
    await c.until('the reason', async () =>
      (await reason(c, 'p')).includes(
        'running PreBind plugin "DynamicResources": claim default/mine failed to bind: device gpu-0 has condition broken',
      ),
    )
    await c.until('meant for no node', async () => (await c.pod('p')).status?.nominatedNodeName === undefined)
    await c.until('tried again', async () => (await claimsOf(c).get('mine')).status?.reservedFor?.length === 1)
    await say('attached')
    await c.until('bound', async () => (await nodeOf(c, 'p')) === 'a')
    assert.equal((await c.pod('p')).status?.nominatedNodeName, undefined)
    assert.equal((await claimsOf(c).get('mine')).status?.reservedFor?.length, 1)
  }))

test('a pod deleted while it waits for devices leaves no reservation behind', () =>
  withCluster(6, async (c) => {
    await c.addNode({ name: 'a' })
    await addClass(c)
    const conditions = { bindingConditions: ['attached'], bindingFailureConditions: ['broken'] }
    await addSlice(c, { ...gpusOn('a', 1), devices: [testDevice('gpu-0', '40Gi', conditions)] })
    await addClaim(c, 'mine')
    await podWith(c, 'p', 'mine')
    await c.until('reserved', async () => (await claimsOf(c).get('mine')).status?.reservedFor?.length === 1)
    await c.client.resource(coreV1.pods, 'default').delete('p', { gracePeriodSeconds: 0 })
    await c.until('given back', async () => (await claimsOf(c).get('mine')).status?.reservedFor === undefined)
  }))

const wantsGpus = (count: string) => ({
  containers: [{ name: 'main', image: 'app', resources: { requests: { 'example.com/gpu': count }, limits: { 'example.com/gpu': count } } }],
})

test('a pod that asks for devices by a resource name gets a claim for them, on nodes that do not have the resource themselves', () =>
  withCluster(7, async (c) => {
    await c.addNode({ name: 'a' })
    await c.addNode({ name: 'b' })
    await c.addPod({ name: 'p', spec: wantsGpus('2') })
    const tail = 'no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.'
    await c.until('a reason', async () => (await reason(c, 'p')) === `0/2 nodes are available: 2 Insufficient example.com/gpu. ${tail}`)
    await c.client
      .resource(resourceV1.deviceClasses)
      .create(testClass('gpu', `device.driver == "${driver}"`, { extendedResourceName: 'example.com/gpu' }))
    await c.until('another reason', async () => (await reason(c, 'p')).startsWith('0/2 nodes are available: 2 cannot allocate all claims.'))
    assert.match(
      c.scheduler.explain('default', 'p')!.text,
      /b {2}DynamicResources: claim default\/<extended-resources>, request container-0-request-0: wants 2 of class gpu, 0 can be had, short 2/,
    )
    await addSlice(c, gpusOn('b', 2))
    await c.until('bound', async () => (await nodeOf(c, 'p')) === 'b')
    const [claim] = (await claimsOf(c).list()).items
    assert.match(claim!.metadata.name!, /^p-extended-resources-/)
    assert.equal(await allocatedTo(c, claim!.metadata.name!), 'b/gpu-0,b/gpu-1')
    assert.deepEqual((await c.pod('p')).status?.extendedResourceClaimStatus, {
      requestMappings: [{ containerName: 'main', requestName: 'container-0-request-0', resourceName: 'example.com/gpu' }],
      resourceClaimName: claim!.metadata.name,
    })
    assert.match(c.scheduler.explain('default', 'p')!.text, /placed on b/)
    // A node that has the resource itself needs no claim.
    await c.addNode({ name: 'c', resources: { 'example.com/gpu': '1' } })
    await c.addPod({ name: 'q', spec: wantsGpus('1') })
    await c.until('bound', async () => (await nodeOf(c, 'q')) === 'c')
    assert.equal((await claimsOf(c).list()).items.length, 1)
    assert.equal((await c.pod('q')).status?.extendedResourceClaimStatus, undefined)
  }))

test('a claim for extended resources that is left over from an attempt goes, and the pod is tried anew', () =>
  withCluster(8, async (c) => {
    await c.addNode({ name: 'a', unschedulable: true })
    await c.client
      .resource(resourceV1.deviceClasses)
      .create(testClass('gpu', `device.driver == "${driver}"`, { extendedResourceName: 'example.com/gpu' }))
    await addSlice(c, gpusOn('a', 1))
    const { metadata } = await c.addPod({ name: 'p', spec: wantsGpus('1') })
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'p', uid: metadata.uid!, controller: true }
    const annotations = { 'resource.kubernetes.io/extended-resource-claim': 'true' }
    const { spec } = testClaim('left', { requests: [{ name: 'r', exactly: exactly() }] })
    await claimsOf(c).create({ metadata: { name: 'left', annotations, ownerReferences: [owner] }, spec })
    await c.clock.settle()
    const node = await c.client.resource(coreV1.nodes).get('a')
    await c.client.resource(coreV1.nodes).update({ ...node, spec: {} })
    await c.until('bound', async () => (await nodeOf(c, 'p')) === 'a')
    const names = (await claimsOf(c).list()).items.map((claim) => claim.metadata.name!.replace(/-[^-]*$/, ''))
    assert.deepEqual(names, ['p-extended-resources'])
  }))
