import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createTestApi, type TestApi } from '../test-api.ts'
import { rawRequest } from '../test-requests.ts'
import { blockBytes } from '../http/block-pool.ts'

/** One user whose level has three seats and a queue of two. */
const clock = virtualClock()
const root = '/apis/flowcontrol.apiserver.k8s.io/v1'
const maps = '/api/v1/namespaces/default/configmaps'
let testApi: TestApi
before(async () => {
  testApi = await createTestApi({
    clock,
    random: seededRandom(5),
    authenticator: { authenticate: () => ({ name: 'alice', groups: ['system:authenticated'] }) },
  })
  const post = (path: string, body: object) => testApi.client.raw({ method: 'POST', path, body: JSON.stringify(body) })
  const queuing = { queues: 1, handSize: 1, queueLengthLimit: 2 }
  const limited = { nominalConcurrencyShares: 1, borrowingLimitPercent: 0, limitResponse: { type: 'Queue', queuing } }
  await post(`${root}/prioritylevelconfigurations`, { metadata: { name: 'small' }, spec: { type: 'Limited', limited } })
  const everything = { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true }
  const rules = [{ subjects: [{ kind: 'User', user: { name: 'alice' } }], resourceRules: [everything] }]
  const spec = { priorityLevelConfiguration: { name: 'small' }, matchingPrecedence: 10, rules }
  await post(`${root}/flowschemas`, { metadata: { name: 'alice' }, spec })
  for (const name of ['a', 'b', 'c']) await post(maps, { metadata: { name }, data: { text: 'x'.repeat(blockBytes) } })
  await clock.settle()
})
after(() => testApi.api.close())

const seatsInUse = async () => {
  const { body } = await testApi.client.raw({ method: 'GET', path: '/metrics' })
  let text = ''
  for await (const block of body) text += Buffer.from(block).toString()
  return Number(/^apiserver_flowcontrol_current_executing_seats\{flow_schema="alice",priority_level="small"\} (\d+)$/m.exec(text)?.[1])
}

const reader = (body: Uint8Array | AsyncIterable<Uint8Array>) => {
  assert.ok(!(body instanceof Uint8Array))
  return body[Symbol.asyncIterator]()
}

test('a watch of a kind that is not served gives its seats back', async () => {
  for (let i = 0; i < 6; i++) {
    const { code } = await rawRequest(testApi.api, 'GET', '/apis/gone.example.com/v1/things?watch=1&sendInitialEvents=true')
    assert.equal(code, 404)
    assert.equal(await seatsInUse(), 0)
  }
})

test('a watch gives its seats back when it has told its first state', async () => {
  const leaving = new AbortController()
  const watches = []
  for (let i = 0; i < 6; i++) {
    const watch = await rawRequest(testApi.api, 'GET', `${maps}?watch=1`, { signal: leaving.signal })
    assert.equal(watch.code, 200)
    const events = reader(watch.body)
    assert.match(Buffer.from((await events.next()).value as Uint8Array).toString('latin1', 0, 30), /ADDED/)
    // The next reading finds nothing, and says so by waiting.
    watches.push(events.next())
    await clock.settle()
    assert.equal(await seatsInUse(), 0)
  }
  leaving.abort()
  await Promise.all(watches)
})

test('a list holds its seats while it is read, and no longer than its reader reads', async () => {
  const first = await rawRequest(testApi.api, 'GET', maps)
  const blocks = reader(first.body)
  await blocks.next()
  assert.equal(await seatsInUse(), 1)
  await clock.advance(1_000)
  assert.equal(await seatsInUse(), 0, 'who takes nothing for a second gives them up')
  let length = 0
  for (let next = await blocks.next(); !next.done; next = await blocks.next()) length += next.value.length
  assert.ok(length > blockBytes, 'and has the rest all the same')
  const gone = new AbortController()
  await rawRequest(testApi.api, 'GET', maps, { signal: gone.signal })
  assert.equal(await seatsInUse(), 1)
  gone.abort()
  assert.equal(await seatsInUse(), 0, 'who leaves before the first block holds nothing')
})

test('past the queue requests are refused, with the names of what judged them', async () => {
  const held = await Promise.all([1, 2].map(async () => reader((await rawRequest(testApi.api, 'GET', maps)).body)))
  for (const blocks of held) await blocks.next()
  const waiting = [1, 2].map(() => rawRequest(testApi.api, 'GET', `${maps}/a`))
  await clock.settle()
  const refused = await rawRequest(testApi.api, 'GET', `${maps}/a`)
  assert.equal(refused.code, 429)
  assert.equal(refused.headers['retry-after'], '1')
  assert.ok(refused.headers['x-kubernetes-pf-flowschema-uid'] && refused.headers['x-kubernetes-pf-prioritylevel-uid'])
  const own = await testApi.client.raw({ method: 'GET', path: `${maps}/a` })
  assert.equal(own.code, 200, 'callers in this process are not held up')
  for (const blocks of held) await blocks.return?.()
  assert.deepEqual(
    (await Promise.all(waiting)).map(({ code }) => code),
    [200, 200],
  )
})
