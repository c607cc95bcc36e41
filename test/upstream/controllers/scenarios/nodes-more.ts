import type { PodSpec } from '../../../../src/kinds/generated/types/core-v1.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld } from '../scenario.ts'
import { node } from './nodes.ts'

const podsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.coreV1().pods(namespace)

async function pod(world: ScenarioWorld, name: string, spec: Partial<PodSpec>, finalizers: string[] = []): Promise<void> {
  await podsOf(world).create({ metadata: { name, finalizers }, spec: podSpec('i:1', spec) })
}

const failed = (world: ScenarioWorld, name: string) =>
  world.until(`${name} failed`, async () => (await podsOf(world).get(name)).status?.phase === 'Failed')

const labelled = (labels: object) => merge({ metadata: { labels } })

/** A zone of its own: how fast nodes are given up hangs on the others of theirs. */
const zone = ({ clientset, namespace }: ScenarioWorld) =>
  clientset
    .coreV1()
    .nodes()
    .patch(namespace, labelled({ 'topology.kubernetes.io/zone': namespace }))

/** Nodes that come and change, and pods that are left behind. */
export const moreNodeScenarios: Readonly<Record<string, Scenario>> = {
  'node-is-cordoned': async (world) => {
    await node(world)
    await world.clientset
      .coreV1()
      .nodes()
      .patch(world.namespace, merge({ spec: { unschedulable: true } }))
  },
  'node-under-pressure': async (world) => {
    await node(world)
    await zone(world)
    const time = '2026-01-01T00:00:00Z'
    const conditions = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'NetworkUnavailable'].map((type) => ({
      type,
      status: 'True',
      reason: 'Test',
      lastHeartbeatTime: time,
      lastTransitionTime: time,
    }))
    const ready = { ...conditions[0], type: 'Ready', status: 'False' }
    await world.clientset
      .coreV1()
      .nodes()
      .patch(world.namespace, merge({ status: { conditions: [...conditions, ready] } }), { subresource: 'status' })
    const nodes = world.clientset.coreV1().nodes()
    await world.until('pods are driven off', async () => {
      const { taints = [] } = (await nodes.get(world.namespace)).spec ?? {}
      return taints.some(({ effect }) => effect === 'NoExecute')
    })
  },
  'pod-ends-before-its-node': async (world) => {
    await pod(world, 'p', { schedulingGates: [{ name: 'example.com/wait' }] }, ['example.com/keep'])
    await podsOf(world).delete('p')
    await failed(world, 'p')
    await podsOf(world).patch('p', merge({ metadata: { finalizers: null } }))
  },
}
