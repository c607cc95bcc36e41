import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import type { SchedulerProfile } from '../config/scheduler-profile.ts'
import { nodeLeaseNamespace } from '../follow-node-usage.ts'
import type { ClusterView } from '../what-if/cluster-view.ts'
import { looksAtUse } from '../what-if/planned-profiles.ts'
import { evictMoved } from './evict-moved.ts'
import { type Move, planRebalance } from './rebalance-plan.ts'
import type { RebalancePolicy } from './rebalance-policy.ts'

export type RebalanceOptions = {
  /** `Report`: says as Events which pods should move. `Move`: evicts them too. */
  readonly mode: 'Report' | 'Move'
  /** The least time between two runs; nothing runs while nothing changes. */
  readonly periodMs: number
  readonly policy: RebalancePolicy
  /** Whose filters and scores tell where pods would land, by the pods' scheduler names. */
  readonly profiles: readonly SchedulerProfile[]
}

const { coreV1, appsV1, coordinationV1, policyV1, storageV1, resourceV1 } = kindRefs
const theCluster = 'cluster'
const toCluster = () => [theCluster]
const toNothing = () => []

/** Looks at the cluster when nodes, pods or budgets change, and lets pods that are in the wrong place come to a better one. */
export function rebalanceController({ mode, periodMs, policy, profiles }: RebalanceOptions): ControllerDefinition {
  const asksForUse = looksAtUse(profiles)
  const read = <T extends KubeObject>(kind: KindRef<T>) => watchKind(kind, toNothing)
  return {
    name: 'rebalance',
    watches: [
      ...[watchKind(coreV1.nodes, toCluster), watchKind(coreV1.pods, toCluster), watchKind(policyV1.podDisruptionBudgets, toCluster)],
      ...[read(coreV1.namespaces), read(coreV1.services), read(appsV1.replicaSets), read(appsV1.statefulSets)],
      ...[read(coreV1.replicationControllers), read(coreV1.persistentVolumeClaims), read(coreV1.persistentVolumes)],
      ...[read(storageV1.storageClasses), read(storageV1.csiNodes), read(storageV1.csiDrivers), read(storageV1.csiStorageCapacities)],
      ...[read(resourceV1.resourceClaims), read(resourceV1.resourceClaimTemplates), read(resourceV1.resourceSlices)],
      read(resourceV1.deviceClasses),
      ...(asksForUse ? [read(coordinationV1.leases)] : []),
    ],
    writes: [],
    rules: mode === 'Move' ? [{ verbs: ['create'], apiGroups: [''], resources: ['pods/eviction'] }] : [],
    minIntervalMs: periodMs,
    reconcile: async (context, _key, signal) => {
      const { moves } = planRebalance({ view: viewOf(context, asksForUse), policy, profiles })
      for (const move of moves) await carryOut(context, { move, mode, signal })
    },
  }
}

async function carryOut(
  context: LoopContext,
  { move, mode, signal }: { readonly move: Move; readonly mode: RebalanceOptions['mode']; readonly signal: AbortSignal },
): Promise<void> {
  const pod = context.informer(coreV1.pods).get(move.pod)
  if (!pod) return
  const text = `from node ${move.from} to ${move.to}, gains ${move.gain} % (${move.gainText}): ${move.why}`
  if (mode === 'Report') return context.event(pod, { type: 'Normal', reason: 'RebalanceProposed', message: `Should move ${text}` })
  const { isEvicted, message } = await evictMoved(context.client, move, signal)
  context.event(
    pod,
    isEvicted
      ? { type: 'Normal', reason: 'Rebalanced', message: `Evicted to move ${text}` }
      : { type: 'Warning', reason: 'RebalanceRefused', message: `Did not move ${text}: ${message}` },
  )
}

function viewOf(context: LoopContext, asksForUse: boolean): ClusterView {
  const all = <T extends KubeObject>(kind: KindRef<T>) => context.informer(kind).list()
  return {
    nodes: all(coreV1.nodes),
    pods: all(coreV1.pods),
    namespaces: all(coreV1.namespaces),
    budgets: all(policyV1.podDisruptionBudgets),
    services: all(coreV1.services),
    replicaSets: all(appsV1.replicaSets),
    statefulSets: all(appsV1.statefulSets),
    replicationControllers: all(coreV1.replicationControllers),
    claims: all(coreV1.persistentVolumeClaims),
    volumes: all(coreV1.persistentVolumes),
    storageClasses: all(storageV1.storageClasses),
    csiNodes: all(storageV1.csiNodes),
    csiDrivers: all(storageV1.csiDrivers),
    storageCapacities: all(storageV1.csiStorageCapacities),
    resourceClaims: all(resourceV1.resourceClaims),
    resourceClaimTemplates: all(resourceV1.resourceClaimTemplates),
    resourceSlices: all(resourceV1.resourceSlices),
    deviceClasses: all(resourceV1.deviceClasses),
    // Pods of groups stay.
    podGroups: [],
    leases: asksForUse ? context.informer(coordinationV1.leases).list(nodeLeaseNamespace) : [],
  }
}
