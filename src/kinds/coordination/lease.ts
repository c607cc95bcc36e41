import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { checkNonNegative } from '../checks.ts'
import { ageColumn, column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { Lease, LeaseSpec } from '../generated/types/coordination-v1.ts'

export const leases = defineKind<Lease>({
  group: 'coordination.k8s.io',
  version: 'v1',
  kind: 'Lease',
  prepareForCreate: ({ spec }) => dropCoordination(spec),
  prepareForUpdate: ({ spec }, old) => {
    if (old.spec?.strategy === undefined && old.spec?.preferredHolder === undefined) dropCoordination(spec)
  },
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    const seconds = spec?.leaseDurationSeconds
    if (seconds !== undefined && seconds <= 0)
      errors.push(fieldErrors.invalid('spec.leaseDurationSeconds', seconds, 'must be greater than 0'))
    checkNonNegative(errors, 'spec.leaseTransitions', spec?.leaseTransitions)
    return errors
  },
  columns: [nameColumn, column.string('Holder', ({ spec }) => spec?.holderIdentity ?? ''), ageColumn],
  allowCreateOnUpdate: true,
  allowUnconditionalUpdate: false,
})

/** Elections that the server decides (LeaseCandidate) are off by default, as upstream has them. */
function dropCoordination(spec: LeaseSpec | undefined): void {
  delete spec?.strategy
  delete spec?.preferredHolder
}
