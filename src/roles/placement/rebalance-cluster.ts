import { CliError } from '../../cli/cli-error.ts'
import type { RebalanceRequest } from '../../cli/machine.ts'
import type { Client } from '../../client/contract.ts'
import { defaultConfiguration } from '../../scheduler/config/scheduler-configuration.ts'
import { evictMoved, type MoveOutcome } from '../../scheduler/rebalance/evict-moved.ts'
import { planRebalance } from '../../scheduler/rebalance/rebalance-plan.ts'
import { type RebalancePolicy, strategies, type Strategy } from '../../scheduler/rebalance/rebalance-policy.ts'
import { rebalanceText } from '../../scheduler/rebalance/rebalance-text.ts'
import { looksAtUse } from '../../scheduler/what-if/planned-profiles.ts'
import { loadRebalancerConfiguration, loadSchedulerConfiguration } from '../options/scheduler-options.ts'
import { readCluster } from './read-cluster.ts'

/** `keelson rebalance`: reads the cluster, plans, and where it is told to evicts the pods that should move, one after the other. */
export async function rebalanceCluster(
  client: Client,
  request: RebalanceRequest,
): Promise<{ readonly text: string; readonly document: object }> {
  const policy = policyOf(request, (await loadRebalancerConfiguration(request.rebalanceConfig)).policy)
  const { profiles } = (await loadSchedulerConfiguration(request.scheduler)) ?? defaultConfiguration
  const view = await readCluster(client, { asksForUse: looksAtUse(profiles) })
  const plan = planRebalance({ view, policy, profiles })
  const document = { apiVersion: 'keelson.dev/v1', kind: 'RebalancePlan', ...plan }
  if (!request.isExecuted) return { text: rebalanceText(plan), document }
  const outcomes: MoveOutcome[] = []
  for (const move of plan.moves) outcomes.push(await evictMoved(client, move))
  const lines = outcomes.map((o) => `  ${o.move.pod}: ${o.message}`)
  const text = [rebalanceText(plan), ...(lines.length > 0 ? ['carried out', ...lines, ''] : [])].join('\n')
  return {
    text,
    document: { ...document, outcomes: outcomes.map(({ move, isEvicted, message }) => ({ pod: move.pod, isEvicted, message })) },
  }
}

/** What the flags say, and for the rest the configuration. Throws CliError for what makes no sense. */
export function policyOf(request: Pick<RebalanceRequest, 'strategies' | 'movesMax' | 'gainMin'>, base: RebalancePolicy): RebalancePolicy {
  const { movesMax = base.movesMax, gainMin = base.gainMin } = request
  const unknown = request.strategies.find((s) => !strategies.includes(s as Strategy))
  if (unknown !== undefined) throw misuse(`there is no strategy ${JSON.stringify(unknown)}`, `give ${strategies.join(', ')}`)
  if (!Number.isInteger(movesMax) || movesMax < 1) throw misuse('--moves-max must be a whole number of at least 1', 'give one like 20')
  if (!(gainMin >= 1 && gainMin <= 100)) throw misuse('--gain-min must be a percentage of at least 1', 'give one like 10')
  const chosen = request.strategies.length === 0 ? base.strategies : strategies.filter((s) => request.strategies.includes(s))
  return { ...base, strategies: chosen, movesMax, gainMin }
}

const misuse = (message: string, nextStep: string) => new CliError(message, { nextStep, exitCode: 2 })
