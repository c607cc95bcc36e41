import { setTimeout as wait } from 'node:timers/promises'
import type { PodTemplateSpec } from '../src/kinds/generated/types/core-v1.ts'
import { type Cluster, startCluster } from '../src/roles/embedded.ts'
import { noRevision, type Store } from '../src/store/contract.ts'
import { createMemoryStore } from '../src/store/memory.ts'
import { systemClock } from '../src/platform/system-clock.ts'
import type { SuiteOptions } from './main.ts'
import { type Figure, report } from './measure.ts'

const namespace = 'default'
const name = 'wide'
const labels = { app: name }

type Workload = {
  readonly kind: string
  /** What the pods of one life cannot do without: see `leastWrites`. */
  readonly least: { readonly created: number; readonly ended: number }
  readonly template: Partial<NonNullable<PodTemplateSpec['spec']>>
  create(cluster: Cluster, replicas: number, template: PodTemplateSpec): Promise<unknown>
  /** All that was asked for is there; `ended` pods of a Job are. */
  isUp(cluster: Cluster, replicas: number): Promise<boolean>
  toZero(cluster: Cluster): Promise<unknown>
  remove(cluster: Cluster): Promise<unknown>
}

/**
 * Writes that a pod costs at least. Up: its creation, its binding and one status; a pod of a Job one status more and the
 * removal of its finalizer. Down: the request to end, the phase that it ends in, and the removal; for ended pods of a Job the removal alone.
 * That phase is told before the removal: https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase promises it.
 */
const running = { created: 3, ended: 3 }
const finished = { created: 5, ended: 1 }
const propagation = { propagationPolicy: 'Background' } as const

const workloads: readonly Workload[] = [
  {
    kind: 'Deployment',
    least: running,
    template: {},
    create: ({ clientset }, replicas, template) =>
      clientset
        .appsV1()
        .deployments(namespace)
        .create({ metadata: { name }, spec: { replicas, selector: { matchLabels: labels }, template } }),
    isUp: async ({ clientset }, replicas) => (await clientset.appsV1().deployments(namespace).get(name)).status?.readyReplicas === replicas,
    toZero: ({ clientset }) => clientset.appsV1().deployments(namespace).scale(name, 0),
    remove: ({ clientset }) => clientset.appsV1().deployments(namespace).delete(name, propagation),
  },
  {
    kind: 'StatefulSet',
    least: running,
    template: {},
    create: ({ clientset }, replicas, template) =>
      clientset
        .appsV1()
        .statefulSets(namespace)
        .create({
          metadata: { name },
          spec: { replicas, serviceName: name, podManagementPolicy: 'Parallel', selector: { matchLabels: labels }, template },
        }),
    isUp: async ({ clientset }, replicas) =>
      (await clientset.appsV1().statefulSets(namespace).get(name)).status?.readyReplicas === replicas,
    toZero: ({ clientset }) => clientset.appsV1().statefulSets(namespace).scale(name, 0),
    remove: ({ clientset }) => clientset.appsV1().statefulSets(namespace).delete(name, propagation),
  },
  {
    kind: 'Job',
    least: finished,
    template: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'registry.example/fake-exit:0' }] },
    create: ({ clientset }, replicas, template) =>
      clientset
        .batchV1()
        .jobs(namespace)
        .create({ metadata: { name }, spec: { completions: replicas, parallelism: replicas, template } }),
    isUp: async ({ clientset }, replicas) => (await clientset.batchV1().jobs(namespace).get(name)).status?.succeeded === replicas,
    toZero: async () => {},
    remove: ({ clientset }) => clientset.batchV1().jobs(namespace).delete(name, propagation),
  },
]

/** A thousand pods of each workload: created, scaled to zero, deleted with their garbage. Time, and writes a pod against the least possible. */
export async function workloadsSuite(options: SuiteOptions): Promise<void> {
  const replicas = options.isQuick ? 200 : 1000
  for (const workload of workloads) report(`a ${workload.kind} of ${replicas} pods, in one process`, await measure(workload, replicas))
}

type Writes = { pods: number; events: number; others: number }

async function measure(workload: Workload, replicas: number): Promise<Figure[]> {
  const store = createMemoryStore({ clock: systemClock })
  const cluster = await startCluster({ nodes: 20, store })
  const stopping = new AbortController()
  const writes: Writes = { pods: 0, events: 0, others: 0 }
  const counting = count(store, writes, stopping.signal)
  try {
    await until(async () => (await cluster.clientset.coreV1().nodes().list()).items.length === 20)
    await wait(1_000)
    const spec = { containers: [{ name: 'main', image: 'registry.example/bench:1' }], ...workload.template }
    const up = await timed(
      writes,
      () => workload.create(cluster, replicas, { metadata: { labels }, spec }),
      () => workload.isUp(cluster, replicas),
    )
    const hasNone = async () => (await cluster.clientset.coreV1().pods(namespace).list({ limit: 1 })).items.length === 0
    const isJob = workload.kind === 'Job'
    const zero = isJob ? undefined : await timed(writes, () => workload.toZero(cluster), hasNone)
    const isGone = async () => (await hasNone()) && (await garbageOf(cluster)) === 0
    const gone = await timed(writes, () => workload.remove(cluster), isGone)
    const ms = (label: string, value: number): Figure => ({ name: label, value, unit: 'ms', better: 'lower' })
    const aPod = (label: string, { writes: w }: Timed, least: number): Figure[] => [
      { name: `${label}: writes of pods, a pod (least ${least})`, value: w.pods / replicas, unit: '', better: 'lower' },
      { name: `${label}: Events, a pod`, value: w.events / replicas, unit: '', better: 'lower' },
      { name: `${label}: writes of all else, a pod`, value: w.others / replicas, unit: '', better: 'lower' },
    ]
    return [
      ms(isJob ? 'created, every pod Succeeded' : 'created, every pod Ready', up.ms),
      ...aPod('up', up, workload.least.created),
      ...(zero ? [ms('scaled to zero, every pod gone', zero.ms), ...aPod('down', zero, workload.least.ended)] : []),
      ms('deleted, nothing left', gone.ms),
      ...(isJob ? aPod('deleted', gone, workload.least.ended) : []),
    ]
  } finally {
    stopping.abort()
    await counting
    await cluster.close()
    await store.close()
  }
}

/** What the workload left behind and the collector has not taken yet. */
async function garbageOf({ clientset }: Cluster): Promise<number> {
  const [sets, revisions] = await Promise.all([
    clientset.appsV1().replicaSets(namespace).list(),
    clientset.appsV1().controllerRevisions(namespace).list(),
  ])
  return sets.items.length + revisions.items.length
}

async function count(store: Store, writes: Writes, signal: AbortSignal): Promise<void> {
  for await (const { events } of store.watch('/registry/', { after: noRevision, signal })) {
    for (const { key } of events) {
      if (key.startsWith('/registry/core/pods/')) writes.pods++
      else if (/^\/registry\/(?:core|events\.k8s\.io)\/events\//.test(key)) writes.events++
      // What nodes say of themselves goes on without any pods.
      else if (!/^\/registry\/(?:coordination\.k8s\.io\/leases|core\/nodes)\//.test(key)) writes.others++
    }
  }
}

type Timed = { readonly ms: number; readonly writes: Writes }

async function timed(writes: Writes, begin: () => Promise<unknown>, isDone: () => Promise<boolean>): Promise<Timed> {
  const before = { ...writes }
  const startMs = performance.now()
  await begin()
  await until(isDone)
  const ms = performance.now() - startMs
  // The watch that counts may be a moment behind.
  await wait(200)
  return { ms, writes: { pods: writes.pods - before.pods, events: writes.events - before.events, others: writes.others - before.others } }
}

async function until(isDone: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 300_000
  while (!(await isDone())) {
    if (performance.now() > deadline) throw new Error('not within 300 s')
    await wait(20)
  }
}
