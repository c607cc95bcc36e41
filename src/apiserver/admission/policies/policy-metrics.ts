import type { Clock } from '../../../base/clock.ts'
import {
  type Distribution,
  familyHead,
  histogramText,
  labelText,
  newDistribution,
  observe,
  sampleText,
} from '../../../base/exposition-text.ts'
import type { Expression, Outcome } from '../../../kinds/admissionregistration/expressions.ts'

/** Why an expression failed, by upstream's words. */
export type CheckError = 'no_error' | 'compile_error' | 'invalid_error' | 'out_of_budget'
export type Check = { readonly error: CheckError; readonly tookMs: number }

/** What a policy plugin measures with. */
export type PolicyMeasuring = { readonly policyMetrics: PolicyMetrics; readonly clock: Clock }

type Named = Check & { readonly policy: string; readonly binding: string }

/** How policies judge and change objects, under upstream's names. Nothing is kept before the first of them does. */
export type PolicyMetrics = {
  /** A validation that did not hold or failed; what held is not counted, as upstream has it. */
  validated(check: Named & { readonly action: 'allow' | 'deny' | 'warn' | 'audit' }): void
  /** A mutation that was tried. */
  mutated(check: Named): void
  /** Prometheus text. */
  text(): string
}

const bucketSeconds = [0.0000005, 0.001, 0.01, 0.1, 1]
/** Series that are told apart: policies come and go. What comes later is counted under the policy `other`. */
const seriesMax = 2000

export function createPolicyMetrics(): PolicyMetrics {
  const validations = new Map<string, Distribution>()
  const mutations = new Map<string, Distribution>()
  const count = (series: Map<string, Distribution>, labels: Readonly<Record<string, string>>, tookMs: number) => {
    const wanted = labelText(labels)
    const key = series.has(wanted) || series.size < seriesMax ? wanted : labelText({ ...labels, policy: 'other', policy_binding: 'other' })
    let distribution = series.get(key)
    if (!distribution) series.set(key, (distribution = newDistribution(bucketSeconds)))
    observe(distribution, bucketSeconds, tookMs / 1000)
  }
  return {
    validated: ({ policy, binding, error, action, tookMs }) =>
      count(validations, { enforcement_action: action, error_type: error, policy, policy_binding: binding }, tookMs),
    mutated: ({ policy, binding, error, tookMs }) => count(mutations, { error_type: error, policy, policy_binding: binding }, tookMs),
    text: () =>
      familiesText('apiserver_validating_admission_policy', 'Validations of policies that did not hold or failed', validations) +
      familiesText('apiserver_mutating_admission_policy', 'Mutations of policies that were tried', mutations),
  }
}

function familiesText(prefix: string, what: string, series: ReadonlyMap<string, Distribution>): string {
  if (series.size === 0) return ''
  const [total, duration] = [`${prefix}_check_total`, `${prefix}_check_duration_seconds`]
  let text = familyHead(total, 'counter', `${what}.`)
  for (const [labels, { count }] of series) text += sampleText(total, labels, count)
  text += familyHead(duration, 'histogram', `${what}: how long they took.`)
  for (const [labels, distribution] of series) text += histogramText(duration, labels, distribution, bucketSeconds)
  return text
}

export function checkErrorOf({ program }: Expression, { error, isOutOfBudget }: Outcome): CheckError {
  if (error === undefined) return 'no_error'
  return program === undefined ? 'compile_error' : isOutOfBudget ? 'out_of_budget' : 'invalid_error'
}
