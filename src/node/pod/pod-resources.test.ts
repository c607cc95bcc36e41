import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodStatus, ResourceRequirements } from '../../kinds/generated/types/core-v1.ts'
import { containerFixture, viewFixture, type ViewFixture } from './pod-fixtures.ts'
import { podResources } from './pod-resources.ts'

const two = (a: ResourceRequirements, b: ResourceRequirements): ViewFixture => ({
  spec: { containers: [containerFixture('a', { resources: a }), containerFixture('b', { resources: b })] },
})

function check(
  title: string,
  { phase = 'Running', ...fixture }: ViewFixture & { readonly phase?: 'Pending' | 'Running' },
  expected: Pick<PodStatus, 'resources' | 'allocatedResources'>,
): void {
  test(title, () => assert.deepEqual(podResources(viewFixture(fixture), phase), expected))
}

const requests = { cpu: '100m', memory: '64Mi', 'ephemeral-storage': '1Gi' }
const limits = { cpu: '200m', memory: '64M' }

check('a pod that asks for nothing has nothing', {}, { resources: {} })
check(
  'before it runs a pod is told what it was granted, the containers together',
  { ...two({ requests, limits }, { requests: { cpu: '900m' } }), phase: 'Pending' },
  {
    resources: { requests: { ...requests, cpu: '1' }, limits: { cpu: '200m', memory: '64M' } },
    allocatedResources: { ...requests, cpu: '1' },
  },
)
check(
  'while it runs, cpu and memory; a limit only where every container has one',
  two({ requests, limits }, { requests: { cpu: '900m' }, limits: { memory: '64M' } }),
  {
    resources: { requests: { cpu: '1', memory: '64Mi' }, limits: { memory: '128M' } },
    allocatedResources: { ...requests, cpu: '1' },
  },
)
check(
  'while a resize is under way, what it has is not yet what it was granted',
  {
    ...two({ requests: { cpu: '2' } }, { requests: { cpu: '1' } }),
    containerRecords: { a: { applied: { requests: { cpu: '500m' } } }, b: { applied: { requests: { cpu: '1' } } } },
  },
  { resources: { requests: { cpu: '1500m' } }, allocatedResources: { cpu: '3' } },
)
check(
  'what a pod asks for as a whole stands for the sum of its containers',
  {
    spec: {
      containers: [containerFixture('a', { resources: { requests } }), containerFixture('b')],
      resources: { requests: { cpu: '2' }, limits: { cpu: '3' } },
    },
    records: { appliedToPod: { requests: { cpu: '2' }, limits: { cpu: '3' } } },
  },
  {
    resources: { requests: { cpu: '2', memory: '64Mi' }, limits: { cpu: '3' } },
    allocatedResources: { ...requests, cpu: '2' },
  },
)
