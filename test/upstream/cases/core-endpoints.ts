/** Endpoints, EndpointSlice and ComponentStatus. */
import { type Case, clusterWide, creations, namespaced, read, replace, updates } from '../upstream-case.ts'

const endpoints = namespaced('v1', 'endpoints')
const plain = { metadata: { name: 'e' }, subsets: [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 80 }] }] }
const subset = (change: object) => ({ subsets: [{ addresses: [{ ip: '10.1.2.3' }], ports: [{ port: 80 }], ...change }] })
const addresses = (...ips: string[]) => subset({ addresses: ips.map((ip) => ({ ip })) })
const ports = (...list: object[]) => subset({ ports: list })

const ofEndpoints: Case[] = [
  ...creations(endpoints, plain, {
    endpoints: {},
    'no subsets': { subsets: null },
    'an empty subset': { subsets: [{}] },
    'no ports of a subset': { subsets: [{ addresses: [{ ip: '1.2.3.4' }] }] },
    'addresses that are not ready': {
      subsets: [
        {
          notReadyAddresses: [{ ip: '1.2.3.4', hostname: 'a', nodeName: 'n', targetRef: { kind: 'Pod', name: 'p' } }],
          ports: [{ port: 80 }],
        },
      ],
    },
    'addresses that are none': addresses('', 'a', '1.2.3', '01.2.3.4', '::ffff:1.2.3.4'),
    'addresses for special use': addresses('0.0.0.0', '127.0.0.1', '169.254.1.1', '224.0.0.1', '::', '::1', 'fe80::1', 'ff02::1'),
    'an address that is not canonical': addresses('2001:DB8::1'),
    'one address twice': addresses('10.1.2.3', '10.1.2.3'),
    'a bad host and node': subset({ addresses: [{ ip: '1.2.3.4', hostname: 'A_b', nodeName: 'A_b' }] }),
    'several ports without names': ports({ port: 80 }, { port: 81 }),
    'several ports': ports({ name: 'b', port: 80 }, { name: 'a', port: 81, protocol: 'UDP' }),
    'bad ports': ports({ name: 'A', port: 0, protocol: 'X', appProtocol: 'a b' }, { name: 'a', port: 65536 }),
    'a label of the managed': { metadata: { labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } } },
    'subsets to be sorted': {
      subsets: [
        {
          addresses: [{ ip: '10.0.0.2' }, { ip: '10.0.0.1' }],
          ports: [
            { name: 'b', port: 2 },
            { name: 'a', port: 1 },
          ],
        },
        { addresses: [{ ip: '10.0.0.1' }], ports: [{ name: 'a', port: 1 }] },
      ],
    },
  }),
  ...updates(endpoints, plain, {
    'another address': addresses('10.1.2.4'),
    'a bad address later': addresses('x'),
    'a node name later': subset({ addresses: [{ ip: '10.1.2.3', nodeName: 'n' }] }),
  }),
  ...updates(endpoints, { ...plain, ...subset({ addresses: [{ ip: '10.1.2.3', nodeName: 'n' }] }) } as typeof plain, {
    'another node name': subset({ addresses: [{ ip: '10.1.2.3', nodeName: 'm' }] }),
    'no node name': subset({ addresses: [{ ip: '10.1.2.3' }] }),
  }),
  { name: 'endpoints put where there were none', steps: [replace(`${endpoints}/e`, plain)] },
]

const slices = namespaced('discovery.k8s.io/v1', 'endpointslices')
const slice = { metadata: { name: 'e' }, addressType: 'IPv4', endpoints: [{ addresses: ['10.1.2.3'] }], ports: [{ port: 80 }] }
const endpoint = (change: object) => ({ endpoints: [{ addresses: ['10.1.2.3'], ...change }] })

const ofSlices: Case[] = [
  ...creations(slices, slice, {
    'a slice': {},
    'no type of a slice': { addressType: null },
    'an unknown type of a slice': { addressType: 'IPv5' },
    'no endpoints': { endpoints: null },
    'no ports of a slice': { ports: null },
    'an endpoint without addresses': { endpoints: [{ addresses: [] }, {}] },
    'too many addresses': endpoint({ addresses: Array.from({ length: 101 }, (_, i) => `10.1.2.${i + 1}`) }),
    'too many endpoints': { endpoints: Array.from({ length: 1001 }, () => ({ addresses: ['10.1.2.3'] })) },
    'addresses of a slice that are none': endpoint({ addresses: ['a', '01.2.3.4', '2001:db8::1', '127.0.0.1', '0.0.0.0'] }),
    'addresses of IPv6': {
      addressType: 'IPv6',
      endpoints: [{ addresses: ['2001:db8::1', '10.1.2.3', '::1', '2001:DB8::1', '::ffff:1.2.3.4'] }],
    },
    'names of hosts': { addressType: 'FQDN', endpoints: [{ addresses: ['a.b', 'A_b'] }] },
    'good names of hosts': { addressType: 'FQDN', endpoints: [{ addresses: ['a.example.com'] }] },
    'a slice of IPv6 that is not canonical': { addressType: 'IPv6', endpoints: [{ addresses: ['2001:DB8::1'] }] },
    conditions: endpoint({ conditions: { ready: true, serving: false, terminating: true } }),
    'a host, a node and a zone': endpoint({ hostname: 'a', nodeName: 'n', zone: 'z', targetRef: { kind: 'Pod', name: 'p' } }),
    'a bad host, node and zone': endpoint({ hostname: 'A_b', nodeName: 'A_b', zone: 'a b' }),
    'an old topology': endpoint({ deprecatedTopology: { 'kubernetes.io/hostname': 'n', 'a b': 'c d' } }),
    hints: endpoint({ hints: { forZones: [{ name: 'a' }], forNodes: [{ name: 'n' }] } }),
    'bad hints': endpoint({
      hints: {
        forZones: [{ name: '' }, { name: 'a b' }, { name: 'c' }, { name: 'c' }],
        forNodes: [{ name: '' }, { name: 'A_b' }, { name: 'n' }, { name: 'n' }],
      },
    }),
    'too many hints': endpoint({
      hints: {
        forZones: Array.from({ length: 9 }, (_, i) => ({ name: `z${i}` })),
        forNodes: Array.from({ length: 9 }, (_, i) => ({ name: `n${i}` })),
      },
    }),
    'ports of a slice': {
      ports: [{ name: 'a', port: 80 }, { name: 'b', port: 81, protocol: 'UDP', appProtocol: 'kubernetes.io/h2c' }, { name: 'c' }],
    },
    'bad ports of a slice': { ports: [{ name: 'A', port: 0, protocol: 'X', appProtocol: 'a b' }, { name: '', port: 1 }, { port: 65536 }] },
    'one port name twice': {
      ports: [
        { name: 'a', port: 1 },
        { name: 'a', port: 2 },
      ],
    },
    'too many ports': { ports: Array.from({ length: 20001 }, (_, i) => ({ name: `p${i}`, port: 1 })) },
    'a slice of a service': { metadata: { labels: { 'kubernetes.io/service-name': 's' } } },
  }),
  ...updates(slices, slice, {
    'another type of a slice': { addressType: 'IPv6' },
    'another address of a slice': endpoint({ addresses: ['10.1.2.4'] }),
    'a label of a slice': { metadata: { labels: { a: 'b' } } },
    'a bad address of a slice later': endpoint({ addresses: ['x'] }),
  }),
]

const health: Case[] = [
  { name: 'components', steps: [read(clusterWide('v1', 'componentstatuses/nothing'))] },
  {
    name: 'a component made',
    steps: [{ method: 'POST', path: clusterWide('v1', 'componentstatuses'), body: { metadata: { name: 'a' } } }],
  },
]

export const withNulls = true
export const cases: readonly Case[] = [...ofEndpoints, ...ofSlices, ...health]
