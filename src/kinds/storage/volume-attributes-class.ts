import { deepEqual } from '../../machinery/deep-equal.ts'
import { checkProvisioner } from './csi-driver-name.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'

import { ageColumn, column, nameOrDefaultColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { VolumeAttributesClass } from '../generated/types/storage-v1.ts'

import { validateParameters } from './parameters.ts'

export const volumeAttributesClasses = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  shortNames: ['vac'],
  validate: ({ driverName, parameters }) => {
    const errors: FieldError[] = []
    checkProvisioner(errors, 'driverName', driverName)
    errors.push(...validateParameters(parameters, 'parameters'))
    if (!parameters || Object.keys(parameters).length === 0)
      errors.push(fieldErrors.required('parameters', 'must contain at least one key/value pair'))
    return errors
  },
  validateUpdate: (attributes, old) => {
    const errors: FieldError[] = []
    if (attributes.driverName !== old.driverName) errors.push(fieldErrors.forbidden('driverName', 'updates to driverName are forbidden.'))
    if (!deepEqual(attributes.parameters, old.parameters))
      errors.push(fieldErrors.forbidden('parameters', 'updates to parameters are forbidden.'))
    return errors
  },
  columns: [
    nameOrDefaultColumn(['volumeattributesclass.alpha.kubernetes.io/is-default-class']),
    column.string('DriverName', ({ driverName }) => driverName ?? ''),
    ageColumn,
  ],
})
