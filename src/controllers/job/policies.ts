import type { Job, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyRule } from '../../kinds/generated/types/batch-v1.ts'
import type { ContainerStatus, Pod } from '../../kinds/generated/types/core-v1.ts'
import { IndexSet } from './index-set.ts'

/** What the pod failure policy says of a failed pod. `message` tells why the whole Job fails. */
export type FailureVerdict = {
  readonly isCounted: boolean
  readonly action: PodFailurePolicyRule['action'] | undefined
  readonly message: string | undefined
}

const counted: FailureVerdict = { isCounted: true, action: undefined, message: undefined }

/** The first rule that matches decides; without one the failure counts (https://kubernetes.io/docs/tasks/job/pod-failure-policy/). */
export function judgeFailure({ spec }: Job, pod: Pod): FailureVerdict {
  for (const [index, rule] of (spec?.podFailurePolicy?.rules ?? []).entries()) {
    const cause = causeOf(rule, pod)
    if (cause === undefined) continue
    const { action } = rule
    const message = action === 'FailJob' ? `${cause} matching ${action} rule at index ${index}` : undefined
    return { isCounted: action !== 'Ignore', action, message }
  }
  return counted
}

function causeOf({ onExitCodes, onPodConditions = [] }: PodFailurePolicyRule, pod: Pod): string | undefined {
  const { namespace, name } = pod.metadata
  if (onExitCodes) {
    const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
    const container = [...containerStatuses, ...initContainerStatuses].find((status) => matchesExitCode(onExitCodes, status))
    const code = container?.state?.terminated?.exitCode
    return container && `Container ${container.name} for pod ${namespace}/${name} failed with exit code ${code}`
  }
  const conditions = pod.status?.conditions ?? []
  const found = conditions.find(({ type, status }) =>
    onPodConditions.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
  )
  return found && `Pod ${namespace}/${name} has condition ${found.type}`
}

/** A container that succeeded or has not ended yet matches nothing. */
function matchesExitCode({ containerName, operator, values }: PodFailurePolicyOnExitCodesRequirement, status: ContainerStatus): boolean {
  const exitCode = status.state?.terminated?.exitCode
  if (!exitCode || (containerName !== undefined && containerName !== status.name)) return false
  return values.includes(exitCode) === (operator === 'In')
}

/** Which rule of the success policy holds; undefined: none. */
export function metSuccessRule({ spec }: Job, succeeded: IndexSet): string | undefined {
  const rules = spec?.successPolicy?.rules ?? []
  const met = rules.findIndex(({ succeededCount, succeededIndexes }) => {
    if (succeededIndexes === undefined) return succeededCount !== undefined && succeeded.size >= succeededCount
    const required = IndexSet.parse(succeededIndexes, spec?.completions ?? 0)
    return succeeded.commonSize(required) >= (succeededCount ?? required.size)
  })
  return met < 0 ? undefined : `Matched rules at index ${met}`
}
