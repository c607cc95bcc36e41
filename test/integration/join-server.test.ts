/** Servers that join one another over an etcd of three members: their keys, their keys' rotation, and what goes on when one is killed. */
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import type { Deployment } from '../../src/kinds/generated/types/apps-v1.ts'
import { authorityHash } from '../../src/platform/pki/certificate.ts'
import { systemClock } from '../../src/platform/system-clock.ts'
import { systemRandom } from '../../src/platform/system-random.ts'
import { joinAsServer } from '../../src/roles/join-server.ts'
import { openEtcdStore } from '../../src/store/etcd/etcd-store.ts'
import { type EtcdCluster, startEtcdCluster } from './etcd-cluster.ts'
import { eventually, freePort, keelson, type ServerProcess, startServerProcess } from './server-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'keelson-servers-'))
const dirOf = (name: string) => join(directory, name)
const running: ServerProcess[] = []
let etcd: EtcdCluster
let first: ServerProcess
let second: ServerProcess
let caHash: string

before(async () => {
  etcd = await startEtcdCluster({ members: 3 })
  const store = `etcd://${etcd.endpoints.join(',')}`
  first = await start('first', { args: ['--runtime', 'none', '--store', store] })
  caHash = authorityHash(readFileSync(join(first.dataDir, 'pki/ca.crt'), 'utf8'))
})
after(async () => {
  await Promise.all(running.map((server) => server.stop()))
  await etcd.close()
  rmSync(directory, { recursive: true, force: true })
})

async function start(name: string, options: { args: readonly string[]; env?: Readonly<Record<string, string>>; port?: number }) {
  const server = await startServerProcess({ dataDir: dirOf(name), port: options.port ?? (await freePort()), ...options })
  running.push(server)
  return server
}

async function newToken(...options: string[]): Promise<string> {
  const { code, stdout, stderr } = await keelson(['token', 'create', '--quiet', '--data-dir', first.dataDir, ...options])
  assert.equal(code, 0, stderr)
  return stdout.trim()
}

test('what cannot join is told why, and leaves nothing behind', async () => {
  const token = await newToken('--server')
  const join_ = (given: { token?: string; caHash?: string; server?: string }) =>
    joinAsServer({ server: first.url, token, caHash, dataDir: dirOf('refused'), clock: systemClock, ...given })
  const wrongHash = `sha256:${'0'.repeat(64)}`
  await assert.rejects(join_({ caHash: wrongHash }), /is not the one that --ca-hash names/)
  await assert.rejects(join_({ token: `${token.slice(0, -4)}zzzz` }), /the server does not take this token: make one there with/)
  await assert.rejects(join_({ token: await newToken() }), /this token is not one that lets a server join/)
  await assert.rejects(join_({ server: `https://127.0.0.1:${await freePort()}` }), /cannot reach the server at/)
  const short = await newToken('--server', '--ttl', '1s')
  await eventually('the end of the token', async () => {
    const error = await join_({ token: short, caHash }).catch((e: unknown) => e)
    rmSync(dirOf('refused'), { recursive: true, force: true })
    return /the server token has expired/.test(String(error)) ? error : undefined
  })
  await assert.rejects(
    joinAsServer({ server: first.url, token: undefined, caHash, dataDir: dirOf('refused'), clock: systemClock }),
    /joins with a token and the hash of the authority: give --token/,
  )
  const { code, stderr } = await keelson(['server', '--data-dir', first.dataDir, '--join', first.url], { KEELSON_TOKEN: token })
  assert.equal(code, 2)
  assert.match(stderr, /belongs to another cluster/)
})

test('a cluster on SQLite says that it cannot be joined, and what to do', async () => {
  const alone = await start('alone', { args: ['--runtime', 'none'] })
  const { stdout } = await keelson(['token', 'create', '--quiet', '--server', '--data-dir', alone.dataDir])
  const hash = authorityHash(readFileSync(join(alone.dataDir, 'pki/ca.crt'), 'utf8'))
  await assert.rejects(
    joinAsServer({ server: alone.url, token: stdout.trim(), caHash: hash, dataDir: dirOf('refused'), clock: systemClock }),
    /cannot be joined by another server: this cluster keeps its objects in SQLite.*keelson migrate --from/,
  )
  await alone.stop()
})

test('a server joins with a token, makes certificates of its own from the shared keys, and serves the same objects', async () => {
  const token = await newToken('--server')
  const args = ['--runtime', 'fake', '--join', first.url, '--ca-hash', caHash]
  second = await start('second', { args, env: { KEELSON_TOKEN: token } })
  const file = (server: ServerProcess, name: string) => readFileSync(join(server.dataDir, 'pki', name), 'utf8')
  for (const name of ['ca.key', 'front-proxy-ca.key', 'sa.key', 'sa.pub']) assert.equal(file(second, name), file(first, name))
  assert.notEqual(file(second, 'apiserver.crt'), file(first, 'apiserver.crt'))
  for (const name of readdirSync(join(second.dataDir, 'pki'))) assert.equal(statSync(join(second.dataDir, 'pki', name)).mode & 0o777, 0o600)
  await first.clientset
    .coreV1()
    .configMaps('default')
    .create({ metadata: { name: 'shared' }, data: { a: '1' } })
  assert.equal((await second.clientset.coreV1().configMaps('default').get('shared')).data?.a, '1')
  const robot = await first.clientset
    .coreV1()
    .serviceAccounts('default')
    .create({ metadata: { name: 'robot' } })
  assert.ok(robot.metadata.uid)
  // The holder of a token may do nothing else with it, and nobody else gets the keys.
  const bundle = { method: 'GET', path: '/keelson/v1/server-bundle' }
  assert.equal((await first.client.raw(bundle)).code, 403)
})

const web = (name: string): Deployment => ({
  metadata: { name },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'web', image: 'web:1' }] } },
  },
})
const boundPods = async (server: ServerProcess, app: string) => {
  const { items } = await server.clientset
    .coreV1()
    .pods('default')
    .list({ labelSelector: `app=${app}` })
  return items.length === 2 && items.every((pod) => pod.spec?.nodeName) ? items : undefined
}

test('every server explains a pod, whichever of them schedules', async () => {
  await second.clientset.appsV1().deployments('default').create(web('explained'))
  const [pod] = await eventually('its pods', () => boundPods(first, 'explained'))
  const explain = async (server: ServerProcess) => {
    const { code, stdout, stderr } = await keelson([
      'explain',
      pod!.metadata.name!,
      '--kubeconfig',
      join(server.dataDir, 'admin.kubeconfig'),
      '-o',
      'json',
    ])
    assert.equal(code, 0, stderr)
    return JSON.parse(stdout) as { node?: string }
  }
  const [one, other] = await Promise.all([explain(first), explain(second)])
  assert.deepEqual(other, one)
  await assert.rejects(second.clientset.coreV1().pods('default').explain('missing'), /pods "missing" not found/)
})

test('the key of encryption at rest is rotated by one command while both servers write', async () => {
  const secretOf = (server: ServerProcess) => server.clientset.coreV1().secrets('default')
  for (let i = 0; i < 10; i++) await secretOf(first).create({ metadata: { name: `old-${i}` }, stringData: { i: `${i}` } })
  let isOver = false
  const written: string[] = []
  const write = async (server: ServerProcess, side: string) => {
    for (let i = 0; !isOver && i < 500; i++) {
      const name = `${side}-${i}`
      await secretOf(server).create({ metadata: { name }, stringData: { name } })
      written.push(name)
    }
  }
  const writing = [write(first, 'one'), write(second, 'two')]
  const { code, stdout, stderr } = await keelson(['keys', 'rotate', 'encryption', '--data-dir', second.dataDir])
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^key2 is the encryption key; the old one is gone/)
  isOver = true
  await Promise.all(writing)
  assert.ok(written.length > 0)
  for (const [i, name] of written.entries()) assert.ok((await secretOf(i % 2 ? first : second).get(name)).data?.name)
  const store = await openEtcdStore({
    endpoints: etcd.endpoints,
    tls: undefined,
    root: '/keelson',
    clock: systemClock,
    random: systemRandom,
  })
  const { entries } = await store.list('/registry/core/secrets/')
  assert.ok(entries.length > 10)
  for (const { key, value } of entries) assert.match(Buffer.from(value).toString('latin1'), /^keelson:enc:aesgcm:v1:key2:/, key)
  await store.close()
  const status = await keelson(['keys', 'status', '--data-dir', first.dataDir])
  assert.match(status.stdout, /encryption: key2\n/)
})

test('a new key of service accounts signs at one server, and the other takes its tokens at once and gives the same key set', async () => {
  const asked = async (server: ServerProcess, method: string, path: string, body?: object) => {
    const json = { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }
    const answer = await server.client.raw({ method, path, ...(body ? json : {}) })
    return text(answer.body)
  }
  const keys = (server: ServerProcess) => asked(server, 'GET', '/openid/v1/jwks')
  const newRobotToken = async (server: ServerProcess) => {
    const answer = await asked(server, 'POST', '/api/v1/namespaces/default/serviceaccounts/robot/token', { spec: {} })
    return (JSON.parse(answer) as { status: { token: string } }).status.token
  }
  const whoAt = async (server: ServerProcess, token: string) => {
    const answer = await asked(server, 'POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } })
    return (JSON.parse(answer) as { status: { user?: { username?: string } } }).status.user?.username
  }
  const robot = 'system:serviceaccount:default:robot'
  const old = await newRobotToken(first)
  assert.equal(await whoAt(second, old), robot)
  const before = await keys(first)
  const { code, stdout, stderr } = await keelson(['keys', 'rotate', 'service-accounts', '--data-dir', second.dataDir])
  assert.equal(code, 0, stderr)
  assert.match(stdout, /signs tokens; 1 older keys are still taken/)
  assert.equal(await whoAt(first, await newRobotToken(second)), robot)
  assert.equal(await whoAt(second, old), robot)
  assert.notEqual(await keys(second), before)
  await eventually('the same keys', async () => ((await keys(first)) === (await keys(second)) ? true : undefined))
  assert.equal(readFileSync(join(first.dataDir, 'pki/sa.pub'), 'utf8'), readFileSync(join(second.dataDir, 'pki/sa.pub'), 'utf8'))
})

test('when the leading server is killed the other serves on at once and takes its loops over', async () => {
  const lease = await second.clientset.coordinationV1().leases('kube-system').get('kube-controller-manager')
  await first.kill()
  await second.clientset
    .coreV1()
    .configMaps('default')
    .create({ metadata: { name: 'after' } })
  await second.clientset.appsV1().deployments('default').create(web('after'))
  await eventually('pods of a deployment that was made after the end', () => boundPods(second, 'after'))
  const taken = await second.clientset.coordinationV1().leases('kube-system').get('kube-controller-manager')
  assert.notEqual(taken.spec?.holderIdentity, lease.spec?.holderIdentity)
  const [pod] = (await boundPods(second, 'after'))!
  assert.ok(await second.clientset.coreV1().pods('default').explain(pod!.metadata.name!))
})

test('a server that has joined starts again without being told of the others', async () => {
  await second.stop()
  const again = await start('second', { args: ['--runtime', 'none'], port: await freePort() })
  assert.equal((await again.clientset.coreV1().configMaps('default').get('shared')).data?.a, '1')
  assert.equal((await again.clientset.coreV1().secrets('default').get('old-3')).data?.i, Buffer.from('3').toString('base64'))
})
