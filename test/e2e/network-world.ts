import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { nodeImage } from '../../scripts/images/node.ts'
import { registryName, serveImages } from '../../scripts/images/serve-images.ts'
import { kindRefs } from '../../src/client/generated/kind-refs.ts'
import { clientFromKubeconfig } from '../../src/client/kubeconfig.ts'
import type { KubeObject } from '../../src/client/types.ts'
import type { Container, Pod, PodSpec, Service, ServiceSpec } from '../../src/kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../src/kinds/generated/types/discovery-v1.ts'
import type { KindRef } from '../../src/kinds/kind.ts'
import { eventually as within, startCluster, type TestCluster } from './cluster.ts'

/**
 * Two nodes with pods that call and are called. Every test has names of its own and leaves the pods of the world as they are, so that
 * many of them run at the same time.
 */
export type NetworkWorld = Awaited<ReturnType<typeof startNetworkWorld>>
export type NetworkCase = { readonly title: string; readonly run: (world: NetworkWorld) => Promise<void> }

export const image = `${registryName}/network:1`
/** Where the server of a pod answers. */
export const httpPort = 8080
export const udpPort = 8081
/** Where those do that are on their node's own network. */
export const nodeHttpPort = 18_080

/** Pods that serve; the first two share a node. All have the label `app: server`. */
export const servers = ['server-1', 'server-2', 'server-3'] as const
/** Pods that call: one on each node, and one on each node's own network. */
export const callers = ['pod-1', 'pod-2', 'host-1', 'host-2'] as const

/** However slow the machine is. */
const limitMs = 180_000
export const eventually = <T>(what: string, condition: () => Promise<T | undefined | false>) => within(what, condition, limitMs)

export type Dial = {
  readonly host: string
  readonly port: number
  readonly protocol?: 'http' | 'udp'
  readonly path?: string
  readonly tries?: number
  /** UDP: the same one makes it the same flow. */
  readonly localPort?: number
  /** HTTP: the address to call from. */
  readonly from?: string
}

export async function startNetworkWorld() {
  const cluster = await startCluster({ runtime: 'containerd', nodes: 2 })
  const { client } = clientFromKubeconfig({ paths: [cluster.kubeconfig] })
  const nodes = (await client.resource(kindRefs.coreV1.nodes).list()).items.map(({ metadata, status }) => ({
    name: metadata.name!,
    address: status!.addresses!.find(({ type }) => type === 'InternalIP')!.address,
  }))
  // The nodes reach the machine, and so the registry, by the first address of their network.
  const registry = await serveNetworkImage(cluster, nodes[0]!.address.replace(/\d+$/, '1'))
  const tools = worldTools(client)
  const close = async () => {
    client.close()
    await cluster.down()
    await registry.close()
  }
  try {
    await createPods(tools, nodes as [NodeOfWorld, NodeOfWorld])
  } catch (error) {
    await close()
    throw error
  }
  return { cluster, client, nodes, ...tools, close }
}

type NodeOfWorld = { readonly name: string; readonly address: string }

function serveNetworkImage({ dataDir }: TestCluster, listen: string) {
  const content = readFileSync(new URL('./network-server.ts', import.meta.url))
  const files = [
    { type: 'directory' as const, path: 'network', mode: 0o755 },
    { type: 'file' as const, path: 'network/server.ts', mode: 0o644, content },
  ]
  const env = ['NODE_EXTRA_CA_CERTS=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt', `HTTP_PORTS=${httpPort}`, `UDP_PORTS=${udpPort}`]
  const packed = nodeImage({ files, cmd: ['/network/server.ts'], env })
  return serveImages({ listen, port: 0, dataDir }, [{ repository: 'network', tag: '1', image: packed }])
}

async function createPods(
  { createPod, untilReady }: ReturnType<typeof worldTools>,
  [near, far]: [NodeOfWorld, NodeOfWorld],
): Promise<void> {
  const server = (name: string, { name: nodeName }: NodeOfWorld) => createPod(name, { nodeName }, { labels: { app: 'server' } })
  const onHost = (name: string, { name: nodeName }: NodeOfWorld) => {
    const env = environment({ HTTP_PORTS: String(nodeHttpPort), UDP_PORTS: '' })
    const readinessProbe = { tcpSocket: { port: nodeHttpPort }, periodSeconds: 1 }
    const containers = [{ ...container, env, readinessProbe }]
    return createPod(name, { nodeName, hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet', containers })
  }
  await Promise.all([
    server('server-1', near),
    server('server-2', near),
    server('server-3', far),
    createPod('pod-1', { nodeName: near.name }),
    createPod('pod-2', { nodeName: far.name }),
    onHost('host-1', near),
    onHost('host-2', far),
  ])
  await Promise.all([...servers, ...callers].map((name) => untilReady(name)))
}

/** A pod's container that only says its name and shows its files, at `port`. */
export const namesake = (port: number): Container => ({
  name: 'main',
  image,
  command: ['/bin/sh', '-c', `hostname > /hostname && exec httpd -f -p ${port} -h /`],
  ports: [{ name: 'http', containerPort: port }],
  readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
})

/** The one container of a pod of these tests; ready when it answers. */
export const container: Container = { name: 'main', image, readinessProbe: { tcpSocket: { port: httpPort }, periodSeconds: 1 } }

export const environment = (variables: Readonly<Record<string, string>>) =>
  Object.entries(variables).map(([name, value]) => ({ name, value }))

function worldTools(client: ReturnType<typeof clientFromKubeconfig>['client']) {
  const resource = <T extends KubeObject>(kind: KindRef<T>) => client.resource(kind, 'default')
  const pods = () => resource(kindRefs.coreV1.pods)
  const services = () => resource(kindRefs.coreV1.services)
  /** What comes back through the API server's proxy of a pod or a service. */
  const proxied = async (path: string, method = 'GET') => {
    const { code, headers, body } = await client.raw({ method, path: `/api/v1/namespaces/default/${path}` })
    const blocks: Uint8Array[] = []
    for await (const block of body) blocks.push(block)
    return { code, headers, text: Buffer.concat(blocks).toString() }
  }
  /** Asks the server in a pod. */
  const ask = async (pod: string, path: string, query: Readonly<Record<string, string>> = {}) => {
    const port = pod.startsWith('host-') ? nodeHttpPort : httpPort
    const { code, text } = await proxied(`pods/${pod}:${port}/proxy${path}?${new URLSearchParams(query).toString()}`)
    assert.equal(code, 200, text)
    return text.trim()
  }
  /** What calls from a pod get: names of servers, or what went wrong. */
  const dial = async (from: string, call: Dial) => {
    const query = Object.entries(call).map(([key, value]) => [key, String(value)])
    const answers = JSON.parse(await ask(from, '/dial', Object.fromEntries(query) as Record<string, string>)) as string[]
    return answers.map((answer) => answer.trim())
  }
  return {
    ...{ pods, services, resource, proxied, ask, dial },
    createPod: (name: string, spec: Partial<PodSpec> = {}, metadata: Pod['metadata'] = {}) =>
      pods().create({
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, ...metadata },
        spec: { terminationGracePeriodSeconds: 0, containers: [container], ...spec },
      }),
    createService: (name: string, spec: ServiceSpec) => services().create({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec }),
    createSlice: (service: string, name: string, slice: Pick<EndpointSlice, 'endpoints' | 'ports'>) =>
      resource(kindRefs.discoveryV1.endpointSlices).create({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name, labels: { 'kubernetes.io/service-name': service } },
        addressType: 'IPv4',
        ...slice,
      }),
    patchService: (name: string, spec: Partial<Record<keyof ServiceSpec, unknown>>): Promise<Service> =>
      services().patch(name, { type: 'merge', body: { spec } }),
    untilReady: (name: string): Promise<Pod> =>
      eventually(`${name} is ready`, async () => {
        const pod = await pods().get(name)
        return pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') && pod
      }),
    /** Calls until every one of `expected`, and nobody else, has answered in one round. */
    untilServedBy: (from: string, call: Dial, expected: readonly string[]) =>
      eventually(`${from} is served by ${expected.join(', ')} at ${call.host}:${call.port}`, async () => {
        const answered = [...new Set(await dial(from, { tries: 4 * expected.length, ...call }))].sort()
        assert.deepEqual(answered, [...expected].sort())
        return true
      }),
    resolve: async (from: string, name: string, type: string): Promise<unknown> => {
      const text = await ask(from, '/resolve', { name, type })
      return text.startsWith('[') ? (JSON.parse(text) as unknown) : text
    },
    /** As any program would find it: by /etc/hosts, search list and name server. */
    lookup: (from: string, name: string) => ask(from, '/lookup', { name }),
  }
}
