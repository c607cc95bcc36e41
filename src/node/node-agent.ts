import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { ClientMetrics } from '../client/client-metrics.ts'
import type { Client } from '../client/contract.ts'
import type { Node, NodeAddress, Pod, Service, Taint } from '../kinds/generated/types/core-v1.ts'
import { AgentRun } from './agent/agent-run.ts'
import type { ImageViews } from './containerd/image-views.ts'
import type { EvictionOptions } from './eviction/thresholds.ts'
import type { AgentFiles } from './host/agent-files.ts'
import type { LogFiles } from './logs/log-files.ts'
import type { Machine } from './node-status/machine.ts'
import type { Reserved } from './node-status/node-status.ts'
import type { PodLoop, PodSource } from './pod/pod-loop.ts'
import type { StatusGather } from './pod/status-writer.ts'
import type { ProbeTransport } from './probes/probe-transport.ts'
import type { Runtime } from './runtime/contract.ts'
import type { NodeServerOptions } from './server/node-server.ts'
import type { ShutdownSource } from './shutdown/node-shutdown.ts'
import type { ShutdownPeriod } from './shutdown/plan-shutdown.ts'

export type NodeAgentOptions = {
  readonly client: Client
  readonly runtime: Runtime
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly nodeName: string
  /** At least one InternalIP; a Hostname is added when missing. */
  readonly addresses: readonly NodeAddress[]
  /** Given: a real node with volumes, cgroups and log files. Not given: a simulated one, without any file. */
  readonly files?: AgentFiles
  /** Default: this machine for a real node, a simulated one of 4 CPUs and 16 GiB otherwise. */
  readonly machine?: Machine
  /** The node's HTTPS API; not given: none. */
  readonly server?: Omit<NodeServerOptions, 'log' | 'routes' | 'access'>
  /** PEM of what the node shows the API server, to tell when it ends; not given: it shows none. */
  readonly clientCertificate?: string | undefined
  /** What `client` counts, for `/metrics`; undefined: nothing. */
  readonly clientMetrics?: ClientMetrics
  /** How often an exchange of the node's certificates was refused; not given: they are not exchanged while it runs. */
  readonly renewalErrors?: (() => number) | undefined
  /** What the service proxy beside the agent counts, for `/metrics/proxy`; undefined: there is none. */
  readonly proxyMetrics?: () => string
  /** In place of `server`, for nodes without sockets: the same API for callers in this process, who knock at a port of the node. */
  readonly door?: NodeDoor
  /** Default: files for a real node; a fake runtime's memory is given by memoryLogFiles(runtime). */
  readonly logFiles?: LogFiles
  /** Files of images, for volumes that show them; not given: such a volume is refused. */
  readonly imageViews?: ImageViews
  /** Default: sockets for a real node; every simulated pod answers well. */
  readonly probeTransport?: ProbeTransport
  /** What describes the pods that the node runs by itself; not given: there are none. */
  readonly manifests?: ManifestSource | undefined
  /** Default: an informer of this node's pods. Simulations share one informer between their nodes. */
  readonly pods?: PodSource
  /** Every state of this node's own object. Default: a watch of its own where one is needed. Simulations share an informer. */
  readonly nodeChanges?: (handler: (node: Node) => void) => () => void
  /** False: no Event objects are written, for simulations of many pods. Default true. */
  readonly recordsEvents?: boolean
  /** Services that containers hear of by variables. Default: an informer for a real node, none for a simulated one. */
  readonly services?: () => Promise<readonly Service[]>
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly Taint[]
  readonly reserved?: Partial<Reserved>
  /** When pods end for the machine's sake; default: upstream's bounds. */
  readonly eviction?: EvictionOptions
  /** How many pods a real node takes; default 110. */
  readonly maxPods?: number | undefined
  /** Default 40; renewed every quarter. */
  readonly leaseDurationSeconds?: number
  readonly statusCheckPeriodMs?: number
  readonly statusReportPeriodMs?: number
  /** How long the steps of a pod may wait to be told together; default: 2 s of one that comes up, 300 ms of one that ends. */
  readonly statusGather?: StatusGather
  /** Sandboxes and containers made at once; default 4. */
  readonly parallelStarts?: number
  /** Image pulls at once; default 4. */
  readonly parallelPulls?: number
  /** The node's own pod range is known (or has changed). */
  readonly onPodCidrs?: (cidrs: readonly string[]) => void
  /** Not given: the node does nothing about a machine that stops. */
  readonly shutdown?: { readonly source: ShutdownSource; readonly periods: readonly ShutdownPeriod[] } | undefined
}

export type ManifestSource = {
  readonly path: string
  /** Tells the pods at once and whenever they change, until what it gives back is called. */
  watch(onPods: (pods: readonly Pod[]) => void): Promise<() => void>
}

/** `open` gets what serves a connection and gives back how it is shut. */
export type NodeDoor = { readonly port: number; open(accept: (connection: Duplex) => void): () => void }

export type NodeAgent = {
  /** Registers the node and runs its pods until the signal aborts; rejects when it cannot start. Containers go on after it. */
  run(signal: AbortSignal): Promise<void>
  /** Undefined before `run` has set it up. */
  readonly loop: PodLoop | undefined
  readonly node: Node | undefined
  /** The node API's port while it is served. */
  readonly port: number | undefined
}

/** One node of the cluster, on a container engine (real or simulated). Give each run a fresh agent. */
export function createNodeAgent(options: NodeAgentOptions): NodeAgent {
  let run: AgentRun | undefined
  return {
    get loop() {
      return run?.loop
    },
    get node() {
      return run?.node
    },
    get port() {
      return run?.port
    },
    run: async (signal) => {
      run = await AgentRun.create(options, signal)
      await run.untilEnd()
    },
  }
}
