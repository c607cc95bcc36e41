import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { ipAddress } from '../../machinery/names.ts'
import { immutableField } from '../../machinery/object-meta.ts'
import { checkRequired } from '../checks.ts'
import { column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { IPAddress } from '../generated/types/networking-v1.ts'

/** An address that a service holds; its name is the address itself. */
export const ipAddresses = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  shortNames: ['ip'],
  validateName: ipAddress,
  validate: ({ spec }) => {
    const errors: FieldError[] = []
    if (!spec?.parentRef) return [fieldErrors.required('spec.parentRef')]
    checkRequired(errors, 'spec.parentRef.resource', spec.parentRef.resource)
    checkRequired(errors, 'spec.parentRef.name', spec.parentRef.name)
    return errors
  },
  validateUpdate: ({ spec }, old) => immutableField(spec?.parentRef, old.spec?.parentRef, 'spec.parentRef'),
  columns: [
    nameColumn,
    column.string('ParentRef', ({ spec }) => {
      if (!spec?.parentRef) return '<none>'
      const { group, resource, namespace, name } = spec.parentRef
      return [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join('/')
    }),
  ],
})
