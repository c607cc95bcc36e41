import { namespaces } from '../../kinds/core/namespace.ts'
import type { ResourceClaimSpec } from '../../kinds/generated/types/resource-v1.ts'
import { fieldErrors } from '../../machinery/field-error.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import type { ObjectReader } from '../object-reader.ts'
import { noAllocation, type WriteHook } from '../write-hooks.ts'

const label = 'resource.kubernetes.io/admin-access'

/**
 * Devices that others use may be looked at only from namespaces that an administrator has marked for it. Requests never change, so
 * a claim is judged when it is made.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#admin-access
 */
export function deviceAdminAccessHook({ reader }: { readonly reader: ObjectReader }): WriteHook {
  return {
    handles: ({ kind }) =>
      kind.group === 'resource.k8s.io' && (kind.plural === 'resourceclaims' || kind.plural === 'resourceclaimtemplates'),
    allocate: ({ resource: { kind }, object, old }) => {
      if (old) return noAllocation
      const { spec } = object as { spec?: ResourceClaimSpec | { spec?: ResourceClaimSpec } }
      const claim =
        kind.plural === 'resourceclaims' ? (spec as ResourceClaimSpec) : (spec as { spec?: ResourceClaimSpec } | undefined)?.spec
      const index = claim?.devices?.requests?.findIndex((request) => request.exactly?.adminAccess === true) ?? -1
      const { namespace = '', name = '' } = object.metadata
      if (index === -1 || reader.get(namespaces, '', namespace)?.metadata.labels?.[label] === 'true') return noAllocation
      const path = `spec.devices.requests[${index}].adminAccess`
      const why = `admin access to devices requires the \`${label}: true\` label on the containing namespace`
      throw statusErrors.invalid(kind, name, [fieldErrors.forbidden(path, why)])
    },
    deleted: () => {},
  }
}
