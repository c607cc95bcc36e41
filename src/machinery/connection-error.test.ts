import assert from 'node:assert/strict'
import { test } from 'node:test'
import { connectionErrorText } from './connection-error.ts'

const at = { address: '10.0.0.1', port: 443 }
for (const [message, facts, expected] of [
  ['connect ECONNREFUSED 10.0.0.1:443', { code: 'ECONNREFUSED', ...at }, 'dial tcp 10.0.0.1:443: connect: connection refused'],
  ['connect ECONNREFUSED ::1:443', { code: 'ECONNREFUSED', address: '::1', port: 443 }, 'dial tcp [::1]:443: connect: connection refused'],
  ['connect EHOSTUNREACH', { code: 'EHOSTUNREACH', ...at }, 'dial tcp 10.0.0.1:443: connect: no route to host'],
  ['connect ENETUNREACH', { code: 'ENETUNREACH', ...at }, 'dial tcp 10.0.0.1:443: connect: network is unreachable'],
  ['connect ETIMEDOUT', { code: 'ETIMEDOUT', ...at }, 'dial tcp 10.0.0.1:443: i/o timeout'],
  ['getaddrinfo ENOTFOUND a.b', { code: 'ENOTFOUND', hostname: 'a.b' }, 'dial tcp: lookup a.b: no such host'],
  ['socket hang up', { code: 'ECONNRESET' }, 'EOF'],
  ['read ECONNRESET', { code: 'ECONNRESET' }, 'read: connection reset by peer'],
  [
    'self-signed certificate',
    { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    'tls: failed to verify certificate: x509: certificate signed by unknown authority',
  ],
  ['connect EACCES', { code: 'EACCES', ...at }, 'connect EACCES'],
  ['no endpoints', {}, 'no endpoints'],
] as const)
  test(`"${message}" is told as Go tells it`, () => assert.equal(connectionErrorText(Object.assign(new Error(message), facts)), expected))

test('of several addresses the first is told of', () => {
  const refused = (address: string) => Object.assign(new Error('no'), { code: 'ECONNREFUSED', address, port: 80 })
  assert.equal(
    connectionErrorText(new AggregateError([refused('::1'), refused('127.0.0.1')])),
    'dial tcp [::1]:80: connect: connection refused',
  )
})

test('what is no error is told as it is', () => assert.equal(connectionErrorText('gone'), 'gone'))
