import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { findKind, isScaled, readScale } from '../../control/scale-target.ts'
import { readKind, watchKind } from '../../control/watch-declaration.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import type { PodDisruptionBudget } from '../../kinds/generated/types/policy-v1.ts'
import { isPodReady, isPodTerminal, isPodTerminating } from '../../kinds/pod-status.ts'
import type { KindRef } from '../../kinds/kind.ts'
import { everything, matches, selectorFrom } from '../../machinery/label-selector.ts'
import { controllerOf, type KubeObject, type OwnerReference, splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { needsControllers, planBudget } from './plan.ts'

const { pods, replicationControllers } = kindRefs.coreV1
const { deployments, replicaSets, statefulSets } = kindRefs.appsV1
const { podDisruptionBudgets } = kindRefs.policyV1

/** Keeps the status of PodDisruptionBudgets, by which the eviction subresource decides. */
export const disruptionController: ControllerDefinition = {
  name: 'disruption',
  eventSource: 'controllermanager',
  watches: [
    watchKind(podDisruptionBudgets),
    watchKind(pods, keysOfPod),
    ...[deployments, replicaSets, statefulSets, replicationControllers].map((kind) => readKind(kind)),
  ],
  writes: [podDisruptionBudgets],
  // Whatever owns pods may say by its scale how many it wants.
  rules: [{ verbs: ['get'], apiGroups: ['*'], resources: ['*/scale'] }],
  minIntervalMs: 20,
  reconcile,
}

function keysOfPod(
  { current, old }: { readonly current: Pod | undefined; readonly old: Pod | undefined },
  context: LoopContext,
): readonly string[] {
  const trace = (pod: Pod | undefined) =>
    pod && JSON.stringify([isPodReady(pod), isPodTerminal(pod), isPodTerminating(pod), pod.metadata.labels])
  if (trace(current) === trace(old)) return []
  const namespace = (current ?? old)?.metadata.namespace
  return context
    .informer(podDisruptionBudgets)
    .list(namespace)
    .filter((budget) => [current, old].some((pod) => pod && matches(selectorOf(budget), pod.metadata.labels)))
    .map((budget) => `${namespace}/${budget.metadata.name}`)
}

/** In policy/v1 an empty selector means every pod of the namespace, and none at all means no pod. */
function selectorOf(budget: PodDisruptionBudget) {
  const { selector } = budget.spec ?? {}
  return selector && Object.keys(selector).length === 0 ? everything : selectorFrom(selector)
}

async function reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
  const budget = context.informer(podDisruptionBudgets).get(key)
  if (!budget || budget.metadata.deletionTimestamp) return
  const { namespace } = splitKey(key)
  const selector = selectorOf(budget)
  const selected = context
    .informer(pods)
    .list(namespace)
    .filter((pod) => matches(selector, pod.metadata.labels))
  const expectedByControllers = needsControllers(budget) ? await expectedBy(context, selected) : { count: 0 }
  const plan = planBudget({ budget, pods: selected, expectedByControllers }, context.clock.now())
  if (plan.event) context.event(budget, { type: 'Warning', ...plan.event })
  if (plan.status) {
    try {
      await context.client.resource(podDisruptionBudgets, namespace).updateStatus({ ...budget, status: plan.status })
    } catch (error) {
      if (!isStatus(error, 'NotFound')) throw error
    }
  }
  return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs }
}

type Scaled = KubeObject & { readonly spec?: { readonly replicas?: number } }

const scaledKinds: Readonly<Record<string, KindRef>> = {
  ReplicaSet: replicaSets,
  StatefulSet: statefulSets,
  ReplicationController: replicationControllers,
}

type Expected = { readonly count: number } | { readonly error: string }

/** The sum of what the pods' controllers want; the Deployment counts in place of its ReplicaSets. */
async function expectedBy(context: LoopContext, selected: readonly Pod[]): Promise<Expected> {
  const replicasByUid = new Map<string, number>()
  const others = new Map<string, OwnerReference>()
  for (const pod of selected) {
    const owner = controllerOf(pod)
    if (!owner) return { error: `found no controller ref for pod "${pod.metadata.name}"` }
    const kind = scaledKinds[owner.kind]
    if (!kind) {
      others.set(owner.uid, owner)
      continue
    }
    const direct = context.informer(kind).get(`${pod.metadata.namespace}/${owner.name}`) as Scaled | undefined
    if (!direct || direct.metadata.uid !== owner.uid) continue
    const parent = controllerOf(direct)
    const deployment =
      parent?.kind === 'Deployment' ? context.informer(deployments).get(`${pod.metadata.namespace}/${parent.name}`) : undefined
    const scaled: Scaled = deployment ?? direct
    replicasByUid.set(scaled.metadata.uid ?? '', scaled.spec?.replicas ?? 1)
  }
  for (const owner of others.values()) {
    const replicas = await replicasOf(context, owner, selected[0]?.metadata.namespace ?? '')
    if (typeof replicas === 'string') return { error: replicas }
    replicasByUid.set(owner.uid, replicas)
  }
  return { count: [...replicasByUid.values()].reduce((total, replicas) => total + replicas, 0) }
}

/** What any other owner says by its `/scale`; why it does not say it, if it cannot. One that is gone wants nothing. */
async function replicasOf({ client }: LoopContext, owner: OwnerReference, namespace: string): Promise<number | string> {
  const kind = await findKind(client, owner)
  if (!kind) return `no matches for kind ${JSON.stringify(owner.kind)} in version ${JSON.stringify(owner.apiVersion)}`
  try {
    const scale = await readScale(client, kind, namespace, owner.name)
    return scale.metadata.uid === owner.uid ? (scale.spec?.replicas ?? 0) : 0
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
    const name = kind.group ? `${kind.plural}.${kind.group}` : kind.plural
    return (await isScaled(client, kind)) ? 0 : `${name} does not implement the scale subresource`
  }
}
