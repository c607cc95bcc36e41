import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hostPortRemoval } from './host-port-rules.ts'

const chain = (name: string, hook?: string) => ({ chain: { name, ...(hook ? { hook } : {}) } })
const rule = (where: string, handle: number, target?: string) => ({
  rule: { chain: where, handle, expr: [{ counter: {} }, ...(target ? [{ jump: { target } }] : [{ accept: null }])] },
})
const plugin = [
  chain('CNI-HOSTPORT-DNAT'),
  chain('PREROUTING', 'prerouting'),
  rule('PREROUTING', 3, 'CNI-HOSTPORT-DNAT'),
  rule('CNI-HOSTPORT-DNAT', 4),
]

const cases: readonly { name: string; listed: readonly unknown[]; expected: readonly string[] }[] = [
  { name: 'a table that the plugin never touched stays', listed: [chain('PREROUTING', 'prerouting'), rule('PREROUTING', 1)], expected: [] },
  { name: 'a table with nothing else in it goes', listed: plugin, expected: ['delete table ip nat'] },
  {
    name: "another's rule stays, and its table",
    listed: [...plugin, rule('PREROUTING', 9)],
    expected: ['delete rule ip nat PREROUTING handle 3', 'flush chain ip nat CNI-HOSTPORT-DNAT', 'delete chain ip nat CNI-HOSTPORT-DNAT'],
  },
  {
    name: "another's chain stays, and its table",
    listed: [...plugin, chain('DOCKER')],
    expected: ['delete rule ip nat PREROUTING handle 3', 'flush chain ip nat CNI-HOSTPORT-DNAT', 'delete chain ip nat CNI-HOSTPORT-DNAT'],
  },
]
for (const { name, listed, expected } of cases) test(name, () => assert.deepEqual(hostPortRemoval(listed), expected))
