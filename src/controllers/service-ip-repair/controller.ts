import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import { heldAddresses, isServiceAddress, serviceAddress } from '../../kinds/networking/service-addresses.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { planAddress } from './plan.ts'

const { services } = kindRefs.coreV1
const { ipAddresses, serviceCIDRs: serviceCidrs } = kindRefs.networkingV1
const byAddress = 'services-of-address'
/** A Service and its address come by two watches: what parts them for so long is no delay. */
const settleMs = 5_000

/** Brings IPAddress objects back into step with what Services hold, after hands from outside changed either. A key is an address. */
export function serviceIpRepairController(): ControllerDefinition {
  const partedSinceMs = new Map<string, number>()
  return {
    name: 'service-ip-repair',
    watches: [
      watchKind(ipAddresses, ({ current, old }) => [(current ?? old)!.metadata.name ?? '']),
      watchKind(services, ({ current, old }) => {
        const [before, after] = [old ? heldAddresses(old) : [], current ? heldAddresses(current) : []]
        return before.join() === after.join() ? [] : [...new Set([...before, ...after])]
      }),
      watchKind(serviceCidrs, () => []),
    ],
    writes: [ipAddresses],
    reconcile: (context, address) => reconcile(context, address, partedSinceMs),
  }
}

async function reconcile(context: LoopContext, address: string, partedSinceMs: Map<string, number>): Promise<ReconcileResult> {
  const object = context.informer(ipAddresses).get(address)
  if (object && !isServiceAddress(object)) return void partedSinceMs.delete(address)
  const informer = context.informer(services)
  informer.addIndex(byAddress, heldAddresses)
  const age = ({ metadata }: { readonly metadata: { readonly creationTimestamp?: string; readonly uid?: string } }) =>
    `${metadata.creationTimestamp} ${metadata.uid}`
  const holders = [...informer.byIndex(byAddress, address)].sort((a, b) => (age(a) < age(b) ? -1 : 1))
  const step = planAddress({ address, object, holders, ranges: context.informer(serviceCidrs).list() })
  if (step.type === 'none') return void partedSinceMs.delete(address)
  const nowMs = context.clock.now()
  const sinceMs = partedSinceMs.get(address) ?? nowMs
  partedSinceMs.set(address, sinceMs)
  if (sinceMs + settleMs > nowMs) return { requeueAfterMs: sinceMs + settleMs - nowMs }
  partedSinceMs.delete(address)
  switch (step.type) {
    case 'tell':
      return context.event(step.service, { type: 'Warning', reason: step.reason, message: step.message })
    case 'create': {
      const { namespace = '', name = '' } = step.service.metadata
      context.event(step.service, { type: 'Warning', reason: 'ClusterIPNotAllocated', message: step.message })
      await context.client
        .resource(ipAddresses)
        .create(serviceAddress(address, { namespace, name }))
        .catch((error: unknown) => {
          if (!isStatus(error, 'AlreadyExists')) throw error
        })
      return
    }
    case 'remove': {
      if (object) context.event(object, { type: 'Warning', reason: step.reason, message: step.message })
      const { uid = '' } = object?.metadata ?? {}
      await context.client
        .resource(ipAddresses)
        .delete(address, { preconditions: { uid } })
        .catch((error: unknown) => {
          if (!isStatus(error, 'NotFound')) throw error
        })
    }
  }
}
