/**
 * A real node: containerd, the pod network, the agent, the service network and DNS, composed for one network namespace.
 * What runs in it outlives it: a restart finds containers, rules and routes as they are.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import type { Clock } from '../../base/clock.ts'
import { sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { quietLog } from '../../base/quiet-log.ts'
import type { Random } from '../../base/random.ts'
import type { ClientMetrics } from '../../client/client-metrics.ts'
import type { Client } from '../../client/contract.ts'
import { InformerFactory } from '../../control/informer-factory.ts'
import { clusterView } from '../../dns/cluster-view.ts'
import { createDnsServer } from '../../dns/dns-server.ts'
import { parseResolvConf } from '../../dns/upstreams.ts'
import { namespaces } from '../../kinds/core/namespace.ts'
import { nodes } from '../../kinds/core/node.ts'
import { services } from '../../kinds/core/service.ts'
import { endpointSlices } from '../../kinds/discovery/endpoint-slice.ts'
import { createPodNetwork } from '../../node/cni/pod-network.ts'
import { createContainerdSupervisor, useExternalContainerd } from '../../node/containerd/containerd-supervisor.ts'
import { pauseImageName } from '../../node/containerd/pause-image.ts'
import { containerdImageViews } from '../../node/containerd/image-views.ts'
import { createNodeAgent } from '../../node/node-agent.ts'
import { watchManifests } from '../../node/static-pods/manifest-folder.ts'
import { createCriRuntime } from '../../node/runtime/cri/cri-runtime.ts'
import { isInMemory, mountTmpfs } from '../../platform/mount.ts'
import type { CertifiedKey } from '../../platform/pki/certificate.ts'
import { createProxy } from '../../proxy/loop.ts'
import { ProxyMetrics } from '../../proxy/proxy-metrics.ts'
import type { ClusterNetwork } from '../cluster-network.ts'
import { machineShutdown } from './machine-shutdown.ts'
import { keepPodNetwork } from './keep-pod-network.ts'
import type { NodePaths } from './node-paths.ts'
import type { NodeSettings } from './node-settings.ts'

export type MachineNodeOptions = {
  readonly client: Client
  readonly nodeName: string
  readonly address: string
  readonly paths: NodePaths
  readonly network: ClusterNetwork
  readonly settings: NodeSettings
  /** PEM: what the node's API shows, and whose clients it believes. */
  readonly serving: CertifiedKey
  readonly clientCa: string
  /** PEM of what the node shows the API server; undefined: it is in the same process. */
  readonly clientCertificate?: string | undefined
  /** What `client` counts; undefined: it is in the same process. */
  readonly clientMetrics?: ClientMetrics
  readonly renewalErrors?: () => number
  readonly runtimeEndpoint: string | undefined
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export type MachineNode = {
  /** Rejects when the node cannot start or a part of it fails for good. */
  readonly done: Promise<void>
  stop(): Promise<void>
}

export const kubeletPort = 10_250
/** How often a failure that goes on is told. */
const repeatMs = 60_000

export function startMachineNode(options: MachineNodeOptions): MachineNode {
  const stopping = new AbortController()
  // Its loops go on trying whatever fails; one line a minute tells what they wait for.
  const log = quietLog(options.log, options.clock, repeatMs)
  const running = runMachineNode({ ...options, log }, stopping.signal)
  return {
    done: running,
    stop: async () => {
      stopping.abort(new Error('the node is stopping'))
      await running.catch(() => {})
    },
  }
}

async function runMachineNode(options: MachineNodeOptions, signal: AbortSignal): Promise<void> {
  const { client, clock, random, log, nodeName, network } = options
  const informers = new InformerFactory({ client, clock, random, log })
  informers.start(signal)
  await keepStateInMemory(options)
  const podNetwork = podNetworkOf(options)
  // Before anything here can send a packet.
  await podNetwork.guard()
  const engine = await startEngine(options, signal)
  const runtime = createCriRuntime({
    socket: engine.socket,
    owner: nodeName,
    clock,
    log: log.child({ component: 'runtime' }),
    pinnedImages: [pauseImageName],
  })
  const proxyMetrics = new ProxyMetrics()
  const proxy = createProxy({
    metrics: proxyMetrics,
    context: { informer: (kind) => informers.informer(kind) },
    clock,
    log: log.child({ component: 'proxy' }),
    facts: {
      nodeName,
      nodeAddresses: [options.address],
      clusterCidr: network.podCidr,
      serviceCidrs: [network.serviceCidr],
      localServiceAddresses: [network.dnsAddress],
    },
  })
  try {
    await Promise.all([
      keepPodNetwork({ network: podNetwork, informer: informers.informer(nodes), clock, log: log.child({ component: 'network' }) }, signal),
      proxy.run(signal),
      serveDns(options, informers, signal),
      createNodeAgent({
        ...agentOptions(options, runtime),
        proxyMetrics: () => proxyMetrics.text(),
        imageViews: containerdImageViews(engine.socket),
      }).run(signal),
    ])
  } finally {
    await runtime.close()
    await engine.stop()
    await informers.ended()
  }
}

/**
 * Run-time state must be gone after a reboot, and every start of a container writes some of it. Where /run is on a disk, the node's
 * folder there becomes a tmpfs of its own; one that is in use already stays as it is. Its teardown takes the mount away.
 */
async function keepStateInMemory({ paths: { stateDir }, log }: MachineNodeOptions): Promise<void> {
  mkdirSync(stateDir, { recursive: true })
  if (isInMemory(stateDir) || readdirSync(stateDir).length > 0) return
  try {
    await mountTmpfs(stateDir, { mode: 0o711 })
  } catch (error) {
    log.warn({ directory: stateDir, error: (error as Error).message }, 'run-time state is kept on a disk')
  }
}

type Engine = { readonly socket: string; stop(): Promise<void> }

/** A containerd of our own, or the one that the user named; in either the pause image is put in place. */
async function startEngine(options: MachineNodeOptions, signal: AbortSignal): Promise<Engine> {
  const { clock, random, log, paths, runtimeEndpoint } = options
  if (runtimeEndpoint !== undefined) {
    const socket = runtimeEndpoint.replace(/^unix:\/\//, '')
    await useExternalContainerd(socket, { clock, log, signal })
    return { socket, stop: async () => {} }
  }
  const supervisor = createContainerdSupervisor({
    dataDirectory: paths.dataDir,
    stateDirectory: paths.stateDir,
    cniConfigDirectory: paths.cniConfigDir,
    registryDirectory: paths.registriesDir,
    clock,
    random,
    log: log.child({ component: 'containerd' }),
  })
  await supervisor.start(signal)
  return supervisor
}

function podNetworkOf(options: MachineNodeOptions) {
  return createPodNetwork({
    self: options.nodeName,
    clusterCidr: options.network.podCidr,
    serviceCidr: options.network.serviceCidr,
    mode: 'auto',
    cniConfigDirectory: options.paths.cniConfigDir,
    addressDirectory: options.paths.cniAddressDir,
    log: options.log.child({ component: 'network' }),
  })
}

function agentOptions(options: MachineNodeOptions, runtime: ReturnType<typeof createCriRuntime>): Parameters<typeof createNodeAgent>[0] {
  const { client, clock, random, log, nodeName, paths } = options
  const { manifestPath, shutdownPeriods: periods, ...settings } = options.settings
  const folder = manifestPath === undefined ? undefined : { path: manifestPath, nodeName, clock, log: log.child({ component: 'kubelet' }) }
  return {
    client,
    runtime,
    clock,
    random,
    log: log.child({ component: 'kubelet' }),
    nodeName,
    ...settings,
    shutdown: { periods, source: machineShutdown({ periods, clock, log: log.child({ component: 'kubelet' }) }) },
    manifests: folder && { path: folder.path, watch: (onPods) => watchManifests(folder, onPods) },
    clientCertificate: options.clientCertificate,
    renewalErrors: options.renewalErrors,
    ...(options.clientMetrics ? { clientMetrics: options.clientMetrics } : {}),
    addresses: [{ type: 'InternalIP', address: options.address }],
    files: {
      rootDir: paths.podsDir,
      logsDir: paths.logsDir,
      cgroupRoot: paths.cgroupRoot,
      clusterDns: { servers: [options.network.dnsAddress], domain: options.network.domain },
    },
    server: { host: '0.0.0.0', port: kubeletPort, cert: options.serving.cert, key: options.serving.key, clientCa: options.clientCa },
  }
}

const dnsRetryMs = 200

/** Waits for the service range to be local to this namespace (the proxy's doing), then answers until the signal aborts. */
async function serveDns(options: MachineNodeOptions, informers: InformerFactory, signal: AbortSignal): Promise<void> {
  const { clock, random, log, network } = options
  const sources = {
    services: informers.informer(services),
    slices: informers.informer(endpointSlices),
    namespaces: informers.informer(namespaces),
  }
  const server = () =>
    createDnsServer({
      view: clusterView(sources),
      zone: network.domain,
      address: network.dnsAddress,
      port: 53,
      upstreams: parseResolvConf(readResolvConf(), [network.dnsAddress]),
      ownRanges: [network.serviceCidr, network.podCidr],
      clock,
      random,
      log: log.child({ component: 'dns' }),
    })
  for (;;) {
    const dns = server()
    try {
      await dns.listen()
    } catch (error) {
      await dns.close().catch(() => {})
      if ((error as NodeJS.ErrnoException).code !== 'EADDRNOTAVAIL') throw error
      await sleep(clock, dnsRetryMs, signal)
      continue
    }
    if (!signal.aborted) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    return dns.close()
  }
}

function readResolvConf(): string {
  try {
    return readFileSync('/etc/resolv.conf', 'utf8')
  } catch {
    return ''
  }
}
