import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createTestApi } from './test-api.ts'
import { at, sender } from './test-requests.ts'

const { api } = await createTestApi({
  clock: virtualClock(),
  random: seededRandom(6),
  explainPod: ({ namespace, name }) => (name === 'unknown' ? undefined : { kind: 'Explanation', pod: `${namespace}/${name}` }),
})
after(() => api.close())
const send = sender(api)
const pods = '/api/v1/namespaces/default/pods'
const deployments = '/apis/apps/v1/namespaces/default/deployments'

async function makePod(name: string, more: object = {}, labels?: object): Promise<string> {
  const made = await send('POST', pods, {
    body: { metadata: { name, ...(labels ? { labels } : {}) }, spec: { containers: [{ name: 'c', image: 'i' }], ...more } },
  })
  assert.equal(made.code, 201, made.text)
  return `${pods}/${name}`
}
const bind = (url: string, node: string, metadata: object = {}) =>
  send('POST', `${url}/binding`, { body: { metadata: { name: url.split('/').at(-1), ...metadata }, target: { kind: 'Node', name: node } } })
const setStatus = (url: string, status: object) =>
  send('PATCH', `${url}/status`, { body: { status }, type: 'application/merge-patch+json' })

test('binding puts a pod on a node once', async () => {
  const url = await makePod('b1')
  const bound = await bind(url, 'n1', { annotations: { why: 'best' } })
  assert.equal(bound.code, 201, bound.text)
  assert.equal(bound.json.status, 'Success')
  const { json } = await send('GET', url)
  assert.equal(at(json, 'spec.nodeName'), 'n1')
  assert.equal(at(json, 'metadata.annotations.why'), 'best')
  assert.equal(at(json, 'status.conditions.0.type'), 'PodScheduled')
  const again = await bind(url, 'n2')
  assert.equal(again.code, 409)
  assert.equal(again.json.message, 'Operation cannot be fulfilled on pods/binding "b1": pod b1 is already assigned to node "n1"')
})
test('the old form of binding names the pod itself', async () => {
  const url = await makePod('b2')
  const bound = await send('POST', '/api/v1/namespaces/default/bindings', { body: { metadata: { name: 'b2' }, target: { name: 'n1' } } })
  assert.equal(bound.code, 201, bound.text)
  assert.equal(at((await send('GET', url)).json, 'spec.nodeName'), 'n1')
})
test('a binding without a node is invalid, a gated pod is not bound', async () => {
  const url = await makePod('b3', { schedulingGates: [{ name: 'example.com/wait' }] })
  assert.equal((await send('POST', `${url}/binding`, { body: { metadata: { name: 'b3' }, target: {} } })).code, 422)
  assert.match(String((await bind(url, 'n')).json.message), /has non-empty \.spec\.schedulingGates/)
})

test('scale reads and writes the number of replicas', async () => {
  const template = { metadata: { labels: { app: 's' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const made = await send('POST', deployments, {
    body: { metadata: { name: 's' }, spec: { replicas: 2, selector: { matchLabels: { app: 's' } }, template } },
  })
  assert.equal(made.code, 201, made.text)
  const url = `${deployments}/s/scale`
  const { json } = await send('GET', url)
  assert.equal(json.kind, 'Scale')
  assert.equal(at(json, 'spec.replicas'), 2)
  assert.equal(at(json, 'status.selector'), 'app=s')
  const put = await send('PUT', url, { body: { ...json, spec: { replicas: 5 } } })
  assert.equal(put.code, 200, put.text)
  const patched = await send('PATCH', url, { body: { spec: { replicas: 6 } }, type: 'application/merge-patch+json' })
  assert.equal(at(patched.json, 'spec.replicas'), 6)
  assert.equal((await send('PATCH', url, { body: { spec: { replicas: -1 } }, type: 'application/merge-patch+json' })).code, 422)
  const current = (await send('GET', `${deployments}/s`)).json
  assert.equal(at(current, 'spec.replicas'), 6)
  assert.equal(at(current, 'metadata.generation'), 3)
  assert.equal((await send('GET', `${pods}/b1/scale`)).code, 404)
})

/** Run actions in order on one pod: the state it ends in, or why not. */
const steps: readonly (readonly [action: string, outcome: string | RegExp])[] = [
  ['start', /cannot start: the pod is already running/],
  ['resume', /cannot resume: the pod is already running/],
  ['stop', 'stopped'],
  ['stop', /cannot stop: the pod is already stopped/],
  ['pause', /cannot pause: the pod is stopped/],
  ['restart', /cannot restart: the pod is stopped: start it/],
  ['start', 'running'],
  ['pause', 'paused'],
  ['start', /cannot start: the pod is paused: resume it/],
  ['resume', 'running'],
  ['restart', 'running'],
]
test('run actions follow the state and refuse what makes no sense', async () => {
  const url = await makePod('r1')
  for (const [action, outcome] of steps) {
    const { code, json, text } = await send('POST', `${url}/${action}`, { body: { gracePeriodSeconds: 3 } })
    if (typeof outcome === 'string') {
      assert.equal(code, 200, `${action}: ${text}`)
      assert.equal((at(json, 'metadata.annotations') as Record<string, string>)['keelson.dev/run-state'], outcome)
    } else {
      assert.equal(code, 409, `${action}: ${text}`)
      assert.match(String(json.message), outcome)
    }
  }
  const annotations = at((await send('GET', url)).json, 'metadata.annotations') as Record<string, string>
  assert.ok(annotations['keelson.dev/restart-requested-at'])
  await setStatus(url, { phase: 'Succeeded' })
  const finished = await send('POST', `${url}/stop`)
  assert.equal(finished.code, 409)
  assert.match(String(finished.json.message), /the pod has finished \(phase Succeeded\)/)
  assert.equal((await send('POST', `${url}/stop`, { body: { gracePeriodSeconds: -1 } })).code, 422)
})
test('a stopped deployment remembers its replicas', async () => {
  const url = `${deployments}/s`
  const stopped = await send('POST', `${url}/stop`)
  assert.equal(at(stopped.json, 'spec.replicas'), 0)
  assert.equal((await send('POST', `${url}/stop`)).code, 409)
  const started = await send('POST', `${url}/start`)
  assert.equal(at(started.json, 'spec.replicas'), 6)
  const restarted = await send('POST', `${url}/restart`)
  assert.ok((at(restarted.json, 'spec.template.metadata.annotations') as Record<string, string>)['kubectl.kubernetes.io/restartedAt'])
})

test('eviction asks the disruption budget', async () => {
  const budgets = '/apis/policy/v1/namespaces/default/poddisruptionbudgets'
  const url = await makePod('e1', {}, { app: 'e' })
  await bind(url, 'n1')
  await setStatus(url, { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] })
  const made = await send('POST', budgets, {
    body: { metadata: { name: 'b' }, spec: { minAvailable: 1, selector: { matchLabels: { app: 'e' } } } },
  })
  assert.equal(made.code, 201, made.text)
  const evict = () => send('POST', `${url}/eviction`, { body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'e1' } } })
  const early = await evict()
  assert.equal(early.code, 429)
  assert.equal(early.json.message, "Cannot evict pod as it would violate the pod's disruption budget.")
  assert.equal(early.headers['retry-after'], '10')
  const status = (disruptionsAllowed: number) => ({
    observedGeneration: 1,
    disruptionsAllowed,
    currentHealthy: 1,
    desiredHealthy: 1,
    expectedPods: 1,
  })
  await setStatus(`${budgets}/b`, status(0))
  const none = await evict()
  assert.match(String(at(none.json, 'details.causes.0.message')), /The disruption budget b needs 1 healthy pods and has 1 currently/)
  await setStatus(`${budgets}/b`, status(1))
  const allowed = await evict()
  assert.equal(allowed.code, 201, allowed.text)
  const leaving = (await send('GET', url)).json
  assert.ok(at(leaving, 'metadata.deletionTimestamp'))
  const { lastTransitionTime, ...told } = at(leaving, 'status.conditions.1') as Record<string, string>
  assert.ok(lastTransitionTime)
  assert.deepEqual(told, {
    ...{
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'EvictionByEvictionAPI',
      message: 'Eviction API: evicting',
      lastProbeTime: null,
    },
  })
  const { json } = await send('GET', `${budgets}/b`)
  assert.equal(at(json, 'status.disruptionsAllowed'), 0)
  assert.ok(at(json, 'status.disruptedPods.e1'))
})

test('an eviction keeps to the preconditions that it names', async () => {
  const url = await makePod('e2')
  const { uid, resourceVersion } = at((await send('GET', url)).json, 'metadata') as Record<string, string>
  const evict = (preconditions: object) =>
    send('POST', `${url}/eviction`, {
      body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'e2' }, deleteOptions: { preconditions } },
    })
  assert.equal((await evict({ uid: 'another' })).code, 409)
  assert.equal((await evict({ resourceVersion: '1' })).code, 409)
  assert.equal(at((await send('GET', url)).json, 'metadata.resourceVersion'), resourceVersion)
  assert.equal((await evict({ uid, resourceVersion })).code, 201)
})

test('ephemeral containers join and stay', async () => {
  const url = await makePod('ec')
  const add = (name: string) =>
    send('PATCH', `${url}/ephemeralcontainers`, {
      body: { spec: { ephemeralContainers: [{ name, image: 'debug' }] } },
      type: 'application/strategic-merge-patch+json',
    })
  assert.equal((await add('one')).code, 200)
  const two = await add('two')
  assert.equal(at(two.json, 'spec.ephemeralContainers.length'), 2)
  const removed = await send('PATCH', `${url}/ephemeralcontainers`, {
    body: { spec: { ephemeralContainers: null } },
    type: 'application/merge-patch+json',
  })
  assert.equal(removed.code, 422)
})

test('explain is the last decision, and 404 without one', async () => {
  const url = await makePod('x1')
  await makePod('unknown')
  assert.equal((await send('GET', `${url}/explain`)).json.pod, 'default/x1')
  assert.equal((await send('GET', `${pods}/unknown/explain`)).code, 404)
  assert.equal((await send('GET', `${pods}/none/explain`)).code, 404)
})

test('streams and proxies without a way to nodes say so', async () => {
  assert.equal((await send('GET', `${pods}/b1/proxy/`)).code, 503)
  assert.equal((await send('GET', '/api/v1/namespaces/default/services/kubernetes/proxy/x')).code, 503)
})

test('reviews answer from the authorizer and are not stored', async () => {
  const review = await send('POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
    body: { spec: { resourceAttributes: { verb: 'get', resource: 'pods', namespace: 'default' } } },
  })
  assert.equal(review.code, 201, review.text)
  assert.equal(at(review.json, 'status.allowed'), true)
  // Nothing is stored, but who asked what is told as of any object.
  const fields = { 'f:resourceAttributes': { '.': {}, 'f:verb': {}, 'f:resource': {}, 'f:namespace': {} } }
  assert.deepEqual(at(review.json, 'metadata.managedFields.0.fieldsV1'), { 'f:spec': fields })
  assert.equal((await send('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body: { spec: {} } })).code, 422)
  const self = await send('POST', '/apis/authentication.k8s.io/v1/selfsubjectreviews', { body: {} })
  assert.equal(at(self.json, 'status.userInfo.username'), 'test')
  const token = await send('POST', '/apis/authentication.k8s.io/v1/tokenreviews', { body: { spec: { token: 'nonsense' } } })
  assert.equal(at(token.json, 'status.authenticated'), undefined)
  assert.equal(at(token.json, 'status.error'), 'invalid bearer token')
  assert.deepEqual(at(token.json, 'metadata.managedFields.0.fieldsV1'), { 'f:spec': { 'f:token': {} } })
  assert.deepEqual(at(self.json, 'metadata.managedFields'), undefined)
  assert.equal((await send('GET', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews')).code, 405)
})
