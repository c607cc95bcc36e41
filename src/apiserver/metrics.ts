import {
  type Distribution,
  familyHead as family,
  histogramText,
  labelText as format,
  newDistribution,
  observe,
} from '../base/exposition-text.ts'
import type { Judged } from './admission/chain.ts'
import type { Resource } from './registry.ts'

/** Upper bounds of the request duration's buckets, in seconds: upstream's, which its rules and dashboards name. */
const bucketSeconds = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60]
/** Those of what a request took without its wait for a seat. */
const sliSeconds = bucketSeconds.slice(2)
/** Of judging who asks, and whether he may. */
const accessSeconds = Array.from({ length: 15 }, (_, i) => 2 ** i / 1000)

/** What is left of a client's certificate: from nothing to a year. */
const remainingSeconds = [
  0, 1800, 3600, 7200, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800, 2_592_000, 7_776_000, 15_552_000, 31_104_000,
]
/** Of admission's steps. */
const admissionSeconds = [0.005, 0.025, 0.1, 0.5, 1, 2.5]

/** Upstream's, of an answer to a read. */
const answerBytes = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]

/** Upstream's, of an event that is sent to a watcher. */
const eventBytes = [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072]

type Histogram = Distribution & { readonly labels: string }

export type RequestLabels = {
  /** As dashboards name it: GET, LIST, WATCH, POST, PUT, PATCH, APPLY, DELETE, CONNECT. */
  readonly verb: string
  /** `resource`, `namespace`, `cluster`; empty for what is no resource. */
  readonly scope: string
  readonly dryRun: string
  readonly group: string
  readonly version: string
  readonly resource: string
  readonly subresource: string
}

/** As upstream names them: what may change the object, then what only judges it. */
export type AdmissionStep = 'admit' | 'validate'

/**
 * The server's own figures, counted by plain additions because they lie on every request's path, and written in the
 * Prometheus text format on demand. Label values come from routes and codes, so their number is bounded.
 */
export type ApiMetrics = {
  /** `waitedMs` of it were spent on waiting for a seat; `bytes`: of an answer that was whole. */
  request(
    labels: RequestLabels,
    code: number,
    answered: { readonly durationMs: number; readonly waitedMs: number; readonly bytes?: number },
  ): void
  /** A request that the server ended by itself: it came when there was no room, or took too long. */
  terminated(labels: RequestLabels, code: number): void
  /** Its client left before it was answered. */
  aborted(labels: RequestLabels): void
  /** Somebody connected and came to no understanding about TLS. */
  handshakeFailed(): void
  authenticated(result: 'success' | 'failure' | 'error', durationMs: number): void
  /** Somebody came with a certificate that is good for so long. */
  certificateShown(remainingMs: number): void
  /** Told each time that all plugins of a step have judged a request; to be asked once for each. */
  admitted(step: AdmissionStep, operation: string): Judged
  /** The same of one plugin. */
  judgedBy(name: string, step: AdmissionStep, operation: string): Judged
  authorized(result: 'allowed' | 'denied' | 'no-opinion' | 'error', durationMs: number): void
  /** A version that is going to be taken away was asked for. */
  deprecated(resource: Resource, subresource: string): void
  inflight(kind: 'readOnly' | 'mutating', change: 1 | -1): void
  rejected(kind: 'readOnly' | 'mutating'): void
  /** A watch or a connection that stays open. */
  watchStarted(labels: RequestLabels): () => void
  /** Events of a batch that goes to one watcher. */
  watchEvents(resource: Resource, events: readonly { readonly value: { readonly length: number } }[]): void
  /** Events that the watch cache has handed to its watchers, however many those are; of `/registry/GROUP/RESOURCE/…`. */
  dispatched(events: readonly { readonly key: string }[]): void
  /** Text in the Prometheus exposition format, in blocks. `counts`: live objects a resource. */
  text(counts: Iterable<readonly [Resource, number]>): Generator<string>
}

export function createApiMetrics(): ApiMetrics {
  const terminations = new Map<string, number>()
  const aborts = new Map<string, number>()
  let failedHandshakes = 0
  const deprecated = new Set<string>()
  const durations = new Map<string, RequestFigures>()
  const authentications = new Map<string, Histogram>()
  const authorizations = new Map<string, Histogram>()
  const admissions = new Map<string, Histogram>()
  const plugins = new Map<string, Histogram>()
  const certificates = emptyHistogram('', remainingSeconds)
  const inflight = { readOnly: 0, mutating: 0 }
  const rejections = { readOnly: 0, mutating: 0 }
  const watchers = new Map<string, number>()
  const events = new Map<string, Histogram>()
  /** A custom resource is another object after each change of its definition. */
  const eventsOf = new WeakMap<Resource, Histogram>()
  const dispatched = new Map<string, number>()
  const add = (map: Map<string, number>, key: string, change: number) => map.set(key, (map.get(key) ?? 0) + change)
  const figuresOf = (labels: RequestLabels): RequestFigures => {
    const { verb, group, version, resource, subresource, scope, dryRun } = labels
    const key = `${verb}|${group}|${version}|${resource}|${subresource}|${scope}|${dryRun}`
    let figures = durations.get(key)
    if (!figures) {
      const component = resource === '' ? '' : 'apiserver'
      const plain = { component, group, resource, scope, subresource, verb, version }
      figures = {
        plain: format(plain),
        codes: new Map(),
        whole: emptyHistogram(format({ ...plain, dry_run: dryRun }), bucketSeconds),
        // Who watches or talks to a container decides by himself how long that takes.
        sizes: verb === 'GET' || verb === 'LIST' ? emptyHistogram(format(plain), answerBytes) : undefined,
        sli: verb === 'WATCH' || verb === 'CONNECT' ? undefined : emptyHistogram(format(plain), sliSeconds),
      }
      durations.set(key, figures)
    }
    return figures
  }
  const accessHistogram = (map: Map<string, Histogram>, result: string): Histogram => {
    let histogram = map.get(result)
    if (!histogram) map.set(result, (histogram = emptyHistogram(format({ result }), accessSeconds)))
    return histogram
  }
  return {
    request: (labels, code, { durationMs, waitedMs, bytes }) => {
      const { whole, sli, sizes, codes } = figuresOf(labels)
      if (sizes && bytes !== undefined) observe(sizes, answerBytes, bytes)
      observe(whole, bucketSeconds, durationMs / 1000)
      if (sli) observe(sli, sliSeconds, Math.max(0, durationMs - waitedMs) / 1000)
      codes.set(code, (codes.get(code) ?? 0) + 1)
    },
    terminated: (labels, code) => add(terminations, `code="${code}",${figuresOf(labels).plain}`, 1),
    aborted: (labels) => {
      const { group, resource, scope, subresource, verb, version } = labels
      add(aborts, format({ group, resource, scope, subresource, verb, version }), 1)
    },
    handshakeFailed: () => void failedHandshakes++,
    authenticated: (result, durationMs) => observe(accessHistogram(authentications, result), accessSeconds, durationMs / 1000),
    authorized: (result, durationMs) => observe(accessHistogram(authorizations, result), accessSeconds, durationMs / 1000),
    certificateShown: (remainingMs) => observe(certificates, remainingSeconds, remainingMs / 1000),
    admitted: (type, operation) => judged(admissions, { operation, type }),
    judgedBy: (name, type, operation) => judged(plugins, { name, operation, type }),
    deprecated: ({ kind }, subresource) =>
      void deprecated.add(format({ group: kind.group, removed_release: '', resource: kind.plural, subresource, version: kind.version })),
    inflight: (kind, change) => {
      inflight[kind] += change
    },
    rejected: (kind) => {
      rejections[kind]++
    },
    watchStarted: (labels) => {
      const { plain } = figuresOf(labels)
      add(watchers, plain, 1)
      return () => add(watchers, plain, -1)
    },
    watchEvents: (resource, batch) => {
      let sizes = eventsOf.get(resource)
      if (!sizes) {
        const { group, version, plural } = resource.kind
        const labels = format({ group, version, resource: plural })
        sizes = events.get(labels) ?? emptyHistogram(labels, eventBytes)
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
      for (const { codes, whole } of durations.values())
        for (const [code, value] of codes) yield `apiserver_request_total{code="${code}",${whole.labels}} ${value}\n`
      yield family('apiserver_request_duration_seconds', 'histogram', 'Time to answer; of a watch, to its start.')
      for (const { whole } of durations.values())
        yield histogramText('apiserver_request_duration_seconds', whole.labels, whole, bucketSeconds)
      yield family(
        'apiserver_request_sli_duration_seconds',
        'histogram',
        'Time to answer, without the wait for a seat and without watches.',
      )
      for (const { sli } of durations.values())
        if (sli) yield histogramText('apiserver_request_sli_duration_seconds', sli.labels, sli, sliSeconds)
      yield family('apiserver_request_terminations_total', 'counter', 'Requests that the server ended by itself.')
      for (const [labels, value] of terminations) yield `apiserver_request_terminations_total{${labels}} ${value}\n`
      yield family('apiserver_request_aborts_total', 'counter', 'Requests whose clients left before they were answered.')
      for (const [labels, value] of aborts) yield `apiserver_request_aborts_total{${labels}} ${value}\n`
      yield family('apiserver_tls_handshake_errors_total', 'counter', 'Connections that came to no understanding about TLS.')
      yield `apiserver_tls_handshake_errors_total ${failedHandshakes}\n`
      yield family('apiserver_requested_deprecated_apis', 'gauge', 'Versions that were asked for and are going to be taken away.')
      for (const labels of deprecated) yield `apiserver_requested_deprecated_apis{${labels}} 1\n`
      yield* accessText('authentication', 'authentication_attempts', authentications)
      yield* accessText('authorization', 'authorization_attempts_total', authorizations)
      yield family(
        'apiserver_client_certificate_expiration_seconds',
        'histogram',
        'How long certificates that clients show are still good.',
      )
      yield histogramText('apiserver_client_certificate_expiration_seconds', '', certificates, remainingSeconds)
      yield family('apiserver_admission_step_admission_duration_seconds', 'histogram', 'Time that a step of admission took.')
      for (const step of admissions.values())
        if (step.count > 0) yield histogramText('apiserver_admission_step_admission_duration_seconds', step.labels, step, admissionSeconds)
      yield family('apiserver_admission_controller_admission_duration_seconds', 'histogram', 'Time that a plugin of admission took.')
      for (const plugin of plugins.values())
        if (plugin.count > 0)
          yield histogramText('apiserver_admission_controller_admission_duration_seconds', plugin.labels, plugin, admissionSeconds)
      yield family('apiserver_response_sizes', 'histogram', 'Bytes of answers to reads.')
      for (const { sizes } of durations.values())
        if (sizes && sizes.count > 0) yield histogramText('apiserver_response_sizes', sizes.labels, sizes, answerBytes)
      yield family('apiserver_current_inflight_requests', 'gauge', 'Requests being worked on.')
      for (const kind of ['readOnly', 'mutating'] as const)
        yield `apiserver_current_inflight_requests{request_kind="${kind}"} ${inflight[kind]}\n`
      yield family('apiserver_dropped_requests_total', 'counter', 'Requests refused with 429.')
      for (const kind of ['readOnly', 'mutating'] as const)
        yield `apiserver_dropped_requests_total{request_kind="${kind}"} ${rejections[kind]}\n`
      yield family('apiserver_longrunning_requests', 'gauge', 'Watches and connections that are open.')
      for (const [labels, value] of watchers) yield `apiserver_longrunning_requests{${labels}} ${value}\n`
      yield family('apiserver_watch_events_total', 'counter', 'Events sent to watchers.')
      for (const { labels, count } of events.values()) yield `apiserver_watch_events_total{${labels}} ${count}\n`
      yield family('apiserver_watch_events_sizes', 'histogram', 'Bytes of the events sent to watchers, in the stored form.')
      for (const sizes of events.values()) yield histogramText('apiserver_watch_events_sizes', sizes.labels, sizes, eventBytes)
      yield family('apiserver_watch_cache_events_dispatched_total', 'counter', 'Events that the watch cache has dispatched.')
      for (const [folder, value] of dispatched) yield `apiserver_watch_cache_events_dispatched_total{${folderLabels(folder)}} ${value}\n`
      // The watch cache takes each event from the store once, and hands on all of them.
      yield family('apiserver_storage_events_received_total', 'counter', 'Events that came from the store.')
      for (const [folder, value] of dispatched) yield `apiserver_storage_events_received_total{${folderLabels(folder)}} ${value}\n`
      yield family('apiserver_storage_objects', 'gauge', 'Stored objects a resource.')
      const objects = [...counts]
      for (const [{ kind }, value] of objects)
        yield `apiserver_storage_objects{resource="${kind.group ? `${kind.plural}.${kind.group}` : kind.plural}"} ${value}\n`
      yield family('apiserver_resource_objects', 'gauge', 'Stored objects a resource, by group.')
      for (const [{ kind }, value] of objects)
        yield `apiserver_resource_objects{${format({ group: kind.group, resource: kind.plural })}} ${value}\n`
    },
  }
}

type JudgedLabels = { readonly name?: string; readonly operation: string; readonly type: AdmissionStep }

function judged(histograms: Map<string, Histogram>, { name, operation, type }: JudgedLabels): Judged {
  const histogramOf = (rejected: 'true' | 'false') => {
    const labels = format({ ...(name === undefined ? {} : { name }), operation, rejected, type })
    const histogram = histograms.get(labels) ?? emptyHistogram(labels, admissionSeconds)
    histograms.set(labels, histogram)
    return histogram
  }
  const passed = histogramOf('false')
  return {
    passed: (durationMs) => observe(passed, admissionSeconds, durationMs / 1000),
    refused: (durationMs) => observe(histogramOf('true'), admissionSeconds, durationMs / 1000),
  }
}

/** `plain`: the labels without dry_run, which not every family has. */
type RequestFigures = {
  readonly plain: string
  /** How many were answered with which code. */
  readonly codes: Map<number, number>
  readonly whole: Histogram
  readonly sli: Histogram | undefined
  /** Of reads. */
  readonly sizes: Histogram | undefined
}

const emptyHistogram = (labels: string, bounds: readonly number[]): Histogram => ({ labels, ...newDistribution(bounds) })

function* accessText(what: 'authentication' | 'authorization', attempts: string, histograms: Map<string, Histogram>): Generator<string> {
  yield family(attempts, 'counter', `Requests by the result of their ${what}.`)
  for (const { labels, count } of histograms.values()) yield `${attempts}{${labels}} ${count}\n`
  yield family(`${what}_duration_seconds`, 'histogram', `Time that ${what} took.`)
  for (const histogram of histograms.values()) yield histogramText(`${what}_duration_seconds`, histogram.labels, histogram, accessSeconds)
}

function folderLabels(folder: string): string {
  const [, , group = '', resource = ''] = folder.split('/')
  return format({ group: group === 'core' ? '' : group, resource })
}

/** `/registry/GROUP/RESOURCE` of a key. */
function folderOf(key: string): string {
  const group = key.indexOf('/', 1)
  const end = key.indexOf('/', key.indexOf('/', group + 1) + 1)
  return end < 0 ? key : key.slice(0, end)
}
