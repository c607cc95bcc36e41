// The command line from a newcomer's side, on simulated nodes: needs no container, and no root but for what the machine gives anyway.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chownSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { load } from 'js-yaml'
import { eventually, kubectlPath, run, startCluster, type TestCluster } from './cluster.ts'

let cluster: TestCluster
const home = mkdtempSync(join(tmpdir(), 'keelson-cli-'))

before(async () => {
  cluster = await startCluster({ runtime: 'fake', nodes: 3 })
})

after(async () => {
  await cluster?.down()
  rmSync(home, { recursive: true, force: true })
})

const keelson = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  run(resolve('keelson'), args, { env: { ...process.env, HOME: home, KUBECONFIG: '', ...env }, mayFail: true })

test('up again keeps what runs, and says so', async () => {
  const before = readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')
  const { stderr } = await cluster.keelson(['up', '--no-merge'])
  assert.match(stderr, /is already running: 3 nodes Ready, runtime fake/)
  assert.equal(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8'), before)
})

test('up with other options than the running cluster has is refused with the next step', async () => {
  const { code, stderr } = await cluster.keelson(['up', '--nodes', '2'], { mayFail: true })
  assert.equal(code, 1)
  assert.match(stderr, /already running here with --nodes 3: run `keelson down` first/)
})

test('the kubeconfig is merged into the user’s as the current context, and taken out again by down --delete', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-cli-data-'))
  const kubeconfig = join(home, 'config')
  const env = { KUBECONFIG: kubeconfig }
  const port = 20_000 + (process.pid % 20_000)
  const up = await keelson(['up', '--runtime', 'fake', '--data-dir', dataDir, '--listen', `127.0.0.1:${port}`], env)
  assert.equal(up.code, 0, up.stderr)
  assert.equal((load(readFileSync(kubeconfig, 'utf8')) as { 'current-context': string })['current-context'], 'keelson')
  const nodes = await run(kubectlPath, ['get', 'nodes', '-o', 'name'], { env: { ...process.env, ...env } })
  assert.equal(nodes.stdout.trim(), 'node/node-1')

  const other = mkdtempSync(join(tmpdir(), 'keelson-cli-other-'))
  const flags = ['--data-dir', other, '--listen', '127.0.0.1:0']
  assert.equal((await keelson(['up', '--runtime', 'fake', '--no-merge', ...flags], env)).code, 0)
  assert.equal((await keelson(['down', '--delete', '--data-dir', other], env)).code, 0)
  assert(readFileSync(kubeconfig, 'utf8').includes('keelson'), 'the context of this cluster stays when another goes')

  const down = await keelson(['down', '--delete', '--data-dir', dataDir], env)
  assert.equal(down.code, 0, down.stderr)
  assert(!existsSync(dataDir))
  assert(!readFileSync(kubeconfig, 'utf8').includes('keelson'))
})

test('status shows the processes, the nodes and the pods', async () => {
  await cluster.kubectl(['create', 'deployment', 'web', '--image=registry.example/web:1', '--replicas=2'])
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s'])
  const { stdout } = await cluster.keelson(['status'])
  assert.match(stdout, /control plane +v1\.36\.0\+keelson/)
  assert.match(stdout, /2 Running/)
  assert.match(stdout, /node-3 +Ready/)
  const report = JSON.parse((await cluster.keelson(['status', '-o', 'json'])).stdout) as { nodes: unknown[] }
  assert.equal(report.nodes.length, 3)
})

test('a workload is stopped, started, restarted and explained by the name that one would type', async () => {
  assert.match((await cluster.keelson(['stop', 'web'])).stdout, /deployment\.apps\/web stopped/)
  await eventually('no pod is left', async () => (await cluster.kubectl(['get', 'pods', '-o', 'name'])).stdout === '')
  await cluster.keelson(['start', 'deploy/web'])
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s'])
  await cluster.keelson(['restart', 'deployment/web'])
  await cluster.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s'])
  const missing = await cluster.keelson(['explain', 'nobody'], { mayFail: true })
  assert.equal(missing.code, 1)
  assert.match(missing.stderr, /error from server \(NotFound\): pods "nobody" not found/)
  await eventually(
    'the old pods are gone',
    async () => (await cluster.kubectl(['get', 'pods', '-o', 'name'])).stdout.trim().split('\n').length === 2,
  )
  const pod = (await cluster.kubectl(['get', 'pods', '-o', 'jsonpath={.items[0].metadata.name}'])).stdout
  const { stdout } = await cluster.keelson(['explain', pod])
  assert.match(stdout, /node-[123]/)
  const document = JSON.parse((await cluster.keelson(['explain', pod, '-o', 'json'])).stdout) as { kind: string }
  assert.equal(document.kind, 'SchedulingExplanation')
  const byWorkload = await cluster.keelson(['explain', 'deployment/web'])
  assert.match(byWorkload.stderr, /deployment\/web has 2 pods: this is pod\/web-/)
  assert.match(byWorkload.stdout, /node-[123]/)
  await cluster.kubectl(['create', 'deployment', 'none', '--image=registry.example/web:1', '--replicas=0'])
  const podless = await cluster.keelson(['explain', 'deploy/none'], { mayFail: true })
  assert.match(podless.stderr, /deploy\/none has no pods/)
})

test('a token lets a machine join, and is a Secret of the standard type', async () => {
  const { stdout } = await cluster.keelson(['token', 'create', '--ttl', '10m'])
  const [, token, hash] = /--token ([a-z0-9]{6}\.[a-z0-9]{16}) --ca-hash (sha256:[0-9a-f]{64})/.exec(stdout) ?? []
  assert(token && hash, stdout)
  const type = await cluster.kubectl([
    '-n',
    'kube-system',
    'get',
    'secret',
    `bootstrap-token-${token.split('.')[0]}`,
    '-o',
    'jsonpath={.type}',
  ])
  assert.equal(type.stdout, 'bootstrap.kubernetes.io/token')
  const quiet = (await cluster.keelson(['token', 'create', '-q'])).stdout.trim()
  assert.match(quiet, /^[a-z0-9]{6}\.[a-z0-9]{16}$/)
})

test('an agent refuses a server that the hash does not name', async () => {
  const kubeconfig = load(readFileSync(cluster.kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] }
  const { server } = kubeconfig.clusters[0]!.cluster
  const { code, stderr } = await keelson(
    ['agent', '--server', server, '--ca-hash', `sha256:${'0'.repeat(64)}`, '--data-dir', join(home, 'agent')],
    { KEELSON_TOKEN: 'abcdef.0123456789abcdef' },
  )
  assert.equal(code, 1)
  assert.match(stderr, /is not the one that --ca-hash names/)
})

const misuses: readonly { args: readonly string[]; code: number; says: RegExp }[] = [
  { args: ['frobnicate'], code: 2, says: /unknown command 'frobnicate'/ },
  { args: ['up', '--nodes', 'many'], code: 2, says: /must be a whole number/ },
  { args: ['up', '--listen', 'nowhere:99999'], code: 2, says: /is not HOST:PORT/ },
  { args: ['status', '--data-dir', '/nonexistent/keelson'], code: 3, says: /run `keelson up`/ },
  { args: ['up', '--runtime', 'fake', '--data-dir', '/proc/keelson'], code: 1, says: /cannot write into \/proc\/keelson: / },
  { args: ['server', '--runtime', 'fake', '--data-dir', '/proc/keelson'], code: 1, says: /cannot write into \/proc\/keelson: / },
  { args: ['explain'], code: 2, says: /missing required argument 'pod'\n\(keelson explain --help lists the options\)/ },
  { args: ['explain', 'x'], code: 1, says: /no context is set in the kubeconfig: `keelson up` brings up a cluster and writes its context/ },
  { args: ['explain', 'service/x'], code: 2, says: /"service" is neither a pod nor a workload/ },
  { args: ['token', 'make'], code: 2, says: /keelson token --help lists the commands/ },
  { args: ['up', '--runtime', 'fake', '--data-dir', ''], code: 2, says: /the data directory has an empty name: name one/ },
  { args: ['server', '--runtime', 'fake', '--data-dir', ''], code: 2, says: /the data directory has an empty name: name one/ },
  { args: ['stop', 'statefulset/x'], code: 2, says: /neither a pod nor a deployment/ },
  { args: ['token', 'create', '--ttl', 'soon'], code: 2, says: /is not a duration/ },
  { args: ['server', '--runtime', 'docker'], code: 2, says: /name containerd, fake or none/ },
  { args: ['agent'], code: 2, says: /the API server is not named: give it as --server https:\/\/HOST:PORT/ },
  { args: ['agent', '--server', 'http://x'], code: 2, says: /give the API server as https/ },
  {
    args: ['scheduler', '--kubeconfig', '/nonexistent'],
    code: 1,
    says: /there is no kubeconfig \/nonexistent: name the kubeconfig of the cluster/,
  },
  { args: ['explain', 'x', '--kubeconfig', '/nonexistent'], code: 1, says: /there is no kubeconfig \/nonexistent: `keelson up` brings/ },
  { args: ['simulate', '-f', '/nonexistent'], code: 2, says: /cannot read \/nonexistent: there is no such file\n/ },
  { args: ['completion', 'tcsh'], code: 2, says: /name bash, zsh or fish/ },
]
for (const { args, code, says } of misuses)
  test(`\`keelson ${args.join(' ')}\` ends with ${code} and one clear sentence`, async () => {
    const result = await keelson(args)
    assert.equal(result.code, code, result.stderr)
    assert.match(result.stderr, says)
    assert(!result.stderr.includes('    at '), result.stderr)
  })

test('version, help and completion need no cluster', async () => {
  assert.match((await keelson(['version'])).stdout, /kubernetes API v1\.36\.0/)
  assert.match((await keelson(['--help'])).stdout, /bring up a cluster/)
  assert.match((await keelson(['server', '--help'])).stdout, /--listen HOST:PORT/)
  for (const shell of ['bash', 'zsh', 'fish']) assert.match((await keelson(['completion', shell])).stdout, /explain/)
})

test('a server that cannot start is told of by what it said itself, this time', async () => {
  const { server } = (load(readFileSync(cluster.kubeconfig, 'utf8')) as { clusters: { cluster: { server: string } }[] }).clusters[0]!
    .cluster
  const dataDir = join(home, 'no-port')
  const up = (listen: string) => keelson(['up', '--runtime', 'fake', '--no-merge', '--data-dir', dataDir, '--listen', listen])
  const first = await up('256.0.0.1:1')
  assert.equal(first.code, 1)
  const { code, stderr } = await up(new URL(server).host)
  assert.equal(code, 1)
  assert.match(
    stderr,
    /stopped while starting: its log .*server\.log ends with\n.*another server is there; stop it, or give another --listen/,
  )
  assert(!stderr.includes('256.0.0.1'), stderr)
})

test('keys, kubeconfig and store are readable by their owner only, and no secret is in the log', async () => {
  for (const path of ['', 'pki', 'admin.kubeconfig', 'pki/ca.key', 'cluster.json'])
    assert.equal(statSync(join(cluster.dataDir, path)).mode & 0o077, 0, path)
  await cluster.kubectl(['create', 'secret', 'generic', 'hidden', '--from-literal=word=xyzzy-plugh'])
  const log = readFileSync(join(cluster.dataDir, 'log/server.log'), 'utf8')
  for (const secret of ['xyzzy-plugh', Buffer.from('xyzzy-plugh').toString('base64'), 'PRIVATE KEY']) assert(!log.includes(secret))
})

test('a server that is killed comes back with every object, by up alone', async () => {
  const { server } = JSON.parse(readFileSync(join(cluster.dataDir, 'cluster.json'), 'utf8')) as { server: { pid: number } }
  await cluster.kubectl(['create', 'configmap', 'kept', '--from-literal=a=b'])
  process.kill(server.pid, 'SIGKILL')
  const unreached = await cluster.keelson(['explain', 'x'], { mayFail: true })
  assert.equal(unreached.code, 3)
  assert.match(unreached.stderr, /^keelson: error: the API server cannot be reached \(.*\): .*`keelson up` brings it up\n$/)
  await cluster.keelson(['up', '--no-merge'])
  assert.equal((await cluster.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'])).stdout, 'b')
})

test('in the foreground it stays until it is interrupted, then brings the cluster down; what root alone has in its path is found', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'keelson-cli-fg-'))
  const port = 20_001 + (process.pid % 20_000)
  const child = spawn(
    resolve('keelson'),
    ['up', '--runtime', 'fake', '--foreground', '--no-merge', '--data-dir', dataDir, '--listen', `127.0.0.1:${port}`],
    // As after a plain `su`.
    { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PATH: '/usr/bin:/bin' } },
  )
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  const ended = new Promise<number | null>((done) => child.once('exit', done))
  try {
    await eventually('it is up', async () => said.includes('in the foreground'))
    const { server } = JSON.parse(readFileSync(join(dataDir, 'cluster.json'), 'utf8')) as { server: { pid: number } }
    assert.match(readFileSync(`/proc/${server.pid}/environ`, 'utf8'), /\0?PATH=[^\0]*:\/usr\/sbin:/)
  } finally {
    child.kill('SIGINT')
  }
  assert.equal(await ended, 0, said)
  assert.match(said, /the cluster is down/)
  rmSync(dataDir, { recursive: true })
})

const asNobody = (args: readonly string[], env: NodeJS.ProcessEnv) =>
  run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', resolve('keelson'), ...args], {
    env: { ...process.env, ...env },
    mayFail: true,
  })

test('without root it says what is missing and what still works, and that works', async () => {
  const state = mkdtempSync(join(tmpdir(), 'keelson-cli-nobody-'))
  chownSync(state, 65534, 65534)
  const env = { HOME: state, XDG_STATE_HOME: state, KUBECONFIG: join(state, 'config') }
  const refused = await asNobody(['up'], env)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /real containers need root: run it as root.*or use --runtime fake/)
  const port = 20_002 + (process.pid % 20_000)
  const up = await asNobody(['up', '--runtime', 'fake', '--listen', `127.0.0.1:${port}`], env)
  assert.equal(up.code, 0, up.stderr)
  assert(existsSync(join(state, 'keelson/admin.kubeconfig')))
  const down = await asNobody(['down', '--delete'], env)
  assert.equal(down.code, 0, down.stderr)
  rmSync(state, { recursive: true })
})

test('after down the status says so, and up brings the same cluster back', async () => {
  await cluster.keelson(['down'])
  const stopped = await cluster.keelson(['status'], { mayFail: true })
  assert.equal(stopped.code, 3)
  assert.match(stopped.stderr, /not running/)
  await cluster.keelson(['up', '--no-merge'])
  assert.equal((await cluster.kubectl(['get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}'])).stdout, 'b')
  assert.match((await cluster.keelson(['status'])).stdout, /node-3 +Ready/)
})
