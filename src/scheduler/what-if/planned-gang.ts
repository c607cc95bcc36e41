import type { PodGroup } from '../../kinds/generated/types/scheduling-v1alpha2.ts'
import { diagnosisOfRefusal, fitErrorMessage } from '../core/fit-error.ts'
import type { Judged, Refused } from '../core/judgement.ts'
import type { PodToPlace } from '../core/scheduler-core.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { domainJudgement, domainsOf } from '../gang/group-domains.ts'
import type { PlannedProfile } from './planned-profiles.ts'

export type PlannedTarget = { readonly profile: PlannedProfile; readonly target: PodToPlace }

type GangPlan =
  | { readonly kind: 'Refused'; readonly message: string }
  /** They may go, each within what is given. */
  | { readonly kind: 'Together'; readonly within: readonly Judged[] }

type Asked = { readonly snapshot: Snapshot; readonly key: string; readonly group: PodGroup | undefined; readonly running: number }

/**
 * Whether enough of a group's pods find places at the same moment, as gang/gangs.ts asks it: without room that others would have to make,
 * and without what they reserve. Nothing is changed.
 */
export function planGang<T>(
  { snapshot, key, group, running }: Asked,
  members: readonly T[],
  targetOf: (member: T, within: readonly Judged[]) => PlannedTarget | Refused | undefined,
): GangPlan {
  const name = JSON.stringify(key)
  if (!group) return { kind: 'Refused', message: `waiting for pod group ${name} to be created` }
  const { gang } = group.spec.schedulingPolicy
  if (!gang) return { kind: 'Together', within: [] }
  const count = running + members.length
  if (count < gang.minCount)
    return { kind: 'Refused', message: `pod group ${name} has ${count} of the ${gang.minCount} pods that it needs` }
  const needed = Math.max(0, gang.minCount - running)
  const label = group.spec.schedulingConstraints?.topology?.[0]?.key
  const choices =
    label === undefined ? [[]] : domainsOf(snapshot, label).map((domain) => [domainJudgement(snapshot, { key: label, domain })])
  let best = { placed: -1, why: `no node has label ${label}` }
  for (const within of choices) {
    const tried = tryTogether(
      snapshot,
      members.map((member) => targetOf(member, within)),
    )
    if (tried.placed >= needed) return { kind: 'Together', within }
    if (tried.placed > best.placed) best = tried
  }
  const where = label === undefined ? '' : ` in one domain of ${label}`
  return {
    kind: 'Refused',
    message: `pod group ${name} needs ${needed} places at once${where}, ${Math.max(0, best.placed)} were found: ${best.why}`,
  }
}

function tryTogether(
  snapshot: Snapshot,
  targets: readonly (PlannedTarget | Refused | undefined)[],
): { readonly placed: number; readonly why: string } {
  const placed: string[] = []
  let why = ''
  try {
    for (const asked of targets) {
      if (!asked || 'kind' in asked) {
        if (asked && why === '') why = fitErrorMessage(diagnosisOfRefusal(snapshot.nodeCount, asked))
        continue
      }
      const { core } = asked.profile
      const decision = core.decide(asked.target)
      if (decision.kind === 'Placed') {
        snapshot.addPod(asked.target.key, asked.target.pod, snapshot.nodeName(decision.row))
        placed.push(asked.target.key)
      } else if (why === '') why = fitErrorMessage(core.diagnose(asked.target))
    }
    return { placed: placed.length, why }
  } finally {
    for (const key of placed) snapshot.removePod(key)
  }
}
