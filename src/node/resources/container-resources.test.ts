import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod, ResourceRequirements } from '../../kinds/generated/types/core-v1.ts'
import {
  containerResourcesOf,
  cpuQuotaUs,
  cpuShares,
  cpuWeight,
  effectiveResources,
  oomScoreAdj,
  podCgroupResources,
  widest,
} from './container-resources.ts'
import { podCgroupPath } from './pod-cgroups.ts'

const podOf = (...resources: ResourceRequirements[]): Pod => ({
  metadata: { uid: 'u' },
  spec: { containers: resources.map((r, i) => ({ name: `c${i}`, resources: r })) },
})
const gibibyte = 2 ** 30

test('shares, quota and weight follow the formulas', () => {
  assert.deepEqual([0, 1, 100, 250, 1000, 1_000_000].map(cpuShares), [2, 2, 102, 256, 1024, 262_144])
  assert.deepEqual(
    [0, 1, 10, 500, 2000].map((m) => cpuQuotaUs(m)),
    [undefined, 1000, 1000, 50_000, 200_000],
  )
  assert.deepEqual([2, 1024, 262_144].map(cpuWeight), [1, 39, 10_000])
})

test('a limit without a request stands for both', () => {
  const { cpuShares: shares, cpuQuotaUs: quota, memoryLimitBytes } = containerResourcesOf({ limits: { cpu: '250m', memory: '64Mi' } })
  assert.deepEqual([shares, quota, memoryLimitBytes], [256, 25_000, 64 * 2 ** 20])
})

const scores: readonly { title: string; resources: ResourceRequirements; score: number }[] = [
  { title: 'best effort ends first', resources: {}, score: 1000 },
  { title: 'guaranteed ends last', resources: { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } }, score: -997 },
  { title: 'burstable by its share of the memory', resources: { requests: { memory: '1Gi' } }, score: 750 },
  { title: 'burstable without a memory request ends just before best effort', resources: { requests: { cpu: '1' } }, score: 999 },
  { title: 'burstable never comes near the system', resources: { requests: { memory: '4Gi' } }, score: 3 },
]
for (const { title, resources, score } of scores)
  test(title, () => assert.equal(oomScoreAdj(podOf(resources), { name: 'c0', resources }, 4 * gibibyte), score))

test('a pod is limited only where all its containers are', () => {
  const limited = podCgroupResources(podOf({ limits: { cpu: '1', memory: '1Gi' } }, { limits: { cpu: '500m', memory: '1Gi' } }))
  assert.deepEqual([limited.cpuQuotaUs, limited.memoryLimitBytes], [150_000, 2 * gibibyte])
  const open = podCgroupResources(podOf({ limits: { cpu: '1', memory: '1Gi' } }, { limits: { cpu: '1' } }))
  assert.deepEqual([open.cpuQuotaUs, open.memoryLimitBytes], [200_000, undefined])
})

test('a pod lies in the cgroup of its class', () => {
  const guaranteed = { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '1', memory: '1Gi' } }
  const paths = [podOf({}), podOf({ requests: { cpu: '1' } }), podOf(guaranteed)].map((pod) => podCgroupPath('/kubepods', pod))
  assert.deepEqual(paths, ['/kubepods/besteffort/podu', '/kubepods/burstable/podu', '/kubepods/podu'])
})

test('a cgroup that must hold two states of a pod has the larger limits, or none', () => {
  const limited = podCgroupResources(podOf({ requests: { cpu: '1' }, limits: { cpu: '1', memory: '64Mi' } }))
  const larger = podCgroupResources(podOf({ limits: { cpu: '500m', memory: '128Mi' } }))
  const { cpuShares: shares, cpuQuotaUs: quota, memoryLimitBytes } = widest(limited, larger)
  assert.deepEqual([shares, quota, memoryLimitBytes], [1024, 100_000, 128 * 2 ** 20])
  assert.equal(widest(limited, podCgroupResources(podOf({}))).memoryLimitBytes, undefined)
})

const asAWhole = (resources: ResourceRequirements): Pod => ({
  metadata: { uid: 'u' },
  spec: {
    resources,
    initContainers: [{ name: 'side', restartPolicy: 'Always' }],
    containers: [
      { name: 'own', resources: { requests: { memory: '1Gi' }, limits: { memory: '1Gi' } } },
      { name: 'open', resources: { requests: { memory: '512Mi' } } },
    ],
  },
})

test("a container without a limit is held by its pod's, one with a limit by its own", () => {
  const pod = asAWhole({ limits: { cpu: '1', memory: '2Gi' }, requests: { memory: '2Gi' } })
  const held = pod.spec!.containers!.map((c) => effectiveResources(pod, c).limits)
  assert.deepEqual(held, [
    { cpu: '1', memory: '1Gi' },
    { cpu: '1', memory: '2Gi' },
  ])
  assert.deepEqual(podCgroupResources(pod), { ...podCgroupResources(pod), cpuQuotaUs: 100_000, memoryLimitBytes: 2 * gibibyte })
})

test('what a pod requests beyond its containers makes each of them end later, and a sidecar no sooner than the first app container', () => {
  const scoresOf = (pod: Pod) => {
    const [side, own, open] = [...pod.spec!.initContainers!, ...pod.spec!.containers!].map((c) => oomScoreAdj(pod, c, 4 * gibibyte))
    return { side, own, open }
  }
  // 1.5 GiB beyond the containers' own: half a GiB for each of the three.
  assert.deepEqual(scoresOf(asAWhole({ requests: { memory: '3Gi' } })), { side: 750, own: 625, open: 750 })
  assert.deepEqual(scoresOf(asAWhole({ requests: { cpu: '1' } })), { side: 875, own: 750, open: 875 })
})
