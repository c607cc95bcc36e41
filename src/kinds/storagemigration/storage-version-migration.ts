import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { dns1035Label, dns1123Subdomain } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { immutable } from '../checks.ts'
import { validateConditions } from '../conditions.ts'
import { defineKind } from '../define-kind.ts'
import type { StorageVersionMigration } from '../generated/types/storagemigration-v1beta1.ts'

/** A wish that every object of a resource be written anew, as the API server stores it now. */
export const storageVersionMigrations = defineKind<StorageVersionMigration>({
  group: 'storagemigration.k8s.io',
  version: 'v1beta1',
  kind: 'StorageVersionMigration',
  validate: ({ spec }) => {
    const { group = '', resource = '' } = spec?.resource ?? {}
    const errors: FieldError[] = []
    const path = 'spec.resource.resource'
    if (resource === '') errors.push(fieldErrors.required(path, 'resource is required to be set'))
    else {
      const why = dns1035Label(resource)
      if (why.length > 0) errors.push(fieldErrors.invalid(path, resource, why.join(',')))
    }
    const why = group === '' ? [] : dns1123Subdomain(group)
    if (why.length > 0) errors.push(fieldErrors.invalid('spec.resource.group', group, why.join(',')))
    return errors
  },
  validateUpdate: ({ spec }, old) => immutableField(spec, old.spec, 'spec'),
  validateStatusUpdate: (migration, old) => {
    const errors: FieldError[] = []
    const { resourceVersion = '', conditions = [] } = migration.status ?? {}
    const path = 'status.conditions'
    validateConditions(errors, conditions, path)
    if (old.status?.resourceVersion && old.status.resourceVersion !== resourceVersion)
      errors.push(fieldErrors.invalid('status.resourceVersion', resourceVersion, immutable))
    const refuse = (why: string) => errors.push(fieldErrors.invalid(path, conditions, why))
    if (isTrue(migration, 'Succeeded') && isTrue(migration, 'Failed'))
      refuse('Both success and failed conditions cannot be true at the same time')
    for (const [type, word] of Object.entries(ends)) {
      if (isTrue(migration, type) && isTrue(migration, 'Running'))
        refuse(`Running condition cannot be true when ${word.toLowerCase()} condition is true`)
      if (isTrue(old, type) && !isTrue(migration, type)) refuse(`${word} condition cannot be set to false once it is true`)
    }
    return errors
  },
})

const ends = { Succeeded: 'Success', Failed: 'Failed' } as const

function isTrue({ status }: StorageVersionMigration, type: string): boolean {
  return status?.conditions?.some((condition) => condition.type === type && condition.status === 'True') ?? false
}

/** Succeeded or failed: nothing is done for it any more. */
export function isMigrationOver(migration: StorageVersionMigration): boolean {
  return isTrue(migration, 'Succeeded') || isTrue(migration, 'Failed')
}
