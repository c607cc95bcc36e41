import type { FieldError } from '../../machinery/field-error.ts'
import { validateLabels } from '../../machinery/labels.ts'
import { validateAnnotations } from '../../machinery/object-meta.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import { immutableValue } from '../internal-form.ts'
import type { ResourceClaimTemplate } from '../generated/types/resource-v1.ts'
import { applyDeviceClaimDefaults, validateDeviceClaim } from './device-claim.ts'

export const resourceClaimTemplates = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  applyDefaults: ({ spec }) => applyDeviceClaimDefaults(spec?.spec),
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    errors.push(...validateAnnotations(spec?.metadata?.annotations, 'spec.metadata.annotations'))
    errors.push(...validateLabels(spec?.metadata?.labels, 'spec.metadata.labels'))
    return [...errors, ...validateDeviceClaim(spec?.spec?.devices, 'spec.spec.devices')]
  },
  validateUpdate: (template, old) => immutableValue('ResourceClaimTemplateSpec', template.spec, old.spec, 'spec'),
  columns: [nameColumn, ageColumn],
})
