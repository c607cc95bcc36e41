/** What is done to a cluster whose end states are recorded; each in a namespace that has the scenario's name. */
import type { Clientset } from '../../../src/client/clientset.ts'
import type { PodSpec, PodTemplateSpec } from '../../../src/kinds/generated/types/core-v1.ts'
import { isPodReady } from '../../../src/kinds/pod-status.ts'

export type ScenarioWorld = {
  readonly clientset: Clientset
  readonly namespace: string
  until(what: string, condition: () => Promise<boolean>): Promise<void>
  advance(ms: number): Promise<void>
}

export type Scenario = (world: ScenarioWorld) => Promise<void>

const podSpec = (image: string, more: Partial<PodSpec> = {}): PodSpec => ({
  terminationGracePeriodSeconds: 1,
  containers: [{ name: 'c', image }],
  ...more,
})
const template = (app: string, image = 'i:1'): PodTemplateSpec => ({ metadata: { labels: { app } }, spec: podSpec(image) })
const workload = (app: string, replicas: number) => ({ replicas, selector: { matchLabels: { app } }, template: template(app) })
const image = (name: string) => ({
  type: 'strategic' as const,
  body: { spec: { template: { spec: { containers: [{ name: 'c', image: name }] } } } },
})
const merge = (body: object) => ({ type: 'merge' as const, body })
const claim = (name: string) => ({
  metadata: { name, labels: { v: name } },
  spec: { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } }, storageClassName: 'none-such' },
})

async function untilReady({ clientset, namespace, until }: ScenarioWorld, labelSelector: string, count: number): Promise<void> {
  const ready = async () => (await clientset.coreV1().pods(namespace).list({ labelSelector })).items.filter(isPodReady).length
  await until(`${count} ready pods`, async () => (await ready()) === count)
}

async function rolledOut({ clientset, namespace, until }: ScenarioWorld, name: string): Promise<void> {
  await until('rolled out', async () => {
    const { metadata, spec, status } = await clientset.appsV1().deployments(namespace).get(name)
    const wanted = spec?.replicas ?? 1
    const isObserved = status?.observedGeneration === metadata.generation
    return isObserved && status?.replicas === wanted && status.updatedReplicas === wanted && status.availableReplicas === wanted
  })
}

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

export const scenarios: Readonly<Record<string, Scenario>> = {
  'deployment-rollout': async (world) => {
    const deployments = world.clientset.appsV1().deployments(world.namespace)
    const annotations = { 'kubernetes.io/change-cause': 'first', note: 'x' }
    await deployments.create({ metadata: { name: 'web', annotations, labels: { l: '1' } }, spec: workload('web', 3) })
    await rolledOut(world, 'web')
    await deployments.patch('web', image('i:2'))
    await rolledOut(world, 'web')
  },
  'deployment-rollback': async (world) => {
    const deployments = world.clientset.appsV1().deployments(world.namespace)
    await deployments.create({ metadata: { name: 'web' }, spec: workload('web', 2) })
    await rolledOut(world, 'web')
    for (const name of ['i:2', 'i:1']) {
      await deployments.patch('web', image(name))
      await rolledOut(world, 'web')
    }
  },
  'replicaset-release': async (world) => {
    const { clientset, namespace } = world
    await clientset
      .appsV1()
      .replicaSets(namespace)
      .create({ metadata: { name: 'web' }, spec: workload('web', 2) })
    await untilReady(world, 'app=web', 2)
    const [first] = (await clientset.coreV1().pods(namespace).list()).items
    await clientset
      .coreV1()
      .pods(namespace)
      .patch(first?.metadata.name ?? '', merge({ metadata: { labels: { app: 'other' } } }))
    await untilReady(world, 'app=web', 2)
  },
  'statefulset-update': async (world) => {
    const sets = world.clientset.appsV1().statefulSets(world.namespace)
    await sets.create({ metadata: { name: 'db' }, spec: { serviceName: 'svc', ...workload('db', 3) } })
    const isSettled = async () => {
      const { metadata, status } = await sets.get('db')
      const isCurrent = status?.observedGeneration === metadata.generation && status?.updateRevision === status?.currentRevision
      return isCurrent && status?.availableReplicas === 3 && status.replicas === 3
    }
    await world.until('ready', isSettled)
    await sets.patch('db', image('i:2'))
    await world.until('updated', isSettled)
  },
  'statefulset-retentionboth': async (world) => {
    const sets = world.clientset.appsV1().statefulSets(world.namespace)
    const persistentVolumeClaimRetentionPolicy = { whenDeleted: 'Delete', whenScaled: 'Delete' }
    const more = { podManagementPolicy: 'Parallel' as const, volumeClaimTemplates: [claim('data')], persistentVolumeClaimRetentionPolicy }
    await sets.create({ metadata: { name: 'db' }, spec: { serviceName: 'svc', ...workload('db', 2), ...more } })
    await world.advance(3_000)
    await sets.patch('db', merge({ spec: { replicas: 1 } }))
    await world.advance(3_000)
  },
  'statefulset-labelpod': async (world) => {
    const { clientset, namespace } = world
    await clientset
      .appsV1()
      .statefulSets(namespace)
      .create({ metadata: { name: 'db' }, spec: { serviceName: 'svc', ...workload('db', 1) } })
    await untilReady(world, 'app=db', 1)
    await clientset
      .coreV1()
      .pods(namespace)
      .patch('db-0', merge({ metadata: { labels: { app: 'x' } } }))
    await world.advance(3_000)
  },
  'daemonset-update': async (world) => {
    const sets = world.clientset.appsV1().daemonSets(world.namespace)
    const { selector, template: of } = workload('d', 0)
    await sets.create({ metadata: { name: 'd' }, spec: { selector, template: of } })
    const isSettled = async () => {
      const { metadata, status } = await sets.get('d')
      return status?.observedGeneration === metadata.generation && status?.updatedNumberScheduled === 3 && status.numberAvailable === 3
    }
    await world.until('ready', isSettled)
    await sets.patch('d', image('i:2'))
    await world.until('updated', isSettled)
  },
  'job-basic': async (world) => {
    const jobs = world.clientset.batchV1().jobs(world.namespace)
    await jobs.create({ metadata: { name: 'j' }, spec: { template: { spec: podSpec('fake-exit:0-1000', { restartPolicy: 'Never' }) } } })
    await world.until('complete', async () => (await jobs.get('j')).status?.conditions?.some(({ type }) => type === 'Complete') ?? false)
  },
  'job-suspendrunning': async (world) => {
    const jobs = world.clientset.batchV1().jobs(world.namespace)
    const of = { spec: podSpec('i:1', { restartPolicy: 'Never' }) }
    await jobs.create({ metadata: { name: 'j' }, spec: { parallelism: 2, template: of } })
    await untilReady(world, 'job-name=j', 2)
    await jobs.patch('j', merge({ spec: { suspend: true } }))
    await world.advance(3_000)
  },
  'job-managed': async ({ clientset, namespace, advance }) => {
    const of = { spec: podSpec('fake-exit:0-1000', { restartPolicy: 'Never' }) }
    await clientset
      .batchV1()
      .jobs(namespace)
      .create({ metadata: { name: 'j' }, spec: { managedBy: 'example.com/x', template: of } })
    await advance(2_000)
  },
  'disruption-baremax': async (world) => {
    const { clientset, namespace } = world
    const spec = { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } }
    await clientset
      .coreV1()
      .pods(namespace)
      .create({ metadata: { name: 'web', labels: { app: 'web' } }, spec: podSpec('i:1') })
    await untilReady(world, 'app=web', 1)
    await clientset
      .policyV1()
      .podDisruptionBudgets(namespace)
      .create({ metadata: { name: 'b' }, spec })
  },
  'endpoints-mirror': async ({ clientset, namespace, advance }) => {
    await clientset
      .coreV1()
      .services(namespace)
      .create({ metadata: { name: 'web', labels: { s: '1' } }, spec: { ports: [{ port: 80 }] } })
    await clientset
      .coreV1()
      .endpoints(namespace)
      .create(endpointsOf('web', { a: 'b' }))
    await advance(2_000)
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
}
