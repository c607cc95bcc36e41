import { contains, formatAddress, parseAddress, parseCidr } from '../../base/ipv4.ts'
import { bridgeName } from './cni-config.ts'

/** A node as the pod network sees it. */
export type NetworkNode = {
  readonly name: string
  /** Where the other nodes reach it. */
  readonly address: string
  /** Its share of the pod range; undefined while none is assigned. */
  readonly podCidr: string | undefined
}

export type NetworkFacts = {
  /** Name of this node. */
  readonly self: string
  /** The range of all pods, e.g. 10.244.0.0/16. */
  readonly clusterCidr: string
  /** The range of service addresses: no packet for one may leave, whatever the routes say. */
  readonly serviceCidr: string
  /** Interfaces with an IPv4 address: what they reach without a router. */
  readonly interfaces: readonly { readonly name: string; readonly address: string; readonly prefix: number }[]
  /** `auto`: direct routes to nodes in one of the interfaces' subnets, VXLAN to the rest. */
  readonly mode: 'auto' | 'host-gw' | 'vxlan'
}

/** All that this node's kernel shall hold for the pod network. */
export type NetworkPlan = {
  readonly vxlan:
    | { readonly mac: string; readonly address: string; readonly local: string; readonly interface: string | undefined }
    | undefined
  readonly routes: readonly Route[]
  readonly neighbours: readonly { readonly address: string; readonly mac: string }[]
  readonly forwarding: readonly { readonly mac: string; readonly destination: string }[]
  /** Text for `nft -f -`, replacing the table as a whole. */
  readonly rules: string
}

export type Route =
  | {
      readonly type: 'unicast'
      readonly destination: string
      readonly gateway: string
      readonly device: string | undefined
      readonly isOnLink: boolean
    }
  | { readonly type: 'blackhole'; readonly destination: string }

export const vxlanName = 'keelson-vx'
/** Bridges that join the nodes of a cluster in network namespaces begin so. */
export const nodeBridgePrefix = 'kn-'
export const vxlanPort = 8472
export const vxlanId = 1
/** Marks our routes in the kernel (`ip route … proto 107`), so that exactly these are found again and removed. */
export const routeProtocol = 107
export const rulesTable = 'keelson-net'

/**
 * Pure: who routes to whom. Tunnel addresses need no exchange: a node's VXLAN MAC and address follow from its pod range.
 * Every node ends the pod range in a blackhole, so that a packet for a pod that is nowhere goes nowhere.
 */
export function planNetwork(nodes: readonly NetworkNode[], facts: NetworkFacts): NetworkPlan {
  const self = nodes.find((node) => node.name === facts.self)
  const peers = nodes
    .filter((node) => node.name !== facts.self)
    .flatMap((node) => (node.podCidr === undefined ? [] : [{ ...node, podCidr: node.podCidr }]))
    .sort((a, b) => (a.podCidr < b.podCidr ? -1 : 1))
  const direct = peers.filter((peer) => isDirect(peer.address, facts))
  const tunnelled = self?.podCidr === undefined ? [] : peers.filter((peer) => !isDirect(peer.address, facts))
  const hasTunnel = tunnelled.length > 0
  return {
    vxlan:
      hasTunnel && self?.podCidr !== undefined
        ? { ...tunnelEnd(self.podCidr), local: self.address, interface: interfaceWith(self.address, facts) }
        : undefined,
    routes: [
      { type: 'blackhole', destination: facts.clusterCidr },
      ...direct.map(
        (peer): Route => ({ type: 'unicast', destination: peer.podCidr, gateway: peer.address, device: undefined, isOnLink: false }),
      ),
      ...tunnelled.map(
        ({ podCidr }): Route => ({
          type: 'unicast',
          destination: podCidr,
          gateway: tunnelEnd(podCidr).address,
          device: vxlanName,
          isOnLink: true,
        }),
      ),
    ],
    neighbours: tunnelled.map(({ podCidr }) => tunnelEnd(podCidr)),
    forwarding: tunnelled.map(({ podCidr, address }) => ({ mac: tunnelEnd(podCidr).mac, destination: address })),
    rules: networkRules({ facts, podCidr: self?.podCidr, directCidrs: direct.map((peer) => peer.podCidr) }),
  }
}

/** The guard alone, for a node that does not know its peers yet: nothing for the cluster leaves it. Pure. */
export function planGuard(facts: Pick<NetworkFacts, 'clusterCidr' | 'serviceCidr'>): string {
  return networkRules({ facts, podCidr: undefined, directCidrs: [] })
}

/** The VXLAN end of the node that owns a pod range: the range's first address, and a local MAC that spells it. */
export function tunnelEnd(podCidr: string): { readonly address: string; readonly mac: string } {
  const { network } = parseCidr(podCidr)
  const bytes = [24, 16, 8, 0].map((shift) => ((network >>> shift) & 255).toString(16).padStart(2, '0'))
  return { address: formatAddress(network), mac: `0a:58:${bytes.join(':')}` }
}

function isDirect(address: string, facts: NetworkFacts): boolean {
  if (facts.mode !== 'auto') return facts.mode === 'host-gw'
  return interfaceWith(address, facts) !== undefined
}

function interfaceWith(address: string, facts: NetworkFacts): string | undefined {
  const value = parseAddress(address)
  return facts.interfaces.find(
    (candidate) =>
      candidate.prefix < 32 && candidate.name !== bridgeName && contains(parseCidr(`${candidate.address}/${candidate.prefix}`), value),
  )?.name
}

/**
 * Masquerade of pods towards the outside, and the guard: behind every other decision, a packet for an address of the cluster
 * leaves this node only to a peer that owns it, and none for a service address ever; nor does one from a pod that belongs to no
 * connection, for it would go out under the pod's own address. Bridges of other clusters' node namespaces are
 * let through: with br_netfilter their frames pass here too, and no route of this node leads there.
 */
function networkRules(options: {
  readonly facts: Pick<NetworkFacts, 'clusterCidr' | 'serviceCidr'>
  readonly podCidr: string | undefined
  readonly directCidrs: readonly string[]
}): string {
  const { facts, podCidr, directCidrs } = options
  const inside = `{ "lo", "${bridgeName}", "${vxlanName}" }`
  const toPeers = directCidrs.length > 0 ? `    ip daddr { ${directCidrs.join(', ')} } accept\n` : ''
  const masquerade =
    podCidr === undefined
      ? ''
      : `    ip saddr ${podCidr} ip daddr != { ${facts.clusterCidr}, ${facts.serviceCidr} } ip daddr != 224.0.0.0/4 oifname != ${inside} masquerade\n`
  return `table ip ${rulesTable}
delete table ip ${rulesTable}
table ip ${rulesTable} {
  chain guard {
    type filter hook postrouting priority mangle; policy accept;
    oifname ${inside} accept
    oifname "${nodeBridgePrefix}*" accept
${toPeers}    ip daddr { ${facts.clusterCidr}, ${facts.serviceCidr} } counter drop
    ip saddr ${facts.clusterCidr} ct state invalid counter drop
  }
  chain outbound {
    type nat hook postrouting priority srcnat; policy accept;
${masquerade}  }
}
`
}
