import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkNonNegative, checkOptionalName, checkRequiredName } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { ResourceSlice } from '../generated/types/resource-v1.ts'

const devicesMax = 128

export const resourceSlices = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  prepareForCreate: startGeneration,
  prepareForUpdate: countGeneration,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    checkRequiredName(errors, 'spec.driver', spec?.driver, dns1123Subdomain)
    checkOptionalName(errors, 'spec.nodeName', spec?.nodeName, dns1123Subdomain)
    if (!spec?.pool?.name) errors.push(fieldErrors.required('spec.pool.name'))
    if (!((spec?.pool?.resourceSliceCount ?? 0) > 0))
      errors.push(fieldErrors.invalid('spec.pool.resourceSliceCount', spec?.pool?.resourceSliceCount ?? 0, 'must be greater than zero'))
    checkNonNegative(errors, 'spec.pool.generation', spec?.pool?.generation)
    const selections = [spec?.nodeName, spec?.nodeSelector, spec?.allNodes, spec?.perDeviceNodeSelection].filter(Boolean).length
    const rule = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
    if (selections === 0) errors.push(fieldErrors.required('spec', rule))
    if (selections > 1) errors.push(fieldErrors.invalid('spec', '{...}', rule))
    const devices = spec?.devices ?? []
    if (devices.length > devicesMax) errors.push(fieldErrors.tooMany('spec.devices', devices.length, devicesMax))
    devices.forEach(({ name }, i) => {
      checkRequiredName(errors, `spec.devices[${i}].name`, name, dns1123Label)
      if (devices.findIndex((d) => d.name === name) < i) errors.push(fieldErrors.duplicate(`spec.devices[${i}].name`, name))
    })
    return errors
  },
  validateUpdate: ({ spec }, { spec: old }) => [
    ...immutableField(spec?.nodeName, old?.nodeName, 'spec.nodeName'),
    ...immutableField(spec?.driver, old?.driver, 'spec.driver'),
    ...immutableField(spec?.pool?.name, old?.pool?.name, 'spec.pool.name'),
  ],
  columns: [
    nameColumn,
    column.string('Node', ({ spec }) => spec?.nodeName ?? ''),
    column.string('Driver', ({ spec }) => spec?.driver ?? ''),
    column.string('Pool', ({ spec }) => spec?.pool?.name ?? ''),
    ageColumn,
  ],
  selectableFields: {
    'spec.nodeName': ({ spec }) => spec?.nodeName ?? '',
    'spec.driver': ({ spec }) => spec?.driver ?? '',
  },
})
