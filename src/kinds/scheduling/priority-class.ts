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
  validate: ({ metadata, value = 0, preemptionPolicy, globalDefault }, old) => {
    const errors: FieldError[] = []
    if (old) return errors // Only what may not change is judged again.
    const name = metadata.name ?? ''
    if (name.startsWith(systemPrefix)) {
      const why = systemNameMisuse(name, value, globalDefault ?? false)
      const detail = `priority class names with '${systemPrefix}' prefix are reserved for system use only. error: ${why}`
      if (why) errors.push(fieldErrors.forbidden('metadata.name', detail))
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
  refuseDeletion: ({ metadata }) =>
    isSystemClass(metadata.name ?? '') ? 'this is a system priority class and cannot be deleted' : undefined,
  columns: [
    nameColumn,
    column.integer('Value', ({ value }) => value ?? 0),
    column.boolean('Global-Default', ({ globalDefault }) => globalDefault ?? false),
    ageColumn,
    column.string('PreemptionPolicy', ({ preemptionPolicy }) => preemptionPolicy ?? ''),
  ],
})

const isSystemClass = (name: string) => Object.hasOwn(systemClasses, name)

/** Undefined for the system's own classes as they are. */
function systemNameMisuse(name: string, value: number, globalDefault: boolean): string | undefined {
  if (!isSystemClass(name)) return `${name} is not a known system priority class`
  if (value !== systemClasses[name]) return `value of ${name} PriorityClass must be ${systemClasses[name]}`
  return globalDefault ? `globalDefault of ${name} PriorityClass must be false` : undefined
}
