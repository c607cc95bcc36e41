import assert from 'node:assert/strict'
import {
  eventually,
  callers,
  container,
  namesake,
  httpPort,
  type NetworkCase,
  type NetworkWorld,
  servers,
  udpPort,
} from './network-world.ts'

const zone = 'default.svc.cluster.local'
const ports = [
  { name: 'http', port: 80, targetPort: httpPort },
  { name: 'ask', port: 53, protocol: 'UDP' as const, targetPort: udpPort },
]
const backwards = (address: string) => `${address.split('.').reverse().join('.')}.in-addr.arpa`
const addressesOf = async (world: NetworkWorld, pods: readonly string[]) =>
  (await Promise.all(pods.map(async (name) => (await world.pods().get(name)).status!.podIP!))).sort()
const untilResolves = (world: NetworkWorld, from: string, name: string, type: string, expected: unknown) =>
  eventually(`${name} ${type} from ${from}`, async () => {
    const answer = await world.resolve(from, name, type)
    assert.deepEqual(Array.isArray(answer) ? answer.map(String).sort() : answer, expected)
    return true
  })
/** A pod with a name in the DNS, and the service that it is below. */
const namedPod = async (world: NetworkWorld, pod: string, subdomain: string, main = namesake(httpPort)) => {
  await world.createService(subdomain, { clusterIP: 'None', selector: { named: pod }, ports: [ports[0]!] })
  await world.createPod(pod, { hostname: `${pod}-host`, subdomain, containers: [main] }, { labels: { named: pod } })
  return (await world.untilReady(pod)).status!.podIP!
}

export const dnsCases: readonly NetworkCase[] = [
  {
    title: 'DNS should provide DNS for the cluster',
    run: async (world) => {
      const { clusterIP } = (await world.services().get('kubernetes')).spec!
      for (const from of callers) {
        assert.deepEqual(await world.resolve(from, 'kubernetes.default.svc.cluster.local', 'A'), [clusterIP], from)
        for (const name of ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'])
          assert.equal(await world.lookup(from, name), clusterIP)
      }
    },
  },
  {
    title: 'DNS should provide DNS for services',
    run: async (world) => {
      const { clusterIP } = (await world.createService('named', { selector: { app: 'server' }, ports })).spec!
      await world.createService('headless', { clusterIP: 'None', selector: { app: 'server' }, ports })
      const addresses = await addressesOf(world, servers)
      for (const from of ['pod-1', 'pod-2']) {
        await untilResolves(world, from, `headless.${zone}`, 'A', addresses)
        await untilResolves(world, from, `named.${zone}`, 'A', [clusterIP])
        assert.equal(await world.resolve(from, `named.${zone}`, 'AAAA'), 'ENODATA')
        const one = [{ name: `named.${zone}`, port: 80, priority: 0, weight: 100, type: 'SRV' }]
        assert.deepEqual(await world.resolve(from, `_http._tcp.named.${zone}`, 'SRV'), one)
        const targets = (await world.resolve(from, `_ask._udp.headless.${zone}`, 'SRV')) as { name: string; port: number }[]
        assert.deepEqual(
          targets.map(({ port }) => port),
          [udpPort, udpPort, udpPort],
        )
        const found = await Promise.all(targets.map(({ name }) => world.resolve(from, name, 'A')))
        assert.deepEqual(found.flat().map(String).sort(), addresses)
        assert.deepEqual(await world.resolve(from, backwards(clusterIP!), 'PTR'), [`named.${zone}`])
        assert.deepEqual(await world.resolve(from, backwards(addresses[0]!), 'PTR'), [
          `${addresses[0]!.replaceAll('.', '-')}.headless.${zone}`,
        ])
        const byPod = `${addresses[0]!.replaceAll('.', '-')}.default.pod.cluster.local`
        assert.deepEqual(await world.resolve(from, byPod, 'A'), [addresses[0]])
        assert.equal(await world.resolve(from, `nobody.${zone}`, 'A'), 'ENOTFOUND')
      }
    },
  },
  {
    title: 'DNS should provide DNS for pods for Hostname',
    run: async (world) => {
      const address = await namedPod(world, 'hostnamed', 'hosts-of')
      await untilResolves(world, 'pod-1', `hostnamed-host.hosts-of.${zone}`, 'A', [address])
      await untilResolves(world, 'pod-2', backwards(address), 'PTR', [`hostnamed-host.hosts-of.${zone}`])
      assert.equal(await world.ask('hostnamed', '/hostname'), 'hostnamed-host')
    },
  },
  {
    title: 'DNS should provide DNS for pods for Subdomain',
    run: async (world) => {
      const address = await namedPod(world, 'subdomained', 'below')
      await untilResolves(world, 'pod-1', `below.${zone}`, 'A', [address])
      await untilResolves(world, 'pod-2', `subdomained-host.below.${zone}`, 'A', [address])
      assert.equal(await world.lookup('pod-1', 'subdomained-host.below'), address)
    },
  },
  {
    title: 'DNS should provide /etc/hosts entries for the cluster',
    run: async (world) => {
      const address = await namedPod(world, 'hosts', 'hosts-below', container)
      const hosts = await world.ask('hosts', '/file', { path: '/etc/hosts' })
      assert.match(hosts, /^# Kubernetes-managed hosts file/)
      assert.ok(hosts.split('\n').includes(`${address}\thosts-host.hosts-below.${zone}\thosts-host`), hosts)
      for (const name of ['hosts-host', `hosts-host.hosts-below.${zone}`]) assert.equal(await world.lookup('hosts', name), address)
    },
  },
  {
    title: 'DNS should provide DNS for ExternalName services',
    run: async (world) => {
      await world.createService('outside', { type: 'ExternalName', externalName: 'foo.example.com' })
      await untilResolves(world, 'pod-1', `outside.${zone}`, 'CNAME', ['foo.example.com'])
      await world.patchService('outside', { externalName: 'bar.example.com' })
      await untilResolves(world, 'pod-2', `outside.${zone}`, 'CNAME', ['bar.example.com'])
      const inside = await world.patchService('outside', { type: 'ClusterIP', externalName: null, ports: [{ name: 'http', port: 80 }] })
      await untilResolves(world, 'pod-1', `outside.${zone}`, 'A', [inside.spec!.clusterIP])
      await untilResolves(world, 'pod-1', `outside.${zone}`, 'CNAME', 'ENODATA')
    },
  },
  {
    title: 'DNS should resolve DNS of partial qualified names for services',
    run: async (world) => {
      const { clusterIP } = (await world.createService('partial', { selector: { app: 'server' }, ports })).spec!
      for (const from of callers)
        for (const name of ['partial', 'partial.default', 'partial.default.svc', `partial.${zone}`, `partial.${zone}.`])
          await eventually(`${name} from ${from}`, async () => (await world.lookup(from, name)) === clusterIP)
    },
  },
  {
    title: 'DNS should support configurable pod DNS nameservers',
    run: async (world) => {
      const dnsConfig = {
        nameservers: ['1.1.1.1', '192.0.2.53'],
        searches: ['resolv.conf.local', 'example.org'],
        options: [{ name: 'ndots', value: '2' }, { name: 'edns0' }],
      }
      await world.createPod('resolver', { dnsPolicy: 'None', dnsConfig, containers: [namesake(httpPort)] })
      await world.createPod('both', {
        dnsConfig: { searches: ['example.org'], options: [{ name: 'timeout', value: '3' }] },
        containers: [namesake(httpPort)],
      })
      await Promise.all(['resolver', 'both'].map((name) => world.untilReady(name)))
      const lines = async (pod: string) => (await world.ask(pod, '/etc/resolv.conf')).split('\n').sort()
      assert.deepEqual(await lines('resolver'), [
        'nameserver 1.1.1.1',
        'nameserver 192.0.2.53',
        'options ndots:2 edns0',
        'search resolv.conf.local example.org',
      ])
      const both = await lines('both')
      assert.ok(
        both.some((line) => line.startsWith(`search ${zone} svc.cluster.local cluster.local `) && line.endsWith(' example.org')),
        both.join('\n'),
      )
      assert.ok(both.includes('options ndots:5 timeout:3') || both.includes('options timeout:3 ndots:5'), both.join('\n'))
    },
  },
]
