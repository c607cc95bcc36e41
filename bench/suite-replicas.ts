import { setTimeout as wait } from 'node:timers/promises'
import { silentLog } from '../src/base/log.ts'
import { ObjectInformer } from '../src/client/informer.ts'
import { clientFromKubeconfig } from '../src/client/kubeconfig.ts'
import { pods } from '../src/kinds/core/pod.ts'
import { systemClock } from '../src/platform/system-clock.ts'
import { systemRandom } from '../src/platform/system-random.ts'
import type { SuiteOptions } from './main.ts'
import { cpuOf, deleteNamespace, newNamespace, once } from './load.ts'
import { type Figure, report } from './measure.ts'
import { startOwnServer } from './own-server.ts'
import { type Target, targetOf } from './target.ts'

/** A Deployment of 1,000 replicas: created until every pod is bound, then scaled to zero; both as one watch sees it. */
export async function replicasSuite(options: SuiteOptions): Promise<void> {
  const own = options.kubeconfig ? undefined : await startOwnServer({ nodes: 20 })
  const kubeconfig = own?.kubeconfig ?? options.kubeconfig!
  const target = targetOf(kubeconfig)
  const replicas = options.isQuick ? 300 : 1000
  try {
    const namespace = await newNamespace(target, 'replicas')
    const place = { target, namespace, pids: own ? [own.pid] : options.pids }
    const figures = await watched({ kubeconfig, namespace }, (watch) => measure({ ...place, watch, replicas }))
    report(`a Deployment of ${replicas} replicas`, figures)
    await deleteNamespace(target, namespace)
  } finally {
    await own?.stop()
  }
}

type Place = { readonly target: Target; readonly namespace: string; readonly pids: readonly number[] }

async function measure(options: Place & { readonly watch: PodWatch; readonly replicas: number }): Promise<Figure[]> {
  const { target, namespace, watch, replicas, pids } = options
  const deployments = `/apis/apps/v1/namespaces/${namespace}/deployments`
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
async function watched<T>(
  of: { readonly kubeconfig: string; readonly namespace: string },
  use: (watch: PodWatch) => Promise<T>,
): Promise<T> {
  const { client } = clientFromKubeconfig({ paths: [of.kubeconfig] })
  const { namespace } = of
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
