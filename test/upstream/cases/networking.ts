/** NetworkPolicy and Ingress: rules, peers, backends, hosts, paths, status. */
import { type Case, create, creations, namespaced, patch, updates } from '../upstream-case.ts'

const policies = namespaced('networking.k8s.io/v1', 'networkpolicies')
const policy = { metadata: { name: 'p' }, spec: { podSelector: { matchLabels: { app: 'a' } } } }
const ingress = (rule: object) => ({ spec: { ingress: [rule] } })
const block = (ipBlock: object) => ingress({ from: [{ ipBlock }] })
const ports = (...list: object[]) => ingress({ ports: list })

const ofPolicies = creations(policies, policy, {
  'the least policy': {},
  'no spec of a policy': { spec: null },
  'no selector': { spec: { podSelector: null } },
  'a bad selector': {
    spec: {
      podSelector: {
        matchLabels: { 'a b': 'c d' },
        matchExpressions: [
          { key: 'a', operator: 'X' },
          { key: 'b', operator: 'In' },
          { key: 'c', operator: 'Exists', values: ['d'] },
        ],
      },
    },
  },
  'rules for both ways': { spec: { ingress: [{}], egress: [{}] } },
  'empty rules': { spec: { ingress: [], egress: [] } },
  'ports of all kinds': ports({ port: 80 }, { port: 'http', protocol: 'UDP' }, { protocol: 'SCTP' }, { port: 100, endPort: 200 }, {}),
  'bad ports': ports(
    { port: 0 },
    { port: 65536 },
    { port: 'A_b' },
    { port: 'a--b' },
    { protocol: 'X' },
    { port: 5, endPort: 4 },
    { port: 5, endPort: 65536 },
    { endPort: 5 },
    { port: 'a', endPort: 5 },
  ),
  'an empty port name': ports({ port: '' }),
  'no peer': ingress({ from: [{}] }),
  'bad peers': ingress({
    from: [
      { podSelector: { matchLabels: { a: '-' } } },
      { namespaceSelector: { matchExpressions: [{ key: '', operator: 'In', values: [] }] } },
    ],
  }),
  'a block beside a selector': ingress({ from: [{ ipBlock: { cidr: '10.0.0.0/8' }, podSelector: {} }] }),
  'a block': block({ cidr: '10.0.0.0/8', except: ['10.1.0.0/16', '10.2.0.0/16'] }),
  'a block of IPv6': block({ cidr: '2001:db8::/32', except: ['2001:db8:1::/48'] }),
  'a block without range': block({ except: ['10.0.0.0/8'] }),
  'blocks that are none': {
    spec: {
      ingress: [
        {
          from: [
            { ipBlock: { cidr: 'x' } },
            { ipBlock: { cidr: '10.0.0.1/8' } },
            { ipBlock: { cidr: '010.0.0.0/8' } },
            { ipBlock: { cidr: '::ffff:10.0.0.0/104' } },
            { ipBlock: { cidr: '10.0.0.0/08' } },
          ],
        },
      ],
    },
  },
  'exceptions that are none': block({
    cidr: '10.0.0.0/8',
    except: ['x', '10.0.0.0/8', '11.0.0.0/16', '10.1.0.1/16', '0.0.0.0/0', '2001:db8::/64'],
  }),
  'a block that is not canonical': block({ cidr: '2001:DB8::/32' }),
  'too many types': { spec: { policyTypes: ['Ingress', 'Egress', 'Ingress'] } },
  'an unknown type': { spec: { policyTypes: ['Both'] } },
  'egress alone': { spec: { policyTypes: ['Egress'] } },
  'many things wrong with a policy': {
    metadata: { labels: { 'a b': 'c' } },
    spec: {
      podSelector: { matchLabels: { 'x y': '1' } },
      ingress: [{ ports: [{ port: 0 }], from: [{}] }],
      egress: [{ to: [{ ipBlock: { cidr: 'x' } }], ports: [{ protocol: 'X' }] }],
      policyTypes: ['X'],
    },
  },
})

const policyUpdates = updates(
  policies,
  { ...policy, ...block({ cidr: '10.0.0.0/8' }) },
  {
    'nothing of a policy': {},
    'a label of a policy': { metadata: { labels: { a: 'b' } } },
    'another selector of a policy': { spec: { podSelector: { matchLabels: { app: 'b' } } } },
    'a bad block from now on': block({ cidr: '10.0.0.1/8' }),
  },
)

const ingresses = namespaced('networking.k8s.io/v1', 'ingresses')
const service = { service: { name: 's', port: { number: 80 } } }
const path = { path: '/', pathType: 'Prefix', backend: service }
const plain = { metadata: { name: 'i' }, spec: { rules: [{ host: 'a.example.com', http: { paths: [path] } }] } }
const paths = (...list: object[]) => ({ spec: { rules: [{ http: { paths: list } }] } })
const backends = (...list: object[]) => paths(...list.map((backend) => ({ ...path, backend })))
const hosts = (...list: string[]) => ({ spec: { rules: list.map((host) => ({ host })) } })

const ofIngresses = creations(ingresses, plain, {
  'the least ingress': {},
  'no spec of an ingress': { spec: null },
  'neither rules nor backend': { spec: { rules: null } },
  'a default backend alone': { spec: { rules: null, defaultBackend: service } },
  'an empty default backend': { spec: { defaultBackend: {} } },
  'hosts of all kinds': hosts('a.b', '*.a.b'),
  'hosts that are none': hosts('1.2.3.4', 'A_b', '*', '*.', 'a.*.b', '*.*.a', '2001:db8::1'),
  'no paths': { spec: { rules: [{ host: 'a', http: { paths: [] } }] } },
  'no type of path': paths({ path: '/', backend: service }),
  'an unknown type of path': paths({ ...path, pathType: 'Regex' }),
  'exact paths that are none': paths(
    ...['', 'a', '//', '/a/./b', '/a/../b', '/a%2fb', '/a%2Fb', '/a/..', '/a/.'].map((text) => ({
      ...path,
      pathType: 'Exact',
      path: text,
    })),
  ),
  'paths of the implementation': paths(
    { ...path, pathType: 'ImplementationSpecific', path: '' },
    { ...path, pathType: 'ImplementationSpecific', path: 'a' },
    { ...path, pathType: 'ImplementationSpecific', path: '/(a|b)' },
  ),
  'no path': paths({ pathType: 'Prefix', backend: service }),
  'no backend': paths({ path: '/', pathType: 'Prefix' }),
  'backends of services': backends(
    { service: { name: '', port: { number: 80 } } },
    { service: { name: 'A_b', port: { name: 'A' } } },
    { service: { name: '1', port: { number: 80, name: 'a' } } },
    { service: { name: 'a' } },
    { service: { name: 'a', port: { number: 65536 } } },
    { service: { name: 'a', port: { name: 'web' } } },
  ),
  'backends of resources': backends(
    { resource: { kind: 'K', name: 'n' } },
    { resource: { apiGroup: 'A_b', kind: '', name: '' } },
    { resource: { apiGroup: 'a.b', kind: 'a/b', name: 'a%b' } },
    { ...service, resource: { kind: 'K', name: 'n' } },
  ),
  certificates: { spec: { tls: [{ hosts: ['a.b', '*.a.b'], secretName: 's' }, {}] } },
  'certificates of bad hosts': { spec: { tls: [{ hosts: ['A_b', '*', ''], secretName: 'A_b' }] } },
  'a class': { spec: { ingressClassName: 'core-none' } },
  'a bad class': { spec: { ingressClassName: 'A_b' } },
  'an empty class': { spec: { ingressClassName: '' } },
  'a class by annotation': { metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } } },
  'a class both ways': { metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } }, spec: { ingressClassName: 'b' } },
  'one class both ways': { metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } }, spec: { ingressClassName: 'a' } },
  'a status of an ingress': { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
})

const ingressUpdates: Case[] = [
  ...updates(ingresses, plain, {
    'nothing of an ingress': {},
    'a class later': { spec: { ingressClassName: 'b' } },
    'a class by annotation later': { metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } } },
    'a class both ways later': { metadata: { annotations: { 'kubernetes.io/ingress.class': 'a' } }, spec: { ingressClassName: 'b' } },
    'no rules any more': { spec: { rules: null } },
    'a bad host later': hosts('*'),
  }),
  ...updates(
    ingresses,
    plain,
    {
      'an address of an ingress': {
        status: { loadBalancer: { ingress: [{ ip: '1.2.3.4', ports: [{ port: 80, protocol: 'TCP' }] }, { hostname: 'a.b' }] } },
      },
      'bad addresses of an ingress': {
        status: { loadBalancer: { ingress: [{ ip: 'x' }, { ip: '01.2.3.4' }, { hostname: 'A_b' }, { hostname: '1.2.3.4' }] } },
      },
      'an address of an ingress that is not canonical': { status: { loadBalancer: { ingress: [{ ip: '2001:DB8::1' }] } } },
      'a spec by the status of an ingress': { metadata: { labels: { a: 'b' } }, spec: { ingressClassName: 'b' }, status: {} },
    },
    'status',
  ),
  {
    name: 'a wildcard host with bad paths later',
    given: [create(ingresses, { ...plain, ...hosts('*.a.b') })],
    steps: [patch('merge', `${ingresses}/i`, { spec: { rules: [{ host: '*.a.b', http: { paths: [{ ...path, path: 'x' }] } }] } })],
  },
]

export const cases: readonly Case[] = [...ofPolicies, ...policyUpdates, ...ofIngresses, ...ingressUpdates]
