import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'
import { at, sender } from '../test-requests.ts'

const { api } = await createTestApi({ clock: virtualClock(), random: seededRandom(3), withoutAdmission: [] })
after(() => api.close())
const send = sender(api)
const path = '/api/v1/namespaces/default/pods'
await send('POST', '/api/v1/namespaces/default/serviceaccounts', { body: { metadata: { name: 'default' } } })

const container = { name: 'c', image: 'i', resources: { limits: { cpu: '1' } }, ports: [{ containerPort: 80 }] }
const create = async (name: string, spec: object, query = '') => {
  const { code, json, headers } = await send('POST', `${path}${query}`, { body: { metadata: { name }, spec } })
  const text = JSON.stringify([at(json, 'spec'), at(json, 'metadata.managedFields.0.fieldsV1')])
  return { code, text: text.replaceAll(/kube-api-access-\w+/g, 'access'), warning: headers['warning'] }
}

test('pods that are sent alike become alike, however often, and share nothing that admission changes', async () => {
  const texts: string[] = []
  for (let i = 0; i < 4; i++) texts.push((await create(`alike-${i}`, { containers: [container] })).text)
  assert.match(texts[0]!, /"requests":\{"cpu":"1"\}.*"protocol":"TCP".*access.*not-ready.*f:terminationMessagePath/)
  for (const text of texts) assert.equal(text, texts[0])
})

test('what is no field is told each time', async () => {
  const spec = { containers: [{ ...container, nothing: 1 }] }
  for (let i = 0; i < 3; i++) {
    const { code, warning } = await create(`told-${i}`, spec)
    assert.deepEqual([code, warning], [201, '299 - "unknown field \\"spec.containers[0].nothing\\""'])
  }
  assert.equal((await create('refused', spec, '?fieldValidation=Strict')).code, 400)
  // Without it the spec is one that is sent alike, and still no field for the next.
  assert.equal((await create('plain', { containers: [container] }, '?fieldValidation=Strict')).code, 201)
})

test('what is invalid is refused each time', async () => {
  for (let i = 0; i < 3; i++)
    assert.equal((await create(`invalid-${i}`, { containers: [{ ...container, imagePullPolicy: 'Now' }] })).code, 422)
})

test('a replacement with a spec that was sent before is judged like every other', async () => {
  const spec = { containers: [container] }
  await create('replaced', spec)
  const { json } = await send('GET', `${path}/replaced`)
  const kept = { ...json, metadata: { ...(json.metadata as object), labels: { a: 'b' } } }
  assert.equal((await send('PUT', `${path}/replaced`, { body: kept })).code, 200)
  const { code } = await send('PUT', `${path}/replaced`, { body: { ...kept, metadata: { name: 'replaced' }, spec } })
  assert.equal(code, 422, 'without its volumes it is another')
})
