import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkEnum } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind, startGeneration } from '../define-kind.ts'
import type { PriorityClass } from '../generated/types/scheduling-v1.ts'

const userPriorityMax = 1_000_000_000
const systemPriority = 2 * userPriorityMax
const systemPrefix = 'system-'
const systemClasses: Readonly<Record<string, number>> = {
  'system-cluster-critical': systemPriority,
  'system-node-critical': systemPriority + 1000,
}

export const priorityClasses = defineKind<PriorityClass>({
  group: 'scheduling.k8s.io',
  version: 'v1',
  kind: 'PriorityClass',
  shortNames: ['pc'],
  applyDefaults: (priorityClass) => {
    priorityClass.value ??= 0
    priorityClass.preemptionPolicy ??= 'PreemptLowerPriority'
  },
  prepareForCreate: startGeneration,
  validate: ({ metadata, value = 0, preemptionPolicy, globalDefault }) => {
    const errors: FieldError[] = []
    const name = metadata.name ?? ''
    if (name.startsWith(systemPrefix)) {
      if (systemClasses[name] === undefined || systemClasses[name] !== value || globalDefault)
        errors.push(
          fieldErrors.forbidden(
            'metadata.name',
            `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${name} is not a known system priority class`,
          ),
        )
    } else if (value > userPriorityMax) {
      errors.push(fieldErrors.forbidden('value', `maximum allowed value of a user defined priority is ${userPriorityMax}`))
    }
    checkEnum(errors, 'preemptionPolicy', preemptionPolicy, ['PreemptLowerPriority', 'Never'])
    return errors
  },
  validateUpdate: (priorityClass, old) => [
    ...(priorityClass.value === old.value ? [] : [fieldErrors.forbidden('value', 'may not be changed in an update.')]),
    ...immutableField(priorityClass.preemptionPolicy, old.preemptionPolicy, 'preemptionPolicy'),
  ],
  columns: [
    nameColumn,
    column.integer('Value', ({ value }) => value ?? 0),
    column.boolean('Global-Default', ({ globalDefault }) => globalDefault ?? false),
    ageColumn,
    column.string('PreemptionPolicy', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
  ],
})
