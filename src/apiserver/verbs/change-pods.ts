import { toTime } from '../../base/clock.ts'
import type { PodChange } from '../../client/contract.ts'
import type { Pod, PodCondition } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { admissionRequest, writeOptions } from '../admission/request.ts'
import type { Core, RequestContext } from '../core.ts'
import { recordManager } from '../objects/managed-fields.ts'
import { viewOf } from '../objects/object-storage.ts'
import type { Resource } from '../registry.ts'
import { noParameters } from '../verb-request.ts'
import { deleteEach } from './delete.ts'
import { mutateEach } from './mutate.ts'
import { preconditionFailed } from './precondition.ts'

/**
 * Says something in pods' conditions, and deletes those that are to go: what a patch of the status and then a delete make of each, in one
 * commit a pod and one turn for all. Undefined, with nothing done, for those whose patch a webhook or a policy is to see. Each has an
 * outcome of its own; a StatusError says: 403, 404, 409 (another uid).
 */
export async function changePods(
  core: Core,
  context: RequestContext,
  { pods, changes }: { readonly pods: Resource; readonly changes: readonly PodChange[] },
): Promise<readonly PromiseSettledResult<KubeObject | undefined>[]> {
  const outcomes: PromiseSettledResult<KubeObject | undefined>[] = []
  const write = { context, resource: pods, now: toTime(core.clock.now()) }
  const simple = [...changes.entries()].filter(([i, change]) => {
    const isSimple = isPatchSeenByNone(core, context, pods, change)
    if (!isSimple) outcomes[i] = { status: 'fulfilled', value: undefined }
    return isSimple
  })
  const [leaving, staying] = [simple.filter(([, { deletes }]) => deletes), simple.filter(([, { deletes }]) => !deletes)]
  const deletions = leaving.map(([, change]) => ({
    ...{ namespace: change.namespace, name: change.name, options: { preconditions: { uid: change.uid } } },
    change: (pod: KubeObject) => changed(core, write, pod, change),
  }))
  const mutations = staying.map(([, change]) => ({
    ...{ namespace: change.namespace, name: change.name },
    change: (pod: KubeObject & Pod) => {
      const found = pod.metadata.uid ?? ''
      if (change.uid !== found) throw preconditionFailed(pods, change, { wanted: change.uid, found })
      return changed(core, write, pod, change) ?? pod
    },
  }))
  const [deleted, told] = await Promise.all([
    deletions.length > 0 ? deleteEach(core, context, { resource: pods, deletions }) : [],
    mutations.length > 0 ? mutateEach(core, pods, mutations) : [],
  ])
  for (const [n, outcome] of deleted.entries())
    outcomes[leaving[n]![0]] =
      outcome.status === 'rejected' ? outcome : { status: 'fulfilled', value: outcome.value.last ?? viewOf(pods, outcome.value.value) }
  for (const [n, outcome] of told.entries())
    outcomes[staying[n]![0]] = outcome.status === 'rejected' ? outcome : { status: 'fulfilled', value: viewOf(pods, outcome.value) }
  return outcomes
}

/** Of a pod that is not there, too: the write says so. */
function isPatchSeenByNone(core: Core, context: RequestContext, resource: Resource, { namespace, name }: PodChange): boolean {
  const object = core.storage.get(resource, namespace, name)?.value.object
  const operation = { operation: 'UPDATE', resource, subresource: 'status', namespace, name, object, old: object, dryRun: false } as const
  const options = writeOptions('UpdateOptions', noParameters)
  return !object || core.admission.treatsAlike(admissionRequest(context, { ...operation, options }))
}

type Write = { readonly context: RequestContext; readonly resource: Resource; readonly now: string }

/** The pod as the patch leaves it; undefined where it changes nothing. */
function changed(core: Core, write: Write, pod: KubeObject & Pod, { condition, nominatedNodeName }: PodChange): KubeObject | undefined {
  const told = withCondition(pod, condition)
  const object = nominatedNodeName === undefined ? told : withNomination(told ?? pod, nominatedNodeName)
  if (!object) return undefined
  const { managedFields } = pod.metadata
  // Of nothing else need be compared who owns it.
  const [before, after] = [pod.status, object.status].map((status) => ({
    metadata: { ...(managedFields ? { managedFields } : {}) },
    status,
  }))
  recordManager(core, { ...write, object: after!, old: before!, subresource: 'status', parameters: noParameters })
  return { ...object, metadata: { ...pod.metadata, ...after!.metadata } }
}

/** Empty: none. */
function withNomination(pod: KubeObject & Pod, nominatedNodeName: string): KubeObject & Pod {
  const { nominatedNodeName: _, ...status } = pod.status ?? {}
  return { ...pod, status: nominatedNodeName === '' ? status : { ...status, nominatedNodeName } }
}

/**
 * The pod with a condition, sharing the rest with the one given; undefined where it has that condition. Since when
 * a condition has held that held before does not change.
 */
export function withCondition(pod: KubeObject & Pod, condition: PodCondition): (KubeObject & Pod) | undefined {
  const conditions = [...(pod.status?.conditions ?? [])]
  const i = conditions.findIndex(({ type }) => type === condition.type)
  const before = conditions[i]
  const since = before?.status === condition.status ? before.lastTransitionTime : condition.lastTransitionTime
  const { type, observedGeneration, status, reason, message } = condition
  const generation = observedGeneration === undefined ? {} : { observedGeneration }
  const after = { type, ...generation, status, lastProbeTime: null, lastTransitionTime: since, reason, message }
  if (before && deepEqual(before, after)) return undefined
  if (before) conditions[i] = after
  else conditions.push(after)
  return { ...pod, status: { ...pod.status, conditions } }
}
