import { podSpec, type Scenario, untilReady, workload } from '../scenario.ts'

const endpointsOf = (name: string, annotations: Record<string, string>) => ({
  metadata: { name, labels: { x: 'y' }, annotations },
  subsets: [
    {
      addresses: [{ ip: '1.2.3.4', hostname: 'h', nodeName: 'node-1' }, { ip: '2001:db8::1' }],
      notReadyAddresses: [{ ip: '1.2.3.5' }],
      ports: [
        { port: 80, name: 'a' },
        { port: 81, name: 'b', protocol: 'UDP' as const },
      ],
    },
  ],
})

/** Endpoints, slices and their mirrors. */
export const endpointScenarios: Readonly<Record<string, Scenario>> = {
  'endpoints-mirror': async ({ clientset, namespace }) => {
    await clientset
      .coreV1()
      .services(namespace)
      .create({ metadata: { name: 'web', labels: { s: '1' } }, spec: { ports: [{ port: 80 }] } })
    await clientset
      .coreV1()
      .endpoints(namespace)
      .create(endpointsOf('web', { a: 'b' }))
  },
  'endpoints-unnamedport': async (world) => {
    const { clientset, namespace } = world
    const spec = { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'p' }] }
    await clientset
      .coreV1()
      .services(namespace)
      .create({ metadata: { name: 'web' }, spec })
    await clientset
      .appsV1()
      .deployments(namespace)
      .create({ metadata: { name: 'web' }, spec: workload('web', 1) })
    await untilReady(world, 'app=web', 1)
  },
  'endpoints-ports-by-pod': async (world) => {
    const { clientset, namespace } = world
    const ports = [
      { name: 'a', port: 80, targetPort: 'web' },
      { name: 'b', port: 81, protocol: 'UDP' as const, targetPort: 5353 },
      { name: 'c', port: 82, appProtocol: 'kubernetes.io/h2c', targetPort: 'none' },
    ]
    await clientset
      .coreV1()
      .services(namespace)
      .create({ metadata: { name: 'web' }, spec: { selector: { app: 'web' }, ports } })
    for (const containerPort of [8080, 8081])
      await clientset
        .coreV1()
        .pods(namespace)
        .create({
          metadata: { name: `web-${containerPort}`, labels: { app: 'web' } },
          spec: podSpec('i:1', { containers: [{ name: 'c', image: 'i:1', ports: [{ name: 'web', containerPort }] }] }),
        })
    await untilReady(world, 'app=web', 2)
  },
  'endpoints-unready-published': async (world) => {
    const { clientset, namespace } = world
    await clientset
      .coreV1()
      .services(namespace)
      .create({
        metadata: { name: 'web' },
        spec: { clusterIP: 'None', publishNotReadyAddresses: true, selector: { app: 'web' }, ports: [{ port: 80 }] },
      })
    const readinessProbe = { exec: { command: ['false'] }, periodSeconds: 1 }
    const spec = podSpec('i:1', { hostname: 'h', subdomain: 'web', containers: [{ name: 'c', image: 'i:1', readinessProbe }] })
    await clientset
      .coreV1()
      .pods(namespace)
      .create({ metadata: { name: 'web', labels: { app: 'web' } }, spec })
  },
  'endpoints-selector-goes': async (world) => {
    const { clientset, namespace, quiet } = world
    const services = clientset.coreV1().services(namespace)
    await services.create({ metadata: { name: 'web', labels: { l: '1' } }, spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } })
    await clientset
      .coreV1()
      .pods(namespace)
      .create({ metadata: { name: 'web', labels: { app: 'web' } }, spec: podSpec('i:1') })
    await untilReady(world, 'app=web', 1)
    await quiet()
    await services.patch('web', { type: 'merge', body: { metadata: { labels: { l: '2' } }, spec: { selector: null } } })
  },
}
