import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createTestApi } from './test-api.ts'
import { at, sender } from './test-requests.ts'

const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(4), withoutAdmission: [] })
after(() => api.close())
const send = sender(api)
const root = '/api/v1/namespaces/default'
const pod = (name: string, spec: object = {}, resources: object = {}) => ({
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i', resources }], ...spec },
})
const create = (plural: string, body: object) => send('POST', `${root}/${plural}`, { body })

test('a pod needs its service account', async () => {
  const { code, json } = await create('pods', pod('early'))
  assert.equal(code, 403)
  assert.equal(
    json.message,
    'pods "early" is forbidden: error looking up service account default/default: serviceaccount "default" not found',
  )
})

test('a pod gets its account, its token, its tolerations and its priority', async () => {
  assert.equal((await create('serviceaccounts', { metadata: { name: 'default' }, imagePullSecrets: [{ name: 'pull' }] })).code, 201)
  const { json, code, text } = await create('pods', pod('p'))
  assert.equal(code, 201, text)
  assert.equal(at(json, 'spec.serviceAccountName'), 'default')
  assert.equal(at(json, 'spec.serviceAccount'), 'default')
  assert.deepEqual(at(json, 'spec.imagePullSecrets'), [{ name: 'pull' }])
  assert.match(String(at(json, 'spec.volumes.0.name')), /^kube-api-access-[a-z0-9]{5}$/)
  assert.equal(at(json, 'spec.volumes.0.projected.sources.0.serviceAccountToken.expirationSeconds'), 3607)
  assert.deepEqual(at(json, 'spec.containers.0.volumeMounts.0'), {
    name: at(json, 'spec.volumes.0.name'),
    readOnly: true,
    mountPath: '/var/run/secrets/kubernetes.io/serviceaccount',
  })
  assert.deepEqual(
    (at(json, 'spec.tolerations') as { key: string; tolerationSeconds: number }[]).map((t) => [t.key, t.tolerationSeconds]),
    [
      ['node.kubernetes.io/not-ready', 300],
      ['node.kubernetes.io/unreachable', 300],
    ],
  )
  assert.equal(at(json, 'spec.priority'), 0)
  assert.equal(at(json, 'spec.preemptionPolicy'), 'PreemptLowerPriority')
})

test('a pod may decline the token', async () => {
  const { json } = await create('pods', pod('bare', { automountServiceAccountToken: false }))
  assert.equal(at(json, 'spec.volumes'), undefined)
})

test('a priority class gives its number and may not be contradicted', async () => {
  const { json } = await create('pods', pod('critical', { priorityClassName: 'system-node-critical' }))
  assert.equal(at(json, 'spec.priority'), 2_000_001_000)
  const { code, json: refusal } = await create('pods', pod('liar', { priority: 5 }))
  assert.equal(code, 403)
  assert.match(
    String(refusal.message),
    /the integer value of priority \(5\) must not be provided in pod spec; priority admission controller computed 0/,
  )
})

test('one default priority class', async () => {
  const url = '/apis/scheduling.k8s.io/v1/priorityclasses'
  assert.equal((await send('POST', url, { body: { metadata: { name: 'one' }, value: 10, globalDefault: true } })).code, 201)
  assert.equal(at((await create('pods', pod('defaulted'))).json, 'spec.priority'), 10)
  const second = await send('POST', url, { body: { metadata: { name: 'two' }, value: 20, globalDefault: true } })
  assert.equal(second.code, 403)
  assert.equal((await send('DELETE', `${url}/one`)).code, 200)
})

test('a limit range fills what is missing and refuses what is outside', async () => {
  const limits = [{ type: 'Container', default: { cpu: '500m' }, defaultRequest: { cpu: '100m' }, max: { cpu: '1' }, min: { cpu: '50m' } }]
  assert.equal((await create('limitranges', { metadata: { name: 'l' }, spec: { limits } })).code, 201)
  const { json } = await create('pods', pod('filled'))
  assert.deepEqual(at(json, 'spec.containers.0.resources'), { requests: { cpu: '100m' }, limits: { cpu: '500m' } })
  const annotations = at(json, 'metadata.annotations') as Record<string, string>
  assert.equal(annotations['kubernetes.io/limit-ranger'], 'LimitRanger plugin set: cpu request for container c; cpu limit for container c')
  const big = await create('pods', pod('big', {}, { requests: { cpu: '10m' }, limits: { cpu: '2' } }))
  assert.equal(big.code, 403)
  assert.equal(
    big.json.message,
    'pods "big" is forbidden: [minimum cpu usage per Container is 50m, but request is 10m, maximum cpu usage per Container is 1, but limit is 2]',
  )
})
