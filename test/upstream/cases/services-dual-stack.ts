/** Services where they have addresses of both families: how many each gets, and how it gives one up or gets another. */
import { type Case, clusterWide, create, creations, namespaced, patch, read, remove, replacements, updates } from '../upstream-case.ts'

/** What the server's flag `--service-cluster-ip-range` has to say. */
export const serviceRange = '10.96.0.0/12,fd00:10:96::/112'

const services = namespaced('v1', 'services')
const ipAddresses = clusterWide('networking.k8s.io/v1', 'ipaddresses')
const plain = { metadata: { name: 's' }, spec: { selector: { app: 'a' }, ports: [{ port: 80 }] } }
const [single, prefer, require] = ['SingleStack', 'PreferDualStack', 'RequireDualStack'].map((ipFamilyPolicy) => ({ ipFamilyPolicy }))
const headless = { clusterIP: 'None' }
const open = { clusterIP: 'None', selector: null }
const [four, six] = ['10.99.78.1', 'fd00:10:96::77']
const at = (...clusterIPs: string[]) => ({ clusterIP: clusterIPs[0], clusterIPs })

const created = creations(services, plain, {
  'nothing said': {},
  'single stack': { spec: single },
  'dual stack preferred': { spec: prefer },
  'dual stack required': { spec: require },
  'IPv6 alone': { spec: { ipFamilies: ['IPv6'] } },
  'IPv6 first, the other preferred': { spec: { ...prefer, ipFamilies: ['IPv6'] } },
  'IPv6 first, both required': { spec: { ...require, ipFamilies: ['IPv6', 'IPv4'] } },
  'both families and no policy': { spec: { ipFamilies: ['IPv4', 'IPv6'] } },
  'both families of a single stack': { spec: { ...single, ipFamilies: ['IPv4', 'IPv6'] } },
  'an address of IPv6': { spec: { clusterIP: six } },
  'an address of IPv6, the other preferred': { spec: { ...prefer, clusterIP: six } },
  'an address of IPv6 for IPv4': { spec: { clusterIP: six, ipFamilies: ['IPv4'] } },
  'an address of IPv6 written long': { spec: { clusterIP: 'fd00:0010:0096:0:0:0:0:77' } },
  'an address of IPv6 out of range': { spec: { clusterIP: 'fd00:10:97::1' } },
  'the network itself': { spec: { clusterIP: 'fd00:10:96::' } },
  'the last address': { spec: { clusterIP: 'fd00:10:96::ffff' } },
  'both addresses': { spec: { ...require, ...at(four, six) } },
  'both addresses, preferred': { spec: { ...prefer, ...at(six, four) } },
  'both addresses and no policy': { spec: { ...at(four, six) } },
  'both addresses against the families': { spec: { ...require, ...at(four, six), ipFamilies: ['IPv6', 'IPv4'] } },
  'the second address out of range': { spec: { ...require, ...at('10.99.79.1', 'fd00:10:97::1') } },
  'two addresses of IPv6': { spec: { ...require, ...at(six, 'fd00:10:96::78') } },
  headless: { spec: headless },
  'headless, preferred': { spec: { ...headless, ...prefer } },
  'headless, required': { spec: { ...headless, ...require } },
  'headless of IPv6': { spec: { ...headless, ipFamilies: ['IPv6'] } },
  'headless without a selector': { spec: open },
  'headless without a selector, single': { spec: { ...open, ...single } },
  'headless without a selector, of IPv6': { spec: { ...open, ipFamilies: ['IPv6'] } },
  'node ports of both': { spec: { ...require, type: 'NodePort' } },
  'a load balancer of both': { spec: { ...prefer, type: 'LoadBalancer' } },
})

type Named = { readonly metadata: { readonly name: string }; readonly spec: object }
const external: Named = { metadata: { name: 's' }, spec: { type: 'ExternalName', externalName: 'example.com' } }
const one: Named = { metadata: { name: 's' }, spec: { ...plain.spec, ...at(four) } }
const both: Named = { metadata: { name: 's' }, spec: { ...plain.spec, ...require, ...at(four, six) } }
const changed = [
  ...updates(services, one, {
    'a second is preferred': { spec: prefer },
    'a second is required': { spec: require },
    'a second is required by hand': { spec: { ...require, ipFamilies: ['IPv4', 'IPv6'] } },
    'a second family without a policy': { spec: { ipFamilies: ['IPv4', 'IPv6'] } },
    'the other family': { spec: { ipFamilies: ['IPv6'] } },
    'both, the other one first': { spec: { ...require, ipFamilies: ['IPv6', 'IPv4'] } },
  }),
  ...updates(services, both, {
    'one is given up': { spec: single },
    'one is given up by its family alone': { spec: { ipFamilies: ['IPv4'] } },
    'one is given up by its family and policy': { spec: { ...single, ipFamilies: ['IPv4'] } },
    'the first is given up': { spec: { ...single, ipFamilies: ['IPv6'] } },
    'required becomes preferred': { spec: prefer },
    'families are turned round': { spec: { ipFamilies: ['IPv6', 'IPv4'] } },
    'it becomes an external name': { spec: { type: 'ExternalName', externalName: 'example.com', ports: null, selector: null } },
    'it becomes headless': { spec: { clusterIP: 'None', clusterIPs: ['None'] } },
  }),
  ...replacements(services, both, { 'replaced by what says nothing of it': { spec: { ipFamilyPolicy: null } } }),
  ...updates(services, external, {
    'an external name gets both': { spec: { ...require, type: 'ClusterIP', externalName: null, ports: [{ port: 80 }] } },
  }),
].map((made) => ({ ...made, name: `changed: ${made.name}` }))

const kept: Case[] = [
  {
    name: 'the address of IPv6 is held by an object',
    given: [create(services, { ...plain, spec: { ...plain.spec, ...require, ...at(four, six) } })],
    steps: [
      read(`${ipAddresses}/${six}`),
      create(services, { ...plain, metadata: { name: 't' }, spec: { ...plain.spec, clusterIP: six } }),
    ],
  },
  {
    name: 'the second address goes with its family',
    given: [create(services, { ...plain, spec: { ...plain.spec, ...require, ...at(four, six) } })],
    steps: [patch('merge', `${services}/s`, { spec: single }), read(`${ipAddresses}/${six}`), read(`${ipAddresses}/${four}`)],
  },
  {
    name: 'both go with the service',
    given: [create(services, { ...plain, spec: { ...plain.spec, ...require, ...at(four, six) } }), remove(`${services}/s`)],
    steps: [read(`${ipAddresses}/${six}`), read(`${ipAddresses}/${four}`)],
  },
  {
    name: 'tried without being made',
    steps: [create(`${services}?dryRun=All`, { ...plain, spec: { ...plain.spec, ...require, ...at(four, six) } })],
  },
  {
    name: 'the range of the services',
    steps: [patch('merge', '/apis/networking.k8s.io/v1/servicecidrs/kubernetes?dryRun=All', { spec: { cidrs: ['10.96.0.0/12'] } })],
  },
]

export const cases: Case[] = [...created, ...changed, ...kept]
