import { ageColumn, column, nameColumn } from '../columns.ts'
import { copyField, defineKind, keepAllButStatusStrictly } from '../define-kind.ts'
import { immutableValue } from '../internal-form.ts'
import type { ResourceClaim } from '../generated/types/resource-v1.ts'
import { dropDeallocated, validateClaimStatus } from './claim-status.ts'
import { applyDeviceClaimDefaults, validateDeviceClaim } from './device-claim.ts'

export const resourceClaims = defineKind<ResourceClaim>({
  group: 'resource.k8s.io',
  version: 'v1',
  kind: 'ResourceClaim',
  applyDefaults: ({ spec }) => applyDeviceClaimDefaults(spec),
  prepareForCreate: (claim) => {
    delete claim.status
  },
  prepareForUpdate: (claim, old) => copyField(claim, old, 'status'),
  prepareForStatusUpdate: (claim, old) => {
    keepAllButStatusStrictly(claim, old)
    dropDeallocated(claim, old)
  },
  // What is stored cannot change: it is judged once.
  validate: ({ spec }, old) => (old ? [] : validateDeviceClaim(spec?.devices, 'spec.devices')),
  validateUpdate: (claim, old) => immutableValue('ResourceClaimSpec', claim.spec, old.spec, 'spec'),
  validateStatusUpdate: validateClaimStatus,
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
