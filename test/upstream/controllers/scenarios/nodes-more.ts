import { kindRefs } from '../../../../src/client/generated/kind-refs.ts'
import type { PodSpec, Toleration } from '../../../../src/kinds/generated/types/core-v1.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld, template } from '../scenario.ts'
import { evicts, node, taint } from './nodes.ts'

const podsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.coreV1().pods(namespace)
const everywhere: Toleration[] = [{ operator: 'Exists' }]

async function pod(world: ScenarioWorld, name: string, spec: Partial<PodSpec>, finalizers: string[] = []): Promise<void> {
  await podsOf(world).create({ metadata: { name, finalizers }, spec: podSpec('i:1', spec) })
}

const gone = (world: ScenarioWorld, name: string) =>
  world.until(`${name} is gone`, async () => !(await podsOf(world).list()).items.some(({ metadata }) => metadata.name === name))
const failed = (world: ScenarioWorld, name: string) =>
  world.until(`${name} failed`, async () => (await podsOf(world).get(name)).status?.phase === 'Failed')

const labelled = (labels: object) => merge({ metadata: { labels } })

/** A zone of its own: how fast nodes are given up hangs on the others of theirs. */
const zone = ({ clientset, namespace }: ScenarioWorld) =>
  clientset
    .coreV1()
    .nodes()
    .patch(namespace, labelled({ 'topology.kubernetes.io/zone': namespace }))

/** Daemons of nodes that carry the label; nobody runs their pods. */
async function daemons(world: ScenarioWorld, more: Partial<PodSpec> = {}): Promise<void> {
  const { clientset, namespace } = world
  const of = { ...template('d'), spec: podSpec('i:1', { nodeSelector: { daemons: namespace }, ...more }) }
  await clientset
    .appsV1()
    .daemonSets(namespace)
    .create({ metadata: { name: 'd' }, spec: { selector: { matchLabels: { app: 'd' } }, template: of } })
}

/** Nodes that come and change, and pods that are left behind. */
export const moreNodeScenarios: Readonly<Record<string, Scenario>> = {
  'node-gets-a-network': async ({ clientset, namespace, also }) => {
    await clientset
      .coreV1()
      .nodes()
      .create({ metadata: { name: namespace } })
    also(kindRefs.coreV1.nodes, namespace)
  },
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
  'node-not-ready-evicts': async (world) => {
    await node(world)
    await zone(world)
    await pod(world, 'stays', { nodeName: world.namespace })
    await pod(world, 'goes', {
      nodeName: world.namespace,
      tolerations: [{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }],
    })
    const ready = { type: 'Ready', status: 'False', reason: 'Test' }
    await world.clientset
      .coreV1()
      .nodes()
      .patch(world.namespace, merge({ status: { conditions: [ready] } }), { subresource: 'status' })
    await world.until('it goes', async () => (await podsOf(world).get('goes')).metadata.deletionTimestamp !== undefined)
  },
  'pod-without-its-node': async (world) => {
    await pod(world, 'p', { nodeName: 'none-such', tolerations: everywhere })
    await pod(world, 'kept', { nodeName: 'none-such', tolerations: everywhere }, ['example.com/keep'])
    await gone(world, 'p')
    await world.until('it ends', async () => (await podsOf(world).get('kept')).metadata.deletionTimestamp !== undefined)
    await world.quiet()
    const { status } = await podsOf(world).get('kept')
    const told = {
      phase: status?.phase,
      conditions: status?.conditions?.map(({ type, status: is, reason, message }) => [type, is, reason, message].join(' ')),
    }
    await podsOf(world).patch('kept', merge({ metadata: { finalizers: null } }))
    await world.clientset
      .coreV1()
      .configMaps(world.namespace)
      .create({ metadata: { name: 'told' }, data: { status: JSON.stringify(told) } })
  },
  'pod-ends-before-its-node': async (world) => {
    await pod(world, 'p', { schedulingGates: [{ name: 'example.com/wait' }] }, ['example.com/keep'])
    await podsOf(world).delete('p')
    await failed(world, 'p')
    await podsOf(world).patch('p', merge({ metadata: { finalizers: null } }))
  },
  'pod-on-a-node-out-of-service': async (world) => {
    await node(world)
    await pod(world, 'p', { nodeName: world.namespace, tolerations: everywhere })
    const ready = { type: 'Ready', status: 'False', reason: 'Test' }
    const nodes = world.clientset.coreV1().nodes()
    await nodes.patch(world.namespace, merge({ status: { conditions: [ready] } }), { subresource: 'status' })
    await podsOf(world).delete('p')
    await zone(world)
    await world.until('it is known', async () => {
      const { taints = [] } = (await nodes.get(world.namespace)).spec ?? {}
      return taints.some(({ key, effect }) => key === 'node.kubernetes.io/not-ready' && effect === 'NoExecute')
    })
    await nodes.patch(world.namespace, {
      type: 'strategic',
      body: { spec: { taints: [evicts('node.kubernetes.io/out-of-service', 'nodeshutdown')] } },
    })
    await gone(world, 'p')
  },
  'daemonset-node-comes-and-goes': async (world) => {
    await node(world)
    await daemons(world)
    await world.quiet()
    const nodes = world.clientset.coreV1().nodes()
    await nodes.patch(world.namespace, labelled({ daemons: world.namespace }))
    await world.quiet()
    await nodes.patch(world.namespace, labelled({ daemons: null }))
  },
  'daemonset-node-is-tainted': async (world) => {
    await node(world)
    const nodes = world.clientset.coreV1().nodes()
    await nodes.patch(world.namespace, labelled({ daemons: world.namespace }))
    await nodes.patch(world.namespace, taint({ key: 'k', value: 'v', effect: 'NoSchedule' }))
    await daemons(world)
    await world.quiet()
    await nodes.patch(world.namespace, taint())
    await world.quiet()
    await nodes.patch(world.namespace, taint({ key: 'k', value: 'v', effect: 'NoSchedule' }))
  },
  'daemonset-node-evicts': async (world) => {
    await node(world)
    const nodes = world.clientset.coreV1().nodes()
    await nodes.patch(world.namespace, labelled({ daemons: world.namespace }))
    await daemons(world)
    await world.quiet()
    await nodes.patch(world.namespace, taint(evicts('k')))
  },
  'daemonset-failed-pod': async (world) => {
    await node(world)
    await world.clientset
      .coreV1()
      .nodes()
      .patch(world.namespace, labelled({ daemons: world.namespace }))
    await daemons(world)
    await world.quiet()
    const [first] = (await podsOf(world).list()).items
    await podsOf(world).patch(first!.metadata.name!, merge({ status: { phase: 'Failed' } }), { subresource: 'status' })
    await world.quiet()
  },
  'daemonset-surge-never-ready': async (world) => {
    const sets = world.clientset.appsV1().daemonSets(world.namespace)
    const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
    const spec = podSpec('i:1', { nodeSelector: { 'kubernetes.io/os': 'linux' } })
    await sets.create({
      metadata: { name: 'd' },
      spec: { selector: { matchLabels: { app: 'd' } }, template: { ...template('d'), spec }, updateStrategy },
    })
    await world.until('ready', async () => (await sets.get('d')).status?.numberAvailable === 3)
    const broken = { spec: { template: { spec: { containers: [{ name: 'c', image: 'fake-unstartable' }] } } } }
    await sets.patch('d', { type: 'strategic', body: broken })
    await world.quiet()
    await sets.patch('d', { type: 'strategic', body: { spec: { template: { spec: { containers: [{ name: 'c', image: 'i:1' }] } } } } })
  },
  'volume-is-attached': async (world) => {
    await csiVolume(world)
    const attachment = await attached(world)
    const attachments = world.clientset.storageV1().volumeAttachments()
    const error = { time: '2026-01-01T00:00:00Z', message: 'no room' }
    await attachments.patch(attachment, merge({ status: { attached: false, attachError: error } }), { subresource: 'status' })
    await world.quiet()
    await attachments.patch(attachment, merge({ status: { attached: true, attachError: null } }), { subresource: 'status' })
    await world.quiet()
    world.also(kindRefs.storageV1.volumeAttachments, attachment)
  },
  'volume-is-detached': async (world) => {
    await csiVolume(world)
    const attachment = await attached(world)
    const attachments = world.clientset.storageV1().volumeAttachments()
    await attachments.patch(attachment, merge({ status: { attached: true } }), { subresource: 'status' })
    await world.quiet()
    await podsOf(world).delete('p', { gracePeriodSeconds: 0 })
    await world.until('it is detached', async () => {
      const { items } = await attachments.list()
      return !items.some(({ metadata }) => metadata.name === attachment)
    })
  },
}

/** A volume of a driver, claimed by a pod on a node that nobody runs. */
async function csiVolume(world: ScenarioWorld): Promise<void> {
  const { clientset, namespace, also } = world
  await node(world)
  // As of a node whose agent leaves it to the controller.
  const isLeft = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' }
  await clientset
    .coreV1()
    .nodes()
    .patch(namespace, merge({ metadata: { annotations: isLeft } }))
  const accessModes = ['ReadWriteOnce' as const]
  await clientset
    .coreV1()
    .persistentVolumes()
    .create({
      metadata: { name: namespace },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes,
        storageClassName: namespace,
        csi: { driver: 'example.com', volumeHandle: namespace },
        claimRef: { namespace, name: 'c' },
      },
    })
  also(kindRefs.coreV1.persistentVolumes, namespace)
  const claims = clientset.coreV1().persistentVolumeClaims(namespace)
  await claims.create({
    metadata: { name: 'c' },
    spec: { accessModes, resources: { requests: { storage: '1Gi' } }, storageClassName: namespace, volumeName: namespace },
  })
  await world.until('bound', async () => (await claims.get('c')).status?.phase === 'Bound')
  await pod(world, 'p', {
    nodeName: namespace,
    tolerations: everywhere,
    volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'c' } }],
  })
}

async function attached({ clientset, namespace, until }: ScenarioWorld): Promise<string> {
  let name: string | undefined
  await until('it is to be attached', async () => {
    const { items } = await clientset.storageV1().volumeAttachments().list()
    name = items.find(({ spec }) => spec.nodeName === namespace)?.metadata.name
    return name !== undefined
  })
  return name!
}
