// Three real nodes on one machine: the shop spread over them, a node lost and back, and restarts that nobody notices.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { serveShop } from '../../examples/shop/images.ts'
import type { TestRegistry } from '../../scripts/images/registry.ts'
import { registryName } from '../../scripts/images/serve-images.ts'
import { eventually, startCluster, type TestCluster } from './cluster.ts'

type Condition = { type: string; status: string }
type PodItem = {
  metadata: { name: string; uid: string; deletionTimestamp?: string }
  spec: { nodeName: string }
  status: { podIP: string; phase: string; conditions?: Condition[]; containerStatuses?: { containerID: string; restartCount: number }[] }
}

/** Another network than the default: the agents learn it from the server. */
const network = ['--cluster-cidr', '172.20.0.0/16', '--service-cluster-ip-range', '172.21.0.0/16', '--cluster-domain', 'lab.example']
const registration = [
  '--node-labels',
  'disk=ssd',
  '--register-with-taints',
  'lab=yes:PreferNoSchedule',
  '--max-pods',
  '100',
  '--system-reserved',
  'memory=256Mi',
]
let cluster: TestCluster
let registry: TestRegistry
let addresses: string[]

before(async () => {
  cluster = await startCluster({
    runtime: 'containerd',
    nodes: 3,
    flags: [...network, ...registration, '--node-monitor-grace-period', '20s'],
  })
  const nodes = await json<{ items: { status: { addresses: { type: string; address: string }[] } }[] }>(['get', 'nodes'])
  addresses = nodes.items.map((n) => n.status.addresses.find((a) => a.type === 'InternalIP')!.address)
  // The nodes reach the machine, and so the registry, by the first address of their network.
  registry = await serveShop({ listen: addresses[0]!.replace(/\d+$/, '1'), port: 0, dataDir: cluster.dataDir })
})

after(async () => {
  await cluster?.down()
  await registry?.close()
})

const json = async <T>(args: readonly string[]) => JSON.parse((await cluster.kubectl([...args, '-o', 'json'])).stdout) as T
const podsOf = async (app: string) => (await json<{ items: PodItem[] }>(['get', 'pods', '-l', `app=${app}`])).items
const livePods = async (app: string) => (await podsOf(app)).filter((p) => !p.metadata.deletionTimestamp)
const isReady = (pod: PodItem) => pod.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false

const shortToleration = (key: string) => ({
  key: `node.kubernetes.io/${key}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 3,
})
const web = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: {
      metadata: { labels: { app: 'web' } },
      spec: {
        terminationGracePeriodSeconds: 5,
        tolerations: [shortToleration('not-ready'), shortToleration('unreachable')],
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'kubernetes.io/hostname',
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: { matchLabels: { app: 'web' } },
          },
        ],
        containers: [
          {
            name: 'web',
            image: `${registryName}/shop:1`,
            command: ['sh', '-c', 'mkdir -p /www && echo $(hostname) > /www/index.html && exec httpd -f -p 8080 -h /www'],
            readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
          },
        ],
      },
    },
  },
}
const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web' },
  spec: { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080, nodePort: 30180 }] },
}

const ask = async (address: string) =>
  (await (await fetch(`http://${address}:30180/`, { signal: AbortSignal.timeout(3000) })).text()).trim()

test('an application spreads over the nodes and answers on every one of them', async () => {
  for (const object of [web, service]) await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(object) })
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=120s'])
  const pods = await livePods('web')
  assert.equal(new Set(pods.map((p) => p.spec.nodeName)).size, 3)
  for (const address of addresses) assert.match(await ask(address), /^web-/)
})

test('the shop spreads over the nodes and works across them', async () => {
  await cluster.kubectl(['apply', '-f', 'examples/shop/shop.yaml'])
  for (const name of ['catalog', 'orders', 'front']) await cluster.kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=120s'])
  const pods = (await json<{ items: PodItem[] }>(['get', 'pods', '-l', 'app.kubernetes.io/part-of=shop'])).items
  assert.equal(new Set(pods.map((p) => p.spec.nodeName)).size, 3)
  for (const address of addresses) {
    const response = await fetch(`http://${address}:30080/buy`, {
      method: 'POST',
      body: JSON.stringify({ product: 'oak' }),
      signal: AbortSignal.timeout(5000),
    })
    assert.equal(response.status, 201)
  }
  await cluster.kubectl(['delete', '-f', 'examples/shop/shop.yaml', '--wait=true', '--timeout=60s'])
})

test('the nodes are registered as the flags say', async () => {
  type Listed = {
    metadata: { labels: Record<string, string> }
    spec: { taints?: { key: string; value?: string; effect: string }[] }
    status: { capacity: Record<string, string>; allocatable: Record<string, string> }
  }
  const { items } = await json<{ items: Listed[] }>(['get', 'nodes'])
  for (const { metadata, spec, status } of items) {
    assert.equal(metadata.labels.disk, 'ssd')
    assert.deepEqual(
      spec.taints?.filter(({ key }) => key === 'lab'),
      [{ key: 'lab', value: 'yes', effect: 'PreferNoSchedule' }],
    )
    assert.equal(status.allocatable.pods, '100')
    const kib = (text: string | undefined) => Number(text?.replace(/Ki$/, ''))
    assert.equal(kib(status.capacity.memory) - kib(status.allocatable.memory), (256 + 100) * 1024)
  }
})

test('pods reach one another, services and names from every node', async () => {
  const pods = await livePods('web')
  for (const from of pods) {
    for (const target of [...pods.filter((p) => p !== from).map((p) => `${p.status.podIP}:8080`), 'web', 'web.default.svc.lab.example']) {
      const { stdout } = await cluster.kubectl(['exec', from.metadata.name, '--', 'wget', '-qO-', `http://${target}/`], {
        timeoutMs: 20_000,
      })
      assert.match(stdout, /^web-/, `${from.spec.nodeName} → ${target}`)
    }
  }
})

test('a pod reaches the API by its service address with its own token', async () => {
  const [pod] = await livePods('web')
  const script =
    'const fs=require("fs"),d="/var/run/secrets/kubernetes.io/serviceaccount";process.env.NODE_EXTRA_CA_CERTS;require("https").get({host:process.env.KUBERNETES_SERVICE_HOST,port:443,path:"/api",ca:fs.readFileSync(d+"/ca.crt"),headers:{authorization:"Bearer "+fs.readFileSync(d+"/token")}},r=>{console.log(r.statusCode);r.resume()})'
  const { stdout } = await cluster.kubectl(['exec', pod!.metadata.name, '--', 'node', '-e', script])
  assert.equal(stdout.trim(), '200')
})

test('an agent that is killed and comes back at once disturbs no container', async () => {
  const before = await containersByPod()
  killAgent('node-1')
  await cluster.keelson(['up'])
  await eventually('the agent reports again', async () => (await livePods('web')).every(isReady))
  assert.deepEqual(await containersByPod(), before)
})

test('a server that is killed and comes back disturbs no container', async () => {
  const before = await containersByPod()
  process.kill(state().server.pid, 'SIGKILL')
  await cluster.keelson(['up'])
  await eventually('the API knows the pods as they were', async () => (await livePods('web')).every(isReady))
  assert.deepEqual(await containersByPod(), before)
  for (const address of addresses) assert.match(await ask(address), /^web-/)
})

test('a node whose agent is gone loses its pods to the others after their toleration, and comes back clean', async () => {
  const lost = (await livePods('web')).find((p) => p.spec.nodeName === 'node-2')!
  killAgent('node-2')
  await eventually(
    'the node is not ready',
    async () => (await cluster.kubectl(['get', 'node', 'node-2'])).stdout.includes('NotReady'),
    90_000,
  )
  await eventually(
    'three pods are ready elsewhere',
    async () => {
      const live = (await livePods('web')).filter(isReady)
      return live.length === 3 && live.every((p) => p.spec.nodeName !== 'node-2')
    },
    60_000,
  )
  for (const address of addresses.filter((_, i) => i !== 1)) assert.match(await ask(address), /^web-/)
  await cluster.keelson(['up'])
  await eventually('the lost pod is gone for good', async () => (await podsOf('web')).every((p) => p.metadata.uid !== lost.metadata.uid))
  await eventually('the node takes pods again', async () => {
    const node = await json<{ spec: { taints?: { key: string }[] }; status: { conditions: Condition[] } }>(['get', 'node', 'node-2'])
    return (
      (node.spec.taints ?? []).every(({ key }) => key === 'lab') &&
      node.status.conditions.some((c) => c.type === 'Ready' && c.status === 'True')
    )
  })
  await cluster.kubectl(['scale', 'deployment/web', '--replicas=4'])
  await eventually('the new pod runs on it', async () => (await livePods('web')).some((p) => p.spec.nodeName === 'node-2' && isReady(p)))
})

test("down of what is down already says so, also when the machine was started anew and the nodes' networks are gone", async () => {
  await cluster.keelson(['down'])
  await cluster.keelson(['down'])
  const nameFile = join(cluster.dataDir, 'nodes/node-2/node-name')
  writeFileSync(nameFile, 'node-2')
  await cluster.keelson(['down'])
  assert.equal(existsSync(nameFile), false)
})

async function containersByPod(): Promise<Record<string, string>> {
  const pods = await livePods('web')
  return Object.fromEntries(
    pods.map((p) => [
      p.metadata.name,
      `${p.status.containerStatuses?.[0]?.containerID} ${p.status.containerStatuses?.[0]?.restartCount} ${p.status.podIP}`,
    ]),
  )
}

type State = { server: { pid: number }; agents: { nodeName: string; pid: number }[] }

function state(): State {
  return JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')) as State
}

function killAgent(nodeName: string): void {
  process.kill(state().agents.find((a) => a.nodeName === nodeName)!.pid, 'SIGKILL')
}
