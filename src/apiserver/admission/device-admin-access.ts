import { namespaces } from '../../kinds/core/namespace.ts'
import type { ResourceClaim, ResourceClaimSpec } from '../../kinds/generated/types/resource-v1.ts'
import { type FieldError, fieldErrors } from '../../machinery/field-error.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { ObjectReader } from '../objects/object-reader.ts'
import type { Resource } from '../registry.ts'
import type { WriteJudge } from '../objects/write-judges.ts'

const label = 'resource.kubernetes.io/admin-access'

/**
 * Devices that others use may be looked at only from namespaces that an administrator has marked for it. Requests never change, so
 * a claim is judged when it is made.
 * https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/#admin-access
 */
export const requestedAdminAccess = ({ reader }: { readonly reader: ObjectReader }): WriteJudge => ({
  handles: ({ kind: { group, plural } }, subresource) =>
    group === 'resource.k8s.io' && subresource === '' && (plural === 'resourceclaims' || plural === 'resourceclaimtemplates'),
  judge: ({ object, old, kind: { plural } }) =>
    Promise.resolve(object && !old ? unmarked(reader, object, requestedPath(object, plural)) : []),
})

/** The same once more when a claim is given devices. */
export const grantedAdminAccess = ({ reader }: { readonly reader: ObjectReader }): WriteJudge => ({
  handles: isClaimStatus,
  judge: ({ object, old }) => Promise.resolve(object && old ? unmarked(reader, object, grantedPath(object, old)) : []),
})

export const isClaimStatus = ({ kind: { group, plural } }: Resource, subresource: string) =>
  group === 'resource.k8s.io' && plural === 'resourceclaims' && subresource === 'status'

function unmarked(reader: ObjectReader, { metadata }: KubeObject, path: string | undefined): FieldError[] {
  if (path === undefined || reader.get(namespaces, '', metadata.namespace ?? '')?.metadata.labels?.[label] === 'true') return []
  return [fieldErrors.forbidden(path, `admin access to devices requires the \`${label}: true\` label on the containing namespace`)]
}

function requestedPath(object: KubeObject, plural: string): string | undefined {
  const { spec } = object as { spec?: ResourceClaimSpec | { spec?: ResourceClaimSpec } }
  const claim = plural === 'resourceclaims' ? (spec as ResourceClaimSpec) : (spec as { spec?: ResourceClaimSpec } | undefined)?.spec
  const index = claim?.devices?.requests?.findIndex((request) => request.exactly?.adminAccess === true) ?? -1
  return index < 0 ? undefined : `spec.devices.requests[${index}].adminAccess`
}

/** What an allocation grants for the first time: later it cannot change. */
function grantedPath(object: KubeObject, old: KubeObject): string | undefined {
  const granted = ({ status }: KubeObject & Pick<ResourceClaim, 'status'>) =>
    status?.allocation?.devices?.results?.findIndex(({ adminAccess }) => adminAccess === true) ?? -1
  const index = granted(object)
  return index < 0 || granted(old) >= 0 ? undefined : `status.allocation.devices.results[${index}].adminAccess`
}
