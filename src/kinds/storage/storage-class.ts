import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { qualifiedName } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkEnum, checkQualifiedName } from '../checks.ts'
import { ageColumn, column, nameOrDefaultColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { StorageClass } from '../generated/types/storage-v1.ts'
import { validateParameters } from './parameters.ts'
import { namedKeyWarning } from '../node-label-warnings.ts'

export const storageClasses = defineKind<StorageClass>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'StorageClass',
  shortNames: ['sc'],
  applyDefaults: (storageClass) => {
    storageClass.reclaimPolicy ??= 'Delete'
    storageClass.volumeBindingMode ??= 'Immediate'
  },
  validate: ({ provisioner, reclaimPolicy, parameters, volumeBindingMode, allowedTopologies }) => {
    const errors: FieldError[] = []
    if (!provisioner) errors.push(fieldErrors.required('provisioner', ''))
    else
      for (const message of qualifiedName(provisioner.toLowerCase())) errors.push(fieldErrors.invalid('provisioner', provisioner, message))
    errors.push(...validateParameters(parameters, 'parameters'))
    checkEnum(errors, 'reclaimPolicy', reclaimPolicy, ['Delete', 'Retain'])
    checkEnum(errors, 'volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'])
    allowedTopologies?.forEach((term, i) =>
      term.matchLabelExpressions?.forEach(({ key, values }, k) => {
        const at = `allowedTopologies[${i}].matchLabelExpressions[${k}]`
        checkQualifiedName(errors, `${at}.key`, key)
        if (!values?.length) errors.push(fieldErrors.required(`${at}.values`))
      }),
    )
    return errors
  },
  warnings: ({ allowedTopologies }) =>
    (allowedTopologies ?? []).flatMap(({ matchLabelExpressions = [] }, i) =>
      matchLabelExpressions.flatMap(({ key }, k) => namedKeyWarning(`allowedTopologies[${i}].matchLabelExpressions[${k}].key`, key)),
    ),
  validateUpdate: (storageClass, old) => {
    const errors: FieldError[] = []
    if (!deepEqual(storageClass.parameters ?? {}, old.parameters ?? {}))
      errors.push(fieldErrors.forbidden('parameters', 'updates to parameters are forbidden.'))
    if (storageClass.provisioner !== old.provisioner)
      errors.push(fieldErrors.forbidden('provisioner', 'updates to provisioner are forbidden.'))
    if (storageClass.reclaimPolicy !== old.reclaimPolicy)
      errors.push(fieldErrors.forbidden('reclaimPolicy', 'updates to reclaimPolicy are forbidden.'))
    return [...errors, ...immutableField(storageClass.volumeBindingMode, old.volumeBindingMode, 'volumeBindingMode')]
  },
  columns: [
    nameOrDefaultColumn(['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']),
    column.string('Provisioner', ({ provisioner }) => provisioner ?? ''),
    column.string('ReclaimPolicy', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    column.string('VolumeBindingMode', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
    column.string('AllowVolumeExpansion', ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false),
    ageColumn,
  ],
})
