import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { quotaUsage } from '../../kinds/quota-usage.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { type KubeObject, keyOf, splitKey } from '../../machinery/object.ts'
import { isCountable, planQuotaStatus } from './plan.ts'

const { resourceQuotas, pods, services, persistentVolumeClaims, configMaps, secrets, replicationControllers } = kindRefs.coreV1
const { deployments, replicaSets, statefulSets, daemonSets } = kindRefs.appsV1
const { jobs, cronJobs } = kindRefs.batchV1
const { ingresses } = kindRefs.networkingV1
const { resourceClaims } = kindRefs.resourceV1

/** Kinds whose amounts matter, and kinds that are only counted. */
const measured: readonly KindRef[] = [pods, services, persistentVolumeClaims, resourceClaims]
const counted: readonly KindRef[] = [
  configMaps,
  secrets,
  replicationControllers,
  resourceQuotas,
  deployments,
  replicaSets,
  statefulSets,
  daemonSets,
  jobs,
  cronJobs,
  ingresses,
]
const kinds = [...measured, ...counted]

/** Tells in ResourceQuotas' status what is used. What is refused is the API server's affair, which counts by itself. */
export const resourceQuotaController: ControllerDefinition = {
  name: 'resourcequota',
  watches: [
    watchKind(resourceQuotas),
    ...measured.map((kind) => watchKind<KubeObject>(kind, (change, context) => keysOfChange(kind, change, context))),
    ...counted
      .filter((kind) => kind !== resourceQuotas)
      .map((kind) => ({
        ...watchKind<KubeObject>(kind, (change, context) => keysOfChange(kind, change, context)),
        metadataOnly: true,
      })),
  ],
  writes: [resourceQuotas],
  // A burst of new pods is counted a few times, not once a pod.
  minIntervalMs: 200,
  reconcile,
}

type Change = { readonly current: KubeObject | undefined; readonly old: KubeObject | undefined }

/** All quotas of the namespace, when what the object takes has changed. */
function keysOfChange(kind: KindRef, { current, old }: Change, context: LoopContext): readonly string[] {
  const quotas = context.informer(resourceQuotas).list((current ?? old)?.metadata.namespace)
  if (quotas.length === 0) return []
  const isSame = current && old && (!measured.includes(kind) || deepEqual(quotaUsage(kind, current), quotaUsage(kind, old)))
  return isSame ? [] : quotas.map(keyOf)
}

async function reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
  const quota = context.informer(resourceQuotas).get(key)
  if (!quota || quota.metadata.deletionTimestamp) return
  const { namespace = '' } = splitKey(key)
  const objects = kinds.map((kind) => [kind, context.informer(kind).list(namespace)] as const)
  const status = planQuotaStatus(quota, objects, (name) => isCountable(name, kinds))
  if (status) await context.client.resource(resourceQuotas, namespace).updateStatus({ ...quota, status })
}
