import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CertificateSigningRequest } from '../../kinds/generated/types/certificates-v1.ts'
import { forgottenAtMs, planApproval, type Requested, signerRefusal, signers } from './plan.ts'

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

const approvals: [string, Input, boolean][] = [
  ['a node renews its own', {}, true],
  ['a machine that joins', { user: bootstrapper }, true],
  ['somebody else', { user: { username: 'eve', groups: ['system:authenticated'] } }, false],
  ['a node for another node', { user: { username: 'system:node:n2', groups: ['system:nodes'] } }, false],
  ['an administrator’s name', { user: bootstrapper, asks: { commonName: 'admin' } }, false],
  ['a mighty group', { user: bootstrapper, asks: { organizations: ['system:nodes', 'system:masters'] } }, false],
  ['a client certificate with hosts', { asks: { dnsNames: ['n1'] } }, false],
  ['more usages', { usages: [...client, 'server auth'] }, false],
  [
    'serving, own addresses',
    { signer: signers.kubeletServing, usages: serving, asks: { dnsNames: ['n1'], ipAddresses: ['10.0.0.1'] } },
    true,
  ],
  ['serving, a strange address', { signer: signers.kubeletServing, usages: serving, asks: { ipAddresses: ['10.9.9.9'] } }, false],
  [
    'serving, by a bootstrapper',
    { signer: signers.kubeletServing, usages: serving, user: bootstrapper, asks: { dnsNames: ['n1'] } },
    false,
  ],
  ['another signer', { signer: signers.apiClient }, false],
]
for (const [title, input, expected] of approvals)
  test(`${expected ? 'approves' : 'does not approve'}: ${title}`, () => {
    const approval = planApproval(csr(input), requested(input.asks), new Set(['n1', '10.0.0.1']))
    assert.equal(approval !== undefined, expected)
  })

const refusals: [string, Partial<Requested>, string[], RegExp | undefined][] = [
  [signers.kubeletClient, {}, client, undefined],
  [signers.kubeletClient, { commonName: 'admin' }, client, /subject/],
  [signers.kubeletClient, { uris: ['spiffe://x'] }, client, /alternative names/],
  [signers.kubeletServing, {}, serving, /at least one/],
  [signers.kubeletServing, { dnsNames: ['n1'] }, serving, undefined],
  [signers.apiClient, { commonName: 'jane', organizations: [] }, client, undefined],
  [signers.apiClient, { commonName: 'jane' }, ['server auth'], /usages/],
]
for (const [signer, asks, usages, expected] of refusals)
  test(`${signer} ${expected ? `refuses: ${expected.source}` : 'signs'} (${JSON.stringify(asks)})`, () => {
    const refusal = signerRefusal(signer, requested(asks), usages)
    if (expected) assert.match(refusal ?? '', expected)
    else assert.equal(refusal, undefined)
  })

test('open requests are kept for a day, decided ones for an hour', () => {
  const open = csr({})
  const createdMs = Date.parse('2026-01-01T00:00:00Z')
  assert.equal(forgottenAtMs(open), createdMs + 24 * 3_600_000)
  const denied = { ...open, status: { conditions: [{ type: 'Denied', status: 'True', lastUpdateTime: '2026-01-01T05:00:00Z' }] } }
  assert.equal(forgottenAtMs(denied), createdMs + 6 * 3_600_000)
})
