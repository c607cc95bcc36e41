import type { Resource } from './registry.ts'

/** Upper bounds of the request duration's buckets, in seconds. */
const bucketSeconds = [0.001, 0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 15, 60]

/** Upstream's, of an event that is sent to a watcher. */
const eventBytes = [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072]

type Labels = Readonly<Record<string, string>>
type Histogram = { readonly labels: string; readonly counts: number[]; sum: number; count: number }

export type RequestLabels = {
  readonly verb: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
}

/**
 * The server's own figures, counted by plain additions because they lie on every request's path, and written in the
 * Prometheus text format on demand. Label values come from routes and codes, so their number is bounded.
 */
export type ApiMetrics = {
  request(labels: RequestLabels, code: number, durationMs: number): void
  inflight(kind: 'readOnly' | 'mutating', change: 1 | -1): void
  rejected(kind: 'readOnly' | 'mutating'): void
  watchStarted(resource: string): () => void
  /** Events of a batch that goes to one watcher. */
  watchEvents(resource: Resource, events: readonly { readonly value: { readonly length: number } }[]): void
  /** Events that the watch cache has handed to its watchers, however many those are; of `/registry/GROUP/RESOURCE/…`. */
  dispatched(events: readonly { readonly key: string }[]): void
  /** Text in the Prometheus exposition format, in blocks. `counts`: live objects a resource. */
  text(counts: Iterable<readonly [Resource, number]>): Generator<string>
}

export function createApiMetrics(): ApiMetrics {
  const totals = new Map<string, number>()
  const durations = new Map<string, Histogram>()
  const inflight = { readOnly: 0, mutating: 0 }
  const rejections = { readOnly: 0, mutating: 0 }
  const watchers = new Map<string, number>()
  const events = new Map<string, Histogram>()
  /** A custom resource is another object after each change of its definition. */
  const eventsOf = new WeakMap<Resource, Histogram>()
  const dispatched = new Map<string, number>()
  const add = (map: Map<string, number>, key: string, change: number) => map.set(key, (map.get(key) ?? 0) + change)
  const histogramOf = (labels: RequestLabels): Histogram => {
    const key = `${labels.verb}|${labels.group}|${labels.version}|${labels.resource}|${labels.subresource}`
    let histogram = durations.get(key)
    if (!histogram) {
      histogram = { labels: format(upper(labels)), counts: bucketSeconds.map(() => 0), sum: 0, count: 0 }
      durations.set(key, histogram)
    }
    return histogram
  }
  return {
    request: (labels, code, durationMs) => {
      const histogram = histogramOf(labels)
      observe(histogram, bucketSeconds, durationMs / 1000)
      add(totals, `code="${code}",${histogram.labels}`, 1)
    },
    inflight: (kind, change) => {
      inflight[kind] += change
    },
    rejected: (kind) => {
      rejections[kind]++
    },
    watchStarted: (resource) => {
      add(watchers, resource, 1)
      return () => add(watchers, resource, -1)
    },
    watchEvents: (resource, batch) => {
      let sizes = eventsOf.get(resource)
      if (!sizes) {
        const { group, version, plural } = resource.kind
        const labels = format({ group, version, resource: plural })
        sizes = events.get(labels) ?? { labels, counts: eventBytes.map(() => 0), sum: 0, count: 0 }
        events.set(labels, sizes)
        eventsOf.set(resource, sizes)
      }
      for (const { value } of batch) observe(sizes, eventBytes, value.length)
    },
    dispatched: (batch) => {
      for (const { key } of batch) add(dispatched, folderOf(key), 1)
    },
    *text(counts) {
      yield family('apiserver_request_total', 'counter', 'Requests by verb, resource and code.')
      for (const [labels, value] of totals) yield `apiserver_request_total{${labels}} ${value}\n`
      yield family('apiserver_request_duration_seconds', 'histogram', 'Time to answer, without watches.')
      for (const histogram of durations.values()) yield histogramText('apiserver_request_duration_seconds', histogram, bucketSeconds)
      yield family('apiserver_current_inflight_requests', 'gauge', 'Requests being worked on.')
      for (const kind of ['readOnly', 'mutating'] as const)
        yield `apiserver_current_inflight_requests{request_kind="${kind}"} ${inflight[kind]}\n`
      yield family('apiserver_dropped_requests_total', 'counter', 'Requests refused with 429.')
      for (const kind of ['readOnly', 'mutating'] as const)
        yield `apiserver_dropped_requests_total{request_kind="${kind}"} ${rejections[kind]}\n`
      yield family('apiserver_longrunning_requests', 'gauge', 'Watches that are open.')
      for (const [resource, value] of watchers) yield `apiserver_longrunning_requests{resource="${resource}",verb="WATCH"} ${value}\n`
      yield family('apiserver_watch_events_total', 'counter', 'Events sent to watchers.')
      for (const { labels, count } of events.values()) yield `apiserver_watch_events_total{${labels}} ${count}\n`
      yield family('apiserver_watch_events_sizes', 'histogram', 'Bytes of the events sent to watchers, in the stored form.')
      for (const sizes of events.values()) yield histogramText('apiserver_watch_events_sizes', sizes, eventBytes)
      yield family('apiserver_watch_cache_events_dispatched_total', 'counter', 'Events that the watch cache has dispatched.')
      for (const [folder, value] of dispatched) {
        const [, , group = '', resource = ''] = folder.split('/')
        const labels = format({ group: group === 'core' ? '' : group, resource })
        yield `apiserver_watch_cache_events_dispatched_total{${labels}} ${value}\n`
      }
      yield family('apiserver_storage_objects', 'gauge', 'Stored objects a resource.')
      for (const [{ kind }, value] of counts) {
        yield `apiserver_storage_objects{resource="${kind.group ? `${kind.plural}.${kind.group}` : kind.plural}"} ${value}\n`
      }
    },
  }
}

const upper = (labels: RequestLabels): Labels => ({ ...labels, verb: labels.verb.toUpperCase() })
const format = (labels: Labels) =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')
const family = (name: string, type: string, help: string) => `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`

function observe(histogram: Histogram, bounds: readonly number[], value: number): void {
  histogram.sum += value
  histogram.count++
  const bucket = bounds.findIndex((bound) => value <= bound)
  if (bucket >= 0) histogram.counts[bucket]!++
}

/** `/registry/GROUP/RESOURCE` of a key. */
function folderOf(key: string): string {
  const group = key.indexOf('/', 1)
  const end = key.indexOf('/', key.indexOf('/', group + 1) + 1)
  return end < 0 ? key : key.slice(0, end)
}

function histogramText(name: string, { labels, counts, sum, count }: Histogram, bounds: readonly number[]): string {
  let text = ''
  let below = 0
  for (const [i, bound] of bounds.entries()) {
    below += counts[i]!
    text += `${name}_bucket{${labels},le="${bound}"} ${below}\n`
  }
  return `${text}${name}_bucket{${labels},le="+Inf"} ${count}\n${name}_sum{${labels}} ${sum}\n${name}_count{${labels}} ${count}\n`
}
