import type { FieldError } from '../../machinery/field-error.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { DeviceClass } from '../generated/types/resource-v1.ts'
import { validateSelectors } from './device-claim.ts'

export const deviceClasses = defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    validateSelectors(errors, spec?.selectors, 'spec.selectors')
    return errors
  },
  columns: [nameColumn, ageColumn],
})
