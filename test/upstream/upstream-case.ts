/** Requests whose answers were recorded from Kubernetes 1.36 itself (`record.ts`), and that this API server must answer alike. */

export type Request = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /**
   * Path with query; `$ns` stands for the namespace of the file's cases, `{{N.PATH}}` for what the answer to the request N of the case (from
   * 0) has there: `{{0.metadata.resourceVersion}}`. Both are filled in in bodies, too.
   */
  readonly path: string
  /** An object is sent as JSON, a text and bytes as they are. */
  readonly body?: object | string | Uint8Array
  /** Default: `application/json`, for PATCH `application/merge-patch+json`. */
  readonly contentType?: string
  readonly accept?: string
  /** Another user than the administrator, by impersonation. */
  readonly as?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Names of the answer's headers that are compared, in lower case. */
  readonly keeps?: readonly string[]
  /** A watch: hang up after so many events. Its answer is the list of them. */
  readonly events?: number
  /** Compare the answer as it is written, not as the value that it says: order of fields, white space. */
  readonly asText?: boolean
  /** Sent anew until it is answered with this code, or this text is in the answer: what the server learns of a moment later. */
  readonly until?: number | string
}

export type Case = {
  /** Unique in its file. */
  readonly name: string
  /** Sent first; what is answered to it is not compared. */
  readonly given?: readonly Request[]
  readonly steps: readonly Request[]
  /** Compare who owns which field, too. */
  readonly withManagedFields?: boolean
  /** Record and compare fields that are null, too; most files were recorded without them. */
  readonly withNulls?: boolean
  /** Set where Keelson answers otherwise on purpose: the reason; its own answers stand beside upstream's. */
  readonly differs?: string
}

export type Answer = {
  readonly code: number
  readonly body: unknown
  readonly warnings?: readonly string[]
  readonly headers?: Readonly<Record<string, string>>
}

const collection = (groupVersion: string, resource: string, namespace?: string) => {
  const root = groupVersion.includes('/') ? `/apis/${groupVersion}` : `/api/${groupVersion}`
  return namespace ? `${root}/namespaces/${namespace}/${resource}` : `${root}/${resource}`
}

/** Path of a namespaced collection in the namespace of the cases: `namespaced('apps/v1', 'deployments')`. */
export const namespaced = (groupVersion: string, resource: string) => collection(groupVersion, resource, '$ns')

/** Path of a collection that is the cluster's. */
export const clusterWide = (groupVersion: string, resource: string) => collection(groupVersion, resource)

export const create = (path: string, body: object | string): Request => ({ method: 'POST', path, body })
export const read = (path: string, accept?: string): Request => ({ method: 'GET', path, ...(accept ? { accept } : {}) })
export const replace = (path: string, body: object | string): Request => ({ method: 'PUT', path, body })
export const watch = (path: string, events: number): Request => ({ method: 'GET', path, events })
export const remove = (path: string, body?: object): Request => ({ method: 'DELETE', path, ...(body ? { body } : {}) })

const patchTypes = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const

export const patch = (type: keyof typeof patchTypes, path: string, body: object | string): Request => ({
  method: 'PATCH',
  path,
  body,
  contentType: patchTypes[type],
})

/** `base` with `change` laid over it as a JSON merge patch: null takes a field away, lists are replaced whole. */
export function merged(base: unknown, change: unknown): object {
  if (typeof change !== 'object' || change === null || Array.isArray(change)) return change as object
  const result: Record<string, unknown> = typeof base === 'object' && base !== null && !Array.isArray(base) ? { ...base } : {}
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete result[key]
    else result[key] = merged(result[key], value)
  }
  return result
}

/** One case for each named change of `base`, created at `path`. */
export const creations = (path: string, base: object, changes: Readonly<Record<string, object>>): Case[] =>
  Object.entries(changes).map(([name, change]) => ({ name, steps: [create(path, merged(base, change))] }))

/** One case for each named merge patch of `base`, which was created at `path` before; `subresource` is what is patched of it. */
export function updates(
  path: string,
  base: { readonly metadata: { readonly name: string } },
  changes: Readonly<Record<string, object>>,
  subresource = '',
): Case[] {
  const target = `${path}/${base.metadata.name}${subresource && `/${subresource}`}`
  return Object.entries(changes).map(([name, change]) => ({ name, given: [create(path, base)], steps: [patch('merge', target, change)] }))
}

/** One case for each named change of `base`, which was created at `path` before and is replaced whole by what the change makes of it. */
export function replacements(
  path: string,
  base: { readonly metadata: { readonly name: string } },
  changes: Readonly<Record<string, object>>,
  subresource = '',
): Case[] {
  const target = `${path}/${base.metadata.name}${subresource && `/${subresource}`}`
  return Object.entries(changes).map(([name, change]) => ({
    name,
    given: [create(path, base)],
    steps: [replace(target, merged(base, change))],
  }))
}

/** The same cases under names that begin alike. */
export const titled = (title: string, cases: readonly Case[]): Case[] => cases.map((one) => ({ ...one, name: `${title}: ${one.name}` }))
