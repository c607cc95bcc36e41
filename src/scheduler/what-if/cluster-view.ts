import type { Informer } from '../../client/informer-contract.ts'
import type { ReplicaSet, StatefulSet } from '../../kinds/generated/types/apps-v1.ts'
import type {
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicationController,
  Service,
} from '../../kinds/generated/types/core-v1.ts'
import type { Lease } from '../../kinds/generated/types/coordination-v1.ts'
import type { PodDisruptionBudget } from '../../kinds/generated/types/policy-v1.ts'
import type { DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice } from '../../kinds/generated/types/resource-v1.ts'
import type { PodGroup } from '../../kinds/generated/types/scheduling-v1alpha2.ts'
import type { CSIDriver, CSINode, CSIStorageCapacity, StorageClass } from '../../kinds/generated/types/storage-v1.ts'
import { keyOf, type KubeObject } from '../../machinery/object.ts'
import type { SpreadSources } from '../default-spread.ts'

/** A cluster at one moment, as lists: what a plan starts from. */
export type ClusterView = {
  readonly nodes: readonly Node[]
  readonly pods: readonly Pod[]
  readonly namespaces: readonly Namespace[]
  readonly budgets: readonly PodDisruptionBudget[]
  readonly services: readonly Service[]
  readonly replicaSets: readonly ReplicaSet[]
  readonly statefulSets: readonly StatefulSet[]
  readonly replicationControllers: readonly ReplicationController[]
  readonly claims: readonly PersistentVolumeClaim[]
  readonly volumes: readonly PersistentVolume[]
  readonly storageClasses: readonly StorageClass[]
  readonly csiNodes: readonly CSINode[]
  readonly csiDrivers: readonly CSIDriver[]
  readonly storageCapacities: readonly CSIStorageCapacity[]
  readonly resourceClaims: readonly ResourceClaim[]
  readonly resourceClaimTemplates: readonly ResourceClaimTemplate[]
  readonly resourceSlices: readonly ResourceSlice[]
  readonly deviceClasses: readonly DeviceClass[]
  readonly podGroups: readonly PodGroup[]
  /** Those of nodes, which say what is used; none where nobody asks. */
  readonly leases: readonly Lease[]
}

/** What pods are spread by where they say nothing of it. */
export const spreadSourcesOf = (view: ClusterView): SpreadSources => ({
  services: fixedInformer(view.services),
  replicaSets: fixedInformer(view.replicaSets),
  statefulSets: fixedInformer(view.statefulSets),
  replicationControllers: fixedInformer(view.replicationControllers),
})

/** A list as an informer that never changes. */
export function fixedInformer<T extends KubeObject>(objects: readonly T[]): Informer<T> {
  const byKey = new Map(objects.map((o) => [keyOf(o), o]))
  const indexes = new Map<string, Map<string, T[]>>()
  return {
    synced: async () => {},
    hasSynced: true,
    get: (key) => byKey.get(key),
    list: (namespace) => (namespace === undefined ? objects : objects.filter((o) => o.metadata.namespace === namespace)),
    byIndex: (index, value) => indexes.get(index)?.get(value) ?? [],
    indexValues: (index) => indexes.get(index)?.keys() ?? [],
    addIndex: (name, valuesOf) => {
      const index = new Map<string, T[]>()
      for (const object of objects) for (const value of valuesOf(object)) index.set(value, [...(index.get(value) ?? []), object])
      indexes.set(name, index)
    },
    onChange: () => () => {},
    resourceVersion: '',
  }
}
