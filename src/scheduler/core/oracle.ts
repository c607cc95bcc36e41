import type { Pod, PodAffinityTerm, TopologySpreadConstraint } from '../../kinds/generated/types/core-v1.ts'
import { podRequests, resourceAmounts } from '../../kinds/pod-requests.ts'
import { matches, selectorFrom, selectsEverything } from '../../machinery/label-selector.ts'
import { matchesNodeSelection } from '../../kinds/node-selection.ts'
import type { Snapshot } from './snapshot.ts'
import { tolerates, untoleratedTaint } from './toleration.ts'

type View = { readonly snapshot: Snapshot; readonly pod: Pod; readonly rows: readonly number[] }

/**
 * The nodes that take a pod, straight from the definitions on objects: no columns, counters or caches. Slow on purpose; the
 * judge of the property tests.
 */
export function rowsByHand(snapshot: Snapshot, pod: Pod): string[] {
  const rows = Array.from({ length: snapshot.rowsEnd }, (_, row) => row).filter((row) => snapshot.nodes[row] !== undefined)
  const view = { snapshot, pod, rows }
  return rows.filter((row) => takes(view, row)).map((row) => snapshot.nodeName(row))
}

function takes(view: View, row: number): boolean {
  return (
    takesAlone(view, row) &&
    hasRoom(view, row) &&
    keepsSpread(view, row) &&
    satisfiesAffinity(view, row) &&
    satisfiesAntiAffinity(view, row)
  )
}

function takesAlone({ snapshot, pod }: View, row: number): boolean {
  const node = snapshot.nodes[row]!
  const tolerations = pod.spec?.tolerations ?? []
  const cordon = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const
  if (node.spec?.unschedulable && !tolerations.some((t) => tolerates(t, cordon))) return false
  return untoleratedTaint(node.spec?.taints, tolerations) === undefined && matchesNodeSelection(pod.spec!, node)
}

function hasRoom({ snapshot, pod }: View, row: number): boolean {
  const allocatable = resourceAmounts(snapshot.nodes[row]!.status?.allocatable)
  const others = snapshot.podsOf(row).map((e) => e.pod)
  if (others.length + 1 > (allocatable.pods ?? 0)) return false
  const used = (name: string) => others.reduce((sum, p) => sum + (podRequests(p)[name] ?? 0), 0)
  if (Object.entries(podRequests(pod)).some(([name, amount]) => amount > 0 && used(name) + amount > (allocatable[name] ?? 0))) return false
  const ports = (p: Pod) => p.spec!.containers.flatMap((c) => c.ports ?? []).map((port) => port.hostPort)
  return !ports(pod).some((port) => others.some((o) => ports(o).includes(port)))
}

const label = (view: View, row: number, key: string) => view.snapshot.nodes[row]!.metadata.labels?.[key]

function keepsSpread(view: View, row: number): boolean {
  const hard = (view.pod.spec?.topologySpreadConstraints ?? []).filter((c) => c.whenUnsatisfiable === 'DoNotSchedule')
  return hard.every((constraint) => {
    const own = label(view, row, constraint.topologyKey)
    if (own === undefined) return false
    const counts = new Map<string, number>()
    for (const other of view.rows) {
      if (hard.some((c) => label(view, other, c.topologyKey) === undefined) || !isIncluded(view, other, constraint)) continue
      const domain = label(view, other, constraint.topologyKey)!
      counts.set(domain, (counts.get(domain) ?? 0) + countMatching(view, other, constraint))
    }
    const min = counts.size < (constraint.minDomains ?? 1) ? 0 : Math.min(...counts.values())
    const self = matches(selectorFrom(constraint.labelSelector), view.pod.metadata.labels) ? 1 : 0
    return (counts.get(own) ?? 0) + self - min <= constraint.maxSkew
  })
}

function isIncluded({ snapshot, pod }: View, row: number, constraint: TopologySpreadConstraint): boolean {
  const node = snapshot.nodes[row]!
  if ((constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor' && !matchesNodeSelection(pod.spec!, node)) return false
  return constraint.nodeTaintsPolicy !== 'Honor' || untoleratedTaint(node.spec?.taints, pod.spec?.tolerations ?? []) === undefined
}

function countMatching({ snapshot, pod }: View, row: number, { labelSelector }: TopologySpreadConstraint): number {
  const selector = selectorFrom(labelSelector)
  if (selectsEverything(selector)) return 0
  return snapshot
    .podsOf(row)
    .filter(
      ({ pod: other }) =>
        other.metadata.deletionTimestamp === undefined &&
        other.metadata.namespace === pod.metadata.namespace &&
        matches(selector, other.metadata.labels),
    ).length
}

function isMatch(snapshot: Snapshot, term: PodAffinityTerm, owner: Pod, other: Pod): boolean {
  const namespace = other.metadata.namespace ?? ''
  const inNamespace =
    term.namespaceSelector === undefined && (term.namespaces ?? []).length === 0
      ? namespace === owner.metadata.namespace
      : (term.namespaces ?? []).includes(namespace) ||
        (term.namespaceSelector !== undefined && matches(selectorFrom(term.namespaceSelector), snapshot.namespaceLabels(namespace)))
  return inNamespace && matches(selectorFrom(term.labelSelector), other.metadata.labels)
}

function satisfiesAffinity(view: View, row: number): boolean {
  const { snapshot, pod, rows } = view
  const terms = pod.spec?.affinity?.podAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  if (terms.some((t) => label(view, row, t.topologyKey) === undefined)) return false
  const matchesAll = (other: Pod) => terms.every((t) => isMatch(snapshot, t, pod, other))
  const isThere = (key: string, domain: string | undefined) =>
    rows.some(
      (other) => domain !== undefined && label(view, other, key) === domain && snapshot.podsOf(other).some((e) => matchesAll(e.pod)),
    )
  if (terms.every((t) => isThere(t.topologyKey, label(view, row, t.topologyKey)))) return true
  const isAnywhere = terms.some((t) => rows.some((other) => isThere(t.topologyKey, label(view, other, t.topologyKey))))
  return !isAnywhere && matchesAll(pod)
}

function satisfiesAntiAffinity(view: View, row: number): boolean {
  const { snapshot, pod, rows } = view
  const termsOf = (p: Pod) => p.spec?.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []
  const shareDomain = (key: string, other: number) =>
    label(view, row, key) !== undefined && label(view, row, key) === label(view, other, key)
  return rows.every((other) =>
    snapshot
      .podsOf(other)
      .every(
        ({ pod: there }) =>
          !termsOf(pod).some((t) => shareDomain(t.topologyKey, other) && isMatch(snapshot, t, pod, there)) &&
          !termsOf(there).some((t) => shareDomain(t.topologyKey, other) && isMatch(snapshot, t, there, pod)),
      ),
  )
}
