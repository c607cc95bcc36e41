import { kindRefs } from '../../../../src/client/generated/kind-refs.ts'
import type { PodSpec, PodTemplateSpec, Taint, Toleration } from '../../../../src/kinds/generated/types/core-v1.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld, template, untilReady } from '../scenario.ts'

/** A node on which nobody runs anything. */
export async function node({ clientset, namespace, also }: ScenarioWorld): Promise<void> {
  await clientset
    .coreV1()
    .nodes()
    .create({ metadata: { name: namespace }, spec: { podCIDR: '10.200.0.0/24', podCIDRs: ['10.200.0.0/24'] } })
  also(kindRefs.coreV1.nodes, namespace)
}

async function podOn({ clientset, namespace }: ScenarioWorld, name: string, tolerations: readonly Toleration[]): Promise<void> {
  const stays = { key: 'node.kubernetes.io/not-ready', operator: 'Exists' as const }
  await clientset
    .coreV1()
    .pods(namespace)
    .create({ metadata: { name }, spec: podSpec('i:1', { nodeName: namespace, tolerations: [stays, ...tolerations] }) })
}

export const taint = (...taints: Taint[]) => merge({ spec: { taints } })
export const evicts = (key: string, value = 'v'): Taint => ({ key, value, effect: 'NoExecute' })
const bears = (more: object): Toleration => ({ key: 'k', operator: 'Exists', effect: 'NoExecute', ...more }) as Toleration

async function ending({ clientset, namespace, until }: ScenarioWorld, name: string): Promise<void> {
  const pods = clientset.coreV1().pods(namespace)
  await until(`${name} ends`, async () => (await pods.get(name)).metadata.deletionTimestamp !== undefined)
}

/** On the nodes that run something. */
const daemon = (more: Partial<PodSpec> = {}): PodTemplateSpec => ({
  ...template('d'),
  spec: podSpec('i:1', { nodeSelector: { 'kubernetes.io/os': 'linux' }, ...more }),
})

/** Nodes: taints that evict, pods without a node, daemons. */
export const nodeScenarios: Readonly<Record<string, Scenario>> = {
  'taint-evicts': async (world) => {
    await node(world)
    await podOn(world, 'stays', [bears({})])
    await podOn(world, 'goes', [])
    await podOn(world, 'goes-later', [bears({ tolerationSeconds: 3 })])
    await podOn(world, 'shortest-counts', [
      bears({ tolerationSeconds: 3600 }),
      bears({ operator: 'Equal', value: 'v', tolerationSeconds: 2 }),
    ])
    await podOn(world, 'another-value', [bears({ operator: 'Equal', value: 'w' })])
    await world.clientset
      .coreV1()
      .nodes()
      .patch(world.namespace, taint(evicts('k')))
    for (const name of ['goes', 'goes-later', 'another-value']) await ending(world, name)
  },
  'taint-goes-in-time': async (world) => {
    await node(world)
    await podOn(world, 'p', [bears({ tolerationSeconds: 60 })])
    await world.clientset
      .coreV1()
      .nodes()
      .patch(world.namespace, taint(evicts('k')))
    await world.quiet()
    await world.clientset.coreV1().nodes().patch(world.namespace, taint())
  },
  'taint-evicts-who-waits-already': async (world) => {
    await node(world)
    await podOn(world, 'p', [bears({ tolerationSeconds: 60 })])
    const nodes = world.clientset.coreV1().nodes()
    await nodes.patch(world.namespace, taint(evicts('k')))
    await world.quiet()
    await nodes.patch(world.namespace, taint(evicts('k'), evicts('l')))
    await ending(world, 'p')
  },
  'taint-meets-a-pod-that-ends': async (world) => {
    const { clientset, namespace } = world
    await node(world)
    await podOn(world, 'p', [])
    await clientset.coreV1().pods(namespace).delete('p')
    await world.quiet()
    await clientset
      .coreV1()
      .nodes()
      .patch(namespace, taint(evicts('k')))
    await world.until('its end is disrupted', async () => {
      const { status } = await clientset.coreV1().pods(namespace).get('p')
      return status?.conditions?.some(({ type }) => type === 'DisruptionTarget') ?? false
    })
  },
  'taints-of-two-keys': async (world) => {
    await node(world)
    await podOn(world, 'one-of-two', [bears({})])
    await podOn(world, 'both', [bears({ tolerationSeconds: 3600 }), bears({ key: 'l', tolerationSeconds: 2 })])
    await world.clientset
      .coreV1()
      .nodes()
      .patch(world.namespace, taint(evicts('k'), evicts('l')))
    for (const name of ['one-of-two', 'both']) await ending(world, name)
  },
  'daemonset-surge': async (world) => {
    const sets = world.clientset.appsV1().daemonSets(world.namespace)
    const updateStrategy = { type: 'RollingUpdate' as const, rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
    await sets.create({
      metadata: { name: 'd' },
      spec: { selector: { matchLabels: { app: 'd' } }, template: daemon(), updateStrategy },
    })
    const isSettled = async () => {
      const { metadata, status } = await sets.get('d')
      const isWhole = status?.updatedNumberScheduled === status?.desiredNumberScheduled && status?.numberAvailable === 3
      return status?.observedGeneration === metadata.generation && isWhole
    }
    await world.until('ready', isSettled)
    await sets.patch('d', { type: 'strategic', body: { spec: { template: { spec: { containers: [{ name: 'c', image: 'i:2' }] } } } } })
    await world.until('updated', isSettled)
  },
  'daemonset-on-delete': async (world) => {
    const { clientset, namespace } = world
    const sets = clientset.appsV1().daemonSets(namespace)
    await sets.create({
      metadata: { name: 'd' },
      spec: { selector: { matchLabels: { app: 'd' } }, template: daemon(), updateStrategy: { type: 'OnDelete' } },
    })
    await untilReady(world, 'app=d', 3)
    await sets.patch('d', { type: 'strategic', body: { spec: { template: { spec: { containers: [{ name: 'c', image: 'i:2' }] } } } } })
    await world.quiet()
    const [first] = (await clientset.coreV1().pods(namespace).list()).items
    await clientset
      .coreV1()
      .pods(namespace)
      .delete(first?.metadata.name ?? '')
    await world.quiet()
    await untilReady(world, 'app=d', 3)
  },
  'devices-of-a-template': async ({ clientset, namespace, quiet, also }) => {
    await clientset
      .resourceV1()
      .deviceClasses()
      .create({ metadata: { name: namespace }, spec: {} })
    also(kindRefs.resourceV1.deviceClasses, namespace)
    const devices = { requests: [{ name: 'r', exactly: { deviceClassName: namespace } }] }
    await clientset
      .resourceV1()
      .resourceClaimTemplates(namespace)
      .create({ metadata: { name: 't' }, spec: { metadata: { labels: { a: 'b' } }, spec: { devices } } })
    const containers = [{ name: 'c', image: 'i', resources: { claims: [{ name: 'x' }] } }]
    const spec = podSpec('i:1', {
      containers,
      resourceClaims: [
        { name: 'x', resourceClaimTemplateName: 't' },
        { name: 'y', resourceClaimTemplateName: 'none' },
      ],
    })
    await clientset
      .coreV1()
      .pods(namespace)
      .create({ metadata: { name: 'p' }, spec })
    await clientset
      .coreV1()
      .pods(namespace)
      .create({ metadata: { name: 'q' }, spec: { ...spec, resourceClaims: [{ name: 'x', resourceClaimTemplateName: 't' }] } })
    await quiet()
    await clientset.coreV1().pods(namespace).delete('q')
  },
}
