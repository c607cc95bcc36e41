import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatNetwork, parseNetwork, planPodCidr } from './plan.ts'

const cases: [string, string, number, string[], string | undefined][] = [
  ['the first', '10.244.0.0/16', 24, [], '10.244.0.0/24'],
  ['the first gap', '10.244.0.0/16', 24, ['10.244.0.0/24', '10.244.2.0/24'], '10.244.1.0/24'],
  ['none that overlaps a larger one', '10.244.0.0/16', 24, ['10.244.0.0/22'], '10.244.4.0/24'],
  ['none that overlaps a smaller one', '10.244.0.0/16', 24, ['10.244.0.128/25'], '10.244.1.0/24'],
  ['the last', '192.168.0.0/23', 24, ['192.168.0.0/24'], '192.168.1.0/24'],
  ['nothing when all are taken', '192.168.0.0/24', 24, ['192.168.0.0/24'], undefined],
  ['the first of IPv6', 'fd00:10:244::/56', 64, ['10.244.0.0/24'], 'fd00:10:244::/64'],
  ['the next of IPv6', 'fd00:10:244::/56', 64, ['fd00:10:244::/64', '10.244.1.0/24'], 'fd00:10:244:1::/64'],
  ['no more of IPv6 than there are', 'fd00:10:244::/64', 64, ['fd00:10:244::/64'], undefined],
  ['no notice of networks elsewhere', '10.244.0.0/16', 24, ['192.168.0.0/16'], '10.244.0.0/24'],
]
for (const [title, cluster, prefix, used, expected] of cases)
  test(`takes ${title}`, () => assert.equal(planPodCidr(parseNetwork(cluster), prefix, used), expected))

test('a network is written as it is read, from its first address on', () =>
  assert.equal(formatNetwork(parseNetwork('10.1.2.3/22')), '10.1.0.0/22'))
for (const bad of ['10.244.0.0', '10.244.0.256/24', '10.0.0.0/33', 'fd00::/129'])
  test(`refuses ${bad}`, () => assert.throws(() => parseNetwork(bad), /not a network/))
