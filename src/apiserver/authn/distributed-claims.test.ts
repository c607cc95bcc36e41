import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { silentLog } from '../../base/log.ts'
import { StatusError } from '../../machinery/status-error.ts'
import { virtualClock } from '../../platform/virtual-clock.ts'
import { createOidcAuthenticator } from './oidc.ts'

const login = 'https://login.example.com'
const directory = 'https://groups.example.com'
const endpoint = `${directory}/claims`
const { privateKey, publicKey } = await generateKeyPair('RS256')
const { privateKey: strange } = await generateKeyPair('RS256')
const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }

type Told = { readonly iss?: string; readonly aud?: string; readonly key?: CryptoKey; readonly claims?: object }

function setUp(directoryTells: Told | Error = {}) {
  const clock = virtualClock()
  const sign = (issuer: string, { aud = 'keelson', key = privateKey, claims = {} }: Told) =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setIssuer(issuer)
      .setAudience(aud)
      .setExpirationTime(Math.floor(clock.now() / 1000) + 600)
      .sign(key)
  const asked: string[] = []
  const authenticator = createOidcAuthenticator(
    {
      issuer: login,
      audiences: ['keelson'],
      algorithms: ['RS256'],
      rules: { username: { claim: 'sub', prefix: '' }, groups: { claim: 'groups', prefix: '' }, requiredClaims: [] },
      ca: undefined,
    },
    {
      clock,
      log: silentLog,
      fetchJson: async (url) => {
        const issuer = new URL(url).origin
        return url.endsWith('/keys') ? { keys: [jwk] } : { issuer, jwks_uri: `${issuer}/keys` }
      },
      fetchText: async (url, accessToken) => {
        asked.push(`${url} ${accessToken}`)
        if (directoryTells instanceof Error) throw directoryTells
        const { iss = directory, claims = { groups: ['ops', 'dev'] } } = directoryTells
        return `${await sign(iss, { ...directoryTells, claims })}\n`
      },
    },
  )
  const who = async (claims: object) => {
    const bearerToken = await sign(login, { claims: { sub: 'ann', ...claims } })
    return authenticator.authenticate({ clientCertificate: undefined, bearerToken })
  }
  return { who, asked, clock }
}

const sources = (source: object = { endpoint }) => ({ _claim_names: { groups: 'src' }, _claim_sources: { src: source } })
const ann = (...groups: string[]) => ({ name: 'ann', groups: [...groups, 'system:authenticated'] })

test('groups come from where the token says, and are asked for once', async () => {
  const { who, asked, clock } = setUp()
  const claims = sources({ endpoint, access_token: 'secret' })
  for (let i = 0; i < 3; i++) assert.deepEqual(await who(claims), ann('ops', 'dev'))
  assert.deepEqual(asked, [`${endpoint} secret`])
  await clock.advance(11_000)
  await who(claims)
  assert.equal(asked.length, 2)
})

const leftAlone: Readonly<Record<string, readonly [object, ReturnType<typeof ann>]>> = {
  'groups that are there are taken': [{ ...sources(), groups: ['here'] }, ann('here')],
  'claims that nobody wants are not asked for': [{ _claim_names: { other: 'src' }, _claim_sources: { src: { endpoint } } }, ann()],
  'a source that came along is not read': [sources({ JWT: 'x' }), ann()],
}
for (const [title, [claims, expected]] of Object.entries(leftAlone))
  test(title, async () => {
    const { who, asked } = setUp()
    assert.deepEqual(await who(claims), expected)
    assert.deepEqual(asked, [])
  })

const refusals: Readonly<Record<string, readonly [object, Told | Error, RegExp]>> = {
  'names without sources': [{ _claim_names: { groups: 'src' } }, {}, /no claim sources/],
  'a source that is not there': [{ _claim_names: { groups: 'toString' }, _claim_sources: {} }, {}, /contained a source toString missing/],
  'names that are none': [{ _claim_names: 'x', _claim_sources: {} }, {}, /error parsing distributed claim names/],
  'a name that is no text': [{ _claim_names: { groups: {} }, _claim_sources: {} }, {}, /error parsing distributed claim names/],
  'a directory that is away': [sources(), new Error('away'), /while getting distributed claim "groups": away/],
  'an answer for somebody else': [sources(), { aud: 'other' }, /verify distributed claim token/],
  'an answer that somebody else signed': [sources(), { key: strange }, /verify distributed claim token/],
  'an answer of an issuer without TLS': [sources(), { iss: 'http://groups.example.com' }, /names no https issuer/],
  'an answer without the claim': [sources(), { claims: {} }, /did not contain claim: groups/],
}
for (const [title, [claims, tells, message]] of Object.entries(refusals))
  test(`refused: ${title}`, async () => {
    const { who } = setUp(tells)
    await assert.rejects(
      who(claims),
      (error) => error instanceof StatusError && error.code === 401 && reasonsOf(error).some((text) => message.test(text)),
    )
  })

/** What clients are told, and what stays here. */
const reasonsOf = (error: Error): string[] => [error.message, ...(error.cause instanceof Error ? reasonsOf(error.cause) : [])]
