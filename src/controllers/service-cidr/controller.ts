import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import { isWithin } from '../../kinds/addresses.ts'
import type { ServiceCIDR } from '../../kinds/generated/types/networking-v1.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { planServiceCidr } from './plan.ts'

const { ipAddresses, serviceCIDRs: serviceCidrs } = kindRefs.networkingV1

/** Keeps ranges for services as long as an address of theirs is in use, and says when they are ready. */
export const serviceCidrController: ControllerDefinition = {
  name: 'service-cidr',
  account: 'service-cidrs-controller',
  watches: [
    watchKind(serviceCidrs, ({ current, old }, context) => {
      const { name = '' } = (current ?? old)!.metadata
      return [
        name,
        ...waiting(context, (cidr) =>
          ((current ?? old)!.spec?.cidrs ?? []).some((other) => isWithin(cidr, other) || isWithin(other, cidr)),
        ),
      ]
    }),
    watchKind(ipAddresses, ({ current, old }, context) =>
      current ? [] : waiting(context, (cidr) => isWithin(old?.metadata.name ?? '', cidr)),
    ),
  ],
  writes: [serviceCidrs],
  reconcile,
}

/** Ranges that are deleted and wait for what holds them. */
function waiting(context: LoopContext, isConcerned: (cidr: string) => boolean): readonly string[] {
  const concerned = ({ metadata, spec }: ServiceCIDR) => metadata.deletionTimestamp !== undefined && (spec?.cidrs ?? []).some(isConcerned)
  return context
    .informer(serviceCidrs)
    .list()
    .filter(concerned)
    .map(({ metadata }) => metadata.name ?? '')
}

async function reconcile(context: LoopContext, name: string): Promise<ReconcileResult> {
  const range = context.informer(serviceCidrs).get(name)
  if (!range) return
  const ranges = context.informer(serviceCidrs).list()
  const addresses = range.metadata.deletionTimestamp ? context.informer(ipAddresses).list() : []
  const plan = planServiceCidr({ range, ranges, addresses }, context.clock.now())
  const resource = context.client.resource(serviceCidrs)
  try {
    switch (plan.type) {
      case 'none':
        return
      case 'wait':
        return { requeueAfterMs: plan.requeueAfterMs }
      case 'finalizers': {
        const { resourceVersion } = range.metadata
        await resource.patch(name, { type: 'merge', body: { metadata: { resourceVersion, finalizers: plan.finalizers } } })
        // One step at a time: the change that this brings asks for the next.
        return
      }
      case 'status':
        await resource.updateStatus({ ...range, status: plan.status })
    }
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
