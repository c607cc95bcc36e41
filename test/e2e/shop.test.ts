// The example application on real containers, driven by the stock kubectl, from apply to nothing left.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { serveShop } from '../../examples/shop/images.ts'
import type { TestRegistry } from '../../scripts/images/registry.ts'
import { nodePaths } from '../../src/roles/node/node-paths.ts'
import { eventually, startCluster, type TestCluster } from './cluster.ts'

const manifest = 'examples/shop/shop.yaml'
const nodePort = 30080
let cluster: TestCluster
let registry: TestRegistry

before(async () => {
  cluster = await startCluster({ runtime: 'containerd' })
  registry = await serveShop({ listen: '127.0.0.1', port: 0, dataDir: cluster.dataDir })
})

after(async () => {
  await cluster?.down()
  await registry?.close()
})

const front = (path: string, init?: RequestInit) =>
  fetch(`http://127.0.0.1:${nodePort}${path}`, { ...init, signal: AbortSignal.timeout(5000) })
const json = async <T>(args: readonly string[]) => JSON.parse((await cluster.kubectl([...args, '-o', 'json'])).stdout) as T
type PodItem = {
  metadata: { name: string; deletionTimestamp?: string }
  status: {
    podIP?: string
    phase: string
    conditions?: { type: string; status: string; reason?: string }[]
    containerStatuses?: { restartCount: number; ready: boolean }[]
  }
}
const podsOf = async (name: string) => (await json<{ items: PodItem[] }>(['get', 'pods', '-l', `app.kubernetes.io/name=${name}`])).items
const onePod = async (name: string) => (await podsOf(name)).find((p) => !p.metadata.deletionTimestamp)!

test('the shop is applied and every Deployment rolls out', async () => {
  await cluster.kubectl(['apply', '-f', manifest])
  for (const name of ['catalog', 'orders', 'front']) await cluster.kubectl(['rollout', 'status', `deployment/${name}`, '--timeout=120s'])
  const table = (await cluster.kubectl(['get', 'deployments'])).stdout
  assert.match(table, /front +2\/2 +2 +2/)
})

test('it answers on the node port, finds its services by DNS, and takes an order with the token of the Secret', async () => {
  const shop = (await (await front('/')).json()) as { version: string; products: unknown[] }
  assert.equal(shop.version, '1')
  assert.equal(shop.products.length, 2)
  const bought = await front('/buy', { method: 'POST', body: JSON.stringify({ product: 'oak' }) })
  assert.equal(bought.status, 201)
  assert.equal(((await bought.json()) as { number: number }).number, 1)
})

test('it answers on the cluster address, from the node and from a pod, by every form of its name', async () => {
  const service = await json<{ spec: { clusterIP: string } }>(['get', 'service', 'front'])
  const response = await fetch(`http://${service.spec.clusterIP}/version`, { signal: AbortSignal.timeout(5000) })
  assert.equal(response.status, 200)
  const pod = (await onePod('catalog')).metadata.name
  for (const host of ['front', 'front.default', 'front.default.svc.cluster.local', service.spec.clusterIP]) {
    const { stdout } = await cluster.kubectl(['exec', pod, '--', 'wget', '-qO-', `http://${host}/version`], { timeoutMs: 20_000 })
    assert.match(stdout, /"version":"1"/, host)
  }
})

test('a changed ConfigMap reaches the running pods', async () => {
  const patch = JSON.stringify({ data: { 'products.json': '[{"id":"elm","title":"Elm","price":1}]' } })
  await cluster.kubectl(['patch', 'configmap', 'products', '--type=merge', '-p', patch])
  await eventually(
    'the front shows the new product',
    async () => ((await (await front('/')).json()) as { products: { id: string }[] }).products[0]?.id === 'elm',
  )
})

test('an update fails no request under load, and a rollback brings the old version back', async () => {
  const load = startLoad()
  await cluster.kubectl(['set', 'image', 'deployment/front', 'front=registry.keelson.test/shop:2'])
  await cluster.kubectl(['rollout', 'status', 'deployment/front', '--timeout=120s'])
  const { requests, failures } = await load.stop()
  assert.deepEqual(failures, [])
  assert(requests > 20, `only ${requests} requests were made`)
  await eventually(
    'every answer comes from version 2',
    async () => ((await (await front('/version')).json()) as { version: string }).version === '2',
  )
  await cluster.kubectl(['rollout', 'undo', 'deployment/front'])
  await cluster.kubectl(['rollout', 'status', 'deployment/front', '--timeout=120s'])
  await eventually('version 1 answers again', async () => ((await (await front('/version')).json()) as { version: string }).version === '1')
  const history = (await cluster.kubectl(['rollout', 'history', 'deployment/front'])).stdout
  assert.match(history, /^3 /m)
})

test('it scales out and in', async () => {
  await cluster.kubectl(['scale', 'deployment/front', '--replicas=4'])
  await cluster.kubectl(['rollout', 'status', 'deployment/front', '--timeout=120s'])
  assert.equal((await podsOf('front')).filter((p) => !p.metadata.deletionTimestamp).length, 4)
  await cluster.kubectl(['scale', 'deployment/front', '--replicas=2'])
  await eventually('two pods are left', async () => (await podsOf('front')).length === 2)
})

test('a container that ends is restarted in its pod, and its emptyDir stays', async () => {
  const { name } = (await onePod('orders')).metadata
  await cluster.kubectl(['exec', name, '--', 'sh', '-c', 'kill -TERM 1'])
  await eventually('the container runs again', async () => {
    const status = (await onePod('orders')).status.containerStatuses?.[0]
    return status?.restartCount === 1 && status.ready
  })
  const { stdout } = await cluster.kubectl(['exec', name, '--', 'cat', '/data/orders.jsonl'])
  assert.match(stdout, /"product":"oak"/)
})

test('exec pipes standard input to its end, and gives the exit code', async () => {
  const pod = (await onePod('catalog')).metadata.name
  const input = `${'keelson '.repeat(20_000)}\n`
  const echoed = await cluster.kubectl(['exec', '-i', pod, '--', 'cat'], { input })
  assert.equal(echoed.stdout, input)
  const failed = await cluster.kubectl(['exec', pod, '--', 'sh', '-c', 'exit 7'], { mayFail: true })
  assert.equal(failed.code, 7)
})

test('logs are followed as they are written', async () => {
  const { name } = (await onePod('front')).metadata
  assert.match((await cluster.kubectl(['logs', name])).stdout, /front listens on 8080/)
  assert.match((await cluster.keelson(['logs', name, '--tail', '1'])).stdout, /front/)
  const follower = cluster.spawnKubectl(['logs', '-f', name, '--tail=0'])
  let text = ''
  follower.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()))
  try {
    // Writing to the standard output of process 1 is what the service itself would do.
    await eventually('the new line arrives', async () => {
      await cluster.kubectl(['exec', name, '--', 'sh', '-c', 'echo a new line > /proc/1/fd/1'])
      return text.includes('a new line')
    })
  } finally {
    follower.kill()
  }
})

test('files are copied into a container and back', async () => {
  const { name } = (await onePod('orders')).metadata
  const folder = mkdtempSync(join(tmpdir(), 'keelson-cp-'))
  writeFileSync(join(folder, 'there'), 'x'.repeat(300_000))
  await cluster.kubectl(['cp', join(folder, 'there'), `${name}:/data/copy`])
  await cluster.kubectl(['cp', `${name}:/data/copy`, join(folder, 'back')])
  assert.equal(readFileSync(join(folder, 'back'), 'utf8').length, 300_000)
})

test('a port is forwarded', async () => {
  const { name } = (await onePod('front')).metadata
  const forward = cluster.spawnKubectl(['port-forward', `pod/${name}`, ':8080'])
  let text = ''
  forward.stdout!.on('data', (chunk: Buffer) => (text += chunk.toString()))
  try {
    const port = await eventually('kubectl says its port', async () => /127\.0\.0\.1:(\d+)/.exec(text)?.[1])
    for (let i = 0; i < 3; i++) {
      const response = await fetch(`http://127.0.0.1:${port}/version`, { signal: AbortSignal.timeout(5000) })
      assert.equal(response.status, 200)
      await response.text()
    }
  } finally {
    forward.kill()
  }
})

test('a pod is stopped and started in its place, keeping its address and volume', async () => {
  const before = await onePod('orders')
  await cluster.keelson(['stop', `pod/${before.metadata.name}`, '--grace-period', '3'])
  await eventually('it is stopped and out of its service', async () => {
    const ready = (await onePod('orders')).status.conditions?.find((c) => c.type === 'Ready')
    const slices = await json<{ items: { endpoints?: { conditions: { ready?: boolean } }[] }[] }>([
      'get',
      'endpointslices',
      '-l',
      'kubernetes.io/service-name=orders',
    ])
    const isOut = slices.items.every((s) => (s.endpoints ?? []).every((e) => e.conditions.ready === false))
    return ready?.status === 'False' && ready.reason === 'Stopped' && isOut
  })
  const twice = await cluster.keelson(['stop', `pod/${before.metadata.name}`], { mayFail: true })
  assert.equal(twice.code, 1)
  assert.match(twice.stderr, /Conflict/)
  await cluster.keelson(['start', `pod/${before.metadata.name}`])
  const again = await eventually('it is ready again', async () => {
    const pod = await onePod('orders')
    return pod.status.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') && pod
  })
  assert.equal(again.metadata.name, before.metadata.name)
  assert.equal(again.status.podIP, before.status.podIP)
  assert.match((await cluster.kubectl(['exec', again.metadata.name, '--', 'cat', '/data/orders.jsonl'])).stdout, /oak/)
})

test('a Deployment is stopped and started with the replicas that it had', async () => {
  await cluster.keelson(['stop', 'deployment/front'])
  await eventually('no pod is left', async () => (await podsOf('front')).length === 0)
  await cluster.keelson(['start', 'deployment/front'])
  await cluster.kubectl(['rollout', 'status', 'deployment/front', '--timeout=120s'])
  assert.equal((await podsOf('front')).length, 2)
})

test('a placed pod and one that fits nowhere are explained', async () => {
  const placed = (await cluster.keelson(['explain', (await onePod('front')).metadata.name])).stdout
  assert.match(placed, /100 ×|100 \*/)
  const huge = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'huge' },
    spec: { containers: [{ name: 'c', image: 'registry.keelson.test/shop:1', resources: { requests: { cpu: '1000' } } }] },
  }
  await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(huge) })
  const explained = await eventually('the scheduler has looked at it', async () => {
    const { stdout } = await cluster.keelson(['explain', 'huge'])
    return /Insufficient cpu/.test(stdout) && stdout
  })
  assert.match(explained, /short/)
  await cluster.kubectl(['delete', 'pod', 'huge', '--wait=true'])
})

test('after deletion nothing is left: no pod, container, cgroup, mount, interface or rule', async () => {
  const service = await json<{ spec: { clusterIP: string } }>(['get', 'service', 'front'])
  await cluster.kubectl(['delete', '-f', manifest, '--wait=true', '--timeout=120s'])
  await eventually('no pod is left', async () => (await json<{ items: unknown[] }>(['get', 'pods'])).items.length === 0)
  const paths = nodePaths(cluster.dataDir)
  await eventually(
    'nothing is left on the node',
    async () => assert.deepEqual(leftovers(paths, service.spec.clusterIP), []) ?? true,
    20_000,
  )
})

function leftovers(paths: ReturnType<typeof nodePaths>, clusterIp: string): string[] {
  const run = (file: string, ...args: string[]) => execFileSync(file, args, { encoding: 'utf8' })
  const containers = run('ctr', '--address', paths.containerdSocket, '--namespace', 'k8s.io', 'containers', 'list', '--quiet').trim()
  // One memory-backed file system for all secrets belongs to the node and stays.
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${paths.podsDir}/pods/`) || line.includes(`${paths.podsDir}/memory/`))
  const links = run('ip', '-o', 'link', 'show', 'type', 'veth')
    .split('\n')
    .filter((line) => line.includes('keelson0'))
  const rules = run('nft', 'list', 'ruleset')
    .split('\n')
    .filter((line) => line.includes(`${clusterIp} `) || line.includes(`${nodePort}`))
  const podDirs = ['pods', 'memory'].flatMap((name) =>
    existsSync(join(paths.podsDir, name)) ? readdirSync(join(paths.podsDir, name)) : [],
  )
  const cgroups = run('find', '/sys/fs/cgroup', '-type', 'd', '-path', `*${paths.cgroupRoot}/*`, '-name', 'pod*').trim()
  return [
    ...(containers ? [`containers: ${containers}`] : []),
    ...mounts,
    ...links,
    ...rules,
    ...podDirs,
    ...(cgroups ? [`cgroups: ${cgroups}`] : []),
  ]
}

/** Two clients, one request after the other, until stopped. */
function startLoad(): { stop(): Promise<{ requests: number; failures: string[] }> } {
  let isStopping = false
  let requests = 0
  const failures: string[] = []
  const client = async () => {
    while (!isStopping) {
      requests++
      try {
        const response = await front('/version')
        if (response.status !== 200) failures.push(`status ${response.status}`)
        await response.text()
      } catch (error) {
        failures.push(String((error as Error).cause ?? error))
      }
    }
  }
  const running = Promise.all([client(), client()])
  return {
    stop: async () => {
      isStopping = true
      await running
      return { requests, failures }
    },
  }
}
