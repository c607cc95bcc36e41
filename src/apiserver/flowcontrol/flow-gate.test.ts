import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStatus } from '../../machinery/status-error.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { parseRequest } from '../http/request-info.ts'
import { createFlowGate, type FlowGate, type Ticket } from './flow-gate.ts'
import { createLoopShare } from './loop-share.ts'
import { createPace, mapPaced } from './pace.ts'

const never = new AbortController().signal
const tiny = {
  metadata: { name: 'tiny', uid: 'level' },
  spec: {
    type: 'Limited',
    limited: {
      nominalConcurrencyShares: 1,
      borrowingLimitPercent: 0,
      limitResponse: { type: 'Queue', queuing: { queues: 1, handSize: 1, queueLengthLimit: 2 } },
    },
  },
}
/** Leaves 3 of 600 seats to `tiny`. */
const rest = {
  metadata: { name: 'rest' },
  spec: { type: 'Limited', limited: { nominalConcurrencyShares: 199, limitResponse: { type: 'Reject' } } },
}
const schema = {
  metadata: { name: 'all', uid: 'schema' },
  spec: {
    priorityLevelConfiguration: { name: 'tiny' },
    matchingPrecedence: 2,
    distinguisherMethod: { type: 'ByUser' },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: '*' } }],
        resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }],
      },
    ],
  },
}

function gateOf() {
  const clock = virtualClock()
  const gate = createFlowGate(clock)
  gate.configure([schema], [tiny, rest])
  return { clock, gate }
}

function enter(gate: FlowGate, name: string, signal = never): Ticket | Promise<Ticket> {
  const place = gate.place({ name, groups: ['system:authenticated'] }, parseRequest('GET', '/api/v1/pods'))
  return gate.enter(place, { seats: () => 1, asking: { signal } })
}

test('starts at once while there are seats, then in turn, and refuses past the queue', async () => {
  const { gate } = gateOf()
  assert.equal(gate.pool.levels.get('tiny')?.limits.nominal, 3)
  const first = enter(gate, 'a')
  const second = enter(gate, 'a')
  assert.ok(!(first instanceof Promise) && !(second instanceof Promise))
  const third = enter(gate, 'a')
  const fourth = enter(gate, 'a')
  assert.ok(third instanceof Promise && fourth instanceof Promise)
  await assert.rejects(
    async () => enter(gate, 'a'),
    (error) => isStatus(error, 'TooManyRequests') && error.status.details?.retryAfterSeconds === 1,
  )
  first.finish()
  first.finish()
  const started = await third
  assert.ok([...gate.metrics()].join('').includes('current_executing_seats{flow_schema="all",priority_level="tiny"} 2\n'))
  started.finish()
  ;(await fourth).finish()
  second.finish()
  assert.equal(gate.pool.levels.get('tiny')?.seatsInUse, 0)
  const metrics = [...gate.metrics()].join('')
  const labels = 'flow_schema="all",priority_level="tiny"'
  for (const line of [
    `apiserver_flowcontrol_rejected_requests_total{${labels},reason="queue-full"} 1`,
    `apiserver_flowcontrol_dispatched_requests_total{${labels}} 4`,
    `apiserver_flowcontrol_current_executing_requests{${labels}} 0`,
    'apiserver_flowcontrol_nominal_limit_seats{priority_level="tiny"} 3',
    `apiserver_flowcontrol_request_wait_duration_seconds_count{${labels},execute="true"} 4`,
  ])
    assert.ok(metrics.includes(`${line}\n`), line)
})

test('who waits too long is refused, and who leaves makes place', async () => {
  const { clock, gate } = gateOf()
  const held = [enter(gate, 'a'), enter(gate, 'a')]
  const leaving = new AbortController()
  const gone = assert.rejects(async () => enter(gate, 'a', leaving.signal))
  const late = assert.rejects(
    async () => enter(gate, 'a'),
    (error) => isStatus(error, 'TooManyRequests'),
  )
  leaving.abort()
  await gone
  await clock.advance(15_000)
  await late
  assert.equal(gate.pool.waiting, 0)
  for (const ticket of held) (ticket as Ticket).finish()
})

test('a schema whose level is missing is passed over, and the mandatory ones are thought of as there', () => {
  const { gate } = gateOf()
  gate.configure([schema], [])
  const place = gate.place({ name: 'a', groups: ['system:authenticated'] }, parseRequest('GET', '/api/v1/pods'))
  assert.equal(place.schema.metadata.name, 'catch-all')
  assert.equal(gate.place({ name: 'a', groups: ['system:masters'] }, parseRequest('GET', '/api')).level.limits.isExempt, true)
  assert.equal(gate.place({ name: 'a', groups: [] }, parseRequest('GET', '/api')).level.name, 'catch-all')
})

test('work on many objects stops for others in between, and only then', async () => {
  const asked: number[] = []
  let nowMs = 0
  const clock = { now: () => nowMs, monotonicMs: () => (nowMs += 0.5), schedule: () => () => {} }
  const share = {
    turn: (_: string, costMs: number) => (asked.push(costMs), asked.length % 2 === 0 ? Promise.resolve() : undefined),
    waiting: 0,
  }
  const items = Array.from({ length: 1_000 }, (_, i) => i)
  const doubled = await mapPaced(items, createPace({ clock, share, flow: 'flow' }), (i) => i * 2)
  assert.deepEqual([doubled.length, doubled[999]], [1_000, 1_998])
  assert.ok(
    asked.length >= 4 && asked.length <= 6 && asked.every((ms) => ms >= 3),
    `31 looks at the clock, a turn each three milliseconds: ${asked.join(' ')}`,
  )
  assert.equal((await mapPaced(items, undefined, (i) => i)).length, 1_000)
})

test('turns come at once until the round is full, then to whoever had the least', async () => {
  const clock = virtualClock()
  const share = createLoopShare(clock)
  const order: string[] = []
  for (let i = 0; i < 20; i++) assert.equal(share.turn('flood', 1), undefined)
  const ask = (key: string, costMs: number) => void share.turn(key, costMs)?.then(() => order.push(key))
  for (let i = 0; i < 40; i++) ask('flood', 1)
  ask('other', 1)
  assert.equal(share.waiting, 41)
  await clock.settle()
  await clock.advance(0)
  assert.equal(share.waiting, 0)
  assert.ok(order.indexOf('other') <= 2, order.join(' '))
  assert.equal(order.length, 41)
  assert.equal(share.turn('flood', 1), undefined, 'what is past is forgiven')
})
