import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Subdomain } from '../../machinery/names.ts'
import { checkEnum, checkRequiredName, type Errors } from '../checks.ts'
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  DeviceToleration,
  ExactDeviceRequest,
  OpaqueDeviceConfiguration,
  ResourceClaimSpec,
} from '../generated/types/resource-v1.ts'
import { checkCsiDriverName } from '../storage/csi-driver-name.ts'
import { checkEach, checkFullAttributeName, checkLabelKey, checkLabelName, checkLabelValue, checkObject, checkSet } from './device-names.ts'
import { compileDeviceSelector, selectorCostMax, selectorLengthMax } from './device-selector.ts'

export const requestsMax = 32
export const configMax = 32
const constraintsMax = 32
const firstAvailableMax = 8
const selectorsMax = 32
const parametersBytesMax = 10 * 1024
export const taintEffects = ['NoExecute', 'NoSchedule', 'None']

/** Defaults of a claim for devices, alone or in a template: one device of its class. */
export function applyDeviceClaimDefaults(spec: ResourceClaimSpec | undefined): void {
  for (const request of spec?.devices?.requests ?? []) {
    if (request.exactly) applyRequestDefaults(request.exactly)
    for (const alternative of request.firstAvailable ?? []) applyRequestDefaults(alternative)
  }
}

function applyRequestDefaults(request: ExactDeviceRequest | DeviceSubRequest): void {
  request.allocationMode ??= 'ExactCount'
  if (request.allocationMode === 'ExactCount') request.count ||= 1
  for (const toleration of request.tolerations ?? []) toleration.operator ??= 'Equal'
}

export function validateDeviceClaim(claim: DeviceClaim | undefined, path: string): FieldError[] {
  const errors: FieldError[] = []
  const { requests, constraints, config } = claim ?? {}
  const names = requestNames(claim)
  checkSet(errors, requests ?? [], { path: `${path}.requests`, max: requestsMax, key: ({ name }) => name }, validateRequest)
  checkEach(errors, constraints, { path: `${path}.constraints`, max: constraintsMax }, (all, at, one: DeviceConstraint) =>
    validateConstraint(all, at, one, names),
  )
  checkEach(errors, config, { path: `${path}.config`, max: configMax }, (all, at, one) => {
    validateReferences(all, `${at}.requests`, one.requests, names)
    validateConfiguration(all, at, one.opaque)
  })
  return errors
}

export type RequestNames = ReadonlySet<string>

/** What results and configuration may refer to: requests, and with a slash their alternatives. */
export function requestNames(claim: DeviceClaim | undefined): RequestNames {
  return new Set(
    (claim?.requests ?? []).flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((sub) => `${name}/${sub.name}`)]),
  )
}

export function validateReferences(errors: Errors, path: string, requests: readonly string[] | undefined, names: RequestNames): void {
  checkSet(errors, requests ?? [], { path, max: requestsMax, key: (name) => name }, (all, at, name) =>
    validateReference(all, at, name, names),
  )
}

const notARequest = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"

export function validateReference(errors: Errors, path: string, name: string, names: RequestNames): void {
  const parts = name.split('/')
  if (parts.length <= 2) for (const part of parts) checkLabelName(errors, path, part)
  if (!names.has(name)) errors.push(fieldErrors.invalid(path, name, notARequest))
}

function validateRequest(errors: Errors, path: string, { name, exactly, firstAvailable }: DeviceRequest): void {
  checkLabelName(errors, `${path}.name`, name)
  const hasAlternatives = (firstAvailable?.length ?? 0) > 0
  const rule = 'exactly one of `exactly` or `firstAvailable` is required'
  if (!exactly && !hasAlternatives) errors.push(fieldErrors.required(path, rule))
  else if (exactly && hasAlternatives) errors.push(fieldErrors.invalid(path, undefined, `${rule}, but multiple fields are set`))
  else if (exactly) validateDevices(errors, `${path}.exactly`, exactly)
  else {
    const bounds = { path: `${path}.firstAvailable`, max: firstAvailableMax, key: (sub: DeviceSubRequest) => sub.name }
    checkSet(errors, firstAvailable, bounds, (all, at, sub) => {
      checkLabelName(all, `${at}.name`, sub.name)
      validateDevices(all, at, sub)
    })
  }
}

function validateDevices(errors: Errors, path: string, request: ExactDeviceRequest | DeviceSubRequest): void {
  checkRequiredName(errors, `${path}.deviceClassName`, request.deviceClassName, dns1123Subdomain)
  validateSelectors(errors, request.selectors, `${path}.selectors`)
  const { allocationMode, count = 0 } = request
  if (allocationMode === 'All') {
    if (count !== 0) errors.push(fieldErrors.invalid(`${path}.count`, count, "must not be specified when allocationMode is 'All'"))
  } else if (allocationMode === 'ExactCount') {
    if (count <= 0) errors.push(fieldErrors.invalid(`${path}.count`, count, 'must be greater than zero'))
  } else {
    errors.push(fieldErrors.notSupported(`${path}.allocationMode`, allocationMode ?? '', ['All', 'ExactCount']))
  }
  checkEach(errors, request.tolerations, { path: `${path}.tolerations` }, validateToleration)
}

function validateToleration(errors: Errors, path: string, { key, operator, value = '', effect }: DeviceToleration): void {
  if (key) checkLabelKey(errors, `${path}.key`, key)
  if (operator === 'Exists') {
    if (value !== '') errors.push(fieldErrors.invalid(`${path}.value`, value, 'must be empty for operator `Exists`'))
  } else if (operator === 'Equal') checkLabelValue(errors, `${path}.value`, value)
  else checkEnum(errors, `${path}.operator`, operator, ['Equal', 'Exists'])
  if (effect && !taintEffects.includes(effect)) errors.push(fieldErrors.notSupported(`${path}.effect`, effect, taintEffects))
}

function validateConstraint(errors: Errors, path: string, constraint: DeviceConstraint, names: RequestNames): void {
  const { requests, matchAttribute, distinctAttribute } = constraint
  validateReferences(errors, `${path}.requests`, requests, names)
  if (matchAttribute !== undefined) checkFullAttributeName(errors, `${path}.matchAttribute`, matchAttribute)
  else if (distinctAttribute !== undefined) checkFullAttributeName(errors, `${path}.distinctAttribute`, distinctAttribute)
  else
    errors.push(
      fieldErrors.required(path, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'),
    )
}

export function validateConfiguration(errors: Errors, path: string, opaque: OpaqueDeviceConfiguration | undefined): void {
  if (!opaque) return void errors.push(fieldErrors.required(`${path}.opaque`))
  checkCsiDriverName(errors, `${path}.opaque.driver`, opaque.driver)
  checkObject(errors, `${path}.opaque.parameters`, opaque.parameters, parametersBytesMax)
}

export function validateSelectors(errors: Errors, selectors: readonly DeviceSelector[] | undefined, path: string): void {
  checkEach(errors, selectors, { path, max: selectorsMax }, (all, at, { cel }) => {
    if (!cel) all.push(fieldErrors.required(`${at}.cel`))
    else validateExpression(all, cel.expression ?? '', `${at}.cel.expression`)
  })
}

function validateExpression(errors: Errors, expression: string, path: string): void {
  if (Buffer.byteLength(expression) > selectorLengthMax) return void errors.push(fieldErrors.tooLong(path, expression, selectorLengthMax))
  const { program, error } = compileDeviceSelector(expression)
  if (!program) errors.push(fieldErrors.invalid(path, expression, error))
  else if (program.estimatedCost > selectorCostMax) errors.push(fieldErrors.forbidden(path, 'too complex, exceeds cost limit'))
}
