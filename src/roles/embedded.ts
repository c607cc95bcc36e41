/** A whole cluster inside a program: for tests of what speaks to Kubernetes, and for platforms that embed one. */
import { generateKeyPairSync } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { type Log, silentLog } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { type Clientset, createClientset } from '../client/clientset.ts'
import type { Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { ControllerSettings } from '../controllers/settings.ts'
import type { StatusGather } from '../node/pod/status-writer.ts'
import type { FakeRuntimeOptions } from '../node/runtime/fake/fake-runtime.ts'
import { systemClock } from '../platform/system-clock.ts'
import { systemRandom } from '../platform/system-random.ts'
import type { SchedulerConfiguration } from '../scheduler/config/scheduler-configuration.ts'
import type { RebalanceOptions } from '../scheduler/rebalance/rebalance-controller.ts'
import type { Store } from '../store/contract.ts'
import { createMemoryStore } from '../store/memory.ts'
import type { NetworkChoice } from '../cli/machine.ts'
import { clusterNetworkOf } from './cluster-network.ts'
import { startControlLoops } from './control-loops.ts'
import { type ControlPlane, startControlPlane, type WrapClient } from './control-plane.ts'
import { nodeUser } from './identity.ts'
import { createSimulatedDialer } from './simulated-dialer.ts'
import { recordingNodesMax, type SimulatedNode, type SimulatedNodeSpec, simulatedNodePool } from './simulated-nodes.ts'

export { readConfiguration } from '../scheduler/config/scheduler-configuration.ts'
export { seededRandom } from '../base/random.ts'
export type { SimulatedNode, SimulatedNodeSpec } from './simulated-nodes.ts'
export { type VirtualClock, virtualClock } from '../platform/virtual-clock.ts'

export type ClusterOptions = {
  /** How many simulated nodes, or each by itself; default 1. */
  readonly nodes?: number | readonly SimulatedNodeSpec[]
  /** Default: real time. With a virtual clock the caller moves time, and the same seed gives the same trace. */
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
  /** Default: in memory. */
  readonly store?: Store
  /** How the simulated engines behave: times, failure rates, exits. */
  readonly runtime?: Partial<Omit<FakeRuntimeOptions, 'clock' | 'random'>>
  /** Profiles and extenders of the scheduler; default: upstream's default profile. */
  readonly scheduler?: SchedulerConfiguration
  /** Several schedulers that share the cluster; default: one. */
  readonly schedulers?: number
  /** Given: pods that are in the wrong place are reported, or moved. */
  readonly rebalance?: Omit<RebalanceOptions, 'profiles'>
  /** The addresses of pods and services; default: 10.244.0.0/16 and 10.96.0.0/12. */
  readonly network?: NetworkChoice
  /** What is set of the controllers; default: as upstream has it. */
  readonly controllers?: ControllerSettings
  /** How long the steps of a pod may wait to be told together; for simulations of many pods. */
  readonly statusGather?: StatusGather
  /** What loops and nodes get in place of their plain client: faults, for tests. */
  readonly wrapClient?: WrapClient
}

export type Cluster = {
  /** The administrator's typed client. */
  readonly clientset: Clientset
  readonly client: Client
  readonly controlPlane: ControlPlane
  readonly nodes: readonly SimulatedNode[]
  /** One more node. */
  addNode(spec: SimulatedNodeSpec): SimulatedNode
  close(): Promise<void>
}

const numbered = (count: number): SimulatedNodeSpec[] => Array.from({ length: count }, (_, i) => ({ name: `node-${i + 1}` }))

/** Nodes under faults keep watches of their own, so that each can lose its own. */
function sharedInformers({ informers }: ControlPlane) {
  return { pods: informers.informer(kindRefs.coreV1.pods), nodes: informers.informer(kindRefs.coreV1.nodes) }
}

/**
 * Starts a cluster in this process. Resolves when the API answers; nodes register a moment later (of the cluster's own time).
 *
 * @example
 * const cluster = await startCluster({ nodes: 3 })
 * await cluster.clientset.coreV1().pods('default').create(pod)
 * await cluster.close()
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const { clock = systemClock, random = systemRandom, log = silentLog } = options
  const ownStore = options.store ? undefined : createMemoryStore({ clock })
  const store = options.store ?? ownStore!
  const stopping = new AbortController()
  const simulated = createSimulatedDialer()
  const controlPlane = await startControlPlane({
    store,
    clock,
    random,
    log,
    serviceAccountKeys: generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    }),
    controllerFunctions: { rootCaPem: '', ...(options.controllers ? { settings: options.controllers } : {}) },
    loops: () => ({ startControlLoops }),
    dialer: simulated.dialer,
    ...(options.network ? { network: clusterNetworkOf(options.network) } : {}),
    ...(options.scheduler ? { scheduler: options.scheduler } : {}),
    ...(options.schedulers === undefined ? {} : { schedulers: options.schedulers }),
    ...(options.rebalance ? { rebalance: options.rebalance } : {}),
    ...(options.wrapClient ? { wrapClient: options.wrapClient } : {}),
  })
  await controlPlane.started
  const nodeClient = (name: string) => {
    const client = controlPlane.api.clientFor(nodeUser(name))
    return options.wrapClient?.(client, nodeUser(name)) ?? client
  }
  const specs = typeof options.nodes === 'object' ? options.nodes : numbered(options.nodes ?? 1)
  const startNode = simulatedNodePool(
    {
      clientFor: nodeClient,
      clock,
      random,
      log,
      dialer: simulated,
      recordsEvents: specs.length <= recordingNodesMax,
      ...(options.wrapClient ? {} : { shared: sharedInformers(controlPlane) }),
      ...(options.runtime ? { runtime: options.runtime } : {}),
      ...(options.statusGather ? { statusGather: options.statusGather } : {}),
    },
    stopping.signal,
  )
  const nodes = specs.map(startNode)
  return {
    client: controlPlane.client,
    clientset: createClientset(controlPlane.client),
    controlPlane,
    nodes,
    addNode: (spec) => {
      const node = startNode(spec)
      nodes.push(node)
      return node
    },
    close: async () => {
      stopping.abort(new Error('the cluster is closing'))
      await Promise.allSettled(nodes.map((n) => n.done))
      await controlPlane.close()
      await ownStore?.close()
    },
  }
}
