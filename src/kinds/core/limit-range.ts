import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { qualifiedName } from '../../machinery/names.ts'
import { compareQuantity, parseQuantity } from '../../machinery/quantity.ts'
import { canonicalizeQuantities } from '../canonical-quantities.ts'
import { checkQuantity, type Errors } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { LimitRange, LimitRangeItem } from '../generated/types/core-v1.ts'
import { isHugePages, isNativeResource, validateContainerResourceName } from './pod-template/validate-resources.ts'
import { validateResourceName } from './resource-name.ts'

const standardTypes: ReadonlySet<string> = new Set(['Pod', 'Container', 'PersistentVolumeClaim'])
const lists = ['max', 'min', 'default', 'defaultRequest', 'maxLimitRequestRatio'] as const

export const limitRanges = defineKind<LimitRange>({
  group: '',
  version: 'v1',
  kind: 'LimitRange',
  shortNames: ['limits'],
  applyDefaults: ({ spec }) => spec?.limits?.forEach(applyItemDefaults),
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    const types = new Set<string>()
    spec?.limits?.forEach((item, i) => {
      const at = `spec.limits[${i}]`
      const messages = qualifiedName(item.type ?? '')
      if (messages.length === 0 && !item.type.includes('/') && !standardTypes.has(item.type))
        messages.push('must be a standard limit type or fully qualified')
      for (const message of messages) errors.push(fieldErrors.invalid(`${at}.type`, item.type ?? '', message))
      if (types.has(item.type)) errors.push(fieldErrors.duplicate(`${at}.type`, item.type))
      types.add(item.type)
      validateItem(errors, item, at)
    })
    return errors
  },
  allowCreateOnUpdate: true,
})

/** A container's default limit is its maximum, its default request the default limit, else the minimum. */
function applyItemDefaults(item: LimitRangeItem): void {
  for (const field of lists) canonicalizeQuantities(item[field])
  if (item.type !== 'Container') return
  item.default = { ...item.max, ...item.default }
  item.defaultRequest = { ...item.min, ...item.default, ...item.defaultRequest }
  if (Object.keys(item.default).length === 0) delete item.default
  if (Object.keys(item.defaultRequest).length === 0) delete item.defaultRequest
}

function validateItem(errors: Errors, item: LimitRangeItem, path: string): void {
  const names = new Set<string>()
  let areQuantities = true
  const judge = (field: (typeof lists)[number]) => {
    for (const name in item[field]) {
      names.add(name)
      const at = `${path}.${field}[${name}]`
      if (item.type === 'Pod' || item.type === 'Container') validateContainerResourceName(errors, name, at)
      else validateResourceName(errors, name, at)
      if (!checkQuantity(errors, at, item[field][name]!)) areQuantities = false
    }
  }
  judge('max')
  judge('min')
  for (const field of ['default', 'defaultRequest'] as const) {
    if (item.type !== 'Pod') judge(field)
    else if (Object.keys(item[field] ?? {}).length > 0)
      errors.push(fieldErrors.forbidden(`${path}.${field}`, "may not be specified when `type` is 'Pod'"))
  }
  if (item.type === 'PersistentVolumeClaim' && item.min?.storage === undefined && item.max?.storage === undefined)
    errors.push(fieldErrors.required(`${path}.limits`, 'either minimum or maximum storage value is required, but neither was provided'))
  judge('maxLimitRequestRatio')
  const known = item.type === 'Pod' ? withoutDefaults(item) : item
  if (areQuantities) for (const name of names) validateOrder(errors, known, name, path)
}

function withoutDefaults({ default: _default, defaultRequest: _defaultRequest, ...item }: LimitRangeItem): LimitRangeItem {
  return item
}

/** min ≤ default request ≤ default limit ≤ max. The third is the field that is reported, the fourth whose value is shown. */
const orders = [
  ['min', 'max', 'min', 'min', 'min value %s is greater than max value %s'],
  ['min', 'defaultRequest', 'defaultRequest', 'defaultRequest', 'min value %s is greater than default request value %s'],
  ['defaultRequest', 'max', 'defaultRequest', 'defaultRequest', 'default request value %s is greater than max value %s'],
  ['defaultRequest', 'default', 'defaultRequest', 'defaultRequest', 'default request value %s is greater than default limit value %s'],
  ['min', 'default', 'default', 'min', 'min value %s is greater than default value %s'],
  ['default', 'max', 'default', 'max', 'default value %s is greater than max value %s'],
] as const

function validateOrder(errors: Errors, item: LimitRangeItem, name: string, path: string): void {
  for (const [low, high, reported, shown, text] of orders) {
    const a = item[low]?.[name]
    const b = item[high]?.[name]
    if (a === undefined || b === undefined || compareQuantity(a, b) <= 0) continue
    const detail = text.replace('%s', String(a)).replace('%s', String(b))
    errors.push(fieldErrors.invalid(`${path}.${reported}[${name}]`, String(item[shown]![name]), detail))
  }
  validateRatio(errors, item, name, path)
  const [limit, request] = [item.default?.[name], item.defaultRequest?.[name]]
  const isSharable = isNativeResource(name) && !isHugePages(name)
  if (isSharable || limit === undefined || request === undefined || compareQuantity(limit, request) === 0) return
  const detail = `default value ${limit} must equal to defaultRequest value ${request} in ${name}`
  errors.push(fieldErrors.invalid(`${path}.defaultRequest[${name}]`, String(request), detail))
}

function validateRatio(errors: Errors, item: LimitRangeItem, name: string, path: string): void {
  const ratio = item.maxLimitRequestRatio?.[name]
  if (ratio === undefined) return
  const at = `${path}.maxLimitRequestRatio[${name}]`
  if (compareQuantity(ratio, 1) < 0) errors.push(fieldErrors.invalid(at, String(ratio), `ratio ${ratio} is less than 1`))
  const min = item.min?.[name]
  const max = item.max?.[name]
  if (min === undefined || max === undefined || parseQuantity(min).nano <= 0n) return
  const widest = Number(parseQuantity(max).nano) / Number(parseQuantity(min).nano)
  if (Number(parseQuantity(ratio).nano) / 1e9 > widest)
    errors.push(fieldErrors.invalid(at, String(ratio), `ratio ${ratio} is greater than max/min = ${widest.toFixed(6)}`))
}
