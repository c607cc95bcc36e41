import assert from 'node:assert/strict'
import { createTestApi } from '../apiserver/test-api.ts'
import type { Clock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import type { Pod, PodSpec } from '../kinds/generated/types/core-v1.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createNodeAgent, type NodeAgentOptions } from './node-agent.ts'
import type { PodSource } from './pod/pod-loop.ts'
import type { Runtime } from './runtime/contract.ts'
import { createFakeRuntime, type FakeRuntime, type FakeRuntimeOptions } from './runtime/fake/fake-runtime.ts'

/** A cluster of one simulated node, on the virtual clock. For tests. */
export async function startNode(
  options: {
    runtime?: Partial<FakeRuntimeOptions>
    agent?: Partial<NodeAgentOptions>
    /** What stands between the agent and its engine. */
    through?: (runtime: FakeRuntime, clock: Clock) => Partial<Runtime>
    podsOf?: (common: Pick<NodeAgentOptions, 'client' | 'clock' | 'random' | 'log'>) => PodSource
  } = {},
) {
  const clock = virtualClock()
  const random = seededRandom(7)
  const { client } = await createTestApi({ clock, random })
  for (const name of ['default', 'kube-node-lease']) {
    const exists = await client
      .resource(kindRefs.coreV1.namespaces)
      .get(name)
      .catch(() => undefined)
    if (!exists) await client.resource(kindRefs.coreV1.namespaces).create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  }
  const runtime = createFakeRuntime({ clock, random, ...options.runtime })
  const pods = client.resource(kindRefs.coreV1.pods, 'default')
  const launch = () => {
    const stop = new AbortController()
    const agent = createNodeAgent({
      client,
      runtime: { ...runtime, ...options.through?.(runtime, clock) },
      clock,
      random,
      log: silentLog,
      nodeName: 'n1',
      addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
      ...(options.podsOf ? { pods: options.podsOf({ client, clock, random, log: silentLog }) } : {}),
      ...options.agent,
    })
    const done = agent.run(stop.signal)
    return { agent, stop: async () => (stop.abort(), await clock.settle(), await done) }
  }
  let current = launch()
  let seen: Pod | undefined
  const look = async (name: string) => (seen = await pods.get(name).catch(() => undefined))
  return {
    clock,
    client,
    runtime,
    pods,
    agent: () => current.agent,
    /** Ends the agent and starts a new one on the same engine. */
    restart: async () => {
      await current.stop()
      current = launch()
      await clock.advance(100)
    },
    stop: () => current.stop(),
    create: (name: string, spec: Partial<PodSpec>, metadata: Pod['metadata'] = {}) =>
      pods.create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, ...metadata },
        spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'app' }], ...spec },
      }),
    /** Moves time until the pod is as wanted; fails after `limitMs`. */
    until: async (name: string, condition: (pod: Pod | undefined) => boolean, limitMs = 60_000) => {
      const endMs = clock.now() + limitMs
      for (await look(name); !condition(seen); await look(name)) {
        assert.ok(clock.now() < endMs, `${name} did not get there: ${JSON.stringify(seen?.status)}`)
        await clock.advance(100)
      }
      return seen
    },
  }
}

export const isReady = (pod: Pod | undefined) => pod?.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true
export const isGone = (pod: Pod | undefined) => pod === undefined
export const first = (pod: Pod | undefined) => pod?.status?.containerStatuses?.[0]
