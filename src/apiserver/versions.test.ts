import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { configMaps } from '../kinds/core/config-map.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { createTestApi } from './test-api.ts'
import { at, sender } from './test-requests.ts'

const { api, client } = await createTestApi({ clock: virtualClock(), random: seededRandom(12) })
after(() => api.close())
const send = sender(api)
const autoscalers = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`

test('one object under two versions', async () => {
  const spec = {
    maxReplicas: 5,
    targetCPUUtilizationPercentage: 60,
    scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
  }
  const made = await send('POST', autoscalers('v1'), { body: { metadata: { name: 'h' }, spec } })
  assert.equal(made.code, 201, made.text)
  assert.equal(made.json.apiVersion, 'autoscaling/v1')
  const v2 = await send('GET', `${autoscalers('v2')}/h`)
  assert.equal(v2.json.apiVersion, 'autoscaling/v2')
  assert.equal(at(v2.json, 'spec.metrics.0.resource.target.averageUtilization'), 60)
  const patched = await send('PATCH', `${autoscalers('v2')}/h`, {
    body: { spec: { maxReplicas: 9 } },
    type: 'application/merge-patch+json',
  })
  assert.equal(patched.code, 200, patched.text)
  const list = await send('GET', autoscalers('v1'))
  assert.equal(at(list.json, 'items.0.apiVersion'), 'autoscaling/v1')
  assert.equal(at(list.json, 'items.0.spec.maxReplicas'), 9)
  assert.equal(at(list.json, 'items.0.spec.targetCPUUtilizationPercentage'), 60)
})

test('events of both groups are the same events', async () => {
  const made = await send('POST', '/apis/events.k8s.io/v1/namespaces/default/events', {
    body: {
      metadata: { name: 'e' },
      eventTime: '2026-01-01T00:00:00.000000Z',
      reportingController: 'c',
      reportingInstance: 'i',
      action: 'Act',
      reason: 'Why',
      type: 'Normal',
      regarding: { kind: 'Pod', namespace: 'default', name: 'p' },
      note: 'said',
    },
  })
  assert.equal(made.code, 201, made.text)
  const core = await send('GET', '/api/v1/namespaces/default/events/e')
  assert.equal(core.json.message, 'said')
  assert.equal(at(core.json, 'involvedObject.name'), 'p')
})

test('what a client in this process gets is shared and frozen under test', async () => {
  const made = await client.resource(configMaps, 'default').create({ metadata: { name: 'frozen' }, data: { k: 'v' } })
  assert.equal(await client.resource(configMaps, 'default').get('frozen'), made)
  assert.throws(() => {
    made.data!['k'] = 'w'
  }, TypeError)
})

test('kinds may come and go while the server runs', async () => {
  const added = {
    ...configMaps,
    group: 'example.com',
    version: 'v1',
    kind: 'Widget',
    listKind: 'WidgetList',
    plural: 'widgets',
    schema: 'none',
    storedAs: undefined,
  }
  const { storedAs: _, ...widgets } = added
  api.registry.add([widgets as unknown as typeof configMaps], { storage: widgets as unknown as typeof configMaps })
  const url = '/apis/example.com/v1/namespaces/default/widgets'
  const made = await send('POST', url, {
    body: { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'w' }, anything: { goes: 1 } },
  })
  assert.equal(made.code, 201, made.text)
  assert.equal(at((await send('GET', `${url}/w`)).json, 'anything.goes'), 1)
  const strategic = await send('PATCH', `${url}/w`, { body: {}, type: 'application/strategic-merge-patch+json' })
  assert.equal(strategic.code, 415)
  api.registry.remove('example.com', 'widgets')
  assert.equal((await send('GET', `${url}/w`)).code, 404)
})
