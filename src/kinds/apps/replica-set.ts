import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkNonNegative } from '../checks.ts'
import { applyTemplateDefaults, madeSpec } from '../core/pod-template/defaults.ts'
import { selectorText, validateWorkloadTemplate, changedTemplateWarnings } from '../core/pod-template/workload-template.ts'
import { workloadNameWarnings } from '../core/pod-template/pod-warnings.ts'
import { defineKind } from '../define-kind.ts'
import type { ReplicaSet } from '../generated/types/apps-v1.ts'
import { replicaColumns } from './replica-columns.ts'
import { replicaSetCounts, validateReplicaCounts } from './replica-counts.ts'

export const replicaSets = defineKind<ReplicaSet>({
  group: 'apps',
  version: 'v1',
  kind: 'ReplicaSet',
  shortNames: ['rs'],
  categories: ['all'],
  applyDefaults: (replicaSet) => {
    const spec = madeSpec(replicaSet)
    spec.replicas ??= 1
    applyTemplateDefaults(spec)
  },
  prepareForCreate: (replicaSet) => {
    replicaSet.metadata.generation = 1
    replicaSet.status = { replicas: 0 }
  },
  validate: ({ spec }) => {
    if (!spec) return [fieldErrors.required('spec')]
    const errors: FieldError[] = []
    checkNonNegative(errors, 'spec.replicas', spec.replicas)
    checkNonNegative(errors, 'spec.minReadySeconds', spec.minReadySeconds)
    errors.push(...validateWorkloadTemplate(spec, { word: 'ReplicaSet', empty: 'deployment', unusable: 'invalid label selector' }))
    return errors
  },
  validateUpdate: (replicaSet, old) => immutableField(replicaSet.spec?.selector, old.spec?.selector, 'spec.selector'),
  validateStatusUpdate: ({ status }) => validateReplicaCounts(status, replicaSetCounts),
  warnings: (replicaSet, old) => [...(old ? [] : workloadNameWarnings(replicaSet.metadata)), ...changedTemplateWarnings(replicaSet, old)],
  columns: replicaColumns(({ spec }) => selectorText(spec?.selector)),
  scale: { specReplicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' },
})
