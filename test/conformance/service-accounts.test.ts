import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { createTestApi } from '../../src/apiserver/test-api.ts'
import { at, sender, type TestJson } from '../../src/apiserver/test-requests.ts'
import { seededRandom } from '../../src/base/random.ts'
import { virtualClock } from '../../src/platform/virtual-clock.ts'
import { startAccessCluster } from './access-cluster.ts'
import { changed, startConformanceApi } from './conformance-api.ts'

const conformance = await startConformanceApi()
const namespace = await conformance.namespace('service-accounts')
const access = await startAccessCluster()
const admitting = await createTestApi({ clock: virtualClock(), random: seededRandom(1), withoutAdmission: [] })
after(async () => {
  await Promise.all([conformance.close(), access.close(), admitting.api.close()])
})
const accounts = conformance.collection(`/api/v1/namespaces/${namespace}/serviceaccounts`)

test('ServiceAccounts should run through the lifecycle of a ServiceAccount', async () => {
  const everywhere = conformance.collection('/api/v1/serviceaccounts')
  const selector = 'labelSelector=test-serviceaccount-static%3Dtrue'
  const watch = await accounts.watch(selector)
  await accounts.create({ metadata: { name: 'lifecycle', labels: { 'test-serviceaccount-static': 'true' } } })
  assert.equal(at(await watch.until('ADDED', 'lifecycle'), 'metadata.labels.test-serviceaccount-static'), 'true')
  const patched = await accounts.strategic('lifecycle', { automountServiceAccountToken: false })
  assert.equal(patched.automountServiceAccountToken, false)
  await watch.until('MODIFIED', 'lifecycle')
  const [listed] = await everywhere.list(selector)
  assert.equal(listed?.automountServiceAccountToken, false)
  await accounts.removeAll(selector)
  await watch.until('DELETED', 'lifecycle')
  watch.stop()
})

test('ServiceAccounts should update a ServiceAccount', async () => {
  const created = await accounts.create({ metadata: { name: 'update' }, automountServiceAccountToken: false })
  const updated = await accounts.replace('update', changed(created, { automountServiceAccountToken: true }))
  assert.equal(updated.automountServiceAccountToken, true)
  assert.equal((await accounts.get('update')).automountServiceAccountToken, true)
})

test('ServiceAccounts should create a serviceAccountToken and ensure a successful TokenReview', async () => {
  const { send } = access
  assert.equal((await send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'e2e' } })).code, 201)
  const issued = await send('POST', '/api/v1/namespaces/default/serviceaccounts/e2e/token', { spec: {} })
  assert.equal(issued.code, 201)
  const token = String(at(issued.json, 'status.token'))
  assert.notEqual(token, '')
  const review = await send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { spec: { token } })
  assert.equal(review.code, 201)
  assert.equal(at(review.json, 'status.error'), undefined)
  assert.equal(at(review.json, 'status.authenticated'), true)
  assert.equal(at(review.json, 'status.user.username'), 'system:serviceaccount:default:e2e')
  assert.equal((await send('GET', '/api', undefined, { token })).code, 200)
})

const automounts: readonly (readonly [pod: boolean | undefined, account: boolean | undefined, expected: boolean])[] = [
  [undefined, undefined, true],
  [undefined, true, true],
  [undefined, false, false],
  [true, undefined, true],
  [true, true, true],
  [true, false, true],
  [false, undefined, false],
  [false, true, false],
  [false, false, false],
]

test('ServiceAccounts should allow opting out of API token automount', async () => {
  const send = sender(admitting.api)
  const set = (value: boolean | undefined) => (value === undefined ? {} : { automountServiceAccountToken: value })
  for (const [i, [pod, account, expected]] of automounts.entries()) {
    const name = `case-${i}`
    await send('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name }, ...set(account) } })
    const { code, json, text } = await send('POST', '/api/v1/namespaces/default/pods', {
      body: { metadata: { name }, spec: { serviceAccountName: name, containers: [{ name: 'c', image: 'i' }], ...set(pod) } },
    })
    assert.equal(code, 201, text)
    const mounts = (at(json, 'spec.containers.0.volumeMounts') ?? []) as TestJson[]
    const isMounted = mounts.some((m) => m.mountPath === '/var/run/secrets/kubernetes.io/serviceaccount')
    assert.equal(isMounted, expected, JSON.stringify({ pod, account }))
  }
})

test('a token asked for under another name, for too short a time or for an unknown kind is refused', async () => {
  const { send } = access
  const ask = (body: object) => send('POST', '/api/v1/namespaces/default/serviceaccounts/default/token', body)
  await send('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } })
  const cases: readonly (readonly [body: object, code: number, message: RegExp])[] = [
    [{ metadata: { name: 'other' }, spec: {} }, 422, /must match the service account name if specified/],
    [{ metadata: { uid: 'other' }, spec: {} }, 409, /the UID in the token request \(other\) does not match the UID of the service account/],
    [{ spec: { expirationSeconds: 599 } }, 422, /may not specify a duration less than 10 minutes/],
    [{ spec: { expirationSeconds: 2 ** 32 + 1 } }, 422, /may not specify a duration larger than 2\^32 seconds/],
    [{ spec: { boundObjectRef: { kind: 'ConfigMap', apiVersion: 'v1', name: 'x' } } }, 400, /cannot bind token to object of type/],
    [{ spec: { boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'missing' } } }, 404, /pods "missing" not found/],
  ]
  for (const [body, code, message] of cases) {
    const answer = await ask(body)
    assert.equal(answer.code, code, JSON.stringify(answer.json))
    assert.match(String(answer.json.message), message)
  }
})
