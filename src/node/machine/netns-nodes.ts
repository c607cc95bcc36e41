import { contains, formatAddress, parseAddress, parseCidr } from '../../base/ipv4.ts'
import { addNetworkNamespace, deleteNetworkNamespace, ipCommand } from '../../platform/ip-command.ts'
import { nftCommand } from '../../platform/nft.ts'
import { runProgram } from '../../platform/run-program.ts'
import { writeSysctl } from '../../platform/sysctl.ts'
import { nodeBridgePrefix } from '../cni/network-plan.ts'

/**
 * Several real nodes on one machine: a network namespace each, joined by a bridge of the machine's own namespace, which has
 * the range's first address and is the nodes' way out. A node's agent and its containerd run inside (`inNamespace`).
 * 10.89.0.0/24 is the first choice because neither common clusters (10.0–10.42, 10.96, 10.244) nor container tools (172.16/12,
 * 10.88 for podman) use it.
 */
export type NodeNamespaces = {
  /** Short and unique on the machine: names the bridge (kn-PREFIX) and the namespaces (PREFIX-node-1 …). At most 7 characters. */
  readonly prefix: string
  readonly count: number
  /** At least count + 10 addresses. Default: what the bridge has already, else the first of 10.89.0.0/24, 10.89.1.0/24 … that is free here. */
  readonly subnet?: string
  /** Ranges that must not leave the machine through the bridge. */
  readonly clusterCidr: string
  readonly serviceCidr: string
}

export type NodeNamespace = { readonly name: string; readonly address: string; readonly path: string }

const defaultSubnet = '10.89.0.0/24'
const firstNode = 11

/** Pure: names and addresses. The machine itself has `gateway` on the bridge. */
export function planNodeNamespaces(options: NodeNamespaces): {
  readonly bridge: string
  readonly gateway: string
  readonly prefixLength: number
  readonly nodes: readonly NodeNamespace[]
} {
  const { network, prefix } = parseCidr(options.subnet ?? defaultSubnet)
  if (options.count + firstNode >= 2 ** (32 - prefix))
    throw new RangeError(`${options.count} nodes do not fit into ${options.subnet ?? defaultSubnet}`)
  return {
    bridge: bridgeOf(options.prefix),
    gateway: formatAddress(network + 1),
    prefixLength: prefix,
    nodes: Array.from({ length: options.count }, (_, index) => {
      const name = `${options.prefix}-node-${index + 1}`
      return { name, address: formatAddress(network + firstNode + index), path: `/run/netns/${name}` }
    }),
  }
}

/** Makes what is missing and gives the namespaces; those that exist keep running. */
export async function createNodeNamespaces(wanted: NodeNamespaces): Promise<{ gateway: string; nodes: readonly NodeNamespace[] }> {
  const ip = ipCommand()
  const links = (await ip.show<LinkShown>(['address', 'show'])) ?? []
  const options = { ...wanted, subnet: wanted.subnet ?? freeSubnet(links, bridgeOf(wanted.prefix)) }
  const plan = planNodeNamespaces(options)
  writeSysctl('net.ipv4.ip_forward', '1')
  if ((await ip.show(['link', 'show', 'dev', plan.bridge])) === undefined) {
    await ip.batch([`link add ${plan.bridge} type bridge`])
  }
  await ip.batch([`address replace ${plan.gateway}/${plan.prefixLength} dev ${plan.bridge}`, `link set ${plan.bridge} up`])
  await nftCommand().apply(bridgeRules(options, plan.bridge))
  for (const [index, node] of plan.nodes.entries()) {
    await addNetworkNamespace(node.name)
    const inside = ipCommand(node.name)
    if ((await inside.show(['link', 'show', 'dev', 'eth0'])) !== undefined) continue
    const outer = vethName(options.prefix, index)
    await ip.batch([
      `link add ${outer} type veth peer name eth0 netns ${node.name}`,
      `link set ${outer} master ${plan.bridge}`,
      `link set ${outer} up`,
    ])
    await inside.batch([
      `address add ${node.address}/${plan.prefixLength} dev eth0`,
      'link set eth0 up',
      `route add default via ${plan.gateway}`,
    ])
  }
  return plan
}

type LinkShown = { readonly ifname: string; readonly addr_info?: readonly { readonly family: string; readonly local: string }[] }

/** Pure, exported for tests: clusters side by side on one machine must not share a range. */
export function freeSubnet(links: readonly LinkShown[], bridge: string): string {
  const addressesOf = (link: LinkShown) => (link.addr_info ?? []).filter(({ family }) => family === 'inet').map(({ local }) => local)
  const own = links.filter(({ ifname }) => ifname === bridge).flatMap(addressesOf)[0]
  if (own !== undefined) return `${formatAddress(parseCidr(`${own}/24`).network)}/24`
  const taken = links.flatMap(addressesOf).map(parseAddress)
  for (let third = 0; third < 256; third++) {
    const subnet = `10.89.${third}.0/24`
    if (!taken.some((address) => contains(parseCidr(subnet), address))) return subnet
  }
  throw new RangeError('no range of 10.89.0.0/16 is free on this machine')
}

/** Removes the namespaces, the bridge and the rules. Whatever runs inside must have ended. Idempotent. */
export async function deleteNodeNamespaces(options: Pick<NodeNamespaces, 'prefix'>): Promise<void> {
  const listed = await runProgram('ip', ['netns', 'list'])
  const names = listed.stdout.split('\n').map((line) => line.split(' ')[0]!)
  for (const name of names) if (name.startsWith(`${options.prefix}-node-`)) await deleteNetworkNamespace(name)
  const ip = ipCommand()
  const links = (await ip.show<{ ifname: string }>(['link', 'show', 'type', 'veth'])) ?? []
  const outer = links.filter(({ ifname }) => ifname.startsWith(`${options.prefix}-nv`))
  await ip.batch([...outer.map(({ ifname }) => `link del ${ifname}`), `link del ${bridgeOf(options.prefix)}`], { force: true })
  const table = tableName(options.prefix)
  await nftCommand().apply(`table ip ${table}\ndelete table ip ${table}\n`)
}

/** The command line that runs a program in a node's network, with the machine's own files, mounts and processes. */
export function inNamespace(node: Pick<NodeNamespace, 'path'>, file: string, args: readonly string[]): { file: string; args: string[] } {
  return { file: 'nsenter', args: [`--net=${node.path}`, '--', file, ...args] }
}

function bridgeOf(prefix: string): string {
  return `${nodeBridgePrefix}${prefix}`
}

function vethName(prefix: string, index: number): string {
  return `${prefix}-nv${index + 1}`
}

function tableName(prefix: string): string {
  return `${prefix}-nodes`
}

/** Nodes get out masqueraded; a packet for a cluster address that a node sent to its gateway ends here. */
function bridgeRules(options: NodeNamespaces, bridge: string): string {
  const table = tableName(options.prefix)
  const subnet = options.subnet ?? defaultSubnet
  const cluster = `{ ${options.clusterCidr}, ${options.serviceCidr} }`
  return `table ip ${table}
delete table ip ${table}
table ip ${table} {
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" oifname != "${bridge}" ip daddr ${cluster} counter drop
    iifname "${bridge}" oifname != "${bridge}" ip saddr ${cluster} counter drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet} ip daddr != ${subnet} oifname != "${bridge}" masquerade
  }
}
`
}
