/** Nodes without machines: agents on the fake runtime, for `--runtime fake`, the embedded cluster and simulations. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { seededRandom } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import type { Informer } from '../client/informer-contract.ts'
import type { Node, Pod, Taint } from '../kinds/generated/types/core-v1.ts'
import { memoryLogFiles } from '../node/logs/log-files.ts'
import { createNodeAgent } from '../node/node-agent.ts'
import { type MachineFacts, simulatedMachine } from '../node/node-status/machine.ts'
import { createPodDispatcher } from '../node/pod/pod-dispatcher.ts'
import type { StatusGather } from '../node/pod/status-writer.ts'
import { createFakeRuntime, type FakeRuntime, type FakeRuntimeOptions } from '../node/runtime/fake/fake-runtime.ts'
import { simulatedAddress } from './simulated-address.ts'
import type { SimulatedDialer } from './simulated-dialer.ts'

export type SimulatedNode = {
  readonly name: string
  readonly runtime: FakeRuntime
  /** Resolves when its agent has ended for good. */
  readonly done: Promise<void>
  /** The machine is off at once: no container, heartbeat or answer of it is left. */
  turnOff(): void
  /** It comes up again without a container. */
  turnOn(): void
}

/** One node and what sets it apart; what is not given is as the default node has it (4 CPUs, 16 GiB, 110 pods). */
export type SimulatedNodeSpec = {
  readonly name: string
  readonly cpuMilli?: number
  readonly memoryBytes?: number
  readonly maxPods?: number
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly Taint[]
}

export type SimulatedNodesOptions = {
  /** A client that speaks for the node. */
  readonly clientFor: (nodeName: string) => Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly runtime?: Partial<Omit<FakeRuntimeOptions, 'clock' | 'random'>>
  /** By which the API server reaches the nodes for logs, exec and port-forward; not given: it cannot. */
  readonly dialer?: Pick<SimulatedDialer, 'door'>
  /** How long the steps of a pod may wait to be told together; default: as a node's agent has it. */
  readonly statusGather?: StatusGather
  /** False: their agents write no Event objects. Default true. */
  readonly recordsEvents?: boolean
  /** One watch of pods and one of nodes for all of them; not given: each node watches its own, as machines do. */
  readonly shared?: {
    readonly pods: Informer<Pod>
    readonly nodes: Informer<Node>
    /** A server's loops and callers come between any few changes of pods. Default false: the nodes hear of all at once. */
    readonly takesTurns?: boolean
  }
}

/** Beyond so many nodes their agents write no Event objects: these would be most of what the store holds. */
export const recordingNodesMax = 50

/** Starts nodes one by one; each runs until the signal aborts. */
export type SimulatedNodePool = (spec: SimulatedNodeSpec) => SimulatedNode

export function startSimulatedNodes(
  {
    names,
    size,
    ...options
  }: SimulatedNodesOptions & { readonly names: readonly string[]; readonly size?: Omit<SimulatedNodeSpec, 'name'> },
  signal: AbortSignal,
): readonly SimulatedNode[] {
  const start = simulatedNodePool({ recordsEvents: names.length <= recordingNodesMax, ...options }, signal)
  return names.map((name) => start({ ...size, name }))
}

export function simulatedNodePool(options: SimulatedNodesOptions, signal: AbortSignal): SimulatedNodePool {
  const { shared } = options
  const pods = shared && createPodDispatcher(shared.pods, shared.takesTurns ? options : undefined)
  const nodeChanges = shared && nodeDispatcher(shared.nodes)
  let count = 0
  return (spec) => {
    const number = count++
    // Each node draws from a sequence of its own: what one does never changes what another draws.
    const random = seededRandom(options.random.below(2 ** 31))
    const address = simulatedAddress(number)
    const createRuntime = () => createFakeRuntime({ ...options.runtime, clock: options.clock, random })
    const runAgent = (runtime: FakeRuntime, running: AbortSignal) =>
      createNodeAgent({
        client: options.clientFor(spec.name),
        runtime,
        clock: options.clock,
        random,
        log: options.log.child({ node: spec.name }),
        nodeName: spec.name,
        machine: simulatedMachine(factsOf(spec)),
        ...(spec.labels ? { labels: spec.labels } : {}),
        ...(spec.taints ? { taints: spec.taints } : {}),
        addresses: [{ type: 'InternalIP', address }],
        logFiles: memoryLogFiles(runtime),
        recordsEvents: options.recordsEvents ?? true,
        ...(options.statusGather ? { statusGather: options.statusGather } : {}),
        onPodCidrs: (cidrs) => runtime.setPodCidrs(cidrs),
        ...(pods ? { pods: pods.source(spec.name) } : {}),
        ...(nodeChanges ? { nodeChanges: nodeChanges(spec.name) } : {}),
        ...(options.dialer ? { door: options.dialer.door(address) } : {}),
      }).run(running)
    return simulatedNode(spec.name, { createRuntime, runAgent, signal })
  }
}

type Lives = {
  readonly createRuntime: () => FakeRuntime
  readonly runAgent: (runtime: FakeRuntime, signal: AbortSignal) => Promise<void>
  readonly signal: AbortSignal
}

/** A machine that is turned off and on: every life has an engine and an agent of its own. */
function simulatedNode(name: string, { createRuntime, runAgent, signal }: Lives): SimulatedNode {
  const ended = Promise.withResolvers<void>()
  const begin = () => {
    const off = new AbortController()
    const runtime = createRuntime()
    const done = runAgent(runtime, AbortSignal.any([signal, off.signal]))
      .catch((error: unknown) => {
        if (!off.signal.aborted) ended.reject(error)
      })
      .finally(() => runtime.close())
    return { off, runtime, done }
  }
  let life = begin()
  const isOn = () => !life.off.signal.aborted
  const end = () => void life.done.then(ended.resolve)
  if (signal.aborted) end()
  else signal.addEventListener('abort', end, { once: true })
  return {
    name,
    done: ended.promise,
    get runtime() {
      return life.runtime
    },
    turnOff: () => life.off.abort(new Error('the machine is off')),
    turnOn: () => {
      if (!isOn() && !signal.aborted) life = begin()
    },
  }
}

function factsOf({ cpuMilli, memoryBytes, maxPods }: SimulatedNodeSpec): Partial<MachineFacts> {
  return {
    ...(cpuMilli === undefined ? {} : { cpuMilli }),
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(maxPods === undefined ? {} : { maxPods }),
  }
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
