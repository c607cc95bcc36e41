import { namespaces } from '../../../kinds/core/namespace.ts'
import type { LabelSelector } from '../../../kinds/generated/types/meta-v1.ts'
import { matches, type Selector, selectorFrom, selectsEverything } from '../../../machinery/label-selector.ts'
import { statusErrors } from '../../../machinery/status-error.ts'
import type { AdmissionRequest } from '../../contract.ts'
import type { ObjectReader } from '../../objects/object-reader.ts'
import { namespaceOf } from './attributes.ts'

/** The selectors of a webhook or policy, read once. */
export type Selectors = { readonly namespace: Selector; readonly object: Selector }

export function selectorsOf(spec: { readonly namespaceSelector?: LabelSelector; readonly objectSelector?: LabelSelector }): Selectors {
  return { namespace: selectorFrom(spec.namespaceSelector ?? {}), object: selectorFrom(spec.objectSelector ?? {}) }
}

/**
 * Whether namespace and labels of the request are those selected. What lies in no namespace is in every selection; an object
 * is selected when it is so before or after the change. Throws 404 when the request's namespace is not there.
 */
export function matchesSelectors({ namespace, object }: Selectors, request: AdmissionRequest, reader: ObjectReader): boolean {
  if (!selectsEverything(object) && ![request.object, request.old].some((o) => o !== undefined && matches(object, o.metadata?.labels)))
    return false
  const name = namespaceOf(request)
  if (name === '' || selectsEverything(namespace)) return true
  return matches(namespace, namespaceLabels(request, name, reader))
}

/** A namespace that is being written is judged by what it will be. */
function namespaceLabels({ kind, object, subresource }: AdmissionRequest, name: string, reader: ObjectReader) {
  if (kind.group === '' && kind.plural === 'namespaces' && object && subresource === '') return object.metadata.labels
  const found = reader.get(namespaces, '', name)
  if (!found) throw statusErrors.notFound({ group: '', resource: 'namespaces' }, name)
  return found.metadata.labels
}
