import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkNonNegative } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { applyTemplateDefaults, madeSpec } from '../core/pod-template/defaults.ts'
import {
  containerImages,
  containerNames,
  selectorText,
  validateWorkloadTemplate,
  changedTemplateWarnings,
} from '../core/pod-template/workload-template.ts'
import { workloadNameWarnings } from '../core/pod-template/pod-warnings.ts'
import { defineKind, keepAllButStatus, keepStatusAndCountGeneration } from '../define-kind.ts'
import type { Deployment, DeploymentStrategy } from '../generated/types/apps-v1.ts'
import { checkAtMost100Percent, checkIntOrPercent, isZero } from '../int-or-percent.ts'
import { runActionSubresources } from '../keelson/run-action.ts'
import { type ReplicaCounts, validateCollisionCount, validateReplicaCounts } from './replica-counts.ts'
import { rollingValue } from './rolling-value.ts'

export const deployments = defineKind<Deployment>({
  group: 'apps',
  version: 'v1',
  kind: 'Deployment',
  shortNames: ['deploy'],
  categories: ['all'],
  extraSubresources: runActionSubresources,
  applyDefaults: (deployment) => {
    const spec = madeSpec(deployment)
    spec.replicas ??= 1
    spec.strategy ??= {}
    spec.strategy.type ||= 'RollingUpdate'
    if (spec.strategy.type === 'RollingUpdate') {
      spec.strategy.rollingUpdate ??= {}
      spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
      spec.strategy.rollingUpdate.maxSurge ??= '25%'
    }
    spec.revisionHistoryLimit ??= 10
    spec.progressDeadlineSeconds ??= 600
    applyTemplateDefaults(spec)
  },
  prepareForUpdate: (deployment, old) => {
    keepStatusAndCountGeneration(deployment, old)
    // Annotations count too: the controller carries them to its replica sets.
    if (!deepEqual(deployment.metadata.annotations ?? {}, old.metadata.annotations ?? {}))
      deployment.metadata.generation = (old.metadata.generation ?? 0) + 1
  },
  prepareForStatusUpdate: (deployment, old) => {
    keepAllButStatus(deployment, old)
    if (old.metadata.labels) deployment.metadata.labels = old.metadata.labels
    else delete deployment.metadata.labels
  },
  validate: ({ spec }) => {
    if (!spec) return [fieldErrors.required('spec')]
    const errors: FieldError[] = []
    checkNonNegative(errors, 'spec.replicas', spec.replicas)
    errors.push(...validateWorkloadTemplate(spec, { word: 'ReplicaSet', empty: 'deployment', unusable: 'invalid label selector' }))
    validateStrategy(errors, spec.strategy ?? {})
    checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
    checkNonNegative(errors, 'spec.revisionHistoryLimit', spec.revisionHistoryLimit)
    if (spec.progressDeadlineSeconds !== undefined) {
      checkNonNegative(errors, 'spec.progressDeadlineSeconds', spec.progressDeadlineSeconds)
      if (spec.progressDeadlineSeconds <= (spec.minReadySeconds ?? 0))
        errors.push(
          fieldErrors.invalid('spec.progressDeadlineSeconds', spec.progressDeadlineSeconds, 'must be greater than minReadySeconds'),
        )
    }
    return errors
  },
  validateUpdate: (deployment, old) => immutableField(deployment.spec?.selector, old.spec?.selector, 'spec.selector'),
  validateStatusUpdate: ({ status }, old) => [...validateReplicaCounts(status, counts), ...validateCollisionCount(status, old.status)],
  warnings: (deployment, old) => [...(old ? [] : workloadNameWarnings(deployment.metadata)), ...changedTemplateWarnings(deployment, old)],
  columns: [
    nameColumn,
    column.string('Ready', ({ spec, status }) => `${status?.readyReplicas ?? 0}/${spec?.replicas ?? 0}`),
    column.string('Up-to-date', ({ status }) => status?.updatedReplicas ?? 0),
    column.string('Available', ({ status }) => status?.availableReplicas ?? 0),
    ageColumn,
    column.wide('Containers', ({ spec }) => containerNames(spec?.template)),
    column.wide('Images', ({ spec }) => containerImages(spec?.template)),
    column.wide('Selector', ({ spec }) => selectorText(spec?.selector)),
  ],
  scale: { specReplicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' },
})

const counts: ReplicaCounts = {
  nonNegative: [
    'observedGeneration',
    'replicas',
    'updatedReplicas',
    'readyReplicas',
    'availableReplicas',
    'unavailableReplicas',
    'terminatingReplicas',
    'collisionCount',
  ],
  parts: ['updatedReplicas', 'readyReplicas', 'availableReplicas'],
}

function validateStrategy(errors: FieldError[], { type, rollingUpdate }: DeploymentStrategy): void {
  const path = 'spec.strategy'
  if (type === 'Recreate') {
    if (rollingUpdate)
      errors.push(fieldErrors.forbidden(`${path}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'"))
  } else if (type !== 'RollingUpdate') {
    errors.push(fieldErrors.notSupported(path, rollingValue(type, rollingUpdate), ['Recreate', 'RollingUpdate']))
  } else if (!rollingUpdate) {
    errors.push(fieldErrors.required(`${path}.rollingUpdate`, 'this should be defaulted and never be nil'))
  } else {
    const { maxUnavailable, maxSurge } = rollingUpdate
    checkIntOrPercent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable)
    checkIntOrPercent(errors, `${path}.rollingUpdate.maxSurge`, maxSurge)
    if (isZero(maxUnavailable) && isZero(maxSurge))
      errors.push(fieldErrors.invalid(`${path}.rollingUpdate.maxUnavailable`, maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'))
    checkAtMost100Percent(errors, `${path}.rollingUpdate.maxUnavailable`, maxUnavailable)
  }
}
