/** Services as they change: types, addresses, ports, policies, status; and what is advised about them. */
import { type Case, clusterWide, create, creations, merged, namespaced, patch, read, replace, updates } from '../upstream-case.ts'

const services = namespaced('v1', 'services')
const ports = [{ port: 80 }]
const plain = { metadata: { name: 's' }, spec: { selector: { app: 'a' }, ports } }
const onNodes = {
  metadata: { name: 's' },
  spec: { type: 'NodePort', clusterIP: '10.99.78.1', ports: [{ name: 'a', port: 80, nodePort: 30801 }] },
}
const balancer = {
  metadata: { name: 's' },
  spec: {
    type: 'LoadBalancer',
    clusterIP: '10.99.78.1',
    externalTrafficPolicy: 'Local',
    healthCheckNodePort: 30802,
    loadBalancerClass: 'example.com/a',
    ports: [{ port: 80, nodePort: 30801 }],
  },
}
const external = { metadata: { name: 's' }, spec: { type: 'ExternalName', externalName: 'example.com' } }
const headless = { metadata: { name: 's' }, spec: { clusterIP: 'None', ports } }
const addressed = { metadata: { name: 's' }, spec: { clusterIP: '10.99.78.1', ports } }

const ofPlain = updates(services, addressed, {
  'nothing changed': {},
  'a label': { metadata: { labels: { a: 'b' } } },
  'another port': { spec: { ports: [{ port: 81 }] } },
  'no ports left': { spec: { ports: [] } },
  'another selector': { spec: { selector: { app: 'b' } } },
  'another address': { spec: { clusterIP: '10.99.78.2' } },
  'another address in both fields': { spec: { clusterIP: '10.99.78.2', clusterIPs: ['10.99.78.2'] } },
  'another address in the list': { spec: { clusterIPs: ['10.99.78.2'] } },
  'no address': { spec: { clusterIP: null } },
  'an empty address': { spec: { clusterIP: '' } },
  'no list of addresses': { spec: { clusterIPs: null } },
  neither: { spec: { clusterIP: null, clusterIPs: null } },
  'a second address': { spec: { clusterIPs: ['10.99.78.1', 'fd00::1'] } },
  'without an address from now on': { spec: { clusterIP: 'None' } },
  'another family': { spec: { ipFamilies: ['IPv6'] } },
  'no families': { spec: { ipFamilies: null, ipFamilyPolicy: null } },
  'a second family': { spec: { ipFamilies: ['IPv4', 'IPv6'] } },
  'dual stack required': { spec: { ipFamilyPolicy: 'RequireDualStack' } },
  'dual stack preferred': { spec: { ipFamilyPolicy: 'PreferDualStack' } },
  'dual stack preferred with a second family': { spec: { ipFamilyPolicy: 'PreferDualStack', ipFamilies: ['IPv4', 'IPv6'] } },
  'on nodes': { spec: { type: 'NodePort' } },
  'on nodes at a port out of range': { spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] } },
  'a balancer': { spec: { type: 'LoadBalancer' } },
  'a balancer with local traffic': { spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local' } },
  'a balancer with local traffic at a port': { spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30810 } },
  'an external name': { spec: { type: 'ExternalName', externalName: 'example.com' } },
  'an external name without a name': { spec: { type: 'ExternalName' } },
  'an external name that keeps its address by hand': {
    spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: '10.99.78.3' },
  },
  affinity: { spec: { sessionAffinity: 'ClientIP' } },
  'a status': { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
  'a bad annotation of ranges': { metadata: { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': 'x' } } },
})

const ofNodePorts = updates(services, onNodes, {
  'from nodes to the cluster': { spec: { type: 'ClusterIP' } },
  'from nodes to the cluster with the port': { spec: { type: 'ClusterIP', ports: [{ port: 80, nodePort: 30801 }] } },
  'from nodes to the cluster with another port': { spec: { type: 'ClusterIP', ports: [{ port: 80, nodePort: 30803 }] } },
  'from nodes to an external name': { spec: { type: 'ExternalName', externalName: 'example.com' } },
  'from nodes to a balancer': { spec: { type: 'LoadBalancer' } },
  'from nodes to a balancer without node ports': {
    spec: { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false, ports: [{ port: 80 }] },
  },
  'another node port': { spec: { ports: [{ name: 'a', port: 80, nodePort: 30804 }] } },
  'a port renamed without its node port': { spec: { ports: [{ name: 'b', port: 80 }] } },
  'a port of the name with another number': { spec: { ports: [{ name: 'a', port: 81 }] } },
  'one more port': {
    spec: {
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 81 },
      ],
    },
  },
  'one more port at the same node port': {
    spec: {
      ports: [
        { name: 'a', port: 80, nodePort: 30801 },
        { name: 'b', port: 81, nodePort: 30801 },
      ],
    },
  },
  'one more protocol at the same node port': {
    spec: {
      ports: [
        { name: 'a', port: 80, nodePort: 30801 },
        { name: 'b', port: 80, protocol: 'UDP', nodePort: 30801 },
      ],
    },
  },
  'local traffic': { spec: { externalTrafficPolicy: 'Local' } },
  'no external policy': { spec: { externalTrafficPolicy: null } },
  'several things wrong': {
    spec: { clusterIP: '10.99.78.2', ipFamilies: ['IPv6'], externalTrafficPolicy: 'X', sessionAffinity: 'Y', ports: [{ port: 0 }] },
  },
})

const ofBalancers = updates(services, balancer, {
  'from a balancer to the cluster': { spec: { type: 'ClusterIP' } },
  'from a balancer to nodes': { spec: { type: 'NodePort' } },
  'from a balancer to an external name': { spec: { type: 'ExternalName', externalName: 'example.com' } },
  'from a balancer to the cluster with another policy': { spec: { type: 'ClusterIP', externalTrafficPolicy: 'Cluster' } },
  'from a balancer to the cluster with another class': { spec: { type: 'ClusterIP', loadBalancerClass: 'example.com/b' } },
  'from a balancer to the cluster with another health check port': { spec: { type: 'ClusterIP', healthCheckNodePort: 30805 } },
  'from a balancer to the cluster without node ports': { spec: { type: 'ClusterIP', allocateLoadBalancerNodePorts: false } },
  'another class': { spec: { loadBalancerClass: 'example.com/b' } },
  'no class': { spec: { loadBalancerClass: null } },
  'another health check port': { spec: { healthCheckNodePort: 30806 } },
  'no health check port': { spec: { healthCheckNodePort: null } },
  'cluster traffic': { spec: { externalTrafficPolicy: 'Cluster' } },
  'cluster traffic without the port': { spec: { externalTrafficPolicy: 'Cluster', healthCheckNodePort: null } },
  'no node ports any more': { spec: { allocateLoadBalancerNodePorts: false } },
  'node ports left open': { spec: { allocateLoadBalancerNodePorts: null } },
})

const ofOthers: Case[] = [
  ...updates(services, external, {
    'from an external name to the cluster': { spec: { type: 'ClusterIP', ports } },
    'from an external name to the cluster without a name': { spec: { type: 'ClusterIP', externalName: null, ports } },
    'from an external name to an address': { spec: { type: 'ClusterIP', clusterIP: '10.99.78.7', ports } },
    'from an external name to no address': { spec: { type: 'ClusterIP', clusterIP: 'None' } },
    'from an external name to a balancer': { spec: { type: 'LoadBalancer', ports } },
    'another external name': { spec: { externalName: 'b.example.com' } },
    'an address for an external name': { spec: { clusterIP: '10.99.78.7' } },
  }),
  ...updates(services, headless, {
    'from none to an address': { spec: { clusterIP: '10.99.78.7' } },
    'from none to an address in both fields': { spec: { clusterIP: '10.99.78.7', clusterIPs: ['10.99.78.7'] } },
    'from none to one that is drawn': { spec: { clusterIP: '', clusterIPs: [] } },
    'from none to nodes': { spec: { type: 'NodePort' } },
    'from none to an external name': { spec: { type: 'ExternalName', externalName: 'example.com' } },
    'another family without address': { spec: { ipFamilies: ['IPv6'] } },
  }),
  {
    name: 'put without what was given',
    given: [create(services, onNodes)],
    steps: [replace(`${services}/s`, { metadata: { name: 's' }, spec: { type: 'NodePort', ports: [{ name: 'a', port: 80 }] } })],
  },
  {
    name: 'put where there was none',
    steps: [
      replace(`${services}/new`, { metadata: { name: 'new' }, spec: { ports } }),
      patch('merge', `${services}/new`, { metadata: { labels: { a: 'b' } } }),
    ],
  },
  {
    name: 'put of an older version',
    given: [create(services, plain)],
    steps: [replace(`${services}/s`, merged(plain, { metadata: { resourceVersion: '1' } }))],
  },
  {
    name: 'an address freed is taken again',
    given: [create(services, addressed), patch('merge', `${services}/s`, { spec: { type: 'ExternalName', externalName: 'a.b' } })],
    steps: [
      create(services, merged(addressed, { metadata: { name: 'other' } })),
      read(`${clusterWide('networking.k8s.io/v1', 'ipaddresses')}/10.99.78.1`),
    ],
  },
]

const status: Case[] = [
  ...updates(
    services,
    merged(balancer, {}) as typeof balancer,
    {
      'an address by status': { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
      'a name by status': { status: { loadBalancer: { ingress: [{ hostname: 'lb.example.com' }] } } },
      'a bad address by status': { status: { loadBalancer: { ingress: [{ ip: 'x' }, { ip: '01.2.3.4' }, { ip: '::ffff:1.2.3.4' }] } } },
      'a bad name by status': { status: { loadBalancer: { ingress: [{ hostname: 'A_b' }, { hostname: '1.2.3.4' }] } } },
      'a mode by status': { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4', ipMode: 'Proxy' }] } } },
      'a bad mode by status': { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4', ipMode: 'X' }] } } },
      'a mode without an address': { status: { loadBalancer: { ingress: [{ hostname: 'a.b', ipMode: 'VIP' }] } } },
      'ports by status': {
        status: { loadBalancer: { ingress: [{ ip: '1.2.3.4', ports: [{ port: 80, protocol: 'TCP', error: 'a b' }] }] } },
      },
      'IPv6 that is not canonical by status': { status: { loadBalancer: { ingress: [{ ip: '2001:DB8::1' }] } } },
      'conditions by status': {
        status: { conditions: [{ type: 'A', status: 'True', reason: 'R', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
      },
      'bad conditions by status': {
        status: { conditions: [{ type: 'a b', status: 'Yes', reason: '', message: 'm', lastTransitionTime: '2026-01-01T00:00:00Z' }] },
      },
      'a spec by status': {
        metadata: { labels: { a: 'b' }, annotations: { c: 'd' } },
        spec: { ports: [{ port: 1 }], sessionAffinity: 'ClientIP' },
      },
    },
    'status',
  ),
  ...updates(
    services,
    addressed,
    { 'an address by status of no balancer': { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } } },
    'status',
  ),
  {
    name: 'a status goes with the balancer',
    given: [
      create(services, balancer),
      patch('merge', `${services}/s/status`, { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } }),
    ],
    steps: [patch('merge', `${services}/s`, { spec: { type: 'ClusterIP' } })],
  },
]

const advice = creations(services, plain, {
  'an external address that is not canonical': { spec: { externalIPs: ['2001:DB8::1'] } },
  'external addresses of a headless service': {
    spec: { clusterIP: 'None', externalIPs: ['1.2.3.4'], loadBalancerIP: '1.2.3.4', sessionAffinity: 'ClientIP' },
  },
  'external addresses of an external name': { spec: { type: 'ExternalName', externalName: 'a.b', externalIPs: ['1.2.3.4'] } },
  'balancer addresses and ranges not canonical': {
    spec: { type: 'LoadBalancer', loadBalancerIP: '01.2.3.4', loadBalancerSourceRanges: ['2001:DB8::/64'] },
  },
  'a balancer address that is none': { spec: { type: 'LoadBalancer', loadBalancerIP: 'x' } },
  'ranges with spaces around': { spec: { type: 'LoadBalancer', loadBalancerSourceRanges: [' 10.0.0.0/8 '] } },
  'the old annotation of hints': { metadata: { annotations: { 'service.kubernetes.io/topology-aware-hints': 'auto' } } },
})

export const cases: readonly Case[] = [...ofPlain, ...ofNodePorts, ...ofBalancers, ...ofOthers, ...status, ...advice].map((one) =>
  one.name === 'one more port at the same node port'
    ? { ...one, differs: 'a port given twice is the field error that a create gets, not an internal error' }
    : one,
)
