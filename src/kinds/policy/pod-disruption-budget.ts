import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { validateLabelSelector } from '../../machinery/label-selector.ts'
import { checkNonNegative, checkOptionalEnum } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { validateConditions } from '../conditions.ts'
import { defineKind } from '../define-kind.ts'
import type { PodDisruptionBudget, PodDisruptionBudgetSpec } from '../generated/types/policy-v1.ts'
import { checkAtMost100Percent, checkIntOrPercent } from '../int-or-percent.ts'

export const podDisruptionBudgets = defineKind<PodDisruptionBudget>({
  group: 'policy',
  version: 'v1',
  kind: 'PodDisruptionBudget',
  shortNames: ['pdb'],
  prepareForCreate: (budget) => {
    budget.metadata.generation = 1
    budget.status = { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 }
  },
  prepareForUpdate: (budget, old) => {
    if (old.status) budget.status = old.status
    else delete budget.status
    budget.metadata.generation = (old.metadata.generation ?? 0) + (deepEqual(budget.spec, old.spec) ? 0 : 1)
  },
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    if (spec?.minAvailable !== undefined && spec.maxUnavailable !== undefined)
      errors.push(fieldErrors.invalid('spec', shownSpec(spec), 'minAvailable and maxUnavailable cannot be both set'))
    for (const field of ['minAvailable', 'maxUnavailable'] as const) {
      checkIntOrPercent(errors, `spec.${field}`, spec?.[field])
      checkAtMost100Percent(errors, `spec.${field}`, spec?.[field])
    }
    if (spec?.selector) errors.push(...validateLabelSelector(spec.selector, 'spec.selector'))
    checkOptionalEnum(errors, 'spec.unhealthyPodEvictionPolicy', spec?.unhealthyPodEvictionPolicy, ['AlwaysAllow', 'IfHealthyBudget'])
    return errors
  },
  validateStatusUpdate: ({ status }) => {
    const errors: FieldError[] = []
    for (const field of ['disruptionsAllowed', 'currentHealthy', 'desiredHealthy', 'expectedPods'] as const)
      checkNonNegative(errors, `status.${field}`, status?.[field])
    validateConditions(errors, status?.conditions, 'status.conditions')
    return errors
  },
  columns: [
    nameColumn,
    column.string('Min Available', ({ spec }) => String(spec?.minAvailable ?? 'N/A')),
    column.string('Max Unavailable', ({ spec }) => String(spec?.maxUnavailable ?? 'N/A')),
    column.integer('Allowed Disruptions', ({ status }) => status?.disruptionsAllowed ?? 0),
    ageColumn,
  ],
  allowUnconditionalUpdate: false,
})

/** As upstream's message writes it. */
function shownSpec({ minAvailable, selector, maxUnavailable, unhealthyPodEvictionPolicy }: PodDisruptionBudgetSpec): object {
  return {
    MinAvailable: minAvailable ?? null,
    Selector: selector ?? null,
    MaxUnavailable: maxUnavailable ?? null,
    UnhealthyPodEvictionPolicy: unhealthyPodEvictionPolicy ?? null,
  }
}
