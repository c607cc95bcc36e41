import assert from 'node:assert/strict'
import { test } from 'node:test'
import { losesStickyEndpoint, staleAffinity, staleConnections } from './connection-cleanup.ts'
import { affinityElements } from './loop.ts'
import type { Entry, ProxyFacts, ServicePlan } from './plan.ts'
import { emptyState, renderChange, renderWhole } from './render.ts'
import { ServiceTable } from './service-table.ts'

const facts: ProxyFacts = {
  ...{ nodeName: 'here', zone: undefined, nodeAddresses: ['192.168.0.1'], clusterCidr: '10.244.0.0/16', serviceCidrs: ['10.96.0.0/12'] },
  localServiceAddresses: ['10.96.0.10'],
}
const entry = (address: string, endpoints: readonly string[], changes: Partial<Entry> & { affinitySeconds?: number } = {}): Entry => {
  const { affinitySeconds, ...rest } = changes
  const to = endpoints.map((endpoint) => ({ address: endpoint, port: 8080 }))
  return {
    ...{ address, protocol: 'tcp', port: 80, scope: 'any', masquerade: false, sourceRanges: undefined },
    target: to.length > 0 ? { type: 'endpoints', endpoints: to, affinitySeconds } : { type: 'reject' },
    ...rest,
  }
}
const plan = (...entries: Entry[]): ServicePlan => ({ entries, healthCheck: undefined })
const change = (table: ServiceTable, updates: Record<string, ServicePlan | undefined>): string => {
  const { from, to } = table.change(new Map(Object.entries(updates)))
  return renderChange(from, to)
}

test('a first service declares what it shares and adds its elements', () => {
  assert.equal(
    change(new ServiceTable(), { 'd/a': plan(entry('10.96.0.5', ['10.244.0.2', '10.244.0.3'])) }),
    `table ip keelson {
  map endpoints-0 {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
  }
}
table ip keelson {
  map endpoints-1 {
    type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
  }
}
table ip keelson {
  chain draw-0 {
    meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @endpoints-0
  }
}
table ip keelson {
  chain draw-1 {
    meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @endpoints-1
  }
}
table ip keelson {
  chain pick-2 {
    numgen random mod 2 vmap { 0 : goto draw-0, 1 : goto draw-1 }
  }
}
add element ip keelson endpoints-0 { 10.96.0.5 . tcp . 80 : 10.244.0.2 . 8080 }
add element ip keelson endpoints-1 { 10.96.0.5 . tcp . 80 : 10.244.0.3 . 8080 }
add element ip keelson hairpins { 10.244.0.2 . 10.244.0.2, 10.244.0.3 . 10.244.0.3 }
add element ip keelson services { 10.96.0.5 . tcp . 80 : goto pick-2 }
`,
  )
})

const table = () => {
  const present = new ServiceTable()
  change(present, {
    'd/a': plan(entry('10.96.0.5', ['10.244.0.2', '10.244.0.3'])),
    'd/b': plan(entry('10.96.0.6', ['10.244.0.2', '10.244.0.4'])),
  })
  return present
}
const changes: readonly { name: string; updates: Record<string, ServicePlan | undefined>; expected: string }[] = [
  {
    name: 'the same plan again is no transaction',
    updates: { 'd/a': plan(entry('10.96.0.5', ['10.244.0.2', '10.244.0.3'])) },
    expected: '',
  },
  {
    name: 'a replaced endpoint touches its position and its hairpin',
    updates: { 'd/a': plan(entry('10.96.0.5', ['10.244.0.2', '10.244.0.9'])) },
    expected: `delete element ip keelson endpoints-1 { 10.96.0.5 . tcp . 80 : 10.244.0.3 . 8080 }
delete element ip keelson hairpins { 10.244.0.3 . 10.244.0.3 }
add element ip keelson endpoints-1 { 10.96.0.5 . tcp . 80 : 10.244.0.9 . 8080 }
add element ip keelson hairpins { 10.244.0.9 . 10.244.0.9 }
`,
  },
  {
    name: 'a removed service leaves what others share',
    updates: { 'd/a': undefined },
    expected: `delete element ip keelson endpoints-0 { 10.96.0.5 . tcp . 80 : 10.244.0.2 . 8080 }
delete element ip keelson endpoints-1 { 10.96.0.5 . tcp . 80 : 10.244.0.3 . 8080 }
delete element ip keelson hairpins { 10.244.0.3 . 10.244.0.3 }
delete element ip keelson services { 10.96.0.5 . tcp . 80 : goto pick-2 }
`,
  },
  {
    name: 'losing all endpoints turns into a refusal',
    updates: { 'd/a': plan(entry('10.96.0.5', [])) },
    expected: `delete element ip keelson endpoints-0 { 10.96.0.5 . tcp . 80 : 10.244.0.2 . 8080 }
delete element ip keelson endpoints-1 { 10.96.0.5 . tcp . 80 : 10.244.0.3 . 8080 }
delete element ip keelson hairpins { 10.244.0.3 . 10.244.0.3 }
delete element ip keelson services { 10.96.0.5 . tcp . 80 : goto pick-2 }
add element ip keelson refused { 10.96.0.5 . tcp . 80 : goto refuse }
`,
  },
  {
    name: 'a service that wants a taken address waits, and gets it when the first leaves',
    updates: { 'd/c': plan(entry('10.96.0.5', ['10.244.0.2', '10.244.0.3'])) },
    expected: '',
  },
]
for (const { name, updates, expected } of changes) test(name, () => assert.equal(change(table(), updates), expected))

test('a contested address goes to the next in line', () => {
  const present = table()
  change(present, { 'd/c': plan(entry('10.96.0.5', ['10.244.0.7', '10.244.0.8'])) })
  assert.match(
    change(present, { 'd/a': undefined }),
    /add element ip keelson endpoints-0 \{ 10\.96\.0\.5 \. tcp \. 80 : 10\.244\.0\.7 \. 8080 \}/,
  )
})

test('the last user takes shared maps and chains along', () => {
  const text = change(table(), { 'd/a': undefined, 'd/b': undefined })
  assert.match(text, /delete chain ip keelson pick-2\n/)
  assert.match(text, /delete map ip keelson endpoints-1\n/)
})

test('a whole table is flushed but for affinity, and old chains and maps go', () => {
  const text = renderWhole(emptyState, facts, { chains: ['prerouting', 'pick-7'], maps: ['endpoints-6', 'affinity', 'services'] })
  assert.match(text, /flush map ip keelson services\n/)
  assert.doesNotMatch(text, /(flush|delete) map ip keelson affinity/)
  assert.match(text, /flush chain ip keelson pick-7\ndelete chain ip keelson pick-7\ndelete map ip keelson endpoints-6\n/)
  assert.match(text, /ip daddr 10\.96\.0\.0\/12 ip daddr != \{ 10\.96\.0\.10 \} reject/)
})

test('UDP flows of a leaving endpoint are forgotten, TCP flows end by themselves', () => {
  const udp = (endpoints: readonly string[]) => plan(entry('10.96.0.5', endpoints, { protocol: 'udp', port: 53 }))
  const flow = ['-D', '-p', 'udp', '--orig-dst', '10.96.0.5', '--orig-port-dst', '53']
  assert.deepEqual(staleConnections(udp(['10.244.0.2', '10.244.0.3']), udp(['10.244.0.3'])), [[...flow, '--dst-nat', '10.244.0.2']])
  assert.deepEqual(staleConnections(udp([]), udp(['10.244.0.3'])), [flow])
  assert.deepEqual(staleConnections(plan(entry('10.96.0.5', ['10.244.0.2'])), undefined), [])
})

test('affinities to endpoints that left are found in what nft lists', () => {
  const listed = [
    { metainfo: {} },
    {
      map: {
        elem: [
          [{ elem: { val: { concat: ['10.244.0.9', '10.96.0.5', 'tcp', 80] }, expires: 5 } }, { concat: ['10.244.0.2', 8080] }],
          [{ elem: { val: { concat: ['10.244.0.8', '10.96.0.5', 'tcp', 80] }, expires: 5 } }, { concat: ['10.244.0.3', 8080] }],
        ],
      },
    },
  ]
  const plans = [plan(entry('10.96.0.5', ['10.244.0.3'], { affinitySeconds: 100 } as never))]
  assert.deepEqual(
    staleAffinity(affinityElements(listed), plans).map(({ client }) => client),
    ['10.244.0.9'],
  )
})

test('only the loss of a sticky endpoint asks for that search', () => {
  const sticky = (endpoints: readonly string[]) => plan(entry('10.96.0.5', endpoints, { affinitySeconds: 100 } as never))
  assert.equal(losesStickyEndpoint(sticky(['10.244.0.2']), sticky(['10.244.0.2', '10.244.0.3'])), false)
  assert.equal(losesStickyEndpoint(sticky(['10.244.0.2']), sticky(['10.244.0.3'])), true)
  assert.equal(losesStickyEndpoint(plan(entry('10.96.0.5', ['10.244.0.2'])), undefined), false)
})
