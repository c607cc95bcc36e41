import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freeSubnet, planNodeNamespaces } from './netns-nodes.ts'

const link = (ifname: string, ...locals: string[]) => ({ ifname, addr_info: locals.map((local) => ({ family: 'inet', local })) })

test('nodes are named and numbered from the eleventh address on, the machine has the first', () => {
  const plan = planNodeNamespaces({ prefix: 'ab', count: 2, clusterCidr: '10.244.0.0/16', serviceCidr: '10.96.0.0/12' })
  assert.deepEqual(plan, {
    bridge: 'kn-ab',
    gateway: '10.89.0.1',
    prefixLength: 24,
    nodes: [
      { name: 'ab-node-1', address: '10.89.0.11', path: '/run/netns/ab-node-1' },
      { name: 'ab-node-2', address: '10.89.0.12', path: '/run/netns/ab-node-2' },
    ],
  })
})

test('more nodes than addresses is an error', () => {
  const options = { prefix: 'ab', count: 5, subnet: '10.1.1.0/28', clusterCidr: '', serviceCidr: '' }
  assert.throws(() => planNodeNamespaces(options), RangeError)
})

const cases: readonly { name: string; links: Parameters<typeof freeSubnet>[0]; expected: string }[] = [
  { name: 'the first range on a machine without others', links: [link('eth0', '192.0.2.2')], expected: '10.89.0.0/24' },
  { name: 'the next one beside another cluster', links: [link('kn-x', '10.89.0.1'), link('kn-y', '10.89.1.1')], expected: '10.89.2.0/24' },
  {
    name: 'its own again when the bridge is there',
    links: [link('kn-x', '10.89.0.1'), link('kn-ab', '10.89.7.1')],
    expected: '10.89.7.0/24',
  },
  { name: 'a range that the machine itself is in is taken', links: [link('eth0', '10.89.0.200')], expected: '10.89.1.0/24' },
]
for (const { name, links, expected } of cases)
  test(`the range of the nodes: ${name}`, () => assert.equal(freeSubnet(links, 'kn-ab'), expected))
