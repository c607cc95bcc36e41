/** Services as they are created: types, ports, affinity, addresses, families, policies, load balancers. */
import { type Case, create, creations, namespaced, patch, read, remove } from '../upstream-case.ts'

const services = namespaced('v1', 'services')
const port = { port: 80 }
const plain = { metadata: { name: 's' }, spec: { selector: { app: 'a' }, ports: [port] } }
const balancer = { metadata: { name: 's' }, spec: { type: 'LoadBalancer', ports: [port] } }
const external = { metadata: { name: 's' }, spec: { type: 'ExternalName', externalName: 'example.com' } }
const many = Array.from({ length: 3 }, (_, i) => ({ port: 80 + i }))

const ofAnyType = creations(services, plain, {
  'the least service': {},
  'no spec': { spec: null },
  'no ports': { spec: { ports: [] } },
  'a name of digits': { metadata: { name: '1' } },
  'a name with a dot': { metadata: { name: 'a.b' } },
  'a name in capitals': { metadata: { name: 'A' } },
  'a name too long': { metadata: { name: 'a'.repeat(64) } },
  'an unknown type': { spec: { type: 'Cluster' } },
  'a bad selector': { spec: { selector: { 'a b': 'c d' } } },
  'several ports without names': { spec: { ports: many } },
  'several ports of one name': { spec: { ports: many.map((one) => ({ ...one, name: 'n' })) } },
  'names in capitals and too long': {
    spec: {
      ports: [
        { name: 'A_b', port: 1 },
        { name: 'a'.repeat(64), port: 2 },
      ],
    },
  },
  'a port of zero': { spec: { ports: [{ port: 0 }] } },
  'a port too high': { spec: { ports: [{ port: 65536 }] } },
  'a negative port and target': { spec: { ports: [{ port: -1, targetPort: -1 }] } },
  'an unknown protocol': { spec: { ports: [{ port: 80, protocol: 'HTTP' }] } },
  'target names that are none': {
    spec: {
      ports: [
        { name: 'a', port: 1, targetPort: 'Web' },
        { name: 'b', port: 2, targetPort: '1' },
        { name: 'c', port: 3, targetPort: 'a--b' },
      ],
    },
  },
  'a target name too long': { spec: { ports: [{ port: 80, targetPort: 'a'.repeat(16) }] } },
  'a target of an empty name': { spec: { ports: [{ port: 80, targetPort: '' }] } },
  'protocols of applications': {
    spec: {
      ports: [
        { name: 'a', port: 1, appProtocol: '' },
        { name: 'b', port: 2, appProtocol: 'a b/c' },
        { name: 'c', port: 3, appProtocol: 'kubernetes.io/h2c' },
      ],
    },
  },
  'one port twice': {
    spec: {
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 80 },
      ],
    },
  },
  'one port for two protocols': {
    spec: {
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 80, protocol: 'UDP' },
      ],
    },
  },
  'node ports of a cluster service': { spec: { ports: [{ port: 80, nodePort: 30123 }] } },
  'an unknown affinity': { spec: { sessionAffinity: 'Cookie' } },
  'affinity by client': { spec: { sessionAffinity: 'ClientIP' } },
  'affinity by client for no time': { spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 0 } } } },
  'affinity by client for too long': {
    spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } },
  },
  'affinity configured without affinity': { spec: { sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } } },
  'affinity configured empty': { spec: { sessionAffinity: 'ClientIP', sessionAffinityConfig: {} } },
  'external addresses that are none': { spec: { externalIPs: ['a', '1.2.3', '01.2.3.4', '::ffff:1.2.3.4', '1.2.3.4'] } },
  'external addresses for special use': {
    spec: { externalIPs: ['0.0.0.0', '::', '127.0.0.1', '::1', '169.254.1.1', 'fe80::1', '224.0.0.1', 'ff02::1'] },
  },
  'source ranges without a balancer': { spec: { loadBalancerSourceRanges: ['10.0.0.0/8'] } },
  'node ports allocated without a balancer': { spec: { allocateLoadBalancerNodePorts: false } },
  'a class without a balancer': { spec: { loadBalancerClass: 'example.com/lb' } },
  'an external policy of a cluster service': { spec: { externalTrafficPolicy: 'Cluster' } },
  'an external policy with external addresses': { spec: { externalTrafficPolicy: 'Local', externalIPs: ['1.2.3.4'] } },
  'an unknown internal policy': { spec: { internalTrafficPolicy: 'Node' } },
  'an empty internal policy': { spec: { internalTrafficPolicy: '' } },
  'an internal policy': { spec: { internalTrafficPolicy: 'Local' } },
  'a health check port of a cluster service': { spec: { healthCheckNodePort: 30124 } },
  'an unknown distribution': { spec: { trafficDistribution: 'Anywhere' } },
  'an empty distribution': { spec: { trafficDistribution: '' } },
  'a distribution': { spec: { trafficDistribution: 'PreferClose' } },
  'topology annotations that differ': {
    metadata: { annotations: { 'service.kubernetes.io/topology-aware-hints': 'auto', 'service.kubernetes.io/topology-mode': 'Auto' } },
  },
  'source ranges by annotation': {
    metadata: { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.0.0.0/8, x' } },
  },
  'a status given': { status: { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } } },
  'the address of a balancer': { spec: { loadBalancerIP: '1.2.3.4' } },
  'an external name beside a selector': { spec: { externalName: 'a.example.com' } },
  'addresses to be published early': { spec: { publishNotReadyAddresses: true } },
  'many things wrong': {
    spec: {
      type: 'LoadBalancer',
      ports: [
        { port: 0, protocol: 'X', targetPort: 'A' },
        { port: 0, protocol: 'X', nodePort: 1 },
      ],
      sessionAffinity: 'X',
      externalIPs: ['x'],
      loadBalancerClass: 'a b',
      externalTrafficPolicy: 'X',
      ipFamilies: ['IPv5'],
      clusterIPs: ['x'],
      trafficDistribution: 'X',
      internalTrafficPolicy: 'X',
    },
  },
})

const addresses = creations(services, plain, {
  'a headless service': { spec: { clusterIP: 'None' } },
  'a headless service by the list': { spec: { clusterIPs: ['None'] } },
  'a headless service without ports and selector': { spec: { clusterIP: 'None', ports: [], selector: null } },
  'a headless service of many families': { spec: { clusterIP: 'None', ipFamilyPolicy: 'RequireDualStack' } },
  'a headless service with a dual-stack list': { spec: { clusterIP: 'None', ipFamilies: ['IPv4', 'IPv6'] } },
  'a headless service of IPv6': { spec: { clusterIP: 'None', ipFamilies: ['IPv6'] } },
  'a headless service without selector': { spec: { clusterIP: 'None', selector: null } },
  'an address by hand': { spec: { clusterIP: '10.99.77.1' } },
  'an address by the list': { spec: { clusterIPs: ['10.99.77.2'] } },
  'an address and a list that differ': { spec: { clusterIP: '10.99.77.1', clusterIPs: ['10.99.77.2'] } },
  'an address that is none': { spec: { clusterIP: 'a' } },
  'an address with zeros in front': { spec: { clusterIP: '010.99.77.1' } },
  'an address out of range': { spec: { clusterIP: '192.168.1.1' } },
  'the address of the network': { spec: { clusterIP: '10.96.0.0' } },
  'the last address of the network': { spec: { clusterIP: '10.111.255.255' } },
  'an address of IPv6': { spec: { clusterIP: 'fd00::1' } },
  'none and an address': { spec: { clusterIPs: ['None', '10.99.77.1'] } },
  'an address and none': { spec: { clusterIPs: ['10.99.77.1', 'None'] } },
  'two addresses of one family': { spec: { clusterIPs: ['10.99.77.1', '10.99.77.2'] } },
  'two addresses of two families': { spec: { clusterIPs: ['10.99.77.1', 'fd00::1'] } },
  'three addresses': { spec: { clusterIPs: ['10.99.77.1', 'fd00::1', '10.99.77.2'] } },
  'an empty address in the list': { spec: { clusterIPs: [''] } },
  'an unknown family': { spec: { ipFamilies: ['IPv5'] } },
  'one family twice': { spec: { ipFamilies: ['IPv4', 'IPv4'] } },
  'IPv6 on a cluster of IPv4': { spec: { ipFamilies: ['IPv6'] } },
  'two families': { spec: { ipFamilies: ['IPv4', 'IPv6'] } },
  'two families of a single stack': { spec: { ipFamilies: ['IPv4', 'IPv6'], ipFamilyPolicy: 'SingleStack' } },
  'an address of another family': { spec: { clusterIP: 'fd00::1', ipFamilies: ['IPv4'] } },
  'an address of IPv4 for IPv6': { spec: { clusterIP: '10.99.77.1', ipFamilies: ['IPv6'] } },
  'an unknown family policy': { spec: { ipFamilyPolicy: 'Both' } },
  'dual stack preferred': { spec: { ipFamilyPolicy: 'PreferDualStack' } },
  'dual stack required': { spec: { ipFamilyPolicy: 'RequireDualStack' } },
  'dual stack required with families': { spec: { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv4', 'IPv6'] } },
})

const nodePorts = creations(
  services,
  { metadata: { name: 's' }, spec: { type: 'NodePort', ports: [port] } },
  {
    'a node port service': {},
    'a node port service without an address': { spec: { clusterIP: 'None' } },
    'a node port by hand': { spec: { ports: [{ port: 80, nodePort: 30777 }] } },
    'a node port out of range': { spec: { ports: [{ port: 80, nodePort: 80 }] } },
    'a negative node port': { spec: { ports: [{ port: 80, nodePort: -1 }] } },
    'a node port for two ports': {
      spec: {
        ports: [
          { name: 'a', port: 1, nodePort: 30778 },
          { name: 'b', port: 2, nodePort: 30778 },
        ],
      },
    },
    'a node port for two protocols': {
      spec: {
        ports: [
          { name: 'a', port: 1, nodePort: 30778 },
          { name: 'b', port: 1, protocol: 'UDP', nodePort: 30778 },
        ],
      },
    },
    'one port for two protocols on nodes': {
      spec: {
        ports: [
          { name: 'a', port: 53 },
          { name: 'b', port: 53, protocol: 'UDP' },
        ],
      },
    },
    'an external policy of a node port service': { spec: { externalTrafficPolicy: 'Local' } },
    'an unknown external policy': { spec: { externalTrafficPolicy: 'Global' } },
    'a health check port of a node port service': { spec: { externalTrafficPolicy: 'Local', healthCheckNodePort: 30779 } },
  },
)

const balancers = creations(services, balancer, {
  'a balancer': {},
  'a balancer without an address': { spec: { clusterIP: 'None' } },
  'a balancer with local traffic': { spec: { externalTrafficPolicy: 'Local' } },
  'a health check port': { spec: { externalTrafficPolicy: 'Local', healthCheckNodePort: 30780 } },
  'a health check port out of range': { spec: { externalTrafficPolicy: 'Local', healthCheckNodePort: 80 } },
  'a health check port that is none': { spec: { externalTrafficPolicy: 'Local', healthCheckNodePort: 70000 } },
  'a health check port with cluster traffic': { spec: { healthCheckNodePort: 30780 } },
  'a health check port that is a node port': {
    spec: { externalTrafficPolicy: 'Local', healthCheckNodePort: 30780, ports: [{ port: 80, nodePort: 30780 }] },
  },
  'source ranges': { spec: { loadBalancerSourceRanges: [' 10.0.0.0/8 ', '10.1.2.3/8', 'x', '10.0.0.0/33', '2001:db8::/64'] } },
  'source ranges by annotation of a balancer': {
    metadata: { annotations: { 'service.beta.kubernetes.io/load-balancer-source-ranges': '10.0.0.0/8, x,' } },
  },
  'no node ports': { spec: { allocateLoadBalancerNodePorts: false } },
  'no node ports but one': { spec: { allocateLoadBalancerNodePorts: false, ports: [{ port: 80, nodePort: 30781 }] } },
  'a class': { spec: { loadBalancerClass: 'example.com/lb' } },
  'a bad class': { spec: { loadBalancerClass: 'a b' } },
  'the port of the kubelet': { spec: { ports: [{ port: 10250 }] } },
})

const names = creations(services, external, {
  'an external name': {},
  'an external name with a dot at the end': { spec: { externalName: 'example.com.' } },
  'an empty external name': { spec: { externalName: '' } },
  'only a dot': { spec: { externalName: '.' } },
  'a bad external name': { spec: { externalName: 'A_b' } },
  'an external name that is an address': { spec: { externalName: '1.2.3.4' } },
  'an external name with an address': { spec: { clusterIP: '10.99.77.1' } },
  'an external name without an address': { spec: { clusterIP: 'None' } },
  'an external name with families': { spec: { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' } },
  'an external name with a port': { spec: { ports: [{ port: 80, nodePort: 30782 }] } },
  'an external name with internal traffic': { spec: { internalTrafficPolicy: 'Local' } },
  'an external name with external addresses': { spec: { externalIPs: ['1.2.3.4'] } },
})

const allocation: Case[] = [
  {
    name: 'an address that is taken',
    given: [create(services, { metadata: { name: 'first' }, spec: { clusterIP: '10.99.77.9', ports: [port] } })],
    steps: [create(services, { metadata: { name: 'second' }, spec: { clusterIP: '10.99.77.9', ports: [port] } })],
  },
  {
    name: 'a node port that is taken',
    given: [create(services, { metadata: { name: 'first' }, spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30790 }] } })],
    steps: [create(services, { metadata: { name: 'second' }, spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30790 }] } })],
  },
  {
    name: 'a dry run',
    steps: [
      create(`${services}?dryRun=All`, { metadata: { name: 'dry' }, spec: { clusterIP: '10.99.77.10', ports: [port] } }),
      read(`${services}/dry`),
    ],
  },
  {
    name: 'deleted',
    given: [create(services, { metadata: { name: 'gone', finalizers: ['example.com/f'] }, spec: { ports: [port] } })],
    steps: [remove(`${services}/gone`), patch('merge', `${services}/gone`, { metadata: { finalizers: null } }), remove(`${services}/gone`)],
  },
]

/** A wish that cannot be met is the client's mistake, which upstream says of every port but this one. */
const notInternal = new Set([
  'a health check port out of range',
  'a health check port that is none',
  'a health check port that is a node port',
])

export const cases: readonly Case[] = [...ofAnyType, ...addresses, ...nodePorts, ...balancers, ...names, ...allocation].map((one) =>
  notInternal.has(one.name)
    ? { ...one, differs: 'a wrong health check port is answered as every wrong port, not as an internal error' }
    : one,
)
