import type { Subresource } from '../kind.ts'

/** The status of a kind of Keelson's own, as kinds of the API have it. */
export function statusSubresource(kind: string): Subresource {
  return { name: 'status', group: 'keelson.dev', version: 'v1', kind, verbs: ['get', 'patch', 'update'] }
}
