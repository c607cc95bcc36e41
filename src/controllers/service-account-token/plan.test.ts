import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Pod, Secret, ServiceAccount } from '../../kinds/generated/types/core-v1.ts'
import { type CleanUpFacts, planCleanUp, planToken, secretNamesOf } from './plan.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const account: ServiceAccount = { metadata: { name: 'robot', namespace: 'shop', uid: 'u1' }, secrets: [{ name: 'old' }] }
const secret = (
  more: Partial<Secret> = {},
  annotations: Record<string, string> = { 'kubernetes.io/service-account.uid': 'u1' },
): Secret => ({
  metadata: { name: 's', namespace: 'shop', annotations: { 'kubernetes.io/service-account.name': 'robot', ...annotations } },
  type: 'kubernetes.io/service-account-token',
  ...more,
})
const full = { token: base64('t'), namespace: base64('shop'), 'ca.crt': base64('CA') }

test('an empty secret gets a token, the namespace and the authority', () => {
  const { token: _t, ...rest } = full
  assert.deepEqual(planToken(secret({}, {}), account, 'CA'), { type: 'fill', needsToken: true, data: rest })
})
test('a full one is left alone; one with another authority is corrected', () => {
  assert.deepEqual(planToken(secret({ data: full }), account, 'CA'), { type: 'nothing' })
  const plan = planToken(secret({ data: { ...full, 'ca.crt': base64('old') } }), account, 'CA')
  assert.deepEqual(plan, { type: 'fill', needsToken: false, data: { 'ca.crt': base64('CA') } })
})
test('a secret goes with its account', () => {
  assert.deepEqual(planToken(secret({ data: full }), undefined, 'CA'), { type: 'delete' })
  assert.deepEqual(planToken(secret({ data: full }, { 'kubernetes.io/service-account.uid': 'other' }), account, 'CA'), { type: 'delete' })
})

const nowMs = Date.parse('2028-06-01T12:00:00Z')
const automatic = (labels: Record<string, string> = {}, more: object = {}): Secret => {
  const { metadata, ...rest } = secret()
  return { ...rest, metadata: { ...metadata, name: 'old', labels, creationTimestamp: '2020-01-01T00:00:00Z', ...more } }
}
function checkCleanUp(title: string, of: Secret, expected: string | undefined, more: Partial<CleanUpFacts> = {}): void {
  test(`${expected ?? 'kept'}: ${title}`, () => {
    const facts = { secrets: [of], accountOf: () => account, usedIn: () => new Set<string>(), trackedSince: '2026-01-01', nowMs, ...more }
    assert.equal(planCleanUp(facts)[0]?.type, expected)
  })
}
const used = 'kubernetes.io/legacy-token-last-used'
const invalid = 'kubernetes.io/legacy-token-invalid-since'
checkCleanUp('never used', automatic(), 'invalidate')
checkCleanUp('used long ago', automatic({ [used]: '2027-01-01' }), 'invalidate')
checkCleanUp('used lately', automatic({ [used]: '2028-05-01' }), undefined)
checkCleanUp('a day that is none', automatic({ [used]: 'yesterday' }), undefined)
checkCleanUp('new', automatic({}, { creationTimestamp: '2028-05-01T00:00:00Z' }), undefined)
checkCleanUp('made by somebody', automatic({}, { name: 'mine' }), undefined)
checkCleanUp('mounted', automatic(), undefined, { usedIn: () => new Set(['old']) })
checkCleanUp('uses are not noted long enough', automatic(), undefined, { trackedSince: '2028-01-01' })
checkCleanUp('invalid for less than a year', automatic({ [invalid]: '2028-01-01' }), undefined)
checkCleanUp('invalid for more than a year', automatic({ [invalid]: '2027-01-01' }), 'delete')

test('a pod uses the secrets that it names anywhere', () => {
  const named = (name: string) => ({ secretRef: { name } })
  const pod: Pod = {
    metadata: { name: 'p' },
    spec: {
      imagePullSecrets: [{ name: 'pull' }],
      initContainers: [{ name: 'i', envFrom: [named('from')] }],
      containers: [{ name: 'c', env: [{ name: 'E', valueFrom: { secretKeyRef: { name: 'env', key: 'k' } } }] }],
      volumes: [
        { name: 'a', secret: { secretName: 'volume' } },
        { name: 'b', projected: { sources: [{ secret: { name: 'projected' } }] } },
        { name: 'd', csi: { driver: 'd', nodePublishSecretRef: { name: 'csi' } } },
        { name: 'e', iscsi: { targetPortal: '1.2.3.4', iqn: 'iqn', lun: 0, ...named('iscsi') } },
        { name: 'f', rbd: { monitors: ['m'], image: 'i', ...named('rbd') } },
        { name: 'g', azureFile: { secretName: 'azure', shareName: 's' } },
        { name: 'h', emptyDir: {} },
      ],
    },
  }
  const expected = ['pull', 'from', 'env', 'volume', 'projected', 'csi', 'iscsi', 'rbd', 'azure']
  assert.deepEqual(secretNamesOf(pod).toSorted(), expected.toSorted())
})
