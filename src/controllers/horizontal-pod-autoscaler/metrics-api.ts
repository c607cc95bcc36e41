import type { Client } from '../../client/contract.ts'
import type { CrossVersionObjectReference } from '../../kinds/generated/types/autoscaling-v2.ts'
import type { PodMetrics as ResourceMetrics } from '../../kinds/metrics/resource-metrics.ts'
import { quantityMilli } from '../../machinery/quantity.ts'
import { findKind, readJson } from '../../control/scale-target.ts'
import type { PodMetric, PodMetrics } from './replica-count.ts'

type List<T> = { readonly items?: readonly T[] }
type MetricValue = {
  readonly describedObject: { readonly name: string }
  readonly timestamp: string
  readonly windowSeconds?: number
  readonly value: string
}
type ExternalValue = { readonly value: string }

/** Upstream's: what an adapter that tells no window measures over. */
const defaultWindowMs = 60_000
const customVersions = ['v1beta2', 'v1beta1'] as const

/**
 * The three APIs that autoscalers read (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#support-for-metrics-apis):
 * resources are served by this server unless a metrics server is installed, custom and external metrics by adapters behind APIServices.
 * All throw Error with upstream's words.
 */
export class MetricsApi {
  readonly #client: Client
  readonly namespace: string

  constructor(client: Client, namespace: string) {
    this.#client = client
    this.namespace = namespace
  }

  /** Pods of which a container tells nothing of the resource are left out, and those without the container that is asked for. */
  async resource(resource: string, selector: string, container: string | undefined): Promise<PodMetrics> {
    const path = `/apis/metrics.k8s.io/v1beta1/namespaces/${this.namespace}/pods`
    const list = await this.#get<List<ResourceMetrics>>(path, { labelSelector: selector }, 'resource', 'pods.metrics.k8s.io')
    if (!list.items?.length) throw new Error('no metrics returned from resource metrics API')
    const found = new Map<string, PodMetric>()
    for (const { metadata, containers, timestamp, window } of list.items) {
      const wanted = container === undefined ? containers : containers.filter(({ name }) => name === container)
      if (wanted.length === 0) continue
      const values = wanted.map(({ usage }) => (usage as Readonly<Record<string, string>>)[resource])
      if (values.includes(undefined)) continue
      const milli = values.reduce((total, value) => total + quantityMilli(value ?? 0), 0)
      found.set(metadata.name ?? '', { milli, atMs: Date.parse(timestamp), windowMs: readDuration(window) })
    }
    return found
  }

  async pods(metric: string, selector: string, metricSelector: string): Promise<PodMetrics> {
    const query = { labelSelector: selector, ...(metricSelector ? { metricLabelSelector: metricSelector } : {}) }
    const list = await this.#custom(`pods/*/${metric}`, query)
    if (!list.items?.length) throw new Error('no metrics returned from custom metrics API')
    return new Map(
      list.items.map(({ describedObject, timestamp, windowSeconds, value }) => [
        describedObject.name,
        {
          milli: quantityMilli(value),
          atMs: Date.parse(timestamp),
          windowMs: windowSeconds === undefined ? defaultWindowMs : windowSeconds * 1000,
        },
      ]),
    )
  }

  async object(metric: string, about: CrossVersionObjectReference, metricSelector: string): Promise<number> {
    const query: Readonly<Record<string, string>> = metricSelector ? { metricLabelSelector: metricSelector } : {}
    const list = await this.#custom(`${await this.#resourceOf(about)}/${about.name}/${metric}`, query)
    const [one] = list.items ?? []
    if (!one) throw new Error('no metrics returned from custom metrics API')
    return quantityMilli(one.value)
  }

  /** The sum of the values that the selector matches. */
  async external(metric: string, metricSelector: string): Promise<number> {
    const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/${this.namespace}/${metric}`
    const query: Readonly<Record<string, string>> = metricSelector ? { labelSelector: metricSelector } : {}
    const list = await this.#get<List<ExternalValue>>(path, query, 'external', `${metric}.external.metrics.k8s.io`)
    if (!list.items?.length) throw new Error('no metrics returned from external metrics API')
    return list.items.reduce((total, { value }) => total + quantityMilli(value), 0)
  }

  async #resourceOf({ apiVersion, kind }: CrossVersionObjectReference): Promise<string> {
    const found = await findKind(this.#client, { apiVersion: apiVersion ?? 'v1', kind })
    if (!found) throw new Error(`no matches for kind ${JSON.stringify(kind)} in version ${JSON.stringify(apiVersion ?? 'v1')}`)
    return found.group ? `${found.plural}.${found.group}` : found.plural
  }

  async #custom(path: string, query: Readonly<Record<string, string>>): Promise<List<MetricValue>> {
    for (const version of customVersions) {
      const group = `/apis/custom.metrics.k8s.io/${version}`
      // Which version an adapter has it tells in its discovery.
      if (!(await this.#try(() => readJson(this.#client, group), 'custom'))) continue
      const [resource = ''] = path.split('/')
      return this.#get<List<MetricValue>>(
        `${group}/namespaces/${this.namespace}/${path}`,
        query,
        'custom',
        `${resource}.custom.metrics.k8s.io`,
      )
    }
    throw new Error('unable to fetch metrics from custom metrics API: no custom metrics API (custom.metrics.k8s.io) registered')
  }

  async #get<T>(path: string, query: Readonly<Record<string, string>>, api: string, resource: string): Promise<T> {
    const answer = await this.#try(() => readJson<T>(this.#client, path, query), api)
    if (answer === undefined)
      throw new Error(`unable to fetch metrics from ${api} metrics API: the server could not find the requested resource (get ${resource})`)
    return answer
  }

  async #try<T>(read: () => Promise<T>, api: string): Promise<T> {
    try {
      return await read()
    } catch (error) {
      throw new Error(`unable to fetch metrics from ${api} metrics API: ${(error as Error).message}`, { cause: error })
    }
  }
}

const unitMs: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, µs: 0.001, us: 0.001, ns: 0.000_001 }

/** Go's notation of a duration: `1m30.5s`. What is none is no time at all. */
export function readDuration(text: string): number {
  let total = 0
  for (const [, value, unit] of text.matchAll(/([\d.]+)(h|ms|m|s|µs|us|ns)/g)) total += Number(value) * unitMs[unit!]!
  return total
}
