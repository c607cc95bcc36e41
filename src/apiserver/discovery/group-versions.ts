import type { KindDefinition } from '../../kinds/kind.ts'
import type { ForeignVersion } from './published-groups.ts'
import { apiVersionOf } from '../../machinery/object.ts'

/** The served kinds of one version of a group, in the order of their definition. */
export type GroupVersion = {
  readonly group: string
  readonly version: string
  readonly apiVersion: string
  readonly kinds: readonly KindDefinition[]
  /** Another server answers it. */
  readonly foreign?: ForeignVersion
}

/** A group with its versions, the preferred one first. */
export type Group = { readonly name: string; readonly versions: readonly GroupVersion[] }

/** Groups the kinds; the core group comes first, the others by name. Kinds without verbs are only bodies of subresources and have no place of their own. */
export function groupKinds(kinds: readonly KindDefinition[]): readonly Group[] {
  const groups = new Map<string, Map<string, KindDefinition[]>>()
  for (const kind of kinds) {
    if (kind.verbs.length === 0) continue
    const versions = groups.get(kind.group) ?? new Map<string, KindDefinition[]>()
    groups.set(kind.group, versions)
    const list = versions.get(kind.version) ?? []
    versions.set(kind.version, list)
    list.push(kind)
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, versions]) => ({
      name,
      versions: [...versions]
        .sort(([a], [b]) => compareVersions(a, b))
        .map(([version, list]) => ({ group: name, version, apiVersion: apiVersionOf({ group: name, version }), kinds: list })),
    }))
}

/** Kubernetes' order of versions: stable before beta before alpha, newer before older, anything else after by name. */
export function compareVersions(a: string, b: string): number {
  const left = rank(a)
  const right = rank(b)
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor
}

function rank(version: string): { stability: number; major: number; minor: number } | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version)
  if (!match) return undefined
  const stability = match[2] === 'alpha' ? 0 : match[2] === 'beta' ? 1 : 2
  return { stability, major: Number(match[1]), minor: Number(match[3] ?? 0) }
}
