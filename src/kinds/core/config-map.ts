import { deepEqual } from '../../machinery/deep-equal.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { configMapKey } from '../../machinery/names.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { ConfigMap } from '../generated/types/core-v1.ts'
import { base64Bytes, dataBytesMax, textBytes } from './data-bytes.ts'

const frozen = 'field is immutable when `immutable` is set'

export const configMaps = defineKind<ConfigMap>({
  group: '',
  version: 'v1',
  kind: 'ConfigMap',
  shortNames: ['cm'],
  validate: ({ immutable, data, binaryData }, old) => {
    const errors: FieldError[] = []
    if (old?.immutable && !immutable) errors.push(fieldErrors.forbidden('immutable', frozen))
    if (old?.immutable && !deepEqual(data ?? {}, old.data ?? {})) errors.push(fieldErrors.forbidden('data', frozen))
    if (old?.immutable && !deepEqual(binaryData ?? {}, old.binaryData ?? {})) errors.push(fieldErrors.forbidden('binaryData', frozen))
    for (const key in data) {
      for (const message of configMapKey(key)) errors.push(fieldErrors.invalid(`data[${key}]`, key, message))
      if (binaryData && key in binaryData) errors.push(fieldErrors.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'))
    }
    for (const key in binaryData)
      for (const message of configMapKey(key)) errors.push(fieldErrors.invalid(`binaryData[${key}]`, key, message))
    if (textBytes(data) + base64Bytes(binaryData) > dataBytesMax) errors.push(fieldErrors.tooLong('[]', '', dataBytesMax))
    return errors
  },
  columns: [
    nameColumn,
    column.string('Data', ({ data, binaryData }) => Object.keys(data ?? {}).length + Object.keys(binaryData ?? {}).length),
    ageColumn,
  ],
})
