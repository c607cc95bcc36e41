import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { silentLog } from '../../src/base/log.ts'
import { nodes } from '../../src/kinds/core/node.ts'
import { endpointSlices } from '../../src/kinds/discovery/endpoint-slice.ts'
import type { Node, Service, ServiceSpec } from '../../src/kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../src/kinds/generated/types/discovery-v1.ts'
import type { ServiceCIDR } from '../../src/kinds/generated/types/networking-v1.ts'
import { serviceCidrs } from '../../src/kinds/networking/service-cidr.ts'
import { nftCommand } from '../../src/platform/nft.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { writeSysctl } from '../../src/platform/sysctl.ts'
import { createProxy, type Proxy } from '../../src/proxy/loop.ts'
import { mapInformer } from './map-informer.ts'
import { type Actor, callTcp, startActor } from './network-actor.ts'
import { ownNamespace } from './own-namespace.ts'

const own = ownNamespace(import.meta.url)
if (own) declareTests(own.id)

function declareTests(id: string): void {
  const node = '192.168.50.1'
  const outsider = '192.168.50.2'
  const podNames = ['a', 'b', 'c'] as const
  const pods = podNames.map((name, index) => ({ name, namespace: `${id}-${name}`, address: `10.244.7.1${index + 1}` }))
  const actors = new Map<string, Actor>()
  const services = mapInformer<Service>()
  const slices = mapInformer<EndpointSlice>()
  const ranges = mapInformer<ServiceCIDR>()
  const nodeObjects = mapInformer<Node>()
  const context = {
    informer: (kind: { plural?: string; kind: string }) =>
      (({ [endpointSlices.kind]: slices, [serviceCidrs.kind]: ranges, [nodes.kind]: nodeObjects })[kind.kind] ?? services) as never,
  }
  const facts = {
    ...{ nodeName: 'here', nodeAddresses: [node], clusterCidr: '10.244.0.0/16', serviceCidrs: ['10.96.0.0/12'] },
    localServiceAddresses: ['10.96.0.10'],
  }
  let proxy: Proxy
  let running: Promise<void>
  let stopping = new AbortController()

  const sh = (...command: string[]): string => {
    const result = spawnSync(command[0]!, command.slice(1), { encoding: 'utf8' })
    assert.equal(result.status, 0, `${command.join(' ')}: ${result.stderr}`)
    return result.stdout
  }
  const start = () => {
    stopping = new AbortController()
    proxy = createProxy({
      context,
      clock: systemClock,
      log: { ...silentLog, error: (fields, message) => console.error(message, fields) },
      facts,
    })
    running = proxy.run(stopping.signal)
  }
  const stop = async () => {
    stopping.abort()
    await running
  }
  const put = async (
    name: string,
    spec: ServiceSpec,
    endpoints: readonly string[],
    options: { remote?: readonly string[]; status?: Service['status'] } = {},
  ) => {
    const ports = spec.ports!.map(({ name: portName, protocol }) => ({
      name: portName ?? '',
      port: 8080,
      protocol: protocol ?? ('TCP' as const),
    }))
    services.put({ metadata: { name, namespace: 'd' }, spec, ...(options.status ? { status: options.status } : {}) } as Service)
    slices.put({
      metadata: { name: `${name}-1`, namespace: 'd', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports,
      endpoints: endpoints.map((address) => ({ addresses: [address], nodeName: options.remote?.includes(address) ? 'elsewhere' : 'here' })),
    })
    await proxy.settled()
  }
  const remove = async (name: string) => {
    services.delete(`d/${name}`)
    slices.delete(`d/${name}-1`)
    await proxy.settled()
  }
  const call = (from: string, host: string, port: number, protocol: 'tcp' | 'udp' = 'tcp', localPort?: number) =>
    actors.get(from)!.call(protocol, host, port, localPort ? { localPort } : {})
  const many = async (count: number, act: () => Promise<string>): Promise<string[]> => {
    const answers = new Set<string>()
    for (let i = 0; i < count; i++) answers.add(await act())
    return [...answers].sort()
  }
  const [a, b, c] = pods.map(({ address }) => address) as [string, string, string]

  before(async () => {
    writeSysctl('net.ipv4.ip_forward', '1')
    assert.ok(writeSysctl('net.bridge.bridge-nf-call-iptables', '1'))
    sh('ip', 'link', 'add', 'keelson0', 'type', 'bridge')
    sh('ip', 'address', 'add', '10.244.7.1/24', 'dev', 'keelson0')
    sh('ip', 'link', 'set', 'keelson0', 'up')
    const join = (namespace: string, outer: string) => {
      sh('ip', 'netns', 'add', namespace)
      sh('ip', '-n', namespace, 'link', 'set', 'lo', 'up')
      sh('ip', 'link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
      sh('ip', 'link', 'set', outer, 'up')
      sh('ip', '-n', namespace, 'link', 'set', 'eth0', 'up')
    }
    for (const pod of pods) {
      join(pod.namespace, `v${pod.name}`)
      sh('ip', 'link', 'set', `v${pod.name}`, 'master', 'keelson0')
      sh('bridge', 'link', 'set', 'dev', `v${pod.name}`, 'hairpin', 'on')
      sh('ip', '-n', pod.namespace, 'address', 'add', `${pod.address}/24`, 'dev', 'eth0')
      sh('ip', '-n', pod.namespace, 'route', 'add', 'default', 'via', '10.244.7.1')
    }
    join(`${id}-x`, 'vx')
    sh('ip', 'address', 'add', `${node}/24`, 'dev', 'vx')
    sh('ip', '-n', `${id}-x`, 'address', 'add', `${outsider}/24`, 'dev', 'eth0')
    for (const range of ['10.96.0.0/12', '203.0.113.0/24']) sh('ip', '-n', `${id}-x`, 'route', 'add', range, 'via', node)
    sh('ip', 'route', 'add', 'default', 'via', outsider)
    for (const { name, namespace } of pods) actors.set(name, await startActor({ namespace, name, ports: [8080] }))
    actors.set('x', await startActor({ namespace: `${id}-x`, name: 'x', ports: [] }))
    actors.set('node', await startActor({ namespace: id, name: 'node', ports: [] }))
    start()
    await proxy.settled()
  })
  after(async () => {
    await stop()
    await proxy.remove()
    await proxy.remove()
    assert.equal(sh('nft', 'list', 'tables'), '')
    assert.equal(sh('ip', 'route', 'show', 'table', 'local', '10.96.0.0/12'), '')
    await Promise.all([...actors.values()].map((actor) => actor.close()))
    for (const namespace of [...pods.map((pod) => pod.namespace), `${id}-x`]) sh('ip', 'netns', 'delete', namespace)
  })

  test('a cluster address spreads over the endpoints, from pods and from the node, over TCP and UDP', async () => {
    const ports = [
      { name: 't', port: 80 },
      { name: 'u', port: 53, protocol: 'UDP' as const },
    ]
    await put('web', { clusterIP: '10.96.1.1', ports }, [b, c])
    assert.deepEqual(await many(24, () => call('a', '10.96.1.1', 80)), [`b ${a}`, `c ${a}`])
    assert.deepEqual(await many(24, () => call('a', '10.96.1.1', 53, 'udp')), [`b ${a}`, `c ${a}`])
    assert.deepEqual(await many(24, () => call('node', '10.96.1.1', 80)), [`b ${node}`, `c ${node}`])
    assert.deepEqual(await many(24, () => call('node', '10.96.1.1', 53, 'udp')), [`b ${node}`, `c ${node}`])
  })

  test('a pod reaches itself through its service', async () => {
    await put('self', { clusterIP: '10.96.1.2', ports: [{ port: 80 }] }, [a])
    assert.equal(await call('a', '10.96.1.2', 80), 'a 10.244.7.1')
  })

  test('endpoints meant for the zone of this node come first, also when the node gets its zone later', async () => {
    await put('zoned', { clusterIP: '10.96.1.9', ports: [{ port: 80 }] }, [b, c])
    const slice = slices.get('d/zoned-1')!
    const endpoints = slice.endpoints!.map((endpoint, i) => ({ ...endpoint, hints: { forZones: [{ name: `z${i + 1}` }] } }))
    slices.put({ ...slice, endpoints })
    await proxy.settled()
    assert.deepEqual(await many(24, () => call('a', '10.96.1.9', 80)), [`b ${a}`, `c ${a}`])
    for (const [zone, pod] of [
      ['z1', 'b'],
      ['z2', 'c'],
    ] as const) {
      nodeObjects.put({ metadata: { name: 'here', labels: { 'topology.kubernetes.io/zone': zone } } })
      await proxy.settled()
      assert.deepEqual(await many(24, () => call('a', '10.96.1.9', 80)), [`${pod} ${a}`])
    }
    nodeObjects.delete('here')
    await proxy.settled()
    assert.deepEqual(await many(24, () => call('a', '10.96.1.9', 80)), [`b ${a}`, `c ${a}`])
  })

  test('a service without endpoints, a wrong port and an unused address refuse at once', async () => {
    await put('none', { clusterIP: '10.96.1.3', type: 'NodePort', ports: [{ port: 80, nodePort: 30003 }] }, [])
    for (const from of ['a', 'node', 'x']) {
      assert.equal(await call(from, '10.96.1.3', 80), 'refused', from)
      assert.equal(await call(from, node, 30003), 'refused', from)
    }
    assert.equal(await call('node', '10.96.1.3', 80, 'udp'), 'refused')
    assert.equal(await call('a', '10.96.1.1', 81), 'refused')
    assert.equal(await call('a', '10.111.255.254', 80), 'refused')
    assert.equal(await call('node', '10.111.255.254', 80), 'refused')
  })

  test('a node port answers on every address of the node and on loopback', async () => {
    await put('np', { clusterIP: '10.96.1.4', type: 'NodePort', ports: [{ port: 80, nodePort: 30004 }] }, [b])
    assert.equal(await call('x', node, 30004), 'b 10.244.7.1', 'the client is masqueraded')
    assert.equal(await call('node', '127.0.0.1', 30004), 'b 10.244.7.1')
    assert.equal(await call('node', node, 30004), 'b 10.244.7.1')
    assert.equal(await call('a', node, 30004), 'b 10.244.7.1')
    assert.equal(await callTcp('127.0.0.1', 30004), 'b 10.244.7.1')
  })

  test('externalTrafficPolicy Local keeps the client and serves outsiders from this node only', async () => {
    const spec: ServiceSpec = {
      ...{ clusterIP: '10.96.1.5', type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 32005 },
      ...{ externalIPs: ['203.0.113.5'], ports: [{ port: 80, nodePort: 30005 }] },
    }
    await put('local', spec, [b, c], { remote: [c] })
    assert.deepEqual(await many(16, () => call('x', node, 30005)), [`b ${outsider}`])
    assert.deepEqual(await many(16, () => call('x', '203.0.113.5', 80)), [`b ${outsider}`])
    assert.deepEqual(await many(24, () => call('a', '203.0.113.5', 80)), [`b ${a}`, `c ${a}`], 'pods are served from everywhere')
    const health = await fetch('http://127.0.0.1:32005/')
    assert.deepEqual(
      [health.status, await health.json()],
      [200, { service: { namespace: 'd', name: 'local' }, localEndpoints: 1, serviceProxyHealthy: true }],
    )
    await put('local', spec, [c], { remote: [c] })
    assert.equal(await call('x', node, 30005), 'timeout', 'a node without endpoints stays silent')
    assert.equal((await fetch('http://127.0.0.1:32005/')).status, 503)
    assert.equal(await call('a', '203.0.113.5', 80), `c ${a}`)
  })

  test('internalTrafficPolicy Local serves from this node only, or not at all', async () => {
    const spec: ServiceSpec = { clusterIP: '10.96.1.6', internalTrafficPolicy: 'Local', ports: [{ port: 80 }] }
    await put('internal', spec, [b, c], { remote: [c] })
    assert.deepEqual(await many(12, () => call('a', '10.96.1.6', 80)), [`b ${a}`])
    await put('internal', spec, [c], { remote: [c] })
    assert.equal(await call('a', '10.96.1.6', 80), 'timeout')
  })

  test('a load balancer admits only its source ranges', async () => {
    const spec: ServiceSpec = {
      clusterIP: '10.96.1.7',
      type: 'LoadBalancer',
      loadBalancerSourceRanges: ['192.168.50.0/28'],
      ports: [{ port: 80 }],
    }
    const status = { loadBalancer: { ingress: [{ ip: '203.0.113.7' }] } }
    await put('ranges', spec, [b], { status })
    assert.equal(await call('x', '203.0.113.7', 80), 'b 10.244.7.1')
    await put('ranges', { ...spec, loadBalancerSourceRanges: ['192.168.60.0/24'] }, [b], { status })
    assert.equal(await call('x', '203.0.113.7', 80), 'timeout')
    assert.equal(await call('a', '10.96.1.7', 80), `b ${a}`)
  })

  test('a client with affinity stays, a restart of the proxy included, and moves when its endpoint leaves', async () => {
    const spec: ServiceSpec = {
      ...{ clusterIP: '10.96.1.8', type: 'NodePort', sessionAffinity: 'ClientIP', ports: [{ port: 80, nodePort: 30008 }] },
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 100 } },
    }
    await put('sticky', spec, [b, c])
    const [first, ...others] = await many(16, () => call('a', '10.96.1.8', 80))
    assert.deepEqual(others, [])
    assert.equal((await many(16, () => call('x', node, 30008))).length, 1)
    assert.equal((await many(16, () => call('node', '10.96.1.8', 80))).length, 1)
    await stop()
    start()
    await proxy.settled()
    assert.deepEqual(await many(16, () => call('a', '10.96.1.8', 80)), [first])
    // Another service changes: this one's clients notice nothing.
    await put('web', { clusterIP: '10.96.1.1', ports: [{ port: 80 }] }, [a])
    assert.deepEqual(await many(16, () => call('a', '10.96.1.8', 80)), [first])
    const [leaving, staying] = first!.startsWith('b') ? [b, c] : [c, b]
    await put('sticky', spec, [staying])
    assert.notEqual(await call('a', '10.96.1.8', 80), first)
    await put('sticky', spec, [leaving, staying])
    const elements = (await nftCommand().list(['map', 'ip', 'keelson', 'affinity']))!
    assert.ok(JSON.stringify(elements).includes('"timeout": 100') || JSON.stringify(elements).includes('"timeout":100'))
  })

  test('datagrams of a client move when their endpoint leaves, and flow when the first one comes', async () => {
    const spec: ServiceSpec = { clusterIP: '10.96.1.9', ports: [{ port: 53, protocol: 'UDP' }] }
    await put('dns', spec, [b])
    assert.equal(await call('a', '10.96.1.9', 53, 'udp', 40_001), `b ${a}`)
    await put('dns', spec, [c])
    assert.equal(await call('a', '10.96.1.9', 53, 'udp', 40_001), `c ${a}`)
    await put('dns', spec, [])
    assert.equal(await call('a', '10.96.1.9', 53, 'udp', 40_001), 'refused')
    await put('dns', spec, [b])
    assert.equal(await call('a', '10.96.1.9', 53, 'udp', 40_001), `b ${a}`)
  })

  test('terminating endpoints serve when no other is left', async () => {
    await put('ending', { clusterIP: '10.96.2.1', ports: [{ port: 80 }] }, [b])
    const slice = slices.get('d/ending-1')!
    slices.put({
      ...slice,
      endpoints: [{ addresses: [b], conditions: { ready: false, serving: true, terminating: true }, nodeName: 'here' }],
    })
    await proxy.settled()
    assert.equal(await call('a', '10.96.2.1', 80), `b ${a}`)
  })

  test('an address that this node answers itself is left alone', async () => {
    await put('kube-dns', { clusterIP: '10.96.0.10', ports: [{ port: 5353 }] }, [b])
    const server = await startActor({ namespace: id, name: 'local-dns', ports: [5353] })
    try {
      assert.equal(await call('a', '10.96.0.10', 5353), `local-dns ${a}`)
      assert.equal(await call('node', '10.96.0.10', 5353), `local-dns ${node}`)
    } finally {
      await server.close()
    }
  })

  test('a removed service is gone: its address refuses and its node port is free', async () => {
    await remove('np')
    assert.equal(await call('a', '10.96.1.4', 80), 'refused')
    assert.equal(await call('x', node, 30004), 'refused')
  })

  test('a range that is added later serves and refuses like the first, and leaves nothing behind when it goes', async () => {
    ranges.put({ metadata: { name: 'more' }, spec: { cidrs: ['10.200.0.0/24', 'fd00::/112'] } })
    await proxy.settled()
    await put('far', { type: 'ClusterIP', clusterIP: '10.200.0.5', clusterIPs: ['10.200.0.5'], ports: [{ port: 80, protocol: 'TCP' }] }, [
      b,
    ])
    assert.match(await call('a', '10.200.0.5', 80), /^b /)
    assert.equal(await call('a', '10.200.0.6', 80), 'refused')
    assert.match(sh('ip', 'route', 'show', 'table', 'local'), /local 10\.200\.0\.0\/24 dev lo proto 36/)
    await remove('far')
    ranges.delete('more')
    await proxy.settled()
    assert.doesNotMatch(sh('ip', 'route', 'show', 'table', 'local'), /10\.200\.0\.0/)
  })

  test('nothing of all this leaves by the uplink', () => {
    // The default route leads to the outsider, whose kernel would count what came for a cluster address.
    const inside = ['nsenter', `--net=/run/netns/${id}-x`, 'nft']
    sh(...inside, 'add table ip watch')
    sh(...inside, 'add chain ip watch wire { type filter hook prerouting priority raw; }')
    sh(...inside, 'add rule ip watch wire ip daddr { 10.96.0.0/12, 10.244.0.0/16 } counter')
    for (const address of ['10.96.1.3', '10.111.1.1', '10.96.0.10']) spawnSync('busybox', ['nc', '-w', '1', address, '9'])
    assert.match(sh('nsenter', `--net=/run/netns/${id}-x`, 'nft', 'list', 'table', 'ip', 'watch'), /counter packets 0 /)
  })

  test('a thousand services load, and one more changes, within bounds', async () => {
    const started = systemClock.monotonicMs()
    for (let i = 0; i < 1000; i++) {
      const name = `many-${i}`
      services.put({
        metadata: { name, namespace: 'd' },
        spec: { clusterIP: `10.97.${i >> 8}.${i & 255}`, ports: [{ port: 80 }] },
      } as Service)
      slices.put({
        metadata: { name: `${name}-1`, namespace: 'd', labels: { 'kubernetes.io/service-name': name } },
        ...{ addressType: 'IPv4', ports: [{ name: '', port: 8080, protocol: 'TCP' }] },
        endpoints: [a, b, c].map((address) => ({ addresses: [address], nodeName: 'here' })),
      })
    }
    await proxy.settled()
    const loadMs = systemClock.monotonicMs() - started
    assert.match(await call('a', '10.97.3.231', 80), /^[abc] /)
    const before = systemClock.monotonicMs()
    await put('many-5', { clusterIP: '10.97.0.5', ports: [{ port: 80 }] }, [b])
    const changeMs = systemClock.monotonicMs() - before
    assert.equal(await call('a', '10.97.0.5', 80), `b ${a}`)
    console.log(`1,000 services × 3 endpoints: ${loadMs.toFixed(0)} ms; a change among them: ${changeMs.toFixed(0)} ms`)
    assert.ok(loadMs < 5000 && changeMs < 1000, `${loadMs} ${changeMs}`)
  })
}
