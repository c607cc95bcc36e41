import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import { parseNetwork, planPodCidr } from './plan.ts'

const { nodes } = kindRefs.coreV1

/** Upstream's --node-cidr-mask-size-ipv6. */
const prefixOfIpv6 = 64

/** Gives every node a network of its own for its pods (`spec.podCIDR`), or one of each family. */
export function nodeIpamController(options: {
  /** One range, or one of each family with a comma between. */
  readonly clusterCidr: string
  /** Of IPv4. Default 24. */
  readonly nodePrefix?: number | undefined
}): ControllerDefinition {
  const clusters = options.clusterCidr.split(',').map(parseNetwork)
  const prefixOf = { 4: options.nodePrefix ?? 24, 6: prefixOfIpv6 }
  return {
    name: 'node-ipam',
    account: 'node-controller',
    eventSource: 'cidrAllocator',
    watches: [
      // The going of a node frees a network for those that have none.
      watchKind(nodes, ({ current }, context) => (current ? [current.metadata.name ?? ''] : withoutNetwork(context))),
    ],
    writes: [nodes],
    // One at a time: each sees the networks that the ones before it took.
    concurrency: 1,
    reconcile: async (context, name) => {
      const node = context.informer(nodes).get(name)
      if (!node || node.spec?.podCIDR) return
      const used = context
        .informer(nodes)
        .list()
        .flatMap((other) => other.spec?.podCIDRs ?? (other.spec?.podCIDR ? [other.spec.podCIDR] : []))
      const podCIDRs = clusters.flatMap((cluster) => planPodCidr(cluster, prefixOf[cluster.address.family], used) ?? [])
      if (podCIDRs.length < clusters.length) {
        context.event(node, { type: 'Normal', reason: 'CIDRNotAvailable', message: `Node ${name} status is now: CIDRNotAvailable` })
        return
      }
      const body = { metadata: { uid: node.metadata.uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } }
      await context.client.resource(nodes).patch(name, { type: 'merge', body })
    },
  }
}

function withoutNetwork(context: LoopContext): readonly string[] {
  return context
    .informer(nodes)
    .list()
    .filter((node) => !node.spec?.podCIDR)
    .map((node) => node.metadata.name ?? '')
}
