import { nodeLabelWarning } from '../node-label-warnings.ts'
import { mapValue } from '../go-value.ts'
import { checkProvisioner } from './csi-driver-name.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'

import { immutableField } from '../../machinery/object-meta.ts'
import { checkEnum, checkQualifiedName, type Errors } from '../checks.ts'
import { ageColumn, column, nameOrDefaultColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { StorageClass } from '../generated/types/storage-v1.ts'
import { validateParameters } from './parameters.ts'

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
    checkProvisioner(errors, 'provisioner', provisioner)
    errors.push(...validateParameters(parameters, 'parameters'))
    checkEnum(errors, 'reclaimPolicy', reclaimPolicy, ['Delete', 'Retain'])
    checkEnum(errors, 'volumeBindingMode', volumeBindingMode, ['Immediate', 'WaitForFirstConsumer'])
    validateTopologies(errors, allowedTopologies ?? [])
    return errors
  },
  warnings: ({ allowedTopologies }) =>
    (allowedTopologies ?? []).flatMap(({ matchLabelExpressions = [] }, i) =>
      matchLabelExpressions.flatMap(({ key }, k) => keyWarning(`allowedTopologies[${i}].matchLabelExpressions[${k}].key`, key)),
    ),
  validateUpdate: (storageClass, old) => [
    ...immutableField(mapValue(storageClass.parameters), mapValue(old.parameters), 'parameters'),
    ...immutableField(storageClass.provisioner, old.provisioner, 'provisioner'),
    ...immutableField(storageClass.reclaimPolicy, old.reclaimPolicy, 'reclaimPolicy'),
    ...immutableField(storageClass.volumeBindingMode, old.volumeBindingMode, 'volumeBindingMode'),
  ],
  columns: [
    nameOrDefaultColumn(['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class']),
    column.string('Provisioner', ({ provisioner }) => provisioner ?? ''),
    column.string('ReclaimPolicy', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
    column.string('VolumeBindingMode', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
    column.string('AllowVolumeExpansion', ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false),
    ageColumn,
  ],
})

/** Unlike elsewhere upstream does not name the key. */
function keyWarning(path: string, key: string | undefined): string[] {
  const message = nodeLabelWarning(key)
  return message === undefined ? [] : [`${path}: ${message}`]
}

type Term = NonNullable<StorageClass['allowedTopologies']>[number]

function validateTopologies(errors: Errors, terms: readonly Term[]): void {
  // Upstream compares each term also with as many empty ones as there are terms.
  const seen = terms.map((): unknown => ({}))
  terms.forEach(({ matchLabelExpressions = [] }, i) => {
    const at = `allowedTopologies[${i}].matchLabelExpressions`
    matchLabelExpressions.forEach(({ key, values }, k) => {
      if (!values?.length) errors.push(fieldErrors.required(`${at}[${k}].values`))
      values?.forEach((value, v) => {
        if (values.indexOf(value) < v) errors.push(fieldErrors.duplicate(`${at}[${k}].values[${v}]`, value))
      })
      checkQualifiedName(errors, `${at}[${k}].key`, key)
      if (matchLabelExpressions.findIndex((e) => e.key === key) < k) errors.push(fieldErrors.duplicate(`${at}[${k}].key`, key))
    })
    const term = Object.fromEntries(matchLabelExpressions.map(({ key, values }) => [key, [...new Set(values)].sort()]))
    for (const other of seen) if (deepEqual(term, other)) errors.push(fieldErrors.duplicate(at, ''))
    seen.push(term)
  })
}
