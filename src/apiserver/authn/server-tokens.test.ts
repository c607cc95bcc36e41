import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Secret } from '../../kinds/generated/types/core-v1.ts'
import { StatusError } from '../../machinery/status-error.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { serverTokenAuthenticator, serverTokenSecret } from './server-tokens.ts'

const secret = 'abcdefghijklmnopqrstuvwxyz012345'
const token = `server.abc123.${secret}`

/** As the API server stores it. */
function stored(made: Secret, change: Partial<Secret> = {}): Secret {
  const data = Object.fromEntries(Object.entries(made.stringData ?? {}).map(([k, v]) => [k, Buffer.from(v).toString('base64')]))
  return { ...made, data, ...change }
}

function setUp(change: Partial<Secret> = {}) {
  const clock = virtualClock()
  const made = serverTokenSecret({ id: 'abc123', secret, expiresAtMs: clock.now() + 60_000 })
  const one = stored(made, change)
  const { authenticate } = serverTokenAuthenticator({ clock, secret: (name) => (name === 'server-token-abc123' ? one : undefined) })
  return { clock, made, ask: (bearerToken: string | undefined) => authenticate({ bearerToken, clientCertificate: undefined }) }
}

const refusedWith = (message: string) => (error: unknown) => error instanceof StatusError && error.code === 401 && error.message === message

test('a right token makes its holder a joiner and nothing else; its secret is not stored', () => {
  const { ask, made } = setUp()
  assert.deepEqual(ask(token), {
    name: 'system:keelson:server-token:abc123',
    groups: ['system:keelson:server-joiners', 'system:authenticated'],
  })
  assert.ok(!JSON.stringify(made).includes(secret))
})

test('a token that is over says so to its holder alone', async () => {
  const { clock, ask } = setUp()
  await clock.advance(60_000)
  assert.throws(() => ask(token), refusedWith('the server token has expired'))
  assert.throws(() => ask(`server.abc123.${secret.replace('a', 'b')}`), refusedWith('Unauthorized'))
})

test('wrong and unknown tokens are refused, and tokens of other kinds are left to others', () => {
  const { ask } = setUp()
  assert.throws(() => ask(`server.abc123.${'x'.repeat(32)}`), refusedWith('Unauthorized'))
  assert.throws(() => ask(`server.zzz999.${secret}`), refusedWith('Unauthorized'))
  for (const other of [undefined, 'abc123.abcdefghijklmnop', `server.abc123.${secret}x`, `server.ABC123.${secret}`])
    assert.equal(ask(other), undefined)
})

test('a Secret of another type, without an end, or on its way out is no token', () => {
  assert.throws(() => setUp({ type: 'Opaque' }).ask(token), refusedWith('Unauthorized'))
  const going = { name: 'server-token-abc123', deletionTimestamp: '2026-01-01T00:00:00Z' }
  assert.throws(() => setUp({ metadata: going }).ask(token), refusedWith('Unauthorized'))
  const { data } = stored(serverTokenSecret({ id: 'abc123', secret, expiresAtMs: 0 }))
  assert.throws(() => setUp({ data: { 'token-hash': data!['token-hash']! } }).ask(token), refusedWith('the server token has expired'))
})
