import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { KindRef } from '../../kinds/kind.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { nodeLeaseNamespace } from '../../scheduler/follow-node-usage.ts'
import type { ClusterView } from '../../scheduler/what-if/cluster-view.ts'

const pageSize = 500

/** Everything that placing pods looks at; what nodes use where that is asked for. Works against any Kubernetes; kinds that it does not serve count as empty. */
export async function readCluster(client: Client, { asksForUse }: { readonly asksForUse: boolean }): Promise<ClusterView> {
  const all = <T extends KubeObject>(kind: KindRef<T>) => listAll(client, kind)
  const { coreV1, appsV1, policyV1, storageV1, resourceV1 } = kindRefs
  const [nodes, pods, namespaces, budgets, services, replicaSets, statefulSets, replicationControllers] = await Promise.all([
    all(coreV1.nodes),
    all(coreV1.pods),
    all(coreV1.namespaces),
    all(policyV1.podDisruptionBudgets),
    all(coreV1.services),
    all(appsV1.replicaSets),
    all(appsV1.statefulSets),
    all(coreV1.replicationControllers),
  ])
  const [claims, volumes, storageClasses, csiNodes, csiDrivers, storageCapacities] = await Promise.all([
    all(coreV1.persistentVolumeClaims),
    all(coreV1.persistentVolumes),
    all(storageV1.storageClasses),
    all(storageV1.csiNodes),
    all(storageV1.csiDrivers),
    all(storageV1.csiStorageCapacities),
  ])
  const [resourceClaims, resourceClaimTemplates, resourceSlices, deviceClasses] = await Promise.all([
    all(resourceV1.resourceClaims),
    all(resourceV1.resourceClaimTemplates),
    all(resourceV1.resourceSlices),
    all(resourceV1.deviceClasses),
  ])
  const podGroups = await all(kindRefs.schedulingV1alpha2.podGroups)
  const leases = asksForUse ? await listAll(client, kindRefs.coordinationV1.leases, nodeLeaseNamespace) : []
  return {
    nodes,
    pods,
    namespaces,
    budgets,
    services,
    replicaSets,
    statefulSets,
    replicationControllers,
    claims,
    volumes,
    storageClasses,
    csiNodes,
    csiDrivers,
    storageCapacities,
    resourceClaims,
    resourceClaimTemplates,
    resourceSlices,
    deviceClasses,
    podGroups,
    leases,
  }
}

async function listAll<T extends KubeObject>(client: Client, kind: KindRef<T>, namespace?: string): Promise<readonly T[]> {
  const items: T[] = []
  try {
    for (let next = ''; ; ) {
      const page = await client.resource(kind, namespace).list({ limit: pageSize, ...(next ? { continue: next } : {}) })
      items.push(...page.items)
      next = page.metadata.continue ?? ''
      if (next === '') return items
    }
  } catch (error) {
    if (isStatus(error, 'NotFound')) return items
    throw error
  }
}
