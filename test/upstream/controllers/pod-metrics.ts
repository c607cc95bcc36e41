/** What a metrics server would say: of each scenario's pods what the scenario sets. */
import type { Client, RawResponse } from '../../../src/client/contract.ts'
import { kindRefs } from '../../../src/client/generated/kind-refs.ts'

/** Of one pod, by its name; undefined: nothing is known of it. */
export type Usage = (pod: string) => { readonly cpu?: string; readonly memory?: string } | undefined

export type Metrics = { set(namespace: string, usage: Usage): void }
export type MetricsSource = Metrics & {
  /** How often it has been asked about pods of the namespace. */
  asked(namespace: string): number
  answer(client: Client, path: string, labelSelector: string, now: number): Promise<object | undefined>
}

const root = '/apis/metrics.k8s.io/v1beta1'
const pods = new RegExp(`^${root}/namespaces/([^/]+)/pods$`)

export function metricsSource(): MetricsSource {
  const usages = new Map<string, Usage>()
  const asked = new Map<string, number>()
  return {
    asked: (namespace) => asked.get(namespace) ?? 0,
    set: (namespace, usage) => void usages.set(namespace, usage),
    answer: async (client, path, labelSelector, now) => {
      if (path === root)
        return {
          kind: 'APIResourceList',
          apiVersion: 'v1',
          groupVersion: 'metrics.k8s.io/v1beta1',
          resources: [{ name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] }],
        }
      const namespace = pods.exec(path)?.[1]
      if (namespace === undefined) return undefined
      asked.set(namespace, (asked.get(namespace) ?? 0) + 1)
      const { items } = await client.resource(kindRefs.coreV1.pods, namespace).list(labelSelector ? { labelSelector } : {})
      const measured = items.flatMap(({ metadata, status, spec }) => {
        const usage = status?.phase === 'Running' ? usages.get(namespace)?.(metadata.name ?? '') : undefined
        return usage ? [{ metadata, usage, names: spec?.containers.map(({ name }) => name) ?? [] }] : []
      })
      return {
        kind: 'PodMetricsList',
        apiVersion: 'metrics.k8s.io/v1beta1',
        metadata: {},
        items: measured.map(({ metadata, usage, names }) => ({
          metadata: { name: metadata.name, namespace, labels: metadata.labels },
          timestamp: new Date(now).toISOString().replace(/\.\d+/, ''),
          window: '15s',
          containers: names.map((name) => ({ name, usage: { cpu: '1m', memory: '1Mi', ...usage } })),
        })),
      }
    },
  }
}

/** A client whose reads of resource metrics the source answers. */
export function withMetrics(client: Client, source: MetricsSource, now: () => number): Client {
  return {
    resource: (kind, namespace) => client.resource(kind, namespace),
    raw: async (request) => {
      if (!request.path.startsWith(`${root}/`)) return client.raw(request)
      const found = await source.answer(client, request.path, String(request.query?.labelSelector ?? ''), now())
      return found ? answered(200, found) : answered(404, {})
    },
  }
}

const answered = (code: number, value: object): RawResponse => ({
  code,
  headers: {},
  body: (async function* () {
    yield Buffer.from(JSON.stringify(value))
  })(),
})
