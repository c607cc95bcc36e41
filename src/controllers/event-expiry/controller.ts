import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { gatherMs, planExpiry } from './plan.ts'

const { events } = kindRefs.coreV1
/** There is one thing to look at: all events. */
const everything = 'events'
const deletesAtOnce = 64

/** Deletes Events an hour, or `ttlMs`, after they were last told (etcd's leases do this in Kubernetes; our stores have none). */
export function eventExpiryController(options: { readonly ttlMs?: number | undefined } = {}): ControllerDefinition {
  const told = new Map<string, number>()
  return {
    name: 'event-expiry',
    watches: [
      {
        kind: events,
        metadataOnly: true,
        keys: ({ current, old }, context) => {
          const uid = (current ?? old)?.metadata.uid ?? ''
          if (!current) told.delete(uid)
          else if (old) told.set(uid, context.clock.now())
          return current && !old ? [everything] : []
        },
      },
    ],
    writes: [events],
    minIntervalMs: gatherMs,
    reconcile: (context) => reconcile(context, told, options.ttlMs),
  }
}

async function reconcile(context: LoopContext, told: ReadonlyMap<string, number>, ttlMs: number | undefined): Promise<ReconcileResult> {
  const plan = planExpiry(context.informer(events).list(), (uid) => told.get(uid), context.clock.now(), ttlMs)
  for (let i = 0; i < plan.expired.length; i += deletesAtOnce)
    await Promise.all(plan.expired.slice(i, i + deletesAtOnce).map((event) => remove(context, event)))
  return plan.requeueAfterMs === undefined ? undefined : { requeueAfterMs: plan.requeueAfterMs }
}

async function remove(context: LoopContext, event: KubeObject): Promise<void> {
  const { namespace, name = '', uid = '' } = event.metadata
  try {
    await context.client.resource(events, namespace).delete(name, { preconditions: { uid } })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
