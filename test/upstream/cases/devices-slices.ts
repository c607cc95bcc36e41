/** Slices of devices, and what a claim's status says of the devices that it got. */
import {
  type Case,
  clusterWide,
  create,
  creations,
  merged,
  namespaced,
  patch,
  read,
  type Request,
  titled,
  updates,
} from '../upstream-case.ts'

const slices = clusterWide('resource.k8s.io/v1', 'resourceslices')
const claims = namespaced('resource.k8s.io/v1', 'resourceclaims')
const many = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))
const spec = (more: object) => ({ spec: more })

const slice = {
  metadata: { name: 'upstream-slice' },
  spec: {
    driver: 'gpu.example.com',
    pool: { name: 'pool', generation: 1, resourceSliceCount: 1 },
    nodeName: 'node',
    devices: [{ name: 'gpu-0' }],
  },
}
const pool = (more: object) => spec({ pool: more })
const device = (more: object) => spec({ devices: [{ name: 'gpu-0', ...more }] })
const attributes = (more: object) => device({ attributes: more })
const shared = (requestPolicy: object, value = '10Gi') =>
  device({ allowMultipleAllocations: true, capacity: { memory: { value, requestPolicy } } })
const placed = (more: object) => spec({ nodeName: null, perDeviceNodeSelection: true, devices: [{ name: 'gpu-0', ...more }] })
const term = { matchExpressions: [{ key: 'a', operator: 'Exists' }] }
const counters = { memory: { value: '10Gi' } }
const sets = (...sharedCounters: object[]) => spec({ devices: null, sharedCounters })
const consumed = (...consumesCounters: object[]) => device({ consumesCounters })

const sliceCases = creations(slices, slice, {
  'the least': {},
  'no spec': { spec: null },
  'no devices': spec({ devices: null }),
  'no driver': spec({ driver: null }),
  'a driver in capitals': spec({ driver: 'GPU.Example.com' }),
  'a driver that is none': spec({ driver: `${'a'.repeat(64)}_` }),
  'no pool': spec({ pool: null }),
  'pools that are none': pool({ name: 'a/B', generation: -1, resourceSliceCount: 0 }),
  'a pool that is too long': pool({ name: many(5, () => 'a'.repeat(60)).join('/') }),
  'no place': spec({ nodeName: null }),
  'an empty node': spec({ nodeName: '' }),
  'a node that is none': spec({ nodeName: 'A_b' }),
  'two places': spec({ allNodes: true }),
  'all places': spec({ allNodes: true, perDeviceNodeSelection: true, nodeSelector: { nodeSelectorTerms: [term] } }),
  'places that are not': spec({ nodeName: null, allNodes: false, perDeviceNodeSelection: false }),
  everywhere: spec({ nodeName: null, allNodes: true }),
  'a selector': spec({ nodeName: null, nodeSelector: { nodeSelectorTerms: [term] } }),
  'a selector of two': spec({ nodeName: null, nodeSelector: { nodeSelectorTerms: [term, term] } }),
  'a selector of none': spec({ nodeName: null, nodeSelector: { nodeSelectorTerms: [] } }),
  'names of devices that are none': spec({ devices: [{ name: '' }, { name: 'A' }, { name: 'a' }, { name: 'a' }] }),
  'too many devices': spec({ devices: many(129, (i) => ({ name: `d${i}` })) }),
  'too many devices with taints': spec({ devices: many(65, (i) => ({ name: `d${i}`, taints: [{ key: 'a', effect: 'NoSchedule' }] })) }),
  attributes: attributes({ a: { int: 1 }, 'example.com/b': { string: 'x' }, c: { bool: false }, d: { version: '1.2.3-rc.1+b' } }),
  'attributes of nothing': attributes({ a: {} }),
  'attributes of two': attributes({ a: { int: 1, bool: true } }),
  'attributes that are lists': attributes({ a: { ints: [1, 2], int: 3 } }),
  'a list alone': attributes({ a: { strings: ['b'] } }),
  'an attribute that is too long': attributes({ a: { string: 'x'.repeat(65) } }),
  'a version that is none': attributes({ a: { version: 'v1.2' } }),
  'a name of an attribute': attributes({ '1a': { int: 1 } }),
  'a name without a domain': attributes({ '/a': { int: 1 } }),
  'a name without a name': attributes({ 'example.com/': { int: 1 } }),
  'a name of a wrong domain': attributes({ 'A_b/c': { int: 1 } }),
  'a name that is too long': attributes({ ['a'.repeat(33)]: { int: 1 } }),
  'a name of three': attributes({ 'a/b/c': { int: 1 } }),
  'too many attributes': attributes(Object.fromEntries(many(33, (i) => [`a${i}`, { int: i }]))),
  'a capacity': device({ capacity: { memory: { value: '1024Mi' } } }),
  'a policy where one alone has it': device({ capacity: { memory: { value: '1Gi', requestPolicy: { default: '1Gi' } } } }),
  'a policy of nothing': shared({}),
  'a policy of both': shared({ default: '1Gi', validValues: ['1Gi'], validRange: { min: '1Gi' } }),
  values: shared({ default: '2Gi', validValues: ['1Gi', '2Gi', '4Gi'] }),
  'values without a default': shared({ validValues: ['1Gi'] }),
  'values that are none': shared({ default: '3Gi', validValues: ['4Gi', '2Gi', '2Gi', '20Gi'] }),
  'too many values': shared({ default: '1', validValues: many(11, (i) => `${i + 1}`) }),
  'a range': shared({ default: '2Gi', validRange: { min: '1Gi', max: '4Gi', step: '1Gi' } }),
  'a range without a default': shared({ validRange: { min: '1Gi' } }),
  'a range without a start': shared({ default: '2Gi', validRange: { max: '3Gi' } }),
  'a range that is none': shared({ default: '1Gi', validRange: { min: '20Gi', max: '15Gi', step: '3Gi' } }),
  'a range with a wrong step': shared({ default: '3Gi', validRange: { min: '1Gi', max: '6Gi', step: '4Gi' } }),
  taints: device({
    taints: [
      { key: 'a', value: 'b', effect: 'NoSchedule', timeAdded: '2026-01-01T00:00:00Z' },
      { key: 'b', effect: 'NoExecute' },
      { key: 'c', effect: 'None' },
    ],
  }),
  'taints that are none': device({
    taints: [
      { key: '', effect: 'NoSchedule' },
      { key: 'a', value: 'b c' },
      { key: 'd', effect: 'Later' },
    ],
  }),
  'too many taints': device({ taints: many(17, () => ({ key: 'a', effect: 'NoSchedule' })) }),
  counters: sets({ name: 'set', counters }),
  'counters and devices': spec({ sharedCounters: [{ name: 'set', counters }] }),
  'counters that are none': sets(
    { name: '', counters: {} },
    { name: 'A', counters: { memory: { value: '1' } } },
    { name: 'A', counters: { b: { value: '1' } } },
  ),
  'a name of a counter': sets({ name: 'set', counters: { A_b: { value: '1' } } }),
  'too many sets': sets(...many(9, (i) => ({ name: `s${i}`, counters }))),
  'too many counters': sets({ name: 'set', counters: Object.fromEntries(many(33, (i) => [`c${i}`, { value: '1' }])) }),
  'counters consumed': consumed({ counterSet: 'set', counters }),
  'counters consumed that are none': consumed({ counterSet: '', counters: {} }, { counterSet: 'A', counters: { memory: { value: '1' } } }),
  'one set consumed twice': consumed({ counterSet: 'a', counters }, { counterSet: 'a', counters }),
  'too many sets consumed': consumed(...many(3, (i) => ({ counterSet: `s${i}`, counters }))),
  'a device with a place': device({ nodeName: 'node' }),
  'a device with a place of its own': placed({ nodeName: 'node' }),
  'a device without a place of its own': placed({}),
  'a device with places': placed({ nodeName: 'node', allNodes: true }),
  'a device with places that are none': placed({ nodeName: '', allNodes: false }),
  'a device with a selector': placed({ nodeSelector: { nodeSelectorTerms: [] } }),
  'conditions to bind': device({
    bindsToNode: true,
    bindingConditions: ['example.com/ready'],
    bindingFailureConditions: ['example.com/failed'],
  }),
  'conditions to bind alone': device({ bindingConditions: ['ready'] }),
  'conditions to fail alone': device({ bindingFailureConditions: ['failed'] }),
  'conditions that are none': device({ bindingConditions: ['a b', 'c', 'c'], bindingFailureConditions: ['c', 'd', 'd', ''] }),
  'too many conditions': device({ bindingConditions: many(5, (i) => `c${i}`), bindingFailureConditions: ['f'] }),
  'resources of the node': device({
    capacity: { memory: { value: '1Gi' } },
    nodeAllocatableResourceMappings: { memory: { capacityKey: 'memory' } },
  }),
})

const exactly = { deviceClassName: 'gpus' }
const claim = {
  metadata: { name: 'claim' },
  spec: {
    devices: {
      requests: [
        { name: 'gpu', exactly },
        { name: 'any', firstAvailable: [{ name: 'a', deviceClassName: 'gpus' }] },
      ],
    },
  },
}
const result = { request: 'gpu', driver: 'gpu.example.com', pool: 'pool', device: 'gpu-0' }
const allocation = (...results: object[]) => ({ allocation: { devices: { results } } })
const pods = (...names: string[]) => ({ reservedFor: names.map((name) => ({ resource: 'pods', name, uid: `uid-${name}` })) })
const status = (more: object) => ({ status: more })
const opaque = { driver: 'gpu.example.com', parameters: { a: 1 } }
const share = '11111111-2222-3333-4444-555555555555'
const told = (...devices: object[]) =>
  status({ ...allocation(result), devices: devices.map((one) => ({ driver: 'gpu.example.com', pool: 'pool', device: 'gpu-0', ...one })) })
const condition = { type: 'Ready', status: 'True', reason: 'Fine', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' }

const statusCases = updates(
  claims,
  claim,
  {
    nothing: {},
    'an allocation': status(allocation(result)),
    'an allocation of an alternative': status(allocation({ ...result, request: 'any/a' })),
    'an allocation of nothing': status({ allocation: {} }),
    'a result of nothing': status(allocation({})),
    'results that are none': status(
      allocation(
        { request: 'none', driver: 'A b', pool: 'A', device: 'B' },
        { ...result, request: 'a/b/c' },
        { ...result, shareID: 'x' },
        { ...result, shareID: share.toUpperCase().replace('1', 'A') },
      ),
    ),
    'too many results': status(allocation(...many(33, (i) => ({ ...result, device: `d${i}` })))),
    'conditions to bind': status(allocation({ ...result, bindingConditions: ['a'], bindingFailureConditions: ['a'] })),
    'a share': status(allocation({ ...result, shareID: share, consumedCapacity: { memory: '1Gi' } })),
    configuration: status({ allocation: { devices: { results: [result], config: [{ source: 'FromClass', requests: ['gpu'], opaque }] } } }),
    'configuration that is none': status({
      allocation: { devices: { results: [result], config: [{ requests: ['none', 'none'] }, { source: 'FromAir', opaque }] } },
    }),
    'a selector of nodes': status({ allocation: { devices: { results: [result] }, nodeSelector: { nodeSelectorTerms: [term] } } }),
    'a selector of no nodes': status({ allocation: { devices: { results: [result] }, nodeSelector: { nodeSelectorTerms: [] } } }),
    'admin access': status(allocation({ ...result, adminAccess: true })),
    reserved: status({ ...allocation(result), ...pods('p') }),
    'reserved without devices': status(pods('p')),
    'reserved for nothing': status({ ...allocation(result), reservedFor: [{}] }),
    'reserved twice': status({ ...allocation(result), ...pods('p', 'p') }),
    'reserved for too many': status({ ...allocation(result), ...pods(...many(257, (i) => `p${i}`)) }),
    'what drivers say': told({
      conditions: [condition],
      data: { a: 1 },
      networkData: { interfaceName: 'eth0', hardwareAddress: 'a', ips: ['10.9.8.7/24', '2001:db8::1/64'] },
    }),
    'what drivers say of other devices': told({ device: 'gpu-1' }, {}, {}),
    'what drivers say that is none': told({
      driver: '',
      pool: '',
      device: 'A',
      conditions: [{ ...condition, status: 'Maybe', reason: '' }],
      data: [1],
      networkData: { ips: ['10.9.8.7', '2001:DB8::1/64', '10.0.0.1/33', '010.0.0.1/8'] },
    }),
    'what drivers say that is too much': told({
      conditions: many(9, (i) => ({ ...condition, type: `t${i}` })),
      networkData: { interfaceName: 'a'.repeat(257), hardwareAddress: 'b'.repeat(129), ips: many(17, (i) => `10.0.0.${i}/24`) },
    }),
    'another spec': merged(spec({ devices: { requests: [] } }), status(allocation(result))),
    'labels and a status': merged({ metadata: { labels: { a: 'b' } } }, status(allocation(result))),
  },
  'status',
)

const one = `${claims}/claim`
const setStatus = (more: object): Request => patch('merge', `${one}/status`, status(more))
const then = (name: string, first: object, ...steps: Request[]): Case => ({ name, given: [create(claims, claim), setStatus(first)], steps })
const table = 'application/json;as=Table;g=meta.k8s.io;v=v1'

export const cases: readonly Case[] = [
  ...titled('slice', sliceCases),
  ...titled(
    'slice changed',
    updates(slices, slice, {
      nothing: {},
      labels: { metadata: { labels: { a: 'b' } } },
      driver: spec({ driver: 'other.example.com' }),
      pool: pool({ name: 'other', generation: 2 }),
      node: spec({ nodeName: 'other' }),
      'no node': spec({ nodeName: null, allNodes: true }),
      devices: spec({ devices: [{ name: 'gpu-1' }] }),
      'a taint': device({ taints: [{ key: 'a', effect: 'NoSchedule' }] }),
    }),
  ),
  ...titled('status', statusCases),
  then('another allocation', allocation(result), setStatus(allocation({ ...result, device: 'gpu-1' }))),
  then('the allocation taken away', { ...allocation(result), ...pods('p') }, setStatus({ allocation: null, reservedFor: null }), read(one)),
  then('the allocation taken away while reserved', { ...allocation(result), ...pods('p') }, setStatus({ allocation: null })),
  then(
    'devices go with their allocation',
    { ...allocation(result), devices: [{ driver: 'gpu.example.com', pool: 'pool', device: 'gpu-0', data: { a: 1 } }] },
    setStatus({ allocation: null }),
  ),
  then('tables of what is reserved', { ...allocation(result), ...pods('p') }, read(one, table), read(`${claims}?limit=1`, table)),
  then('tables of what is allocated', allocation(result), read(one, table)),
  {
    name: 'a claim that goes',
    given: [
      create(claims, merged(claim, { metadata: { finalizers: ['upstream.example.com/a'] } })),
      setStatus({ ...allocation(result), ...pods('p') }),
      { method: 'DELETE', path: one },
    ],
    steps: [read(one, table), setStatus(pods('p', 'q')), setStatus({ reservedFor: null })],
  },
  { name: 'a table of slices', given: [create(slices, slice)], steps: [read(`${slices}/upstream-slice`, table)] },
  {
    name: 'slices of a node',
    given: [create(slices, slice)],
    steps: [read(`${slices}?fieldSelector=spec.nodeName%3Dnode`), read(`${slices}?fieldSelector=spec.pool%3Dpool`)],
  },
]
