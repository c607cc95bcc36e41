import type { Client } from '../client/contract.ts'
import { CliError } from './cli-error.ts'
import type { Machine, PlacementFiles } from './machine.ts'
import { readInput } from './read-input.ts'

export type PlanOptions = PlacementFiles & {
  readonly files: readonly string[]
  readonly nodesAdd: readonly string[]
  readonly drained: readonly string[]
  readonly without: readonly string[]
  readonly rebalances: boolean
  readonly output: 'text' | 'json'
}

/**
 * `keelson plan`: where manifests would land, what they would push out and what would not fit; nothing is created. `connect` is called when
 * all that was given has been read.
 */
export async function plan(machine: Machine, connect: () => { client: Client; namespace: string }, options: PlanOptions): Promise<void> {
  const { files, nodesAdd, drained, without, rebalances, scheduler, rebalanceConfig } = options
  if (files.length + nodesAdd.length + drained.length + without.length === 0 && !rebalances)
    throw new CliError('nothing to plan', { nextStep: 'give -f FILE, --nodes-add, --drain, --without or --rebalance', exitCode: 2 })
  const manifests = files.map((file) => ({ file, text: readInput(file) }))
  const { client, namespace } = connect()
  const { text, document } = await machine.planPlacement(client, {
    manifests,
    namespace,
    nodesAdd,
    drained,
    without,
    rebalances,
    scheduler,
    rebalanceConfig,
  })
  machine.console.out(options.output === 'text' ? text : JSON.stringify(document, null, 2))
}
