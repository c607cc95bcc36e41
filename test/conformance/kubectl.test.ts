import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { type ClientCluster, startClientCluster } from '../integration/stock-clients.ts'

/** The texts that name kubectl, by the stock kubectl against a server in a process of its own. */
let cluster: ClientCluster
before(async () => {
  cluster = await startClientCluster({ nodes: 1 })
})
after(() => cluster.close())

async function says(line: string, ...patterns: readonly RegExp[]): Promise<void> {
  const { code, stdout, stderr } = await cluster.sh(line)
  assert.equal(code, 0, stderr)
  for (const pattern of patterns) assert.match(stdout, pattern)
}

async function json(line: string): Promise<Record<string, unknown>> {
  const { code, stdout, stderr } = await cluster.sh(line)
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout) as Record<string, unknown>
}

test('Kubectl client Kubectl api-versions should check if v1 is in available api versions', () => says('kubectl api-versions', /^v1$/m))

test('Kubectl client Kubectl cluster-info should check if Kubernetes control plane services is included in cluster-info', () =>
  says('kubectl cluster-info', /Kubernetes control plane.* is running at .*https:\/\//))

test('Kubectl client Kubectl version should check is all data is printed', () =>
  says(
    'kubectl version -o json',
    ...['clientVersion', 'serverVersion', 'major', 'minor', 'gitVersion', 'gitCommit', 'platform'].map((f) => new RegExp(`"${f}": `)),
  ))

test('Kubectl client Kubectl diff should check if kubectl diff finds a difference for Deployments', async () => {
  const deployment = (image: string) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: differing}
spec:
  replicas: 0
  selector: {matchLabels: {app: differing}}
  template:
    metadata: {labels: {app: differing}}
    spec: {containers: [{name: main, image: "${image}"}]}
`
  cluster.write('live.yaml', deployment('agnhost:2'))
  cluster.write('declared.yaml', deployment('busybox:1'))
  await says('kubectl create -f live.yaml', /created/)
  const { code, stdout } = await cluster.sh('kubectl diff -f declared.yaml')
  assert.equal(code, 1)
  assert.match(stdout, /^-\s+- image: agnhost:2$/m)
  assert.match(stdout, /^\+\s+- image: busybox:1$/m)
})

/** A proxy in a process of its own; gives what it printed first. */
async function withProxy(args: readonly string[], run: (greeting: string) => Promise<void>): Promise<void> {
  const { dir } = cluster
  const env = { ...process.env, HOME: dir, KUBECONFIG: resolve(dir, 'data/admin.kubeconfig') }
  const proxy = spawn(resolve('.cache/clients/kubectl'), ['proxy', ...args], { cwd: dir, env, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(proxy, 'exit')
  try {
    const [greeting] = (await once(proxy.stdout, 'data')) as [Buffer]
    await run(greeting.toString())
  } finally {
    proxy.kill('SIGTERM')
    await exited
  }
}

const isVersions = ({ kind, versions }: Record<string, unknown>) =>
  assert.deepEqual({ kind, versions }, { kind: 'APIVersions', versions: ['v1'] })

test('Kubectl client Proxy server should support proxy with --port 0', () =>
  withProxy(['--port=0', '--disable-filter'], async (greeting) => {
    const address = /^Starting to serve on (127\.0\.0\.1:\d+)/.exec(greeting)?.[1]
    assert.ok(address, greeting)
    const answer = await fetch(`http://${address}/api/`)
    isVersions((await answer.json()) as Record<string, unknown>)
  }))

test('Kubectl client Proxy server should support --unix-socket=/path', () =>
  withProxy(['--unix-socket=proxy.sock'], async (greeting) => {
    assert.match(greeting, /^Starting to serve on proxy\.sock/)
    isVersions(await json('curl --silent --unix-socket proxy.sock http://localhost/api/'))
  }))
