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
import { needsControllers, type Observed, planBudget } from './plan.ts'

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
  const namespace = (current ?? old)?.metadata.namespace
  const budgets = context.informer(podDisruptionBudgets).list(namespace)
  if (budgets.length === 0) return []
  const trace = (pod: Pod | undefined) =>
    pod && JSON.stringify([isPodReady(pod), isPodTerminal(pod), isPodTerminating(pod), pod.metadata.labels, controllerOf(pod)?.uid])
  if (trace(current) === trace(old)) return []
  const select = (pod: Pod | undefined) => (pod ? budgets.filter((budget) => matches(selectorOf(budget), pod.metadata.labels)) : [])
  const now = select(current)
  if (current && now.length > 1) tellOfMany(context, current, now[0]!)
  return [...new Set([...now, ...select(old)])].map((budget) => `${namespace}/${budget.metadata.name}`)
}

/** Its eviction will be refused. Every one of the budgets is kept current all the same; upstream keeps only the one that it names. */
function tellOfMany(context: LoopContext, pod: Pod, chosen: PodDisruptionBudget): void {
  const { namespace, name } = pod.metadata
  const message = `Pod "${namespace}"/"${name}" matches multiple PodDisruptionBudgets.  Chose "${chosen.metadata.name}" arbitrarily.`
  context.event(pod, { type: 'Warning', reason: 'MultiplePodDisruptionBudgets', message })
}

/** Upstream names the namespace in the budget's place, too. */
function tellOfNotDeleted(context: LoopContext, pod: Pod): void {
  const { namespace } = pod.metadata
  const message = `Pod was expected by PDB ${namespace}/${namespace} to be deleted but it wasn't`
  context.event(pod, { type: 'Warning', reason: 'NotDeleted', message })
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
  for (const event of plan.events) context.event(budget, event)
  for (const pod of plan.notDeleted) tellOfNotDeleted(context, pod)
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

type Expected = Observed['expectedByControllers']

/** The sum of what the pods' controllers want; the Deployment counts in place of its ReplicaSets. */
async function expectedBy(context: LoopContext, selected: readonly Pod[]): Promise<Expected> {
  const replicasByUid = new Map<string, number>()
  const others = new Map<string, { readonly owner: OwnerReference; readonly pod: Pod }>()
  const unmanaged: string[] = []
  for (const pod of selected) {
    const owner = controllerOf(pod)
    if (!owner) {
      unmanaged.push(pod.metadata.name ?? '')
      continue
    }
    const kind = scaledKinds[owner.kind]
    if (!kind) {
      others.set(owner.uid, { owner, pod })
      continue
    }
    const direct = context.informer(kind).get(`${pod.metadata.namespace}/${owner.name}`) as Scaled | undefined
    if (!direct || direct.metadata.uid !== owner.uid) return foundNone(pod)
    const parent = controllerOf(direct)
    const deployment =
      parent?.kind === 'Deployment' ? context.informer(deployments).get(`${pod.metadata.namespace}/${parent.name}`) : undefined
    const scaled: Scaled = deployment ?? direct
    replicasByUid.set(scaled.metadata.uid ?? '', scaled.spec?.replicas ?? 1)
  }
  for (const { owner, pod } of others.values()) {
    const replicas = await replicasOf(context, owner, pod.metadata.namespace ?? '')
    if (replicas === undefined) return foundNone(pod)
    if (typeof replicas === 'string') return { error: replicas }
    replicasByUid.set(owner.uid, replicas)
  }
  return { count: [...replicasByUid.values()].reduce((total, replicas) => total + replicas, 0), unmanaged }
}

const foundNone = ({ metadata }: Pod) => ({ error: `found no controllers for pod ${JSON.stringify(metadata.name)}` })

/** What any other owner says by its `/scale`; why it does not say it, if it cannot. Undefined: it is gone. */
async function replicasOf({ client }: LoopContext, owner: OwnerReference, namespace: string): Promise<number | string | undefined> {
  const kind = await findKind(client, owner)
  if (!kind) return `no matches for kind ${JSON.stringify(owner.kind)} in version ${JSON.stringify(owner.apiVersion)}`
  try {
    const scale = await readScale(client, kind, namespace, owner.name)
    return scale.metadata.uid === owner.uid ? (scale.spec?.replicas ?? 0) : undefined
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
    const name = kind.group ? `${kind.plural}.${kind.group}` : kind.plural
    return (await isScaled(client, kind)) ? undefined : `${name} does not implement the scale subresource`
  }
}
