/** Short lives of workloads, for every controller that makes or ends pods. */
import type { Pod, PodTemplateSpec } from '../../src/kinds/generated/types/core-v1.ts'
import { podCondition } from '../../src/kinds/pod-status.ts'
import type { ControllerWorld, Scenario } from './controller-life.ts'

const ns = 'default'
const labels = { app: 'web' }
const selector = { matchLabels: labels }
const template = (image = 'v1', more: Partial<NonNullable<PodTemplateSpec['spec']>> = {}): PodTemplateSpec => ({
  metadata: { labels },
  spec: { containers: [{ name: 'c', image }], ...more },
})

const podsOf = async ({ clientset }: ControllerWorld) => (await clientset.coreV1().pods(ns).list({ labelSelector: 'app=web' })).items
const isReady = (pod: Pod) => podCondition(pod, 'Ready')?.status === 'True'

/** So many pods, all ready, of the image. */
const hasReady =
  (world: ControllerWorld, count: number, image = 'v1') =>
  async () => {
    const pods = await podsOf(world)
    return pods.length === count && pods.every((pod) => isReady(pod) && pod.spec?.containers[0]?.image === image)
  }

const image = (name: string) => ({
  type: 'strategic' as const,
  body: { spec: { template: { spec: { containers: [{ name: 'c', image: name }] } } } },
})

/** Pods of Jobs end by themselves. */
const ending = { outcome: () => ({ afterMs: 1_000, status: { phase: 'Succeeded' as const } }) }

export const workloadScenarios: Readonly<Record<string, Scenario>> = {
  'a Deployment rolls out, is scaled and rolled out again': {
    of: ['deployment', 'replicaset'],
    run: async (world) => {
      const deployments = world.clientset.appsV1().deployments(ns)
      await deployments.create({ metadata: { name: 'web' }, spec: { replicas: 2, selector, template: template() } })
      await world.until('two', hasReady(world, 2))
      await deployments.patch('web', image('v2'))
      await world.until('two of the second', hasReady(world, 2, 'v2'))
      await deployments.scale('web', 3)
      await world.until('three', hasReady(world, 3, 'v2'))
    },
  },
  'a ReplicationController replaces and drops pods': {
    of: ['replication'],
    run: async (world) => {
      const controllers = world.clientset.coreV1().replicationControllers(ns)
      await controllers.create({ metadata: { name: 'web' }, spec: { replicas: 3, selector: labels, template: template() } })
      await world.until('three', hasReady(world, 3))
      const [victim] = await podsOf(world)
      await world.clientset
        .coreV1()
        .pods(ns)
        .delete(victim?.metadata.name ?? '')
      await world.until('three others', async () => {
        const isThere = (await podsOf(world)).some(({ metadata }) => metadata.uid === victim?.metadata.uid)
        return !isThere && (await hasReady(world, 3)())
      })
      await controllers.scale('web', 1)
      await world.until('one', hasReady(world, 1))
    },
  },
  'a StatefulSet comes up in order, rolls out backwards and keeps its claims': {
    of: ['statefulset'],
    run: async (world) => {
      const sets = world.clientset.appsV1().statefulSets(ns)
      const storage = { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } } }
      const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: storage }]
      const spec = { serviceName: 'web', replicas: 2, selector, template: template(), volumeClaimTemplates }
      await sets.create({ metadata: { name: 'web' }, spec })
      await world.until('two', hasReady(world, 2))
      await sets.patch('web', image('v2'))
      await world.until('two of the second', hasReady(world, 2, 'v2'))
      await sets.scale('web', 1)
      await world.until('one', hasReady(world, 1, 'v2'))
    },
  },
  'a DaemonSet follows the nodes': {
    of: ['daemonset'],
    run: async (world) => {
      const { clientset } = world
      for (const name of ['node-1', 'node-2']) await clientset.coreV1().nodes().create({ metadata: { name } })
      await clientset
        .appsV1()
        .daemonSets(ns)
        .create({ metadata: { name: 'web' }, spec: { selector, template: template() } })
      await world.until('two', hasReady(world, 2))
      await clientset
        .coreV1()
        .nodes()
        .create({ metadata: { name: 'node-3' } })
      await world.until('three', hasReady(world, 3))
      await clientset.appsV1().daemonSets(ns).patch('web', image('v2'))
      await world.until('three of the second', hasReady(world, 3, 'v2'))
    },
  },
  'a Job counts every end once': {
    of: ['job'],
    nodes: ending,
    run: async (world) => {
      const jobs = world.clientset.batchV1().jobs(ns)
      const pods = template('v1', { restartPolicy: 'Never' })
      const spec = { completions: 3, parallelism: 2, template: pods }
      await jobs.create({ metadata: { name: 'web' }, spec: { ...spec, completionMode: 'Indexed' } })
      await jobs.create({ metadata: { name: 'plain' }, spec })
      const isComplete = async (name: string) => (await jobs.get(name)).status?.conditions?.some(({ type }) => type === 'Complete') ?? false
      await world.until('complete', async () => (await isComplete('web')) && (await isComplete('plain')))
    },
  },
  'a finished Job goes with its pods when its time has come': {
    of: ['job', 'ttl-after-finished', 'generic-garbage-collector'],
    nodes: ending,
    run: async (world) => {
      const jobs = world.clientset.batchV1().jobs(ns)
      const spec = { ttlSecondsAfterFinished: 20, template: template('v1', { restartPolicy: 'Never' }) }
      await jobs.create({ metadata: { name: 'web' }, spec })
      await world.until('gone', async () => (await jobs.list()).items.length === 0)
    },
  },
  'a CronJob starts its Job once': {
    of: ['cronjob', 'job'],
    nodes: ending,
    run: async (world) => {
      const cronJobs = world.clientset.batchV1().cronJobs(ns)
      const jobTemplate = { spec: { template: template('v1', { restartPolicy: 'Never' as const }) } }
      await cronJobs.create({ metadata: { name: 'tick' }, spec: { schedule: '*/5 * * * *', jobTemplate } })
      await world.until('a Job that succeeded', async () => (await cronJobs.get('tick')).status?.lastSuccessfulTime !== undefined)
      await cronJobs.patch('tick', { type: 'merge', body: { spec: { suspend: true } } })
    },
  },
  'a workload waits for another one': {
    of: ['depends-on', 'deployment', 'replicaset'],
    nodes: { canRun: (pod) => !pod.spec?.schedulingGates?.length },
    run: async (world) => {
      const deployments = world.clientset.appsV1().deployments(ns)
      const waitsFor = (name: string) => ({ annotations: { 'keelson.dev/depends-on': name } })
      await deployments.create({ metadata: { name: 'web', ...waitsFor('job/db') }, spec: { replicas: 1, selector, template: template() } })
      await world.until('it waits', async () => (await world.clientset.coreV1().pods(ns).list()).items.length === 1)
      await deployments.patch('web', { type: 'merge', body: { metadata: waitsFor('deployment/db') } })
      const db = { app: 'db' }
      const spec = { replicas: 1, selector: { matchLabels: db }, template: { ...template(), metadata: { labels: db } } }
      await deployments.create({ metadata: { name: 'db' }, spec })
      await world.until('both', hasReady(world, 1))
    },
  },
  'a changed configuration is rolled out': {
    of: ['config-rollout', 'deployment', 'replicaset'],
    run: async (world) => {
      const { clientset } = world
      const maps = clientset.coreV1().configMaps(ns)
      await maps.create({ metadata: { name: 'conf' }, data: { color: 'red' } })
      const { spec } = template('v1', { containers: [{ name: 'c', image: 'v1', envFrom: [{ configMapRef: { name: 'conf' } }] }] })
      const annotated = { spec: spec!, metadata: { labels, annotations: { 'keelson.dev/config-rollout': 'true' } } }
      await clientset
        .appsV1()
        .deployments(ns)
        .create({ metadata: { name: 'web' }, spec: { replicas: 1, selector, template: annotated } })
      await world.until('one', hasReady(world, 1))
      await world.until('a history', async () => (await clientset.coreV1().secrets(ns).list()).items.length > 0)
      await maps.patch('conf', { type: 'merge', body: { data: { color: 'green' } } })
      await world.until('rolled out', async () => {
        const revisions = (await podsOf(world)).map((pod) => pod.metadata.annotations?.['keelson.dev/config-revision'])
        return revisions.join() === '2' && (await hasReady(world, 1)())
      })
    },
  },
  'an autoscaler keeps its bounds': {
    of: ['horizontal-pod-autoscaler', 'deployment', 'replicaset'],
    run: async (world) => {
      const { clientset } = world
      const deployments = clientset.appsV1().deployments(ns)
      await deployments.create({ metadata: { name: 'web' }, spec: { replicas: 4, selector, template: template() } })
      const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }
      await clientset
        .autoscalingV2()
        .horizontalPodAutoscalers(ns)
        .create({ metadata: { name: 'web' }, spec: { scaleTargetRef, maxReplicas: 2 } })
      await world.until('the most', hasReady(world, 2))
      await world.advance(20_000)
    },
  },
  'a disruption budget follows its pods': {
    of: ['disruption', 'replicaset'],
    run: async (world) => {
      const { clientset } = world
      const budgets = clientset.policyV1().podDisruptionBudgets(ns)
      await budgets.create({ metadata: { name: 'web' }, spec: { maxUnavailable: '34%', selector } })
      await clientset
        .appsV1()
        .replicaSets(ns)
        .create({ metadata: { name: 'web' }, spec: { replicas: 3, selector, template: template() } })
      await world.until('two may go', async () => (await budgets.get('web')).status?.disruptionsAllowed === 2)
      await clientset.appsV1().replicaSets(ns).scale('web', 1)
      await world.until('one may', async () => (await budgets.get('web')).status?.expectedPods === 1 && (await podsOf(world)).length === 1)
    },
  },
  'endpoints follow their pods': {
    of: ['endpointslice', 'endpoint', 'endpointslicemirroring'],
    run: async (world) => {
      const { clientset } = world
      const services = clientset.coreV1().services(ns)
      await services.create({ metadata: { name: 'web' }, spec: { selector: labels, ports: [{ port: 80 }] } })
      await services.create({ metadata: { name: 'db' }, spec: { ports: [{ port: 5432 }] } })
      const subsets = [{ addresses: [{ ip: '192.0.2.7' }], ports: [{ port: 5432 }] }]
      await clientset
        .coreV1()
        .endpoints(ns)
        .create({ metadata: { name: 'db' }, subsets })
      for (const name of ['p1', 'p2', 'p3'])
        await clientset.coreV1().pods(ns).create({ metadata: { name, labels }, spec: template().spec! })
      await world.until('three', hasReady(world, 3))
      await clientset.coreV1().pods(ns).delete('p2')
      await world.until('two', hasReady(world, 2))
      await services.patch('web', { type: 'merge', body: { metadata: { labels: { team: 'a' } } } })
      await world.advance(2_000)
    },
  },
  'a pod gets its claims of devices and of volumes, and gives them back': {
    of: ['resource-claim', 'ephemeral-volume', 'generic-garbage-collector'],
    run: async (world) => {
      const { clientset } = world
      const devices = { requests: [{ name: 'gpu', exactly: { deviceClassName: 'gpu' } }] }
      await clientset
        .resourceV1()
        .resourceClaimTemplates(ns)
        .create({ metadata: { name: 'one' }, spec: { spec: { devices } } })
      const storage = { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } } }
      const spec = template('v1', {
        resourceClaims: [{ name: 'dev', resourceClaimTemplateName: 'one' }],
        volumes: [{ name: 'scratch', ephemeral: { volumeClaimTemplate: { spec: storage } } }],
      }).spec!
      const claims = async () => [
        ...(await clientset.resourceV1().resourceClaims(ns).list()).items,
        ...(await clientset.coreV1().persistentVolumeClaims(ns).list()).items,
      ]
      for (const name of ['kept', 'gone']) await clientset.coreV1().pods(ns).create({ metadata: { name, labels }, spec })
      await world.until('two of each', async () => (await claims()).length === 4 && (await hasReady(world, 2)()))
      await clientset.coreV1().pods(ns).delete('gone')
      await world.until('one of each', async () => (await claims()).length === 2)
    },
  },
  'who uses a device that breaks has to go': {
    of: ['device-taint-eviction'],
    nodes: false,
    run: async ({ clientset, until }) => {
      const resourceClaims = clientset.resourceV1().resourceClaims(ns)
      const resourceSlices = clientset.resourceV1().resourceSlices()
      const pool = { name: 'p', generation: 1, resourceSliceCount: 1 }
      await resourceSlices.create({
        metadata: { name: 's' },
        spec: { driver: 'd.example.com', pool, nodeName: 'n', devices: [{ name: 'd' }] },
      })
      const pods = clientset.coreV1().pods(ns)
      for (const [name, tolerationSeconds] of [
        ['goes', 0],
        ['goes-later', 30],
      ] as const) {
        const claim = await resourceClaims.create({
          metadata: { name },
          spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } },
        })
        const spec = {
          ...template('v1', { resourceClaims: [{ name: 'c', resourceClaimName: name }] }).spec!,
          nodeName: 'n',
          terminationGracePeriodSeconds: 0,
        }
        const { metadata } = await pods.create({ metadata: { name }, spec })
        const tolerations = [{ operator: 'Exists' as const, effect: 'NoExecute' as const, tolerationSeconds }]
        const results = [{ request: 'r', driver: 'd.example.com', pool: 'p', device: 'd', tolerations }]
        const reservedFor = [{ resource: 'pods', name, uid: metadata.uid ?? '' }]
        await resourceClaims.updateStatus({ ...claim, status: { allocation: { devices: { results } }, reservedFor } })
      }
      const taints = [{ key: 'broken', effect: 'NoExecute' }]
      await resourceSlices.patch('s', { type: 'merge', body: { spec: { devices: [{ name: 'd', taints }] } } })
      await until('both are gone', async () => (await pods.list()).items.length === 0)
    },
  },
}
