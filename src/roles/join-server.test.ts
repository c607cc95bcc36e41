import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { serverJoinersGroup } from '../apiserver/authn/server-tokens.ts'
import { createHttpFront } from '../apiserver/http/http-front.ts'
import { parseRequest } from '../apiserver/http/request-info.ts'
import { silentLog } from '../base/log.ts'
import { StatusError } from '../machinery/status-error.ts'
import { authorityHash } from '../platform/pki/certificate.ts'
import { ensureClusterPki } from '../platform/pki/cluster-pki.ts'
import { systemClock } from '../platform/system-clock.ts'
import { joinAsServer } from './join-server.ts'
import { rememberedStore, serverBundlePath, sharedKeyFiles } from './server-bundle.ts'
import { parseStoreLocation } from './store-location.ts'

const directory = mkdtempSync(join(tmpdir(), 'keelson-join-server-'))
const closing: (() => Promise<void>)[] = []
after(async () => {
  for (const close of closing) await close()
  rmSync(directory, { recursive: true, force: true })
})
const pkiDir = join(directory, 'first')
const pki = ensureClusterPki({ dir: pkiDir, hosts: ['kubernetes', '127.0.0.1'], nowMs: systemClock.now() })
const caHash = authorityHash(pki.ca.cert)
const etcdFiles = { cacert: 'etcd ca', cert: 'etcd certificate', key: 'etcd key' }
for (const [name, text] of Object.entries(etcdFiles)) writeFileSync(join(directory, name), text)
const query = new URLSearchParams(Object.keys(etcdFiles).map((name) => [name, join(directory, name)])).toString()

/** A server that gives the bundle to whoever asks; `calls` counts. */
async function startServer() {
  const state = { calls: 0 }
  const path = serverBundlePath({ pkiDir, location: parseStoreLocation(`etcd://10.0.0.1:2379,10.0.0.2:2379/prod?${query}`) })
  const front = createHttpFront({
    handle: async ({ method, url, headers, signal, credentials }) => {
      state.calls++
      assert.equal(credentials.bearerToken, 'the token')
      const info = parseRequest(method, url)
      const context = { user: { name: 'joiner', groups: [serverJoinersGroup] }, headers, signal, method }
      const answer = info.type === 'path' ? await path(info, context) : undefined
      return answer ?? { code: 404, headers: {}, body: Buffer.from('') }
    },
    upgrade: async () => {},
    tls: { certificate: pki.apiserver.cert + pki.ca.cert, key: pki.apiserver.key, clientCa: pki.ca.cert },
    clock: systemClock,
    log: silentLog,
  })
  const { port } = await front.listen({ host: '127.0.0.1', port: 0 })
  closing.push(() => front.close(0))
  return { state, url: `https://127.0.0.1:${port}` }
}

const joinFrom = (server: string, name: string, more: { caHash?: string; token?: string | undefined } = {}) =>
  joinAsServer({ server, token: 'the token', caHash, dataDir: join(directory, name), clock: systemClock, ...more })

test('a server gets the keys of the cluster and the way into its etcd, for itself alone, once', async () => {
  const { state, url } = await startServer()
  const dataDir = join(directory, 'second')
  await joinFrom(url, 'second')
  for (const name of sharedKeyFiles)
    assert.equal(readFileSync(join(dataDir, 'pki', name), 'utf8'), readFileSync(join(pkiDir, name), 'utf8'))
  const { endpoints, root, tls } = parseStoreLocation(rememberedStore(dataDir)!)
  assert.deepEqual([endpoints, root], [['10.0.0.1:2379', '10.0.0.2:2379'], '/prod'])
  assert.deepEqual(
    [tls?.ca, tls?.certificate, tls?.key].map((file) => readFileSync(file!, 'utf8')),
    ['etcd ca', 'etcd certificate', 'etcd key'],
  )
  for (const file of [tls!.key!, join(dataDir, 'pki/ca.key'), join(dataDir, 'server.json')])
    assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.equal(statSync(join(dataDir, 'pki')).mode & 0o777, 0o700)
  await joinFrom(url, 'second', { token: undefined })
  assert.equal(state.calls, 1)
  await assert.rejects(joinFrom(url, 'second', { caHash: `sha256:${'0'.repeat(64)}` }), /belongs to another cluster/)
})

test('a join that was cut short at any point begins anew, and what is another cluster is left alone', async () => {
  const { url } = await startServer()
  const cut = join(directory, 'cut')
  mkdirSync(join(cut, 'joining'), { recursive: true })
  writeFileSync(join(cut, 'joining', 'ca.key'), 'half')
  await joinFrom(url, 'cut')
  assert.equal(existsSync(join(cut, 'joining')), false)
  rmSync(join(cut, 'pki'), { recursive: true })
  await joinFrom(url, 'cut')
  assert.equal(readFileSync(join(cut, 'pki/ca.key'), 'utf8'), pki.ca.key)
  const own = join(directory, 'own')
  ensureClusterPki({ dir: join(own, 'pki'), hosts: ['localhost'], nowMs: systemClock.now() })
  await assert.rejects(joinFrom(url, 'own'), /own belongs to another cluster: give an empty --data-dir/)
})

test('the bundle is for holders of a server token alone, and only where the store can be shared', async () => {
  const info = parseRequest('GET', '/keelson/v1/server-bundle')
  const ask = (location: Parameters<typeof serverBundlePath>[0]['location'], groups: readonly string[]) => {
    const context = { user: { name: 'somebody', groups }, headers: {}, signal: new AbortController().signal, method: 'GET' }
    assert.equal(info.type, 'path')
    return (async () => serverBundlePath({ pkiDir, location })(info as typeof info & { type: 'path' }, context))()
  }
  const etcd = parseStoreLocation('etcd://a:1')
  const isRefused = (code: number) => (error: unknown) => error instanceof StatusError && error.code === code
  await assert.rejects(ask(etcd, ['system:masters', 'keelson:cluster-admins']), isRefused(403))
  await assert.rejects(ask(undefined, [serverJoinersGroup]), isRefused(409))
  assert.equal((await ask(etcd, [serverJoinersGroup]))?.code, 200)
})
