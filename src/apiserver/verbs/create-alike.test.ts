import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../base/random.ts'
import type { Client, ResourceClient } from '../../client/contract.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { Pod } from '../../kinds/generated/types/core-v1.ts'
import { StatusError } from '../../machinery/status-error.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { encodeAlike, encodeStored } from '../objects/codec.ts'
import { createTestApi } from '../test-api.ts'

const { coreV1, admissionregistrationV1 } = kindRefs

async function withPods(body: (pods: ResourceClient<Pod>, client: Client) => Promise<void>, random: Random = seededRandom(3)) {
  const { api, client } = await createTestApi({ clock: virtualClock(), random })
  try {
    await body(client.resource(coreV1.pods, 'default'), client)
  } finally {
    await api.close()
  }
}

const template = (more: Partial<Pod['spec']> = {}): Pod => ({
  metadata: { generateName: 'web-', labels: { app: 'web' }, ownerReferences: [] },
  spec: { containers: [{ name: 'c', image: 'i' }], ...more },
})

const fulfilled = (results: readonly PromiseSettledResult<Pod>[] | undefined): Pod[] =>
  (results ?? []).flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))

/** What is each object's own is left out. */
const common = ({ metadata, ...rest }: Pod) => {
  const { name: _n, uid: _u, resourceVersion: _r, ...more } = metadata
  return { ...rest, metadata: more }
}

test('what is created alike is as if each had been created by itself, with its own name, uid and revision', () =>
  withPods(async (pods) => {
    const single = await pods.create(template())
    const made = fulfilled(await pods.createAlike!(template(), 40))
    for (const own of ['name', 'uid', 'resourceVersion'] as const) assert.equal(new Set(made.map(({ metadata }) => metadata[own])).size, 40)
    for (const pod of made) {
      assert.match(pod.metadata.name ?? '', /^web-[a-z0-9]{5}$/)
      assert.deepEqual(common(pod), common(single))
      assert.deepEqual(await pods.get(pod.metadata.name ?? ''), pod)
    }
    assert.equal((await pods.list({ labelSelector: 'app=web' })).items.length, 41)
  }))

test('a watcher hears of each', () =>
  withPods(async (pods) => {
    const { metadata } = await pods.list()
    const stopping = new AbortController()
    const made = fulfilled(await pods.createAlike!(template(), 3)).map((pod) => pod.metadata.name)
    const heard: (string | undefined)[] = []
    for await (const event of pods.watch({ signal: stopping.signal, resourceVersion: metadata.resourceVersion ?? '' })) {
      if (event.type === 'ADDED') heard.push(event.object.metadata.name)
      if (heard.length === 3) break
    }
    stopping.abort()
    assert.deepEqual(heard, made)
  }))

test('a refusal of one is a refusal of all, and nothing is there', () =>
  withPods(async (pods) => {
    await assert.rejects(
      async () => pods.createAlike!(template({ containers: [] }), 5),
      (error) => error instanceof StatusError && error.status.reason === 'Invalid',
    )
    assert.equal((await pods.list()).items.length, 0)
  }))

test('a name that is taken is drawn again', () => {
  const random = seededRandom(5)
  const drawn = ['unused', 'first', 'other', 'first', 'third']
  return withPods(
    async (pods) => {
      const made = fulfilled(await pods.createAlike!(template(), 3)).map((pod) => pod.metadata.name)
      assert.deepEqual(made, ['web-first', 'web-other', 'web-third'])
    },
    // The name of the form is drawn first and not used.
    { ...random, suffix: (length) => drawn.shift() ?? random.suffix(length) },
  )
})

const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE' as const], resources: ['pods'] }

const lookingAtEach: [string, (client: Client) => Promise<unknown>][] = [
  [
    'a quota',
    (client) => client.resource(coreV1.resourceQuotas, 'default').create({ metadata: { name: 'q' }, spec: { hard: { pods: '2' } } }),
  ],
  [
    'a webhook',
    (client) =>
      client.resource(admissionregistrationV1.validatingWebhookConfigurations).create({
        metadata: { name: 'w' },
        webhooks: [
          {
            name: 'w.example.com',
            clientConfig: { url: 'https://127.0.0.1:1/' },
            rules: [rule],
            sideEffects: 'None',
            admissionReviewVersions: ['v1'],
            failurePolicy: 'Ignore',
          },
        ],
      }),
  ],
  [
    'a policy',
    async (client) => {
      const { validatingAdmissionPolicies, validatingAdmissionPolicyBindings } = admissionregistrationV1
      const validations = [{ expression: 'object.metadata.name != "x"' }]
      await client
        .resource(validatingAdmissionPolicies)
        .create({ metadata: { name: 'p' }, spec: { matchConstraints: { resourceRules: [rule] }, validations } })
      await client
        .resource(validatingAdmissionPolicyBindings)
        .create({ metadata: { name: 'b' }, spec: { policyName: 'p', validationActions: ['Deny'] } })
    },
  ],
]

for (const [what, make] of lookingAtEach)
  test(`nothing is created alike where ${what} looks at each`, () =>
    withPods(async (pods, client) => {
      await make(client)
      // The server hears of it by its watch, as everybody does.
      for (let i = 0; i < 10; i++) await Promise.resolve()
      assert.equal(await pods.createAlike!(template(), 3), undefined)
      assert.equal((await pods.list()).items.length, 0)
    }))

test('only what the server names is created alike', () =>
  withPods(async (pods) => {
    const { spec } = template()
    assert.equal(await pods.createAlike!({ metadata: { name: 'one' }, ...(spec ? { spec } : {}) }, 2), undefined)
  }))

const names: [string, string, string][] = [
  ['of the same length', 'web-abcde', '6f1c2d3e-0000-4000-8000-000000000001'],
  ['of another length', 'web-abcdefg', '6f1c2d3e-0000-4000-8000-000000000001'],
  ['that JSON writes otherwise', 'web-"\\é1', 'u"id'],
]

for (const [title, name, uid] of names)
  test(`an object with a name ${title} is encoded alike`, () => {
    const first = {
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: { name: 'web-zzzzz', generateName: 'web-', uid: '6f1c2d3e-0000-4000-8000-00000000000f', labels: { name: 'web-zzzzz' } },
      spec: { text: '"uid":"6f1c2d3e-0000-4000-8000-00000000000f"' },
    }
    const object = { ...first, metadata: { ...first.metadata, name, uid } }
    assert.equal(encodeAlike(first)(object).toString(), encodeStored(object).toString())
  })
