import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../../base/random.ts'
import { virtualClock } from '../../../platform/virtual-clock.ts'
import type { AuditEntry } from '../../audit/audit-event.ts'
import { createTestApi, keptAudit } from '../../test-api.ts'
import { sender } from '../../test-requests.ts'
import { parsePodSecurityConfiguration } from './configuration.ts'

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

test('what enforces also warns about templates', async () => {
  await namespace('enforcing', { [label('enforce')]: 'baseline' })
  const template = { metadata: { labels: { a: 'b' } }, spec: { hostNetwork: true, containers: [{ name: 'c', image: 'i' }] } }
  const body = { metadata: { name: 'd' }, spec: { selector: { matchLabels: { a: 'b' } }, template } }
  const made = await send('POST', '/apis/apps/v1/namespaces/enforcing/deployments', { body })
  assert.match(warnings(made).join(), /would violate PodSecurity \\"baseline:latest\\": host namespaces/)
})

const configuration = parsePodSecurityConfiguration(`
apiVersion: pod-security.admission.config.k8s.io/v1
kind: PodSecurityConfiguration
defaults: {enforce: baseline, enforce-version: v1.30}
exemptions: {usernames: [ann], namespaces: [free], runtimeClasses: [gvisor]}
`)

test('a configuration says what holds without labels, and who is exempt', async () => {
  const entries: AuditEntry[] = []
  const audit = keptAudit(entries)
  const { api: configured } = await createTestApi({ clock: virtualClock(), random: seededRandom(12), podSecurity: configuration, audit })
  const ask = sender(configured)
  const make = (where: string, more: object, headers: Record<string, string> = {}) =>
    ask('POST', `/api/v1/namespaces/${where}/pods?dryRun=All`, { body: pod('p', { hostNetwork: true, ...more }), headers })
  const notes = () => entries.at(-1)!.annotations ?? {}
  const exempt = () => notes()['pod-security.kubernetes.io/exempt']
  const free = await ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'free', labels: { [label('audit')]: 'restricted' } } } })
  assert.match(
    warnings(free).join(),
    /namespace \\"free\\" is exempt from Pod Security, and the policy \(audit=restricted:latest\) will be ignored/,
  )
  const refused = await make('default', {})
  assert.equal(refused.code, 403)
  assert.match(String(refused.json.message), /violates PodSecurity "baseline:v1\.30"/)
  assert.equal((await make('free', {})).code, 201)
  assert.equal(exempt(), 'namespace')
  assert.equal((await make('default', {}, { 'impersonate-user': 'ann' })).code, 201)
  assert.equal(exempt(), 'user')
  await ask('POST', '/apis/node.k8s.io/v1/runtimeclasses', { body: { metadata: { name: 'gvisor' }, handler: 'runsc' } })
  assert.equal((await make('default', { runtimeClassName: 'gvisor' })).code, 201)
  assert.equal(exempt(), 'runtimeClass')
  const { text } = await ask('GET', '/metrics')
  assert.match(text, /pod_security_exemptions_total\{request_operation="create",resource="pod",subresource=""\} 3/)
  assert.match(text, /pod_security_evaluations_total\{decision="deny",mode="enforce",policy_level="baseline",policy_version="v1\.30",/)
  await configured.close()
})

const badConfigurations: readonly (readonly [fields: string, message: RegExp])[] = [
  ['defaults: {enforce: none}', /defaults\.enforce: Invalid value: "none": must be one of privileged, baseline, restricted/],
  ['defaults: {warn-version: "1.30"}', /defaults\.warn-version: Invalid value: "1\.30": must be "latest" or "v1\.x"/],
  ['exemptions: {namespaces: [A_B]}', /exemptions\.namespaces\[0\]: Invalid value: "A_B"/],
  ['exemptions: {usernames: [a, a]}', /exemptions\.usernames\[1\]: Duplicate value: "a"/],
  ['exemptions: {user: [a]}', /unknown field "exemptions\.user"/],
]
for (const [fields, message] of badConfigurations)
  test(`a configuration is refused: ${fields}`, () => {
    const text = `apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\n${fields}\n`
    assert.throws(() => parsePodSecurityConfiguration(text), message)
  })
