import type { Judged } from '../core/judgement.ts'
import type { Snapshot } from '../core/snapshot.ts'

/** Domains that are tried for one group, at most. */
const domainsMax = 256

/** The values of a topology key over the nodes, those with most nodes first: there is most room. */
export function domainsOf({ nodes }: Snapshot, key: string): readonly string[] {
  const counts = new Map<string, number>()
  for (const node of nodes) {
    const value = node?.metadata.labels?.[key]
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return [...counts]
    .sort(([a, i], [b, j]) => j - i || (a < b ? -1 : 1))
    .slice(0, domainsMax)
    .map(([value]) => value)
}

/** Keeps a pod within one domain. */
export function domainJudgement(snapshot: Snapshot, { key, domain }: { readonly key: string; readonly domain: string }): Judged {
  return {
    kind: 'Judged',
    plugin: {
      name: 'GangScheduling',
      weight: 0,
      compiled: {
        staticFilter: (row) => snapshot.nodes[row]!.metadata.labels?.[key] === domain,
        reject: () => ({
          reasons: ["node(s) were outside the group's topology domain"],
          details: [`the group is tried in ${key}=${domain}`],
          isResolvable: false,
        }),
      },
    },
  }
}
