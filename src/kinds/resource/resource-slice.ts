import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkOptionalName, type Errors } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { validateNodeSelector } from '../core/pod-template/validate-placement.ts'
import { countGeneration, defineKind, startGeneration } from '../define-kind.ts'
import type { Device, DeviceAttribute, ResourceSlice, ResourceSliceSpec } from '../generated/types/resource-v1.ts'
import { internalForm } from '../internal-form.ts'
import { checkCsiDriverName } from '../storage/csi-driver-name.ts'
import { checkLabelName, checkPool, checkSet } from './device-names.ts'
import { validateCounters, validateDevice } from './device.ts'

const devicesMax = 128
/** Where devices have taints or share counters. */
const complexDevicesMax = 64
const counterSetsMax = 8

export const resourceSlices = defineKind<ResourceSlice>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceSlice',
  prepareForCreate: (slice, { now }) => {
    startGeneration(slice)
    prepareDevices(slice, now)
  },
  prepareForUpdate: (slice, old, { now }) => {
    prepareDevices(slice, now)
    countGeneration(slice, old)
  },
  validate: ({ spec }, old) => {
    const errors: FieldError[] = []
    validateSpec(errors, spec, old?.spec)
    return errors
  },
  warnings: ({ spec }) => {
    const driver = (spec as Partial<ResourceSliceSpec> | undefined)?.driver ?? ''
    return driver === driver.toLowerCase()
      ? []
      : [`spec.driver: driver names should be lowercase; ${JSON.stringify(driver)} contains uppercase characters`]
  },
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

/** Lists as attributes and mappings to the node's own resources are behind gates that are off; a taint says since when it is there. */
function prepareDevices({ spec }: ResourceSlice, now: string): void {
  for (const device of spec?.devices ?? []) {
    delete device.nodeAllocatableResourceMappings
    for (const attribute of Object.values(device.attributes ?? {}) as DeviceAttribute[])
      for (const field of ['bools', 'ints', 'strings', 'versions'] as const) delete attribute[field]
    for (const taint of device.taints ?? []) taint.timeAdded ??= now
  }
}

function validateSpec(errors: Errors, spec: ResourceSliceSpec | undefined, old: ResourceSliceSpec | undefined): void {
  const { driver, pool, devices = [], sharedCounters, perDeviceNodeSelection } = spec ?? ({} as Partial<ResourceSliceSpec>)
  checkCsiDriverName(errors, 'spec.driver', driver)
  checkPool(errors, 'spec.pool.name', pool?.name)
  const { resourceSliceCount = 0, generation = 0 } = pool ?? {}
  if (resourceSliceCount <= 0)
    errors.push(fieldErrors.invalid('spec.pool.resourceSliceCount', resourceSliceCount, 'must be greater than zero'))
  if (generation < 0) errors.push(fieldErrors.invalid('spec.pool.generation', generation, 'must be greater than or equal to zero'))
  if (old) {
    errors.push(...immutableField(pool?.name, old.pool?.name, 'spec.pool.name'))
    errors.push(...immutableField(driver, old.driver, 'spec.driver'))
    errors.push(...immutableField(spec?.nodeName, old.nodeName, 'spec.nodeName'))
  }
  validatePlaces(errors, spec ?? {})
  if (sharedCounters && spec?.devices) errors.push(fieldErrors.invalid('spec', '', 'only one of `sharedCounters` or `devices` is allowed'))
  const isComplex = devices.some(({ taints, consumesCounters }) => taints?.length || consumesCounters?.length)
  const bounds = { path: 'spec.devices', max: isComplex ? complexDevicesMax : devicesMax, key: ({ name }: Device) => name }
  checkSet(errors, devices, bounds, (all, at, device) =>
    validateDevice(all, at, {
      device,
      old: old?.devices?.find(({ name }) => name === device.name),
      choosesNode: perDeviceNodeSelection === true,
    }),
  )
  const sets = { path: 'spec.sharedCounters', max: counterSetsMax, key: ({ name }: { name: string }) => name }
  checkSet(errors, sharedCounters, sets, (all, at, { name, counters }) => {
    if (!name) all.push(fieldErrors.required(`${at}.name`))
    else checkLabelName(all, `${at}.name`, name)
    validateCounters(all, `${at}.counters`, counters)
  })
}

type Places = Partial<Pick<ResourceSliceSpec, 'nodeName' | 'nodeSelector' | 'allNodes' | 'perDeviceNodeSelection'>>

/** Where the slice's devices are: said in one way. */
function validatePlaces(errors: Errors, places: Places): void {
  const { nodeName, nodeSelector } = places
  const rule = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
  const given: string[] = []
  if (nodeName === '') errors.push(fieldErrors.invalid('spec.nodeName', '', 'must be either unset or set to a non-empty string'))
  else if (nodeName !== undefined) {
    given.push('`nodeName`')
    checkOptionalName(errors, 'spec.nodeName', nodeName, dns1123Subdomain)
  }
  if (nodeSelector) {
    given.push('`nodeSelector`')
    validateNodeSelector(errors, nodeSelector, 'spec.nodeSelector')
    const { nodeSelectorTerms = [] } = nodeSelector as Partial<typeof nodeSelector>
    if (nodeSelectorTerms.length !== 1)
      errors.push(
        fieldErrors.invalid(
          'spec.nodeSelector.nodeSelectorTerms',
          nodeSelectorTerms.map((term) => internalForm('NodeSelectorTerm', term)),
          'must have exactly one node selector term',
        ),
      )
  }
  for (const field of ['allNodes', 'perDeviceNodeSelection'] as const) {
    if (places[field]) given.push(`\`${field}\``)
    else if (places[field] === false) errors.push(fieldErrors.invalid(`spec.${field}`, false, 'must be either unset or set to true'))
  }
  if (given.length === 0) errors.push(fieldErrors.required('spec', rule))
  if (given.length > 1) errors.push(fieldErrors.invalid('spec', `{${given.join(', ')}}`, `${rule}, but multiple fields are set`))
}
