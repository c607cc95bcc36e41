import type { APIService } from '../../kinds/generated/types/apiregistration-v1.ts'
import { apiVersionOf } from '../../machinery/object.ts'

/** Upstream's order of groups and of versions in them, by which clients that are given a short name choose. */
const groupPriorities: Readonly<Record<string, number>> = {
  '': 18_000,
  apps: 17_800,
  'events.k8s.io': 17_750,
  'authentication.k8s.io': 17_700,
  'authorization.k8s.io': 17_600,
  autoscaling: 17_500,
  batch: 17_400,
  'certificates.k8s.io': 17_300,
  'networking.k8s.io': 17_200,
  policy: 17_100,
  'rbac.authorization.k8s.io': 17_000,
  'storage.k8s.io': 16_800,
  'admissionregistration.k8s.io': 16_700,
  'apiextensions.k8s.io': 16_700,
  'scheduling.k8s.io': 16_600,
  'coordination.k8s.io': 16_500,
  'node.k8s.io': 16_300,
  'discovery.k8s.io': 16_200,
  'flowcontrol.apiserver.k8s.io': 16_100,
  'internal.apiserver.k8s.io': 16_000,
  'resource.k8s.io': 16_200,
  'storagemigration.k8s.io': 15_800,
}
const customPriority = { groupPriorityMinimum: 1_000, versionPriority: 100 } as const

/** Says who keeps an APIService: the server, once at its start or as long as the group is served. */
export const automanagedLabel = 'kube-aggregator.kubernetes.io/automanaged'

type GroupVersion = { readonly group: string; readonly version: string }

/** What is in no table and has no APIService of its own (the groups apiregistration and Keelson's) comes after what has. */
export function groupPriority(group: string): number {
  return groupPriorities[group] ?? customPriority.groupPriorityMinimum
}

export function versionPriority({ group, version }: GroupVersion): number {
  if (!Object.hasOwn(groupPriorities, group)) return customPriority.versionPriority
  if (group === '') return 1
  if (group === 'autoscaling' && version === 'v2') return 30
  if ((group === 'flowcontrol.apiserver.k8s.io' || group === 'resource.k8s.io') && version === 'v1') return 21
  if (/^v\d+$/.test(version)) return 15
  return version.includes('beta') ? 12 : 9
}

/** The APIService of a group version that this server answers itself. `customs`: of a custom kind, kept as long as that is served. */
export function localApiService({ group, version }: GroupVersion, isCustom: boolean): APIService {
  return {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `${version}.${group}`, labels: { [automanagedLabel]: isCustom ? 'true' : 'onstart' } },
    spec: {
      ...(group === '' ? {} : { group }),
      version,
      groupPriorityMinimum: groupPriority(group),
      versionPriority: versionPriority({ group, version }),
    },
  }
}

export const localCondition = { type: 'Available', status: 'True', reason: 'Local', message: 'Local APIServices are always available' }

/** The API of APIServices itself, Keelson's own, and metrics: whoever installs a metrics server brings an APIService for these. */
const unregistered: ReadonlySet<string> = new Set(['apiregistration.k8s.io', 'keelson.dev', 'metrics.k8s.io'])

/** Group versions that an APIService is kept for, once each. */
export function registeredVersions(kinds: readonly (GroupVersion & { readonly verbs: readonly string[] })[]): readonly GroupVersion[] {
  const found = new Map<string, GroupVersion>()
  for (const { group, version, verbs } of kinds)
    if (verbs.length > 0 && !unregistered.has(group)) found.set(apiVersionOf({ group, version }), { group, version })
  return [...found.values()]
}
