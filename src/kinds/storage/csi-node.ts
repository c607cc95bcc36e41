import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkNonNegative, checkQualifiedName, checkRequired } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { CSINode, CSINodeDriver } from '../generated/types/storage-v1.ts'
import { checkCsiDriverName } from './csi-driver-name.ts'

const nodeIdLengthMax = 256

export const csiNodes = defineKind<CSINode>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSINode',
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    spec?.drivers?.forEach((driver, i) => {
      const at = `spec.drivers[${i}]`
      checkCsiDriverName(errors, `${at}.name`, driver.name)
      if (checkRequired(errors, `${at}.nodeID`, driver.nodeID) && driver.nodeID.length > nodeIdLengthMax)
        errors.push(fieldErrors.invalid(`${at}.nodeID`, driver.nodeID, `must be ${nodeIdLengthMax} characters or less`))
      checkNonNegative(errors, `${at}.allocatable.count`, driver.allocatable?.count)
      if (spec.drivers!.findIndex((d) => d.name === driver.name) < i) errors.push(fieldErrors.duplicate(`${at}.name`, driver.name))
      driver.topologyKeys?.forEach((key, k) => {
        if (key === '') errors.push(fieldErrors.required(at))
        if (driver.topologyKeys!.indexOf(key) < k) errors.push(fieldErrors.duplicate(at, key))
        checkQualifiedName(errors, at, key)
      })
    })
    return errors
  },
  validateUpdate: ({ spec }, { spec: old }) => {
    // A driver says who the node is once; only how much it can attach may change.
    const errors: FieldError[] = []
    for (const before of old?.drivers ?? [])
      for (const driver of spec?.drivers ?? [])
        if (driver.name === before.name && !deepEqual(fixedPart(driver), fixedPart(before)))
          errors.push(fieldErrors.invalid('spec.drivers', fixedPart(driver), 'field is immutable'))
    return errors
  },
  columns: [nameColumn, column.integer('Drivers', ({ spec }) => spec?.drivers?.length ?? 0), ageColumn],
  allowUnconditionalUpdate: false,
})

/** All but what it can attach, as upstream writes it into its message. */
const fixedPart = ({ name, nodeID, topologyKeys }: CSINodeDriver) => ({
  Name: name,
  NodeID: nodeID,
  TopologyKeys: topologyKeys?.length ? topologyKeys : null,
  Allocatable: null,
})
