import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1123Label, dns1123Subdomain } from '../../machinery/names.ts'
import { checkRequired, checkRequiredName, type Errors } from '../checks.ts'
import type {
  DeviceClaim,
  DeviceSelector,
  DeviceSubRequest,
  ExactDeviceRequest,
  ResourceClaimSpec,
} from '../generated/types/resource-v1.ts'

import { compileDeviceSelector, selectorCostMax, selectorLengthMax } from './device-selector.ts'

const requestsMax = 32
const firstAvailableMax = 8
const selectorsMax = 32

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
  const requests = claim?.requests ?? []
  if (requests.length > requestsMax) errors.push(fieldErrors.tooMany(`${path}.requests`, requests.length, requestsMax))
  const names = new Set<string>()
  requests.forEach((request, i) => {
    const at = `${path}.requests[${i}]`
    checkRequiredName(errors, `${at}.name`, request.name, dns1123Label)
    if (names.has(request.name)) errors.push(fieldErrors.duplicate(`${at}.name`, request.name))
    names.add(request.name)
    const alternatives = request.firstAvailable ?? []
    if (request.exactly && alternatives.length > 0)
      errors.push(fieldErrors.invalid(at, '', 'exactly one of `exactly` or `firstAvailable` is required'))
    else if (!request.exactly && alternatives.length === 0)
      errors.push(fieldErrors.required(at, 'exactly one of `exactly` or `firstAvailable` is required'))
    if (request.exactly) validateRequest(errors, request.exactly, `${at}.exactly`)
    if (alternatives.length > firstAvailableMax)
      errors.push(fieldErrors.tooMany(`${at}.firstAvailable`, alternatives.length, firstAvailableMax))
    alternatives.forEach((alternative, k) => {
      const sub = `${at}.firstAvailable[${k}]`
      checkRequiredName(errors, `${sub}.name`, alternative.name, dns1123Label)
      names.add(`${request.name}/${alternative.name}`)
      validateRequest(errors, alternative, sub)
    })
  })
  for (const field of ['constraints', 'config'] as const)
    claim?.[field]?.forEach(({ requests: referred = [] }, i) =>
      referred.forEach((name, k) => {
        if (!names.has(name))
          errors.push(
            fieldErrors.invalid(
              `${path}.${field}[${i}].requests[${k}]`,
              name,
              "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
            ),
          )
      }),
    )
  return errors
}

function validateRequest(errors: Errors, request: ExactDeviceRequest | DeviceSubRequest, path: string): void {
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
}

export function validateSelectors(errors: Errors, selectors: readonly DeviceSelector[] | undefined, path: string): void {
  if ((selectors?.length ?? 0) > selectorsMax) errors.push(fieldErrors.tooMany(path, selectors!.length, selectorsMax))
  selectors?.forEach((selector, i) => {
    if (!selector.cel) errors.push(fieldErrors.required(`${path}[${i}].cel`))
    else validateExpression(errors, selector.cel.expression, `${path}[${i}].cel.expression`)
  })
}

function validateExpression(errors: Errors, expression: string | undefined, path: string): void {
  checkRequired(errors, path, expression)
  if (!expression) return
  if (expression.length > selectorLengthMax) return void errors.push(fieldErrors.tooLong(path, expression, selectorLengthMax))
  const { program, error } = compileDeviceSelector(expression)
  if (!program) errors.push(fieldErrors.invalid(path, expression, error))
  else if (program.estimatedCost > selectorCostMax) errors.push(fieldErrors.forbidden(path, 'too complex, exceeds cost limit'))
}
