import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { ageColumn, nameColumn } from '../columns.ts'
import { isExtendedResourceName } from '../core/resource-name.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { DeviceClass } from '../generated/types/resource-v1.ts'
import { configMax, validateConfiguration, validateSelectors } from './device-claim.ts'
import { checkEach } from './device-names.ts'

export const deviceClasses = defineKind<DeviceClass>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'DeviceClass',
  judgesMetadata: 'without-prefix',
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    validateSelectors(errors, spec?.selectors, 'spec.selectors')
    checkEach(errors, spec?.config, { path: 'spec.config', max: configMax }, (all, at, { opaque }) =>
      validateConfiguration(all, at, opaque),
    )
    const { extendedResourceName: name } = spec ?? {}
    if (name !== undefined && !isExtendedResourceName(name))
      errors.push(fieldErrors.invalid('spec.extendedResourceName', name, 'must be a valid extended resource name'))
    return errors
  },
  columns: [nameColumn, ageColumn],
})
