import { toTime } from '../../base/clock.ts'
import type { Pod, PodCondition } from '../../kinds/generated/types/core-v1.ts'
import { deepEqual } from '../../machinery/deep-equal.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { statusErrors } from '../../machinery/status-error.ts'
import { admissionRequest, writeOptions } from '../admission/request.ts'
import type { Core, RequestContext } from '../core.ts'
import { recordManager } from '../objects/managed-fields.ts'
import type { Resource } from '../registry.ts'
import { noParameters } from '../verb-request.ts'
import { deleteObject, type DeleteResult } from './delete.ts'

export type DisruptRequest = {
  readonly resource: Resource
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly condition: PodCondition
}

/**
 * Says in a pod's conditions why it goes, and deletes it: what a patch of its status and then a delete make of it, in one commit.
 * Undefined, with nothing done, where a webhook or a policy is to see that patch. Throws StatusError: 403, 404, 409 (another uid).
 */
export async function disruptPod(core: Core, context: RequestContext, request: DisruptRequest): Promise<DeleteResult | undefined> {
  const { resource, namespace, name, uid, condition } = request
  const entry = core.storage.get(resource, namespace, name)
  if (!entry) throw statusErrors.notFound(resource.name, name)
  const patch = admissionRequest(context, {
    operation: 'UPDATE',
    resource,
    subresource: 'status',
    namespace,
    name,
    object: entry.value.object,
    old: entry.value.object,
    dryRun: false,
    options: writeOptions('UpdateOptions', noParameters),
  })
  if (!core.admission.treatsAlike(patch)) return undefined
  const now = toTime(core.clock.now())
  const change = (pod: KubeObject & Pod) => {
    const object = disrupted(pod, condition)
    if (object) recordManager(core, { context, resource, object, old: pod, subresource: 'status', parameters: noParameters, now })
    return object
  }
  return deleteObject(core, context, { resource, namespace, name, options: { preconditions: { uid } }, dryRun: false, change })
}

/**
 * The pod with a condition that says why it goes, sharing the rest with the one given; undefined where it has that condition. Since when
 * a condition has held that held before does not change.
 */
export function disrupted(pod: KubeObject & Pod, condition: PodCondition): (KubeObject & Pod) | undefined {
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
  return { ...pod, metadata: { ...pod.metadata }, status: { ...pod.status, conditions } }
}
