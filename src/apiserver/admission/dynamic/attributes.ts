import type { KindDefinition } from '../../../kinds/kind.ts'
import { type GroupVersionKind, type KubeObject, parseApiVersion } from '../../../machinery/object.ts'
import type { AdmissionRequest, Asking, UserInfo } from '../../contract.ts'
import type { Registry, Resource } from '../../registry.ts'

/** What no webhook and no policy is asked about, so that a wrong one can always be taken away. */
const exempt = new Set([
  ...['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'],
  ...['validatingadmissionpolicies', 'validatingadmissionpolicybindings', 'mutatingadmissionpolicies', 'mutatingadmissionpolicybindings'],
])

export const isExempt = ({ group, plural }: KindDefinition) => group === 'admissionregistration.k8s.io' && exempt.has(plural)

/** Questions to the server itself: a policy that refused them could break the cluster, so policies are not asked (webhooks are). */
export const isReview = ({ group, persisted }: KindDefinition) =>
  !persisted && (group === 'authentication.k8s.io' || group === 'authorization.k8s.io')

/** The namespace of the request; a namespace object lies in itself. Empty for what lies in none. */
export function namespaceOf(request: AdmissionRequest): string {
  const { kind, namespace = '' } = request
  return kind.group === '' && kind.plural === 'namespaces' ? objectName(request) : kind.scope === 'Namespaced' ? namespace : ''
}

/** The name as the request gives it: empty while the server has yet to make it. */
export function objectName({ name, object, operation, subresource }: AdmissionRequest): string {
  return name || (operation === 'CREATE' && subresource === '' ? (object?.metadata.name ?? '') : '')
}

/** The kind of the object that a request carries: for some subresources another than that of the resource. */
export function kindOf({ object, old, kind }: AdmissionRequest): GroupVersionKind {
  const carried = object ?? old
  if (!carried?.kind || !carried.apiVersion) return kind
  return { ...parseApiVersion(carried.apiVersion), kind: carried.kind }
}

export function userOf({ name, uid, groups, extra }: UserInfo) {
  return { username: name, ...(uid ? { uid } : {}), groups, ...(extra ? { extra } : {}) }
}

/** The request's objects as another served version has them. */
export type VersionedObjects = { readonly object: KubeObject | undefined; readonly old: KubeObject | undefined }

export async function objectsIn(resource: Resource, request: AdmissionRequest, registry: Registry): Promise<VersionedObjects> {
  const { object, old } = request
  const own = ownResource(request, registry)
  if (!own || own === resource || !isOwnKind(request)) return { object, old }
  const convert = async (o: KubeObject | undefined) => o && convertObject(own, resource, o, request)
  return { object: await convert(object), old: await convert(old) }
}

export function ownResource({ kind }: AdmissionRequest, registry: Registry): Resource | undefined {
  return registry.find(kind.group, kind.version, kind.plural)
}

/** False where the request carries a Scale, an Eviction or the like. */
export function isOwnKind(request: AdmissionRequest): boolean {
  return kindOf(request).kind === request.kind.kind
}

export async function convertObject(from: Resource, to: Resource, object: KubeObject, asking: Asking): Promise<KubeObject> {
  const stored = from.conversion ? await from.conversion.toStored(object, asking) : object
  if (!to.conversion) return stored
  return to.conversion.convert ? to.conversion.convert(stored, asking) : to.conversion.fromStored(stored)
}
