import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { seededRandom } from '../base/random.ts'
import { type BatchWrite, batchWritesMax, type Client } from '../client/contract.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { checkFitAnnotation } from '../kinds/keelson/placement.ts'
import { StatusError } from '../machinery/status-error.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { testNode, testPod } from '../scheduler/core/fixtures.ts'
import { allowAll, createTestApi } from './test-api.ts'

const { api, client } = await createTestApi({
  clock: virtualClock(),
  random: seededRandom(8),
  authorizer: {
    ...allowAll,
    authorize: (asked) => ({ allowed: asked.type === 'path' || asked.namespace !== 'closed' || asked.verb !== 'create', reason: '' }),
  },
})
after(() => api.close())
const { pods, nodes, configMaps } = kindRefs.coreV1
const create = (writes: readonly BatchWrite[]) => client.createBatch!(writes)

async function makePods(owner: Client, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { metadata: _, ...pod } = testPod({ name, requests: { cpu: '1' } })
    await owner.resource(pods, 'default').create({ ...pod, metadata: { name } })
  }
}
const binding = (name: string, node: string, { namespace = 'default', annotations = {} } = {}): BatchWrite => ({
  kind: pods,
  namespace,
  name,
  subresource: 'binding',
  body: { metadata: { name, annotations }, target: { kind: 'Node', name: node } },
})
const shown = (outcome: PromiseSettledResult<object>) =>
  outcome.status === 'fulfilled' ? 'ok' : outcome.reason instanceof StatusError ? outcome.reason.code : String(outcome.reason)

test('each binding of a batch has an answer, a revision and an event of its own', async () => {
  await makePods(client, ['a', 'b', 'c'])
  const { resourceVersion = '' } = (await client.resource(pods, 'default').list()).metadata
  const watching = new AbortController()
  const events = client.resource(pods, 'default').watch({ resourceVersion, signal: watching.signal })[Symbol.asyncIterator]()
  const outcomes = await create([
    binding('a', 'n1'),
    binding('nobody', 'n1'),
    binding('b', 'n1'),
    binding('a', 'n2'),
    binding('c', ''),
    binding('c', 'n1', { namespace: 'closed' }),
    binding('c', 'n3'),
  ])
  assert.deepEqual(outcomes.map(shown), ['ok', 404, 'ok', 409, 422, 403, 'ok'])
  const [, , , twice] = outcomes
  assert.match(String(twice?.status === 'rejected' && twice.reason), /pod a is already assigned to node "n1"/)
  const seen = []
  for (let i = 0; i < 3; i++) {
    const { value } = await events.next()
    seen.push([value.object.metadata.name, value.object.spec.nodeName, value.object.metadata.resourceVersion])
  }
  watching.abort()
  assert.deepEqual(
    seen.map(([name, node]) => [name, node]),
    [
      ['a', 'n1'],
      ['b', 'n1'],
      ['c', 'n3'],
    ],
  )
  assert.equal(new Set(seen.map(([, , version]) => version)).size, 3)
})

test('who asks for a check of the room gets one within a batch too', async () => {
  const node = testNode({ name: 'small', cpu: '1' })
  const created = await client.resource(nodes).create(node)
  await client.resource(nodes).updateStatus({ ...created, status: node.status! })
  await makePods(client, ['d', 'e'])
  const annotations = { [checkFitAnnotation]: 'true' }
  const outcomes = await create([binding('d', 'small', { annotations }), binding('e', 'small', { annotations })])
  assert.deepEqual(outcomes.map(shown), ['ok', 409])
  assert.equal((await client.resource(pods, 'default').get('e')).spec?.nodeName, undefined)
})

test('creations without a way of their own to come together are made all the same', async () => {
  const config = (name: string): BatchWrite => ({
    kind: configMaps,
    namespace: 'default',
    name: '',
    subresource: '',
    body: { metadata: { name } },
  })
  await makePods(client, ['f'])
  const outcomes = await create([config('x'), binding('f', 'n1'), config('x'), config('y')])
  assert.deepEqual(outcomes.map(shown), ['ok', 'ok', 409, 'ok'])
  const [first] = outcomes
  assert.equal(first?.status === 'fulfilled' && (first.value as { metadata: { name: string } }).metadata.name, 'x')
})

test('a batch has a bound', async () => {
  const many = Array.from({ length: batchWritesMax + 1 }, () => binding('a', 'n1'))
  await assert.rejects(create(many), /at most 128 writes/)
})
