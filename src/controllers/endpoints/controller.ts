import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { servicesOfPod } from '../../control/service-keys.ts'
import { TriggerTimes } from '../../control/trigger-times.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import { matches, selectorFromMap } from '../../machinery/label-selector.ts'
import { splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { managedByLabel, planEndpoints } from './plan.ts'

const { services, pods, endpoints } = kindRefs.coreV1

/** Keeps the Endpoints object of every service with a selector, for clients that do not read slices yet. */
export function endpointsController(): ControllerDefinition {
  const triggerTimes = new TriggerTimes()
  return {
    name: 'endpoint',
    watches: [watchKind(services), watchKind(pods, servicesOfPod), watchKind(endpoints)],
    writes: [endpoints],
    minIntervalMs: 50,
    reconcile: (context, key) => reconcile(context, key, triggerTimes),
  }
}

async function reconcile(context: LoopContext, key: string, triggerTimes: TriggerTimes): Promise<void> {
  const { namespace = '', name } = splitKey(key)
  const service = context.informer(services).get(key)
  const existing = context.informer(endpoints).get(key)
  const resource = context.client.resource(endpoints, namespace)
  if (!service) {
    triggerTimes.forget(key)
    if (!existing?.metadata.labels?.[managedByLabel]) return
    await resource.delete(name, { preconditions: { uid: existing.metadata.uid ?? '' } }).catch((error: unknown) => {
      if (!isStatus(error, 'NotFound')) throw error
    })
    return
  }
  const selector = service.spec?.selector
  // Endpoints without a selector are the user's own.
  if (!selector || Object.keys(selector).length === 0 || service.spec?.type === 'ExternalName' || service.metadata.deletionTimestamp) return
  const compiled = selectorFromMap(selector)
  const selected = context
    .informer(pods)
    .list(namespace)
    .filter((pod) => matches(compiled, pod.metadata.labels))
  const wanted = planEndpoints({ service, pods: selected, existing, triggerTime: triggerTimes.next(key, service, selected) })
  if (!wanted) return
  try {
    await (existing ? resource.update(wanted) : resource.create(wanted))
  } catch (error) {
    if (isNamespaceTerminating(error)) return
    if (!isStatus(error, 'Conflict') && !isStatus(error, 'AlreadyExists')) {
      const message = `Failed to update endpoint ${key}: ${error instanceof Error ? error.message : String(error)}`
      context.event(service, { type: 'Warning', reason: 'FailedToUpdateEndpoint', message })
    }
    throw error
  }
}
