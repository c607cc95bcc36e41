import { join } from 'node:path'
import { type Clock, sleep } from '../base/clock.ts'
import type { Client } from '../client/contract.ts'
import { leases } from '../kinds/coordination/lease.ts'
import { nodes } from '../kinds/core/node.ts'
import type { Node } from '../kinds/generated/types/core-v1.ts'
import { CliError } from './cli-error.ts'
import type { ClusterState, Daemon } from './cluster-state.ts'
import { endOfLog, isRunning } from './daemon.ts'

const lookEveryMs = 50

/**
 * Until as many nodes are Ready as the cluster has. Throws CliError when one of its processes ends, or when that takes longer than
 * `timeoutMs`. What the store remembers of a node from before `aliveSinceMs` proves nothing: it counts once its agent renews its lease.
 */
export async function waitForNodes(
  clock: Clock,
  wait: { client: Client; state: ClusterState; timeoutMs: number; aliveSinceMs: number },
): Promise<void> {
  const { client, state, timeoutMs, aliveSinceMs } = wait
  const deadline = clock.monotonicMs() + timeoutMs
  for (;;) {
    const found = await look(client, aliveSinceMs).catch((error: unknown) => ({ ready: 0, waiting: [], error }))
    if (found.ready >= state.nodes) return
    for (const daemon of [state.server, ...state.agents]) demandRunning(daemon)
    if (clock.monotonicMs() > deadline) {
      if ('error' in found) throw found.error
      throw new CliError(`only ${found.ready} of ${state.nodes} nodes became Ready in time${reasons(found.waiting)}`, {
        nextStep: `see ${join(state.server.logFile, '..')}`,
      })
    }
    await sleep(clock, lookEveryMs)
  }
}

/** How many nodes are Ready, and the others. */
async function look(client: Client, aliveSinceMs: number): Promise<{ readonly ready: number; readonly waiting: readonly Node[] }> {
  const [list, leaseList] = await Promise.all([client.resource(nodes).list(), client.resource(leases, 'kube-node-lease').list()])
  const alive = new Set(leaseList.items.filter((l) => Date.parse(l.spec?.renewTime ?? '') >= aliveSinceMs).map((l) => l.metadata.name))
  const isReady = (node: Node) =>
    alive.has(node.metadata!.name!) && node.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True')
  const waiting = list.items.filter((node) => !isReady(node))
  return { ready: list.items.length - waiting.length, waiting }
}

function reasons(waiting: readonly Node[]): string {
  const why = waiting.flatMap(({ metadata, status }) =>
    (status?.conditions ?? []).filter((c) => c.type === 'Ready' && c.status !== 'True').map((c) => `${metadata?.name}: ${c.message}`),
  )
  return why.length > 0 ? ` (${why.join('; ')})` : ''
}

function demandRunning(daemon: Daemon & { nodeName?: string }): void {
  if (isRunning(daemon)) return
  const what = daemon.nodeName === undefined ? 'the server' : `the agent of ${daemon.nodeName}`
  throw new CliError(`${what} stopped`, { nextStep: endOfLog(daemon) })
}
