import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceSpec } from '../kinds/generated/types/core-v1.ts'
import type { Endpoint } from '../kinds/generated/types/discovery-v1.ts'
import { type Entry, planService, type ProxyFacts } from './plan.ts'

const facts: ProxyFacts = {
  nodeName: 'here',
  zone: 'z1',
  nodeAddresses: ['192.168.0.1'],
  clusterCidr: '10.244.0.0/16',
  serviceCidrs: ['10.96.0.0/12'],
  localServiceAddresses: ['10.96.0.10'],
}
const here = (address: string, changes: Partial<Endpoint> = {}): Endpoint => ({ addresses: [address], nodeName: 'here', ...changes })
const there = (address: string, changes: Partial<Endpoint> = {}): Endpoint => ({ addresses: [address], nodeName: 'there', ...changes })
const ending = { conditions: { ready: false, serving: true, terminating: true } }
const unready = { conditions: { ready: false, serving: false } }

/** `address:port scope → targets`, with `~` for masquerade and `/T` for affinity. */
function text(entry: Entry): string {
  const { target } = entry
  const to =
    target.type === 'endpoints'
      ? target.endpoints.map(({ address, port }) => `${address}:${port}`).join(' ') +
        (target.affinitySeconds ? ` /${target.affinitySeconds}` : '')
      : target.type
  const scope = entry.scope === 'outside' ? ' outside' : ''
  const from = entry.sourceRanges ? ` from ${entry.sourceRanges.join(' ')}` : ''
  return `${entry.protocol} ${entry.address}:${entry.port}${scope}${entry.masquerade ? ' ~' : ''}${from} → ${to}`
}

const cases: readonly {
  name: string
  spec: ServiceSpec
  endpoints?: readonly Endpoint[]
  ingress?: readonly { ip?: string; ipMode?: string }[]
  labels?: Record<string, string>
  expected: readonly string[]
}[] = [
  {
    name: 'a cluster address leads to the ready endpoints',
    spec: { clusterIP: '10.96.0.5', ports: [{ port: 80 }] },
    endpoints: [there('10.244.1.9'), here('10.244.0.2'), here('10.244.0.3', unready), here('10.244.0.4', ending)],
    expected: ['tcp 10.96.0.5:80 → 10.244.0.2:8080 10.244.1.9:8080'],
  },
  {
    name: 'without any endpoint it refuses',
    spec: { clusterIP: '10.96.0.5', ports: [{ port: 80 }] },
    expected: ['tcp 10.96.0.5:80 → reject'],
  },
  {
    name: 'terminating endpoints that still serve are the last resort, unready ones never',
    spec: { clusterIP: '10.96.0.5', ports: [{ port: 80 }] },
    endpoints: [here('10.244.0.4', ending), here('10.244.0.3', unready)],
    expected: ['tcp 10.96.0.5:80 → 10.244.0.4:8080'],
  },
  {
    name: 'a headless service asks for nothing',
    spec: { clusterIP: 'None', ports: [{ port: 80 }] },
    endpoints: [here('10.244.0.2')],
    expected: [],
  },
  { name: 'an ExternalName service asks for nothing', spec: { type: 'ExternalName', externalName: 'a.b' }, expected: [] },
  {
    name: 'a service that another proxy implements is left to it',
    spec: { clusterIP: '10.96.0.5', ports: [{ port: 80 }] },
    labels: { 'service.kubernetes.io/service-proxy-name': 'other' },
    expected: [],
  },
  {
    name: 'a service that is to be headless for proxies is not served, though it has an address',
    spec: { clusterIP: '10.96.0.5', ports: [{ port: 80 }] },
    labels: { 'service.kubernetes.io/headless': '' },
    expected: [],
  },
  {
    name: 'an address that this node answers itself is left alone',
    spec: { clusterIP: '10.96.0.10', ports: [{ port: 53 }] },
    expected: [],
  },
  {
    name: 'an IPv6 address is not for this table',
    spec: { clusterIP: 'fd00::1', clusterIPs: ['fd00::1'], ports: [{ port: 80 }] },
    expected: [],
  },
  {
    name: 'a node port answers on the node and on loopback, masqueraded',
    spec: { clusterIP: '10.96.0.5', type: 'NodePort', ports: [{ port: 80, nodePort: 30080, protocol: 'UDP' }] },
    endpoints: [here('10.244.0.2')],
    expected: [
      'udp 10.96.0.5:80 → 10.244.0.2:8080',
      'udp 192.168.0.1:30080 ~ → 10.244.0.2:8080',
      'udp 127.0.0.1:30080 ~ → 10.244.0.2:8080',
    ],
  },
  {
    name: 'affinity has its time or three hours',
    spec: { clusterIP: '10.96.0.5', sessionAffinity: 'ClientIP', ports: [{ port: 80 }] },
    endpoints: [here('10.244.0.2')],
    expected: ['tcp 10.96.0.5:80 → 10.244.0.2:8080 /10800'],
  },
  {
    name: 'internal Local stays here, and is silent when only others serve',
    spec: { clusterIP: '10.96.0.5', internalTrafficPolicy: 'Local', ports: [{ port: 80 }] },
    endpoints: [there('10.244.1.9')],
    expected: ['tcp 10.96.0.5:80 → drop'],
  },
  {
    name: 'external Local: outsiders get the local endpoints unmasked, insiders all of them',
    spec: {
      clusterIP: '10.96.0.5',
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      externalIPs: ['203.0.113.1'],
      ports: [{ port: 80 }],
    },
    endpoints: [here('10.244.0.2'), there('10.244.1.9')],
    expected: [
      'tcp 10.96.0.5:80 → 10.244.0.2:8080 10.244.1.9:8080',
      'tcp 203.0.113.1:80 → 10.244.0.2:8080 10.244.1.9:8080',
      'tcp 203.0.113.1:80 outside → 10.244.0.2:8080',
    ],
  },
  {
    name: 'external Local falls back to local terminating endpoints while others are ready elsewhere',
    spec: { clusterIP: '10.96.0.5', externalTrafficPolicy: 'Local', externalIPs: ['203.0.113.1'], ports: [{ port: 80 }] },
    endpoints: [here('10.244.0.2', ending), there('10.244.1.9')],
    expected: [
      'tcp 10.96.0.5:80 → 10.244.1.9:8080',
      'tcp 203.0.113.1:80 → 10.244.1.9:8080',
      'tcp 203.0.113.1:80 outside → 10.244.0.2:8080',
    ],
  },
  {
    name: 'source ranges hold for balancer addresses alone; a Proxy-mode address is not short-cut',
    spec: { clusterIP: '10.96.0.5', type: 'LoadBalancer', loadBalancerSourceRanges: [' 192.0.2.0/24'], ports: [{ port: 80 }] },
    endpoints: [here('10.244.0.2')],
    ingress: [{ ip: '203.0.113.7' }, { ip: '203.0.113.8', ipMode: 'Proxy' }],
    expected: ['tcp 10.96.0.5:80 → 10.244.0.2:8080', 'tcp 203.0.113.7:80 ~ from 192.0.2.0/24 → 10.244.0.2:8080'],
  },
  {
    name: 'topology hints narrow the choice to this zone',
    spec: { clusterIP: '10.96.0.5', ports: [{ port: 80 }] },
    endpoints: [
      here('10.244.0.2', { hints: { forZones: [{ name: 'z1' }] } }),
      there('10.244.1.9', { hints: { forZones: [{ name: 'z2' }] } }),
    ],
    expected: ['tcp 10.96.0.5:80 → 10.244.0.2:8080'],
  },
  {
    name: 'one endpoint without a hint, and all of them count',
    spec: { clusterIP: '10.96.0.5', ports: [{ port: 80 }] },
    endpoints: [here('10.244.0.2', { hints: { forZones: [{ name: 'z1' }] } }), there('10.244.1.9')],
    expected: ['tcp 10.96.0.5:80 → 10.244.0.2:8080 10.244.1.9:8080'],
  },
]
for (const { name, spec, endpoints = [], ingress, labels, expected } of cases) {
  test(name, () => {
    const service = {
      metadata: { name: 's', namespace: 'd', ...(labels ? { labels } : {}) },
      spec,
      ...(ingress ? { status: { loadBalancer: { ingress: [...ingress] } } } : {}),
    }
    const slice = {
      metadata: { name: 's-1' },
      addressType: 'IPv4' as const,
      ports: [{ name: '', port: 8080, protocol: spec.ports?.[0]?.protocol ?? ('TCP' as const) }],
      endpoints: [...endpoints],
    }
    assert.deepEqual(planService(service as never, [slice], facts).entries.map(text), expected)
  })
}

test('ports are matched by name, and an address in two slices counts once', () => {
  const slice = (ports: { name: string; port: number }[]) => ({
    metadata: {},
    addressType: 'IPv4' as const,
    ports,
    endpoints: [here('10.244.0.2')],
  })
  const spec = {
    clusterIP: '10.96.0.5',
    ports: [
      { name: 'web', port: 80 },
      { name: 'admin', port: 81 },
    ],
  }
  const slices = [
    slice([
      { name: 'web', port: 8080 },
      { name: 'admin', port: 9090 },
    ]),
    slice([{ name: 'web', port: 8080 }]),
  ]
  assert.deepEqual(planService({ metadata: {}, spec } as never, slices, facts).entries.map(text), [
    'tcp 10.96.0.5:80 → 10.244.0.2:8080',
    'tcp 10.96.0.5:81 → 10.244.0.2:9090',
  ])
})

test('the health check counts local endpoints', () => {
  const spec: ServiceSpec = {
    ...{ clusterIP: '10.96.0.5', type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 32000, ports: [{ port: 80 }] },
  }
  const slice = {
    metadata: {},
    addressType: 'IPv4' as const,
    ports: [{ name: '', port: 1 }],
    endpoints: [here('10.244.0.2'), there('10.244.1.9')],
  }
  assert.deepEqual(planService({ metadata: {}, spec } as never, [slice], facts).healthCheck, { port: 32000, localEndpoints: 1 })
})
