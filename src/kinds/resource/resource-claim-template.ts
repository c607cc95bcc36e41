import type { FieldError } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { validateTemplateMeta } from '../core/pod-template/validate-template-meta.ts'
import { defineKind } from '../define-kind.ts'
import type { ResourceClaimTemplate } from '../generated/types/resource-v1.ts'
import { applyDeviceClaimDefaults, validateDeviceClaim } from './device-claim.ts'

export const resourceClaimTemplates = defineKind<ResourceClaimTemplate>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaimTemplate',
  applyDefaults: ({ spec }) => applyDeviceClaimDefaults(spec?.spec),
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    validateTemplateMeta(errors, spec?.metadata, 'spec.metadata')
    return [...errors, ...validateDeviceClaim(spec?.spec?.devices, 'spec.spec.devices')]
  },
  validateUpdate: (template, old) => immutableField(template.spec, old.spec, 'spec'),
  columns: [nameColumn, ageColumn],
})
