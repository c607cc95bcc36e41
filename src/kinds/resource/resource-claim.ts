import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import type { ResourceClaim } from '../generated/types/resource-v1.ts'
import { applyDeviceClaimDefaults, validateDeviceClaim } from './device-claim.ts'

const reservedForMax = 256

export const resourceClaims = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  applyDefaults: ({ spec }) => applyDeviceClaimDefaults(spec),
  prepareForCreate: (claim) => {
    delete claim.status
  },
  prepareForUpdate: (claim, old) => copyField(claim, old, 'status'),
  prepareForStatusUpdate: keepAllButStatusStrictly,
  validate: ({ spec }) => validateDeviceClaim(spec?.devices, 'spec.devices'),
  validateUpdate: (claim, old) => immutableField(claim.spec, old.spec, 'spec'),
  validateStatusUpdate: (claim, old) => {
    const errors: FieldError[] = []
    const reserved = claim.status?.reservedFor ?? []
    if (reserved.length > reservedForMax) errors.push(fieldErrors.tooMany('status.reservedFor', reserved.length, reservedForMax))
    reserved.forEach(({ uid }, i) => {
      if (reserved.findIndex((r) => r.uid === uid) < i) errors.push(fieldErrors.duplicate(`status.reservedFor[${i}].uid`, uid))
    })
    if (reserved.length > 0 && !claim.status?.allocation)
      errors.push(fieldErrors.forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'))
    if (old.status?.allocation && claim.status?.allocation)
      errors.push(...immutableField(claim.status.allocation, old.status.allocation, 'status.allocation'))
    return errors
  },
  columns: [
    nameColumn,
    column.string('State', ({ metadata, status }) => {
      const states: string[] = []
      if (metadata?.deletionTimestamp) states.push('deleted')
      if (!status?.allocation) {
        if (!metadata?.deletionTimestamp) states.push('pending')
      } else {
        states.push('allocated')
        if (status.reservedFor?.length) states.push('reserved')
      }
      return states.join(',')
    }),
    ageColumn,
  ],
})
