import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NetworkFacts, type NetworkNode, planNetwork } from './network-plan.ts'

const facts: NetworkFacts = {
  self: 'a',
  clusterCidr: '10.244.0.0/16',
  serviceCidr: '10.96.0.0/12',
  interfaces: [{ name: 'eth0', address: '192.168.1.10', prefix: 24 }],
  mode: 'auto',
}
const a: NetworkNode = { name: 'a', address: '192.168.1.10', podCidr: '10.244.0.0/24' }
const near: NetworkNode = { name: 'near', address: '192.168.1.11', podCidr: '10.244.1.0/24' }
const far: NetworkNode = { name: 'far', address: '172.20.0.5', podCidr: '10.244.17.0/24' }
const blackhole = { type: 'blackhole', destination: '10.244.0.0/16' } as const

const cases: readonly { name: string; nodes: readonly NetworkNode[]; facts?: Partial<NetworkFacts>; expected: object }[] = [
  {
    name: 'a node alone has only the blackhole',
    nodes: [a],
    expected: { routes: [blackhole], vxlan: undefined, neighbours: [], forwarding: [] },
  },
  {
    name: 'a node in the same subnet is routed to directly',
    nodes: [near, a],
    expected: {
      routes: [blackhole, { type: 'unicast', destination: '10.244.1.0/24', gateway: '192.168.1.11', device: undefined, isOnLink: false }],
      vxlan: undefined,
    },
  },
  {
    name: 'a node elsewhere is reached through the tunnel, whose ends follow from the pod ranges',
    nodes: [a, far],
    expected: {
      routes: [blackhole, { type: 'unicast', destination: '10.244.17.0/24', gateway: '10.244.17.0', device: 'keelson-vx', isOnLink: true }],
      vxlan: { mac: '0a:58:0a:f4:00:00', address: '10.244.0.0', local: '192.168.1.10', interface: 'eth0' },
      neighbours: [{ mac: '0a:58:0a:f4:11:00', address: '10.244.17.0' }],
      forwarding: [{ mac: '0a:58:0a:f4:11:00', destination: '172.20.0.5' }],
    },
  },
  {
    name: 'VXLAN can be asked for in one subnet too',
    nodes: [a, near],
    facts: { mode: 'vxlan' },
    expected: { forwarding: [{ mac: '0a:58:0a:f4:01:00', destination: '192.168.1.11' }] },
  },
  {
    name: 'a node without a range is not routed to',
    nodes: [a, { ...near, podCidr: undefined }],
    expected: { routes: [blackhole], neighbours: [] },
  },
  {
    name: 'before this node has a range it makes no tunnel',
    nodes: [{ ...a, podCidr: undefined }, far],
    expected: { routes: [blackhole], vxlan: undefined, neighbours: [] },
  },
]
for (const { name, nodes, facts: changes, expected } of cases) {
  test(name, () => {
    const plan = planNetwork(nodes, { ...facts, ...changes }) as unknown as Record<string, unknown>
    for (const [key, value] of Object.entries(expected)) assert.deepEqual(plan[key], value, key)
  })
}

test('the guard lets a cluster address out only to the node that owns it', () => {
  assert.equal(
    planNetwork([a, near, far], facts).rules,
    `table ip keelson-net
delete table ip keelson-net
table ip keelson-net {
  chain guard {
    type filter hook postrouting priority mangle; policy accept;
    oifname { "lo", "keelson0", "keelson-vx" } accept
    oifname "kn-*" accept
    ip daddr { 10.244.1.0/24 } accept
    ip daddr { 10.244.0.0/16, 10.96.0.0/12 } counter drop
    ip saddr 10.244.0.0/16 ct state invalid counter drop
  }
  chain outbound {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr 10.244.0.0/24 ip daddr != { 10.244.0.0/16, 10.96.0.0/12 } ip daddr != 224.0.0.0/4 oifname != { "lo", "keelson0", "keelson-vx" } masquerade
  }
}
`,
  )
})
