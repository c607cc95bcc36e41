import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../../base/random.ts'
import { virtualClock } from '../../../platform/virtual-clock.ts'
import { createTestApi } from '../../test-api.ts'
import { sender } from '../../test-requests.ts'

const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(11) })
after(() => api.close())
const send = sender(api)
const label = (mode: string) => `pod-security.kubernetes.io/${mode}`
const namespace = (name: string, labels: Record<string, string>) =>
  send('POST', '/api/v1/namespaces', { body: { metadata: { name, labels } } })
const pod = (name: string, more: object = {}) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], ...more } })
const warnings = ({ headers }: { headers: Readonly<Record<string, string | string[]>> }) => [headers.warning ?? []].flat()

test('enforce refuses in upstream words', async () => {
  await namespace('strict', { [label('enforce')]: 'baseline', [label('warn')]: 'restricted' })
  const { code, json } = await send('POST', '/api/v1/namespaces/strict/pods', { body: pod('p', { hostNetwork: true }) })
  assert.equal(code, 403)
  assert.equal(json.message, 'pods "p" is forbidden: violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)')
})

test('warn lets through and warns; what makes pods is never refused', async () => {
  const made = await send('POST', '/api/v1/namespaces/strict/pods', { body: pod('fine') })
  assert.equal(made.code, 201)
  assert.match(warnings(made).join(), /would violate PodSecurity \\"restricted:latest\\": allowPrivilegeEscalation != false/)
  const template = { metadata: { labels: { a: 'b' } }, spec: { hostNetwork: true, containers: [{ name: 'c', image: 'i' }] } }
  const deployment = await send('POST', '/apis/apps/v1/namespaces/strict/deployments', {
    body: { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } },
  })
  assert.equal(deployment.code, 201)
  assert.match(warnings(deployment).join(), /would violate PodSecurity \\"restricted:latest\\": host namespaces/)
})

test('an update that changes nothing of interest is not judged again', async () => {
  await namespace('relaxed', {})
  await send('POST', '/api/v1/namespaces/relaxed/pods', { body: pod('old', { hostNetwork: true }) })
  const type = 'application/merge-patch+json'
  const stricter = await send('PATCH', '/api/v1/namespaces/relaxed', {
    type,
    body: { metadata: { labels: { [label('enforce')]: 'baseline' } } },
  })
  assert.deepEqual(warnings(stricter), [
    '299 - "existing pods in namespace \\"relaxed\\" violate the new PodSecurity enforce level \\"baseline:latest\\""',
    '299 - "old: host namespaces"',
  ])
  const url = '/api/v1/namespaces/relaxed/pods/old'
  assert.equal((await send('PATCH', url, { type, body: { metadata: { labels: { x: 'y' } } } })).code, 200)
  const image = await send('PATCH', url, {
    type: 'application/strategic-merge-patch+json',
    body: { spec: { containers: [{ name: 'c', image: 'j' }] } },
  })
  assert.equal(image.code, 403)
})

test('labels that make no sense are refused, unless they were there', async () => {
  const { code, json } = await namespace('wrong', { [label('enforce')]: 'none' })
  assert.equal(code, 422)
  assert.equal(
    json.message,
    'Namespace "wrong" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "none": must be one of privileged, baseline, restricted',
  )
})
