import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StatusError } from '../../machinery/status-error.ts'
import { parseAuthenticationConfiguration } from './authentication-configuration.ts'
import { type Claims, userOfClaims } from './claim-rules.ts'

const own = ['https://kubernetes.default.svc.cluster.local']
const parse = (jwt: object[], more: object = {}) =>
  parseAuthenticationConfiguration(
    JSON.stringify({ apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthenticationConfiguration', jwt, ...more }),
    own,
  )
const issuer = { url: 'https://login.example.com', audiences: ['keelson'] }
const claimMappings = { username: { claim: 'sub', prefix: '' } }
const jwt = (more: object = {}) => ({ issuer, claimMappings, ...more })
const of = (more: object) => jwt({ issuer: { ...issuer, ...more } })
const mapped = (more: object) => jwt({ claimMappings: { ...claimMappings, ...more } })

const faults: readonly (readonly [jwt: object[], message: string])[] = [
  [[of({ url: '' })], 'jwt[0].issuer.url: Required value'],
  [[of({ url: 'http://x' })], 'jwt[0].issuer.url: Invalid value: "http://x": URL scheme must be https'],
  [[of({ url: 'https://x?y=z' })], 'jwt[0].issuer.url: Invalid value: "https://x?y=z": URL must not contain a query'],
  [[of({ url: own[0] })], `jwt[0].issuer.url: Invalid value: "${own[0]}": URL must not overlap with disallowed issuers: [${own[0]}]`],
  [[jwt(), jwt()], 'jwt[1].issuer.url: Duplicate value: "https://login.example.com"'],
  [
    [of({ discoveryURL: 'https://login.example.com/' })],
    'jwt[0].issuer.discoveryURL: Invalid value: "https://login.example.com/": discoveryURL must be different from URL',
  ],
  [[of({ audiences: [] })], 'jwt[0].issuer.audiences: Required value: at least one jwt[0].issuer.audiences is required'],
  [
    [of({ audiences: ['a', 'b'] })],
    'jwt[0].issuer.audienceMatchPolicy: Invalid value: "": audienceMatchPolicy must be MatchAny for multiple audiences',
  ],
  [
    [of({ certificateAuthority: 'nonsense' })],
    'jwt[0].issuer.certificateAuthority: Invalid value: "<omitted>": data does not contain any valid RSA or ECDSA certificates',
  ],
  [[jwt({ claimMappings: {} })], 'jwt[0].claimMappings.username: Required value: claim or expression is required'],
  [
    [mapped({ username: { claim: 'sub' } })],
    'jwt[0].claimMappings.username.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing',
  ],
  [
    [mapped({ groups: { expression: 'claims.groups', prefix: 'x' } })],
    'jwt[0].claimMappings.groups.prefix: Invalid value: "x": may not be specified when expression is set',
  ],
  [
    [mapped({ uid: { claim: 'a', expression: 'b' } })],
    `jwt[0].claimMappings.uid: Invalid value: "": claim and expression can't both be set`,
  ],
  [
    [mapped({ username: { expression: 'claims.email' } })],
    'jwt[0].claimMappings.username.expression: Invalid value: "claims.email": claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
  ],
  [
    [mapped({ extra: [{ key: 'team', valueExpression: 'claims.team' }] })],
    'jwt[0].claimMappings.extra[0].key: Invalid value: "team": must be a domain-prefixed path (such as "acme.io/foo")',
  ],
  [
    [mapped({ extra: [{ key: 'x.k8s.io/team', valueExpression: 'claims.team' }] })],
    'jwt[0].claimMappings.extra[0].key: Invalid value: "x.k8s.io/team": k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use',
  ],
  [
    [jwt({ claimValidationRules: [{ expression: 'claims.sub' }, { claim: 'a' }, { claim: 'a' }] })],
    'jwt[0].claimValidationRules[2].claim: Duplicate value: "a"',
  ],
  [
    [jwt({ claimValidationRules: [{ expression: '"yes"' }] })],
    'jwt[0].claimValidationRules[0].expression: Invalid value: "\\"yes\\"": must evaluate to bool',
  ],
  [[jwt({ userValidationRules: [{ message: 'm' }] })], 'jwt[0].userValidationRules[0].expression: Required value'],
  [[jwt({ colour: 'red' })], 'strict decoding error: unknown field "jwt[0].colour"'],
]
for (const [given, message] of faults)
  test(`refused: ${message}`, () =>
    assert.throws(
      () => parse(given),
      (error: Error) => error.message === message || error.message.includes(message),
    ))

test('an expression that does not compile says where', () => {
  assert.throws(
    () => parse([jwt({ userValidationRules: [{ expression: 'user.name == "x"' }] })]),
    /userValidationRules\[0\]\.expression.*undefined field 'name'/,
  )
})
test('conditions of anonymous requests need them enabled', () => {
  assert.throws(
    () => parse([], { anonymous: { enabled: false, conditions: [{ path: '/livez' }] } }),
    /enabled should be set to true when conditions are defined/,
  )
  assert.deepEqual(parse([], { anonymous: { enabled: true, conditions: [{ path: '/livez' }] } }).anonymous, {
    enabled: true,
    paths: ['/livez'],
  })
})

const claims = { sub: 'ann', roles: 'ops,dev', tenant: 't1', level: 3, jti: 'id-1', teams: ['a', ''] }
function checkUser(title: string, more: object, given: Claims, expected: object | RegExp): void {
  test(title, () => {
    const [first] = parse([jwt(more)]).issuers
    const user = () => userOfClaims(first!.rules, given)
    if (!(expected instanceof RegExp)) return assert.deepEqual(user(), expected)
    assert.throws(user, (error) => error instanceof StatusError && expected.test((error.cause as Error).message))
  })
}
const credential = { 'authentication.kubernetes.io/credential-id': ['JTI=id-1'] }
checkUser(
  'expressions make the user',
  {
    claimMappings: {
      username: { expression: '"corp:" + claims.sub' },
      groups: { expression: 'claims.roles.split(",")' },
      uid: { claim: 'tenant' },
      extra: [
        { key: 'example.com/level', valueExpression: 'string(claims.level)' },
        { key: 'example.com/teams', valueExpression: 'claims.teams' },
        { key: 'example.com/none', valueExpression: '""' },
      ],
    },
  },
  claims,
  {
    name: 'corp:ann',
    groups: ['ops', 'dev', 'system:authenticated'],
    uid: 't1',
    extra: { ...credential, 'example.com/level': ['3'], 'example.com/teams': ['a'] },
  },
)
checkUser('a claim may have its prefix', { claimMappings: { username: { claim: 'sub', prefix: 'x:' } } }, claims, {
  name: 'x:ann',
  groups: ['system:authenticated'],
  extra: credential,
})
const rules = { claimValidationRules: [{ expression: 'claims.level > 5', message: 'too low' }] }
checkUser(
  'a rule on claims that does not hold',
  rules,
  claims,
  /^oidc: error evaluating claim validation expression: validation expression 'claims.level > 5' failed: too low$/,
)
checkUser('a rule on a claim that is not there', rules, { sub: 'ann' }, /no such key: level/)
checkUser(
  'a required claim',
  { claimValidationRules: [{ claim: 'tenant', requiredValue: 't2' }] },
  claims,
  /required claim tenant value does not match. Got = t1, want = t2/,
)
const nobody = { userValidationRules: [{ expression: "!user.username.startsWith('system:')", message: 'reserved' }] }
checkUser('a rule on the user', nobody, { sub: 'system:admin' }, /user info validation rule: .* failed: reserved$/)
checkUser('a rule on the user that holds', nobody, { sub: 'ann' }, { name: 'ann', groups: ['system:authenticated'] })
checkUser(
  'a name that is no text',
  { claimMappings: { username: { expression: 'claims.level' } } },
  claims,
  /username claim expression must return a string/,
)
checkUser(
  'an empty name',
  { claimMappings: { username: { expression: '""' } } },
  claims,
  /empty username via CEL expression is not allowed/,
)
