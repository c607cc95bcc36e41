import { type Nft, nftCommand } from '../../platform/nft.ts'
import { writeSysctl } from '../../platform/sysctl.ts'

export type HostPort = {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly containerPort: number
  readonly hostPort: number
  /** Empty or 0.0.0.0: every address of the node. */
  readonly hostIp: string
}

/**
 * Ports of the node that lead to a pod, as elements of two nft maps. Each element carries its sandbox's id as a comment, so
 * that whoever comes after a restart knows whose it is. Rejected: CNI's portmap plugin, one program more for every pod (8 % of its
 * start) that works through iptables and leaves its chains behind.
 */
export type HostPorts = {
  open(sandboxId: string, podAddress: string, ports: readonly HostPort[]): Promise<void>
  /** No error, and no work, for a sandbox without host ports. */
  close(sandboxId: string): Promise<void>
}

export const hostPortTable = 'keelson-ports'
const mapNames = ['everywhere', 'addressed'] as const
type MapName = (typeof mapNames)[number]
type Element = { readonly set: MapName | 'hairpins'; readonly key: string; readonly value: string }

export function createHostPorts(options: { readonly nft?: Nft } = {}): HostPorts {
  const nft = options.nft ?? nftCommand()
  let opened: Promise<Map<string, Element[]>> | undefined
  const load = async () => (opened ??= readOpened(nft))
  return {
    open: async (sandboxId, podAddress, ports) => {
      if (ports.length === 0) return
      const present = await load()
      const elements = elementsOf(podAddress, ports)
      writeSysctl('net.ipv4.conf.all.route_localnet', '1')
      // What a sandbox that is gone without a word left under the same port gives way.
      const stale = [...present].filter(([, theirs]) => theirs.some(({ set, key }) => elements.some((e) => e.set === set && e.key === key)))
      const removal = stale.flatMap(([, theirs]) => theirs.map(deletion))
      const isThere = (await nft.list(['table', 'ip', hostPortTable], { terse: true })) !== undefined
      const additions = elements.map(({ set, key, value }) => {
        const element = set === 'hairpins' ? `${key} comment "${sandboxId}"` : `${key} comment "${sandboxId}" : ${value}`
        return `add element ip ${hostPortTable} ${set} { ${element} }`
      })
      await nft.apply([...(isThere ? removal : [tableText]), ...additions, ''].join('\n'))
      for (const [id] of stale) present.delete(id)
      present.set(sandboxId, elements)
    },
    close: async (sandboxId) => {
      const present = await load()
      const elements = present.get(sandboxId)
      if (!elements) return
      present.delete(sandboxId)
      try {
        await nft.apply([...elements.map(deletion), ''].join('\n'))
      } catch (error) {
        // Somebody else may have closed them, or taken the whole table away: what counts is what the kernel holds now.
        opened = readOpened(nft)
        if ((await opened).has(sandboxId)) throw error
      }
    },
  }
}

/** Pure: the elements of a pod's ports; a pod that calls the node's port may be led back to itself. */
export function elementsOf(podAddress: string, ports: readonly HostPort[]): Element[] {
  const mapped = ports.map(({ protocol, containerPort, hostPort, hostIp }): Element => {
    const key = `${protocol.toLowerCase()} . ${hostPort}`
    const value = `${podAddress} . ${containerPort}`
    return hostIp === '' || hostIp === '0.0.0.0'
      ? { set: 'everywhere', key, value }
      : { set: 'addressed', key: `${hostIp} . ${key}`, value }
  })
  return [...mapped, { set: 'hairpins', key: `${podAddress} . ${podAddress}`, value: '' }]
}

function deletion({ set, key }: Element): string {
  return `delete element ip ${hostPortTable} ${set} { ${key} }`
}

/** What an earlier life of this agent has opened. */
async function readOpened(nft: Nft): Promise<Map<string, Element[]>> {
  const opened = new Map<string, Element[]>()
  for (const set of [...mapNames, 'hairpins'] as const) {
    const kind = set === 'hairpins' ? 'set' : 'map'
    for (const { sandboxId, ...element } of listedElements(set, (await nft.list([kind, 'ip', hostPortTable, set])) ?? [])) {
      opened.set(sandboxId, [...(opened.get(sandboxId) ?? []), element])
    }
  }
  return opened
}

/** Pure, exported for tests: the elements of `nft --json list map|set`, each with the comment that names its sandbox. */
export function listedElements(set: Element['set'], listed: readonly unknown[]): (Element & { sandboxId: string })[] {
  type Key = { elem?: { val: { concat: (string | number)[] }; comment?: string } }
  type Listed = { map?: { elem?: [Key, { concat: (string | number)[] }][] }; set?: { elem?: Key[] } }
  return (listed as Listed[]).flatMap(({ map, set: plain }) => {
    const pairs = map?.elem ?? plain?.elem?.map((key) => [key, { concat: [] as (string | number)[] }] as const) ?? []
    return pairs.flatMap(([{ elem }, value]) =>
      elem?.comment ? [{ sandboxId: elem.comment, set, key: elem.val.concat.join(' . '), value: value.concat.join(' . ') }] : [],
    )
  })
}

const withPorts = 'meta l4proto { tcp, udp, sctp }'
const rules = `${withPorts} dnat ip to ip daddr . meta l4proto . th dport map @addressed
    fib daddr type local ${withPorts} dnat ip to meta l4proto . th dport map @everywhere`

const tableText = `table ip ${hostPortTable} {
  map everywhere { type inet_proto . inet_service : ipv4_addr . inet_service; }
  map addressed { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
  set hairpins { type ipv4_addr . ipv4_addr; }
  chain firewall {
    type filter hook prerouting priority -120; policy accept;
    iifname != "lo" ip daddr 127.0.0.0/8 drop
  }
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    ${rules}
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ${rules}
  }
  chain postrouting {
    type nat hook postrouting priority 95; policy accept;
    ct status dnat ip saddr . ip daddr @hairpins masquerade
    ct status dnat ip saddr 127.0.0.0/8 masquerade
  }
}`
