import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { Informer } from '../../client/informer-contract.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { createCopies } from '../../control/create-copies.ts'
import { gatherWithPods } from '../../control/gather-with-pods.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { controlledBy, orphansIn, performClaims, planClaims } from '../../control/ownership.ts'
import { podFromTemplate } from '../../control/pod-from-template.ts'
import { keysOfController, readKind, watchKind } from '../../control/watch-declaration.ts'
import type { Pod, ReplicationController } from '../../kinds/generated/types/core-v1.ts'
import type { ReplicaSet } from '../../kinds/generated/types/apps-v1.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { isPodActive } from '../../kinds/pod-status.ts'
import { matches, type Selector, selectorFrom, selectorFromMap } from '../../machinery/label-selector.ts'
import { controllerOf, keyOf, type KubeObject, splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { planReplicas, planStatus, type ReplicaOwner } from './plan.ts'

/** What differs between ReplicaSets and ReplicationControllers. */
type Family<T extends KubeObject> = { readonly name: string; readonly kind: KindRef<T>; readonly selectorOf: (owner: T) => Selector }

const { pods, replicationControllers } = kindRefs.coreV1
const { replicaSets } = kindRefs.appsV1

/** Keeps as many pods of a ReplicaSet as it asks for. */
export const replicaSetController: ControllerDefinition = replicaController<ReplicaSet>({
  name: 'replicaset',
  kind: replicaSets,
  selectorOf: (owner) => selectorFrom(owner.spec?.selector),
})

/** The same for ReplicationControllers. */
export const replicationController: ControllerDefinition = replicaController<ReplicationController>({
  name: 'replication',
  kind: replicationControllers,
  // A ReplicationController without a selector was given its template's labels by the API; an empty one owns nothing.
  selectorOf: (owner) =>
    Object.keys(owner.spec?.selector ?? {}).length > 0 ? selectorFromMap(owner.spec?.selector) : selectorFrom(undefined),
})

function replicaController<T extends KubeObject>(family: Family<T>): ControllerDefinition {
  return {
    name: family.name,
    watches: [watchKind(family.kind), watchKind(pods, ownersOf(family)), readKind(replicaSets)],
    writes: [family.kind, pods],
    minIntervalMs: gatherWithPods(family.kind),
    reconcile: (context, key) => reconcile(family, context, key),
  }
}

type Change = { readonly current: Pod | undefined; readonly old: Pod | undefined }

/** The owner's key; for an orphan the keys of all that might adopt it. */
function ownersOf<T extends KubeObject>(family: Family<T>): (change: Change, context: LoopContext) => readonly string[] {
  const ofController = keysOfController(family.kind)
  return (change, context) => {
    const { current } = change
    const known = ofController(change)
    if (!current || controllerOf(current)) return known
    const { namespace, labels } = current.metadata
    const adopters = context.informer(family.kind).list(namespace)
    const keys = adopters.filter((owner) => matches(family.selectorOf(owner), labels)).map(keyOf)
    return keys.length === 0 ? known : [...new Set([...known, ...keys])]
  }
}

async function reconcile<T extends KubeObject>(family: Family<T>, context: LoopContext, key: string): Promise<ReconcileResult> {
  const object = context.informer(family.kind).get(key)
  if (!object) return
  // Both kinds have the fields of ReplicaOwner; their status differs in nothing that is read or written here.
  const owner = object as unknown as ReplicaOwner
  const namespace = splitKey(key).namespace ?? ''
  const podInformer = context.informer(pods)
  const selector = family.selectorOf(object)
  const claims = planClaims({
    owner,
    selector,
    // A pod that ends or has ended stays whose it is.
    controlled: controlledBy(podInformer, owner.metadata.uid).filter((pod) => isPodActive(pod) || matches(selector, pod.metadata.labels)),
    orphans: orphansIn(podInformer, namespace).filter(isPodActive),
  })
  const owned = await performClaims({ client: context.client, ownerKind: family.kind, owner, kind: pods }, claims)
  const plan = planReplicas({ owner, pods: owned, podsOnNode: () => relatedPodsOnNode(context, owner) }, context.clock.now())
  const failure = plan.create > 0 ? await createPods(family, context, owner, plan.create) : await deletePods(context, owner, plan.remove)
  // Its own writes show in the informer already: the status tells of them without another round.
  const hasActed = plan.create + plan.remove.length + claims.adopt.length + claims.release.length > 0
  const present = hasActed ? matchingOf(podInformer, owner, selector) : owned
  const { status, requeueAfterMs } = planStatus({ owner, pods: present, failure: failure && failureOf(failure) }, context.clock.now())
  // Written on top of the newest known state, so that another reconcile is not needed for a conflict with ourselves.
  const newest = context.informer(family.kind).get(key)
  if (status && newest?.metadata.uid === owner.metadata.uid)
    await context.client.resource(family.kind, namespace).updateStatus({ ...newest, status } as unknown as T)
  if (failure) throw failure.error
  return requeueAfterMs === undefined ? undefined : { requeueAfterMs }
}

function matchingOf(informer: Informer<Pod>, owner: ReplicaOwner, selector: Selector): readonly Pod[] {
  return controlledBy(informer, owner.metadata.uid).filter((pod) => matches(selector, pod.metadata.labels))
}

type Failure = { readonly reason: 'FailedCreate' | 'FailedDelete'; readonly error: unknown }

/** What the status tells of a failure; a conflict only means another try. */
function failureOf({ reason, error }: Failure) {
  if (isStatus(error, 'Conflict')) return undefined
  return { reason, message: error instanceof Error ? error.message : String(error) }
}

async function createPods<T extends KubeObject>(
  family: Family<T>,
  context: LoopContext,
  owner: ReplicaOwner,
  count: number,
): Promise<Failure | undefined> {
  const template = owner.spec?.template
  if (!template) return undefined
  const resource = context.client.resource(pods, owner.metadata.namespace)
  const wanted = () => podFromTemplate(template, family.kind, owner)
  const created = ({ metadata }: Pod) =>
    context.event(owner, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${metadata.name}` })
  const refused = (error: unknown) => {
    if (isNamespaceTerminating(error)) return
    const message = `Error creating: ${error instanceof Error ? error.message : String(error)}`
    context.event(owner, { type: 'Warning', reason: 'FailedCreate', message })
  }
  const { error } = await createCopies(resource, { count, wanted, created, refused })
  // The namespace goes away with its owner: there is nothing to retry.
  return error === undefined || isNamespaceTerminating(error) ? undefined : { reason: 'FailedCreate', error }
}

async function deletePods(context: LoopContext, owner: ReplicaOwner, doomed: readonly Pod[]): Promise<Failure | undefined> {
  if (doomed.length === 0) return undefined
  const resource = context.client.resource(pods, owner.metadata.namespace)
  const results = await Promise.allSettled(
    doomed.map(async (pod) => {
      const { name = '', uid } = pod.metadata
      try {
        await resource.delete(name, { preconditions: uid ? { uid } : {} })
        context.event(owner, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${name}` })
      } catch (error) {
        if (isStatus(error, 'NotFound')) return
        // Replaced by another of its name, or the server was busy: the next look tells which.
        if (isStatus(error, 'Conflict')) throw error
        const message = `Error deleting: ${error instanceof Error ? error.message : String(error)}`
        context.event(owner, { type: 'Warning', reason: 'FailedDelete', message })
        throw error
      }
    }),
  )
  const failed = results.find((result) => result.status === 'rejected')
  return failed && { reason: 'FailedDelete', error: failed.reason }
}

/** Active pods by node of every ReplicaSet under the same Deployment. */
function relatedPodsOnNode(context: LoopContext, owner: ReplicaOwner): ReadonlyMap<string, number> {
  const podInformer = context.informer(pods)
  const parent = controllerOf(owner)
  const related = parent ? controlledBy(context.informer(replicaSets), parent.uid) : [owner]
  const counts = new Map<string, number>()
  for (const set of related) {
    for (const pod of controlledBy(podInformer, set.metadata.uid)) {
      const node = pod.spec?.nodeName
      if (node && isPodActive(pod)) counts.set(node, (counts.get(node) ?? 0) + 1)
    }
  }
  return counts
}
