import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { Client } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { podPatch } from '../../client/pod-patch.ts'
import { evictPod } from '../../control/pod-changes.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { Store } from '../../store/contract.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { allowAll, createTestApi } from '../test-api.ts'
import type { Authorizer } from '../contract.ts'

const { pods } = kindRefs.coreV1
const why = { reason: 'PreemptionByScheduler', message: 'default-scheduler: preempting to accommodate a higher priority pod' }

type World = Awaited<ReturnType<typeof createTestApi>> & { readonly clock: ReturnType<typeof virtualClock> }

async function withApi(body: (world: World) => Promise<void>, options: { store?: Store; authorizer?: Authorizer } = {}): Promise<void> {
  const clock = virtualClock()
  const world = await createTestApi({ clock, random: seededRandom(3), ...options })
  try {
    await body({ ...world, clock })
  } finally {
    await world.api.close()
  }
}

async function makePod(client: Client, name: string, { grace = 30, node = 'n', finalizers = [] as string[] } = {}): Promise<Pod> {
  const spec = { containers: [{ name: 'c', image: 'i' }], nodeName: node, terminationGracePeriodSeconds: grace }
  return client.resource(pods, 'default').create({ metadata: { name, ...(finalizers.length > 0 ? { finalizers } : {}) }, spec })
}

/** Events of the namespace's pods from now on. */
async function watchPods(client: Client) {
  const signal = new AbortController()
  const { resourceVersion = '' } = (await client.resource(pods, 'default').list()).metadata
  const events = client.resource(pods, 'default').watch({ resourceVersion, signal: signal.signal })[Symbol.asyncIterator]()
  const next = async () => {
    const { value } = await events.next()
    if (value.type === 'BOOKMARK') throw new Error('no bookmark was asked for')
    return value as { type: string; object: Pod }
  }
  return { next, end: () => signal.abort() }
}

const inTwoRequests = ({ changePods: _, ...client }: Client): Client => client
const withoutNames = ({ metadata: { uid: _u, name: _n, resourceVersion: _r, ...metadata }, ...pod }: Pod) => ({ ...pod, metadata })

for (const [what, form, type] of [
  ['that has time to end', { grace: 30 }, 'MODIFIED'],
  ['that goes at once', { grace: 0 }, 'DELETED'],
  ['that a finalizer holds', { grace: 0, finalizers: ['example.com/hold'] }, 'MODIFIED'],
  ['that runs nowhere', { node: '' }, 'DELETED'],
] as const) {
  test(`a pod ${what} is said why and deleted in one commit, as by a patch and a delete`, () =>
    withApi(async ({ client, clock }) => {
      const whole = { ...form, finalizers: 'finalizers' in form ? [...form.finalizers] : [] }
      const [one, two] = [await makePod(client, 'one', whole), await makePod(client, 'two', whole)]
      const watch = await watchPods(client)
      assert.equal(await evictPod({ client, clock }, one, why), true)
      const told = await watch.next()
      assert.equal(await evictPod({ client: inTwoRequests(client), clock }, two, why), true)
      const [patched, deleted] = [await watch.next(), await watch.next()]
      watch.end()
      assert.deepEqual([told.type, patched.type, deleted.type], [type, 'MODIFIED', type])
      assert.deepEqual(withoutNames(told.object), withoutNames(deleted.object))
      const condition = told.object.status?.conditions?.find((c) => c.type === 'DisruptionTarget')
      assert.deepEqual(
        { ...condition, lastTransitionTime: '' },
        {
          ...{ type: 'DisruptionTarget', status: 'True', lastProbeTime: null, lastTransitionTime: '', observedGeneration: 1, ...why },
        },
      )
      assert.match(JSON.stringify(told.object.metadata.managedFields), /DisruptionTarget/)
      assert.equal(Number(told.object.metadata.resourceVersion) + 2, Number(deleted.object.metadata.resourceVersion))
    }))
}

test('a pod that is gone, or another of its name, is left alone', () =>
  withApi(async ({ client, clock }) => {
    const pod = await makePod(client, 'web')
    const { uid: _, ...metadata } = pod.metadata
    await assert.rejects(evictPod({ client, clock }, { ...pod, metadata: { ...metadata, uid: 'another' } }, why), { reason: 'Conflict' })
    const { metadata: now } = await client.resource(pods, 'default').get('web')
    assert.equal(now.resourceVersion, pod.metadata.resourceVersion)
    assert.equal(await evictPod({ client, clock }, { metadata: { name: 'nobody', namespace: 'default', uid: 'u' } }, why), false)
  }))

test('who may not write a status, or not delete, disrupts nothing', async () => {
  for (const denied of ['patch pods/status', 'delete pods/']) {
    const authorize: Authorizer['authorize'] = (asked) => ({
      allowed: asked.type === 'path' || `${asked.verb} ${asked.resource}/${asked.subresource}` !== denied,
      reason: '',
    })
    const check = async ({ client, clock }: World) => {
      const pod = await makePod(client, 'web')
      await assert.rejects(evictPod({ client, clock }, pod, why), { reason: 'Forbidden' })
      assert.equal((await client.resource(pods, 'default').get('web')).metadata.resourceVersion, pod.metadata.resourceVersion)
    }
    await withApi(check, { authorizer: { ...allowAll, authorize } })
  }
})

test('a policy about statuses sees the condition before the pod goes, and may refuse it', () =>
  withApi(async ({ client, clock }) => {
    const { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } = kindRefs.admissionregistrationV1
    const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods/status'], operations: ['UPDATE' as const] }]
    const expression = "!object.status.conditions.exists(c, c.type == 'DisruptionTarget')"
    await client
      .resource(validatingAdmissionPolicies)
      .create({ metadata: { name: 'stay' }, spec: { matchConstraints: { resourceRules }, validations: [{ expression }] } })
    await client
      .resource(validatingAdmissionPolicyBindings)
      .create({ metadata: { name: 'stay' }, spec: { policyName: 'stay', validationActions: ['Deny'] } })
    const pod = await makePod(client, 'web')
    await assert.rejects(evictPod({ client, clock }, pod, why), { reason: 'Invalid' })
    assert.equal((await client.resource(pods, 'default').get('web')).metadata.deletionTimestamp, undefined)
  }))

test('where others write to the store, what they are told of a pod that goes at once has the condition, too', () => {
  const store = createMemoryStore()
  const shared: Store = new Proxy(store, {
    get: (target, property) => {
      if (property === 'freshRevision') return () => Promise.resolve(target.revision)
      const value: unknown = target[property as keyof Store]
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
  const check = async ({ client, clock }: World) => {
    const pod = await makePod(client, 'web', { grace: 0 })
    const other = await createTestApi({ clock, random: seededRandom(4), store: shared })
    try {
      const watch = await watchPods(other.client)
      await evictPod({ client, clock }, pod, why)
      const [told, deleted] = [await watch.next(), await watch.next()]
      watch.end()
      assert.deepEqual([told.type, deleted.type], ['MODIFIED', 'DELETED'])
      assert.equal(deleted.object.status?.conditions?.at(-1)?.reason, 'PreemptionByScheduler')
    } finally {
      await other.api.close()
    }
  }
  return withApi(check, { store: shared })
})

const unschedulable = (message: string) =>
  ({
    ...{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message },
    ...{ lastProbeTime: null, lastTransitionTime: '2026-01-02T03:04:05Z', observedGeneration: 1 },
  }) as const

test('a condition and a nomination are written as by a patch, and nothing where nothing changes', () =>
  withApi(async ({ client }) => {
    const steps = [
      { condition: unschedulable('no room'), nominatedNodeName: 'n1' },
      { condition: unschedulable('still no room') },
      { condition: unschedulable('still no room'), nominatedNodeName: '' },
    ]
    const [one, two] = [await makePod(client, 'one', { node: '' }), await makePod(client, 'two', { node: '' })]
    for (const step of steps) {
      const { namespace = '', name = '', uid = '' } = one.metadata
      const [outcome] = await client.changePods!([{ namespace, name, uid, ...step }])
      assert.equal(outcome?.status, 'fulfilled')
      const body = podPatch({ namespace, name: 'two', uid: two.metadata.uid!, ...step })
      const patched = await client.resource(pods, 'default').patch('two', { type: 'strategic', body }, { subresource: 'status' })
      const changed = await client.resource(pods, 'default').get('one')
      assert.deepEqual(withoutNames(changed), withoutNames(patched))
      assert.equal(changed.status?.nominatedNodeName, 'nominatedNodeName' in step ? step.nominatedNodeName || undefined : 'n1')
      await client.changePods!([{ namespace, name, uid, ...step }])
      const same = await client.resource(pods, 'default').get('one')
      assert.equal(same.metadata.resourceVersion, changed.metadata.resourceVersion)
    }
  }))

test('each of many has an answer of its own, in their order', () =>
  withApi(async ({ client }) => {
    const made = [await makePod(client, 'a'), await makePod(client, 'b', { grace: 0 }), await makePod(client, 'c', { node: '' })]
    const change = (name: string, uid: string, more: object) => ({
      ...{ namespace: 'default', name, uid, condition: unschedulable('no room') },
      ...more,
    })
    const [a, b, c] = made.map(({ metadata }) => metadata.uid!)
    const outcomes = await client.changePods!([
      change('nobody', 'u', {}),
      change('a', a!, { deletes: true }),
      change('c', 'another', {}),
      change('b', b!, { deletes: true }),
      change('nobody', 'u', { deletes: true }),
      change('c', c!, { nominatedNodeName: 'n' }),
      change('a', 'another', { deletes: true }),
    ])
    const told = outcomes.map((outcome) =>
      outcome.status === 'rejected' ? (outcome.reason as { reason: string }).reason : (outcome.value as Pod).metadata.name,
    )
    assert.deepEqual(told, ['NotFound', 'a', 'Conflict', 'b', 'NotFound', 'c', 'Conflict'])
    const left = (await client.resource(pods, 'default').list()).items
    assert.deepEqual(
      left.map(({ metadata, status }) => [metadata.name, metadata.deletionTimestamp !== undefined, status?.nominatedNodeName]),
      [
        ['a', true, undefined],
        ['c', false, 'n'],
      ],
    )
  }))

test('a pod that others change at the same time is changed, too', () =>
  withApi(async ({ client }) => {
    const made = await Promise.all([0, 1, 2, 3].map((i) => makePod(client, `p${i}`, { node: '' })))
    const label = (pod: Pod) => {
      const body = { metadata: { labels: { x: 'y' } } }
      return client.resource(pods, 'default').patch(pod.metadata.name!, { type: 'merge', body })
    }
    const changes = made.map(({ metadata: { namespace = '', name = '', uid = '' } }, i) => ({
      ...{ namespace, name, uid, condition: unschedulable('no room') },
      ...(i % 2 === 0 ? { deletes: true as const } : {}),
    }))
    const [outcomes] = await Promise.all([client.changePods!(changes), Promise.allSettled([...made, ...made].map(label))])
    assert.deepEqual(new Set(outcomes.map(({ status }) => status)), new Set(['fulfilled']))
    const left = (await client.resource(pods, 'default').list()).items
    assert.deepEqual(
      left.map(({ metadata, status }) => [metadata.name, metadata.labels, status?.conditions?.map((one) => one.message)]),
      ['p1', 'p3'].map((name) => [name, { x: 'y' }, ['no room']]),
    )
  }))
