import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import type { Informer } from '../../client/informer-contract.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import type { NetworkNode } from '../../node/cni/network-plan.ts'
import type { PodNetwork } from '../../node/cni/pod-network.ts'

/** Changes that come within this are applied together. */
const gatherMs = 20
const retryMs = 1000

/** Keeps this node's routes as the nodes of the cluster ask for, until the signal aborts. */
export async function keepPodNetwork(
  parts: { network: PodNetwork; informer: Informer<Node>; clock: Clock; log: Log },
  signal: AbortSignal,
): Promise<void> {
  const { network, informer, clock, log } = parts
  let applied = ''
  let wake: (() => void) | undefined
  const remove = informer.onChange(() => wake?.())
  const onAbort = () => wake?.()
  signal.addEventListener('abort', onAbort)
  try {
    await informer.synced(signal)
    while (!signal.aborted) {
      const wanted = informer.list().map(networkNode)
      const key = JSON.stringify(wanted)
      if (key === applied) {
        await new Promise<void>((resolve) => (wake = resolve))
        wake = undefined
        await sleep(clock, gatherMs, signal)
        continue
      }
      try {
        await network.apply(wanted.filter((n) => n.address !== ''))
        applied = key
      } catch (error) {
        log.warn({ error: String(error) }, 'the pod network could not be set up; trying again')
        await sleep(clock, retryMs, signal)
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    remove()
  }
}

function networkNode(node: Node): NetworkNode {
  return {
    name: node.metadata.name ?? '',
    address: node.status?.addresses?.find((a) => a.type === 'InternalIP')?.address ?? '',
    podCidr: node.spec?.podCIDR || undefined,
  }
}
