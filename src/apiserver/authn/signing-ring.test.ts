import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { Store } from '../../store/contract.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createServiceAccountTokens } from './service-account-tokens.ts'
import { openSigningRing, signingRingKey } from './signing-ring.ts'

const sealingSecret = randomBytes(32)
const clock = virtualClock()
const account = { name: 'a', uid: 'u' }
const object = (name: string) => ({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, uid: 'u' } }) as never

const newPair = () =>
  generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })

/** One of several servers on the store, each with files of its own. */
async function startServer(store: Store, secret: Uint8Array = sealingSecret) {
  const ring = await openSigningRing({ store, sealingSecret: secret, first: newPair(), clock })
  const tokens = createServiceAccountTokens({
    ...ring.pair,
    clock,
    random: seededRandom(1),
    lookup: (_kind, _namespace, name) => object(name),
    refreshKeys: ring.refreshSeldom,
  })
  ring.onChange(tokens.useKeys)
  const issue = () =>
    tokens.issue({ namespace: 'n', serviceAccount: account, audiences: [], expirationSeconds: 3600, bound: undefined, node: undefined })
      .token
  const accepts = async (token: string) => {
    const judged = await Promise.resolve()
      .then(() => tokens.authenticate({ clientCertificate: undefined, bearerToken: token }, {}))
      .catch(() => undefined)
    return judged?.name
  }
  return { ring, tokens, issue, accepts }
}

const user = 'system:serviceaccount:n:a'

test('servers that start together share one pair, whosever it was', async () => {
  const store = createMemoryStore()
  const [a, b] = await Promise.all([startServer(store), startServer(store)])
  assert.deepEqual(a.ring.pair, b.ring.pair)
  assert.equal(await b.accepts(a.issue()), user)
  assert.equal(await a.accepts(b.issue()), user)
  const late = await startServer(store)
  assert.deepEqual(late.tokens.keySet, a.tokens.keySet)
})

test('what is signed with a new key is taken by a server that has not heard of it, and old tokens live on', async () => {
  const store = createMemoryStore()
  const [a, b] = [await startServer(store), await startServer(store)]
  const old = a.issue()
  await a.ring.rotate()
  const fresh = a.issue()
  assert.equal(await b.accepts(fresh), user)
  assert.deepEqual([await a.accepts(old), await b.accepts(old)], [user, user])
  assert.deepEqual(b.tokens.keySet, a.tokens.keySet)
  assert.equal(b.ring.ids.length, 2)
  await b.ring.dropOld()
  await a.ring.refresh()
  assert.deepEqual([await a.accepts(old), await b.accepts(old)], [undefined, undefined])
  assert.deepEqual([await a.accepts(fresh), await b.accepts(fresh)], [user, user])
})

test('rotations at once lose no key', async () => {
  const store = createMemoryStore()
  const [a, b] = [await startServer(store), await startServer(store)]
  await Promise.all([a.ring.rotate(), b.ring.rotate()])
  await Promise.all([a.ring.refresh(), b.ring.refresh()])
  assert.equal(a.ring.ids.length, 3)
  assert.deepEqual(a.ring.ids, b.ring.ids)
})

test('tokens of strange keys make a server read the ring once a second at most', async () => {
  const store = createMemoryStore()
  const [a, b] = [await startServer(store), await startServer(store)]
  const stranger = await startServer(createMemoryStore())
  assert.equal(await b.accepts(stranger.issue()), undefined)
  await a.ring.rotate()
  const fresh = a.issue()
  assert.equal(await b.accepts(fresh), undefined)
  await clock.advance(1_000)
  assert.equal(await b.accepts(fresh), user)
})

test('the private key is not readable in the store, and a ring of another cluster is refused', async () => {
  const store = createMemoryStore()
  await startServer(store)
  const stored = Buffer.from((await store.get(signingRingKey))!.value).toString()
  assert.deepEqual(Object.keys(JSON.parse(stored) as object), ['metadata', 'sealed'])
  await assert.rejects(startServer(store, randomBytes(32)), /service account keys were not sealed by this cluster's authority/)
})
