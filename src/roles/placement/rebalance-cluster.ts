import { CliError } from '../../cli/cli-error.ts'
import type { RebalanceRequest } from '../../cli/machine.ts'
import type { Client } from '../../client/contract.ts'
import { profileOf } from '../../scheduler/config/scheduler-profile.ts'
import { evictMoved, type MoveOutcome } from '../../scheduler/rebalance/evict-moved.ts'
import { planRebalance } from '../../scheduler/rebalance/rebalance-plan.ts'
import { defaultRebalancePolicy, type RebalancePolicy, strategies, type Strategy } from '../../scheduler/rebalance/rebalance-policy.ts'
import { rebalanceText } from '../../scheduler/rebalance/rebalance-text.ts'
import { readCluster } from './read-cluster.ts'

/** `keelson rebalance`: reads the cluster, plans, and where it is told to evicts the pods that should move, one after the other. */
export async function rebalanceCluster(
  client: Client,
  request: RebalanceRequest,
): Promise<{ readonly text: string; readonly document: object }> {
  const policy = policyOf(request)
  const plan = planRebalance({ view: await readCluster(client), policy, profile: profileOf({}) })
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

/** Throws CliError for what makes no sense. */
export function policyOf(request: Pick<RebalanceRequest, 'strategies' | 'movesMax' | 'gainMin'>): RebalancePolicy {
  const { movesMax = defaultRebalancePolicy.movesMax, gainMin = defaultRebalancePolicy.gainMin } = request
  const unknown = request.strategies.find((s) => !strategies.includes(s as Strategy))
  if (unknown !== undefined) throw misuse(`there is no strategy ${JSON.stringify(unknown)}`, `give ${strategies.join(', ')}`)
  if (!Number.isInteger(movesMax) || movesMax < 1) throw misuse('--moves-max must be a whole number of at least 1', 'give one like 20')
  if (!(gainMin >= 1 && gainMin <= 100)) throw misuse('--gain-min must be a percentage of at least 1', 'give one like 10')
  const chosen = strategies.filter((s) => request.strategies.length === 0 || request.strategies.includes(s))
  return { ...defaultRebalancePolicy, strategies: chosen, movesMax, gainMin }
}

const misuse = (message: string, nextStep: string) => new CliError(message, { nextStep, exitCode: 2 })
