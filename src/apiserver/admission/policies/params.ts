import type { ParamKind, ParamRef } from '../../../kinds/generated/types/admissionregistration-v1.ts'
import { matches, selectorFrom } from '../../../machinery/label-selector.ts'
import type { KubeObject } from '../../../machinery/object.ts'
import { viewOf } from '../../objects/object-storage.ts'
import type { ObjectStorage } from '../../objects/object-storage.ts'
import { prefixOf, type Registry } from '../../registry.ts'

export type ParamParts = { readonly registry: Registry; readonly storage: () => ObjectStorage }

/** Throws an Error in upstream's words for a kind that nobody serves: no binding can mend it. */
export function checkParamKind({ registry }: Pick<ParamParts, 'registry'>, paramKind: ParamKind | undefined): void {
  if (paramKind && !registry.findKind(paramKind.apiVersion ?? '', paramKind.kind ?? ''))
    throw new Error(`failed to find resource referenced by paramKind: '${gvkText(paramKind)}'`)
}

/**
 * The objects that a binding hands to its policy as `params`, each for an evaluation of its own; `[undefined]` where the
 * policy takes none. Throws an Error in upstream's words for a reference that makes no sense, or finds nothing and must.
 */
export function paramsOf(
  { registry, storage }: ParamParts,
  {
    paramKind,
    paramRef,
    namespace,
  }: { readonly paramKind: ParamKind | undefined; readonly paramRef: ParamRef | undefined; readonly namespace: string },
): readonly (KubeObject | undefined)[] {
  if (!paramKind || !paramRef) return [undefined]
  const resource = registry.findKind(paramKind.apiVersion ?? '', paramKind.kind ?? '')
  if (!resource)
    throw new Error(`paramKind kind \`&ParamKind{APIVersion:${paramKind.apiVersion ?? ''},Kind:${paramKind.kind ?? ''},}\` not known`)
  const isNamespaced = resource.kind.scope === 'Namespaced'
  if (!isNamespaced && paramRef.namespace) throw new Error('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
  const place = isNamespaced ? (paramRef.namespace ?? namespace) : ''
  if (isNamespaced && place === '')
    throw new Error('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  const { cache } = storage()
  const all = paramRef.name
    ? [storage().get(resource, place, paramRef.name)]
    : cache.list(prefixOf(resource, place)).filter(({ value }) => matches(selectorFrom(paramRef.selector), value.labels))
  const found = all.flatMap((entry) => (entry ? [viewOf(resource, entry.value)] : []))
  if (found.length === 0 && paramRef.parameterNotFoundAction === 'Deny')
    throw new Error('no params found for policy binding with `Deny` parameterNotFoundAction')
  return found
}

function gvkText({ apiVersion = '', kind = '' }: ParamKind): string {
  return apiVersion.includes('/') ? `${apiVersion}, Kind=${kind}` : `/${apiVersion}, Kind=${kind}`
}
