import { familyHead, histogramText, newDistribution, observe, sampleText } from '../base/exposition-text.ts'

/** Upper bounds in seconds, upstream's. */
const syncBuckets = Array.from({ length: 15 }, (_, i) => 0.001 * 2 ** i)
const programmingBuckets = [
  ...[0.25, 0.5],
  ...Array.from({ length: 59 }, (_, i) => i + 1),
  ...Array.from({ length: 12 }, (_, i) => 60 + i * 5),
  ...Array.from({ length: 7 }, (_, i) => 120 + i * 30),
]

/** What the service proxy measures of its own work, by upstream's names. */
export class ProxyMetrics {
  readonly #syncs = newDistribution(syncBuckets)
  readonly #programmings = newDistribution(programmingBuckets)
  #failures = 0
  #lastSyncMs = 0
  #lastQueuedMs = 0
  readonly #changes = { service: 0, endpoint: 0 }

  /** A service, or a slice of its endpoints, has changed: it is to be looked at again. */
  changed(what: 'service' | 'endpoint', atMs: number): void {
    this.#changes[what]++
    this.#lastQueuedMs = atMs
  }

  /** The kernel has what was known when the round began. */
  synced({ atMs, durationMs }: { readonly atMs: number; readonly durationMs: number }): void {
    observe(this.#syncs, syncBuckets, durationMs / 1000)
    this.#lastSyncMs = atMs
  }

  failed(): void {
    this.#failures++
  }

  /** So long after a pod or service changed the kernel had it. */
  programmed(durationMs: number): void {
    observe(this.#programmings, programmingBuckets, Math.max(0, durationMs) / 1000)
  }

  /** Text exposition format 0.0.4. */
  text(): string {
    const [sync, programming] = ['kubeproxy_sync_proxy_rules_duration_seconds', 'kubeproxy_network_programming_duration_seconds']
    const one = (name: string, type: 'counter' | 'gauge', help: string, value: number) =>
      familyHead(name, type, help) + sampleText(name, '', value)
    return (
      familyHead(sync, 'histogram', 'SyncProxyRules latency in seconds') +
      histogramText(sync, '', this.#syncs, syncBuckets) +
      familyHead(programming, 'histogram', 'In Cluster Network Programming Latency in seconds') +
      histogramText(programming, '', this.#programmings, programmingBuckets) +
      one(
        'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
        'gauge',
        'The last time proxy rules were successfully synced',
        this.#lastSyncMs / 1000,
      ) +
      one(
        'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds',
        'gauge',
        'The last time a sync of proxy rules was queued',
        this.#lastQueuedMs / 1000,
      ) +
      one('kubeproxy_sync_proxy_rules_service_changes_total', 'counter', 'Cumulative proxy rules Service changes', this.#changes.service) +
      one(
        'kubeproxy_sync_proxy_rules_endpoint_changes_total',
        'counter',
        'Cumulative proxy rules Endpoint changes',
        this.#changes.endpoint,
      ) +
      one('kubeproxy_sync_proxy_rules_nftables_sync_failures_total', 'counter', 'Cumulative proxy nftables sync failures', this.#failures)
    )
  }
}
