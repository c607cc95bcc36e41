import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dialer, DialRequest } from '../apiserver/reach/node-dialer.ts'
import { createTestApi } from '../apiserver/test-api.ts'
import { toMicroTime } from '../base/clock.ts'
import { seededRandom } from '../base/random.ts'
import { kindRefs } from '../client/generated/kind-refs.ts'
import { isStatus, statusErrors } from '../machinery/status-error.ts'
import { virtualClock } from '../platform/virtual-clock.ts'
import { deciderExplanation, leaderExplanation } from './peer-explanation.ts'

type Answer = { readonly code: number; readonly body: object } | 'refused'

/** Servers with leases, by port, and what each answers; what they were asked is noted. */
async function setUp(answers: Readonly<Record<number, Answer>>, leader?: number) {
  const clock = virtualClock()
  const { client } = await createTestApi({ clock, random: seededRandom(1) })
  const leases = client.resource(kindRefs.coordinationV1.leases, 'kube-system')
  const spec = { leaseDurationSeconds: 30, renewTime: toMicroTime(clock.now()) }
  for (const port of Object.keys(answers)) {
    await leases.create({
      metadata: {
        name: `apiserver-s${port}`,
        labels: { 'apiserver.kubernetes.io/identity': 'kube-apiserver' },
        annotations: { 'keelson.dev/apiserver-address': `10.0.0.1:${port}` },
      },
      spec: { ...spec, holderIdentity: `apiserver-s${port}` },
    })
  }
  if (leader !== undefined)
    await leases.create({ metadata: { name: 'kube-controller-manager' }, spec: { ...spec, holderIdentity: `s${leader}` } })
  const asked: (DialRequest & { port: number })[] = []
  const peers: Dialer = {
    request: async ({ port }, request) => {
      asked.push({ ...request, port })
      const answer = answers[port]!
      if (answer === 'refused') throw Object.assign(new Error(`connect ECONNREFUSED 10.0.0.1:${port}`), { code: 'ECONNREFUSED' })
      const body = (async function* () {
        yield Buffer.from(JSON.stringify(answer.body))
      })()
      return { code: answer.code, headers: {}, body }
    },
    connect: () => assert.fail(),
    close: () => {},
  }
  return { client, clock, peers, asked }
}

const request = {
  namespace: 'shop',
  name: 'web',
  user: { name: 'alice', groups: ['devs', 'ops'] },
  isForwarded: false,
  signal: new AbortController().signal,
}
const explained = { code: 200, body: { kind: 'Explanation', node: 'n1' } }
const unknown = { code: 404, body: statusErrors.notFound({ group: '', resource: 'pods/explain' }, 'web').status }

test("the leader is asked in the caller's name, and its answer is given", async () => {
  const { client, peers, asked } = await setUp({ 1: unknown, 2: explained }, 2)
  assert.deepEqual(await leaderExplanation({ client, peers }, request), explained.body)
  assert.deepEqual(
    asked.map(({ port, path, headers }) => [port, path, headers]),
    [[2, '/api/v1/namespaces/shop/pods/web/explain?forwarded=true', { 'X-Remote-User': 'alice', 'X-Remote-Group': ['devs', 'ops'] }]],
  )
})

test('what the leader refuses is refused; without a leader, or with a dead one, it is said to ask again', async () => {
  const refusing = await setUp({ 1: unknown }, 1)
  await assert.rejects(leaderExplanation(refusing, request), (error) => isStatus(error, 'NotFound'))
  const headless = await setUp({ 1: explained })
  await assert.rejects(leaderExplanation(headless, request), /no server leads at this moment/)
  const dead = await setUp({ 1: 'refused' }, 1)
  await assert.rejects(leaderExplanation(dead, request), /the server at 10\.0\.0\.1:1 does not answer: connect ECONNREFUSED/)
  // What was forwarded is not forwarded again.
  const stale = await setUp({ 1: explained }, 1)
  await assert.rejects(leaderExplanation(stale, { ...request, isForwarded: true }), /no server leads/)
  assert.equal(stale.asked.length, 0)
})

test('among servers with schedulers the one that decided is found, whoever of the others does not answer', async () => {
  const found = await setUp({ 1: explained, 2: unknown, 3: 'refused', 4: explained })
  assert.deepEqual(await deciderExplanation({ ...found, self: { address: '10.0.0.1', port: 1 } }, request), explained.body)
  assert.deepEqual(new Set(found.asked.map(({ port }) => port)), new Set([2, 3, 4]))
  const nobody = await setUp({ 1: unknown, 2: 'refused' })
  assert.equal(await deciderExplanation({ ...nobody, self: undefined }, request), undefined)
})
