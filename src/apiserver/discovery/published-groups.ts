import { groupPriority, versionPriority } from '../aggregation/local-api-services.ts'
import type { KindDefinition } from '../../kinds/kind.ts'
import type { APIResource } from '../../kinds/generated/types/meta-v1.ts'
import { apiVersionOf } from '../../machinery/object.ts'
import { compareVersions, type Group, groupKinds, type GroupVersion } from './group-versions.ts'

/** A group version that another server answers, as discovery shows it. */
export type ForeignVersion = {
  readonly group: string
  readonly version: string
  readonly groupPriority: number
  readonly versionPriority: number
  readonly isAvailable: boolean
  readonly resources: readonly APIResource[]
}

/** Stands before everything that it names. */
const aggregator = 'apiregistration.k8s.io'

/**
 * The groups in the order that clients resolve short names by: the higher priority first, then by name; in each its versions by their
 * own priority, then as Kubernetes orders versions. What another server answers stands in place of what this one would.
 */
export function publishedGroups(kinds: readonly KindDefinition[], foreign: readonly ForeignVersion[]): readonly Group[] {
  const groups = new Map<string, Map<string, GroupVersion>>()
  for (const { name, versions } of groupKinds(kinds)) groups.set(name, new Map(versions.map((v) => [v.version, v])))
  const priorities = new Map<string, number>()
  for (const one of foreign) {
    const versions = groups.get(one.group) ?? new Map<string, GroupVersion>()
    groups.set(one.group, versions)
    versions.set(one.version, { group: one.group, version: one.version, apiVersion: apiVersionOf(one), kinds: [], foreign: one })
    priorities.set(one.group, Math.max(priorities.get(one.group) ?? 0, one.groupPriority))
  }
  const priorityOf = (name: string) => (name === aggregator ? Number.MAX_SAFE_INTEGER : (priorities.get(name) ?? groupPriority(name)))
  const versionOf = (v: GroupVersion) => v.foreign?.versionPriority ?? versionPriority(v)
  return [...groups]
    .sort(([a], [b]) => priorityOf(b) - priorityOf(a) || (a < b ? -1 : 1))
    .map(([name, versions]) => ({
      name,
      versions: [...versions.values()].sort((a, b) => versionOf(b) - versionOf(a) || compareVersions(a.version, b.version)),
    }))
}
