import { kindRefs } from '../../client/generated/kind-refs.ts'
import { collectableKinds } from '../../control/collectable-kinds.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult, WatchDeclaration } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { ResourceQuota } from '../../kinds/generated/types/core-v1.ts'
import { type KindRef, kindKey } from '../../kinds/kind.ts'
import { quotaUsage } from '../../kinds/quota-usage.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import { type KubeObject, keyOf, splitKey } from '../../machinery/object.ts'
import { countsKind, isCountable, planQuotaStatus } from './plan.ts'

const { resourceQuotas, pods, services, persistentVolumeClaims } = kindRefs.coreV1
const { resourceClaims } = kindRefs.resourceV1

/** Kinds whose amounts matter, and kinds that are only counted. */
const measured: readonly KindRef[] = [pods, services, persistentVolumeClaims, resourceClaims]
const isMeasured = (kind: KindRef) => measured.some((one) => kindKey(one) === kindKey(kind))
const counted: readonly KindRef[] = collectableKinds().filter((kind) => kind.scope === 'Namespaced' && !isMeasured(kind))
const builtIn = [...measured, ...counted]

/** Tells in ResourceQuotas' status what is used. What is refused is the API server's affair, which counts by itself. */
export const resourceQuotaController: ControllerDefinition = {
  name: 'resourcequota',
  watches: [
    watchKind(resourceQuotas),
    ...measured.map((kind) => watchKind<KubeObject>(kind, (change, context) => keysOfChange(kind, change, context))),
    ...counted.filter((kind) => kindKey(kind) !== kindKey(resourceQuotas)).map(countedWatch),
  ],
  extensionKinds: {
    watch: countedWatch,
    // A name of theirs is one that is counted now, or no more.
    keys: (kind, context) =>
      context
        .informer(resourceQuotas)
        .list()
        .filter((quota) => namesKind(quota, kind))
        .map(keyOf),
    access: 'read',
  },
  writes: [resourceQuotas],
  // A burst of new pods is counted a few times, not once a pod.
  minIntervalMs: 200,
  reconcile,
}

type Change = { readonly current: KubeObject | undefined; readonly old: KubeObject | undefined }

function countedWatch(kind: KindRef): WatchDeclaration {
  return { ...watchKind<KubeObject>(kind, (change, context) => keysOfChange(kind, change, context)), metadataOnly: true }
}

const namesKind = ({ spec }: ResourceQuota, kind: KindRef) => Object.keys(spec?.hard ?? {}).some((name) => countsKind(name, kind))

/** The quotas of the namespace that count the kind, when what the object takes has changed. */
function keysOfChange(kind: KindRef, { current, old }: Change, context: LoopContext): readonly string[] {
  if (current && old && !isMeasured(kind)) return []
  const quotas = context.informer(resourceQuotas).list((current ?? old)?.metadata.namespace)
  if (quotas.length === 0) return []
  if (!isMeasured(kind)) return quotas.filter((quota) => namesKind(quota, kind)).map(keyOf)
  const isSame = current && old && deepEqual(quotaUsage(kind, current), quotaUsage(kind, old))
  return isSame ? [] : quotas.map(keyOf)
}

async function reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
  const quota = context.informer(resourceQuotas).get(key)
  if (!quota || quota.metadata.deletionTimestamp) return
  const { namespace = '' } = splitKey(key)
  const kinds = [...builtIn, ...context.extensionKinds().filter((kind) => kind.scope === 'Namespaced')]
  const objects = kinds
    .filter((kind) => isMeasured(kind) || namesKind(quota, kind))
    .map((kind) => [kind, context.informer(kind).list(namespace)] as const)
  const status = planQuotaStatus(quota, objects, (name) => isCountable(name, kinds))
  if (status) await context.client.resource(resourceQuotas, namespace).updateStatus({ ...quota, status })
}
