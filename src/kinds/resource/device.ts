import { fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { checkEnum, checkOptionalName, type Errors } from '../checks.ts'
import { validateNodeSelector } from '../core/pod-template/validate-placement.ts'
import type { Counter, Device, DeviceAttribute, DeviceTaint } from '../generated/types/resource-v1.ts'
import { internalForm } from '../internal-form.ts'
import { validateCapacity } from './device-capacity.ts'
import { taintEffects } from './device-claim.ts'
import {
  checkAttributeName,
  checkEach,
  checkLabelKey,
  checkLabelName,
  checkLabelValue,
  checkMap,
  checkSet,
  qualifiedNameLengthMax,
} from './device-names.ts'

const attributesMax = 32
const valueLengthMax = 64
const taintsMax = 16
const consumptionsMax = 2
const countersMax = 32
const counterNameMax = 63
const bindingConditionsMax = 4

/** A device of a slice; `old` is the one of its name before. `choosesNode`: each device of the slice says where it is. */
export function validateDevice(
  errors: Errors,
  path: string,
  { device, old, choosesNode }: { readonly device: Device; readonly old: Device | undefined; readonly choosesNode: boolean },
): void {
  const { attributes = {}, capacity = {}, taints, consumesCounters } = device
  checkLabelName(errors, `${path}.name`, device.name)
  const count = Object.keys(attributes).length + Object.keys(capacity).length
  if (count > attributesMax)
    errors.push(fieldErrors.invalid(path, count, `the total number of attributes and capacities must not exceed ${attributesMax}`))
  const named = { keyMax: qualifiedNameLengthMax, checkKey: checkAttributeName }
  checkMap(errors, attributes, { path: `${path}.attributes`, ...named }, validateAttribute)
  checkMap(errors, capacity, { path: `${path}.capacity`, ...named }, (all, at, one) =>
    validateCapacity(all, at, one, device.allowMultipleAllocations === true),
  )
  if (!old || !deepEqual(old.taints, taints)) checkEach(errors, taints, { path: `${path}.taints`, max: taintsMax }, validateTaint)
  const consumed = { path: `${path}.consumesCounters`, max: consumptionsMax, key: (one: { counterSet: string }) => one.counterSet }
  checkSet(errors, consumesCounters, consumed, (all, at, { counterSet, counters }) => {
    if (!counterSet) all.push(fieldErrors.required(`${at}.counterSet`))
    else checkLabelName(all, `${at}.counterSet`, counterSet)
    validateCounters(all, `${at}.counters`, counters)
  })
  if (choosesNode) validatePlace(errors, path, device)
  else if (device.nodeName !== undefined || device.nodeSelector || device.allNodes !== undefined)
    errors.push(
      fieldErrors.invalid(
        path,
        undefined,
        '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
      ),
    )
  validateBindingConditions(errors, path, device)
}

/** Each counter has a name; any quantity will do. */
export function validateCounters(errors: Errors, path: string, counters: Readonly<Record<string, Counter>> | undefined): void {
  if (Object.keys(counters ?? {}).length === 0) return void errors.push(fieldErrors.required(path))
  checkMap(errors, counters, { path, max: countersMax, keyMax: counterNameMax, checkKey: checkLabelName }, () => {})
}

function validatePlace(errors: Errors, path: string, { nodeName, nodeSelector, allNodes }: Device): void {
  const rule =
    'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec'
  const given: string[] = []
  if (nodeName === '') errors.push(fieldErrors.invalid(`${path}.nodeName`, nodeName, 'must not be empty'))
  else if (nodeName !== undefined) {
    given.push('`nodeName`')
    checkOptionalName(errors, `${path}.nodeName`, nodeName, dns1123Subdomain)
  }
  if (nodeSelector) {
    given.push('`nodeSelector`')
    validateNodeSelector(errors, nodeSelector, `${path}.nodeSelector`)
  }
  if (allNodes) given.push('`allNodes`')
  else if (allNodes === false) errors.push(fieldErrors.invalid(`${path}.allNodes`, false, 'must be either unset or set to true'))
  if (given.length === 0) errors.push(fieldErrors.required(path, rule))
  else if (given.length > 1) errors.push(fieldErrors.invalid(path, `{${given.join(', ')}}`, rule))
}

const semver =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/

function validateAttribute(errors: Errors, path: string, attribute: DeviceAttribute): void {
  const { bool, int, string, version } = attribute
  if (string !== undefined) checkLength(errors, `${path}.string`, string)
  if (version !== undefined) {
    if (!semver.test(version))
      errors.push(fieldErrors.invalid(`${path}.version`, version, 'must be a string compatible with semver.org spec 2.0.0'))
    checkLength(errors, `${path}.version`, version)
  }
  const count = [bool, int, string, version].filter((value) => value !== undefined).length
  if (count !== 1)
    errors.push(
      fieldErrors.invalid(path, count === 0 ? '' : internalForm('DeviceAttribute', attribute), 'exactly one value must be specified'),
    )
}

function checkLength(errors: Errors, path: string, value: string): void {
  if (Buffer.byteLength(value) > valueLengthMax) errors.push(fieldErrors.tooLong(path, value, valueLengthMax))
}

function validateTaint(errors: Errors, path: string, { key, value, effect }: DeviceTaint): void {
  checkLabelKey(errors, `${path}.key`, key)
  if (value) checkLabelValue(errors, `${path}.value`, value)
  checkEnum(errors, `${path}.effect`, effect, taintEffects)
}

type BindingConditions = Pick<Device, 'bindingConditions' | 'bindingFailureConditions'>

/** What must be true before a pod is bound to a device, and what says that it never will: one needs the other. */
export function validateBindingConditions(errors: Errors, path: string, all: BindingConditions): void {
  const { bindingConditions: wanted = [], bindingFailureConditions: fatal = [] } = all
  const paths = { wanted: `${path}.bindingConditions`, fatal: `${path}.bindingFailureConditions` }
  checkEach(errors, wanted, { path: paths.wanted, max: bindingConditionsMax }, checkLabelKey)
  checkEach(errors, fatal, { path: paths.fatal, max: bindingConditionsMax }, checkLabelKey)
  wanted.forEach((name, i) => {
    if (wanted.indexOf(name) < i) errors.push(fieldErrors.duplicate(`${paths.wanted}[${i}]`, name))
  })
  fatal.forEach((name, i) => {
    if (fatal.indexOf(name) < i) errors.push(fieldErrors.duplicate(`${paths.fatal}[${i}]`, name))
    if (wanted.includes(name))
      errors.push(fieldErrors.invalid(`${paths.fatal}[${i}]`, name, 'bindingFailureConditions must not overlap with bindingConditions'))
  })
  if (wanted.length === 0 && fatal.length > 0)
    errors.push(fieldErrors.invalid(paths.wanted, all.bindingConditions, 'bindingConditions are required to use bindingFailureConditions'))
  if (fatal.length === 0 && wanted.length > 0)
    errors.push(
      fieldErrors.invalid(paths.fatal, all.bindingFailureConditions, 'bindingFailureConditions are required to use bindingConditions'),
    )
}
