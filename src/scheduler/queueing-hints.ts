import type { Node } from '../kinds/generated/types/core-v1.ts'
import { resourceAmounts } from '../kinds/pod-requests.ts'
import { matchesNodeSelection } from '../kinds/node-selection.ts'
import type { PodShape } from './core/pod-shape.ts'
import { tolerates, untoleratedTaint } from './core/toleration.ts'

/** What happened in the cluster that may let a parked pod be placed. */
export type ClusterEvent =
  | { readonly kind: 'NodeAdded'; readonly node: Node }
  | { readonly kind: 'NodeChanged'; readonly node: Node; readonly old: Node }
  | { readonly kind: 'NodeRemoved' }
  | { readonly kind: 'PodAssigned'; readonly shape: PodShape }
  | { readonly kind: 'PodRemoved'; readonly shape: PodShape; readonly nodeName: string }
  | { readonly kind: 'NamespaceChanged' }
  /** A node was measured to use less than before, or reports no more. */
  | { readonly kind: 'NodeUsageFell' }
  /** Claims, volumes, classes, drivers; `namespace` where it is a claim's. */
  | { readonly kind: 'StorageChanged'; readonly namespace?: string }
  /** Slices, classes, and claims; `namespace` where only pods of one may use what is new. */
  | { readonly kind: 'DevicesChanged'; readonly namespace?: string }
  /** Pods may ask for its devices by a resource's name. */
  | { readonly kind: 'DeviceClassChanged' }
  | { readonly kind: 'PodGroupChanged'; readonly namespace: string }
  /** More pods may be disrupted than before. */
  | { readonly kind: 'BudgetGrew' }

/** Stands among the plugins that rejected a pod where disruption budgets keep the pods that would have to leave for it. */
export const disruptionBudgets = 'PodDisruptionBudgets'

const storagePlugins = ['VolumeBinding', 'VolumeRestrictions', 'NodeVolumeLimits', 'VolumeZone'] as const
const storagePluginsByPod = ['VolumeRestrictions', 'NodeVolumeLimits'] as const
/** Which nodes reach a volume, or get one made, goes by their labels. */
const storagePluginsByLabel = ['VolumeBinding', 'VolumeZone'] as const

/** How a pod was judged: by which plugins' filters, and which of them rejected it. */
export type Judging = { readonly filters: ReadonlySet<string>; readonly rejectedBy: ReadonlySet<string> }

/** Whether the event may help a pod of this shape, or answers what was said of it. Errs towards waking. */
export function mayHelp(event: ClusterEvent, shape: PodShape, { filters, rejectedBy }: Judging): boolean {
  const dependsOnPods = rejectedBy.has('InterPodAffinity') || rejectedBy.has('PodTopologySpread')
  const dependsOnDevices = rejectedBy.has('DynamicResources')
  if (event.kind !== 'NodeUsageFell' && dependsOnAnything(rejectedBy)) return true
  switch (event.kind) {
    case 'NodeAdded':
      return dependsOnPods || dependsOnDevices || couldTake(event.node, shape, filters)
    case 'NodeChanged': {
      // A group may have to stay in one domain of a label.
      const dependsOnLabels =
        dependsOnPods || dependsOnDevices || rejectedBy.has('GangScheduling') || storagePluginsByLabel.some((name) => rejectedBy.has(name))
      if (dependsOnLabels && hasOtherLabelsOrTaints(event)) return true
      return (
        answersOneOf(rejectedBy, event, shape) || (couldTake(event.node, shape, filters) && isBetter(event, shape, { filters, rejectedBy }))
      )
    }
    case 'NodeRemoved':
      return rejectedBy.has('PodTopologySpread')
    case 'PodAssigned':
      return dependsOnPods
    case 'PodRemoved':
      return (
        dependsOnPods ||
        rejectedBy.has('NodeResourcesFit') ||
        rejectedBy.has('NodePorts') ||
        storagePluginsByPod.some((name) => rejectedBy.has(name))
      )
    case 'NamespaceChanged':
      return rejectedBy.has('InterPodAffinity')
    case 'NodeUsageFell':
      return rejectedBy.has('LoadAware')
    case 'PodGroupChanged':
      return event.namespace === shape.namespace && rejectedBy.has('GangScheduling')
    case 'BudgetGrew':
      return rejectedBy.has(disruptionBudgets)
    case 'DeviceClassChanged':
      return dependsOnDevices || (rejectedBy.has('NodeResourcesFit') && Object.keys(shape.requests).some((name) => name.includes('/')))
    case 'DevicesChanged':
      return dependsOnDevices && (event.namespace ?? shape.namespace) === shape.namespace
    case 'StorageChanged':
      return (event.namespace ?? shape.namespace) === shape.namespace && storagePlugins.some((name) => rejectedBy.has(name))
  }
}

/** Whether the event is about another node than the only one that the pod may go to, and nothing there counts for it. */
export function isElsewhere(event: ClusterEvent, pinnedTo: string | undefined, rejectedBy: ReadonlySet<string>): boolean {
  if (pinnedTo === undefined) return false
  const about = 'node' in event ? event.node.metadata.name : 'nodeName' in event ? event.nodeName : undefined
  if (about === undefined || about === pinnedTo) return false
  for (const name of rejectedBy) if (!byOwnNode.has(name)) return false
  return true
}

/** Plugins that look at nothing but the node that is asked about. */
const byOwnNode: ReadonlySet<string> = new Set([
  ...['NodeUnschedulable', 'TaintToleration', 'NodeAffinity', 'NodePorts', 'NodeResourcesFit', 'LoadAware'],
])

const hinted: ReadonlySet<string> = new Set([
  ...['NodeUnschedulable', 'TaintToleration', 'NodeAffinity', 'NodePorts', 'NodeResourcesFit', 'PodTopologySpread', 'InterPodAffinity'],
  ...['GangScheduling', 'DynamicResources', 'LoadAware', disruptionBudgets, ...storagePlugins],
])

/** Of extenders, expressions and plugins of the user's own nobody knows what they look at. */
function dependsOnAnything(rejectedBy: ReadonlySet<string>): boolean {
  for (const name of rejectedBy) if (!hinted.has(name)) return true
  return false
}

/** Plugins that ask the node object alone, and whether it passes. Of affinity that a profile adds, NodeAffinity's says nothing. */
const byNodeAlone: Readonly<Record<string, (node: Node, spec: PodShape['spec']) => boolean>> = {
  NodeUnschedulable: (node, { tolerations = [] }) => !node.spec?.unschedulable || tolerations.some((t) => tolerates(t, cordonTaint)),
  TaintToleration: (node, { tolerations = [] }) => untoleratedTaint(node.spec?.taints, tolerations) === undefined,
  NodeAffinity: (node, spec) => matchesNodeSelection(spec, node),
}

/** Whether a plugin that said no would now say yes of the node: what the pod's condition tells would be out of date. */
function answersOneOf(
  rejectedBy: ReadonlySet<string>,
  { node, old }: { readonly node: Node; readonly old: Node },
  { spec }: PodShape,
): boolean {
  return Object.entries(byNodeAlone).some(([name, passes]) => rejectedBy.has(name) && passes(node, spec) && !passes(old, spec))
}

/** Whether the node, empty, would take the pod as far as the node alone decides. */
function couldTake(node: Node, { spec, requests }: PodShape, filters: ReadonlySet<string>): boolean {
  if (Object.entries(byNodeAlone).some(([name, passes]) => filters.has(name) && !passes(node, spec))) return false
  if (!filters.has('NodeResourcesFit')) return true
  const allocatable = resourceAmounts(node.status?.allocatable)
  // What has a domain and the node has none of, its drivers may provide as devices.
  const mayBeDevice = (name: string) => name.includes('/') && !allocatable[name]
  return Object.entries(requests).every(([name, amount]) => amount <= (allocatable[name] ?? 0) || mayBeDevice(name))
}

const cordonTaint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' } as const

/** Whether the change itself, and not only the node as it was before, speaks for the pod. */
function isBetter(event: { readonly node: Node; readonly old: Node }, shape: PodShape, { filters, rejectedBy }: Judging): boolean {
  const { node, old } = event
  if (!couldTake(old, shape, filters)) return true
  // The profile may add affinity of its own.
  if (rejectedBy.has('NodeAffinity') && hasOtherLabelsOrTaints(event)) return true
  const before = resourceAmounts(old.status?.allocatable)
  const after = resourceAmounts(node.status?.allocatable)
  return ['pods', ...Object.keys(shape.requests)].some((name) => (after[name] ?? 0) > (before[name] ?? 0))
}

function hasOtherLabelsOrTaints({ node, old }: { readonly node: Node; readonly old: Node }): boolean {
  const text = (n: Node) => JSON.stringify([n.metadata.labels, n.spec?.taints, n.spec?.unschedulable])
  return text(node) !== text(old)
}
