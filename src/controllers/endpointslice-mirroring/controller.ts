import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { isNamespaceTerminating } from '../../control/namespace-terminating.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { EndpointSlice } from '../../kinds/generated/types/discovery-v1.ts'
import { splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { type Action, managedByLabel, manager, planMirror, serviceNameLabel, shouldMirror } from './plan.ts'

const { services, endpoints } = kindRefs.coreV1
const { endpointSlices } = kindRefs.discoveryV1
const mirrorIndex = 'mirrored-service'

/** Mirrors hand-made Endpoints of services without a selector into EndpointSlices. */
export const endpointSliceMirroringController = (options: { readonly perSubsetMax?: number | undefined } = {}): ControllerDefinition => ({
  name: 'endpointslicemirroring',
  eventSource: 'endpoint-slice-mirroring-controller',
  watches: [watchKind(endpoints), watchKind(services), watchKind(endpointSlices, ({ current, old }) => mirroredKeys(current ?? old))],
  writes: [endpointSlices],
  minIntervalMs: 50,
  reconcile: (context, key) => reconcile(context, key, options.perSubsetMax),
})

function mirroredKeys(slice: EndpointSlice | undefined): readonly string[] {
  const labels = slice?.metadata.labels ?? {}
  return labels[managedByLabel] === manager && labels[serviceNameLabel] ? [`${slice?.metadata.namespace}/${labels[serviceNameLabel]}`] : []
}

async function reconcile(context: LoopContext, key: string, perSubsetMax: number | undefined): Promise<void> {
  const informer = context.informer(endpointSlices)
  informer.addIndex(mirrorIndex, mirroredKeys)
  const source = context.informer(endpoints).get(key)
  const isMirrored = shouldMirror(source, context.informer(services).get(key)) && !source.metadata.deletionTimestamp
  // The API server itself writes the slices of its own service.
  if (key === 'default/kubernetes') return
  const plan = planMirror(isMirrored ? source : undefined, informer.byIndex(mirrorIndex, key), perSubsetMax)
  const { namespace } = splitKey(key)
  for (const event of plan.events) if (source) context.event(source, event)
  for (const action of plan.actions) await perform(context, namespace, action)
}

async function perform(context: LoopContext, namespace: string | undefined, { type, slice }: Action): Promise<void> {
  const resource = context.client.resource(endpointSlices, namespace)
  try {
    if (type === 'create') await resource.create(slice)
    else if (type === 'update') await resource.update(slice)
    else await resource.delete(slice.metadata.name ?? '', { preconditions: { uid: slice.metadata.uid ?? '' } })
  } catch (error) {
    const isSettled = isNamespaceTerminating(error) || (type === 'delete' && isStatus(error, 'NotFound'))
    if (!isSettled) throw error
  }
}
