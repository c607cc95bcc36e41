import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allowAll, createTestApi } from '../../apiserver/test-api.ts'
import { seededRandom } from '../../base/random.ts'
import { kindRefs } from '../../client/generated/kind-refs.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { delegatedAccess, nodeSubresources, nodeVerb } from './node-access.ts'

/** Paths and what upstream asks for (pkg/kubelet/server/auth.go). */
const paths: Readonly<Record<string, string>> = {
  '/stats/summary': 'stats',
  '/metrics': 'metrics',
  '/metrics/cadvisor': 'metrics',
  '/metricsx': 'proxy',
  '/logs/': 'log',
  '/logs/pods/x': 'log',
  '/pods': 'pods,proxy',
  '/runningpods/': 'pods,proxy',
  '/healthz': 'healthz,proxy',
  '/healthz/ping': 'healthz,proxy',
  '/configz': 'configz,proxy',
  '/exec/a/b/c': 'proxy',
  '/': 'proxy',
}

for (const [path, expected] of Object.entries(paths)) {
  test(`${path} is allowed by ${expected}`, () => assert.equal(nodeSubresources(path).join(), expected))
}

test('methods are verbs', () => {
  assert.deepEqual(['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map(nodeVerb), ['get', 'create', 'update', 'patch', 'delete', ''])
})

test("a token's owner and what is allowed are the cluster's to say, once a while", async () => {
  const clock = virtualClock()
  const scraper = { name: 'prometheus', groups: ['monitoring'] }
  const { client } = await createTestApi({
    clock,
    random: seededRandom(1),
    tokens: {
      issue: () => assert.fail('no token is asked for'),
      review: (token) => (token === 'good' ? { user: scraper, audiences: [] } : undefined),
    },
    authorizer: {
      ...allowAll,
      authorize: (a) => ({ allowed: a.user.name !== scraper.name || (a.type === 'resource' && a.subresource === 'metrics'), reason: '' }),
    },
  })
  const asked: string[] = []
  const counting: typeof client = {
    ...client,
    resource: ((ref: typeof kindRefs.authenticationV1.tokenReviews, namespace?: string) => {
      asked.push(ref.plural)
      return client.resource(ref, namespace as never)
    }) as typeof client.resource,
  }
  const access = delegatedAccess({ client: counting, clock, nodeName: 'n1' })
  assert.equal(await access.authenticate('nonsense'), undefined)
  const caller = (await access.authenticate('good'))!
  assert.deepEqual([caller.name, caller.groups.includes('monitoring')], ['prometheus', true])
  assert.equal(await access.authorize(caller, 'get', ['metrics']), true)
  assert.equal(await access.authorize(caller, 'get', ['pods', 'proxy']), false)
  const questions = ['tokenreviews', 'tokenreviews', 'subjectaccessreviews', 'subjectaccessreviews', 'subjectaccessreviews']
  assert.deepEqual(asked, questions)
  await access.authenticate('nonsense')
  await access.authenticate('good')
  await access.authorize(caller, 'get', ['metrics'])
  assert.equal(asked.length, questions.length)
  await clock.advance(31_000)
  // A refusal is forgotten sooner than what was allowed.
  await access.authenticate('nonsense')
  await access.authenticate('good')
  await access.authorize(caller, 'get', ['metrics'])
  assert.equal(asked.length, questions.length + 1)
})
