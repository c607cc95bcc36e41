import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { FlowSchema, PriorityLevelConfiguration } from '../../kinds/generated/types/flowcontrol-v1.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi } from '../test-api.ts'
import { at, sender } from '../test-requests.ts'
import { autoUpdateAnnotation, startingLevels, type StartingObject } from './flow-objects.ts'
import { danglingCondition, planDangling, planMaintenance } from './maintain-plan.ts'

const clock = virtualClock()
const { api } = await createTestApi({ clock, random: seededRandom(3) })
after(() => api.close())
const send = sender(api)
const root = '/apis/flowcontrol.apiserver.k8s.io/v1'

test('a cluster starts with the mandatory and the suggested objects', async () => {
  const { json } = await send('GET', `${root}/flowschemas`)
  const names = (json.items as FlowSchema[]).map((schema) => schema.metadata.name)
  assert.equal(names.length, 11)
  for (const schema of json.items as FlowSchema[]) assert.equal(schema.status?.conditions?.[0]?.status, 'False')
  const levels = (await send('GET', `${root}/prioritylevelconfigurations`)).json.items as PriorityLevelConfiguration[]
  assert.deepEqual(
    levels.map((level) => level.metadata.name),
    ['catch-all', 'exempt', 'global-default', 'leader-election', 'node-high', 'system', 'workload-high', 'workload-low'],
  )
})

test('answers name what judged them, refusals too', async () => {
  const { headers } = await send('GET', '/api/v1/namespaces/none/pods/none')
  const { json } = await send('GET', `${root}/flowschemas/exempt`)
  assert.equal(headers['x-kubernetes-pf-flowschema-uid'], at(json, 'metadata.uid'))
  const level = await send('GET', `${root}/prioritylevelconfigurations/exempt`)
  assert.equal(headers['x-kubernetes-pf-prioritylevel-uid'], at(level.json, 'metadata.uid'))
})

test('what is removed comes back, and a schema without a level says so until there is one', async () => {
  assert.equal((await send('DELETE', `${root}/flowschemas/catch-all`)).code, 200)
  await clock.advance(1_000)
  assert.equal((await send('GET', `${root}/flowschemas/catch-all`)).code, 200)
  const spec = { priorityLevelConfiguration: { name: 'own' }, rules: [] }
  await send('POST', `${root}/flowschemas`, { body: { metadata: { name: 'own' }, spec } })
  await clock.advance(1_000)
  const dangling = async () =>
    at((await send('GET', `${root}/flowschemas/own`)).json, 'status.conditions.0') as { status: string; message: string }
  assert.equal((await dangling()).status, 'True')
  assert.equal(
    (await dangling()).message,
    'This FlowSchema references the PriorityLevelConfiguration object named "own" but there is no such object',
  )
  const limited = { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } }
  assert.equal(
    (await send('POST', `${root}/prioritylevelconfigurations`, { body: { metadata: { name: 'own' }, spec: { type: 'Limited', limited } } }))
      .code,
    201,
  )
  await clock.advance(1_000)
  assert.equal((await dangling()).status, 'False')
})

test('a spec that nobody has taken over is given back; one that somebody has stays', async () => {
  const path = `${root}/prioritylevelconfigurations/global-default`
  const shares = async () => at((await send('GET', path)).json, 'spec.limited.nominalConcurrencyShares')
  const patch = (body: object) => send('PATCH', path, { type: 'application/merge-patch+json', body })
  await patch({ spec: { limited: { nominalConcurrencyShares: 99 } } })
  await clock.advance(1_000)
  assert.equal(await shares(), 20)
  await patch({ metadata: { annotations: { [autoUpdateAnnotation]: 'false' } }, spec: { limited: { nominalConcurrencyShares: 99 } } })
  await clock.advance(1_000)
  assert.equal(await shares(), 99)
})

test('the gate and its dumps tell what there is', async () => {
  const { text } = await send('GET', '/debug/api_priority_and_fairness/dump_priority_levels')
  assert.match(text, /^PriorityLevelName, ActiveQueues, .*\n(?:.*\n)*workload-low, 0, true, false, 0, 0, 0, 0, 0, 0\n/)
  for (const dump of ['dump_queues', 'dump_requests'])
    assert.equal((await send('GET', `/debug/api_priority_and_fairness/${dump}`)).code, 200)
  assert.equal((await send('GET', '/debug/api_priority_and_fairness/none')).code, 404)
  assert.match(
    (await send('GET', '/metrics')).text,
    /apiserver_flowcontrol_dispatched_requests_total\{flow_schema="exempt",priority_level="exempt"\} \d+/,
  )
})

const shipped = (isMandatory: boolean): StartingObject<PriorityLevelConfiguration> => ({ ...startingLevels[2]!, isMandatory })
const stored = (
  annotation: string | undefined,
  generation: number,
  spec = startingLevels[2]!.object.spec!,
): PriorityLevelConfiguration => ({
  ...startingLevels[2]!.object,
  metadata: { name: 'system', generation, ...(annotation === undefined ? {} : { annotations: { [autoUpdateAnnotation]: annotation } }) },
  spec,
})
const other = { type: 'Limited' as const, limited: { nominalConcurrencyShares: 1 } }
const plans: readonly (readonly [string, boolean, PriorityLevelConfiguration | undefined, object[]])[] = [
  ['creates what is missing', false, undefined, [{ type: 'create' }]],
  ['leaves what is as shipped', false, stored('true', 1), []],
  ['gives a shipped spec back', false, stored('true', 2, other), [{ type: 'change', annotation: 'true' }]],
  ['leaves what was taken over', false, stored('false', 2, other), []],
  ['takes back a mandatory one', true, stored('false', 2, other), [{ type: 'change', annotation: 'true' }]],
  ['decides once for what is not annotated and unchanged', false, stored(undefined, 1, other), [{ type: 'change', annotation: 'true' }]],
  ['and for what somebody changed', false, stored(undefined, 2, other), [{ type: 'change', annotation: 'false' }]],
]
for (const [title, isMandatory, current, expected] of plans)
  test(title, () => {
    const actions = planMaintenance([shipped(isMandatory)], current ? [current] : [])
    assert.deepEqual(
      actions.map((action) => ({ type: action.type, ...(action.type === 'change' ? { annotation: action.annotation } : {}) })),
      expected,
    )
  })

test('removes what was shipped once', () => {
  const old = { ...stored('true', 1), metadata: { name: 'old', annotations: { [autoUpdateAnnotation]: 'true' } } }
  assert.deepEqual(planMaintenance([], [old]), [{ type: 'delete', name: 'old' }])
})

test('a condition keeps its time while its status stays', () => {
  const schema: FlowSchema = {
    metadata: { name: 's' },
    spec: { priorityLevelConfiguration: { name: 'a' } },
    status: { conditions: [{ ...danglingCondition('b', true), lastTransitionTime: 'then' }] },
  }
  assert.equal(planDangling(schema, new Set(['a']), 'now')?.[0]?.lastTransitionTime, 'then')
  assert.equal(planDangling(schema, new Set(), 'now')?.[0]?.lastTransitionTime, 'now')
})
