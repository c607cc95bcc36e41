import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contains, formatAddress, parseAddress, parseCidr } from './ipv4.ts'

test('addresses and ranges are read as numbers and written back', () => {
  assert.equal(formatAddress(parseAddress('255.1.0.254')), '255.1.0.254')
  assert.deepEqual(parseCidr('10.244.3.77/24'), { network: parseAddress('10.244.3.0'), prefix: 24 })
  assert.equal(parseCidr('1.2.3.4/0').network, 0)
})

test('a range contains its first and last address and not the next', () => {
  const range = parseCidr('10.96.0.0/12')
  assert.deepEqual(
    ['10.96.0.0', '10.111.255.255', '10.112.0.0', '10.95.255.255'].map((a) => contains(range, parseAddress(a))),
    [true, true, false, false],
  )
})

for (const bad of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', 'a.b.c.d', '1.2.3.', '::1']) {
  test(`"${bad}" is no address`, () => assert.throws(() => parseAddress(bad), RangeError))
}
for (const bad of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/x', '/8']) {
  test(`"${bad}" is no range`, () => assert.throws(() => parseCidr(bad), RangeError))
}
