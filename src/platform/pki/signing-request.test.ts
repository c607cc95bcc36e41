import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { newAuthority } from './certificate.ts'
import { newSigningRequest, parseSigningRequest, signRequest } from './signing-request.ts'

const subject = { commonName: 'system:node:node-1', organizations: ['system:nodes'] }
const validity = { notBeforeMs: Date.now() - 1000, notAfterMs: Date.now() + 3_600_000 }

test('a request is valid to openssl and says who asks', () => {
  const { request } = newSigningRequest(subject, ['node-1', '192.0.2.7'])
  const text = execFileSync('openssl', ['req', '-noout', '-verify', '-text'], {
    input: request,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  assert.match(text, /O ?= ?system:nodes, CN ?= ?system:node:node-1/)
  assert.match(text, /DNS:node-1, IP Address:192.0.2.7/)
})

test('a request that is signed gives a certificate for its own key', async () => {
  const authority = newAuthority({ commonName: 'kubernetes', ...validity })
  const { request, key } = newSigningRequest(subject, ['node-1', '192.0.2.7'])
  const parsed = await parseSigningRequest(request)
  assert(parsed)
  assert.deepEqual(parsed.subject, subject)
  assert.deepEqual([parsed.dnsNames, parsed.ipAddresses], [['node-1'], ['192.0.2.7']])
  const certificate = new X509Certificate(signRequest(authority, parsed, { usages: ['client'], ...validity }))
  assert(certificate.checkPrivateKey(createPrivateKey(key)))
  assert(certificate.verify(new X509Certificate(authority.cert).publicKey))
})

test('what is not a request, or was changed after signing, is refused', async () => {
  assert.equal(await parseSigningRequest('nonsense'), undefined)
  const { request } = newSigningRequest(subject)
  const der = Buffer.from(request.replace(/-----.*-----|\n/g, ''), 'base64')
  const at = der.indexOf('node-1')
  der.write('node-2', at)
  const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
  assert.equal(await parseSigningRequest(forged), undefined)
})

const made: Readonly<Record<string, readonly string[]>> = {
  'an RSA key': ['-newkey', 'rsa:2048'],
  'an RSA key and PSS': ['-newkey', 'rsa:2048', '-sigopt', 'rsa_padding_mode:pss'],
  'a key on P-384': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-sha384'],
  'an Ed25519 key': ['-newkey', 'ed25519'],
}
for (const [title, flags] of Object.entries(made))
  test(`a request of openssl with ${title} is read, and not when it was changed`, async () => {
    const request = execFileSync('openssl', ['req', '-new', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=jane', ...flags], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    assert.equal((await parseSigningRequest(request))?.subject.commonName, 'jane')
    const der = Buffer.from(request.replace(/-----.*-----|\n/g, ''), 'base64')
    der.write('joan', der.indexOf('jane'))
    const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
    assert.equal(await parseSigningRequest(forged), undefined)
  })
