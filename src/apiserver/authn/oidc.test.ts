import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { silentLog } from '../../base/log.ts'
import { StatusError } from '../../machinery/status-error.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createOidcAuthenticator, type OidcOptions } from './oidc.ts'

const issuer = 'https://login.example.com'
const options: OidcOptions = {
  issuer,
  audiences: ['keelson'],
  algorithms: ['RS256'],
  rules: {
    username: { claim: 'email', prefix: '' },
    groups: { claim: 'groups', prefix: 'sso:' },
    requiredClaims: [['hd', 'example.com']],
  },
  ca: undefined,
}

async function setUp(more: Partial<OidcOptions> = {}) {
  const clock = virtualClock()
  const published: { key: CryptoKey; kid: string; jwk: object }[] = []
  const addKey = async (kid: string) => {
    const { privateKey, publicKey } = await generateKeyPair('RS256')
    published.push({ key: privateKey, kid, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } })
  }
  await addKey('one')
  const provider = { fetched: 0, isAway: false }
  const authenticator = createOidcAuthenticator(
    { ...options, ...more },
    {
      clock,
      log: silentLog,
      fetchJson: async (url) => {
        if (provider.isAway) throw new Error('away')
        if (url.endsWith('/.well-known/openid-configuration')) return { issuer, jwks_uri: `${issuer}/keys` }
        provider.fetched++
        return { keys: published.map(({ jwk }) => jwk) }
      },
    },
  )
  const token = (claims: object = {}, by = published.at(-1)!) =>
    new SignJWT({ email: 'ann@example.com', groups: ['ops'], hd: 'example.com', ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: by.kid })
      .setIssuer((claims as { iss?: string }).iss ?? issuer)
      .setAudience((claims as { aud?: string }).aud ?? 'keelson')
      .setExpirationTime(Math.floor(clock.now() / 1000) + 600)
      .sign(by.key)
  const who = (bearerToken: string) => authenticator.authenticate({ clientCertificate: undefined, bearerToken })
  return { clock, provider, addKey, token, who }
}

const isUnauthorized = (error: unknown) => error instanceof StatusError && error.code === 401

test("an ID token names its user and groups, and the provider's keys are fetched once", async () => {
  const { who, token, provider } = await setUp()
  for (let i = 0; i < 3; i++)
    assert.deepEqual(await who(await token()), { name: 'ann@example.com', groups: ['sso:ops', 'system:authenticated'] })
  assert.equal(provider.fetched, 1)
})

const bad: readonly (readonly [title: string, claims: object])[] = [
  ['for another audience', { aud: 'other' }],
  ['without a required claim', { hd: 'evil.com' }],
  ['without a name', { email: undefined }],
  ['of an address that is not verified', { email_verified: false }],
  ['with groups that are no names', { groups: [1] }],
]
for (const [title, claims] of bad)
  test(`a token ${title} is refused`, async () => {
    const { who, token } = await setUp()
    await assert.rejects(async () => who(await token(claims)), isUnauthorized)
  })

test('a token of another issuer, or none at all, is left to others; one that is over is refused', async () => {
  const { who, token, clock } = await setUp()
  assert.equal(await who(await token({ iss: 'https://elsewhere' })), undefined)
  assert.equal(await who('nonsense'), undefined)
  const short = await token()
  await clock.advance(601_000)
  await assert.rejects(async () => who(short), isUnauthorized)
})

test('a new key of the provider is found, but strange tokens do not make it be asked again and again', async () => {
  const { who, token, addKey, provider, clock } = await setUp()
  await who(await token())
  await addKey('two')
  await clock.advance(31_000)
  assert.equal((await who(await token()))?.name, 'ann@example.com')
  assert.equal(provider.fetched, 2)
  const stranger = await setUp()
  await stranger.addKey('three')
  for (let i = 0; i < 3; i++) await assert.rejects(async () => who(await stranger.token()), isUnauthorized)
  assert.equal(provider.fetched, 2)
})

test('a provider that is away is refused at first, and takes nothing from keys that are known', async () => {
  const { who, token, provider, clock } = await setUp()
  provider.isAway = true
  await assert.rejects(async () => who(await token()), isUnauthorized)
  provider.isAway = false
  assert(await who(await token()))
  provider.isAway = true
  await clock.advance(11 * 60_000)
  assert(await who(await token()))
})
