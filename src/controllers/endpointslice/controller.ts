import { unreachable } from '../../base/assert.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { servicesOfPod } from '../../control/service-keys.ts'
import { TriggerTimes, withTriggerTime } from '../../control/trigger-times.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import { isNodeReady } from '../../kinds/node-status.ts'
import type { EndpointSlice } from '../../kinds/generated/types/discovery-v1.ts'
import { matches, selectorFromMap } from '../../machinery/label-selector.ts'
import { keyOf, splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { type Action, managedByLabel, manager, planSlices, serviceNameLabel } from './plan.ts'
import { wantsTopologyHints, zoneShares } from './topology-hints.ts'
import { zoneLabel } from './zone-label.ts'

const { services, pods, nodes } = kindRefs.coreV1
const { endpointSlices } = kindRefs.discoveryV1
const serviceIndex = 'service'

/** Keeps the EndpointSlices of every service with a selector. */
export function endpointSliceController(options: { readonly perSliceMax?: number | undefined } = {}): ControllerDefinition {
  const triggerTimes = new TriggerTimes()
  return {
    name: 'endpointslice',
    eventSource: 'endpoint-slice-controller',
    watches: [
      watchKind(services),
      watchKind(pods, servicesOfPod),
      watchKind(endpointSlices, ({ current, old }) => serviceKeys(current ?? old)),
      watchKind(nodes, keysOfNode),
    ],
    writes: [endpointSlices],
    minIntervalMs: 20,
    reconcile: (context, key) => reconcile(context, key, triggerTimes, options.perSliceMax),
  }
}

function serviceKeys(slice: EndpointSlice | undefined): readonly string[] {
  const labels = slice?.metadata.labels ?? {}
  return labels[managedByLabel] === manager && labels[serviceNameLabel] ? [`${slice?.metadata.namespace}/${labels[serviceNameLabel]}`] : []
}

/** A node's zone is written into its endpoints: a change of it changes every service with a pod there, and any of it those that are shared out by zones. */
function keysOfNode(
  { current, old }: { readonly current: Node | undefined; readonly old: Node | undefined },
  context: LoopContext,
): readonly string[] {
  const zone = (node: Node | undefined) => node?.metadata.labels?.[zoneLabel]
  const size = (node: Node | undefined) => node && `${isNodeReady(node)} ${node.status?.allocatable?.cpu}`
  const isOther = zone(current) !== zone(old)
  if (!isOther && size(current) === size(old)) return []
  const shared = context.informer(services).list().filter(wantsTopologyHints).map(keyOf)
  if (!isOther) return shared
  const name = (current ?? old)?.metadata.name
  const keys = new Set<string>(shared)
  for (const slice of context.informer(endpointSlices).list())
    if (slice.endpoints?.some((endpoint) => endpoint.nodeName === name)) for (const key of serviceKeys(slice)) keys.add(key)
  return [...keys]
}

async function reconcile(context: LoopContext, key: string, triggerTimes: TriggerTimes, perSliceMax: number | undefined): Promise<void> {
  const service = context.informer(services).get(key)
  const { namespace = '' } = splitKey(key)
  const informer = context.informer(endpointSlices)
  informer.addIndex(serviceIndex, (slice) => serviceKeys(slice))
  const slices = informer.byIndex(serviceIndex, key)
  const selector = service?.spec?.selector
  if (!service) triggerTimes.forget(key)
  // The slices of a service that is gone are its dependents: the garbage collector takes them.
  if (!service || service.metadata.deletionTimestamp || service.spec?.type === 'ExternalName') return
  if (!selector || Object.keys(selector).length === 0) return
  const compiled = selectorFromMap(selector)
  const selected = context
    .informer(pods)
    .list(namespace)
    .filter((pod) => matches(compiled, pod.metadata.labels))
  const triggerTime = triggerTimes.next(key, service, selected)
  const { actions, events } = planSlices({
    service,
    pods: selected,
    nodeOf: (name) => context.informer(nodes).get(name),
    zoneShares: () => zoneShares(context.informer(nodes).list()),
    slices,
    perSliceMax,
  })
  for (const event of events) context.event(service, event)
  try {
    await Promise.all(actions.map((action) => perform(context, namespace, action, triggerTime)))
  } catch (error) {
    if (isNamespaceTerminating(error)) return
    if (!isStatus(error, 'Conflict')) {
      const message = `Error updating Endpoint Slices for Service ${key}: ${error instanceof Error ? error.message : String(error)}`
      context.event(service, { type: 'Warning', reason: 'FailedToUpdateEndpointSlices', message })
    }
    throw error
  }
}

async function perform(context: LoopContext, namespace: string, action: Action, triggerTime: string | undefined): Promise<void> {
  const { annotations, ...metadata } = action.slice.metadata
  const slice = { ...action.slice, metadata: { ...metadata, ...withTriggerTime(annotations, triggerTime) } }
  const resource = context.client.resource(endpointSlices, namespace)
  switch (action.type) {
    case 'create':
      await resource.create(slice)
      return
    case 'update':
      await resource.update(slice)
      return
    case 'delete': {
      const { name = '', uid = '' } = action.slice.metadata
      await resource.delete(name, { preconditions: { uid } }).catch((error: unknown) => {
        if (!isStatus(error, 'NotFound')) throw error
      })
      return
    }
    default:
      unreachable(action)
  }
}
