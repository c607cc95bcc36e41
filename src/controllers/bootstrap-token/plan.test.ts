import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Secret } from '../../kinds/generated/types/core-v1.ts'
import { clusterInfoKubeconfig, detachedSignature, planSignatures, signingTokens, timeLeftMs } from './plan.ts'

const nowMs = Date.parse('2026-01-01T00:00:00Z')
const token = (more: Record<string, string> = {}, name = 'bootstrap-token-abcdef'): Secret => {
  const fields = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-signing': 'true', ...more }
  const data = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))
  return { metadata: { name, namespace: 'kube-system' }, type: 'bootstrap.kubernetes.io/token', data }
}

const times: readonly (readonly [expiration: string, leftMs: number | undefined])[] = [
  ['', undefined],
  ['2026-01-01T00:01:00Z', 60_000],
  ['2025-12-31T23:00:00Z', 0],
  ['tomorrow', 0],
]
for (const [expiration, leftMs] of times)
  test(`a token with the end ${JSON.stringify(expiration)} has ${leftMs} ms left`, () =>
    assert.equal(timeLeftMs(token({ expiration }), nowMs), leftMs))

test('only tokens that may sign do', () => {
  const ids = (secret: Secret) => [...signingTokens([secret], nowMs).keys()]
  assert.deepEqual(ids(token()), ['abcdef'])
  assert.deepEqual(ids(token({ 'usage-bootstrap-signing': 'false' })), [])
  assert.deepEqual(ids(token({ expiration: '2025-12-31T23:00:00Z' })), [])
  assert.deepEqual(ids(token({}, 'bootstrap-token-other1')), [])
})

test('a signature is a JWS with its payload taken out', () => {
  const content = 'Hello from the other side. I must have called a thousand times.'
  assert.equal(
    detachedSignature(content, 'joshua', 'my voice is my passcode'),
    'eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8',
  )
})

test('signatures come and go with their tokens, and are written only when they change', () => {
  const kubeconfig = clusterInfoKubeconfig({ server: 'https://10.0.0.1:6443', caPem: 'CA' })
  const tokens = signingTokens([token()], nowMs)
  const first = planSignatures(undefined, kubeconfig, tokens)
  assert.deepEqual(Object.keys(first ?? {}).sort(), ['jws-kubeconfig-abcdef', 'kubeconfig'])
  const stored = { metadata: {}, data: { ...first } }
  assert.equal(planSignatures(stored, kubeconfig, tokens), undefined)
  assert.deepEqual(planSignatures(stored, kubeconfig, new Map()), { kubeconfig })
  assert.equal(planSignatures(undefined, undefined, tokens), undefined)
})
