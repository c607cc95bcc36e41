import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { duplexPair } from 'node:stream'
import { after, before, test } from 'node:test'
import { WebSocket } from 'ws'
import { type Cluster, startCluster } from './embedded.ts'

let cluster: Cluster

before(async () => {
  const fast = { runSandbox: 0, create: 0, start: 0, stop: 0, pull: 0 }
  cluster = await startCluster({ nodes: 60, runtime: { times: fast } })
  const pods = cluster.clientset.coreV1().pods('default')
  const command = ['sh', '-c', 'echo hello; sleep 600']
  const spec = { containers: [{ name: 'app', image: 'busybox', command }], nodeName: 'node-57' }
  await cluster.clientset
    .coreV1()
    .serviceAccounts('default')
    .create({ metadata: { name: 'default' } })
    .catch(() => {})
  await pods.create({ metadata: { name: 'web' }, spec })
  for await (const event of pods.watch({ signal: AbortSignal.timeout(20_000) }))
    if (event.type !== 'BOOKMARK' && event.object.status?.phase === 'Running') break
})
after(() => cluster.close())

const podPath = '/api/v1/namespaces/default/pods/web'

async function answerOf(path: string): Promise<{ code: number; text: string }> {
  const { code, body } = await cluster.client.raw({ method: 'GET', path })
  let text = ''
  for await (const chunk of body) text += Buffer.from(chunk).toString()
  return { code, text }
}

/** A WebSocket through the API server's own upgrade handler, over pipes in memory. */
async function open(path: string, protocol: string): Promise<WebSocket> {
  const { api } = cluster.controlPlane
  const server = createServer()
  server.on('upgrade', (request, socket, head) => {
    const sent = {
      method: 'GET',
      url: request.url!,
      headers: request.headers,
      body: undefined,
      credentials: { clientCertificate: { commonName: 'admin', organizations: ['system:masters'] }, bearerToken: undefined },
      remoteAddress: '',
      signal: AbortSignal.timeout(10_000),
    }
    void api.upgrade(sent, socket, head)
  })
  const [near, far] = duplexPair()
  server.emit('connection', far)
  const socket = new WebSocket(`ws://api${path}`, [protocol], { createConnection: () => near as never })
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  return socket
}

function check(name: string, path: string, wanted: { code: number; text: RegExp }): void {
  test(name, async () => {
    const { code, text } = await answerOf(path)
    assert.equal(code, wanted.code, text)
    assert.match(text, wanted.text)
  })
}

check('logs come from the simulated engine', `${podPath}/log`, { code: 200, text: /^hello\n$/ })
check('a container that is not there is named', `${podPath}/log?container=none`, {
  code: 400,
  text: /container none is not valid for pod web/,
})
check('a previous end that never was is told', `${podPath}/log?previous=true`, {
  code: 400,
  text: /previous terminated container \\"app\\" in pod \\"web\\" not found/,
})
check("the node's own API answers through the proxy", '/api/v1/nodes/node-57/proxy/pods', { code: 200, text: /"name":"web"/ })
check("each node's own", '/api/v1/nodes/node-1/proxy/pods', { code: 200, text: /"items":\[\]/ })
check('what the pod itself would serve is not there, and this is told', `${podPath}/proxy/`, {
  code: 503,
  text: /simulated pods have no network/,
})

check("every loop's queue is measured", '/metrics', { code: 200, text: /workqueue_adds_total\{name="replicaset"\} \d/ })
check("the scheduler's decisions are measured", '/metrics', {
  code: 200,
  text: /scheduler_schedule_attempts_total\{.*result="scheduled"\} \d/,
})

test('fields belong to the parts of the cluster by the names that upstream gives them', async () => {
  const { coreV1, appsV1 } = cluster.clientset
  const managersOf = (object: { metadata: { managedFields?: readonly { manager?: string }[] } }) =>
    (object.metadata.managedFields ?? []).map((f) => f.manager)
  const pod = await coreV1().pods('default').get('web')
  assert.deepEqual(managersOf(pod), ['kube-apiserver', 'kubelet'])
  const template = { metadata: { labels: { app: 'a' } }, spec: { containers: [{ name: 'app', image: 'busybox' }] } }
  await appsV1()
    .replicaSets('default')
    .create({ metadata: { name: 'set' }, spec: { replicas: 1, selector: { matchLabels: { app: 'a' } }, template } })
  for await (const event of coreV1()
    .pods('default')
    .watch({ labelSelector: 'app=a', signal: AbortSignal.timeout(20_000) })) {
    if (event.type === 'BOOKMARK' || event.object.status?.phase !== 'Running') continue
    assert.deepEqual(managersOf(event.object), ['kube-controller-manager', 'kubelet'])
    break
  }
})

test('exec runs in the simulated container', async () => {
  const socket = await open(`${podPath}/exec?container=app&command=echo&command=hi&stdout=true`, 'v5.channel.k8s.io')
  const output: Record<number, string> = {}
  socket.on('message', (data: Buffer) => (output[data[0]!] = (output[data[0]!] ?? '') + data.subarray(1).toString()))
  await new Promise((resolve) => socket.once('close', resolve))
  assert.equal(output[1], 'hi\n')
  assert.match(output[3] ?? '', /"status":"Success"/)
})

test('beyond fifty nodes their agents write no events', async () => {
  const events = await cluster.clientset.coreV1().events('default').list()
  assert.deepEqual(
    events.items.filter((e) => e.source?.component === 'kubelet').map((e) => e.reason),
    [],
  )
})

test("a pod of the node's own network is an endpoint of its Service", async () => {
  const core = cluster.clientset.coreV1()
  const labels = { app: 'host' }
  await core.services('default').create({ metadata: { name: 'host' }, spec: { selector: labels, ports: [{ port: 80 }] } })
  const spec = { hostNetwork: true, containers: [{ name: 'app', image: 'web:1' }], nodeName: 'node-7' }
  const { status } = await core.nodes().get('node-7')
  await core.pods('default').create({ metadata: { name: 'host', labels }, spec })
  const slices = cluster.clientset.discoveryV1().endpointSlices('default')
  for await (const event of slices.watch({ labelSelector: 'kubernetes.io/service-name=host', signal: AbortSignal.timeout(20_000) })) {
    if (event.type === 'BOOKMARK' || !event.object.endpoints?.length) continue
    assert.deepEqual(event.object.endpoints[0]?.addresses, [status?.addresses?.[0]?.address])
    break
  }
})

test('a pod comes up behind an init container of which nothing is said', async () => {
  const pods = cluster.clientset.coreV1().pods('default')
  const spec = {
    initContainers: [{ name: 'prepare', image: 'migrate:1' }],
    containers: [{ name: 'app', image: 'web:1' }],
    nodeName: 'node-8',
  }
  await pods.create({ metadata: { name: 'prepared' }, spec })
  for await (const event of pods.watch({ fieldSelector: 'metadata.name=prepared', signal: AbortSignal.timeout(20_000) }))
    if (event.type !== 'BOOKMARK' && event.object.status?.phase === 'Running') break
})
