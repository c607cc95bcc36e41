import type { ClusterView } from './cluster-view.ts'

/** A cluster of nothing, to start from in tests and examples. */
export const emptyView: ClusterView = {
  nodes: [],
  pods: [],
  namespaces: [],
  budgets: [],
  services: [],
  replicaSets: [],
  statefulSets: [],
  replicationControllers: [],
  claims: [],
  volumes: [],
  storageClasses: [],
  csiNodes: [],
  csiDrivers: [],
  storageCapacities: [],
  resourceClaims: [],
  resourceClaimTemplates: [],
  resourceSlices: [],
  deviceClasses: [],
  podGroups: [],
  leases: [],
}
