import type { DeploymentSpec } from '../../../../src/kinds/generated/types/apps-v1.ts'
import { claim, image, merge, rolledOut, type Scenario, type ScenarioWorld, untilReady, workload } from '../scenario.ts'

const deploymentsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.appsV1().deployments(namespace)
const setsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.appsV1().statefulSets(namespace)
const never = 'fake-unstartable'

async function deployed(world: ScenarioWorld, replicas: number, more: Partial<DeploymentSpec>): Promise<void> {
  await deploymentsOf(world).create({ metadata: { name: 'web' }, spec: { ...workload('web', replicas), ...more } })
  await rolledOut(world, 'web')
}

async function condition(world: ScenarioWorld, type: string, reason: string): Promise<void> {
  await world.until(reason, async () => {
    const { conditions = [] } = (await deploymentsOf(world).get('web')).status ?? {}
    return conditions.some((one) => one.type === type && one.reason === reason)
  })
}

async function setSettled(world: ScenarioWorld, ready: number, updated: number): Promise<void> {
  await world.until('settled', async () => {
    const { metadata, status } = await setsOf(world).get('db')
    const isSeen = status?.observedGeneration === metadata.generation
    return isSeen && status?.availableReplicas === ready && status.replicas === ready && (status.updatedReplicas ?? 0) === updated
  })
}

const statefulSet = (replicas: number, more: object = {}) => ({
  metadata: { name: 'db' },
  spec: { serviceName: 'svc', ...workload('db', replicas), ...more },
})
const rolling = (rollingUpdate: object) => ({ updateStrategy: { type: 'RollingUpdate' as const, rollingUpdate } })
const parallel = { podManagementPolicy: 'Parallel' as const }
const retention = (whenScaled: 'Delete' | 'Retain', whenDeleted: 'Delete' | 'Retain') => ({
  volumeClaimTemplates: [claim('data')],
  persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
})

/** Sets of pods whose every wish counts: which go first, how many at once, which stay. */
export const moreWorkloadScenarios: Readonly<Record<string, Scenario>> = {
  'deployment-scales-in-proportion': async (world) => {
    await deployed(world, 4, { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 1 } } })
    await deploymentsOf(world).patch('web', image(never))
    await world.quiet()
    await deploymentsOf(world).patch('web', merge({ spec: { replicas: 6 } }))
    await world.quiet()
    await deploymentsOf(world).patch('web', merge({ spec: { replicas: 2 } }))
  },
  'deployment-makes-no-progress': async (world) => {
    await deployed(world, 1, { progressDeadlineSeconds: 2 })
    await deploymentsOf(world).patch('web', image(never))
    await condition(world, 'Progressing', 'ProgressDeadlineExceeded')
    await world.quiet()
    await deploymentsOf(world).patch('web', image('i:3'))
    await rolledOut(world, 'web')
  },
  'deployment-paused': async (world) => {
    await deployed(world, 2, {})
    await deploymentsOf(world).patch('web', merge({ spec: { paused: true } }))
    await condition(world, 'Progressing', 'DeploymentPaused')
    await deploymentsOf(world).patch('web', image('i:2'))
    await deploymentsOf(world).patch('web', merge({ spec: { replicas: 3 } }))
    await untilReady(world, 'app=web', 3)
    await world.quiet()
    await deploymentsOf(world).patch('web', merge({ spec: { paused: null } }))
    await rolledOut(world, 'web')
  },
  'deployment-paused-at-first': async (world) => {
    await deploymentsOf(world).create({ metadata: { name: 'web' }, spec: { ...workload('web', 2), paused: true } })
    await world.quiet()
  },
  'deployment-recreates': async (world) => {
    await deployed(world, 2, { strategy: { type: 'Recreate' } })
    await deploymentsOf(world).patch('web', image('i:2'))
    await rolledOut(world, 'web')
  },
  'deployment-short-history': async (world) => {
    await deployed(world, 1, { revisionHistoryLimit: 1 })
    for (const name of ['i:2', 'i:3', 'i:4']) {
      await deploymentsOf(world).patch('web', image(name))
      await rolledOut(world, 'web')
    }
  },
  'deployment-adopts': async (world) => {
    await world.clientset
      .appsV1()
      .replicaSets(world.namespace)
      .create({ metadata: { name: 'old', labels: { app: 'web' } }, spec: workload('web', 1) })
    await untilReady(world, 'app=web', 1)
    await deploymentsOf(world).create({ metadata: { name: 'web' }, spec: workload('web', 1) })
    await rolledOut(world, 'web')
  },
  'deployment-ready-for-a-while': async (world) => {
    await deployed(world, 2, { minReadySeconds: 2 })
    await deploymentsOf(world).patch('web', image('i:2'))
    await rolledOut(world, 'web')
  },
  'replicaset-deletion-cost': async (world) => {
    const { clientset, namespace } = world
    const sets = clientset.appsV1().replicaSets(namespace)
    await sets.create({ metadata: { name: 'web' }, spec: workload('web', 4) })
    await untilReady(world, 'app=web', 4)
    const pods = clientset.coreV1().pods(namespace)
    const costs = ['10', '-5', '7', 'none']
    for (const [i, { metadata }] of (await pods.list()).items.entries()) {
      const annotations = { 'controller.kubernetes.io/pod-deletion-cost': costs[i] }
      await pods.patch(metadata.name!, merge({ metadata: { labels: { cost: `c${costs[i]}` }, ...(i === 3 ? {} : { annotations }) } }))
    }
    await world.quiet()
    await sets.patch('web', merge({ spec: { replicas: 2 } }))
    await untilReady(world, 'app=web', 2)
  },
  'replicaset-unready-first': async (world) => {
    const { clientset, namespace } = world
    const sets = clientset.appsV1().replicaSets(namespace)
    await sets.create({ metadata: { name: 'web' }, spec: workload('web', 2) })
    await untilReady(world, 'app=web', 2)
    const pods = clientset.coreV1().pods(namespace)
    for (const { metadata } of (await pods.list()).items)
      await pods.patch(metadata.name!, merge({ metadata: { labels: { first: 'yes' } } }))
    await sets.patch('web', merge({ spec: { replicas: 4, template: { spec: { containers: [{ name: 'c', image: never }] } } } }))
    await world.quiet()
    await sets.patch('web', merge({ spec: { replicas: 2 } }))
    await world.quiet()
  },
  'statefulset-partition': async (world) => {
    await setsOf(world).create(statefulSet(3, rolling({ partition: 2 })))
    await setSettled(world, 3, 3)
    await setsOf(world).patch('db', image('i:2'))
    await setSettled(world, 3, 1)
    await setsOf(world).patch('db', merge({ spec: rolling({ partition: 1 }) }))
    await setSettled(world, 3, 2)
  },
  'statefulset-one-unavailable': async (world) => {
    await setsOf(world).create(statefulSet(3))
    await setSettled(world, 3, 3)
    await setsOf(world).patch('db', image(never))
    await world.quiet()
  },
  'statefulset-on-delete': async (world) => {
    await setsOf(world).create(statefulSet(2, { updateStrategy: { type: 'OnDelete' } }))
    await setSettled(world, 2, 2)
    await setsOf(world).patch('db', image('i:2'))
    await world.quiet()
    await world.clientset.coreV1().pods(world.namespace).delete('db-1')
    await setSettled(world, 2, 1)
  },
  'statefulset-counts-from': async (world) => {
    await setsOf(world).create(statefulSet(2, { ordinals: { start: 3 }, ...retention('Delete', 'Retain'), ...parallel }))
    await world.quiet()
    await setsOf(world).patch('db', merge({ spec: { replicas: 1 } }))
  },
  'statefulset-scales-and-keeps': async (world) => {
    await setsOf(world).create(statefulSet(2, { ...retention('Retain', 'Delete'), ...parallel }))
    await world.quiet()
    await setsOf(world).patch('db', merge({ spec: { replicas: 1 } }))
    await world.quiet()
    await setsOf(world).patch('db', merge({ spec: retentionOnly('Delete', 'Retain') }))
  },
  'statefulset-deleted-with-claims': async (world) => {
    await setsOf(world).create(statefulSet(1, retention('Retain', 'Delete')))
    await world.quiet()
    await setsOf(world).delete('db', { propagationPolicy: 'Background' })
    await world.quiet()
  },
  'statefulset-old-revisions': async (world) => {
    await setsOf(world).create(statefulSet(1, { revisionHistoryLimit: 1 }))
    await setSettled(world, 1, 1)
    for (const name of ['i:2', 'i:3', 'i:4']) {
      await setsOf(world).patch('db', image(name))
      await world.quiet()
    }
  },
  'statefulset-broken-and-mended': async (world) => {
    await setsOf(world).create(statefulSet(2))
    await setSettled(world, 2, 2)
    await setsOf(world).patch('db', image(never))
    await world.quiet()
    await setsOf(world).patch('db', image('i:1'))
    await world.quiet()
  },
  'controller-of-old': async (world) => {
    const { selector, ...spec } = workload('web', 2)
    const controllers = world.clientset.coreV1().replicationControllers(world.namespace)
    await controllers.create({ metadata: { name: 'web' }, spec: { ...spec, selector: selector.matchLabels } })
    await untilReady(world, 'app=web', 2)
    await controllers.patch('web', merge({ spec: { replicas: 1 } }))
    await untilReady(world, 'app=web', 1)
  },
}

const retentionOnly = (whenScaled: 'Delete' | 'Retain', whenDeleted: 'Delete' | 'Retain') => ({
  persistentVolumeClaimRetentionPolicy: { whenScaled, whenDeleted },
})
