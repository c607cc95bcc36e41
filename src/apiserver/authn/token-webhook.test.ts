import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { StatusError } from '../../machinery/status-error.ts'
import { systemClock } from '../../platform/system-clock.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createReviewPeer } from '../reach/review-peer.ts'
import { createTokenWebhook } from './token-webhook.ts'

const asked: object[] = []
let status: object = {}
const server = createServer((request, response) => {
  const blocks: Buffer[] = []
  request.on('data', (block: Buffer) => blocks.push(block))
  request.on('end', () => {
    asked.push(JSON.parse(Buffer.concat(blocks).toString()) as object)
    response.end(JSON.stringify({ kind: 'TokenReview', status }))
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
after(() => server.close())

function setUp(url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`) {
  asked.length = 0
  const clock = virtualClock()
  const peer = createReviewPeer({ server: url }, { clock: systemClock, random: seededRandom(1), firstRetryMs: 1 })
  after(() => peer.close())
  const webhook = createTokenWebhook({ peer, version: 'v1', ttlMs: 120_000, audiences: ['api'] }, { clock, log: silentLog })
  return { clock, who: async (bearerToken: string) => webhook.authenticate({ clientCertificate: undefined, bearerToken }) }
}

const isRefusal = (why: RegExp) => (error: unknown) =>
  error instanceof StatusError && error.code === 401 && why.test((error.cause as Error).message)

test('the webhook is asked by a TokenReview, and its answer is kept for a while', async () => {
  const { who, clock } = setUp()
  status = { authenticated: true, user: { username: 'ann', uid: '7', groups: ['ops'], extra: { team: ['a'] } } }
  const ann = { name: 'ann', uid: '7', groups: ['ops', 'system:authenticated'], extra: { team: ['a'] } }
  assert.deepEqual(await Promise.all([who('secret'), who('secret')]), [ann, ann])
  assert.deepEqual(asked, [
    {
      kind: 'TokenReview',
      apiVersion: 'authentication.k8s.io/v1',
      metadata: {},
      spec: { token: 'secret', audiences: ['api'] },
      status: { user: {} },
    },
  ])
  await clock.advance(121_000)
  await who('secret')
  assert.equal(asked.length, 2)
})
test('a token that it does not know, or that is for others, is refused with its reason', async () => {
  const { who } = setUp()
  status = { authenticated: false, error: 'too old' }
  await assert.rejects(() => who('old'), isRefusal(/^too old$/))
  await assert.rejects(() => who('old'), isRefusal(/^too old$/))
  assert.equal(asked.length, 1)
  status = { authenticated: true, user: { username: 'ann' }, audiences: ['other'] }
  await assert.rejects(() => who('elsewhere'), isRefusal(/another audience/))
})
test('a webhook that is not there knows nobody', async () => {
  await assert.rejects(() => setUp('http://127.0.0.1:1').who('x'), isRefusal(/ECONNREFUSED/))
})
