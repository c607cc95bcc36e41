import type { ServiceSpec } from '../../../../src/kinds/generated/types/core-v1.ts'
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
