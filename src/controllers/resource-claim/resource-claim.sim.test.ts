import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AllocationResult } from '../../kinds/generated/types/resource-v1.ts'
import { garbageCollectorController } from '../garbage-collector/controller.ts'
import { faultyClient, simCluster, type SimCluster, type SimOptions } from '../sim-cluster.ts'
import { resourceClaimController } from './controller.ts'
import { allocationFinalizer, planClaim } from './plan.ts'

async function inCluster(options: Partial<SimOptions>, body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  const cluster = await simCluster({ definitions: [resourceClaimController, garbageCollectorController()], ...options })
  try {
    await body(cluster)
  } finally {
    await cluster.stop()
  }
}

const devices = { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] }
const allocation: AllocationResult = { devices: { results: [{ request: 'gpu', driver: 'gpu.example.com', pool: 'p', device: 'd' }] } }
const pod = (name: string, claim: object) => ({
  metadata: { name },
  spec: {
    restartPolicy: 'Never' as const,
    resourceClaims: [{ name: 'dev', ...claim }],
    containers: [{ name: 'c', image: 'i', resources: { claims: [{ name: 'dev' }] } }],
  },
})

async function life({ clientset, until, clock }: SimCluster): Promise<void> {
  const claims = clientset.resourceV1().resourceClaims('default')
  const pods = clientset.coreV1().pods('default')
  const list = async () => (await claims.list()).items
  await pods.create(pod('early', { resourceClaimTemplateName: 'one-gpu' }))
  await clock.advance(1_000)
  assert.equal((await list()).length, 0)
  await clientset
    .resourceV1()
    .resourceClaimTemplates('default')
    .create({
      metadata: { name: 'one-gpu' },
      spec: { metadata: { labels: { made: 'yes' } }, spec: { devices } },
    })
  await until('a claim from the template, named in the status', async () => {
    const named = (await pods.get('early')).status?.resourceClaimStatuses?.[0]?.resourceClaimName
    return named !== undefined && (await list()).length === 1 && (await claims.get(named)).metadata.labels?.made === 'yes'
  })
  const name = (await pods.get('early')).status?.resourceClaimStatuses?.[0]?.resourceClaimName ?? ''
  assert.match(name, /^early-dev-/)
  // As the scheduler does it: the finalizer, then allocation. The pod has its node, so it is reserved for.
  await claims.patch(name, { type: 'merge', body: { metadata: { finalizers: [allocationFinalizer] } } })
  await claims.patch(name, { type: 'merge', body: { status: { allocation } } }, { subresource: 'status' })
  await until('it is reserved', async () => (await claims.get(name)).status?.reservedFor?.[0]?.name === 'early')
  // A shared claim, used by two pods that end one after the other.
  await claims.create({ metadata: { name: 'shared', finalizers: [allocationFinalizer] }, spec: { devices } })
  await claims.patch('shared', { type: 'merge', body: { status: { allocation } } }, { subresource: 'status' })
  for (const user of ['a', 'b']) await pods.create(pod(user, { resourceClaimName: 'shared' }))
  await until('both have it', async () => (await claims.get('shared')).status?.reservedFor?.length === 2)
  await pods.delete('a')
  await until('one has it', async () => (await claims.get('shared')).status?.reservedFor?.map((r) => r.name).join() === 'b')
  assert.ok((await claims.get('shared')).status?.allocation)
  await pods.delete('b')
  await until('it is free', async () => {
    const { status } = await claims.get('shared')
    return !status?.allocation && !status?.reservedFor?.length
  })
  await claims.delete('shared')
  const early = await pods.get('early')
  await pods.updateStatus({ ...early, status: { ...early.status, phase: 'Succeeded' } })
  await until('a pod that has ended gives its own back', async () => (await list()).length === 0)
  assert.equal((await pods.get('early')).status?.phase, 'Succeeded')
}

test('claims are made, reserved, freed and removed with their pods', () => inCluster({}, life))

for (const seed of [1, 2, 3])
  test(`comes to the same end under faults (seed ${seed})`, () =>
    inCluster({ seed, wrap: (client) => faultyClient(client, { seed, share: 0.08 }) }, life))

test('comes to the same end when its watches lag', () => inCluster({ watchLagMs: 300 }, life))

test('users that are no pods are left alone', () => {
  const claim = {
    metadata: { name: 'c' },
    spec: { devices },
    status: { allocation, reservedFor: [{ apiGroup: 'example.com', resource: 'things', name: 't', uid: 'u' }] },
  }
  assert.deepEqual(
    planClaim(claim, () => undefined),
    { type: 'none' },
  )
})
