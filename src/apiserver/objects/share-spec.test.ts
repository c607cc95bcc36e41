import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import type { Pod, Toleration } from '../../kinds/generated/types/core-v1.ts'
import { textOfShared } from '../../machinery/shared-value.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { keyOfObject } from '../registry.ts'
import { createTestApi } from '../test-api.ts'
import { sender } from '../test-requests.ts'

const path = '/api/v1/namespaces/default/pods'
const pod = (name: string) => ({ metadata: { name }, spec: { containers: [{ name: 'c', image: 'i' }], schedulerName: 'shared' } })

async function twins() {
  const { api, client } = await createTestApi({ clock: virtualClock(), random: seededRandom(6) })
  const send = sender(api)
  for (const name of ['a', 'b']) assert.equal((await send('POST', path, { body: pod(name) })).code, 201)
  const resource = api.registry.find('', 'v1', 'pods')!
  /** As it is kept. */
  const specOf = (name: string) =>
    (api.core.storage.cache.get(keyOfObject(resource, 'default', name))?.value.object as Pod | undefined)?.spec as object
  const patch = (name: string, body: object) => send('PATCH', `${path}/${name}`, { body, type: 'application/merge-patch+json' })
  return { api, client, send, specOf, patch }
}

test('a change of anything else leaves the spec that pods share as it is, and shared', async () => {
  const { api, send, specOf, patch } = await twins()
  const spec = specOf('a')
  assert.equal(specOf('b'), spec)
  const text = textOfShared(spec)
  assert.equal((await patch('a', { metadata: { labels: { x: 'y' } } })).code, 200)
  assert.equal(specOf('a'), spec)
  const { json } = await send('GET', `${path}/b`)
  assert.equal(
    (await send('PUT', `${path}/b`, { body: { ...json, metadata: { ...(json.metadata as object), labels: { x: 'z' } } } })).code,
    200,
  )
  assert.equal(specOf('b'), spec)
  assert.equal(JSON.stringify(spec), text)
  await api.close()
})

test('a change of one spec leaves the other', async () => {
  const { api, specOf, patch } = await twins()
  const text = JSON.stringify(specOf('b'))
  assert.equal((await patch('a', { spec: { activeDeadlineSeconds: 60 } })).code, 200)
  assert.equal((specOf('a') as Pod['spec'])?.activeDeadlineSeconds, 60)
  assert.equal(JSON.stringify(specOf('b')), text)
  await api.close()
})

test('a policy that changes a pod changes no other', async () => {
  const { api, client, specOf, patch } = await twins()
  const text = JSON.stringify(specOf('b'))
  const { mutatingAdmissionPolicies, mutatingAdmissionPolicyBindings } = kindRefs.admissionregistrationV1
  const rule = { apiGroups: [''], apiVersions: ['v1'], operations: ['UPDATE' as const], resources: ['pods'] }
  const expression = '[JSONPatch{op: "add", path: "/spec/tolerations/-", value: Object.spec.tolerations{key: "added", operator: "Exists"}}]'
  await client.resource(mutatingAdmissionPolicies).create({
    metadata: { name: 'p' },
    spec: {
      reinvocationPolicy: 'Never',
      matchConstraints: { resourceRules: [rule] },
      mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }],
    },
  })
  await client.resource(mutatingAdmissionPolicyBindings).create({ metadata: { name: 'b' }, spec: { policyName: 'p' } })
  const { code, text: answer } = await patch('a', { metadata: { labels: { x: 'y' } } })
  assert.equal(code, 200, answer)
  const added = (specOf('a') as { readonly tolerations: readonly Toleration[] }).tolerations.filter(({ key }) => key === 'added')
  assert.equal(added.length, 1)
  assert.equal(JSON.stringify(specOf('b')), text)
  await api.close()
})
