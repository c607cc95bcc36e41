import type { TopologySpreadConstraint } from '../../kinds/generated/types/core-v1.ts'
import { matches, selectorFrom, selectsEverything } from '../../machinery/label-selector.ts'
import { DomainMinimum } from './domain-minimum.ts'
import type { DomainCounter } from './domain-counter.ts'
import { hasNoNodeSelection, matchesNodeSelection } from '../../kinds/node-selection.ts'
import type { DefaultSpread } from './plugin.ts'
import type { PodShape } from './pod-shape.ts'
import { withLabelKeys } from './pod-term.ts'
import type { Snapshot } from './snapshot.ts'
import { untoleratedTaint } from './toleration.ts'

export const hostnameKey = 'kubernetes.io/hostname'
export const zoneKey = 'topology.kubernetes.io/zone'

/** A spread constraint ready to be evaluated for one shape. */
export type SpreadConstraint = {
  readonly topologyKey: string
  readonly maxSkew: number
  readonly minDomains: number
  /** 1 when the pod itself counts. */
  readonly selfMatch: 0 | 1
  readonly counter: DomainCounter
  readonly minimum: DomainMinimum | undefined
}

/** The cluster-wide defaults (both soft) for pods without constraints of their own that a service or owner selects. */
export const defaultConstraints: readonly TopologySpreadConstraint[] = [
  { topologyKey: hostnameKey, maxSkew: 3, whenUnsatisfiable: 'ScheduleAnyway' },
  { topologyKey: zoneKey, maxSkew: 5, whenUnsatisfiable: 'ScheduleAnyway' },
]

type SpreadContext = {
  readonly snapshot: Snapshot
  readonly shape: PodShape
  readonly defaultSpread: DefaultSpread | undefined
  /** The cluster's constraints for pods that have none of their own. */
  readonly defaults: readonly TopologySpreadConstraint[]
}

export function hardConstraints(context: SpreadContext): SpreadConstraint[] {
  return constraintsOf(context, 'DoNotSchedule')
}

export function softConstraints(context: SpreadContext): SpreadConstraint[] {
  return constraintsOf(context, 'ScheduleAnyway')
}

function constraintsOf(
  { snapshot, shape, defaultSpread, defaults }: SpreadContext,
  kind: TopologySpreadConstraint['whenUnsatisfiable'],
): SpreadConstraint[] {
  const needsMinimum = kind === 'DoNotSchedule'
  const own = shape.spec.topologySpreadConstraints ?? []
  const wanted = (own.length > 0 ? own : defaultSpread ? defaults : []).filter((c) => c.whenUnsatisfiable === kind)
  // A node without a default constraint's key is not left out for that: the pod did not ask for it.
  const requiredKeys = own.length > 0 || needsMinimum ? wanted.map((c) => c.topologyKey) : []
  const byDefault = own.length > 0 ? undefined : defaultSpread && { key: `default:${defaultSpread.key}`, matches: defaultSpread.matches }
  return wanted.map((constraint) =>
    compileConstraint({ snapshot, shape, constraint, requiredKeys, matchesPod: byDefault ?? matcher(shape, constraint), needsMinimum }),
  )
}

type PodMatcher = { readonly key: string; readonly matches: (labels: PodShape['labels']) => boolean; readonly matchesSelf?: boolean }

function matcher(shape: PodShape, constraint: TopologySpreadConstraint): PodMatcher {
  const merged = withLabelKeys(constraint.labelSelector, shape.labels, { in: constraint.matchLabelKeys })
  const selector = selectorFrom(merged)
  // Upstream counts no pod for an empty selector, although the incoming pod matches it.
  const isEmpty = selectsEverything(selector)
  return {
    key: JSON.stringify(merged ?? null),
    matches: (labels) => !isEmpty && matches(selector, labels),
    matchesSelf: matches(selector, shape.labels),
  }
}

function compileConstraint(input: {
  snapshot: Snapshot
  shape: PodShape
  constraint: TopologySpreadConstraint
  requiredKeys: readonly string[]
  matchesPod: PodMatcher
  needsMinimum: boolean
}): SpreadConstraint {
  const { snapshot, shape, constraint, requiredKeys, matchesPod, needsMinimum } = input
  // A soft constraint by hostname counts the node's own pods whatever the policies say.
  const inclusion =
    needsMinimum || constraint.topologyKey !== hostnameKey ? rowInclusion(snapshot, shape, constraint, requiredKeys) : undefined
  const counter = snapshot.counter({
    key: `spread:${JSON.stringify([shape.namespace, matchesPod.key, constraint.topologyKey, inclusion?.key ?? ''])}`,
    topologyKey: constraint.topologyKey,
    weight: (other) => (other.namespace === shape.namespace && matchesPod.matches(other.labels) ? 1 : 0),
    skipsTerminating: true,
    ...(inclusion ? { includesRow: inclusion.includes } : {}),
  })
  return {
    topologyKey: constraint.topologyKey,
    maxSkew: constraint.maxSkew,
    minDomains: constraint.minDomains ?? 1,
    selfMatch: (matchesPod.matchesSelf ?? matchesPod.matches(shape.labels)) ? 1 : 0,
    counter,
    minimum: needsMinimum ? minimumOf(counter, snapshot) : undefined,
  }
}

const minima = new WeakMap<DomainCounter, DomainMinimum>()

function minimumOf(counter: DomainCounter, snapshot: Snapshot): DomainMinimum {
  let minimum = minima.get(counter)
  if (!minimum) minima.set(counter, (minimum = new DomainMinimum(counter, snapshot)))
  return minimum
}

/** Which nodes' pods count: those with all keys, and by policy those that the pod's node selection and tolerations accept. */
function rowInclusion(
  snapshot: Snapshot,
  shape: PodShape,
  { nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore' }: TopologySpreadConstraint,
  requiredKeys: readonly string[],
): { readonly key: string; readonly includes: (row: number) => boolean } | undefined {
  const { spec } = shape
  const honorsSelection = nodeAffinityPolicy === 'Honor' && !hasNoNodeSelection(spec)
  const honorsTaints = nodeTaintsPolicy === 'Honor'
  const columns = requiredKeys.map((key) => snapshot.column(key))
  if (!honorsSelection && !honorsTaints && columns.length === 0) return undefined
  const tolerations = spec.tolerations ?? []
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return {
    key: JSON.stringify([[...requiredKeys].sort(), honorsSelection && [spec.nodeSelector, required], honorsTaints && tolerations]),
    includes: (row) =>
      columns.every((column) => column.ids[row] !== 0) &&
      (!honorsSelection || matchesNodeSelection(spec, snapshot.nodes[row]!)) &&
      (!honorsTaints || untoleratedTaint(snapshot.nodes[row]!.spec?.taints, tolerations) === undefined),
  }
}
