// What the loops here may do beyond upstream's controllers, from what each declares: src/apiserver/authz/loop-rules.json. A file, so that a
// server can store the default roles before it has loaded the loops.
import { writeFileSync } from 'node:fs'
import { controllerRoles } from '../src/apiserver/authz/controller-roles.ts'
import { uncoveredBy } from '../src/apiserver/authz/rule.ts'
import { accountOf, rulesOf } from '../src/control/controller-rules.ts'
import { allControllers } from '../src/controllers/all.ts'
import type { PolicyRule } from '../src/kinds/generated/types/rbac-v1.ts'
import { defaultConfiguration } from '../src/scheduler/config/scheduler-configuration.ts'
import { rebalanceController } from '../src/scheduler/rebalance/rebalance-controller.ts'
import { defaultRebalancerConfiguration } from '../src/scheduler/rebalance/rebalancer-configuration.ts'

export const loopRulesFile = 'src/apiserver/authz/loop-rules.json'

const notHere = (): never => {
  throw new Error('only what loops declare is read here')
}

/** By the service account of kube-system that a loop acts as; loops of the same account share its role. */
export function loopRules(): Record<string, readonly PolicyRule[]> {
  const [profile] = defaultConfiguration.profiles
  // Of a plugin that looks at what nodes use.
  const profiles = [{ ...profile!, plugins: [...profile!.plugins, { name: 'any', weight: 0, compile: notHere, onNodeUsage: notHere }] }]
  const loops = [
    ...allControllers({ rootCaPem: 'any', signCertificate: notHere, issueSecretToken: notHere }),
    rebalanceController({ ...defaultRebalancerConfiguration, mode: 'Move', profiles }),
  ]
  const beyond: Record<string, PolicyRule[]> = {}
  for (const loop of loops) {
    const account = accountOf(loop)
    const uncovered = uncoveredBy([...(controllerRoles[account] ?? []), ...(beyond[account] ?? [])])
    const rules = rulesOf(loop).filter((rule) => uncovered([rule]).length > 0)
    if (rules.length > 0) beyond[account] = [...(beyond[account] ?? []), ...rules]
  }
  return beyond
}

/** One rule a line. */
export function loopRulesText(): string {
  const accounts = Object.entries(loopRules()).map(
    ([account, rules]) => `${JSON.stringify(account)}: [\n${rules.map((rule) => JSON.stringify(rule)).join(',\n')}\n]`,
  )
  return `{\n${accounts.join(',\n')}\n}\n`
}

if (import.meta.main) writeFileSync(loopRulesFile, loopRulesText())
