/** What is looked at when something changes is looked at again when the look failed, though nothing changes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { StoreUnavailable } from '../store/contract.ts'
import { createMemoryStore } from '../store/memory.ts'
import { withCommit } from './overtaken-store.ts'
import { retried } from './retried.ts'
import { createTestApi } from './test-api.ts'
import { type Send, sender } from './test-requests.ts'

// Loaded when it is first needed: not while a test counts its looks.
await import('./admission/policies/type-checking.ts')

test('looks follow each other; a failed one is followed by another, later each time', async () => {
  const clock = virtualClock()
  const outcomes = [true, false, false, true]
  const atMs: number[] = []
  const { look, end } = retried({ clock, random: { ...seededRandom(1), next: () => 0 } }, async () => {
    atMs.push(clock.now())
    return outcomes.shift() ?? true
  })
  const startMs = clock.now()
  await Promise.all([look(), look()])
  await clock.advance(100_000)
  assert.deepEqual(
    atMs.map((ms) => ms - startMs),
    [0, 0, 1000, 3000],
  )
  await end()
})

test('after its end nothing is looked at any more', async () => {
  const clock = virtualClock()
  let looks = 0
  const { look, end } = retried({ clock, random: seededRandom(1) }, async () => {
    looks++
    return false
  })
  await look()
  await end()
  await look()
  await clock.advance(100_000)
  assert.equal(looks, 1)
})

/** A server whose store fails the first write, after its start, that has this in it. */
async function failingOnce(mark: string, run: (send: Send, clock: ReturnType<typeof virtualClock>) => Promise<void>): Promise<void> {
  const inner = createMemoryStore()
  let isReady = false
  let hasFailed = false
  const store = withCommit(inner, async (operations) => {
    if (!isReady || hasFailed || !operations.some((one) => one.type === 'put' && Buffer.from(one.value).includes(mark)))
      return inner.commit(operations)
    hasFailed = true
    throw new StoreUnavailable('away')
  })
  const clock = virtualClock()
  const { api } = await createTestApi({ clock, random: seededRandom(1), store })
  isReady = true
  try {
    await run(sender(api), clock)
    assert.ok(hasFailed)
  } finally {
    await api.close()
  }
}

test('a definition is established though the store was away for a moment', () =>
  failingOnce('"NamesAccepted"', async (send, clock) => {
    const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'
    const names = { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' }
    const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }]
    const body = { metadata: { name: 'things.example.com' }, spec: { group: 'example.com', scope: 'Cluster', names, versions } }
    assert.equal((await send('POST', definitions, { body })).code, 201)
    await clock.advance(5000)
    const { json } = await send('GET', `${definitions}/things.example.com`)
    const { conditions } = json['status'] as { conditions: { type: string; status: string }[] }
    assert.deepEqual(
      conditions.map(({ type, status }) => `${type}=${status}`),
      ['NamesAccepted=True', 'Established=True'],
    )
  }))

test('a policy is checked for its types though the store was away for a moment', () =>
  failingOnce('"typeChecking"', async (send, clock) => {
    const policies = '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies'
    const resourceRules = [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }]
    const spec = { matchConstraints: { resourceRules }, validations: [{ expression: 'object.spec.replicas > 1' }] }
    assert.equal((await send('POST', policies, { body: { metadata: { name: 'p' }, spec } })).code, 201)
    for (let i = 0; i < 100; i++) {
      await clock.advance(1000)
      const { json } = await send('GET', `${policies}/p`)
      if ((json['status'] as { observedGeneration?: number } | undefined)?.observedGeneration === 1) return
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.fail('the policy was not checked')
  }))

const flowControl = '/apis/flowcontrol.apiserver.k8s.io/v1'

test('a flow schema that was deleted comes back though the store was away for a moment', () =>
  failingOnce('"name":"catch-all"', async (send, clock) => {
    assert.equal((await send('DELETE', `${flowControl}/flowschemas/catch-all`)).code, 200)
    await clock.advance(5000)
    assert.equal((await send('GET', `${flowControl}/flowschemas/catch-all`)).code, 200)
  }))

test('a flow schema tells that its level is there though the store was away for a moment', () =>
  failingOnce('This FlowSchema references', async (send, clock) => {
    const limited = { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } }
    await send('POST', `${flowControl}/prioritylevelconfigurations`, {
      body: { metadata: { name: 'own' }, spec: { type: 'Limited', limited } },
    })
    const spec = { priorityLevelConfiguration: { name: 'own' }, rules: [] }
    await send('POST', `${flowControl}/flowschemas`, { body: { metadata: { name: 'own' }, spec } })
    await clock.advance(5000)
    const { status } = (await send('GET', `${flowControl}/flowschemas/own`)).json as { status: { conditions: { status: string }[] } }
    assert.equal(status.conditions[0]?.status, 'False')
  }))

test('the Service of the API comes back though the store was away for a moment', () =>
  failingOnce('"kind":"Service"', async (send, clock) => {
    const path = '/api/v1/namespaces/default/services/kubernetes'
    assert.equal((await send('DELETE', path)).code, 200)
    await clock.advance(5000)
    assert.equal((await send('GET', path)).code, 200)
  }))

test('a group of custom kinds gets its APIService though the store was away for a moment', () =>
  failingOnce('"kind":"APIService"', async (send, clock) => {
    const names = { plural: 'things', singular: 'thing', kind: 'Thing', listKind: 'ThingList' }
    const versions = [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }]
    const body = { metadata: { name: 'things.example.com' }, spec: { group: 'example.com', scope: 'Cluster', names, versions } }
    assert.equal((await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', { body })).code, 201)
    await clock.advance(5000)
    assert.equal((await send('GET', '/apis/apiregistration.k8s.io/v1/apiservices/v1.example.com')).code, 200)
  }))
