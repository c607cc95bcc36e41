import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toTime } from '../../base/clock.ts'
import type { Client, RawResponse } from '../../client/contract.ts'
import type { HorizontalPodAutoscalerSpec, MetricSpec } from '../../kinds/generated/types/autoscaling-v2.ts'
import { deploymentController } from '../deployment/controller.ts'
import { replicaSetController } from '../replicaset/controller.ts'
import { simCluster, type SimCluster } from '../sim-cluster.ts'
import { horizontalPodAutoscalerController } from './controller.ts'

/** What the metrics servers that are installed beside the API say; a path without an answer is not served. */
type Answers = (path: string) => object | undefined

function withMetrics(client: Client, answers: Answers): Client {
  const answer = (code: number, value: object): RawResponse => ({
    code,
    headers: {},
    body: (async function* () {
      yield Buffer.from(JSON.stringify(value))
    })(),
  })
  return {
    resource: (kind, namespace) => client.resource(kind, namespace),
    raw: async (request) => {
      if (!/^\/apis\/(?:custom\.|external\.)?metrics\.k8s\.io\//.test(request.path)) return client.raw(request)
      const found = answers(`${request.path}?${new URLSearchParams(request.query as Record<string, string>).toString()}`)
      return found ? answer(200, found) : answer(404, {})
    },
  }
}

const deployment = (replicas: number) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: { containers: [{ name: 'c', image: 'i', resources: { requests: { memory: '100Mi' } } }] },
    },
  },
})

const memoryMetric = (averageUtilization: number): MetricSpec => ({
  type: 'Resource',
  resource: { name: 'memory', target: { type: 'Utilization', averageUtilization } },
})

async function inCluster(answers: (cluster: () => SimCluster) => Answers, body: (cluster: SimCluster) => Promise<void>): Promise<void> {
  let cluster: SimCluster
  cluster = await simCluster({
    definitions: [deploymentController, replicaSetController, horizontalPodAutoscalerController()],
    wrap: (client) => withMetrics(client, (path) => answers(() => cluster)(path)),
  })
  try {
    await body(cluster)
    assert.equal(cluster.metrics.panicsOf('horizontal-pod-autoscaler'), 0)
  } finally {
    await cluster.stop()
  }
}

const autoscaler = (spec: Partial<HorizontalPodAutoscalerSpec>) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' }, maxReplicas: 10, ...spec },
})

async function conditionsOf({ clientset }: SimCluster): Promise<Record<string, string>> {
  const { status } = await clientset.autoscalingV2().horizontalPodAutoscalers('default').get('web')
  return Object.fromEntries((status?.conditions ?? []).map(({ type, status: value, reason }) => [type, `${value} ${reason}`]))
}

async function eventsOf({ clientset }: SimCluster): Promise<string[]> {
  const { items } = await clientset.coreV1().events('default').list({ fieldSelector: 'involvedObject.kind=HorizontalPodAutoscaler' })
  return items.map(({ reason, message }) => `${reason}: ${message}`)
}

/** The same figure for every pod that the deployment may have. */
const everyPod = (cluster: SimCluster, names: readonly string[], memory: string) => ({
  items: names.map((name) => ({
    metadata: { name, namespace: 'default' },
    timestamp: toTime(cluster.clock.now()),
    window: '15s',
    containers: [{ name: 'c', usage: { cpu: '1m', memory } }],
  })),
})

test('follows the use of its pods up at once and down when five minutes asked for no more', async () => {
  let use = '100Mi'
  let names: string[] = []
  const answers = (cluster: () => SimCluster) => (path: string) =>
    path.startsWith('/apis/metrics.k8s.io/v1beta1/namespaces/default/pods?labelSelector=app%3Dweb')
      ? everyPod(cluster(), names, use)
      : undefined
  await inCluster(answers, async (cluster) => {
    const { clientset, clock, until } = cluster
    const look = async () => {
      const { items } = await clientset.coreV1().pods('default').list()
      names = items
        .filter((pod) => !pod.metadata.deletionTimestamp && pod.status?.phase === 'Running')
        .map((pod) => pod.metadata.name ?? '')
      return names.length
    }
    const replicas = async () => (await clientset.appsV1().deployments('default').get('web')).spec?.replicas
    await clientset.appsV1().deployments('default').create(deployment(2))
    await until('two pods', async () => (await look()) === 2)
    await clientset
      .autoscalingV2()
      .horizontalPodAutoscalers('default')
      .create(autoscaler({ minReplicas: 1, metrics: [memoryMetric(50)] }))
    await until('twice the target asks for twice the pods', async () => (await replicas()) === 4, 30_000)
    assert.ok(
      (await eventsOf(cluster)).includes(
        'SuccessfulRescale: New size: 4; reason: memory resource utilization (percentage of request) above target',
      ),
    )
    use = '25Mi'
    await until('four pods', async () => (await look()) === 4)
    await clock.advance(240_000)
    assert.equal(await replicas(), 4)
    assert.deepEqual(await conditionsOf(cluster), {
      AbleToScale: 'True ScaleDownStabilized',
      ScalingActive: 'True ValidMetricFound',
      ScalingLimited: 'False DesiredWithinRange',
    })
    await until('half of them', async () => (await replicas()) === 2, 120_000)
    const { status } = await clientset.autoscalingV2().horizontalPodAutoscalers('default').get('web')
    assert.deepEqual(status?.currentMetrics, [
      { type: 'Resource', resource: { name: 'memory', current: { averageUtilization: 25, averageValue: '25Mi' } } },
    ])
    assert.ok(status?.lastScaleTime)
    await clientset.appsV1().deployments('default').scale('web', 0)
    await until('zero is the user’s word', async () => (await conditionsOf(cluster)).ScalingActive === 'False ScalingDisabled', 30_000)
    await clientset.appsV1().deployments('default').scale('web', 20)
    await until('the maximum holds', async () => (await replicas()) === 10, 30_000)
  })
})

test('says what keeps it from measuring and leaves the replicas alone', () =>
  inCluster(
    () => () => undefined,
    async (cluster) => {
      const { clientset, until } = cluster
      const autoscalers = clientset.autoscalingV2().horizontalPodAutoscalers('default')
      await autoscalers.create(autoscaler({ metrics: [memoryMetric(50)] }))
      await until('no target', async () => (await conditionsOf(cluster)).AbleToScale === 'False FailedGetScale')
      await clientset.appsV1().deployments('default').create(deployment(2))
      await until('no metrics', async () => (await conditionsOf(cluster)).ScalingActive === 'False FailedGetResourceMetric', 60_000)
      const events = await eventsOf(cluster)
      const detail =
        'failed to get memory utilization: unable to get metrics for resource memory: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)'
      for (const expected of [
        'FailedGetScale: deployments.apps "web" not found',
        `FailedGetResourceMetric: ${detail}`,
        `FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get memory resource metric value: ${detail}`,
      ])
        assert.ok(events.includes(expected), `${expected}\n${events.join('\n')}`)
      assert.equal((await clientset.appsV1().deployments('default').get('web')).spec?.replicas, 2)
    },
  ))

test('takes the most that pods, object and external metrics ask for; one that fails does not keep the others from growing it', () => {
  const answers = () => (path: string) => {
    if (path.startsWith('/apis/custom.metrics.k8s.io/v1beta1?')) return {}
    if (path.startsWith('/apis/custom.metrics.k8s.io/v1beta1/namespaces/default/services/web/hits?')) return { items: [{ value: '30' }] }
    if (path.startsWith('/apis/external.metrics.k8s.io/v1beta1/namespaces/default/queue?labelSelector=q%3Da'))
      return { items: [{ value: '40' }, { value: '30' }] }
    return undefined
  }
  return inCluster(answers, async (cluster) => {
    const { clientset, until } = cluster
    await clientset.appsV1().deployments('default').create(deployment(2))
    await until(
      'the status tells of two',
      async () => (await clientset.appsV1().deployments('default').get('web')).status?.readyReplicas === 2,
    )
    const service = { apiVersion: 'v1', kind: 'Service', name: 'web' }
    const metrics: MetricSpec[] = [
      { type: 'Object', object: { describedObject: service, metric: { name: 'hits' }, target: { type: 'Value', value: '20' } } },
      {
        type: 'External',
        external: {
          metric: { name: 'queue', selector: { matchLabels: { q: 'a' } } },
          target: { type: 'AverageValue', averageValue: '20' },
        },
      },
      { type: 'Pods', pods: { metric: { name: 'rate' }, target: { type: 'AverageValue', averageValue: '1' } } },
    ]
    await clientset.autoscalingV2().horizontalPodAutoscalers('default').create(autoscaler({ metrics }))
    await until('70 by 20', async () => (await clientset.appsV1().deployments('default').get('web')).spec?.replicas === 4, 60_000)
    const { status } = await clientset.autoscalingV2().horizontalPodAutoscalers('default').get('web')
    assert.deepEqual(
      status?.currentMetrics?.map((metric) => metric.object?.current ?? metric.external?.current ?? metric.type),
      [{ value: '30' }, { averageValue: '35' }, ''],
    )
    assert.ok((await eventsOf(cluster)).some((event) => event.startsWith('FailedGetPodsMetric: unable to get metric rate: ')))
  })
})

test('two that count the same pods both stand still', () => {
  const answers = (cluster: () => SimCluster) => () => everyPod(cluster(), ['none'], '1Mi')
  return inCluster(answers, async (cluster) => {
    const { clientset, until } = cluster
    await clientset.appsV1().deployments('default').create(deployment(2))
    await until('there', async () => (await clientset.appsV1().deployments('default').get('web')).status?.readyReplicas === 2)
    for (const name of ['web', 'other'])
      await clientset
        .autoscalingV2()
        .horizontalPodAutoscalers('default')
        .create({ ...autoscaler({}), metadata: { name, namespace: 'default' } })
    await until('told', async () => (await conditionsOf(cluster)).ScalingActive === 'False AmbiguousSelector', 60_000)
  })
})

test('a status that says the same is not written again where nothing is measured', async () => {
  let writes = 0
  const counted = (client: Client): Client => ({
    ...withMetrics(client, () => undefined),
    resource: (kind, namespace) => {
      const resource = client.resource(kind, namespace)
      return {
        ...resource,
        updateStatus: (object, options) => {
          if (kind.plural === 'horizontalpodautoscalers') writes++
          return resource.updateStatus(object, options)
        },
      }
    },
  })
  const definitions = [deploymentController, replicaSetController, horizontalPodAutoscalerController()]
  const cluster = await simCluster({ definitions, wrap: counted })
  try {
    const { clientset, clock, until } = cluster
    await clientset.appsV1().deployments('default').create(deployment(0))
    await clientset
      .autoscalingV2()
      .horizontalPodAutoscalers('default')
      .create(autoscaler({ metrics: [memoryMetric(50)] }))
    await until('it is told', async () => (await conditionsOf(cluster))['ScalingActive'] === 'False ScalingDisabled')
    await clock.advance(60_000)
    const before = writes
    await clock.advance(120_000)
    assert.deepEqual([before > 0, writes], [true, before])
    const { status } = await clientset.autoscalingV2().horizontalPodAutoscalers('default').get('web')
    assert.equal(status?.currentMetrics, null)
  } finally {
    await cluster.stop()
  }
})
