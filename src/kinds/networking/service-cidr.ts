import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { cidr, isIpv4 } from '../../machinery/names.ts'
import { isNetworkAddress } from '../cidr.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type { ServiceCIDR } from '../generated/types/networking-v1.ts'

export const serviceCidrs = defineKind<ServiceCIDR>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'ServiceCIDR',
  prepareForCreate: (range) => {
    delete range.status
  },
  prepareForUpdate: (range, old) => copyField(range, old, 'status'),
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    const ranges = spec?.cidrs ?? []
    if (ranges.length === 0) errors.push(fieldErrors.required('spec.cidrs', 'at least one CIDR required'))
    if (ranges.length > 2) errors.push(fieldErrors.invalid('spec.cidrs', ranges, 'may only hold up to 2 values'))
    if (ranges.length === 2 && isIpv4(ranges[0]!.split('/')[0]!) === isIpv4(ranges[1]!.split('/')[0]!))
      errors.push(
        fieldErrors.invalid(
          'spec.cidrs',
          ranges,
          'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96',
        ),
      )
    ranges.forEach((range, i) => {
      const messages = cidr(range)
      for (const message of messages) errors.push(fieldErrors.invalid(`spec.cidrs[${i}]`, range, message))
      if (messages.length === 0 && !isNetworkAddress(range))
        errors.push(fieldErrors.invalid(`spec.cidrs[${i}]`, range, 'must not have bits set beyond the prefix length'))
    })
    return errors
  },
  validateUpdate: ({ spec }, { spec: old }) => {
    const [before = [], after = []] = [old?.cidrs, spec?.cidrs]
    const isKept =
      before.every((range, i) => after[i] === range) && (after.length === before.length || (before.length === 1 && after.length === 2))
    return isKept ? [] : [fieldErrors.invalid('spec.cidrs', after, 'field is immutable')]
  },
  columns: [nameColumn, column.string('CIDRs', ({ spec }) => spec?.cidrs?.join(',') ?? ''), ageColumn],
})
