import type { Client } from '../client/contract.ts'
import type { Machine, RebalanceRequest } from './machine.ts'

/** `keelson rebalance`: which pods should move and what that gains; evicts them only when told to. */
export async function rebalance(
  machine: Machine,
  client: Client,
  { output, ...request }: RebalanceRequest & { readonly output: 'text' | 'json' },
): Promise<void> {
  const { text, document } = await machine.rebalance(client, request)
  machine.console.out(output === 'text' ? text : JSON.stringify(document, null, 2))
}
