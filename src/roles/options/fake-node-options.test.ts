import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseFakeNode } from './fake-node-options.ts'

test('sizes, times, failures and use of simulated nodes are read', () => {
  assert.deepEqual(parseFakeNode('cpu=8,memory=32Gi,pods=200,start=2s,pull=1m30s,fail-start=0.05,use-cpu=50m'), {
    size: { cpuMilli: 8000, memoryBytes: 32 * 2 ** 30, maxPods: 200 },
    runtime: { times: { start: 2000, pull: 90_000 }, failureRates: { start: 0.05 }, usage: { cpuMilli: 50, memoryBytes: 8 << 20 } },
  })
  assert.deepEqual(parseFakeNode(undefined), { size: {}, runtime: { times: {}, failureRates: {} } })
})

for (const [setting, why] of [
  ['start=2', 'no duration like 200ms or 3s'],
  ['fail-start=2', 'no chance between 0 and 1'],
  ['fail-pull=', 'no chance between 0 and 1'],
  ['pods=0', 'no count of pods'],
  ['cpu=much', 'no quantity'],
  ['colour=red', 'no such setting'],
] as const)
  test(`refused: ${setting}`, () => {
    assert.throws(() => parseFakeNode(setting), { message: `--fake-node ${setting}: ${why}: see docs/reference/cli.md` })
  })
