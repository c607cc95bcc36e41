import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext, ReconcileResult } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import { splitKey } from '../../machinery/object.ts'
import { isStatus } from '../../machinery/status-error.ts'
import { expiryMs } from './plan.ts'

const { jobs } = kindRefs.batchV1

/** Deletes finished Jobs when their ttlSecondsAfterFinished has passed. */
export const ttlAfterFinishedController: ControllerDefinition = {
  name: 'ttl-after-finished',
  watches: [
    watchKind(jobs, ({ current }) =>
      current && expiryMs(current) !== undefined ? [`${current.metadata.namespace}/${current.metadata.name}`] : [],
    ),
  ],
  writes: [jobs],
  reconcile,
}

async function reconcile(context: LoopContext, key: string): Promise<ReconcileResult> {
  const job = context.informer(jobs).get(key)
  const atMs = job && !job.metadata.deletionTimestamp ? expiryMs(job) : undefined
  if (!job || atMs === undefined) return
  const leftMs = atMs - context.clock.now()
  if (leftMs > 0) return { requeueAfterMs: leftMs }
  const { namespace, name } = splitKey(key)
  // The version guards against a ttl that was raised just now.
  const { uid = '', resourceVersion = '' } = job.metadata
  try {
    await context.client
      .resource(jobs, namespace)
      .delete(name, { propagationPolicy: 'Foreground', preconditions: { uid, resourceVersion } })
  } catch (error) {
    if (!isStatus(error, 'NotFound')) throw error
  }
}
