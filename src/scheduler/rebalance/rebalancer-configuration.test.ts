import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultRebalancePolicy } from './rebalance-policy.ts'
import { defaultRebalancerConfiguration, readRebalancerConfiguration } from './rebalancer-configuration.ts'

const document = (fields: object = {}) => ({ apiVersion: 'keelson.dev/v1alpha1', kind: 'RebalancerConfiguration', ...fields })

test('what the file does not say is as without a file', () => {
  assert.deepEqual(readRebalancerConfiguration(document()), defaultRebalancerConfiguration)
})

test('what the file says goes into the policy; strategies keep their order', () => {
  const read = readRebalancerConfiguration(
    document({
      metadata: { name: 'night' },
      mode: 'Move',
      period: '1h30m',
      strategies: ['LowNodeUtilization', 'Violations'],
      gainMin: 25,
      movesMax: 3,
      movesPerNodeMax: 1,
      movesPerNamespaceMax: 2,
      movesPerOwnerMax: 2,
      underused: { cpu: 30 },
      overused: { memory: 80 },
      excludedNamespaces: ['kube-system'],
      priorityMax: 1_000,
    }),
  )
  assert.deepEqual(read, {
    mode: 'Move',
    periodMs: 5_400_000,
    policy: {
      strategies: ['Violations', 'LowNodeUtilization'],
      gainMin: 25,
      movesMax: 3,
      movesPerNodeMax: 1,
      movesPerNamespaceMax: 2,
      movesPerOwnerMax: 2,
      underused: { ...defaultRebalancePolicy.underused, cpu: 30 },
      overused: { ...defaultRebalancePolicy.overused, memory: 80 },
      excludedNamespaces: new Set(['kube-system']),
      priorityMax: 1_000,
    },
  })
})

const refused: readonly [string, unknown, RegExp][] = [
  ['no object', 'text', /must be of type object|Invalid value/],
  ['another kind', { ...document(), kind: 'KubeSchedulerConfiguration' }, /kind: .*RebalancerConfiguration/],
  ['another version', { ...document(), apiVersion: 'keelson.dev/v9' }, /apiVersion: /],
  ['an unknown field', document({ movesmax: 3 }), /unknown field "movesmax"/],
  ['an unknown strategy', document({ strategies: ['Everything'] }), /strategies\[0\]: /],
  ['no strategy', document({ strategies: [] }), /strategies: /],
  ['no moves', document({ movesMax: 0 }), /movesMax: /],
  ['half a move', document({ movesMax: 1.5 }), /movesMax: /],
  ['a gain of nothing', document({ gainMin: 0 }), /gainMin: /],
  ['more than all of a node', document({ overused: { cpu: 120 } }), /overused.cpu: /],
  ['underused above overused', document({ underused: { cpu: 60 } }), /underused.cpu: must not be more than overused.cpu \(50\)/],
  ['a period that is no time', document({ period: 'often' }), /period: /],
  ['a period of no time', document({ period: '10ms' }), /period: must be at least 1s/],
]
for (const [what, given, message] of refused)
  test(`refuses ${what}`, () => assert.throws(() => readRebalancerConfiguration(given), { name: 'ConfigurationError', message }))
