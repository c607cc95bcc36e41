import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { replicaColumns } from '../apps/replica-columns.ts'
import { replicaSetCounts, validateReplicaCounts } from '../apps/replica-counts.ts'
import { checkNonNegative } from '../checks.ts'
import { formatLabels } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { ReplicationController } from '../generated/types/core-v1.ts'
import { applyPodSpecDefaults } from './pod-template/defaults.ts'
import { validatePodTemplate } from './pod-template/validate-pod-spec.ts'
import { workloadNameWarnings } from './pod-template/pod-warnings.ts'
import { validateMapSelects, validateRunsForEver, changedTemplateWarnings } from './pod-template/workload-template.ts'

export const replicationControllers = defineKind<ReplicationController>({
  orphansByDefault: {},
  group: '',
  version: 'v1',
  kind: 'ReplicationController',
  shortNames: ['rc'],
  categories: ['all'],
  applyDefaults: (controller) => {
    const { spec, metadata } = controller
    if (!spec) return
    const labels = spec.template?.metadata?.labels
    if (labels && Object.keys(spec.selector ?? {}).length === 0) spec.selector = { ...labels }
    if (labels && Object.keys(metadata.labels ?? {}).length === 0) metadata.labels = { ...labels }
    spec.replicas ??= 1
    if (spec.template?.spec) applyPodSpecDefaults(spec.template.spec)
  },
  prepareForCreate: (controller) => {
    controller.metadata.generation = 1
    controller.status = { replicas: 0 }
  },
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    checkNonNegative(errors, 'spec.minReadySeconds', spec?.minReadySeconds)
    const hasSelector = Object.keys(spec?.selector ?? {}).length > 0
    if (!hasSelector) errors.push(fieldErrors.required('spec.selector'))
    checkNonNegative(errors, 'spec.replicas', spec?.replicas)
    if (!spec?.template) return [...errors, fieldErrors.required('spec.template')]
    if (hasSelector) errors.push(...validateMapSelects(spec.selector!, spec.template))
    errors.push(...validatePodTemplate(spec.template, 'spec.template'), ...validateRunsForEver(spec.template, 'ReplicationController'))
    return errors
  },
  validateStatusUpdate: ({ status }) => validateReplicaCounts(status, replicaSetCounts),
  warnings: (controller, old) => [...(old ? [] : workloadNameWarnings(controller.metadata)), ...changedTemplateWarnings(controller, old)],
  columns: replicaColumns(({ spec }) => formatLabels(spec?.selector)),
  selectableFields: { 'status.replicas': ({ status }) => String(status?.replicas ?? 0) },
  scale: { specReplicas: 'spec.replicas', statusReplicas: 'status.replicas', selector: 'spec.selector' },
})
