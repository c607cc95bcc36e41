import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { ControllerDefinition, LoopContext } from '../../control/contract.ts'
import { watchKind } from '../../control/watch-declaration.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import { freePart, networkOf, overlapped, partsOf } from './plan.ts'

const { nodes } = kindRefs.coreV1

const takenParts = 'parts-of-the-pod-network'

/** Upstream's --node-cidr-mask-size-ipv6. */
const prefixOfIpv6 = 64

/** Gives every node a network of its own for its pods (`spec.podCIDR`), or one of each family. */
export function nodeIpamController(options: {
  /** One range, or one of each family with a comma between. */
  readonly clusterCidr: string
  /** Of IPv4. Default 24. */
  readonly nodePrefix?: number | undefined
}): ControllerDefinition {
  const clusters = options.clusterCidr
    .split(',')
    .map((cidr) => partsOf(cidr, cidr.includes(':') ? prefixOfIpv6 : (options.nodePrefix ?? 24)))
  // What was given last: the next comes after it, so that nobody looks through all that are taken.
  const next = clusters.map(() => 0)
  const keysOf = ({ spec }: Node) =>
    (spec?.podCIDRs ?? (spec?.podCIDR ? [spec.podCIDR] : [])).flatMap((cidr) =>
      clusters.flatMap((parts, i) => overlapped(parts, cidr).map((part) => `${i}/${part}`)),
    )
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
      const informer = context.informer(nodes)
      informer.addIndex(takenParts, keysOf)
      const chosen = clusters.map((parts, i) =>
        freePart(parts, next[i]!, (part) => informer.byIndex(takenParts, `${i}/${part}`).length > 0),
      )
      const podCIDRs = clusters.flatMap((parts, i) => (chosen[i] === undefined ? [] : networkOf(parts, chosen[i])))
      if (podCIDRs.length < clusters.length) {
        context.event(node, { type: 'Normal', reason: 'CIDRNotAvailable', message: `Node ${name} status is now: CIDRNotAvailable` })
        return
      }
      for (const [i, part] of chosen.entries()) next[i] = part! + 1
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
