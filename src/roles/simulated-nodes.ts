/** Nodes without machines: agents on the fake runtime, for `--runtime fake`, the embedded cluster and simulations. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { seededRandom } from '../base/random.ts'
import type { Client } from '../client/contract.ts'
import { createNodeAgent } from '../node/node-agent.ts'
import { createFakeRuntime, type FakeRuntime, type FakeRuntimeOptions } from '../node/runtime/fake/fake-runtime.ts'

export type SimulatedNode = { readonly name: string; readonly runtime: FakeRuntime; readonly done: Promise<void> }

export type SimulatedNodesOptions = {
  readonly names: readonly string[]
  /** A client that speaks for the node. */
  readonly clientFor: (nodeName: string) => Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly runtime?: Partial<Omit<FakeRuntimeOptions, 'clock' | 'random'>>
}

export function startSimulatedNodes(options: SimulatedNodesOptions, signal: AbortSignal): readonly SimulatedNode[] {
  return options.names.map((name, i) => {
    // Each node draws from a sequence of its own: what one does never changes what another draws.
    const random = seededRandom(options.random.below(2 ** 31))
    const runtime = createFakeRuntime({ ...options.runtime, clock: options.clock, random })
    const agent = createNodeAgent({
      client: options.clientFor(name),
      runtime,
      clock: options.clock,
      random,
      log: options.log.child({ node: name }),
      nodeName: name,
      addresses: [{ type: 'InternalIP', address: `127.1.${i >> 8}.${(i & 255) + 1}` }],
      onPodCidr: (cidr) => runtime.setPodCidr(cidr),
    })
    return { name, runtime, done: agent.run(signal) }
  })
}
