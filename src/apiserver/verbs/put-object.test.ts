/** Objects that fit into the store but for the list of who owns which of their fields. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'
import { at, sender } from '../test-requests.ts'

const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(1) })
after(() => api.close())
const send = sender(api)
const path = '/api/v1/namespaces/default/configmaps'
/** Both the object and the list have some 800 KB, where the store takes one and a half MB. */
const keys = 3_200
const data = Object.fromEntries(Array.from({ length: keys }, (_, i) => [`k${i}`.padEnd(250, '-'), 'x']))
const configMap = (name: string, more: object = { data }) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, ...more })

async function check(method: string, url: string, options: object, expected: number): Promise<void> {
  const { code, json, text } = await send(method, url, options)
  assert.equal(code, expected, text.slice(0, 200))
  assert.equal(at(json, 'metadata.managedFields'), undefined)
  assert.equal(Object.keys(json['data'] as object).length, keys)
}

test('are created without it', () => check('POST', path, { body: configMap('created') }, 201))

test('are updated and patched without it', async () => {
  for (const name of ['updated', 'patched']) assert.equal((await send('POST', path, { body: configMap(name, {}) })).code, 201)
  await check('PUT', `${path}/updated`, { body: configMap('updated') }, 200)
  await check('PATCH', `${path}/patched`, { body: { data }, type: 'application/merge-patch+json' }, 200)
})

test('are refused where they are applied: who owns what is the point', async () => {
  const answer = await send('PATCH', `${path}/applied?fieldManager=t`, { body: configMap('applied'), type: 'application/apply-patch+yaml' })
  assert.deepEqual([answer.code, answer.json.reason], [413, 'RequestEntityTooLarge'])
  assert.equal((await send('GET', `${path}/applied`)).code, 404)
})
