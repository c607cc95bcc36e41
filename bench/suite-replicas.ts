import { setTimeout as wait } from 'node:timers/promises'
import type { SuiteOptions } from './main.ts'
import { once } from './load.ts'
import { report } from './measure.ts'
import { startOwnServer, targetOf } from './own-server.ts'
import type { Target } from './raw-connection.ts'

const namespace = 'keelson-bench-replicas'

/** A Deployment of 1,000 replicas: created until every pod is bound, then scaled to zero. */
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
    await wait(500)
    const createdMs = await timed(async () => {
      await once(target, { method: 'POST', path: `/apis/apps/v1/namespaces/${namespace}/deployments`, body: deployment(replicas) })
      await until(async () => (await countBound(target)) >= replicas)
    })
    const scaledMs = await timed(async () => {
      await once(target, {
        method: 'PATCH',
        path: `/apis/apps/v1/namespaces/${namespace}/deployments/wide`,
        body: JSON.stringify({ spec: { replicas: 0 } }),
        contentType: 'application/merge-patch+json',
      })
      await until(async () => (await countLive(target)) === 0)
    })
    await once(target, { method: 'DELETE', path: `/api/v1/namespaces/${namespace}` })
    report(`a Deployment of ${replicas} replicas`, [
      { name: 'created and every pod bound', value: createdMs, unit: 'ms', ...(options.isQuick ? {} : { goal: 600 }), better: 'lower' },
      { name: 'scaled to zero, every pod told to end', value: scaledMs, unit: 'ms', better: 'lower' },
    ])
  } finally {
    await own?.stop()
  }
}

async function timed(act: () => Promise<void>): Promise<number> {
  const startedAt = performance.now()
  await act()
  return performance.now() - startedAt
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 120_000
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error('not within 120 s')
    await wait(20)
  }
}

type PodItem = { spec?: { nodeName?: string }; metadata: { deletionTimestamp?: string } }

async function listPods(target: Target): Promise<PodItem[]> {
  const reply = await once(target, { method: 'GET', path: `/api/v1/namespaces/${namespace}/pods?resourceVersion=0` })
  return (JSON.parse(reply.body.toString()) as { items: PodItem[] }).items
}

const countBound = async (target: Target) => (await listPods(target)).filter((p) => p.spec?.nodeName).length
const countLive = async (target: Target) => (await listPods(target)).filter((p) => !p.metadata.deletionTimestamp).length

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
