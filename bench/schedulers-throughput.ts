import { type ChildProcess, spawn } from 'node:child_process'
import { startBatchQueue } from '../examples/batch-queue/batch-queue.ts'
import { silentLog } from '../src/base/log.ts'
import type { Client } from '../src/client/contract.ts'
import { kindRefs } from '../src/client/generated/kind-refs.ts'
import type { Pod } from '../src/kinds/generated/types/core-v1.ts'
import { createHttpClient } from '../src/client/http-client.ts'
import { ObjectInformer } from '../src/client/informer.ts'
import { systemClock } from '../src/platform/system-clock.ts'
import { systemRandom } from '../src/platform/system-random.ts'
import { loadKubeconfig, resolveContext } from '../src/client/kubeconfig.ts'
import { cpuSeconds, type Figure } from './measure.ts'
import { type OwnServer, startOwnServer } from './own-server.ts'

type Mode = { readonly name: string; readonly flags: readonly string[]; readonly processes?: number; readonly frameworks?: number }

const modes: readonly Mode[] = [
  { name: 'one scheduler', flags: [] },
  { name: '2 in the server', flags: ['--schedulers', '2'] },
  { name: '4 in the server', flags: ['--schedulers', '4'] },
  { name: '2 processes of their own', flags: ['--schedulers', '0'], processes: 2 },
  { name: 'offers, one framework', flags: [], frameworks: 1 },
  { name: 'offers, 2 frameworks', flags: [], frameworks: 2 },
]
const namespace = 'keelson-bench-schedulers'
const nodeCount = 50

/** Pods created and bound on nodes that are objects only: from the first create to the last binding, as one watch sees it. */
export async function bindingThroughput({ pods }: { readonly pods: number }): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const mode of modes) figures.push(...(await measure(mode, pods)))
  return figures
}

async function measure(mode: Mode, count: number): Promise<Figure[]> {
  // Nobody speaks for the nodes: on a busy machine they would be taken for lost before all pods are bound.
  const server = await startOwnServer({ nodes: 0, moreArgs: [...mode.flags, '--node-monitor-grace-period', '1h'] })
  const { connection } = resolveContext(loadKubeconfig([server.kubeconfig]))
  const client = createHttpClient({ ...connection, clock: systemClock })
  const others = Array.from({ length: mode.processes ?? 0 }, (_, i) => startScheduler(server, `process-${i + 1}`))
  const stop = new AbortController()
  try {
    await client.resource(kindRefs.coreV1.namespaces).create({ metadata: { name: namespace } })
    await addNodes(client)
    const parts = { client, clock: systemClock, random: systemRandom, log: silentLog }
    const informer = new ObjectInformer({ ...parts, kind: kindRefs.coreV1.pods, namespace })
    void informer.run(stop.signal)
    await informer.synced()
    await joined(client, mode)
    const cpuBefore = cpuOf(server, others)
    const startedMs = performance.now()
    const bound = untilBound(informer, count)
    if (mode.frameworks) await startQueues(client, mode.frameworks, count, stop.signal)
    else await createPods(client, count)
    await bound
    const seconds = (performance.now() - startedMs) / 1_000
    const cpuMs = ((cpuOf(server, others) - cpuBefore) * 1_000) / count
    return [
      { name: `${mode.name}: pods created and bound`, value: count / seconds, unit: 'pods/s', better: 'higher' },
      { name: `${mode.name}: CPU of servers and schedulers`, value: cpuMs, unit: 'ms/pod', better: 'lower' },
    ]
  } finally {
    stop.abort()
    for (const { child } of others) child.kill('SIGTERM')
    client.close()
    await server.stop()
  }
}

type Other = { readonly child: ChildProcess }

function startScheduler(server: OwnServer, name: string): Other {
  return { child: spawn('./keelson', ['scheduler', '--kubeconfig', server.kubeconfig, '--name', name], { stdio: 'ignore' }) }
}

const cpuOf = (server: OwnServer, others: readonly Other[]) =>
  [server.pid, ...others.map(({ child }) => child.pid!)].reduce((sum, pid) => sum + cpuSeconds(pid), 0)

/** Schedulers say by their leases that they are at work. */
async function joined(client: Client, { flags, processes = 0 }: Mode): Promise<void> {
  const inServer = flags[0] === '--schedulers' ? Number(flags[1]) : 0
  for (let i = 0; i < 200; i++) {
    const { items } = await client.resource(kindRefs.coordinationV1.leases, 'kube-system').list({ labelSelector: 'keelson.dev/scheduler' })
    if (items.filter((lease) => lease.spec?.holderIdentity).length >= inServer + processes) break
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await new Promise((resolve) => setTimeout(resolve, 1_000))
}

async function addNodes(client: Client): Promise<void> {
  const nodes = client.resource(kindRefs.coreV1.nodes)
  const status = {
    allocatable: { cpu: '64', memory: '256Gi', pods: '250' },
    conditions: [{ type: 'Ready', status: 'True' as const, lastHeartbeatTime: new Date().toISOString() }],
  }
  for (let i = 0; i < nodeCount; i++) {
    const name = `bench-${i}`
    await nodes.create({ metadata: { name } })
    await nodes.patch(name, { type: 'merge', body: { status } }, { subresource: 'status' })
  }
  // The taint of new nodes goes when the controller has seen that they are ready.
  for (let i = 0; i < 200; i++) {
    if ((await nodes.list()).items.every((node) => !node.spec?.taints?.length)) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the nodes kept their taints for 20 s')
}

const requests = { cpu: '100m', memory: '64Mi' }

async function createPods(client: Client, count: number): Promise<void> {
  const pods = client.resource(kindRefs.coreV1.pods, namespace)
  let next = 0
  const worker = async () => {
    for (let i = next++; i < count; i = next++)
      await pods.create({
        metadata: { name: `p-${i}` },
        spec: { automountServiceAccountToken: false, containers: [{ name: 'c', image: 'c:1', resources: { requests: { ...requests } } }] },
      })
  }
  await Promise.all(Array.from({ length: 32 }, worker))
}

async function startQueues(client: Client, frameworks: number, count: number, signal: AbortSignal): Promise<void> {
  for (let i = 0; i < frameworks; i++) {
    const parts = { client, clock: systemClock, random: systemRandom, log: silentLog, namespace, name: `queue-${i}` }
    await startBatchQueue({ ...parts, tasks: count / frameworks, image: 'c:1', requests }, signal)
  }
}

function untilBound(informer: ObjectInformer<Pod>, count: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let bound = 0
    const end = (then: () => void) => {
      clearTimeout(timer)
      remove()
      then()
    }
    const timer = setTimeout(() => end(() => reject(new Error(`${bound} of ${count} pods were bound in 5 minutes`))), 300_000)
    const remove = informer.onChange(({ current, old }) => {
      if (!current?.spec?.nodeName || old?.spec?.nodeName) return
      if (++bound === count) end(resolve)
    })
  })
}
