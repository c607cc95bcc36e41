import type { FieldError } from '../../machinery/field-error.ts'
import { dns1123Label } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import { checkRequiredName } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { validateNodeLabels, validateTolerations } from '../core/pod-template/validate-placement.ts'
import { validateOverhead } from '../core/pod-template/validate-resources.ts'
import { defineKind } from '../define-kind.ts'
import type { RuntimeClass } from '../generated/types/node-v1.ts'
import { nodeLabelWarning } from '../node-label-warnings.ts'

export const runtimeClasses = defineKind<RuntimeClass>({
  group: 'node.k8s.io',
  version: 'v1',
  kind: 'RuntimeClass',
  applyDefaults: ({ overhead }) => canonicalizeQuantities(overhead?.podFixed),
  validate: ({ handler, overhead, scheduling }) => {
    const errors: FieldError[] = []
    checkRequiredName(errors, 'handler', handler, dns1123Label)
    validateOverhead(errors, overhead?.podFixed, 'overhead.podFixed')
    validateNodeLabels(errors, scheduling?.nodeSelector, 'scheduling.nodeSelector')
    validateTolerations(errors, scheduling?.tolerations, 'scheduling.tolerations')
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
