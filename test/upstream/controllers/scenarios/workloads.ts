import { claim, image, merge, podSpec, rolledOut, type Scenario, untilReady, workload } from '../scenario.ts'

/** Workloads and what they do with their pods. */
export const workloadScenarios: Readonly<Record<string, Scenario>> = {
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
    await world.quiet()
    await sets.patch('db', merge({ spec: { replicas: 1 } }))
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
  },
  'job-managed': async ({ clientset, namespace }) => {
    const of = { spec: podSpec('fake-exit:0-1000', { restartPolicy: 'Never' }) }
    await clientset
      .batchV1()
      .jobs(namespace)
      .create({ metadata: { name: 'j' }, spec: { managedBy: 'example.com/x', template: of } })
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
}
