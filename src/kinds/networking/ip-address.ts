import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { dns1123Subdomain, pathSegmentName } from '../../machinery/names.ts'
import { canonicalAddress } from '../addresses.ts'
import { checkOptionalName, checkRequiredName, immutable } from '../checks.ts'
import { column, nameColumn } from '../columns.ts'
import { defineKind } from '../define-kind.ts'
import type { IPAddress, ParentReference } from '../generated/types/networking-v1.ts'

/** An address that a service holds; its name is the address itself. */
export const ipAddresses = defineKind<IPAddress>({
  group: 'networking.k8s.io',
  version: 'v1',
  kind: 'IPAddress',
  shortNames: ['ip'],
  validateName: canonicalAddress,
  validate: ({ spec }, old) => {
    const errors: FieldError[] = []
    const parent = spec?.parentRef
    if (!parent) errors.push(fieldErrors.required('spec.parentRef'))
    if (old && !deepEqual(parent, old.spec?.parentRef)) errors.push(fieldErrors.invalid('spec.parentRef', shown(parent), immutable))
    if (old || !parent) return errors
    checkOptionalName(errors, 'spec.parentRef.group', parent.group, dns1123Subdomain)
    checkRequiredName(errors, 'spec.parentRef.resource', parent.resource, pathSegmentName)
    checkRequiredName(errors, 'spec.parentRef.name', parent.name, pathSegmentName)
    checkOptionalName(errors, 'spec.parentRef.namespace', parent.namespace, pathSegmentName)
    return errors
  },
  columns: [
    nameColumn,
    column.string('ParentRef', ({ spec }) => {
      if (!spec?.parentRef) return '<none>'
      const { group, resource, namespace, name } = spec.parentRef
      return [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join('/')
    }),
  ],
})

/** As upstream's message writes it. */
function shown(parent: ParentReference | undefined): object | undefined {
  return parent && { Group: parent.group ?? '', Resource: parent.resource, Namespace: parent.namespace ?? '', Name: parent.name }
}
