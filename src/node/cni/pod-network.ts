import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../base/log.ts'
import { type IpCommand, ipCommand } from '../../platform/ip-command.ts'
import { type Nft, nftCommand } from '../../platform/nft.ts'
import { runProgram } from '../../platform/run-program.ts'
import { writeSysctl } from '../../platform/sysctl.ts'
import { readTextFile, writeTextFile } from '../../platform/text-file.ts'
import { bridgeName, cniConfig, cniConfigFile } from './cni-config.ts'
import { hostPortTable } from './host-ports.ts'
import {
  type NetworkFacts,
  type NetworkNode,
  type NetworkPlan,
  planGuard,
  planNetwork,
  type Route,
  routeProtocol,
  rulesTable,
  vxlanId,
  vxlanName,
  vxlanPort,
} from './network-plan.ts'

/** This node's part of the pod network, in the network namespace that the process runs in. */
export type PodNetwork = {
  /** Makes sure that no packet for the cluster leaves before `apply` knows its ways. What an earlier life set up stays. */
  guard(): Promise<void>
  /** Brings the kernel and the CNI configuration to what the nodes ask for. Idempotent; calls must not overlap. */
  apply(nodes: readonly NetworkNode[]): Promise<NetworkPlan>
  /** Removes every interface, route, rule and file that apply made. Idempotent. */
  remove(): Promise<void>
}

export type PodNetworkOptions = {
  readonly self: string
  readonly clusterCidr: string
  readonly serviceCidr: string
  readonly mode: NetworkFacts['mode']
  readonly cniConfigDirectory: string
  /** host-local's record of taken addresses: on tmpfs, because a reboot frees them all. */
  readonly addressDirectory: string
  readonly log: Log
  readonly ip?: IpCommand
  readonly nft?: Nft
}

/** VXLAN's headers: IPv4, UDP, VXLAN, Ethernet. */
const tunnelBytes = 50
const mtuFallback = 1500

type Link = {
  readonly ifname: string
  readonly mtu?: number
  readonly addr_info?: readonly { family: string; local: string; prefixlen: number }[]
}
type RouteShown = { readonly dst: string; readonly type?: string; readonly gateway?: string; readonly dev?: string }

export function createPodNetwork(options: PodNetworkOptions): PodNetwork {
  const ip = options.ip ?? ipCommand()
  const nft = options.nft ?? nftCommand()
  const configFile = join(options.cniConfigDirectory, cniConfigFile)
  return {
    guard: async () => {
      const present = await nft.list(['table', 'ip', rulesTable], { terse: true })
      if (present === undefined) await nft.apply(planGuard(options))
    },
    apply: async (nodes) => {
      await enableForwarding(options.log)
      const links = (await ip.show<Link>(['address', 'show'])) ?? []
      const plan = planNetwork(nodes, { ...options, interfaces: addressesOf(links) })
      await nft.apply(plan.rules)
      await applyTunnel(ip, plan)
      await applyRoutes(ip, plan.routes)
      const podCidr = nodes.find((node) => node.name === options.self)?.podCidr
      if (podCidr !== undefined) {
        const address = nodes.find((node) => node.name === options.self)!.address
        const mtu = (mtuOf(links, address) ?? mtuFallback) - tunnelBytes
        mkdirSync(options.addressDirectory, { recursive: true })
        const config = cniConfig({ podCidr, bridge: bridgeName, mtu, addressDirectory: options.addressDirectory })
        // Written last and in one step: the engine reports the network ready once the file is there.
        if (readTextFile(configFile) !== config) writeTextFile(configFile, config, 0o644)
      }
      return plan
    },
    remove: async () => {
      rmSync(configFile, { force: true })
      rmSync(options.addressDirectory, { recursive: true, force: true })
      const routes = await ourRoutes(ip)
      await ip.batch([...routes.map((route) => `route del ${routeKey(route)}`), `link del ${vxlanName}`, `link del ${bridgeName}`], {
        force: true,
      })
      const tables = [rulesTable, hostPortTable]
      await nft.apply(tables.map((table) => `table ip ${table}\ndelete table ip ${table}\n`).join(''))
    },
  }
}

async function enableForwarding(log: Log): Promise<void> {
  writeSysctl('net.ipv4.ip_forward', '1')
  if (!writeSysctl('net.bridge.bridge-nf-call-iptables', '1')) {
    await runProgram('modprobe', ['br_netfilter']).catch(() => undefined)
    // Without it a pod reaches a ClusterIP whose endpoint is on the same bridge, but the answer comes back unmapped.
    if (!writeSysctl('net.bridge.bridge-nf-call-iptables', '1'))
      log.warn({}, 'the kernel has no br_netfilter: services between pods of one node fail')
  }
}

async function applyTunnel(ip: IpCommand, plan: NetworkPlan): Promise<void> {
  const isThere = (await ip.show<Link>(['link', 'show', 'dev', vxlanName])) !== undefined
  if (!plan.vxlan) {
    if (isThere) await ip.batch([`link del ${vxlanName}`])
    return
  }
  const { vxlan } = plan
  const device = vxlan.interface ? ` dev ${vxlan.interface}` : ''
  await ip.batch([
    ...(isThere ? [] : [`link add ${vxlanName} type vxlan id ${vxlanId} local ${vxlan.local}${device} dstport ${vxlanPort} nolearning`]),
    `link set ${vxlanName} address ${vxlan.mac}`,
    `link set ${vxlanName} up`,
    `address replace ${vxlan.address}/32 dev ${vxlanName}`,
  ])
  await removeStaleNeighbours(ip, plan)
  await ip.batch(plan.neighbours.map(({ address, mac }) => `neigh replace ${address} lladdr ${mac} dev ${vxlanName} nud permanent`))
  await ip.bridgeBatch(
    plan.forwarding.map(({ mac, destination }) => `fdb replace ${mac} dev ${vxlanName} dst ${destination} self permanent`),
  )
}

async function removeStaleNeighbours(ip: IpCommand, plan: NetworkPlan): Promise<void> {
  const wanted = new Set(plan.neighbours.map(({ address }) => address))
  const shown = (await ip.show<{ dst: string; lladdr?: string }>(['neigh', 'show', 'dev', vxlanName, 'nud', 'permanent'])) ?? []
  const stale = shown.filter(({ dst }) => !wanted.has(dst))
  await ip.batch(
    stale.map(({ dst }) => `neigh del ${dst} dev ${vxlanName}`),
    { force: true },
  )
  await ip.bridgeBatch(
    stale.flatMap(({ lladdr }) => (lladdr ? [`fdb del ${lladdr} dev ${vxlanName}`] : [])),
    { force: true },
  )
}

async function applyRoutes(ip: IpCommand, routes: readonly Route[]): Promise<void> {
  const wanted = new Set(routes.map((route) => route.destination))
  const stale = (await ourRoutes(ip)).filter((route) => !wanted.has(route.dst))
  await ip.batch([...stale.map((route) => `route del ${routeKey(route)}`), ...routes.map(routeLine)])
}

async function ourRoutes(ip: IpCommand): Promise<readonly RouteShown[]> {
  return (await ip.show<RouteShown>(['route', 'show', 'proto', String(routeProtocol)])) ?? []
}

function routeKey(route: RouteShown): string {
  return `${route.type === 'blackhole' ? 'blackhole ' : ''}${route.dst} proto ${routeProtocol}`
}

function routeLine(route: Route): string {
  if (route.type === 'blackhole') return `route replace blackhole ${route.destination} proto ${routeProtocol}`
  const device = route.device ? ` dev ${route.device}` : ''
  return `route replace ${route.destination} via ${route.gateway}${device}${route.isOnLink ? ' onlink' : ''} proto ${routeProtocol}`
}

function addressesOf(links: readonly Link[]): NetworkFacts['interfaces'] {
  return links.flatMap((link) =>
    (link.addr_info ?? [])
      .filter((info) => info.family === 'inet' && link.ifname !== 'lo' && link.ifname !== vxlanName)
      .map((info) => ({ name: link.ifname, address: info.local, prefix: info.prefixlen })),
  )
}

function mtuOf(links: readonly Link[], address: string): number | undefined {
  return links.find((link) => link.addr_info?.some((info) => info.local === address))?.mtu
}
