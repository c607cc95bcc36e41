import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Service } from '../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../kinds/generated/types/discovery-v1.ts'
import { type ClusterView, lookUp } from './zone.ts'

const zone = 'cluster.local'
const service = (name: string, spec: Service['spec']): Service => ({ metadata: { name, namespace: 'shop' }, spec: spec! })
const services: Service[] = [
  service('web', { clusterIP: '10.96.1.1', clusterIPs: ['10.96.1.1'], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] }),
  service('db', { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] }),
  service('early', { clusterIP: 'None', publishNotReadyAddresses: true }),
  service('far', { type: 'ExternalName', externalName: 'db.example.com' }),
]
const slice = (owner: string, endpoints: EndpointSlice['endpoints']): EndpointSlice => ({
  metadata: { name: `${owner}-1`, namespace: 'shop', labels: { 'kubernetes.io/service-name': owner } },
  addressType: 'IPv4',
  ports: [{ name: 'sql', port: 5432, protocol: 'TCP' }],
  endpoints: endpoints ?? [],
})
const slices: EndpointSlice[] = [
  slice('db', [
    { addresses: ['10.244.0.5'], hostname: 'db-0', conditions: { ready: true } },
    { addresses: ['10.244.1.6'], conditions: { ready: true } },
    { addresses: ['10.244.1.7'], hostname: 'db-2', conditions: { ready: false } },
  ]),
  slice('early', [{ addresses: ['10.244.2.2'], conditions: { ready: false } }]),
]
const view: ClusterView = {
  service: (namespace, name) => services.find((s) => s.metadata.namespace === namespace && s.metadata.name === name),
  slices: (namespace, name) =>
    slices.filter((s) => s.metadata.namespace === namespace && s.metadata.labels?.['kubernetes.io/service-name'] === name),
  hasNamespace: (name) => name === 'shop',
  serviceByAddress: (address) => services.find((s) => s.spec?.clusterIP === address),
  slicesByAddress: (address) => slices.filter((s) => s.endpoints?.some((e) => e.addresses.includes(address))),
}

/** The answer in short: `A 10.96.1.1, …`, `-` for no record of that type, `NXDOMAIN`, or `elsewhere`. */
function answer(type: string, name: string): string {
  const result = lookUp({ name, type }, view, zone)
  if (result.type === 'no-such-name') return 'NXDOMAIN'
  if (result.type === 'elsewhere') return 'elsewhere'
  const show = (r: (typeof result.records)[number]) => (r.type === 'SRV' ? `SRV ${r.port} ${r.target}` : `${r.type} ${r.data}`)
  return [...result.records.map(show), ...result.additional.map((r) => `(${show(r)})`)].join(', ') || '-'
}

const cases: readonly (readonly [type: string, name: string, expected: string])[] = [
  ['A', 'web.shop.svc.cluster.local', 'A 10.96.1.1'],
  ['A', 'WEB.shop.SVC.cluster.local.', 'A 10.96.1.1'],
  ['AAAA', 'web.shop.svc.cluster.local', '-'],
  ['A', 'missing.shop.svc.cluster.local', 'NXDOMAIN'],
  ['A', 'web.other.svc.cluster.local', 'NXDOMAIN'],
  ['A', 'shop.svc.cluster.local', '-'],
  ['A', 'other.svc.cluster.local', 'NXDOMAIN'],
  ['A', 'x.web.shop.svc.cluster.local', 'NXDOMAIN'],
  ['SRV', '_http._tcp.web.shop.svc.cluster.local', 'SRV 80 web.shop.svc.cluster.local, (A 10.96.1.1)'],
  ['SRV', '_http._udp.web.shop.svc.cluster.local', 'NXDOMAIN'],
  ['A', 'db.shop.svc.cluster.local', 'A 10.244.0.5, A 10.244.1.6'],
  ['A', 'db-0.db.shop.svc.cluster.local', 'A 10.244.0.5'],
  ['A', '10-244-1-6.db.shop.svc.cluster.local', 'A 10.244.1.6'],
  ['A', 'db-2.db.shop.svc.cluster.local', 'NXDOMAIN'],
  [
    'SRV',
    '_sql._tcp.db.shop.svc.cluster.local',
    'SRV 5432 db-0.db.shop.svc.cluster.local, SRV 5432 10-244-1-6.db.shop.svc.cluster.local, (A 10.244.0.5), (A 10.244.1.6)',
  ],
  ['A', 'early.shop.svc.cluster.local', 'A 10.244.2.2'],
  ['A', 'far.shop.svc.cluster.local', 'CNAME db.example.com'],
  ['AAAA', 'far.shop.svc.cluster.local', 'CNAME db.example.com'],
  ['A', '10-244-0-5.shop.pod.cluster.local', 'A 10.244.0.5'],
  ['A', '10-244-0-5.other.pod.cluster.local', 'NXDOMAIN'],
  ['A', '10-999-0-5.shop.pod.cluster.local', 'NXDOMAIN'],
  ['PTR', '1.1.96.10.in-addr.arpa', 'PTR web.shop.svc.cluster.local'],
  ['PTR', '5.0.244.10.in-addr.arpa', 'PTR db-0.db.shop.svc.cluster.local'],
  ['PTR', '9.9.9.9.in-addr.arpa', 'elsewhere'],
  ['TXT', 'dns-version.cluster.local', 'TXT 1.1.0'],
  ['A', 'cluster.local', '-'],
  ['A', 'nonsense.cluster.local', 'NXDOMAIN'],
  ['A', 'example.com', 'elsewhere'],
  ['A', 'notcluster.local', 'elsewhere'],
]

for (const [type, name, expected] of cases) test(`${type} ${name} gives ${expected}`, () => assert.equal(answer(type, name), expected))
