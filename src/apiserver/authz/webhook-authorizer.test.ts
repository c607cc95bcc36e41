import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { parseFieldSelector } from '../../machinery/field-selector.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { Attributes, Decision } from '../contract.ts'
import { createReviewPeer } from '../reach/review-peer.ts'
import { compileMatchCondition } from './match-conditions.ts'
import { alwaysAllow, unionAuthorizer } from './union-authorizer.ts'
import { createWebhookAuthorizer, type WebhookRules } from './webhook-authorizer.ts'

const servers: Server[] = []
after(() => servers.forEach((server) => server.close()))

type Hook = { readonly url: string; readonly asked: object[]; answer: (review: object) => { code?: number; status?: object } | undefined }

/** `answer` undefined: the webhook never answers. */
async function startHook(): Promise<Hook> {
  const hook: Hook & { url: string } = { url: '', asked: [], answer: () => ({ status: { allowed: true } }) }
  const server = createServer((request, response) => {
    const blocks: Buffer[] = []
    request.on('data', (block: Buffer) => blocks.push(block))
    request.on('end', () => {
      const review = JSON.parse(Buffer.concat(blocks).toString()) as object
      hook.asked.push(review)
      const answer = hook.answer(review)
      if (!answer) return
      response.statusCode = answer.code ?? 200
      response.end(JSON.stringify({ ...review, status: answer.status }))
    })
  })
  server.unref()
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  hook.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/authorize`
  return hook
}

const defaults: WebhookRules = {
  version: 'v1',
  authorizedTtlMs: 300_000,
  unauthorizedTtlMs: 30_000,
  timeoutMs: 30_000,
  failurePolicy: 'NoOpinion',
  matchConditions: [],
}
const jane: Attributes = {
  type: 'resource',
  user: { name: 'jane', groups: ['devs'], extra: { team: ['a'] } },
  verb: 'list',
  group: '',
  version: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'shop',
  name: '',
  fieldSelector: parseFieldSelector('spec.nodeName=n1,status.phase!=Failed'),
}

async function setUp(rules: Partial<WebhookRules> = {}, url?: string) {
  const hook = await startHook()
  const clock = virtualClock()
  const peer = createReviewPeer({ server: url ?? hook.url }, { clock: systemClock, random: seededRandom(1), firstRetryMs: 1 })
  const authorizer = createWebhookAuthorizer({ name: 'hook', peer, rules: { ...defaults, ...rules } }, { clock, log: silentLog })
  return { hook, clock, authorizer, ask: async (attributes: Attributes = jane): Promise<Decision> => authorizer.authorize(attributes) }
}

test('the question is a SubjectAccessReview, with selectors as requirements', async () => {
  const { hook, ask } = await setUp()
  assert.deepEqual(await ask(), { allowed: true, reason: '' })
  assert.deepEqual(hook.asked, [
    {
      kind: 'SubjectAccessReview',
      apiVersion: 'authorization.k8s.io/v1',
      metadata: {},
      spec: {
        resourceAttributes: {
          namespace: 'shop',
          verb: 'list',
          version: 'v1',
          resource: 'pods',
          fieldSelector: {
            requirements: [
              { key: 'spec.nodeName', operator: 'In', values: ['n1'] },
              { key: 'status.phase', operator: 'NotIn', values: ['Failed'] },
            ],
          },
        },
        user: 'jane',
        groups: ['devs'],
        extra: { team: ['a'] },
      },
      status: { allowed: false },
    },
  ])
})

test('v1beta1 calls the groups by another name', async () => {
  const { hook, ask } = await setUp({ version: 'v1beta1' })
  await ask({ type: 'path', user: { name: 'jane', groups: ['devs'] }, verb: 'get', path: '/metrics' })
  const [{ apiVersion, spec }] = hook.asked as [{ apiVersion: string; spec: object }]
  assert.equal(apiVersion, 'authorization.k8s.io/v1beta1')
  assert.deepEqual(spec, { nonResourceAttributes: { path: '/metrics', verb: 'get' }, user: 'jane', group: ['devs'] })
})

test('equal questions are asked once, until the answer is too old', async () => {
  const { hook, ask, clock } = await setUp()
  hook.answer = () => ({ status: { allowed: false, reason: 'not today' } })
  const both = await Promise.all([ask(), ask()])
  assert.deepEqual(both[1], { allowed: false, reason: 'not today' })
  await clock.advance(29_000)
  await ask()
  assert.equal(hook.asked.length, 1)
  await clock.advance(2_000)
  await ask()
  assert.equal(hook.asked.length, 2)
})

test('a denial is final; no opinion leaves it to the next authorizer', async () => {
  const { hook, authorizer } = await setUp({ authorizedTtlMs: 0, unauthorizedTtlMs: 0 })
  const union = unionAuthorizer([authorizer, alwaysAllow])
  hook.answer = () => ({ status: { allowed: false } })
  assert.equal((await union.authorize(jane)).allowed, true)
  hook.answer = () => ({ status: { allowed: false, denied: true, reason: 'never' } })
  assert.deepEqual(await union.authorize(jane), { allowed: false, isDenied: true, reason: 'never' })
  hook.answer = () => ({ status: { allowed: true, denied: true } })
  assert.equal((await union.authorize(jane)).allowed, false)
})

test('who is not concerned is not asked about', async () => {
  const only = compileMatchCondition("has(request.resourceAttributes) && request.resourceAttributes.namespace == 'shop'")
  assert('program' in only)
  const { hook, ask } = await setUp({ matchConditions: [only.program] })
  assert.deepEqual(await ask({ ...jane, namespace: 'other' }), { allowed: false, reason: '' })
  assert.deepEqual(await ask({ type: 'path', user: jane.user, verb: 'get', path: '/' }), { allowed: false, reason: '' })
  assert.equal(hook.asked.length, 0)
  assert.equal((await ask()).allowed, true)
})

test('a condition that fails counts as the failure policy says', async () => {
  const broken = compileMatchCondition("request.resourceAttributes.namespace == 'shop'")
  assert('program' in broken)
  const path: Attributes = { type: 'path', user: jane.user, verb: 'get', path: '/' }
  for (const failurePolicy of ['NoOpinion', 'Deny'] as const) {
    const { ask } = await setUp({ matchConditions: [broken.program], failurePolicy })
    const { allowed, isDenied = false, error } = await ask(path)
    assert.deepEqual([allowed, isDenied], [false, failurePolicy === 'Deny'])
    assert.match(error ?? '', /cel evaluation error: expression .* no such key: resourceAttributes/)
  }
})

const dead: readonly (readonly [title: string, answer: Hook['answer'] | 'refused', error: RegExp])[] = [
  ['does not listen', 'refused', /Post "http:\/\/127\.0\.0\.1:1": .*ECONNREFUSED/],
  ['does not answer', () => undefined, /context deadline exceeded/],
  ['fails', () => ({ code: 500 }), /has prevented the request from succeeding/],
  ['answers something else', () => ({ status: { color: 'red' } }), /no SubjectAccessReview/],
]
for (const [title, answer, error] of dead)
  test(`a webhook that ${title} has no opinion, or denies by policy, and the decision says why`, async () => {
    for (const failurePolicy of ['NoOpinion', 'Deny'] as const) {
      const { hook, ask, authorizer } = await setUp(
        { timeoutMs: 300, failurePolicy },
        answer === 'refused' ? 'http://127.0.0.1:1' : undefined,
      )
      if (answer !== 'refused') hook.answer = answer
      const decision = await ask()
      assert.equal(decision.allowed, false)
      assert.match(decision.error ?? '', error)
      assert.equal((await unionAuthorizer([authorizer, alwaysAllow]).authorize(jane)).allowed, failurePolicy === 'NoOpinion')
    }
  })

test('a failure that may pass is tried again', async () => {
  const { hook, ask } = await setUp()
  hook.answer = () => (hook.asked.length < 3 ? { code: 500 } : { status: { allowed: true } })
  assert.equal((await ask()).allowed, true)
  assert.equal(hook.asked.length, 3)
})
