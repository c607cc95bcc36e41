import { exposition, expositionType, type Family } from './exposition.ts'
import type { NodeStatistics } from './node-statistics.ts'

/** What the node tells at one path; `query` is the request's. */
export type NodeDocument = (query: URLSearchParams) => Promise<{ readonly type: string; readonly text: string }>

export type NodeDocumentsOptions = {
  readonly statistics: NodeStatistics
  /** Of `/configz`. */
  readonly configuration: () => object
  /** Of `/metrics/probes`. */
  readonly probeFamilies: () => readonly Family[]
  /** Of `/metrics`. */
  readonly families: () => Promise<readonly Family[]> | readonly Family[]
  /** Text that follows them. */
  readonly moreMetrics: () => string
  /** Of `/metrics/proxy`; undefined: no service proxy runs with the agent. */
  readonly proxyMetrics: (() => string) | undefined
}

/** The node's own figures by path, each measured when it is asked for. */
export function nodeDocuments({
  statistics,
  configuration,
  probeFamilies,
  families,
  moreMetrics,
  proxyMetrics,
}: NodeDocumentsOptions): Readonly<Record<string, NodeDocument>> {
  const metrics = (text: () => Promise<string> | string) => async () => ({ type: expositionType, text: await text() })
  return {
    '/configz': async () => ({ type: 'application/json', text: JSON.stringify(configuration()) }),
    '/stats/summary': async (query) => {
      const onlyCpuAndMemory = query.get('only_cpu_and_memory') === 'true'
      return { type: 'application/json', text: JSON.stringify(await statistics.summary({ onlyCpuAndMemory })) }
    },
    '/metrics': metrics(async () => exposition(await families()) + moreMetrics()),
    '/metrics/cadvisor': metrics(() => statistics.cadvisorMetrics()),
    '/metrics/probes': metrics(() => exposition(probeFamilies())),
    '/metrics/resource': metrics(() => statistics.resourceMetrics()),
    ...(proxyMetrics ? { '/metrics/proxy': metrics(proxyMetrics) } : {}),
  }
}
