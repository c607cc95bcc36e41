import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { authorityHash } from './certificate.ts'
import { ensureClusterPki } from './cluster-pki.ts'

const root = mkdtempSync(join(tmpdir(), 'keelson-pki-'))
after(() => rmSync(root, { recursive: true }))
const hosts = ['kubernetes.default.svc', 'localhost', '127.0.0.1', '10.96.0.1', '::1', 'fd00::2']
const nowMs = Date.now()
const openssl = (...args: string[]) => execFileSync('openssl', args, { encoding: 'utf8' })

test('every certificate verifies against its authority with openssl', () => {
  const dir = join(root, 'verify')
  ensureClusterPki({ dir, hosts, nowMs })
  const verify = (authority: string, file: string, purpose: string) =>
    openssl('verify', '-x509_strict', '-purpose', purpose, '-CAfile', join(dir, `${authority}.crt`), join(dir, `${file}.crt`))
  assert.match(verify('ca', 'apiserver', 'sslserver'), /OK/)
  for (const file of ['admin', 'apiserver-kubelet-client', 'controller-manager', 'scheduler'])
    assert.match(verify('ca', file, 'sslclient'), /OK/)
  assert.match(verify('front-proxy-ca', 'front-proxy-client', 'sslclient'), /OK/)
  assert.throws(() => verify('front-proxy-ca', 'admin', 'sslclient'))
})

test('the serving certificate carries every name and address', () => {
  const { apiserver } = ensureClusterPki({ dir: join(root, 'names'), hosts, nowMs })
  const certificate = new X509Certificate(apiserver.cert)
  for (const name of hosts.slice(0, 2)) assert.equal(certificate.checkHost(name), name)
  for (const address of hosts.slice(2)) assert.notEqual(certificate.checkIP(address), undefined, address)
  assert.equal(certificate.checkHost('elsewhere'), undefined)
})

test('a name or an address more makes a new serving certificate, and only that', () => {
  const make = (more: readonly string[]) => ensureClusterPki({ dir: join(root, 'more'), hosts: [...hosts, ...more], nowMs })
  const first = make([])
  assert.equal(make([]).apiserver.cert, first.apiserver.cert)
  for (const host of ['api.lab.example', '172.21.0.1']) {
    const next = make([host])
    assert.notEqual(next.apiserver.cert, first.apiserver.cert, host)
    assert.equal(next.admin.cert, first.admin.cert)
  }
})

test('the administrator is named by common name and organization', () => {
  const { admin } = ensureClusterPki({ dir: join(root, 'admin'), hosts, nowMs })
  assert.equal(new X509Certificate(admin.cert).subject, 'O=keelson:cluster-admins\nCN=kubernetes-admin')
})

test("a key tells its algorithm in its title, by which Java's clients read it", () => {
  const { ca, admin } = ensureClusterPki({ dir: join(root, 'titles'), hosts, nowMs })
  for (const { cert, key } of [ca, admin]) {
    assert.match(key, /^-----BEGIN EC PRIVATE KEY-----\n/)
    assert(new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
  }
})

test('what is there stays, and only a leaf that lacks a host or nears its end is made anew', () => {
  const dir = join(root, 'again')
  const first = ensureClusterPki({ dir, hosts, nowMs })
  assert.deepEqual(ensureClusterPki({ dir, hosts, nowMs }), first)
  const moreHosts = ensureClusterPki({ dir, hosts: [...hosts, '192.0.2.9'], nowMs })
  assert.notEqual(moreHosts.apiserver.cert, first.apiserver.cert)
  assert.equal(moreHosts.ca.cert, first.ca.cert)
  assert.equal(moreHosts.admin.cert, first.admin.cert)
  const later = ensureClusterPki({ dir, hosts, nowMs: nowMs + 330 * 24 * 3600 * 1000 })
  assert.notEqual(later.admin.cert, first.admin.cert)
  assert.equal(later.ca.cert, first.ca.cert)
})

test('an authority that lost its key is never replaced, one cut short in its making is', () => {
  const dir = join(root, 'lost')
  ensureClusterPki({ dir, hosts, nowMs })
  rmSync(join(dir, 'ca.key'))
  assert.throws(() => ensureClusterPki({ dir, hosts, nowMs }), /ca\.crt has no ca\.key beside it/)
  const half = join(root, 'half')
  ensureClusterPki({ dir: half, hosts, nowMs })
  rmSync(join(half, 'ca.crt'))
  const { ca, admin } = ensureClusterPki({ dir: half, hosts, nowMs })
  assert(new X509Certificate(admin.cert).verify(new X509Certificate(ca.cert).publicKey))
})

test('a leaf that a crash of the machine has cut short is made anew', () => {
  const dir = join(root, 'torn')
  const first = ensureClusterPki({ dir, hosts, nowMs })
  writeFileSync(join(dir, 'admin.crt'), '')
  writeFileSync(join(dir, 'scheduler.key'), '\0'.repeat(200))
  const next = ensureClusterPki({ dir, hosts, nowMs })
  for (const name of ['admin', 'scheduler'] as const) {
    assert.notEqual(next[name].cert, first[name].cert)
    const certificate = new X509Certificate(next[name].cert)
    assert.ok(certificate.checkPrivateKey(createPrivateKey(next[name].key)))
  }
  assert.deepEqual({ ...next, admin: first.admin, scheduler: first.scheduler }, first)
  writeFileSync(join(dir, 'ca.crt'), '')
  assert.throws(() => ensureClusterPki({ dir, hosts, nowMs }))
})

test('files are readable by their owner only', () => {
  const dir = join(root, 'modes')
  ensureClusterPki({ dir, hosts, nowMs })
  assert.equal(statSync(dir).mode & 0o777, 0o700)
  for (const file of readdirSync(dir)) assert.equal(statSync(join(dir, file)).mode & 0o777, 0o600, file)
})

test('the hash of the authority is that of its public key', () => {
  const dir = join(root, 'hash')
  const { ca } = ensureClusterPki({ dir, hosts, nowMs })
  const spki = openssl('x509', '-in', join(dir, 'ca.crt'), '-noout', '-pubkey')
  const der = Buffer.from(spki.replace(/-----.*-----|\n/g, ''), 'base64')
  const digest = execFileSync('openssl', ['dgst', '-sha256', '-r'], { input: der, encoding: 'utf8' }).split(' ')[0]
  assert.equal(authorityHash(ca.cert), `sha256:${digest}`)
})
