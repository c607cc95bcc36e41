import type { Clock } from '../base/clock.ts'
import type { CommitResult, Operation, Store } from './contract.ts'

/** Upper bounds of the buckets, in seconds: upstream's for its requests to etcd. */
const bucketSeconds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]

type Series = { readonly labels: string; readonly counts: number[]; sum: number; count: number; errors: number }

/**
 * A store that counts and times what is asked of it, by upstream's names (etcd_request_duration_seconds, etcd_requests_total,
 * etcd_request_errors_total; the store need not be etcd). `text` gives the families in Prometheus' text format. The label values are
 * the operations and the stored resources, so their number is bounded. `sizeBytes`: what the store takes on disk.
 */
export function measuredStore(
  store: Store,
  clock: Clock,
  sizeBytes?: () => number,
): { readonly store: Store; readonly text: () => string } {
  const series = new Map<string, Series>()
  const seriesOf = (operation: string, key: string): Series => {
    const id = `${operation} ${folderOf(key)}`
    let found = series.get(id)
    if (!found) {
      const [, , group = '', resource = ''] = key.split('/')
      const labels = `group="${group === 'core' ? '' : group}",operation="${operation}",resource="${resource}"`
      series.set(id, (found = { labels, counts: bucketSeconds.map(() => 0), sum: 0, count: 0, errors: 0 }))
    }
    return found
  }
  const measure = async <T>(operation: string, key: string, work: () => Promise<T>): Promise<T> => {
    const one = seriesOf(operation, key)
    const startedAt = clock.monotonicMs()
    try {
      return await work()
    } catch (error) {
      one.errors++
      throw error
    } finally {
      const seconds = (clock.monotonicMs() - startedAt) / 1000
      one.sum += seconds
      one.count++
      const bucket = bucketSeconds.findIndex((bound) => seconds <= bound)
      if (bucket >= 0) one.counts[bucket]!++
    }
  }
  const measured: Store = {
    get revision() {
      return store.revision
    },
    get compactRevision() {
      return store.compactRevision
    },
    freshRevision: () => store.freshRevision(),
    get: (key) => measure('get', key, () => store.get(key)),
    list: (prefix, options) => measure('list', prefix, () => store.list(prefix, options)),
    scan: (prefix) => store.scan(prefix),
    commit: (operations): Promise<CommitResult> =>
      measure(operationOf(operations[0]), operations[0]?.key ?? '', () => store.commit(operations)),
    watch: (prefix, options) => store.watch(prefix, options),
    compact: (before) => store.compact(before),
    close: () => store.close(),
  }
  return { store: measured, text: () => render([...series.values()]) + (sizeBytes ? sizeText(sizeBytes()) : '') }
}

function operationOf(operation: Operation | undefined): 'create' | 'update' | 'delete' {
  if (operation?.type === 'delete') return 'delete'
  return operation?.expected === 'absent' ? 'create' : 'update'
}

const family = (name: string, type: string, help: string) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`

const sizeText = (bytes: number) =>
  `${family('apiserver_storage_size_bytes', 'gauge', 'Bytes that the store takes on disk.')}apiserver_storage_size_bytes{storage_cluster_id="etcd-0"} ${bytes}\n`

/** `/registry/GROUP/RESOURCE` of a key. */
function folderOf(key: string): string {
  const group = key.indexOf('/', 1)
  const resource = key.indexOf('/', group + 1)
  const end = key.indexOf('/', resource + 1)
  return end < 0 ? key : key.slice(0, end)
}

function render(all: readonly Series[]): string {
  let text = family('etcd_request_duration_seconds', 'histogram', 'Time that the store took to answer.')
  for (const { labels, counts, sum, count } of all) {
    let below = 0
    for (const [i, bound] of bucketSeconds.entries()) {
      below += counts[i]!
      text += `etcd_request_duration_seconds_bucket{${labels},le="${bound}"} ${below}\n`
    }
    text += `etcd_request_duration_seconds_bucket{${labels},le="+Inf"} ${count}\n`
    text += `etcd_request_duration_seconds_sum{${labels}} ${sum}\netcd_request_duration_seconds_count{${labels}} ${count}\n`
  }
  text += family('etcd_requests_total', 'counter', 'Requests to the store.')
  for (const { labels, count } of all) text += `etcd_requests_total{${labels}} ${count}\n`
  text += family('etcd_request_errors_total', 'counter', 'Requests that the store failed.')
  for (const { labels, errors } of all) text += `etcd_request_errors_total{${labels}} ${errors}\n`
  return text
}
