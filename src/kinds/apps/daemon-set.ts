import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkNonNegative } from '../checks.ts'
import { ageColumn, column, formatLabels, nameColumn } from '../columns.ts'
import { applyTemplateDefaults, madeSpec } from '../core/pod-template/defaults.ts'
import {
  containerImages,
  containerNames,
  selectorText,
  validateWorkloadTemplate,
  changedTemplateWarnings,
} from '../core/pod-template/workload-template.ts'
import { defineKind, dropStatusAndStartGeneration, keepAllButStatus, keepStatusAndCountGeneration } from '../define-kind.ts'
import type { DaemonSet, DaemonSetUpdateStrategy } from '../generated/types/apps-v1.ts'
import { checkAtMost100Percent, checkIntOrPercent, isZero } from '../int-or-percent.ts'
import { validateCollisionCount } from './replica-counts.ts'
import { rollingValue } from './rolling-value.ts'

/** The template's own count of changes, which v1 carries as an annotation. */
const templateGeneration = 'deprecated.daemonset.template.generation'

const counts = [
  'currentNumberScheduled',
  'numberMisscheduled',
  'desiredNumberScheduled',
  'numberReady',
  'observedGeneration',
  'updatedNumberScheduled',
  'numberAvailable',
  'numberUnavailable',
  'collisionCount',
] as const

export const daemonSets = defineKind<DaemonSet>({
  group: 'apps',
  version: 'v1',
  kind: 'DaemonSet',
  shortNames: ['ds'],
  categories: ['all'],
  applyDefaults: (daemonSet) => {
    const spec = madeSpec(daemonSet)
    spec.updateStrategy ??= {}
    spec.updateStrategy.type ||= 'RollingUpdate'
    const isRolling = spec.updateStrategy.type === 'RollingUpdate'
    if (isRolling) spec.updateStrategy.rollingUpdate ??= {}
    if (spec.updateStrategy.rollingUpdate) {
      spec.updateStrategy.rollingUpdate.maxUnavailable ??= isRolling ? 1 : 0
      spec.updateStrategy.rollingUpdate.maxSurge ??= 0
    }
    spec.revisionHistoryLimit ??= 10
    applyTemplateDefaults(spec)
    // Upstream has it as a field, and writes it as an annotation whatever it holds.
    setTemplateGeneration(daemonSet, templateGenerationOf(daemonSet))
  },
  prepareForCreate: (daemonSet) => {
    dropStatusAndStartGeneration(daemonSet)
    setTemplateGeneration(daemonSet, Math.max(templateGenerationOf(daemonSet), 1))
  },
  prepareForUpdate: (daemonSet, old) => {
    keepStatusAndCountGeneration(daemonSet, old)
    setTemplateGeneration(daemonSet, templateGenerationOf(old) + (deepEqual(daemonSet.spec?.template, old.spec?.template) ? 0 : 1))
  },
  prepareForStatusUpdate: (daemonSet, old) => {
    keepAllButStatus(daemonSet, old)
    setTemplateGeneration(daemonSet, templateGenerationOf(old))
  },
  validate: ({ spec }) => {
    if (!spec) return [fieldErrors.required('spec')]
    const errors = validateWorkloadTemplate(spec, { word: 'DaemonSet', empty: 'daemonset' })
    checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
    checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit)
    validateStrategy(errors, spec.updateStrategy ?? {})
    return errors
  },
  validateUpdate: (daemonSet, old) => immutableField(daemonSet.spec?.selector, old.spec?.selector, 'spec.selector'),
  validateStatusUpdate: ({ status }, old) => {
    const errors: FieldError[] = []
    for (const field of counts) checkNonNegative(errors, `status.${field}`, status?.[field])
    return [...errors, ...validateCollisionCount(status, old.status)]
  },
  warnings: (daemonSet, old) => [...changedTemplateWarnings(daemonSet, old)],
  columns: [
    nameColumn,
    column.integer('Desired', ({ status }) => status?.desiredNumberScheduled ?? 0),
    column.integer('Current', ({ status }) => status?.currentNumberScheduled ?? 0),
    column.integer('Ready', ({ status }) => status?.numberReady ?? 0),
    column.integer('Up-to-date', ({ status }) => status?.updatedNumberScheduled ?? 0),
    column.integer('Available', ({ status }) => status?.numberAvailable ?? 0),
    column.string('Node Selector', ({ spec }) => formatLabels(spec?.template?.spec?.nodeSelector)),
    ageColumn,
    column.wide('Containers', ({ spec }) => containerNames(spec?.template)),
    column.wide('Images', ({ spec }) => containerImages(spec?.template)),
    column.wide('Selector', ({ spec }) => selectorText(spec?.selector)),
  ],
})

function templateGenerationOf({ metadata }: DaemonSet): number {
  return Number(metadata.annotations?.[templateGeneration] ?? 0) || 0
}

function setTemplateGeneration({ metadata }: DaemonSet, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [templateGeneration]: String(generation) }
}

function validateStrategy(errors: FieldError[], { type, rollingUpdate }: DaemonSetUpdateStrategy): void {
  const path = 'spec.updateStrategy'
  if (type === 'OnDelete') return
  if (type !== 'RollingUpdate') {
    errors.push(fieldErrors.notSupported(path, rollingValue(type, rollingUpdate), ['RollingUpdate', 'OnDelete']))
    return
  }
  if (!rollingUpdate) {
    errors.push(fieldErrors.required(`${path}.rollingUpdate`))
    return
  }
  const { maxUnavailable, maxSurge } = rollingUpdate
  for (const [field, value] of Object.entries({ maxUnavailable, maxSurge })) {
    checkIntOrPercent(errors, `${path}.rollingUpdate.${field}`, value)
    checkAtMost100Percent(errors, `${path}.rollingUpdate.${field}`, value)
  }
  if (!isZero(maxUnavailable) && !isZero(maxSurge))
    errors.push(fieldErrors.invalid(`${path}.rollingUpdate.maxSurge`, maxSurge, 'may not be set when maxUnavailable is non-zero'))
  if (isZero(maxUnavailable) && isZero(maxSurge))
    errors.push(fieldErrors.required(`${path}.rollingUpdate.maxUnavailable`, 'cannot be 0 when maxSurge is 0'))
}
