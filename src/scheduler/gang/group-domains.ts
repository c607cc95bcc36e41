import type { Judged } from '../core/judgement.ts'
import type { PodShape } from '../core/pod-shape.ts'
import type { Snapshot } from '../core/snapshot.ts'

/** Domains that are tried for one group, at most. */
const domainsMax = 256

/**
 * The values of a topology key over the nodes, those first that by their free resources have room for most pods of these shapes: an
 * estimate, by which a group mostly finds its domain at once. Where some of the group run (`runningOn`: their nodes), only theirs.
 */
export function domainsOf(
  snapshot: Snapshot,
  key: string,
  { runningOn, shapes }: { readonly runningOn: readonly string[]; readonly shapes: readonly PodShape[] },
): readonly string[] {
  const { ids, values } = snapshot.column(key)
  const theirs = new Set(runningOn.flatMap((name) => ids[snapshot.rowOf(name) ?? -1] || []))
  const rooms = roomById(snapshot, { ids, size: values.size }, shapes)
  const domains: { readonly value: string; readonly room: number }[] = []
  for (let id = 1; id < rooms.length; id++)
    if (rooms[id]! >= 0 && (theirs.size === 0 || theirs.has(id))) domains.push({ value: values.name(id), room: rooms[id]! })
  return domains
    .sort((a, b) => b.room - a.room || (a.value < b.value ? -1 : 1))
    .slice(0, domainsMax)
    .map(({ value }) => value)
}

/** By value id how many pods of the shapes' average its nodes have room for; −1 where it has no node. */
function roomById(
  { nodes, rowsEnd, podsMax, podCount, allocatable, requested }: Snapshot,
  { ids, size }: { readonly ids: Int32Array; readonly size: number },
  shapes: readonly PodShape[],
): Float64Array {
  const sums = new Map<number, number>()
  for (const { resourceIds, resourceAmounts } of shapes)
    resourceIds.forEach((id, i) => sums.set(id, (sums.get(id) ?? 0) + resourceAmounts[i]! / shapes.length))
  const needs = [...sums].map(([id, need]) => ({ need, has: allocatable[id]!, uses: requested[id]! }))
  const rooms = new Float64Array(size + 1).fill(-1)
  for (let row = 0; row < rowsEnd; row++) {
    const id = ids[row]!
    if (id === 0 || nodes[row] === undefined) continue
    let places = podsMax[row]! - podCount[row]!
    for (let i = 0; i < needs.length; i++) {
      const { need, has, uses } = needs[i]!
      const fit = Math.floor((has[row]! - uses[row]!) / need)
      if (fit < places) places = fit
    }
    rooms[id] = Math.max(0, rooms[id]!) + Math.max(0, places)
  }
  return rooms
}

/** What keeps one more pod of a group where the others run; undefined where it may go anywhere. */
export function domainOfGroup(snapshot: Snapshot, key: string | undefined, runningOn: readonly string[]): Judged | undefined {
  if (key === undefined || runningOn.length === 0) return undefined
  const domains = runningOn.flatMap((name) => snapshot.column(key).value(snapshot.rowOf(name) ?? -1) ?? [])
  // Labels may have changed since: then where most of them are.
  const [most] = [...Map.groupBy(domains, (domain) => domain)].sort(([a, i], [b, j]) => j.length - i.length || (a < b ? -1 : 1))
  return most && domainJudgement(snapshot, { key, domain: most[0] })
}

/** Keeps a pod within one domain. */
export function domainJudgement(snapshot: Snapshot, { key, domain }: { readonly key: string; readonly domain: string }): Judged {
  const column = snapshot.column(key)
  const id = column.values.id(domain)
  return {
    kind: 'Judged',
    // A row's label changes only with its node.
    sharedAs: `${key}=${domain}`,
    plugin: {
      name: 'GangScheduling',
      weight: 0,
      compiled: {
        staticFilter: (row) => column.ids[row] === id,
        reject: () => ({
          reasons: ["node(s) were outside the group's topology domain"],
          details: [`the group is tried in ${key}=${domain}`],
          isResolvable: false,
        }),
      },
    },
  }
}
