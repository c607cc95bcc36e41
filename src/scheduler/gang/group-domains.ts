import type { Node } from '../../kinds/generated/types/core-v1.ts'
import type { Judged } from '../core/judgement.ts'
import type { Snapshot } from '../core/snapshot.ts'

/** Domains that are tried for one group, at most. */
const domainsMax = 256

/**
 * The values of a topology key over the nodes, those with most nodes first: there is most room. Where some of the group run, only theirs
 * (`runningOn`: their nodes), those with most of them first.
 */
export function domainsOf(snapshot: Snapshot, key: string, runningOn: readonly string[]): readonly string[] {
  const theirs = runningOn.flatMap((name) => snapshot.nodes[snapshot.rowOf(name) ?? -1] ?? [])
  const counts = countsOf(theirs, key)
  if (counts.size === 0) for (const [value, count] of countsOf(snapshot.nodes, key)) counts.set(value, count)
  return [...counts]
    .sort(([a, i], [b, j]) => j - i || (a < b ? -1 : 1))
    .slice(0, domainsMax)
    .map(([value]) => value)
}

function countsOf(nodes: readonly (Node | undefined)[], key: string): Map<string, number> {
  const counts = new Map<string, number>()
  for (const node of nodes) {
    const value = node?.metadata.labels?.[key]
    if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1)
  }
  return counts
}

/** What keeps one more pod of a group where the others run; undefined where it may go anywhere. */
export function domainOfGroup(snapshot: Snapshot, key: string | undefined, runningOn: readonly string[]): Judged | undefined {
  if (key === undefined || runningOn.length === 0) return undefined
  const [domain] = domainsOf(snapshot, key, runningOn)
  return domain === undefined ? undefined : domainJudgement(snapshot, { key, domain })
}

/** Keeps a pod within one domain. */
export function domainJudgement(snapshot: Snapshot, { key, domain }: { readonly key: string; readonly domain: string }): Judged {
  return {
    kind: 'Judged',
    // A row's label changes only with its node.
    sharedAs: `${key}=${domain}`,
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
