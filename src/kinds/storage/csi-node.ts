import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkNonNegative, checkQualifiedName, checkRequired } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { CSINode } from '../generated/types/storage-v1.ts'
import { csiDriverName } from './csi-driver-name.ts'

const nodeIdLengthMax = 256

export const csiNodes = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    spec?.drivers?.forEach((driver, i) => {
      const at = `spec.drivers[${i}]`
      if (checkRequired(errors, `${at}.name`, driver.name))
        for (const message of csiDriverName(driver.name)) errors.push(fieldErrors.invalid(`${at}.name`, driver.name, message))
      if (spec.drivers.findIndex((d) => d.name === driver.name) < i) errors.push(fieldErrors.duplicate(`${at}.name`, driver.name))
      if (checkRequired(errors, `${at}.nodeID`, driver.nodeID) && driver.nodeID.length > nodeIdLengthMax)
        errors.push(fieldErrors.invalid(`${at}.nodeID`, driver.nodeID, `must be ${nodeIdLengthMax} characters or less`))
      checkNonNegative(errors, `${at}.allocatable.count`, driver.allocatable?.count)
      driver.topologyKeys?.forEach((key, k) => checkQualifiedName(errors, `${at}.topologyKeys[${k}]`, key))
    })
    return errors
  },
  validateUpdate: ({ spec }, { spec: old }) => {
    // A driver says who the node is once; only how much it can attach may change.
    const errors: FieldError[] = []
    spec?.drivers?.forEach((driver, i) => {
      const before = old?.drivers?.find((d) => d.name === driver.name)
      if (before && !deepEqual({ ...driver, allocatable: undefined }, { ...before, allocatable: undefined }))
        errors.push(fieldErrors.invalid(`spec.drivers[${i}]`, driver, 'field is immutable'))
    })
    return errors
  },
  columns: [nameColumn, column.integer('Drivers', ({ spec }) => spec?.drivers?.length ?? 0), ageColumn],
  allowUnconditionalUpdate: false,
})
