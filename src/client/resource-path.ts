import type { KindRef } from '../kinds/kind.ts'

/** The path of a collection, an object, or an object's subresource. `namespace` undefined: cluster-scoped, or all namespaces. */
export function resourcePath(kind: KindRef, namespace?: string, name?: string, subresource?: string): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const scope = namespace !== undefined && kind.scope === 'Namespaced' ? `/namespaces/${encodeURIComponent(namespace)}` : ''
  const object = name === undefined ? '' : `/${encodeURIComponent(name)}`
  return `${root}${scope}/${kind.plural}${object}${subresource === undefined ? '' : `/${subresource}`}`
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
