import { kindRefs } from '../../../../src/client/generated/kind-refs.ts'
import type { ServiceSpec } from '../../../../src/kinds/generated/types/core-v1.ts'
import { merge, podSpec, type Scenario, type ScenarioWorld, untilReady, workload } from '../scenario.ts'

const ports = [{ port: 80 }]

/** Two pods and services that choose them. */
async function served({ clientset, namespace }: ScenarioWorld, services: Readonly<Record<string, Partial<ServiceSpec>>>): Promise<void> {
  await clientset
    .appsV1()
    .deployments(namespace)
    .create({ metadata: { name: 'web' }, spec: workload('web', 2) })
  for (const [name, spec] of Object.entries(services))
    await clientset
      .coreV1()
      .services(namespace)
      .create({ metadata: { name }, spec: { selector: { app: 'web' }, ports, ...spec } })
}

/** Pods and services with addresses of both families. */
export const dualStackScenarios: Readonly<Record<string, Scenario>> = {
  'endpoints-of-both-families': async (world) => {
    const both = { ipFamilyPolicy: 'RequireDualStack' as const }
    await served(world, {
      one: {},
      both,
      turned: { ...both, ipFamilies: ['IPv6', 'IPv4'] },
      six: { ipFamilies: ['IPv6'] },
      headless: { ...both, clusterIP: 'None' },
    })
    await untilReady(world, 'app=web', 2)
  },
  'endpoints-get-a-family': async (world) => {
    await served(world, { web: {} })
    await untilReady(world, 'app=web', 2)
    await world.quiet()
    const services = world.clientset.coreV1().services(world.namespace)
    await services.patch('web', merge({ spec: { ipFamilyPolicy: 'PreferDualStack' } }))
    await world.quiet()
    await world.clientset
      .coreV1()
      .services(world.namespace)
      .create({ metadata: { name: 'b' }, spec: { ports, selector: { app: 'b' }, ipFamilyPolicy: 'PreferDualStack' } })
    await services.patch('web', merge({ spec: { ipFamilyPolicy: 'SingleStack' } }))
  },
  'endpoints-of-both-families-by-hand': async ({ clientset, namespace }) => {
    await clientset
      .coreV1()
      .services(namespace)
      .create({ metadata: { name: 'web' }, spec: { ports, ipFamilyPolicy: 'RequireDualStack' } })
    await clientset
      .coreV1()
      .endpoints(namespace)
      .create({ metadata: { name: 'web' }, subsets: [{ addresses: [{ ip: '192.168.9.1' }, { ip: 'fd00:9::1' }], ports: [{ port: 80 }] }] })
  },
  'pod-has-both-addresses': async (world) => {
    const { clientset, namespace } = world
    const pods = clientset.coreV1().pods(namespace)
    await pods.create({ metadata: { name: 'p', labels: { app: 'p' } }, spec: podSpec('i:1') })
    await untilReady(world, 'app=p', 1)
    const { podIP = '', podIPs = [] } = (await pods.get('p')).status ?? {}
    const families = podIPs.map(({ ip }) => (ip.includes(':') ? 'IPv6' : 'IPv4')).join()
    await clientset
      .coreV1()
      .configMaps(namespace)
      .create({ metadata: { name: 'told' }, data: { families, isFirst: String(podIPs[0]?.ip === podIP) } })
  },
  'node-gets-two-networks': async ({ clientset, namespace, also }) => {
    await clientset
      .coreV1()
      .nodes()
      .create({ metadata: { name: namespace } })
    also(kindRefs.coreV1.nodes, namespace)
  },
}
