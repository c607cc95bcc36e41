import { kindRefs } from '../../../../src/client/generated/kind-refs.ts'
import type { Pod, ServiceSpec } from '../../../../src/kinds/generated/types/core-v1.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld, untilReady, workload } from '../scenario.ts'

const servicesOf = ({ clientset, namespace }: ScenarioWorld) => clientset.coreV1().services(namespace)
const podsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.coreV1().pods(namespace)

async function served(world: ScenarioWorld, spec: Partial<ServiceSpec> = {}): Promise<void> {
  await servicesOf(world).create({ metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }], ...spec } })
}

async function deployed(world: ScenarioWorld, replicas: number): Promise<void> {
  await world.clientset
    .appsV1()
    .deployments(world.namespace)
    .create({ metadata: { name: 'web' }, spec: workload('web', replicas) })
  await untilReady(world, 'app=web', replicas)
}

const ready = (time: string) => ({ type: 'Ready', status: 'True' as const, lastTransitionTime: time })
const isAgo = '2026-01-01T00:00:00Z'

/** Nodes of zones on which nobody runs anything, nor is placed, each with so many pods that say they are ready. */
async function zones(world: ScenarioWorld, podsOfZone: Readonly<Record<string, number>>): Promise<void> {
  const { clientset, namespace, also } = world
  const nodes = clientset.coreV1().nodes()
  let count = 0
  for (const [zone, pods] of Object.entries(podsOfZone)) {
    const name = `${namespace}-${zone}`
    await nodes.create({
      metadata: { name, labels: { 'topology.kubernetes.io/zone': zone } },
      spec: { podCIDR: '10.200.0.0/24', podCIDRs: ['10.200.0.0/24'], unschedulable: true },
    })
    also(kindRefs.coreV1.nodes, name)
    const allocatable = { cpu: '4', memory: '8Gi', pods: '110' }
    await nodes.patch(name, merge({ status: { allocatable, capacity: allocatable, conditions: [ready(isAgo)] } }), {
      subresource: 'status',
    })
    for (let i = 0; i < pods; i++) await runningPod(world, `${zone}-${i}`, name, `10.200.1.${++count}`)
  }
}

async function runningPod(world: ScenarioWorld, name: string, nodeName: string, podIP: string): Promise<void> {
  await podsOf(world).create({ metadata: { name, labels: { app: 'web' } }, spec: podSpec('i:1', { nodeName }) })
  const status: Pod['status'] = { phase: 'Running', podIP, podIPs: [{ ip: podIP }], conditions: [ready(isAgo)] }
  await podsOf(world).patch(name, merge({ status }), { subresource: 'status' })
}

const subset = (count: number, from: number, more: object = {}) => ({
  addresses: Array.from({ length: count }, (_, i) => ({ ip: `1.2.3.${from + i}` })),
  ports: [{ port: 80, name: 'a' }],
  ...more,
})

/** Endpoints and slices: many, in zones, and what makes them change. A slice has room for three, a mirror for four of a subset. */
export const moreEndpointScenarios: Readonly<Record<string, Scenario>> = {
  'endpoints-more-than-a-slice': async (world) => {
    await deployed(world, 7)
    await served(world)
  },
  'endpoints-fewer-again': async (world) => {
    await deployed(world, 7)
    await served(world)
    await world.quiet()
    await world.clientset
      .appsV1()
      .deployments(world.namespace)
      .patch('web', merge({ spec: { replicas: 2 } }))
    await untilReady(world, 'app=web', 2)
    await world.quiet()
    await world.clientset
      .appsV1()
      .deployments(world.namespace)
      .patch('web', merge({ spec: { replicas: 0 } }))
  },
  'endpoints-ports-change': async (world) => {
    await deployed(world, 2)
    await served(world)
    await world.quiet()
    const ports = [
      { name: 'a', port: 80, targetPort: 8080 },
      { name: 'b', port: 443, targetPort: 8443, appProtocol: 'https' },
    ]
    await servicesOf(world).patch('web', merge({ spec: { ports } }))
  },
  'endpoints-of-an-ending-pod': async (world) => {
    await served(world)
    const spec = podSpec('fake-stubborn', { terminationGracePeriodSeconds: 600 })
    await podsOf(world).create({ metadata: { name: 'web', labels: { app: 'web' } }, spec })
    await untilReady(world, 'app=web', 1)
    await world.quiet()
    await podsOf(world).delete('web')
  },
  'endpoints-headless-labels': async (world) => {
    await servicesOf(world).create({
      metadata: { name: 'web', labels: { a: 'b', 'service.kubernetes.io/headless': 'no' }, annotations: { c: 'd' } },
      spec: { selector: { app: 'web' }, clusterIP: 'None' },
    })
    await deployed(world, 1)
  },
  'endpoints-proxied-elsewhere': async (world) => {
    await servicesOf(world).create({
      metadata: { name: 'web', labels: { 'service.kubernetes.io/service-proxy-name': 'mesh' } },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    })
    await deployed(world, 1)
  },
  'endpoints-slice-of-a-stranger': async (world) => {
    await served(world)
    await world.clientset
      .discoveryV1()
      .endpointSlices(world.namespace)
      .create({
        metadata: { name: 'own', labels: { 'kubernetes.io/service-name': 'web', 'endpointslice.kubernetes.io/managed-by': 'me' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['1.2.3.4'] }],
        ports: [{ port: 80 }],
      })
    await deployed(world, 1)
  },
  'endpoints-slice-is-touched': async (world) => {
    await deployed(world, 1)
    await served(world)
    await world.quiet()
    const slices = world.clientset.discoveryV1().endpointSlices(world.namespace)
    const [first] = (await slices.list()).items
    await slices.patch(first!.metadata.name!, merge({ endpoints: [] }))
    await world.quiet()
    const [second] = (await slices.list()).items
    await slices.delete(second!.metadata.name!)
  },
  'endpoints-same-zone': async (world) => {
    await zones(world, { a: 1, b: 2 })
    await served(world, { trafficDistribution: 'PreferSameZone' })
  },
  'endpoints-same-node': async (world) => {
    await zones(world, { a: 1, b: 1 })
    await served(world, { trafficDistribution: 'PreferSameNode' })
  },
  'endpoints-close': async (world) => {
    await zones(world, { a: 1, b: 1 })
    await served(world, { trafficDistribution: 'PreferClose' })
    await world.quiet()
    await servicesOf(world).patch('web', merge({ spec: { trafficDistribution: null } }))
  },
  'endpoints-topology-auto': async (world) => {
    await zones(world, { a: 3, b: 3 })
    await servicesOf(world).create({
      metadata: { name: 'web', annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    })
  },
  'endpoints-topology-auto-too-few': async (world) => {
    await zones(world, { a: 1, b: 2 })
    await servicesOf(world).create({
      metadata: { name: 'web', annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
      spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    })
  },
  'endpoints-mirror-too-many': async ({ clientset, namespace }) => {
    await clientset
      .coreV1()
      .services(namespace)
      .create({ metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } })
    const subsets = [subset(6, 1, { notReadyAddresses: [{ ip: '1.2.3.99' }] }), subset(2, 50, { ports: [{ port: 81, name: 'a' }] })]
    await clientset
      .coreV1()
      .endpoints(namespace)
      .create({ metadata: { name: 'web' }, subsets })
  },
  'endpoints-mirror-changes': async ({ clientset, namespace, quiet }) => {
    await clientset
      .coreV1()
      .services(namespace)
      .create({ metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } })
    const endpoints = clientset.coreV1().endpoints(namespace)
    await endpoints.create({ metadata: { name: 'web', labels: { a: '1' } }, subsets: [subset(2, 1)] })
    await quiet()
    await endpoints.patch('web', merge({ metadata: { labels: { a: '2' } }, subsets: [subset(1, 1, { ports: [{ port: 81, name: 'a' }] })] }))
    await quiet()
    await endpoints.patch('web', merge({ metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } }))
  },
  'endpoints-mirror-without-ports': async ({ clientset, namespace }) => {
    await clientset
      .coreV1()
      .services(namespace)
      .create({ metadata: { name: 'web' }, spec: { clusterIP: 'None' } })
    await clientset
      .coreV1()
      .endpoints(namespace)
      .create({ metadata: { name: 'web' }, subsets: [{ addresses: [{ ip: '1.2.3.4', hostname: 'h' }] }] })
  },
}
