import assert from 'node:assert/strict'
import type { ServiceSpec } from '../../src/kinds/generated/types/core-v1.ts'
import { eventually, callers, namesake, httpPort, type NetworkCase, type NetworkWorld, servers, udpPort } from './network-world.ts'

const web = { name: 'http', port: 80, targetPort: httpPort }
const selector = { app: 'server' }

/** A pod of one node, and the other node itself. */
const twoCallers = ['pod-1', 'host-2'] as const

/** Each caller reaches every server by the service's name and address, and on its node port at each node, if it has one. */
async function untilServed(world: NetworkWorld, name: string, from: readonly string[] = twoCallers): Promise<void> {
  const { clusterIP, ports } = (await world.services().get(name)).spec!
  const [{ port, nodePort }] = ports as [(typeof ports & object)[number]]
  const hosts = [clusterIP!, name].map((host) => ({ host, port }))
  const atNodes = nodePort ? world.nodes.map(({ address }) => ({ host: address, port: nodePort })) : []
  for (const caller of from) for (const call of [...hosts, ...atNodes]) await world.untilServedBy(caller, call, servers)
}

/** Whether 16 calls in a row come to one endpoint. */
async function isSticky(world: NetworkWorld, from: string, call: { host: string; port: number }): Promise<boolean> {
  const answers = new Set(await world.dial(from, { ...call, tries: 16 }))
  for (const answer of answers) assert.ok((servers as readonly string[]).includes(answer), answer)
  return answers.size === 1
}

async function affinity(world: NetworkWorld, name: string, options: { isNodePort: boolean; isSwitched: boolean }): Promise<void> {
  const { isNodePort, isSwitched } = options
  const type = isNodePort ? 'NodePort' : 'ClusterIP'
  const { spec } = await world.createService(name, { type, selector, sessionAffinity: 'ClientIP', ports: [web] })
  const call = isNodePort ? { host: world.nodes[0]!.address, port: spec!.ports![0]!.nodePort! } : { host: spec!.clusterIP!, port: 80 }
  const until = (wanted: boolean) =>
    eventually(`${name} is ${wanted ? '' : 'not '}sticky`, async () => {
      for (const from of twoCallers) if ((await isSticky(world, from, call)) !== wanted) return false
      return true
    })
  await until(true)
  if (!isSwitched) return
  await world.patchService(name, { sessionAffinity: 'None', sessionAffinityConfig: null })
  await until(false)
  await world.patchService(name, { sessionAffinity: 'ClientIP' })
  await until(true)
}

/** From one type to another, and what of it is left in DNS. */
async function changeType(
  world: NetworkWorld,
  name: string,
  spec: ServiceSpec,
  changed: Parameters<NetworkWorld['patchService']>[1],
): Promise<void> {
  await world.createService(name, spec)
  if (spec.type !== 'ExternalName') await untilServed(world, name)
  await world.patchService(name, changed)
  if (changed.type !== 'ExternalName') return untilServed(world, name)
  await eventually(`${name} is another name now`, async () => {
    const answer = await world.resolve('pod-1', `${name}.default.svc.cluster.local`, 'CNAME')
    return Array.isArray(answer) && answer[0] === changed.externalName
  })
}

const outside: ServiceSpec = { type: 'ExternalName', externalName: 'example.com' }
const toOutside = { type: 'ExternalName', externalName: 'other.default.svc.cluster.local', clusterIP: null, clusterIPs: null }

export const serviceCases: readonly NetworkCase[] = [
  {
    title: 'Services should be able to change the type from ExternalName to ClusterIP',
    run: (world) => changeType(world, 'to-cluster', outside, { type: 'ClusterIP', externalName: null, selector, ports: [web] }),
  },
  {
    title: 'Services should be able to change the type from ExternalName to NodePort',
    run: (world) => changeType(world, 'to-node-port', outside, { type: 'NodePort', externalName: null, selector, ports: [web] }),
  },
  {
    title: 'Services should be able to change the type from ClusterIP to ExternalName',
    run: (world) => changeType(world, 'from-cluster', { selector, ports: [web] }, toOutside),
  },
  {
    title: 'Services should be able to change the type from NodePort to ExternalName',
    run: (world) => changeType(world, 'from-node-port', { type: 'NodePort', selector, ports: [web] }, toOutside),
  },
  {
    title: 'Services should be able to create a functioning NodePort service',
    run: async (world) => {
      const { spec } = await world.createService('functioning', { type: 'NodePort', selector, ports: [web] })
      await untilServed(world, 'functioning', callers)
      // From the machine outside of the nodes, too.
      const answer = await fetch(`http://${world.nodes[1]!.address}:${spec!.ports![0]!.nodePort}/hostname`)
      assert.match(await answer.text(), /^server-\d$/)
    },
  },
  ...(['NodePort', 'ClusterIP'] as const).flatMap((type): NetworkCase[] => {
    const isNodePort = type === 'NodePort'
    const what = isNodePort ? 'NodePort service' : 'service with type clusterIP'
    return [
      {
        title: `Services should have session affinity work for ${what}`,
        run: (world) => affinity(world, `sticky-${type.toLowerCase()}`, { isNodePort, isSwitched: false }),
      },
      {
        title: `Services should be able to switch session affinity for ${what}`,
        run: (world) => affinity(world, `switched-${type.toLowerCase()}`, { isNodePort, isSwitched: true }),
      },
    ]
  }),
  {
    title: 'Services should serve a basic endpoint from pods',
    run: async (world) => {
      const { clusterIP } = (await world.createService('basic', { selector: { set: 'basic' }, ports: [web] })).spec!
      const call = { host: clusterIP!, port: 80 }
      await world.untilServedBy('pod-1', call, ['ECONNREFUSED'])
      const add = async (name: string) => {
        await world.createPod(name, { containers: [namesake(httpPort)] }, { labels: { set: 'basic' } })
        await world.untilReady(name)
      }
      await add('basic-1')
      await world.untilServedBy('pod-2', call, ['basic-1'])
      await add('basic-2')
      await world.untilServedBy('pod-1', call, ['basic-1', 'basic-2'])
      await world.pods().delete('basic-1')
      await world.untilServedBy('pod-1', call, ['basic-2'])
      await world.pods().delete('basic-2')
      await world.untilServedBy('pod-2', call, ['ECONNREFUSED'])
    },
  },
  {
    title: 'Services should serve multiport endpoints from pods',
    run: async (world) => {
      const ports = [
        { name: 'one', port: 80, targetPort: 'first' },
        { name: 'two', port: 81, targetPort: 'second' },
      ]
      const { clusterIP } = (await world.createService('multiport', { selector: { set: 'multiport' }, ports })).spec!
      const serve = (name: string, port: number, portName: string) => {
        const serving = { ...namesake(port), ports: [{ name: portName, containerPort: port }] }
        return world.createPod(name, { containers: [serving] }, { labels: { set: 'multiport' } })
      }
      await Promise.all([serve('multiport-1', 100, 'first'), serve('multiport-2', 101, 'second')])
      await world.untilServedBy('pod-1', { host: clusterIP!, port: 80 }, ['multiport-1'])
      await world.untilServedBy('pod-2', { host: clusterIP!, port: 81 }, ['multiport-2'])
      await world.pods().delete('multiport-1')
      await world.untilServedBy('pod-1', { host: clusterIP!, port: 80 }, ['ECONNREFUSED'])
      await world.untilServedBy('pod-1', { host: clusterIP!, port: 81 }, ['multiport-2'])
    },
  },
  {
    title: 'Services should serve endpoints on same port and different protocols',
    run: async (world) => {
      const tcp = { name: 'tcp', port: 80, protocol: 'TCP' as const, targetPort: httpPort }
      const udp = { name: 'udp', port: 80, protocol: 'UDP' as const, targetPort: udpPort }
      const { clusterIP } = (await world.createService('protocols', { selector, ports: [tcp, udp] })).spec!
      const call = { host: clusterIP!, port: 80 }
      for (const from of twoCallers)
        for (const protocol of ['http', 'udp'] as const) await world.untilServedBy(from, { ...call, protocol }, servers)
      await world.patchService('protocols', { ports: [tcp] })
      // One datagram a look: the kernel tells a caller once a second that nobody listens.
      await world.untilServedBy('pod-1', { ...call, protocol: 'udp', tries: 1 }, ['ECONNREFUSED'])
      await world.untilServedBy('pod-1', call, servers)
      await world.patchService('protocols', { ports: [udp] })
      await world.untilServedBy('pod-2', call, ['ECONNREFUSED'])
      // One flow of datagrams that went on all the time finds an endpoint again, and stays with it.
      await eventually('one flow has one endpoint', async () => {
        const answers = await world.dial('pod-2', { ...call, protocol: 'udp', localPort: 40_001, tries: 6 })
        return (servers as readonly string[]).includes(answers[0]!) && new Set(answers).size === 1
      })
    },
  },
  {
    title: 'EndpointSlice should support a Service with multiple endpoint IPs specified in multiple EndpointSlices',
    run: async (world) => {
      const { clusterIP } = (await world.createService('by-hand', { ports: [web] })).spec!
      const addresses = await Promise.all(servers.map(async (name) => (await world.pods().get(name)).status!.podIP!))
      const slice = (name: string, own: readonly string[]) =>
        world.createSlice('by-hand', name, {
          ports: [{ name: 'http', port: httpPort }],
          endpoints: own.map((address) => ({ addresses: [address] })),
        })
      await slice('by-hand-1', addresses.slice(0, 1))
      await slice('by-hand-2', addresses.slice(1))
      for (const from of callers) await world.untilServedBy(from, { host: clusterIP!, port: 80 }, servers)
    },
  },
  {
    title: 'EndpointSlice should support a Service with multiple ports specified in multiple EndpointSlices',
    run: async (world) => {
      const second = { name: 'second', port: 81 }
      const { clusterIP } = (await world.createService('two-slices', { ports: [web, second] })).spec!
      const address = async (pod: string) => [{ addresses: [(await world.pods().get(pod)).status!.podIP!] }]
      await world.createSlice('two-slices', 'two-slices-1', {
        ports: [{ name: 'http', port: httpPort }],
        endpoints: await address('server-1'),
      })
      await world.createSlice('two-slices', 'two-slices-2', {
        ports: [{ name: 'second', port: httpPort }],
        endpoints: await address('server-3'),
      })
      for (const from of twoCallers) {
        await world.untilServedBy(from, { host: clusterIP!, port: 80 }, ['server-1'])
        await world.untilServedBy(from, { host: clusterIP!, port: 81 }, ['server-3'])
      }
    },
  },
]
