import { setTimeout as wait } from 'node:timers/promises'
import { silentLog } from '../src/base/log.ts'
import { createHttpClient } from '../src/client/http-client.ts'
import { ObjectInformer } from '../src/client/informer.ts'
import { pods } from '../src/kinds/core/pod.ts'
import { systemClock } from '../src/platform/system-clock.ts'
import { systemRandom } from '../src/platform/system-random.ts'
import type { SuiteOptions } from './main.ts'
import { cpuOf, once } from './load.ts'
import { type Figure, report } from './measure.ts'
import { startOwnServer, targetOf } from './own-server.ts'
import type { Target } from './raw-connection.ts'

const namespace = 'keelson-bench-replicas'

const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`

/** A Deployment of 1,000 replicas: created until every pod is bound, then scaled to zero; both as one watch sees it. */
export async function replicasSuite(options: SuiteOptions): Promise<void> {
  const own = options.kubeconfig ? undefined : await startOwnServer({ nodes: 20 })
  const target = own?.target ?? targetOf(options.kubeconfig!)
  const replicas = options.isQuick ? 300 : 1000
  try {
    await once(target, {
      method: 'POST',
      path: '/api/v1/namespaces',
      body: JSON.stringify({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }),
    })
    report(
      `a Deployment of ${replicas} replicas`,
      await watched(target, (watch) => measure({ target, watch, replicas, pids: own ? [own.pid] : options.pids })),
    )
    await once(target, { method: 'DELETE', path: `/api/v1/namespaces/${namespace}` })
  } finally {
    await own?.stop()
  }
}

async function measure(options: { target: Target; watch: PodWatch; replicas: number; pids: readonly number[] }): Promise<Figure[]> {
  const { target, watch, replicas, pids } = options
  // A server that has just started still has a few things to do.
  await wait(1000)
  const cpu = () => (cpuOf(pids) ?? Number.NaN) * 1000
  const cpuBefore = cpu()
  const startedMs = performance.now()
  await once(target, { method: 'POST', path: deployments, body: deployment(replicas) })
  await watch.until((list) => list.filter((pod) => pod.spec?.nodeName).length >= replicas)
  const boundMs = performance.now() - startedMs
  const cpuMs = cpu() - cpuBefore
  await watch.until((list) => list.filter((pod) => pod.status?.phase === 'Running').length >= replicas)
  const runningMs = performance.now() - startedMs
  const scaledAtMs = performance.now()
  await once(target, {
    method: 'PATCH',
    path: `${deployments}/wide`,
    body: JSON.stringify({ spec: { replicas: 0 } }),
    contentType: 'application/merge-patch+json',
  })
  await watch.until((list) => list.every((pod) => pod.metadata.deletionTimestamp))
  const scaledMs = performance.now() - scaledAtMs
  return [
    // Fewer pods say nothing of the goal.
    { name: 'created and every pod bound', value: boundMs, unit: 'ms', ...(replicas < 1000 ? {} : { goal: 600 }), better: 'lower' },
    ...(pids.length === 0 ? [] : [{ name: 'server CPU until then', value: cpuMs, unit: 'ms', better: 'lower' as const }]),
    { name: 'every pod Running', value: runningMs, unit: 'ms', better: 'lower' },
    { name: 'scaled to zero, every pod told to end', value: scaledMs, unit: 'ms', better: 'lower' },
  ]
}

type PodItem = {
  readonly metadata: { readonly deletionTimestamp?: string | undefined }
  readonly spec?: { readonly nodeName?: string | undefined } | undefined
  readonly status?: { readonly phase?: string | undefined } | undefined
}
type PodWatch = { until(condition: (pods: readonly PodItem[]) => boolean): Promise<void> }

/** One watch costs the server less than polling, which would measure itself. */
async function watched<T>(target: Target, use: (watch: PodWatch) => Promise<T>): Promise<T> {
  const { host, port, ...credentials } = target
  const client = createHttpClient({ server: `https://${host}:${port}`, ...credentials, clock: systemClock })
  const informer = new ObjectInformer({ client, kind: pods, namespace, clock: systemClock, random: systemRandom, log: silentLog })
  const stopping = new AbortController()
  const watching = informer.run(stopping.signal)
  const until: PodWatch['until'] = async (condition) => {
    const deadline = performance.now() + 120_000
    while (!condition(informer.list())) {
      if (performance.now() > deadline) throw new Error('not within 120 s')
      await wait(5)
    }
  }
  try {
    await informer.synced()
    return await use({ until })
  } finally {
    stopping.abort()
    await watching.catch(() => {})
    client.close()
  }
}

function deployment(replicas: number): string {
  return JSON.stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'wide' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'wide' } },
      template: {
        metadata: { labels: { app: 'wide' } },
        spec: { containers: [{ name: 'main', image: 'registry.example/bench:1', resources: { requests: { cpu: '1m', memory: '1Mi' } } }] },
      },
    },
  })
}
