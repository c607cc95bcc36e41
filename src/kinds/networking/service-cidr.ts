import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { canonicalRange, familyOf } from '../addresses.ts'
import { type Errors, immutable } from '../checks.ts'
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
  validate: ({ spec }, old) => {
    const errors: FieldError[] = []
    if (!old || addsFamily(spec?.cidrs, old.spec?.cidrs)) validateRanges(errors, spec?.cidrs ?? [])
    return errors
  },
  validateUpdate: ({ spec }, { spec: old }) => {
    const [before = [], after = []] = [old?.cidrs, spec?.cidrs]
    if (before.length !== after.length && !addsFamily(after, before)) return [fieldErrors.invalid('spec.cidrs', after, immutable)]
    return before.flatMap((range, i) => (range === after[i] ? [] : [fieldErrors.invalid(`spec.cidrs[${i}]`, after[i], immutable)]))
  },
  columns: [nameColumn, column.string('CIDRs', ({ spec }) => spec?.cidrs?.join(',') ?? ''), ageColumn],
})

/** The one change that is allowed: a second range, of the other family. */
const addsFamily = (after: readonly string[] = [], before: readonly string[] = []) => before.length === 1 && after.length === 2

function validateRanges(errors: Errors, ranges: readonly string[]): void {
  if (ranges.length === 0) errors.push(fieldErrors.required('spec.cidrs', 'at least one CIDR required'))
  if (ranges.length > 2) errors.push(fieldErrors.invalid('spec.cidrs', { CIDRs: ranges }, 'may only hold up to 2 values'))
  if (ranges.length === 0 || ranges.length > 2) return
  ranges.forEach((range, i) => {
    for (const message of canonicalRange(range)) errors.push(fieldErrors.invalid(`spec.cidrs[${i}]`, range, message))
  })
  const [first, second] = ranges.map((range) => familyOf(range.split('/')[0]!))
  if (first && first === second) {
    const detail = 'may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64'
    errors.push(fieldErrors.invalid('spec.cidrs', ranges, detail))
  }
}
