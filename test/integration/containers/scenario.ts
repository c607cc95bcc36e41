import assert from 'node:assert/strict'
import { kindRefs } from '../../../src/client/generated/kind-refs.ts'
import type { ContainerStatus, Event, Pod } from '../../../src/kinds/generated/types/core-v1.ts'
import type { AgentWorld } from '../agent-world.ts'

/** A pod (or some) that something happens to while it runs. `title` is the conformance suite's, without its tags. */
export type Scenario = {
  readonly title: string
  /** The suite's texts that it does, where these are others than the title. */
  readonly covers?: readonly string[]
  /** `name` is unique: what the scenario makes is named after it. */
  run(world: AgentWorld, name: string): Promise<void>
}

/** Many pods start at once. */
export const longMs = 200_000

export const running = (pod: Pod | undefined) =>
  (pod?.status?.containerStatuses?.length ?? 0) > 0 && pod!.status!.containerStatuses!.every((c) => c.state?.running !== undefined)

export const statusOf = (pod: Pod | undefined, name: string): ContainerStatus | undefined =>
  [...(pod?.status?.initContainerStatuses ?? []), ...(pod?.status?.containerStatuses ?? [])].find((c) => c.name === name)

/** Runs a command in a container of the pod and gives what it says. */
export async function execIn(world: AgentWorld, pod: Pod | undefined, container: string, ...command: string[]): Promise<string> {
  const id = statusOf(pod, container)!.containerID!.slice('containerd://'.length)
  const { stdout, stderr } = await world.runtime.execSync(id, command, { timeoutMs: 10_000 })
  return (Buffer.from(stdout).toString() + Buffer.from(stderr).toString()).trim()
}

/** What the container has said, as the node's own API gives it. */
export async function logOf(world: AgentWorld, pod: string, container = 'main', query = ''): Promise<string> {
  const { code, body } = await world.get(`/containerLogs/default/${pod}/${container}${query}`)
  assert.equal(code, 200, body)
  return body
}

/** Watches until what has been told of the pod is as wanted; gives all of it, `reason: message`. */
export async function untilTold(
  world: AgentWorld,
  pod: string,
  condition: (told: readonly string[]) => boolean,
): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(longMs)
  const told: string[] = []
  const events = world.client.resource<Event>(kindRefs.coreV1.events, 'default')
  try {
    for await (const event of events.watch({ signal, sendInitialEvents: true, allowWatchBookmarks: true })) {
      if (event.type === 'BOOKMARK' || event.object.involvedObject.name !== pod) continue
      told.push(`${event.object.reason}: ${event.object.message}`)
      if (condition(told)) return told
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
  return assert.fail(`not told of ${pod}: ${told.join('\n')}`)
}
