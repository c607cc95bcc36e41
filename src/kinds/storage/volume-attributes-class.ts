import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkRequired } from '../checks.ts'
import { ageColumn, column, nameOrDefaultColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { VolumeAttributesClass } from '../generated/types/storage-v1.ts'
import { csiDriverName } from './csi-driver-name.ts'
import { validateParameters } from './parameters.ts'

export const volumeAttributesClasses = defineKind<VolumeAttributesClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'VolumeAttributesClass',
  shortNames: ['vac'],
  validate: ({ driverName, parameters }) => {
    const errors: FieldError[] = []
    if (checkRequired(errors, 'driverName', driverName))
      for (const message of csiDriverName(driverName)) errors.push(fieldErrors.invalid('driverName', driverName, message))
    if (!parameters || Object.keys(parameters).length === 0)
      errors.push(fieldErrors.required('parameters', 'must contain at least one key/value pair'))
    return [...errors, ...validateParameters(parameters, 'parameters')]
  },
  validateUpdate: (attributes, old) => [
    ...immutableField(attributes.driverName, old.driverName, 'driverName'),
    ...immutableField(attributes.parameters, old.parameters, 'parameters'),
  ],
  columns: [
    nameOrDefaultColumn(['volumeattributesclass.alpha.kubernetes.io/is-default-class']),
    column.string('DriverName', ({ driverName }) => driverName ?? ''),
    ageColumn,
  ],
})
