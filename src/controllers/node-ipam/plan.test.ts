import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatNetwork, freePart, networkOf, overlapped, parseNetwork, partsOf } from './plan.ts'

type Given = { readonly cluster: string; readonly prefix: number; readonly used?: readonly string[]; readonly from?: number }

const cases: readonly [string, Given, string | undefined][] = [
  ['the first', { cluster: '10.244.0.0/16', prefix: 24 }, '10.244.0.0/24'],
  ['the first gap', { cluster: '10.244.0.0/16', prefix: 24, used: ['10.244.0.0/24', '10.244.2.0/24'] }, '10.244.1.0/24'],
  [
    'the next, though there are gaps before it',
    { cluster: '10.244.0.0/16', prefix: 24, used: ['10.244.1.0/24'], from: 2 },
    '10.244.2.0/24',
  ],
  ['the first again after the last', { cluster: '192.168.0.0/23', prefix: 24, used: ['192.168.1.0/24'], from: 1 }, '192.168.0.0/24'],
  ['none that overlaps a larger one', { cluster: '10.244.0.0/16', prefix: 24, used: ['10.244.0.0/22'] }, '10.244.4.0/24'],
  ['none that overlaps a smaller one', { cluster: '10.244.0.0/16', prefix: 24, used: ['10.244.0.128/25'] }, '10.244.1.0/24'],
  ['the last', { cluster: '192.168.0.0/23', prefix: 24, used: ['192.168.0.0/24'] }, '192.168.1.0/24'],
  ['nothing when all are taken', { cluster: '192.168.0.0/24', prefix: 24, used: ['192.168.0.0/24'] }, undefined],
  ['the first of IPv6', { cluster: 'fd00:10:244::/56', prefix: 64, used: ['10.244.0.0/24'] }, 'fd00:10:244::/64'],
  ['the next of IPv6', { cluster: 'fd00:10:244::/56', prefix: 64, used: ['fd00:10:244::/64', '10.244.1.0/24'] }, 'fd00:10:244:1::/64'],
  ['no more of IPv6 than there are', { cluster: 'fd00:10:244::/64', prefix: 64, used: ['fd00:10:244::/64'] }, undefined],
  ['no notice of networks elsewhere', { cluster: '10.244.0.0/16', prefix: 24, used: ['192.168.0.0/16', '10.245.0.0/24'] }, '10.244.0.0/24'],
]
for (const [title, { cluster, prefix, used = [], from = 0 }, expected] of cases)
  test(`takes ${title}`, () => {
    const parts = partsOf(cluster, prefix)
    const taken = new Set(used.flatMap((cidr) => overlapped(parts, cidr)))
    const part = freePart(parts, from, (one) => taken.has(one))
    assert.equal(part === undefined ? part : networkOf(parts, part), expected)
  })

test('a network is written as it is read, from its first address on', () =>
  assert.equal(formatNetwork(parseNetwork('10.1.2.3/22')), '10.1.0.0/22'))
for (const bad of ['10.244.0.0', '10.244.0.256/24', '10.0.0.0/33', 'fd00::/129'])
  test(`refuses ${bad}`, () => assert.throws(() => parseNetwork(bad), /not a network/))
