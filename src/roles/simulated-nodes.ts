/** Nodes without machines: agents on the fake runtime, for `--runtime fake`, the embedded cluster and simulations. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { seededRandom } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import type { Informer } from '../client/informer-contract.ts'
import type { Node, Pod } from '../kinds/generated/types/core-v1.ts'
import { memoryLogFiles } from '../node/logs/log-files.ts'
import { createNodeAgent } from '../node/node-agent.ts'
import { createPodDispatcher } from '../node/pod/pod-dispatcher.ts'
import { createFakeRuntime, type FakeRuntime, type FakeRuntimeOptions } from '../node/runtime/fake/fake-runtime.ts'
import type { SimulatedDialer } from './simulated-dialer.ts'

export type SimulatedNode = { readonly name: string; readonly runtime: FakeRuntime; readonly done: Promise<void> }

export type SimulatedNodesOptions = {
  readonly names: readonly string[]
  /** A client that speaks for the node. */
  readonly clientFor: (nodeName: string) => Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly runtime?: Partial<Omit<FakeRuntimeOptions, 'clock' | 'random'>>
  /** By which the API server reaches the nodes for logs, exec and port-forward; not given: it cannot. */
  readonly dialer?: Pick<SimulatedDialer, 'door'>
  /** One watch of pods and one of nodes for all of them; not given: each node watches its own, as machines do. */
  readonly shared?: { readonly pods: Informer<Pod>; readonly nodes: Informer<Node> }
}

/** Beyond so many nodes their agents write no Event objects: these would be most of what the store holds. */
const recordingNodesMax = 50

export function startSimulatedNodes(options: SimulatedNodesOptions, signal: AbortSignal): readonly SimulatedNode[] {
  const { clock, names, shared, dialer } = options
  const pods = shared && createPodDispatcher(shared.pods)
  const nodeChanges = shared && nodeDispatcher(shared.nodes)
  return names.map((name, i) => {
    // Each node draws from a sequence of its own: what one does never changes what another draws.
    const random = seededRandom(options.random.below(2 ** 31))
    const runtime = createFakeRuntime({ ...options.runtime, clock, random })
    const address = `127.1.${i >> 8}.${(i & 255) + 1}`
    const agent = createNodeAgent({
      client: options.clientFor(name),
      runtime,
      clock,
      random,
      log: options.log.child({ node: name }),
      nodeName: name,
      addresses: [{ type: 'InternalIP', address }],
      logFiles: memoryLogFiles(runtime),
      recordsEvents: names.length <= recordingNodesMax,
      onPodCidr: (cidr) => runtime.setPodCidr(cidr),
      ...(pods ? { pods: pods.source(name) } : {}),
      ...(nodeChanges ? { nodeChanges: nodeChanges(name) } : {}),
      ...(dialer ? { door: dialer.door(address) } : {}),
    })
    return { name, runtime, done: agent.run(signal).finally(() => runtime.close()) }
  })
}

type NodeHandler = (node: Node) => void

/** Hands each node's object to that node alone. */
function nodeDispatcher(informer: Informer<Node>): (name: string) => (handler: NodeHandler) => () => void {
  const handlers = new Map<string, NodeHandler>()
  informer.onChange(({ current }) => {
    if (current) handlers.get(current.metadata.name ?? '')?.(current)
  })
  return (name) => (handler) => {
    handlers.set(name, handler)
    const known = informer.get(name)
    if (known) handler(known)
    return () => handlers.delete(name)
  }
}
