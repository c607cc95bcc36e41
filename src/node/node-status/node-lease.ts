import { backoffMs } from '../../base/backoff.ts'
import { type Clock, sleep, toMicroTime } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { Lease } from '../../kinds/generated/types/coordination-v1.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import { type NodeUsage, nodeUsageAnnotation, nodeUsageText } from '../../kinds/node-usage.ts'
import { isStatus } from '../../machinery/status-error.ts'

export type NodeLeaseOptions = {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly nodeName: string
  /** How long others believe in the node without a renewal; default 40. A quarter of it passes between renewals. */
  readonly durationSeconds: number
  readonly node: () => Node | undefined
  /** What the machine uses now; written on the lease, for schedulers that go by measured load. Undefined: unknown. */
  readonly usage: () => Promise<NodeUsage | undefined>
}

/** A lease must be renewed soon after the server is back, so it never waits long. */
const retryBackoff = { initialMs: 1_000, maxMs: 7_000, factor: 2, jitter: 0.5 } as const

export const leaseNamespace = 'kube-node-lease'

/** Shows that the node lives: renews its Lease every quarter of its duration until the signal aborts. */
export async function keepNodeLease(options: NodeLeaseOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, durationSeconds } = options
  const periodMs = (durationSeconds * 1000) / 4
  let known: Lease | undefined
  let failures = 0
  while (!signal.aborted) {
    let delayMs = periodMs * (1 + 0.04 * random.next())
    try {
      known = known ? await renew(options, known, signal) : await createOrAdopt(options, signal)
      failures = 0
    } catch (error) {
      if (signal.aborted) return
      known = undefined
      delayMs = Math.min(delayMs, backoffMs(retryBackoff, failures++, random))
      options.log.warn({ error: String(error) }, 'the node lease could not be renewed')
    }
    await sleep(clock, delayMs, signal).catch(() => {})
  }
}

async function createOrAdopt(options: NodeLeaseOptions, signal: AbortSignal): Promise<Lease> {
  const leases = options.client.resource(kindRefs.coordinationV1.leases, leaseNamespace)
  const { nodeName, durationSeconds, clock } = options
  const uid = options.node()?.metadata.uid
  const lease: Lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: nodeName,
      namespace: leaseNamespace,
      ...(uid ? { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: nodeName, uid }] } : {}),
    },
    spec: { holderIdentity: nodeName, leaseDurationSeconds: durationSeconds, renewTime: toMicroTime(clock.now()) },
  }
  try {
    return await leases.create(lease, { signal })
  } catch (error) {
    if (!isStatus(error, 'AlreadyExists')) throw error
    const existing = await leases.get(nodeName, { signal })
    return renew(options, { ...existing, metadata: { ...existing.metadata, ...ownersOf(lease) } }, signal)
  }
}

function ownersOf(lease: Lease) {
  const { ownerReferences } = lease.metadata
  return ownerReferences ? { ownerReferences } : {}
}

async function renew(options: NodeLeaseOptions, lease: Lease, signal: AbortSignal): Promise<Lease> {
  const { client, clock, nodeName, durationSeconds } = options
  const usage = await options.usage()
  const annotations = usage ? { annotations: { ...lease.metadata.annotations, [nodeUsageAnnotation]: nodeUsageText(usage) } } : {}
  const spec = { ...lease.spec, holderIdentity: nodeName, leaseDurationSeconds: durationSeconds, renewTime: toMicroTime(clock.now()) }
  return client
    .resource(kindRefs.coordinationV1.leases, leaseNamespace)
    .update({ ...lease, metadata: { ...lease.metadata, ...annotations }, spec }, { signal })
}
