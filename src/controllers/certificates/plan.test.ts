import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CertificateSigningRequest } from '../../kinds/generated/types/certificates-v1.ts'
import { forgottenAtMs, isOwnServing, recognizedRights, type Requested, signerRefusal, signers, validity } from './plan.ts'

const nodeUser = { username: 'system:node:n1', groups: ['system:nodes', 'system:authenticated'] }
const bootstrapper = { username: 'system:bootstrap:abcdef', groups: ['system:bootstrappers'] }
const requested = (more: Partial<Requested> = {}): Requested => ({
  commonName: 'system:node:n1',
  organizations: ['system:nodes'],
  dnsNames: [],
  ipAddresses: [],
  emailAddresses: [],
  uris: [],
  ...more,
})
const client = ['digital signature', 'client auth']
const serving = ['key encipherment', 'digital signature', 'server auth']

type Input = { signer?: string; user?: { username: string; groups: string[] }; usages?: string[]; asks?: Partial<Requested> }
const csr = ({ signer = signers.kubeletClient, user = nodeUser, usages = client }: Input): CertificateSigningRequest => ({
  metadata: { name: 'c', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { request: '', signerName: signer, usages: usages as [], ...user },
})

const rights: [string, Input, string][] = [
  ['a node renews its own', {}, 'selfnodeclient nodeclient'],
  ['a machine that joins', { user: bootstrapper }, 'nodeclient'],
  ['an administrator’s name', { user: bootstrapper, asks: { commonName: 'admin' } }, ''],
  ['a mighty group', { user: bootstrapper, asks: { organizations: ['system:nodes', 'system:masters'] } }, ''],
  ['a client certificate with hosts', { asks: { dnsNames: ['n1'] } }, ''],
  ['more usages', { usages: [...client, 'server auth'] }, ''],
  ['a serving certificate', { signer: signers.kubeletServing, usages: serving, asks: { dnsNames: ['n1'] } }, ''],
  ['another signer', { signer: signers.apiClient }, ''],
]
for (const [title, input, expected] of rights)
  test(`rights that approve ${title}: ${expected || 'none'}`, () => {
    const found = recognizedRights(csr(input), requested(input.asks)).map(({ subresource }) => subresource)
    assert.equal(found.join(' '), expected)
  })

const own: [string, Input, boolean][] = [
  ['own addresses', { asks: { dnsNames: ['n1'], ipAddresses: ['10.0.0.1'] } }, true],
  ['a strange address', { asks: { ipAddresses: ['10.9.9.9'] } }, false],
  ['by a bootstrapper', { user: bootstrapper, asks: { dnsNames: ['n1'] } }, false],
  ['by another node', { user: { username: 'system:node:n2', groups: ['system:nodes'] }, asks: { dnsNames: ['n1'] } }, false],
  ['for another signer', { signer: signers.kubeletClient, asks: { dnsNames: ['n1'] } }, false],
]
for (const [title, input, expected] of own)
  test(`a serving certificate ${expected ? 'is' : 'is not'} a node's own: ${title}`, () => {
    const request = csr({ signer: signers.kubeletServing, usages: serving, ...input })
    assert.equal(isOwnServing(request, requested(input.asks), new Set(['n1', '10.0.0.1'])), expected)
  })

const refusals: [string, Partial<Requested>, string[], string | undefined][] = [
  [signers.kubeletClient, {}, client, undefined],
  [signers.kubeletClient, {}, ['key encipherment', ...client], undefined],
  [signers.kubeletClient, { organizations: ['x'] }, client, 'subject organization is not system:nodes'],
  [signers.kubeletClient, { commonName: 'admin' }, client, 'subject common name does not begin with system:node:'],
  [signers.kubeletClient, { dnsNames: ['a'] }, client, 'DNS subjectAltNames are not allowed'],
  [signers.kubeletClient, { ipAddresses: ['10.0.0.1'] }, client, 'IP subjectAltNames are not allowed'],
  [signers.kubeletClient, { emailAddresses: ['a@b'] }, client, 'Email subjectAltNames are not allowed'],
  [signers.kubeletClient, { uris: ['spiffe://x'] }, client, 'URI subjectAltNames are not allowed'],
  [signers.kubeletClient, {}, ['client auth'], 'usages did not match [client auth digital signature key encipherment]'],
  [signers.kubeletServing, {}, serving, 'DNS or IP subjectAltName is required'],
  [signers.kubeletServing, { dnsNames: ['n1'] }, serving, undefined],
  [signers.apiClient, { commonName: 'jane', organizations: [] }, client, undefined],
  [signers.apiClient, { commonName: 'jane' }, [...client, 'code signing'], 'invalid usage for client certificate: code signing'],
  [signers.apiClient, { commonName: 'jane' }, ['digital signature'], 'missing required usage for client certificate: client auth'],
]
for (const [signer, asks, usages, expected] of refusals)
  test(`${signer} ${expected ? `refuses: ${expected}` : 'signs'} (${JSON.stringify(asks)})`, () =>
    assert.equal(signerRefusal(signer, requested(asks), usages), expected))

const hourMs = 3_600_000
const lives: [asked: number | undefined, lengthMs: number][] = [
  [undefined, 24 * hourMs - 300_000],
  [3600, hourMs],
  [60, 600_000],
  [100 * 24 * 3600, 24 * hourMs - 300_000],
]
for (const [asked, lengthMs] of lives)
  test(`a certificate that was asked for ${asked ?? 'any number of'} seconds lives ${lengthMs / 1000}`, () =>
    assert.deepEqual(validity(asked, { longestMs: 24 * hourMs, nowMs: 1_000_000 }), {
      notBeforeMs: 700_000,
      notAfterMs: 1_000_000 + lengthMs,
    }))

test('open requests are kept for a day, decided ones for an hour', () => {
  const open = csr({})
  const createdMs = Date.parse('2026-01-01T00:00:00Z')
  assert.equal(forgottenAtMs(open), createdMs + 24 * 3_600_000)
  const denied = { ...open, status: { conditions: [{ type: 'Denied', status: 'True', lastUpdateTime: '2026-01-01T05:00:00Z' }] } }
  assert.equal(forgottenAtMs(denied), createdMs + 6 * 3_600_000)
  assert.equal(forgottenAtMs(denied, createdMs), createdMs)
})
