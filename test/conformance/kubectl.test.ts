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

test('Kubectl client Kubectl version should check is all data is printed', async () => {
  const of = ['major', 'minor', 'gitVersion', 'gitCommit', 'gitTreeState', 'buildDate', 'goVersion', 'compiler', 'platform']
  const { clientVersion, serverVersion } = (await json('kubectl version -o json')) as Record<string, Record<string, string>>
  for (const version of [clientVersion, serverVersion])
    assert.deepEqual(
      of.filter((field) => !version?.[field]),
      [],
    )
  await says('kubectl version', /^Client Version: v1\.\d+\.\d+/m, /^Server Version: v1\.36\.\d+/m)
})

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

const controller = `apiVersion: v1
kind: ReplicationController
metadata: {name: agnhost-primary, labels: {app: agnhost, role: primary}}
spec:
  replicas: 1
  selector: {app: agnhost, role: primary}
  template:
    metadata: {labels: {app: agnhost, role: primary}}
    spec: {containers: [{name: agnhost-primary, image: "agnhost:2", ports: [{name: agnhost-server, containerPort: 6379}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: agnhost-primary, labels: {app: agnhost, role: primary}}
spec: {ports: [{port: 6379, targetPort: agnhost-server}], selector: {app: agnhost, role: primary}}
`

test('Kubectl client Kubectl describe should check if kubectl describe prints relevant information for rc and pods', async () => {
  cluster.write('controller.yaml', controller)
  await says('kubectl create -f controller.yaml && kubectl wait --for=condition=Ready pod -l app=agnhost --timeout=20s', /condition met/)
  const fields = (...names: readonly string[]) => names.map((name) => new RegExp(`^\\s*${name}:?\\s`, 'm'))
  await says(
    'kubectl describe pod -l app=agnhost',
    /role=primary/,
    /agnhost:2/,
    ...fields('Name', 'Namespace', 'Node', 'Labels', 'Status', 'IP', 'Controlled By', 'Image', 'State'),
  )
  await says(
    'kubectl describe rc agnhost-primary',
    /1 current \/ 1 desired/,
    /1 Running/,
    ...fields('Name', 'Namespace', 'Selector', 'Labels', 'Replicas', 'Pods Status', 'Pod Template', 'Image', 'Events'),
  )
  await says(
    'kubectl describe service agnhost-primary',
    /app=agnhost,role=primary/,
    ...fields('Name', 'Namespace', 'Labels', 'Selector', 'Type', 'IP', 'Port', 'Endpoints', 'Session Affinity'),
  )
  await says(
    'kubectl describe node node-1',
    ...fields('Name', 'Labels', 'CreationTimestamp', 'Conditions', 'Addresses', 'Capacity', 'Kubelet Version', 'Non-terminated Pods'),
  )
  await says('kubectl describe namespace default', ...fields('Name', 'Labels', 'Annotations', 'Status'), /Active/)
})

test('Kubectl client Kubectl patch should add annotations for pods in rc', async () => {
  await says(
    'for pod in $(kubectl get pod -l app=agnhost -o name); do kubectl patch $pod -p \'{"metadata":{"annotations":{"x":"y"}}}\'; done',
    /patched/,
  )
  await says("kubectl get pod -l app=agnhost -o jsonpath='{range .items[*]}{.metadata.annotations.x}{end}'", /^y$/)
  await says('kubectl delete -f controller.yaml', /deleted/)
})

test('Kubectl client Kubectl run pod should create a pod from an image when restart is Never', () =>
  says(
    'kubectl run pod --restart=Never --image=httpd:2 && kubectl wait --for=condition=Ready pod/pod --timeout=20s && kubectl get pod pod -o json',
    /"image": "httpd:2"/,
    /"restartPolicy": "Never"/,
  ).then(() => says("kubectl get pod pod -o jsonpath='{.spec.containers[*].image}'", /^httpd:2$/)))

test('Kubectl client Kubectl label should update the label on a resource', async () => {
  await says('kubectl label pod pod testing-label=testing-label-value', /labeled/)
  await says('kubectl get pod pod -L testing-label', /testing-label-value/)
  await says('kubectl get pod -l testing-label -o name', /^pod\/pod$/m)
  await says('kubectl label pod pod testing-label-', /unlabeled/)
  await says('kubectl get pod -l testing-label -o name', /^$/)
})

test('Kubectl client Kubectl server-side dry-run should check if kubectl can dry-run update Pods', async () => {
  await says('kubectl patch pod pod -p \'{"spec":{"containers":[{"name":"pod","image":"busybox:1"}]}}\' --dry-run=server', /patched/)
  await says("kubectl get pod pod -o jsonpath='{.spec.containers[0].image}'", /^httpd:2$/)
})

test("Kubectl client Kubectl replace should update a single-container pod's image", async () => {
  await says('kubectl get pod pod -o json | sed s/httpd:2/busybox:1/ | kubectl replace -f -', /replaced/)
  await says("kubectl get pod pod -o jsonpath='{.spec.containers[0].image}'", /^busybox:1$/)
  const uid = async () => ((await json('kubectl get pod pod -o json')).metadata as { uid: string }).uid
  const before = await uid()
  await says(
    'kubectl get pod pod -o json | sed s/busybox:1/busybox:2/ > again.json && kubectl replace --force -f again.json',
    /deleted[^]*replaced/,
  )
  assert.notEqual(await uid(), before)
  await says('kubectl wait --for=condition=Ready pod/pod --timeout=20s', /condition met/)
  await says("kubectl get pod pod -o jsonpath='{.spec.containers[0].image}'", /^busybox:2$/)
  await says('kubectl delete pod pod --now', /deleted/)
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
