/** IngressClass, ServiceCIDR and IPAddress. */
import { type Case, clusterWide, create, creations, patch, read, remove, updates } from '../upstream-case.ts'

const classes = clusterWide('networking.k8s.io/v1', 'ingressclasses')
const plainClass = { metadata: { name: 'core-class' }, spec: { controller: 'example.com/a' } }
const parameters = (change: object) => ({ spec: { parameters: { kind: 'K', name: 'n', ...change } } })

const ofClasses: Case[] = [
  ...creations(classes, plainClass, {
    'the least class': {},
    'no spec of a class': { spec: null },
    'a name of a class that is none': { metadata: { name: 'A_b' } },
    'a controller without a domain': { spec: { controller: 'a' } },
    'a controller without a path': { spec: { controller: 'a.b/' } },
    'a controller of a bad domain': { spec: { controller: 'A_b/c' } },
    'a controller of a bad path': { spec: { controller: 'a.b/c d' } },
    'a controller too long': { spec: { controller: `a.b/${'c'.repeat(250)}` } },
    parameters: parameters({}),
    'parameters of the cluster': parameters({ scope: 'Cluster' }),
    'parameters of the cluster in a namespace': parameters({ scope: 'Cluster', namespace: 'a' }),
    'parameters of a namespace': parameters({ scope: 'Namespace', namespace: 'a' }),
    'parameters of no namespace': parameters({ scope: 'Namespace' }),
    'parameters of a bad namespace': parameters({ scope: 'Namespace', namespace: 'A_b' }),
    'parameters of an unknown scope': parameters({ scope: 'All' }),
    'parameters of an empty scope': parameters({ scope: '' }),
    'parameters without kind and name': parameters({ kind: '', name: '' }),
    'parameters of a bad group, kind and name': parameters({ apiGroup: 'A_b', kind: 'a/b', name: 'a%b' }),
  }),
  ...updates(classes, plainClass, {
    'nothing of a class': {},
    'another controller': { spec: { controller: 'example.com/b' } },
    'a bad controller later': { spec: { controller: 'b' } },
    'parameters later': parameters({}),
  }),
]

const ranges = clusterWide('networking.k8s.io/v1', 'servicecidrs')
const range = { metadata: { name: 'core-range' }, spec: { cidrs: ['10.77.0.0/24'] } }
const cidrs = (...list: string[]) => ({ spec: { cidrs: list } })

const ofRanges: Case[] = [
  ...creations(ranges, range, {
    'a range': {},
    'a range with a status': {
      status: { conditions: [{ type: 'Ready', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
    },
    'no ranges': cidrs(),
    'no spec of a range': { spec: null },
    'two families of ranges': cidrs('10.77.0.0/24', 'fd77::/112'),
    'one family of ranges twice': cidrs('10.77.0.0/24', '10.78.0.0/24'),
    'three ranges': cidrs('10.77.0.0/24', 'fd77::/112', '10.78.0.0/24'),
    'ranges that are none': cidrs('x', '10.77.0.1/24'),
    'ranges that are not canonical': cidrs('010.77.0.0/24', 'FD77::/112'),
    'a name of a range that is none': { metadata: { name: 'A_b' } },
  }),
  ...updates(ranges, range, {
    'nothing of a range': {},
    'another range': cidrs('10.78.0.0/24'),
    'a second range': cidrs('10.77.0.0/24', 'fd77::/112'),
    'a second range of the same family': cidrs('10.77.0.0/24', '10.78.0.0/24'),
    'another first and a second range': cidrs('10.78.0.0/24', 'fd77::/112'),
    'no range any more': cidrs(),
    'three ranges later': cidrs('10.77.0.0/24', 'fd77::/112', '10.78.0.0/24'),
    'a label of a range': { metadata: { labels: { a: 'b' } } },
    'a status of a range past its door': {
      status: { conditions: [{ type: 'Ready', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
    },
  }),
  ...updates(
    ranges,
    range,
    {
      'a status of a range': {
        status: { conditions: [{ type: 'Ready', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
      },
      'a spec and a label by status of a range': { metadata: { labels: { a: 'b' } }, spec: { cidrs: ['10.78.0.0/24'] } },
      'a bad status of a range': {
        status: { conditions: [{ type: 'a b', status: 'X', reason: '', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
      },
    },
    'status',
  ),
]

const addresses = clusterWide('networking.k8s.io/v1', 'ipaddresses')
const address = { metadata: { name: '10.77.1.1' }, spec: { parentRef: { group: 'example.com', resource: 'things', name: 'a' } } }
const parent = (change: object) => ({ spec: { parentRef: change } })

const ofAddresses: Case[] = [
  ...creations(addresses, address, {
    'an address': {},
    'an address of IPv6': { metadata: { name: 'fd77::1' } },
    'an address that is not canonical': { metadata: { name: 'FD77::1' } },
    'an address that is none': { metadata: { name: 'x' } },
    'an address with zeros': { metadata: { name: '010.77.1.1' } },
    'an address within IPv6': { metadata: { name: '::ffff:10.77.1.1' } },
    'an address without parent': { spec: { parentRef: null } },
    'an address without spec': { spec: null },
    'an address of nothing': parent({ group: null, resource: null, name: null }),
    'an address of bad things': parent({ group: 'A_b', resource: 'a/b', name: 'a%b', namespace: '..' }),
    'an address of a service': parent({ group: null, resource: 'services', name: 'a', namespace: 'b' }),
  }),
  ...updates(addresses, address, {
    'nothing of an address': {},
    'another parent': parent({ name: 'b' }),
    'no parent': { spec: { parentRef: null } },
    'a label of an address': { metadata: { labels: { a: 'b' } } },
  }),
  { name: 'the address of a service is there', steps: [read(`${addresses}/10.96.0.1`)] },
  {
    name: 'an address that is gone',
    given: [create(addresses, address)],
    steps: [remove(`${addresses}/10.77.1.1`), read(`${addresses}/10.77.1.1`), patch('merge', `${addresses}/10.77.1.1`, {})],
  },
]

export const cases: readonly Case[] = [...ofClasses, ...ofRanges, ...ofAddresses]
