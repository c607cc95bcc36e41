import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import { checkRequiredName, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { validateNodeLabels, validateTolerations } from '../core/pod-template/validate-placement.ts'
import { validateResources } from '../core/pod-template/validate-resources.ts'
import { defineKind } from '../define-kind.ts'
import type { Toleration } from '../generated/types/core-v1.ts'
import type { RuntimeClass } from '../generated/types/node-v1.ts'
import { nodeLabelWarning } from '../node-label-warnings.ts'

export const runtimeClasses = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  allowCreateOnUpdate: true,
  applyDefaults: ({ overhead }) => canonicalizeQuantities(overhead?.podFixed),
  validate: ({ handler, overhead, scheduling }) => {
    const errors: FieldError[] = []
    checkRequiredName(errors, 'handler', handler, dns1123Label)
    // Upstream judges the overhead as a container's limits, and says so.
    validateResources(errors, overhead?.podFixed && { limits: overhead.podFixed }, 'overhead')
    validateNodeLabels(errors, scheduling?.nodeSelector, 'scheduling.nodeSelector')
    validateTolerations(errors, scheduling?.tolerations, 'scheduling.tolerations')
    checkTolerationsOnce(errors, scheduling?.tolerations ?? [])
    return errors
  },
  validateUpdate: (runtimeClass, old) => immutableField(runtimeClass.handler, old.handler, 'handler'),
  warnings: ({ scheduling }) =>
    Object.keys(scheduling?.nodeSelector ?? {}).flatMap((key) => {
      const message = nodeLabelWarning(key)
      return message === undefined ? [] : [`scheduling.nodeSelector: ${message}`]
    }),
  columns: [nameColumn, column.string('Handler', ({ handler }) => handler ?? ''), ageColumn],
  allowUnconditionalUpdate: false,
})

function checkTolerationsOnce(errors: Errors, tolerations: readonly Toleration[]): void {
  const seen = new Set<string>()
  tolerations.forEach(({ key = '', operator = '', value = '', effect = '', tolerationSeconds = null }, i) => {
    const same = JSON.stringify([key, operator, value, effect])
    const shown = { Key: key, Operator: operator, Value: value, Effect: effect, TolerationSeconds: tolerationSeconds }
    if (seen.has(same)) errors.push(fieldErrors.duplicate(`scheduling.tolerations[${i}]`, shown))
    seen.add(same)
  })
}
