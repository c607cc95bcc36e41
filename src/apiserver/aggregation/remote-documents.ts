/** What an aggregated server says of itself, put in the form of this server's own documents: pure. */
import type { APIResource } from '../../kinds/generated/types/meta-v1.ts'

export type RemoteDocuments = {
  /** Of `/apis/GROUP/VERSION`. */
  readonly resources: readonly APIResource[]
  /** Of `/openapi/v3/apis/GROUP/VERSION`; undefined where it has none. */
  readonly openApi3: object | undefined
  readonly openApi2: { readonly paths: Readonly<Record<string, object>>; readonly definitions: Readonly<Record<string, object>> }
}

export const noDocuments: RemoteDocuments = { resources: [], openApi3: undefined, openApi2: { paths: {}, definitions: {} } }

export function readResources(document: unknown): readonly APIResource[] {
  const { resources } = (document ?? {}) as { resources?: unknown }
  return Array.isArray(resources) ? (resources as APIResource[]).filter((r) => typeof r?.name === 'string') : []
}

/** Of a whole OpenAPI v2 document only what lies below the path of the group version, and the definitions that it refers to. */
export function readSwagger(document: unknown, root: string): RemoteDocuments['openApi2'] {
  const { paths = {}, definitions = {} } = (document ?? {}) as Partial<RemoteDocuments['openApi2']>
  const own = Object.fromEntries(
    Object.entries(paths).filter(([path]) => path === `${root}/` || path === root || path.startsWith(`${root}/`)),
  )
  const wanted = new Set<string>()
  const visit = (value: unknown): void => {
    for (const match of JSON.stringify(value).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)) {
      const name = match[1]!
      if (wanted.has(name) || !Object.hasOwn(definitions, name)) continue
      wanted.add(name)
      visit(definitions[name])
    }
  }
  visit(own)
  return { paths: own, definitions: Object.fromEntries([...wanted].map((name) => [name, definitions[name]!])) }
}

/** The resources of a group version in the aggregated form of discovery; subresources stand under their resource. */
export function aggregatedResources(
  { group, version }: { readonly group: string; readonly version: string },
  resources: readonly APIResource[],
) {
  const kindOf = (r: APIResource) => ({ group: r.group || group, version: r.version || version, kind: r.kind })
  return resources
    .filter((r) => !r.name.includes('/'))
    .map((r) => {
      const parts = resources.filter((sub) => sub.name.startsWith(`${r.name}/`))
      return {
        resource: r.name,
        responseKind: kindOf(r),
        scope: r.namespaced ? 'Namespaced' : 'Cluster',
        singularResource: r.singularName ?? '',
        verbs: r.verbs ?? [],
        ...(r.shortNames?.length ? { shortNames: r.shortNames } : {}),
        ...(r.categories?.length ? { categories: r.categories } : {}),
        ...(parts.length > 0
          ? {
              subresources: parts.map((sub) => ({
                subresource: sub.name.slice(r.name.length + 1),
                responseKind: kindOf(sub),
                verbs: sub.verbs ?? [],
              })),
            }
          : {}),
      }
    })
}
