/** What the agent counts of its own work, for `/metrics` and `/metrics/probes`, by upstream's names. */
import { Counter, type Family, Histogram } from './exposition.ts'

/** Upper bounds in seconds, upstream's. */
const startBuckets = [0.5, 1, 2, 3, 4, 5, 6, 8, 10, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600] as const
const pullBuckets = [1, 5, 10, 20, 30, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200, 1800, 2700, 3600] as const
const storageBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 25, 50, 120, 300, 600] as const
const usualBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const
/** From 5 ms, each 2.5 times the one before. */
const runtimeBuckets = Array.from({ length: 14 }, (_, i) => Number((0.005 * 2.5 ** i).toPrecision(8)))

const declared = {
  operations: {
    name: 'kubelet_runtime_operations_total',
    help: 'Cumulative number of runtime operations by operation type.',
    labels: ['operation_type'],
  },
  operationErrors: {
    name: 'kubelet_runtime_operations_errors_total',
    help: 'Cumulative number of runtime operation errors by operation type.',
    labels: ['operation_type'],
  },
  operationSeconds: {
    name: 'kubelet_runtime_operations_duration_seconds',
    help: 'Duration in seconds of runtime operations. Broken down by operation type.',
    labels: ['operation_type'],
    buckets: runtimeBuckets,
  },
  cgroupSeconds: {
    name: 'kubelet_cgroup_manager_duration_seconds',
    help: 'Duration in seconds for cgroup manager operations. Broken down by method.',
    labels: ['operation_type'],
    buckets: usualBuckets,
  },
  relistSeconds: {
    name: 'kubelet_pleg_relist_duration_seconds',
    help: 'Duration in seconds for relisting pods in PLEG.',
    buckets: usualBuckets,
  },
  workerSeconds: {
    name: 'kubelet_pod_worker_duration_seconds',
    help: 'Duration in seconds to sync a single pod. Broken down by operation type: create, update, or sync',
    labels: ['operation_type'],
    buckets: startBuckets,
  },
  startSeconds: {
    name: 'kubelet_pod_start_duration_seconds',
    help: 'Duration in seconds from kubelet seeing a pod for the first time to the pod starting to run',
    buckets: startBuckets,
  },
  startSliSeconds: {
    name: 'kubelet_pod_start_sli_duration_seconds',
    help: 'Duration in seconds to start a pod, excluding time to pull images and run init containers, measured from pod creation timestamp to when all its containers are reported as started and observed via watch',
    buckets: startBuckets,
  },
  startTotalSeconds: {
    name: 'kubelet_pod_start_total_duration_seconds',
    help: 'Duration in seconds to start a pod since creation, including time to pull images and run init containers, measured from pod creation timestamp to when all its containers are reported as started and observed via watch',
    buckets: startBuckets,
  },
  pullSeconds: {
    name: 'kubelet_image_pull_duration_seconds',
    help: 'Duration in seconds to pull an image.',
    labels: ['image_size_in_bytes'],
    buckets: pullBuckets,
  },
  evictions: { name: 'kubelet_evictions', help: 'Cumulative number of pod evictions by eviction signal', labels: ['eviction_signal'] },
  preemptions: {
    name: 'kubelet_preemptions',
    help: 'Cumulative number of pod preemptions by preemption resource',
    labels: ['preemption_signal'],
  },
  rejections: {
    name: 'kubelet_admission_rejections_total',
    help: 'Cumulative number pod admission rejections by the Kubelet.',
    labels: ['reason'],
  },
  requests: {
    name: 'kubelet_http_requests_total',
    help: 'Number of the http requests received since the server started',
    labels: ['method', 'path', 'server_type', 'long_running'],
  },
  storageSeconds: {
    name: 'storage_operation_duration_seconds',
    help: 'Storage operation duration',
    labels: ['volume_plugin', 'operation_name', 'status', 'migrated'],
    buckets: storageBuckets,
  },
} as const

const probeTotal = {
  name: 'prober_probe_total',
  help: 'Cumulative number of a liveness, readiness or startup probe for a container by result.',
  labels: ['probe_type', 'result', 'container', 'pod', 'namespace', 'pod_uid'],
} as const
const probeSeconds = {
  name: 'prober_probe_duration_seconds',
  help: 'Duration in seconds for a probe response.',
  labels: ['probe_type', 'container', 'pod', 'namespace'],
  buckets: usualBuckets,
} as const

export type StartedPod = {
  readonly createdAtMs: number
  readonly seenAtMs: number
  readonly startedAtMs: number
  /** Time of pulling images and of init containers. */
  readonly leftOutMs: number
}

export type ProbedContainer = { readonly uid: string; readonly pod: string; readonly namespace: string; readonly container: string }

export class NodeMetrics {
  readonly #operations = new Counter(declared.operations)
  readonly #operationErrors = new Counter(declared.operationErrors)
  readonly #operationSeconds = new Histogram(declared.operationSeconds)
  readonly #cgroupSeconds = new Histogram(declared.cgroupSeconds)
  readonly #relistSeconds = new Histogram(declared.relistSeconds)
  readonly #workerSeconds = new Histogram(declared.workerSeconds)
  readonly #startSeconds = new Histogram(declared.startSeconds)
  readonly #startSliSeconds = new Histogram(declared.startSliSeconds)
  readonly #startTotalSeconds = new Histogram(declared.startTotalSeconds)
  readonly #pullSeconds = new Histogram(declared.pullSeconds)
  readonly #evictions = new Counter(declared.evictions)
  readonly #preemptions = new Counter(declared.preemptions)
  readonly #rejections = new Counter(declared.rejections)
  readonly #requests = new Counter(declared.requests)
  readonly #storageSeconds = new Histogram(declared.storageSeconds)
  /** By pod: forgotten with it. */
  readonly #probes = new Map<string, { readonly results: Counter; readonly seconds: Histogram }>()

  operation(type: string, durationMs: number, hasFailed: boolean): void {
    this.#operations.add(type)
    this.#operationSeconds.observe(durationMs / 1000, type)
    if (hasFailed) this.#operationErrors.add(type)
    else if (looks.has(type)) this.#relistSeconds.observe(durationMs / 1000)
  }

  cgroups(operation: 'create' | 'update' | 'destroy', durationMs: number): void {
    this.#cgroupSeconds.observe(durationMs / 1000, operation)
  }

  podStarted({ createdAtMs, seenAtMs, startedAtMs, leftOutMs }: StartedPod): void {
    const secondsSince = (ms: number) => Math.max(0, startedAtMs - ms) / 1000
    this.#startSeconds.observe(secondsSince(seenAtMs))
    this.#workerSeconds.observe(secondsSince(seenAtMs), 'create')
    this.#startTotalSeconds.observe(secondsSince(createdAtMs))
    this.#startSliSeconds.observe(secondsSince(createdAtMs + leftOutMs))
  }

  pulled(sizeBytes: number, durationMs: number): void {
    this.#pullSeconds.observe(durationMs / 1000, imageSizeBucket(sizeBytes))
  }

  evicted(signal: string): void {
    this.#evictions.add(signal)
  }

  /** A pod ended for a critical one, which had too little of `resource`. */
  preempted(resource: string): void {
    this.#preemptions.add(resource)
  }

  rejected(reason: string): void {
    this.#rejections.add(/^OutOf.*[./]/.test(reason) ? 'OutOfExtendedResources' : reason)
  }

  request(method: string, path: string): void {
    const root = requestRoot(path)
    this.#requests.add(methods.has(method) ? method : 'other', root, 'readwrite', String(longRunning.has(root)))
  }

  storage(plugin: string, operation: string, durationMs: number, hasFailed: boolean): void {
    this.#storageSeconds.observe(durationMs / 1000, plugin, operation, hasFailed ? 'fail-unknown' : 'success', 'false')
  }

  probed(
    { uid, pod, namespace, container }: ProbedContainer,
    type: string,
    verdict: 'success' | 'failure' | 'unknown',
    durationMs: number,
  ): void {
    let own = this.#probes.get(uid)
    if (!own) this.#probes.set(uid, (own = { results: new Counter(probeTotal), seconds: new Histogram(probeSeconds) }))
    const result = { success: 'successful', failure: 'failed', unknown: 'unknown' }[verdict]
    own.results.add(titles[type] ?? type, result, container, pod, namespace, uid)
    // Upstream times every probe but the failed ones.
    if (verdict !== 'failure') own.seconds.observe(durationMs / 1000, titles[type] ?? type, container, pod, namespace)
  }

  /** The pod is probed no more. */
  forgetProbes(uid: string): void {
    this.#probes.delete(uid)
  }

  families(): Family[] {
    return [
      this.#evictions,
      this.#preemptions,
      this.#rejections,
      this.#requests,
      this.#pullSeconds,
      this.#cgroupSeconds,
      this.#relistSeconds,
      this.#workerSeconds,
      this.#startSeconds,
      this.#startSliSeconds,
      this.#startTotalSeconds,
      this.#operations,
      this.#operationErrors,
      this.#operationSeconds,
      this.#storageSeconds,
    ].map((metric) => metric.family())
  }

  probeFamilies(): Family[] {
    const all = [...this.#probes.values()]
    return [
      { ...new Counter(probeTotal).family(), samples: all.flatMap(({ results }) => results.family().samples) },
      { ...new Histogram(probeSeconds).family(), samples: all.flatMap(({ seconds }) => seconds.family().samples) },
    ]
  }
}

/** By these the agent learns what runs, of one pod or of all: after an event, and not in rounds as upstream. */
const looks: ReadonlySet<string> = new Set(['list_podsandbox', 'podsandbox_status'])
const titles: Readonly<Record<string, string>> = { liveness: 'Liveness', readiness: 'Readiness', startup: 'Startup' }
const methods: ReadonlySet<string> = new Set(['OPTIONS', 'GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT'])
const longRunning: ReadonlySet<string> = new Set(['exec', 'attach', 'portForward'])
const roots: ReadonlySet<string> = new Set([
  ...['attach', 'configz', 'containerLogs', 'exec', 'healthz', 'logs', 'metrics', 'metrics/cadvisor', 'metrics/probes', 'metrics/proxy'],
  ...['metrics/resource', 'pods', 'portForward', 'run', 'runningpods', 'stats'],
])

/** The part of a path that says what is asked for; `other` for what is not served, so that callers cannot make series. */
function requestRoot(path: string): string {
  const [, first = '', second] = path.split('/')
  const root = first === 'metrics' && second ? `${first}/${second}` : first
  return roots.has(root) ? root : 'other'
}

const mebibyte = 2 ** 20
const gibibyte = 2 ** 30
/** Upstream's names, by the size that must be exceeded; the largest first. */
const sizes = [
  [100 * gibibyte, 'GT100GB'],
  [60 * gibibyte, '60GB-100GB'],
  [40 * gibibyte, '40GB-60GB'],
  [30 * gibibyte, '30GB-40GB'],
  [20 * gibibyte, '20GB-30GB'],
  [10 * gibibyte, '10GB-20GB'],
  [5 * gibibyte, '5GB-10GB'],
  [gibibyte, '1GB-5GB'],
  [500 * mebibyte, '500MB-1GB'],
  [100 * mebibyte, '100MB-500MB'],
  [10 * mebibyte, '10MB-100MB'],
  [0, '0-10MB'],
] as const

function imageSizeBucket(bytes: number): string {
  return sizes.find(([bound]) => bytes > bound)?.[1] ?? 'N/A'
}
