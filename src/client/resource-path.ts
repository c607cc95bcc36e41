import type { KindRef } from '../kinds/kind.ts'
import { statusErrors } from '../machinery/status-error.ts'

/**
 * The path of a collection, an object, or an object's subresource. `namespace` undefined: cluster-scoped, or all namespaces. Throws a
 * StatusError 400 for an object of a kind that has namespaces where none is given.
 */
export function resourcePath(kind: KindRef, namespace?: string, name?: string, subresource?: string): string {
  if (name !== undefined) checkNamespace(kind, namespace)
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const scope = namespace !== undefined && kind.scope === 'Namespaced' ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`
  return `${root}${scope}/${kind.plural}${object}${subresource === undefined ? '' : `/${subresource}`}`
}

/** The server would answer that there is no such path, which nobody understands. */
export function checkNamespace(kind: KindRef, namespace: string | undefined): void {
  if (kind.scope === 'Namespaced' && namespace === undefined)
    throw statusErrors.badRequest(`a ${kind.kind} is in a namespace: name it with the kind, as in ${kind.plural}('default')`)
}

/** `?a=1&b=2`, values that are undefined left out; empty when nothing is left. */
export function queryString(query: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>): string {
  const parts: string[] = []
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined) continue
    for (const one of Array.isArray(value) ? value : [value]) parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(one))}`)
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}
