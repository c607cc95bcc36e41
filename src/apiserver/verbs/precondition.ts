import { type StatusError, statusErrors } from '../../machinery/status-error.ts'
import type { Resource } from '../registry.ts'

/** Folders in upstream's store that are not named as their resources. */
const folders: Readonly<Record<string, string>> = {
  replicationcontrollers: 'controllers',
  endpoints: 'services/endpoints',
  nodes: 'minions',
  services: 'services/specs',
  'ingresses.networking.k8s.io': 'ingress',
}
const groupedFolders: ReadonlySet<string> = new Set(['apiextensions.k8s.io', 'apiregistration.k8s.io'])

/** 409 for a write that was to be made only to another object. Upstream tells where it stores the object. */
export function preconditionFailed(
  resource: Resource,
  at: { readonly namespace: string; readonly name: string },
  { wanted, found }: { readonly wanted: string; readonly found: string },
): StatusError {
  const { group, plural } = resource.kind
  const isGrouped = resource.isCustom || groupedFolders.has(group)
  const folder = folders[group ? `${plural}.${group}` : plural] ?? (isGrouped ? `${group}/${plural}` : plural)
  const key = ['/registry', folder, ...(at.namespace ? [at.namespace] : []), at.name].join('/')
  const why = `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${found}`
  return statusErrors.conflict(
    resource.name,
    at.name,
    `StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: ${why}`,
  )
}
