import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { Secret } from '../../kinds/generated/types/core-v1.ts'
import type { KubeObject } from '../../machinery/object.ts'
import { StatusError, statusErrors } from '../../machinery/status-error.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import type { Credentials } from '../contract.ts'
import { bootstrapTokenAuthenticator, parseTokenFile, staticTokenAuthenticator, unionAuthenticator } from './authenticators.ts'
import { certificateAuthenticator, defaultRequestHeaders, requestHeaderAuthenticator } from './certificates.ts'
import { createServiceAccountTokens, type TokenRequestFacts } from './service-account-tokens.ts'

const bearer = (bearerToken: string | undefined): Credentials => ({ bearerToken, clientCertificate: undefined })
const isUnauthorized = (error: unknown) => error instanceof StatusError && error.code === 401
const keys = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
})

function setUp() {
  const clock = virtualClock()
  const objects = new Map<string, KubeObject>([
    ['ServiceAccount/shop/web', { metadata: { name: 'web', uid: 'sa-1' } }],
    ['Pod/shop/web-0', { metadata: { name: 'web-0', uid: 'pod-1' } }],
  ])
  const noted: string[] = []
  const tokens = createServiceAccountTokens({
    ...keys,
    clock,
    random: seededRandom(1),
    lookup: (kind, namespace, name) => objects.get(`${kind}/${namespace}/${name}`),
    noteLegacyUse: ({ metadata }) => noted.push(metadata.name ?? ''),
  })
  const facts: TokenRequestFacts = {
    namespace: 'shop',
    serviceAccount: { name: 'web', uid: 'sa-1' },
    audiences: [],
    expirationSeconds: 3600,
    bound: { kind: 'Pod', name: 'web-0', uid: 'pod-1' },
    node: { name: 'node-1', uid: 'node-uid' },
  }
  return { clock, objects, tokens, facts, noted }
}

test('a service-account token names the account, its groups and the pod it is bound to', async () => {
  const { tokens, facts } = setUp()
  const user = await tokens.authenticate(bearer(tokens.issue(facts).token))
  assert.equal(user?.name, 'system:serviceaccount:shop:web')
  assert.deepEqual(user?.groups, ['system:serviceaccounts', 'system:serviceaccounts:shop', 'system:authenticated'])
  assert.deepEqual(user?.extra?.['authentication.kubernetes.io/pod-name'], ['web-0'])
  assert.deepEqual(user?.extra?.['authentication.kubernetes.io/node-name'], ['node-1'])
})

const losses: readonly { readonly title: string; readonly spoil: (s: ReturnType<typeof setUp>) => Promise<void> | void }[] = [
  { title: 'its time is over', spoil: ({ clock }) => clock.advance(3601_000) },
  { title: 'its account is gone', spoil: ({ objects }) => void objects.delete('ServiceAccount/shop/web') },
  {
    title: 'its account was made anew',
    spoil: ({ objects }) => void objects.set('ServiceAccount/shop/web', { metadata: { name: 'web', uid: 'sa-2' } }),
  },
  { title: 'its pod is gone', spoil: ({ objects }) => void objects.delete('Pod/shop/web-0') },
]
for (const { title, spoil } of losses)
  test(`a token that was good is refused when ${title}`, async () => {
    const s = setUp()
    const { token } = s.tokens.issue(s.facts)
    assert(await s.tokens.authenticate(bearer(token)))
    await spoil(s)
    assert.throws(() => s.tokens.authenticate(bearer(token)), isUnauthorized)
  })

test('a token of a pod that is being deleted is good until the pod is gone', async () => {
  const { tokens, facts, objects } = setUp()
  const { token } = tokens.issue(facts)
  objects.set('Pod/shop/web-0', { metadata: { name: 'web-0', uid: 'pod-1', deletionTimestamp: '2026-01-01T00:00:00Z' } })
  assert(await tokens.authenticate(bearer(token)))
})

test('a token whose claims or signature were changed is refused', () => {
  const { tokens, facts } = setUp()
  const { token } = tokens.issue(facts)
  const [header, claims, signature] = token.split('.') as [string, string, string]
  const changed = Buffer.from(Buffer.from(claims, 'base64url').toString().replaceAll(':web', ':adm').replaceAll('"web"', '"adm"')).toString(
    'base64url',
  )
  assert.throws(() => tokens.authenticate(bearer(`${header}.${changed}.${signature}`)), isUnauthorized)
  assert.throws(() => tokens.authenticate(bearer(`${header}.${claims}.${'A'.repeat(signature.length)}`)), isUnauthorized)
})

test('tokens of somebody else are left to the next authenticator', () => {
  const { tokens } = setUp()
  const foreign = ['e30', Buffer.from('{"iss":"https://elsewhere"}').toString('base64url'), 'x'].join('.')
  for (const token of [foreign, 'abcdef.0123456789abcdef', 'nonsense', undefined])
    assert.equal(tokens.authenticate(bearer(token)), undefined)
})

test('a token for another audience is no key to the API, but a review tells its audience', async () => {
  const { tokens, facts } = setUp()
  const { token } = tokens.issue({ ...facts, audiences: ['vault'] })
  assert.throws(() => tokens.authenticate(bearer(token)), isUnauthorized)
  assert.deepEqual((await tokens.review(token, ['vault', 'other']))?.audiences, ['vault'])
  assert.throws(() => tokens.review(token, undefined), isUnauthorized)
})

test('tokens of a cluster that signs with RSA are good too', async () => {
  const { clock, facts } = setUp()
  const rsa = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const tokens = createServiceAccountTokens({
    ...rsa,
    clock,
    random: seededRandom(1),
    lookup: () => ({ metadata: { uid: facts.serviceAccount.uid } }),
  })
  const { token } = tokens.issue({ ...facts, bound: undefined, node: undefined })
  assert.equal((await tokens.authenticate(bearer(token)))?.name, 'system:serviceaccount:shop:web')
  assert.equal((JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()) as { alg: string }).alg, 'RS256')
  assert.deepEqual(Object.keys(tokens.keySet.keys[0]!).sort(), ['alg', 'e', 'kid', 'kty', 'n', 'use'])
  const [, claims, signature] = token.split('.')
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${claims}.${signature}`
  assert.throws(() => tokens.authenticate(bearer(unsigned)), isUnauthorized)
})

test('the key set is the public half only', () => {
  const { tokens } = setUp()
  assert.deepEqual(Object.keys(tokens.keySet.keys[0]!).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
})

const certificates = certificateAuthenticator({ clock: virtualClock() })

test('a certificate names its user and groups; one without a name is nobody', () => {
  const user = (commonName: string) =>
    certificates.authenticate({ bearerToken: undefined, clientCertificate: { commonName, organizations: ['ops'] } })
  assert.deepEqual(user('ann'), { name: 'ann', groups: ['ops', 'system:authenticated'] })
  assert.equal(user(''), undefined)
})

test('static tokens are read from a file, and a bad line is named', async () => {
  const authenticator = staticTokenAuthenticator(parseTokenFile('# who\ns3cret,ann,1,"ops,dev"\nother,bob,\n'))
  assert.deepEqual(await authenticator.authenticate(bearer('s3cret')), {
    name: 'ann',
    uid: '1',
    groups: ['ops', 'dev', 'system:authenticated'],
  })
  assert.equal(await authenticator.authenticate(bearer('s3cre')), undefined)
  assert.throws(() => parseTokenFile('a,b,c\nbroken'), /line 2/)
})

const encode = (data: Record<string, string>) =>
  Object.fromEntries(Object.entries(data).map(([k, v]) => [k, Buffer.from(v).toString('base64')]))
const bootstrap = (data: Record<string, string>): Secret => ({
  metadata: { name: 'bootstrap-token-abcdef' },
  type: 'bootstrap.kubernetes.io/token',
  data: encode({ 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true', ...data }),
})

test('a bootstrap token is good while its secret says so', async () => {
  const clock = virtualClock()
  const authenticate = (secret: Secret | undefined, token = 'abcdef.0123456789abcdef') =>
    bootstrapTokenAuthenticator({ secret: () => secret, clock }).authenticate(bearer(token))
  const user = await authenticate(bootstrap({ 'auth-extra-groups': 'system:bootstrappers:x' }))
  assert.deepEqual(user, {
    name: 'system:bootstrap:abcdef',
    groups: ['system:bootstrappers', 'system:bootstrappers:x', 'system:authenticated'],
  })
  for (const bad of [
    undefined,
    bootstrap({ expiration: '2020-01-01T00:00:00Z' }),
    bootstrap({ 'usage-bootstrap-authentication': 'false' }),
    bootstrap({ 'token-secret': 'zzzzzzzzzzzzzzzz' }),
    bootstrap({ 'auth-extra-groups': 'system:bootstrappers:x,system:masters' }),
  ])
    assert.throws(() => authenticate(bad), isUnauthorized)
})

test('a union asks one after the other, and a refusal stands when nobody accepts', async () => {
  const refuse = { authenticate: () => Promise.reject(statusErrors.unauthorized()) }
  await assert.rejects(async () => unionAuthenticator([certificates, refuse]).authenticate(bearer('x')), isUnauthorized)
  assert.equal(await unionAuthenticator([certificates]).authenticate(bearer('x')), undefined)
})

test('what one authenticator refuses another may accept', async () => {
  const refuse = { authenticate: () => Promise.reject(statusErrors.unauthorized()) }
  const accept = { authenticate: () => ({ name: 'ann', groups: [] }) }
  assert.equal((await unionAuthenticator([refuse, accept]).authenticate(bearer('x')))?.name, 'ann')
})

test('a certificate brings its uid and its fingerprint, and is refused past its end or from another authority', async () => {
  const clock = virtualClock()
  const shown = { commonName: 'ann', organizations: [], uids: ['7'], fingerprint: 'ab12', notAfterMs: clock.now() + 1000 }
  const authenticate = (more: object) =>
    certificateAuthenticator({ clock }).authenticate({ bearerToken: undefined, clientCertificate: { ...shown, ...more } })
  assert.deepEqual(authenticate({}), {
    name: 'ann',
    uid: '7',
    groups: ['system:authenticated'],
    extra: { 'authentication.kubernetes.io/credential-id': ['X509SHA256=ab12'] },
  })
  for (const bad of [{ uids: ['7', '8'] }, { authority: 'none' }, { authority: 'front-proxy' }])
    assert.throws(() => authenticate(bad), isUnauthorized)
  await clock.advance(2000)
  assert.throws(() => authenticate({}), isUnauthorized)
})

test('a front proxy speaks for others, under its own name and authority only', () => {
  const authenticator = requestHeaderAuthenticator({ ...defaultRequestHeaders, clock: virtualClock() })
  const ask = (clientCertificate: Partial<NonNullable<Credentials['clientCertificate']>>, headers: Record<string, string | string[]>) =>
    authenticator.authenticate(
      { bearerToken: undefined, clientCertificate: { commonName: 'front-proxy-client', organizations: [], ...clientCertificate } },
      headers,
    )
  const headers = { 'x-remote-user': 'ann', 'x-remote-uid': '7', 'x-remote-group': ['a', 'b'], 'x-remote-extra-team%2fx': 'y' }
  assert.deepEqual(ask({ authority: 'front-proxy' }, headers), {
    name: 'ann',
    uid: '7',
    groups: ['a', 'b', 'system:authenticated'],
    extra: { 'team/x': ['y'] },
  })
  assert.equal(ask({ authority: 'client' }, headers), undefined)
  assert.equal(ask({ authority: 'front-proxy' }, {}), undefined)
  assert.throws(() => ask({ authority: 'front-proxy', commonName: 'somebody' }, headers), isUnauthorized)
})

test('tokens of a key that signed before are good until its public half is dropped, and both are in the key set', async () => {
  const { tokens, facts } = setUp()
  const old = tokens.issue(facts).token
  const fresh = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  tokens.useKeys({ privateKey: fresh.privateKey, publicKey: fresh.publicKey + keys.publicKey })
  assert.equal(tokens.keySet.keys.length, 2)
  assert(await tokens.authenticate(bearer(old)))
  const young = tokens.issue(facts).token
  tokens.useKeys(fresh)
  assert.throws(() => tokens.authenticate(bearer(old)), isUnauthorized)
  assert(await tokens.authenticate(bearer(young)))
})

test("a pod's token of an hour is good for a year, says when it should have been renewed, and nothing else is extended", async () => {
  const { tokens, facts, clock } = setUp()
  const hour = tokens.issue({ ...facts, expirationSeconds: 3607 })
  assert.equal(hour.expiresAtMs, clock.now() + 3607_000)
  const other = tokens.issue({ ...facts, expirationSeconds: 3606 })
  await clock.advance(24 * 3600_000)
  assert(await tokens.authenticate(bearer(hour.token)))
  assert.throws(() => tokens.authenticate(bearer(other.token)), isUnauthorized)
})

test('a token in a Secret is good while that Secret holds it', async () => {
  const { tokens, objects, noted } = setUp()
  const token = tokens.issueLegacy({ namespace: 'shop', secretName: 'web-token', serviceAccount: { name: 'web', uid: 'sa-1' } })
  assert.throws(() => tokens.authenticate(bearer(token)), isUnauthorized)
  const secret = { metadata: { name: 'web-token' }, data: { token: Buffer.from(token).toString('base64') } }
  objects.set('Secret/shop/web-token', secret)
  assert.equal((await tokens.authenticate(bearer(token)))?.name, 'system:serviceaccount:shop:web')
  assert.deepEqual(noted, ['web-token'])
  const labels = { 'kubernetes.io/legacy-token-invalid-since': '2026-01-01' }
  objects.set('Secret/shop/web-token', { ...secret, metadata: { name: 'web-token', labels } } as KubeObject)
  assert.throws(
    () => tokens.authenticate(bearer(token)),
    (error: Error) =>
      /^the token in secret shop\/web-token for service account shop\/web has been marked invalid\./.test((error.cause as Error).message),
  )
  objects.set('Secret/shop/web-token', { ...secret, data: { token: 'eA==' } } as KubeObject)
  assert.throws(() => tokens.authenticate(bearer(token)), isUnauthorized)
})
