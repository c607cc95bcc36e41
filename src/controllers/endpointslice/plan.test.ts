import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Node, Pod, Service, ServiceSpec } from '../../kinds/generated/types/core-v1.ts'
import type { EndpointSlice } from '../../kinds/generated/types/discovery-v1.ts'
import { planEndpoints } from '../endpoints/plan.ts'
import { type Action, planSlices } from './plan.ts'

const service = (spec: ServiceSpec = {}): Service => ({
  metadata: { name: 'web', namespace: 'd', uid: 'svc', labels: { team: 'a' } },
  spec: {
    clusterIP: '10.96.0.9',
    ipFamilies: ['IPv4'],
    selector: { app: 'web' },
    ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    ...spec,
  },
})

type PodInput = {
  ready?: boolean
  deleting?: boolean
  stopped?: boolean
  phase?: string
  ip?: string
  port?: number
  hostname?: string
  node?: string
}

function pod(index: number, input: PodInput = {}): Pod {
  const {
    ready = true,
    deleting,
    stopped,
    phase = 'Running',
    ip = `10.244.${Math.floor(index / 250)}.${index % 250}`,
    port = 8080,
    hostname,
    node = 'n1',
  } = input
  return {
    metadata: {
      name: `p${index}`,
      namespace: 'd',
      uid: `u${index}`,
      ...(deleting ? { deletionTimestamp: 't' } : {}),
      ...(stopped ? { annotations: { 'keelson.dev/run-state': 'stopped' } } : {}),
    },
    spec: {
      nodeName: node,
      containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }],
      ...(hostname ? { hostname, subdomain: 'web' } : {}),
    },
    status: {
      phase: phase as 'Running',
      ...(ip ? { podIP: ip, podIPs: [{ ip }] } : {}),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  }
}

const node: Node = { metadata: { name: 'n1', labels: { 'topology.kubernetes.io/zone': 'z1' } } }
let serial = 0
const halves = new Map([
  ['z1', 0.5],
  ['z2', 0.5],
])

function apply(slices: readonly EndpointSlice[], actions: readonly Action[]): EndpointSlice[] {
  let result = [...slices]
  for (const action of actions) {
    if (action.type === 'create') result.push({ ...action.slice, metadata: { ...action.slice.metadata, name: `web-${serial++}` } })
    else {
      result = result.filter((slice) => slice.metadata.name !== action.slice.metadata.name)
      if (action.type === 'update') result.push(action.slice)
    }
  }
  return result
}

const plan = (pods: readonly Pod[], slices: readonly EndpointSlice[] = [], svc = service()) =>
  planSlices({ service: svc, pods, slices, nodeOf: (name) => (name === 'n1' ? node : undefined), zoneShares: () => halves }).actions
const pods = (count: number, from = 0, input: PodInput = {}) => Array.from({ length: count }, (_, i) => pod(from + i, input))
const writes = (actions: readonly Action[]) => actions.map(({ type }) => type).sort((a, b) => a.localeCompare(b))

test('one endpoint, whole', () => {
  const [action] = plan([pod(1, { hostname: 'one' })])
  assert.deepEqual(action, {
    type: 'create',
    slice: {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        generateName: 'web-',
        namespace: 'd',
        labels: {
          team: 'a',
          'kubernetes.io/service-name': 'web',
          'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        },
        ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name: 'web', uid: 'svc', controller: true, blockOwnerDeletion: true }],
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
      endpoints: [
        {
          addresses: ['10.244.0.1'],
          conditions: { ready: true, serving: true, terminating: false },
          hostname: 'one',
          nodeName: 'n1',
          zone: 'z1',
          targetRef: { kind: 'Pod', namespace: 'd', name: 'p1', uid: 'u1' },
        },
      ],
    },
  })
})

const conditions: [string, PodInput, ServiceSpec, string][] = [
  ['ready', {}, {}, 'ready serving'],
  ['not ready', { ready: false }, {}, ''],
  ['not ready, but published', { ready: false }, { publishNotReadyAddresses: true }, 'ready'],
  ['terminating and still serving', { deleting: true }, {}, 'serving terminating'],
  ['terminating, published', { deleting: true }, { publishNotReadyAddresses: true }, 'ready serving terminating'],
  ['ended', { phase: 'Succeeded' }, {}, 'absent'],
  ['without an address', { ip: '' }, {}, 'absent'],
  ['stopped by its run state', { stopped: true }, {}, 'absent'],
  ['without the named port', {}, { ports: [{ port: 80, targetPort: 'other' }] }, 'ready serving'],
]
for (const [title, input, spec, expected] of conditions)
  test(`a pod that is ${title}: ${expected || 'no condition'}`, () => {
    const [action] = plan([pod(1, input)], [], service(spec))
    const endpoint = action?.slice.endpoints?.[0]
    const shown = endpoint
      ? Object.entries(endpoint.conditions ?? {})
          .filter(([, value]) => value)
          .map(([name]) => name)
          .join(' ')
      : 'absent'
    assert.equal(shown, expected)
  })

test('a service without endpoints keeps one empty slice and is then at rest', () => {
  const slices = apply([], plan([]))
  assert.deepEqual([slices.length, slices[0]?.endpoints, slices[0]?.ports], [1, [], []])
  assert.deepEqual(plan([], slices), [])
  const filled = apply(slices, plan(pods(3), slices))
  assert.deepEqual(
    filled.map((slice) => slice.endpoints?.length),
    [3],
  )
})

test('250 pods fill three slices; nothing is written while nothing changes', () => {
  const slices = apply([], plan(pods(250)))
  assert.deepEqual(
    slices.map((slice) => slice.endpoints?.length),
    [100, 100, 50],
  )
  assert.deepEqual(plan(pods(250), slices), [])
})

test('one changed pod writes one slice; a replaced one takes the room that it leaves', () => {
  const slices = apply([], plan(pods(250)))
  assert.deepEqual(writes(plan([pod(0, { ready: false }), ...pods(249, 1)], slices)), ['update'])
  assert.deepEqual(writes(plan([...pods(249, 1), pod(900)], slices)), ['update'])
})

test('a slice whose last endpoint goes is deleted', () => {
  const slices = apply([], plan(pods(250)))
  assert.deepEqual(writes(plan(pods(200), slices)), ['delete'])
})

test('pods whose named port differs are kept apart', () => {
  const slices = apply([], plan([...pods(2), ...pods(2, 10, { port: 9090 })]))
  assert.deepEqual(
    slices.map((slice) => [slice.ports?.[0]?.port, slice.endpoints?.length]),
    [
      [8080, 2],
      [9090, 2],
    ],
  )
})

test('a headless service without ports has endpoints all the same', () => {
  const slices = apply([], plan(pods(2), [], service({ clusterIP: 'None', ports: [] })))
  assert.deepEqual(
    slices.map((slice) => [slice.ports, slice.endpoints?.length, slice.metadata.labels?.['service.kubernetes.io/headless']]),
    [[[], 2, '']],
  )
})

test('changed service labels are carried over', () => {
  const slices = apply([], plan(pods(1)))
  const renamed = { ...service(), metadata: { ...service().metadata, labels: { team: 'b' } } }
  const [action] = plan(pods(1), slices, renamed)
  assert.equal(action?.slice.metadata.labels?.team, 'b')
})

test('hints keep the traffic where it was asked to stay', () => {
  const [zone] = plan(pods(1), [], service({ trafficDistribution: 'PreferClose' }))
  assert.deepEqual(zone?.slice.endpoints?.[0]?.hints, { forZones: [{ name: 'z1' }] })
  const [same] = plan(pods(1), [], service({ trafficDistribution: 'PreferSameNode' }))
  assert.deepEqual(same?.slice.endpoints?.[0]?.hints?.forNodes, [{ name: 'n1' }])
})

test('in the mode Auto endpoints are shared out among the zones, and it is told when that begins and when it cannot be', () => {
  const svc = {
    ...service({ trafficDistribution: 'PreferSameNode' }),
    metadata: { ...service().metadata, annotations: { 'service.kubernetes.io/topology-mode': 'Auto' } },
  }
  const look = (count: number, slices: readonly EndpointSlice[], shares: ReadonlyMap<string, number> | string) =>
    planSlices({ service: svc, pods: pods(count), slices, nodeOf: () => node, zoneShares: () => shares })
  const none = look(4, [], 'Nodes only ready in one zone')
  assert.deepEqual(none.events, [
    { type: 'Warning', reason: 'TopologyAwareHintsDisabled', message: 'Nodes only ready in one zone, addressType: IPv4' },
  ])
  const slices = apply([], none.actions)
  const shared = look(4, slices, halves)
  assert.deepEqual(
    shared.actions[0]?.slice.endpoints?.map(({ hints }) => hints?.forZones?.[0]?.name),
    ['z1', 'z1', 'z2', 'z2'],
  )
  assert.deepEqual(
    shared.events.map(({ reason }) => reason),
    ['TopologyAwareHintsEnabled'],
  )
  const after = look(4, apply(slices, shared.actions), halves)
  assert.deepEqual([after.actions, after.events], [[], []])
})

test('Endpoints: ready and not ready addresses, and rest when they are right', () => {
  const selected = [pod(2), pod(1, { ready: false }), pod(3, { deleting: true }), pod(4, { stopped: true })]
  const endpoints = planEndpoints({ service: service(), pods: selected, existing: undefined })
  const [subset] = endpoints?.subsets ?? []
  assert.deepEqual(
    subset?.addresses?.map(({ ip }) => ip),
    ['10.244.0.2'],
  )
  assert.deepEqual(
    subset?.notReadyAddresses?.map(({ ip }) => ip),
    ['10.244.0.1'],
  )
  assert.deepEqual(subset?.ports, [{ name: 'http', port: 8080, protocol: 'TCP' }])
  assert.equal(planEndpoints({ service: service(), pods: selected, existing: endpoints }), undefined)
  const many = planEndpoints({ service: service(), pods: pods(1_200), existing: endpoints })
  assert.equal(many?.subsets?.[0]?.addresses?.length, 1_000)
  assert.equal(many?.metadata.annotations?.['endpoints.kubernetes.io/over-capacity'], 'truncated')
})
