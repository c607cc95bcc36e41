import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Client, RawResponse } from '../../client/contract.ts'
import type { CustomResourceDefinition } from '../../kinds/generated/types/apiextensions-v1.ts'
import { simCluster } from '../sim-cluster.ts'
import { horizontalPodAutoscalerController } from './controller.ts'

const crew = { group: 'example.com', version: 'v1', kind: 'Crew', plural: 'crews', scope: 'Namespaced' } as const

const definition: CustomResourceDefinition = {
  metadata: { name: 'crews.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'crews', singular: 'crew', kind: 'Crew' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size', labelSelectorPath: '.status.selector' },
        },
      },
    ],
  },
}

/** A metrics server for which every pod uses 100 MiB. */
function withMetrics(client: Client): Client {
  const answer = (value: object): RawResponse => ({
    code: 200,
    headers: {},
    body: (async function* () {
      yield Buffer.from(JSON.stringify(value))
    })(),
  })
  const usage = { cpu: '1m', memory: '100Mi' }
  const items = ['p1', 'p2'].map((name) => ({
    metadata: { name, namespace: 'default' },
    window: '15s',
    containers: [{ name: 'c', usage }],
  }))
  return {
    resource: (kind, namespace) => client.resource(kind, namespace),
    raw: async (request) => (request.path.startsWith('/apis/metrics.k8s.io/') ? answer({ items }) : client.raw(request)),
  }
}

test('a custom kind is scaled by its /scale: the selector and the size are where its definition says', async () => {
  const cluster = await simCluster({ definitions: [horizontalPodAutoscalerController()], wrap: withMetrics })
  const { client, clientset, clock, until } = cluster
  try {
    await clientset.apiextensionsV1().customResourceDefinitions().create(definition)
    await clock.advance(1_000)
    const crews = client.resource(crew, 'default')
    const made = await crews.create({ apiVersion: 'example.com/v1', kind: 'Crew', metadata: { name: 'c' }, spec: { size: 2 } } as never)
    await crews.updateStatus({ ...made, status: { size: 2, selector: 'app=c' } } as never)
    const resources = { requests: { memory: '100Mi' } }
    for (const name of ['p1', 'p2'])
      await clientset
        .coreV1()
        .pods('default')
        .create({ metadata: { name, labels: { app: 'c' } }, spec: { containers: [{ name: 'c', image: 'i', resources }] } })
    await clientset
      .autoscalingV2()
      .horizontalPodAutoscalers('default')
      .create({
        metadata: { name: 'c' },
        spec: {
          scaleTargetRef: { apiVersion: 'example.com/v1', kind: 'Crew', name: 'c' },
          maxReplicas: 10,
          metrics: [{ type: 'Resource', resource: { name: 'memory', target: { type: 'Utilization', averageUtilization: 50 } } }],
        },
      })
    const size = async () => ((await crews.get('c')) as { spec?: { size?: number } }).spec?.size
    await until('twice the target asks for twice the size', async () => (await size()) === 4, 60_000)
    const { status } = await clientset.autoscalingV2().horizontalPodAutoscalers('default').get('c')
    assert.equal(status?.desiredReplicas, 4)
    assert.equal(status?.conditions?.find((c) => c.type === 'AbleToScale')?.reason, 'SucceededRescale')
    assert.equal(cluster.metrics.panicsOf('horizontal-pod-autoscaler'), 0)
  } finally {
    await cluster.stop()
  }
})
