import { fieldErrors } from '../../machinery/field-error.ts'
import { addQuantity, compareQuantity, quantityValue } from '../../machinery/quantity.ts'
import type { Errors } from '../checks.ts'
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity } from '../generated/types/resource-v1.ts'
import { checkSet } from './device-names.ts'

const validValuesMax = 10
type Quantity = string | number

/** How much of a capacity one request may take: only of devices that are given to several. */
export function validateCapacity(errors: Errors, path: string, { value, requestPolicy }: DeviceCapacity, isShared: boolean): void {
  if (!requestPolicy) return
  const at = `${path}.requestPolicy`
  if (!isShared) return void errors.push(fieldErrors.forbidden(at, 'allowMultipleAllocations must be true'))
  const { validValues = [], validRange } = requestPolicy
  if (validValues.length > 0 && validRange)
    errors.push(
      fieldErrors.forbidden(at, 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'),
    )
  else validatePolicy(errors, at, { capacity: value ?? 0, policy: requestPolicy })
}

type Judged = { readonly capacity: Quantity; readonly policy: CapacityRequestPolicy }

function validatePolicy(errors: Errors, path: string, { capacity, policy }: Judged): void {
  const { validValues = [], validRange, default: usual } = policy
  const field = validValues.length > 0 ? 'validValues' : validRange ? 'validRange' : undefined
  if (!field) return
  if (usual === undefined || usual === null)
    return void errors.push(fieldErrors.required(`${path}.default`, `required when ${field} is defined`))
  if (validRange) validateRange(errors, `${path}.${field}`, { capacity, usual, range: validRange })
  else validateValues(errors, `${path}.${field}`, { capacity, usual, values: validValues })
}

function validateValues(
  errors: Errors,
  path: string,
  { capacity, usual, values }: { readonly capacity: Quantity; readonly usual: Quantity; readonly values: readonly Quantity[] },
): void {
  values.forEach((value, i) => {
    if (i > 0 && compareQuantity(values[i - 1]!, value) > 0)
      errors.push(fieldErrors.invalid(`${path}[${i}]`, value, 'values must be sorted in ascending order'))
  })
  checkSet(errors, values, { path, max: validValuesMax, key: (value) => String(quantityValue(value)) }, (all, at, value) => {
    if (compareQuantity(value, capacity) > 0) all.push(fieldErrors.invalid(at, value, `option is larger than capacity value: ${capacity}`))
  })
  if (values.length > validValuesMax || !values.some((value) => compareQuantity(value, usual) === 0))
    errors.push(fieldErrors.invalid(path, usual, 'default value is not valid according to the requestPolicy'))
}

function validateRange(
  errors: Errors,
  path: string,
  { capacity, usual, range }: { readonly capacity: Quantity; readonly usual: Quantity; readonly range: CapacityRequestPolicyRange },
): void {
  const { min, max, step } = range
  if (min === undefined) return void errors.push(fieldErrors.required(`${path}.min`, 'required when validRange is defined'))
  const check = (field: 'min' | 'max', given: Quantity, limit: Quantity, what: string) => {
    if (compareQuantity(given, limit) > 0) errors.push(fieldErrors.invalid(`${path}.${field}`, given, `${what}: ${limit}`))
  }
  check('min', min, capacity, 'min is larger than capacity value')
  if (compareQuantity(usual, min) < 0) errors.push(fieldErrors.invalid(`${path}.min`, usual, `default is less than min: ${min}`))
  if (max !== undefined) {
    check('max', min, max, 'min is larger than max')
    check('max', max, capacity, 'max is larger than capacity value')
    check('max', usual, max, 'default is more than max')
  }
  if (step === undefined) return
  const once = addQuantity(min, step)
  if (compareQuantity(once, capacity) > 0)
    errors.push(fieldErrors.invalid(`${path}.step`, step, `one step ${once} is larger than capacity value: ${capacity}`))
  for (const value of max === undefined ? [usual] : [usual, max]) checkSteps(errors, `${path}.step`, value, { min, step })
}

function checkSteps(
  errors: Errors,
  path: string,
  value: Quantity,
  { min, step }: { readonly min: Quantity; readonly step: Quantity },
): void {
  const size = quantityValue(step)
  if (size !== 0 && (quantityValue(value) - quantityValue(min)) % size === 0) return
  errors.push(fieldErrors.invalid(path, value, `value is not a multiple of a given step (${step}) from (${min})`))
}
