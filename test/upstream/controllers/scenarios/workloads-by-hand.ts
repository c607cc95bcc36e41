import type { DaemonSetSpec, DeploymentSpec, StatefulSetSpec } from '../../../../src/kinds/generated/types/apps-v1.ts'
import type { PodTemplateSpec } from '../../../../src/kinds/generated/types/core-v1.ts'
import { allReady, heldPods, heldTemplate, letGo, standIn, turn } from '../by-hand.ts'
import { claim, image, merge, type Scenario, type ScenarioWorld } from '../scenario.ts'

const deploymentsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.appsV1().deployments(namespace)
const setsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.appsV1().statefulSets(namespace)
const daemonsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.appsV1().daemonSets(namespace)
const claimsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.coreV1().persistentVolumeClaims(namespace)
const replicaSetsOf = ({ clientset, namespace }: ScenarioWorld) => clientset.appsV1().replicaSets(namespace)

const held = (world: ScenarioWorld, replicas: number) => ({
  replicas,
  selector: { matchLabels: { app: 'web' } },
  template: heldTemplate(world),
})

async function deployed(world: ScenarioWorld, replicas: number, more: Partial<DeploymentSpec> = {}): Promise<void> {
  await deploymentsOf(world).create({ metadata: { name: 'web' }, spec: { ...held(world, replicas), ...more } })
  await world.quiet()
}

async function setOf(world: ScenarioWorld, replicas: number, more: Partial<StatefulSetSpec> = {}): Promise<void> {
  await setsOf(world).create({ metadata: { name: 'db' }, spec: { serviceName: 'svc', ...held(world, replicas), ...more } })
  await world.quiet()
}

const goes = (whenDeleted: 'Delete' | 'Retain', whenScaled: 'Delete' | 'Retain') => ({
  persistentVolumeClaimRetentionPolicy: { whenDeleted, whenScaled },
})

/** What random histories had found to differ, each as short as it could be made. */
export const heldWorkloadScenarios: Readonly<Record<string, Scenario>> = {
  'deployment-annotated-while-it-ends': async (world) => {
    await standIn(world)
    await deployed(world, 1)
    await deploymentsOf(world).delete('web', { propagationPolicy: 'Foreground' })
    await world.quiet()
    await deploymentsOf(world).patch('web', merge({ metadata: { annotations: { note: 'late' } } }))
  },
  'deployment-paused-adopts': async (world) => {
    await standIn(world)
    await replicaSetsOf(world).create({ metadata: { name: 'older', labels: { app: 'web' } }, spec: held(world, 2) })
    await world.quiet()
    await deployed(world, 2, { paused: true })
  },
  'replicaset-keeps-pods-that-end': async (world) => {
    await standIn(world)
    await replicaSetsOf(world).create({ metadata: { name: 'web' }, spec: held(world, 2) })
    await world.quiet()
    const pods = world.clientset.coreV1().pods(world.namespace)
    const [first, second] = await heldPods(world)
    await pods.delete(first!.metadata.name!)
    await turn(world, second!, 'failed')
    await world.quiet()
    for (const { metadata } of [first!, second!]) await pods.patch(metadata.name!, merge({ metadata: { labels: { app: 'other' } } }))
  },
  'replicaset-takes-no-pods-that-have-ended': async (world) => {
    await standIn(world)
    const pods = world.clientset.coreV1().pods(world.namespace)
    for (const name of ['failed', 'succeeded'] as const) {
      const { metadata, spec } = heldTemplate(world)
      await turn(world, await pods.create({ metadata: { ...metadata, name }, ...(spec ? { spec } : {}) }), name)
    }
    await replicaSetsOf(world).create({ metadata: { name: 'web' }, spec: held(world, 1) })
  },
  'statefulset-replaced-by-hand': async (world) => {
    await standIn(world)
    await setOf(world, 1, { updateStrategy: { type: 'OnDelete' }, revisionHistoryLimit: 0 })
    await allReady(world)
    await setsOf(world).patch('db', image('i:2'))
    await world.quiet()
    await world.clientset.coreV1().pods(world.namespace).delete('db-0')
    await letGo(world, await heldPods(world))
    await allReady(world)
  },
  'statefulset-counts-what-ends': async (world) => {
    await standIn(world)
    await setOf(world, 1)
    await world.clientset.coreV1().pods(world.namespace).delete('db-0')
    await world.quiet()
    for (const pod of await heldPods(world)) await turn(world, pod, 'failed')
  },
  'statefulset-claims-follow-the-policy': async (world) => {
    await standIn(world)
    await setOf(world, 3, { volumeClaimTemplates: [claim('data')], ...goes('Retain', 'Retain') })
    await allReady(world)
    const [, second] = await heldPods(world)
    await turn(world, second!, 'unready')
    await world.quiet()
    await setsOf(world).patch('db', merge({ spec: goes('Delete', 'Retain') }))
  },
  'statefulset-claims-of-pods-to-go': async (world) => {
    await standIn(world)
    await setOf(world, 1, { volumeClaimTemplates: [claim('data')], ...goes('Delete', 'Delete') })
    await allReady(world)
    await setsOf(world).patch('db', merge({ spec: { ordinals: { start: 4 } } }))
  },
  'statefulset-waits-for-a-claim-to-end': async (world) => {
    await standIn(world)
    await claimsOf(world).create({ ...claim('data-db-0'), metadata: { name: 'data-db-0', finalizers: ['example.com/held'] } })
    await claimsOf(world).delete('data-db-0')
    await setOf(world, 1, { volumeClaimTemplates: [claim('data')] })
    await claimsOf(world).patch('data-db-0', merge({ metadata: { finalizers: null } }))
    await world.until('the pod is there', async () => (await heldPods(world)).length === 1)
  },
  'statefulset-stops-at-a-claim-that-ends': async (world) => {
    await standIn(world)
    await setOf(world, 1, { volumeClaimTemplates: [claim('data')], ...goes('Delete', 'Retain') })
    await claimsOf(world).delete('data-db-0')
    await world.quiet()
    await setsOf(world).patch('db', merge({ spec: goes('Retain', 'Retain') }))
  },
  'statefulset-makes-a-lost-claim-anew': async (world) => {
    await setOf(world, 1, { volumeClaimTemplates: [claim('data')], template: waiting(world) })
    await claimsOf(world).delete('data-db-0')
    await world.quiet()
    await setsOf(world).patch('db', merge({ metadata: { annotations: { note: 'look' } } }))
  },
  'disruption-of-pods-left-behind': async (world) => {
    await standIn(world)
    await setOf(world, 2, { podManagementPolicy: 'Parallel' })
    await allReady(world)
    const spec = { maxUnavailable: 1, selector: { matchLabels: { app: 'web' } } }
    await world.clientset
      .policyV1()
      .podDisruptionBudgets(world.namespace)
      .create({ metadata: { name: 'b' }, spec })
    await world.quiet()
    await setsOf(world).delete('db', { propagationPolicy: 'Orphan' })
  },
  'daemonset-old-revisions-with-pods': async (world) => {
    await standIn(world)
    await daemons(world, { updateStrategy: { type: 'OnDelete' }, revisionHistoryLimit: 1 })
    await allReady(world)
    for (const name of ['i:2', 'i:3']) {
      await daemonsOf(world).patch('d', image(name))
      await world.quiet()
    }
  },
  'daemonset-surges-where-it-may-only-stay': async (world) => {
    await standIn(world)
    await daemons(world, surge)
    await allReady(world)
    await taints(world)
    await daemonsOf(world).patch('d', image('i:2'))
  },
  'daemonset-surges-where-it-may-only-stay-and-is-not-ready': async (world) => {
    await standIn(world)
    await daemons(world, surge)
    await taints(world)
    await daemonsOf(world).patch('d', image('i:2'))
  },
  'deployment-recreated-with-a-word-of-its-own': async (world) => {
    await standIn(world)
    await deployed(world, 1, { strategy: { type: 'Recreate' } })
    await allReady(world)
    const [set] = (await replicaSetsOf(world).list()).items
    const annotations = { 'deployment.kubernetes.io/max-replicas': '7' }
    await replicaSetsOf(world).patch(set!.metadata.name!, merge({ metadata: { annotations } }))
  },
}

const surge = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } } as const

async function daemons(world: ScenarioWorld, more: Partial<DaemonSetSpec>): Promise<void> {
  const { nodeName: _, ...spec } = heldTemplate(world).spec!
  const template = { metadata: { labels: { app: 'web' } }, spec: { ...spec, nodeSelector: { 'stand-in': world.namespace } } }
  await daemonsOf(world).create({ metadata: { name: 'd' }, spec: { selector: { matchLabels: { app: 'web' } }, template, ...more } })
  await world.quiet()
}

/** No new pod is for its stand-in. */
async function taints(world: ScenarioWorld): Promise<void> {
  const spec = { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] }
  await world.clientset.coreV1().nodes().patch(world.namespace, merge({ spec }))
  await world.quiet()
}

/** Of pods that wait for somebody to open a gate. */
function waiting(world: ScenarioWorld): PodTemplateSpec {
  const { nodeName: _, ...spec } = heldTemplate(world).spec!
  return { metadata: { labels: { app: 'web' } }, spec: { ...spec, schedulingGates: [{ name: 'example.com/wait' }] } }
}
