import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { isStatus, StatusError } from '../../machinery/status-error.ts'
import type { Move } from './rebalance-plan.ts'

/** What became of a move: the pod was evicted, or why it was not. Its controller makes another, which the scheduler places. */
export type MoveOutcome = { readonly move: Move; readonly isEvicted: boolean; readonly message: string }

/** Evicts through the API, which asks the disruption budgets once more. */
export async function evictMoved(client: Client, move: Move, signal?: AbortSignal): Promise<MoveOutcome> {
  const [namespace = '', name = ''] = move.pod.split('/')
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }
  try {
    await client.resource(kindRefs.coreV1.pods, namespace).subresource(name, 'eviction', eviction, { ...(signal ? { signal } : {}) })
    return { move, isEvicted: true, message: 'evicted' }
  } catch (error) {
    if (isStatus(error, 'NotFound')) return { move, isEvicted: false, message: 'gone already' }
    if (error instanceof StatusError) return { move, isEvicted: false, message: error.message }
    throw error
  }
}
