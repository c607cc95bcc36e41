import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { busyboxImage } from '../../scripts/images/busybox.ts'
import { createServiceAccountTokens } from '../../src/apiserver/authn/service-account-tokens.ts'
import { createTestApi } from '../../src/apiserver/test-api.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Client } from '../../src/client/contract.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import type { Container, ContainerStatus, Pod, PodSpec } from '../../src/kinds/generated/types/core-v1.ts'
import { cniConfig, cniConfigFile } from '../../src/node/cni/cni-config.ts'
import { type ContainerdSupervisor, createContainerdSupervisor } from '../../src/node/containerd/containerd-supervisor.ts'
import { containerdImageViews } from '../../src/node/containerd/image-views.ts'
import { importImages } from '../../src/node/containerd/import-images.ts'
import { ociLayoutTar } from '../../src/node/containerd/oci-image.ts'
import { pauseImageName } from '../../src/node/containerd/pause-image.ts'
import { evictionSignals } from '../../src/node/eviction/thresholds.ts'
import { removeAgentFiles } from '../../src/node/host/agent-files.ts'
import { createNodeAgent, type NodeAgentOptions } from '../../src/node/node-agent.ts'
import type { Runtime } from '../../src/node/runtime/contract.ts'
import { createCriRuntime } from '../../src/node/runtime/cri/cri-runtime.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { writeTextFile } from '../../src/platform/text-file.ts'
import { nodeDoor } from './node-door.ts'
import type { OwnNamespace } from './own-namespace.ts'

const waitMs = 30_000
const image = 'localhost/busybox:1'

/** Whatever the machine of the tests has left is enough. */
export const unbounded = Object.fromEntries(evictionSignals.map((signal) => [signal, { amount: 0 }]))

/** A node agent on a containerd of its own, beside an API in this process; everything in the test's own network namespace. */
export type AgentWorld = Awaited<ReturnType<typeof startAgentWorld>>

export async function startAgentWorld({ directory, stateDirectory, cgroup }: OwnNamespace, options: Partial<NodeAgentOptions> = {}) {
  const files = {
    rootDir: join(directory, 'kubelet'),
    logsDir: join(directory, 'logs'),
    cgroupRoot: `${cgroup}/kubepods`,
    clusterDns: { servers: ['10.96.0.10'], domain: 'cluster.local' },
  }
  const common = { clock: systemClock, log: silentLog }
  const tokens = createServiceAccountTokens({ ...signingKeys(), clock: systemClock, random: systemRandom, lookup: () => undefined })
  const client: Client = (await createTestApi({ clock: systemClock, random: systemRandom, tokens })).client
  for (const name of ['default', 'kube-node-lease']) {
    await client
      .resource(kindRefs.coreV1.namespaces)
      .create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
      .catch(() => {})
  }
  const engine = await startEngine({ directory, stateDirectory })
  const world = { ...engine, running: undefined as { stop: AbortController; done: Promise<void> } | undefined }
  const { door, get } = nodeDoor()
  const startAgent = () => {
    const stop = new AbortController()
    const agent = createNodeAgent({
      ...{ client, runtime: world.runtime, random: systemRandom, nodeName: 'n1', files, ...common },
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      door,
      imageViews: containerdImageViews(world.supervisor.socket),
      eviction: { hard: unbounded },
      ...options,
    })
    world.running = { stop, done: agent.run(stop.signal) }
  }
  const stopAgent = async () => {
    world.running?.stop.abort()
    await world.running?.done
    world.running = undefined
  }
  startAgent()
  return {
    files,
    client,
    startAgent,
    stopAgent,
    /** Asks the node's own API. */
    get,
    get runtime(): Runtime {
      return world.runtime
    },
    get supervisor(): ContainerdSupervisor {
      return world.supervisor
    },
    /** Puts the tests' image back after a node has removed it to free space. */
    restoreImage: () => importBusybox(world.supervisor.socket),
    /** Another containerd in the place of the one that was ended from outside. */
    restartEngine: async () => Object.assign(world, await startEngine({ directory, stateDirectory })),
    ...podTools(client, () => world.runtime, files.logsDir),
    close: async () => {
      await stopAgent()
      await world.runtime.close()
      await world.supervisor.stopAll('n1', { deleteData: true })
      await removeAgentFiles(files)
    },
  }
}

function signingKeys() {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
}

async function startEngine({ directory, stateDirectory }: Pick<OwnNamespace, 'directory' | 'stateDirectory'>) {
  const common = { clock: systemClock, log: silentLog }
  const cniConfigDirectory = join(stateDirectory, 'cni')
  const network = { podCidr: '10.244.7.0/24', bridge: 'keelson0', mtu: 1450, addressDirectory: join(stateDirectory, 'addresses') }
  writeTextFile(join(cniConfigDirectory, cniConfigFile), cniConfig(network))
  const supervisor = createContainerdSupervisor({
    dataDirectory: directory,
    stateDirectory,
    cniConfigDirectory,
    random: systemRandom,
    ...common,
  })
  await supervisor.start()
  await importBusybox(supervisor.socket)
  return { supervisor, runtime: createCriRuntime({ socket: supervisor.socket, owner: 'n1', pinnedImages: [pauseImageName], ...common }) }
}

const importBusybox = (socket: string) => importImages(socket, ociLayoutTar([{ name: image, image: busyboxImage() }]))

function podTools(client: Client, runtime: () => Runtime, logsDir: string) {
  const pods = () => client.resource(kindRefs.coreV1.pods, 'default')
  /** Watches until the pod is as wanted. Undefined: it is gone. */
  const until = async (name: string, condition: (pod: Pod | undefined) => boolean, limitMs = waitMs): Promise<Pod | undefined> => {
    const signal = AbortSignal.timeout(limitMs)
    let last: Pod | undefined
    const watch = { signal, fieldSelector: `metadata.name=${name}`, sendInitialEvents: true, allowWatchBookmarks: true }
    try {
      for await (const event of pods().watch(watch)) {
        if (event.type === 'BOOKMARK') {
          if (event.isInitialEventsEnd && !last && condition(undefined)) return undefined
          continue
        }
        last = event.type === 'DELETED' ? undefined : event.object
        if (condition(last)) return last
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return assert.fail(`${name} did not get there: ${JSON.stringify(last?.status)}`)
  }
  /** Watches until an event about the pod is as wanted; gives its message. */
  const untilEvent = async (podName: string, reason: string): Promise<string> => {
    const signal = AbortSignal.timeout(waitMs)
    const seen: string[] = []
    try {
      for await (const event of client
        .resource(kindRefs.coreV1.events, 'default')
        .watch({ signal, sendInitialEvents: true, allowWatchBookmarks: true })) {
        if (event.type === 'BOOKMARK' || event.object.involvedObject.name !== podName) continue
        if (event.object.reason === reason) return event.object.message ?? ''
        seen.push(`${event.object.reason}: ${event.object.message}`)
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return assert.fail(`no event ${reason} of ${podName}: ${seen.join('\n')}`)
  }
  return {
    pods,
    until,
    untilEvent,
    create: (name: string, spec: Partial<PodSpec>, metadata: Pod['metadata'] = {}) =>
      pods().create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, ...metadata },
        spec: { nodeName: 'n1', terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, containers: [], ...spec },
      }),
    remove: async (name: string) => {
      await pods().delete(name, { gracePeriodSeconds: 1 })
      await until(name, (pod) => pod === undefined)
    },
    logOf: (pod: Pod) => {
      const { namespace, name, uid } = pod.metadata
      const text = readFileSync(join(logsDir, 'pods', `${namespace}_${name}_${uid}`, 'main', '0.log'), 'utf8')
      return text
        .split('\n')
        .map((line) => line.split(' ').slice(3).join(' '))
        .join('\n')
        .trim()
    },
    execText: async (pod: Pod | undefined, command: readonly string[]) => {
      const { stdout, stderr } = await runtime().execSync(idOf(pod), command, { timeoutMs: 10_000 })
      return (Buffer.from(stdout).toString() + Buffer.from(stderr).toString()).trim()
    },
  }
}

export const shell = (script: string) =>
  ({ name: 'main', image, imagePullPolicy: 'Never', command: ['/bin/sh', '-c', script] }) as const satisfies Container
export const isReady = (pod: Pod | undefined) => pod?.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true
export const isOver = (pod: Pod | undefined) => pod?.status?.phase === 'Succeeded' || pod?.status?.phase === 'Failed'
export const first = (pod: Pod | undefined): ContainerStatus | undefined => pod?.status?.containerStatuses?.[0]
export const idOf = (pod: Pod | undefined) => first(pod)!.containerID!.slice('containerd://'.length)
