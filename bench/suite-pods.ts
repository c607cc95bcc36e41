import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { busyboxImage } from '../scripts/images/busybox.ts'
import { startRegistry } from '../scripts/images/registry.ts'
import { silentLog } from '../src/base/log.ts'
import type { Client } from '../src/client/contract.ts'
import { createHttpClient } from '../src/client/http-client.ts'
import { ObjectInformer } from '../src/client/informer.ts'
import { loadKubeconfig, resolveContext } from '../src/client/kubeconfig.ts'
import { pods } from '../src/kinds/core/pod.ts'
import type { Pod } from '../src/kinds/generated/types/core-v1.ts'
import { writeRegistryHosts } from '../src/node/containerd/registry-hosts.ts'
import type { ContainerSpec, Runtime, SandboxSpec } from '../src/node/runtime/contract.ts'
import { createCriRuntime } from '../src/node/runtime/cri/cri-runtime.ts'
import { systemClock } from '../src/platform/system-clock.ts'
import { systemRandom } from '../src/platform/system-random.ts'
import { type NodePaths, nodePaths } from '../src/roles/node/node-paths.ts'
import type { SuiteOptions } from './main.ts'
import { type Figure, median, report } from './measure.ts'
import { freePort } from './own-server.ts'

const registryName = 'registry.keelson.test'
const image = `${registryName}/busybox:1`
const command = ['/bin/sleep', '3600']

/** Real pods on a containerd of their own, each beside the bare CRI calls that any agent has to make for it. Needs root. */
export async function podsSuite({ isQuick }: SuiteOptions): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-bench-pods-'))
  const registry = await startRegistry()
  registry.add('busybox', '1', busyboxImage())
  writeRegistryHosts(join(dataDir, 'registries.d'), registryName, registry.url)
  try {
    await keelson(['up', '--runtime', 'containerd', '--no-merge', '--listen', `0.0.0.0:${await freePort()}`, '--data-dir', dataDir])
    report('pods on containerd', await withCluster(dataDir, (cluster) => measure(cluster, isQuick)))
  } finally {
    await keelson(['down', '--delete', '--data-dir', dataDir])
    await registry.close()
  }
}

type Cluster = { readonly client: Client; readonly watch: PodWatch; readonly runtime: Runtime; readonly paths: NodePaths }

async function withCluster<T>(dataDir: string, use: (cluster: Cluster) => Promise<T>): Promise<T> {
  const { connection } = resolveContext(loadKubeconfig([join(dataDir, 'admin.kubeconfig')]))
  const client = createHttpClient({ ...connection, clock: systemClock })
  const paths = nodePaths(dataDir)
  // Another owner than the node's agent, which so leaves these sandboxes alone.
  const runtime = createCriRuntime({ socket: paths.containerdSocket, owner: 'bench', clock: systemClock, log: silentLog })
  const stopping = new AbortController()
  const informer = new ObjectInformer({
    client,
    kind: pods,
    namespace: 'default',
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  })
  const watching = informer.run(stopping.signal)
  try {
    await informer.synced()
    return await use({ client, watch: new PodWatch(informer), runtime, paths })
  } finally {
    stopping.abort()
    await watching.catch(() => {})
    await runtime.close()
    client.close()
  }
}

async function measure(cluster: Cluster, isQuick: boolean): Promise<Figure[]> {
  await startPod(cluster, 'warm-up')
  await bareCalls(cluster, 'warm-up')
  const [podMs, bareMs]: [number[], number[]] = [[], []]
  // By turns, so that whatever else the machine does meets both.
  for (let i = 0; i < (isQuick ? 5 : 15); i++) {
    bareMs.push(await bareCalls(cluster, `bare-${i}`))
    podMs.push(await startPod(cluster, `one-${i}`))
  }
  await removeBare(cluster)
  await removePods(cluster)
  const count = isQuick ? 20 : 50
  const names = Array.from({ length: count }, (_, i) => `many-${i}`)
  const manyMs = await Promise.all(names.map((name) => startPod(cluster, name)))
  await removePods(cluster)
  const manyBareMs = await Promise.all(names.map((name) => bareCalls(cluster, name)))
  await removeBare(cluster)
  return [
    { name: 'bare CRI calls, p50', value: median(bareMs), unit: 'ms', better: 'lower' },
    { name: 'pod created → Ready, p50', value: median(podMs), unit: 'ms', better: 'lower' },
    { name: 'ratio', value: median(podMs) / median(bareMs), unit: '×', goal: 1.3, better: 'lower' },
    { name: `${count} pods at once, all Ready`, value: Math.max(...manyMs) / 1000, unit: 's', goal: 8, better: 'lower' },
    { name: `${count} pods at once, p50`, value: median(manyMs) / 1000, unit: 's', better: 'lower' },
    { name: `the bare CRI calls of ${count} pods at once`, value: Math.max(...manyBareMs) / 1000, unit: 's', better: 'lower' },
  ]
}

/** Milliseconds from sending the create to seeing the pod Ready. */
async function startPod({ client, watch }: Cluster, name: string): Promise<number> {
  const startedMs = performance.now()
  const ready = watch.until(name, isReady)
  await client.resource(pods, 'default').create({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      containers: [{ name: 'main', image, imagePullPolicy: 'IfNotPresent', command }],
    },
  } as Pod)
  await ready
  return performance.now() - startedMs
}

async function removePods({ client, watch }: Cluster): Promise<void> {
  const gone = watch.untilEmpty()
  await client.resource(pods, 'default').deleteCollection()
  await gone
}

/** The three calls that make a pod of one container, at a containerd which has the image. */
async function bareCalls({ runtime, paths }: Cluster, name: string): Promise<number> {
  const sandbox = sandboxSpec(name, paths)
  mkdirSync(sandbox.logDirectory, { recursive: true })
  const startedMs = performance.now()
  const { sandboxId } = await runtime.runSandbox(sandbox)
  await runtime.startContainer(await runtime.createContainer(sandboxId, containerSpec, sandbox))
  return performance.now() - startedMs
}

async function removeBare({ runtime }: Cluster): Promise<void> {
  for (const { sandboxId } of await runtime.list()) {
    await runtime.stopSandbox(sandboxId)
    await runtime.removeSandbox(sandboxId)
  }
}

const sandboxSpec = (name: string, { logsDir, cgroupRoot }: NodePaths): SandboxSpec => ({
  ...{ namespace: 'bench', name, uid: name, attempt: 0, hostname: name, hostUsers: true, runtimeHandler: '', labels: {}, annotations: {} },
  ...{ hostNetwork: false, hostPid: false, hostIpc: false, shareProcessNamespace: false, privileged: false, portMappings: [], sysctls: {} },
  ...{ logDirectory: join(logsDir, 'bench', name), cgroupParent: `${cgroupRoot}/bench-${name}` },
  dns: { servers: ['10.96.0.10'], searches: ['default.svc.cluster.local'], options: ['ndots:5'] },
  ...{ runAsUser: undefined, runAsGroup: undefined, supplementalGroups: [], seccomp: { type: 'RuntimeDefault' as const } },
})

const containerSpec: ContainerSpec = {
  ...{ name: 'main', attempt: 0, specHash: 'h', image, userImage: image, command, args: [], workingDir: '', env: [], mounts: [] },
  ...{
    devices: [],
    logPath: 'main/0.log',
    stdin: false,
    stdinOnce: false,
    tty: false,
    oomScoreAdj: 1000,
    stopSignal: undefined,
    isAwaited: false,
  },
  resources: { cpuShares: undefined, cpuQuotaUs: undefined, cpuPeriodUs: undefined, memoryLimitBytes: undefined, unified: {} },
  security: {
    ...{ privileged: false, readOnlyRootFilesystem: false, allowPrivilegeEscalation: true, addCapabilities: [], dropCapabilities: [] },
    ...{ runAsUser: undefined, runAsUsername: undefined, runAsGroup: undefined, supplementalGroups: [], procMount: 'Default' },
    // As the agent has it for a pod that says nothing of it.
    ...{ seccomp: { type: 'Unconfined' }, shareProcessNamespace: false, hostPid: false, hostIpc: false, hostNetwork: false },
  },
}

const isReady = (pod: Pod | undefined) => pod?.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false

/** Waits for states of pods, by one watch. */
class PodWatch {
  readonly #informer: ObjectInformer<Pod>
  constructor(informer: ObjectInformer<Pod>) {
    this.#informer = informer
  }

  until(name: string, condition: (pod: Pod | undefined) => boolean): Promise<void> {
    return this.#until(() => condition(this.#informer.get(`default/${name}`)), name)
  }

  untilEmpty(): Promise<void> {
    return this.#until(() => this.#informer.list().length === 0, 'no pod left')
  }

  #until(condition: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      if (condition()) return resolve()
      const end = (then: () => void) => {
        clearTimeout(timer)
        remove()
        then()
      }
      const timer = setTimeout(() => end(() => reject(new Error(`not within 60 s: ${what}`))), 60_000)
      const remove = this.#informer.onChange(() => {
        if (condition()) end(resolve)
      })
    })
  }
}

function keelson(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('./keelson', args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`keelson ${args[0]} ended with ${code}: ${stderr}`))))
  })
}
