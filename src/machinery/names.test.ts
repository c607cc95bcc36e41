import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as names from './names.ts'

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const name =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
const value =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
const ip = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
const cidr = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'

test('names are judged in upstream’s words', () => {
  const check = (rule: (text: string) => string[], text: string, expected: string[]) =>
    assert.deepEqual(rule(text), expected, `${rule.name}(${text})`)
  check(names.dns1123Label, 'a', [])
  check(names.dns1123Label, 'a'.repeat(63), [])
  check(names.dns1123Label, 'a'.repeat(64), ['must be no more than 63 characters'])
  check(names.dns1123Label, 'a.b', ['must not contain dots'])
  for (const bad of ['', 'A', '-a', 'a-', 'a_b', 'a\n']) check(names.dns1123Label, bad, [label])
  check(names.dns1123Subdomain, 'a.b-c.1', [])
  for (const bad of ['', 'a..b', '.a', 'a.', 'A.b', 'a\n']) check(names.dns1123Subdomain, bad, [subdomain])
  check(names.dns1123Subdomain, 'a'.repeat(254), ['must be no more than 253 characters'])
  check(names.dns1035Label, 'a-1', [])
  assert.equal(names.dns1035Label('1a').length, 1)
  check(names.qualifiedName, 'app.kubernetes.io/name', [])
  check(names.qualifiedName, 'A_b.c', [])
  check(names.qualifiedName, '/a', ['prefix part must be non-empty'])
  check(names.qualifiedName, 'a/', ['name part must be non-empty', `name part ${name}`])
  check(names.qualifiedName, 'A/b', [`prefix part ${subdomain}`])
  check(names.qualifiedName, '-a', [`name part ${name}`])
  check(names.qualifiedName, 'a'.repeat(64), ['name part must be no more than 63 bytes'])
  check(names.qualifiedName, 'a/b/c', [
    `a valid label key ${name} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
  ])
  check(names.labelValue, '', [])
  check(names.labelValue, 'a b', [value])
  check(names.labelValue, 'a'.repeat(64), ['must be no more than 63 bytes'])
  check(names.portName, 'http', [])
  check(names.portName, '80', ['must contain at least one letter (a-z)'])
  check(names.portName, 'a--b', ['must not contain consecutive hyphens'])
  check(names.portName, '-a', ['must not begin or end with a hyphen'])
  check(names.portName, 'a'.repeat(16), ['must be no more than 15 characters'])
  check(names.envVarName, 'my var:1', [])
  check(names.envVarName, '', ['environment variable name must be non-empty'])
  assert.equal(names.envVarName('a=b').length, 1)
  check(names.configMapKey, 'a_B.c-d', [])
  check(names.configMapKey, '..a', ["must not start with '..'"])
  check(names.configMapKey, '.', ["must not be '.'"])
  check(names.pathSegmentName, 'system:node', [])
  check(names.pathSegmentName, '..', ["may not be '..'"])
  check(names.pathSegmentName, 'a/b%', ["may not contain '/'", "may not contain '%'"])
})

test('addresses are IPv4 or IPv6 without zones', () => {
  const check = (address: string, isValid: boolean) => assert.deepEqual(names.ipAddress(address), isValid ? [] : [ip], address)
  for (const good of ['10.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', '2001:db8:0:0:0:0:0:1', '::ffff:1.2.3.4', '1:2:3:4:5:6:7::'])
    check(good, true)
  for (const bad of ['', '10.0.0', '256.0.0.1', '1:2', ':::', '1::2::3', '1:2:3:4:5:6:7:8:9', 'fe80::1%eth0', '12345::', '::1.2.3', ' ::1'])
    check(bad, false)
  for (const good of ['10.0.0.0/8', '::/0', '2001:db8::/64']) assert.deepEqual(names.cidr(good), [], good)
  for (const bad of ['10.0.0.0', '10.0.0.0/33', '::/129', '/8', '10.0.0.0/', 'x/8']) assert.deepEqual(names.cidr(bad), [cidr], bad)
})
