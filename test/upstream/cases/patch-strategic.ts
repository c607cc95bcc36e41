/** Strategic merge patches: directives, merge keys, what does not fit. */
import { type Case, create, namespaced, patch, type Request } from '../upstream-case.ts'

const pods = namespaced('v1', 'pods')
const services = namespaced('v1', 'services')
const deployments = namespaced('apps/v1', 'deployments')
const configMaps = namespaced('v1', 'configmaps')

const deployment = create(deployments, {
  metadata: { name: 'd', labels: { a: '1' }, finalizers: ['example.com/one', 'example.com/two'] },
  spec: {
    selector: { matchLabels: { app: 'd' } },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
    template: {
      metadata: { labels: { app: 'd' } },
      spec: {
        containers: [
          {
            name: 'one',
            image: 'i',
            args: ['x', 'y'],
            env: [
              { name: 'A', value: 'a' },
              { name: 'B', value: 'b' },
            ],
            ports: [{ containerPort: 80 }, { containerPort: 81, protocol: 'UDP' }],
          },
          { name: 'two', image: 'j' },
        ],
        volumes: [
          { name: 'v', emptyDir: {} },
          { name: 'w', configMap: { name: 'c' } },
        ],
        tolerations: [{ key: 'k', operator: 'Exists' }],
        nodeSelector: { disk: 'ssd' },
      },
    },
  },
})
const service = create(services, {
  metadata: { name: 's' },
  spec: {
    selector: { a: 'b' },
    ports: [
      { name: 'one', port: 1 },
      { name: 'two', port: 2 },
    ],
    loadBalancerSourceRanges: ['10.0.0.0/8'],
    type: 'LoadBalancer',
  },
})

const send = (path: string, body: unknown, more: Partial<Request> = {}) => ({
  ...patch('strategic', path, typeof body === 'string' ? body : JSON.stringify(body)),
  ...more,
})
const onDeployment = (name: string, body: unknown, more: Partial<Request> = {}): Case => ({
  name,
  steps: [deployment, send(`${deployments}/d`, body, more)],
})
const podSpec = (spec: object) => ({ spec: { template: { spec } } })
const onPodSpec = (name: string, spec: object): Case => onDeployment(name, podSpec(spec))
const onService = (name: string, spec: object): Case => ({ name: `a service: ${name}`, steps: [service, send(`${services}/s`, { spec })] })
const one = (fields: object) => ({ containers: [{ name: 'one', ...fields }] })

const times = { lastProbeTime: '2020-01-01T00:00:00Z', lastTransitionTime: '2020-01-01T00:00:00Z' }

/** Upstream answers 500 to what is the fault of the client. */
const serverFaults = new Set([
  'an item without its key',
  'an item taken away without its key',
  'a merge directive in a list',
  'an unknown directive in a list',
  'a directive that is no text',
  'a text for an item',
  'an object merged',
  'an unknown directive',
  'a directive of the wrong type',
  'an order against the patch',
  'an order that lacks what is sent',
  'an order that is no list',
  'an order of items without a key',
])
const differs = 'upstream answers 500 to what is the fault of the client'

const all: readonly Case[] = [
  onPodSpec('an item by its key', one({ image: 'new' })),
  onPodSpec('a new item', { containers: [{ name: 'three', image: 'k' }] }),
  onPodSpec('several items in another order', {
    containers: [
      { name: 'two', image: 'x' },
      { name: 'new', image: 'z' },
      { name: 'one', image: 'y' },
    ],
  }),
  onPodSpec('an item without its key', { containers: [{ image: 'new' }] }),
  onPodSpec('an item taken away', { containers: [{ name: 'two', $patch: 'delete' }] }),
  onPodSpec('an item taken away that is not there', { containers: [{ name: 'nine', $patch: 'delete' }] }),
  onPodSpec('an item taken away without its key', { containers: [{ $patch: 'delete' }] }),
  onPodSpec('a list replaced', { containers: [{ $patch: 'replace' }, { name: 'new', image: 'n' }] }),
  onPodSpec('a list replaced, the directive last', { containers: [{ name: 'new', image: 'n' }, { $patch: 'replace' }] }),
  onPodSpec('a list replaced by nothing', { volumes: [{ $patch: 'replace' }] }),
  onPodSpec('a merge directive in a list', { containers: [{ $patch: 'merge', name: 'one' }] }),
  onPodSpec('an unknown directive in a list', { containers: [{ $patch: 'mix', name: 'one' }] }),
  onPodSpec('a directive that is no text', { containers: [{ $patch: 1, name: 'one' }] }),
  onPodSpec('an object for a list', { containers: { name: 'one' } }),
  onPodSpec('a text for a list', { containers: 'one' }),
  onPodSpec('a text for an item', { containers: ['one'] }),
  onPodSpec('a text for an object', { nodeSelector: 'x' }),
  onPodSpec('null for a list', { volumes: null }),
  onPodSpec('null for a required list', { containers: null }),
  onPodSpec('a list that is atomic', { tolerations: [{ key: 'l', operator: 'Exists' }] }),
  onPodSpec(
    'env by name',
    one({
      env: [
        { name: 'B', value: 'c' },
        { name: 'C', value: 'd' },
      ],
    }),
  ),
  onPodSpec('env taken away', one({ env: [{ name: 'A', $patch: 'delete' }] })),
  onPodSpec(
    'env with null for its value',
    one({ env: [{ name: 'A', value: null, valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }] }),
  ),
  onPodSpec('args are replaced', one({ args: ['z'] })),
  onPodSpec('ports by number', one({ ports: [{ containerPort: 80, name: 'web' }] })),
  onPodSpec('ports: the key as text', one({ ports: [{ containerPort: '80', name: 'web' }] })),
  onPodSpec('two items of one key', {
    containers: [
      { name: 'one', image: 'x' },
      { name: 'one', image: 'y' },
    ],
  }),
  onPodSpec('an object replaced', { nodeSelector: { $patch: 'replace', zone: 'z' } }),
  onPodSpec('an object taken away', { nodeSelector: { $patch: 'delete' } }),
  onPodSpec('an object merged', { nodeSelector: { $patch: 'merge', zone: 'z' } }),
  onPodSpec('an unknown directive', { nodeSelector: { $patch: 'mix', zone: 'z' } }),
  onPodSpec('a directive of the wrong type', { nodeSelector: { $patch: true } }),
  onPodSpec('a field with a null in an object', { nodeSelector: { disk: null, zone: 'z' } }),
  onPodSpec('retainKeys', { volumes: [{ name: 'w', $retainKeys: ['name', 'emptyDir'], emptyDir: {} }] }),
  onPodSpec('retainKeys that do not name what is sent', { volumes: [{ name: 'w', $retainKeys: ['name'], emptyDir: {} }] }),
  onPodSpec('retainKeys that are no list', { volumes: [{ name: 'w', $retainKeys: 'name', emptyDir: {} }] }),
  onPodSpec('retainKeys of no texts', { volumes: [{ name: 'w', $retainKeys: [1], emptyDir: {} }] }),
  onPodSpec('an order', {
    '$setElementOrder/containers': [{ name: 'two' }, { name: 'one' }],
    containers: [{ name: 'one', image: 'z' }],
  }),
  onPodSpec('an order alone', { '$setElementOrder/containers': [{ name: 'two' }, { name: 'one' }] }),
  onPodSpec('an order that leaves one out', {
    '$setElementOrder/containers': [{ name: 'two' }],
    containers: [{ name: 'two', image: 'z' }],
  }),
  onPodSpec('an order against the patch', {
    '$setElementOrder/containers': [{ name: 'one' }, { name: 'two' }],
    containers: [
      { name: 'two', image: 'z' },
      { name: 'one', image: 'z' },
    ],
  }),
  onPodSpec('an order that lacks what is sent', {
    '$setElementOrder/containers': [{ name: 'one' }],
    containers: [{ name: 'two', image: 'z' }],
  }),
  onPodSpec('an order that is no list', { '$setElementOrder/containers': { name: 'one' }, containers: [{ name: 'two', image: 'z' }] }),
  onPodSpec('an order of a list that is not there', { '$setElementOrder/initContainers': [{ name: 'one' }] }),
  onPodSpec('an order of a new list', {
    '$setElementOrder/initContainers': [{ name: 'b' }, { name: 'a' }],
    initContainers: [
      { name: 'b', image: 'i' },
      { name: 'a', image: 'i' },
    ],
  }),
  onPodSpec('an order with one taken away', {
    '$setElementOrder/containers': [{ name: 'one' }],
    containers: [{ name: 'two', $patch: 'delete' }],
  }),
  onPodSpec('an order of items without a key', { '$setElementOrder/containers': [{}] }),
  onPodSpec('an order without a slash', { $setElementOrderx: [] }),
  onPodSpec('a deletion without a slash', { $deleteFromPrimitiveListx: [] }),
  onPodSpec('a new object with a directive', { securityContext: { $patch: 'replace', runAsUser: 1 }, affinity: { $patch: 'delete' } }),
  onPodSpec('a new item with directives inside', {
    volumes: [{ name: 'new', $retainKeys: ['name', 'emptyDir'], emptyDir: { $patch: 'replace', medium: 'Memory' } }],
    initContainers: [{ name: 'a', image: 'i', $patch: 'merge' }],
  }),
  onPodSpec('a new item with nulls inside', { volumes: [{ name: 'new', emptyDir: { medium: null }, secret: null }] }),
  onPodSpec('a map with null for a new value', { nodeSelector: { none: null } }),
  onDeployment('primitives merge', { metadata: { finalizers: ['example.com/three', 'example.com/one'] } }),
  onDeployment('primitives taken away', { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/one'] } }),
  onDeployment('primitives taken away and merged', {
    metadata: {
      '$deleteFromPrimitiveList/finalizers': ['example.com/one'],
      '$setElementOrder/finalizers': ['example.com/new', 'example.com/two'],
      finalizers: ['example.com/new'],
    },
  }),
  onDeployment('primitives taken away that are no list', { metadata: { '$deleteFromPrimitiveList/finalizers': 'example.com/one' } }),
  onDeployment('primitives taken away that are not there', { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/nine'] } }),
  onDeployment('primitives taken away of no list', { metadata: { '$deleteFromPrimitiveList/ownerReferences': ['x'] } }),
  onDeployment('an order of primitives', { metadata: { '$setElementOrder/finalizers': ['example.com/two', 'example.com/one'] } }),
  onDeployment('a strategy with retainKeys', { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }),
  onDeployment('a strategy without them', { spec: { strategy: { type: 'Recreate' } } }),
  onDeployment('the whole replaced', { $patch: 'replace', metadata: { name: 'd' } }),
  onDeployment('the whole taken away', { $patch: 'delete' }),
  onDeployment('nothing', {}),
  onDeployment('a list', []),
  onDeployment('null', 'null'),
  onDeployment('a text', '"x"'),
  onDeployment('no JSON', '{'),
  onDeployment('an empty body', ''),
  onDeployment('no JSON, ignored', '{', { path: `${deployments}/d?fieldValidation=Ignore` }),
  onDeployment('an unknown field', { spec: { unknown: 1, template: { odd: {} } } }),
  onDeployment(
    'an unknown field, strictly',
    { spec: { unknown: 1, template: { odd: {} } } },
    { path: `${deployments}/d?fieldValidation=Strict` },
  ),
  onDeployment('a field twice', '{"spec":{"replicas":1,"replicas":2}}'),
  onDeployment('a field twice, strictly', '{"spec":{"replicas":1,"replicas":2}}', { path: `${deployments}/d?fieldValidation=Strict` }),
  onDeployment('a wrong type', { spec: { replicas: 'x' } }),
  onDeployment('a number with a fraction', { spec: { replicas: 1.5 } }),
  onDeployment('a wrong type of metadata', { metadata: { labels: { a: 1 } } }),
  onDeployment('a wrong quantity', podSpec(one({ resources: { limits: { cpu: 'much' } } }))),
  onDeployment('a number for a quantity', podSpec(one({ resources: { limits: { cpu: 2 } } }))),
  onDeployment('a wrong time', { metadata: { creationTimestamp: 'x' } }),
  onDeployment('another kind', { kind: 'Pod' }),
  onDeployment('another apiVersion', { apiVersion: 'v1' }),
  onDeployment('another name', { metadata: { name: 'e' } }),
  onDeployment('an immutable field', { spec: { selector: { matchLabels: { app: 'e' } } } }),
  onDeployment('a wrong value', { spec: { replicas: -1 } }),
  onService('ports by number', { ports: [{ port: 2, targetPort: 22 }] }),
  onService('a port more', { ports: [{ name: 'three', port: 3 }] }),
  onService('a port taken away', { ports: [{ port: 1, $patch: 'delete' }] }),
  onService('primitives that are replaced', { loadBalancerSourceRanges: ['192.168.0.0/16'] }),
  onService('a selector', { selector: { c: 'd', a: null } }),
  {
    name: 'a pod: an ephemeral container',
    steps: [
      create(pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }),
      send(`${pods}/p/ephemeralcontainers`, { spec: { ephemeralContainers: [{ name: 'e', image: 'i' }] } }),
    ],
  },
  {
    name: 'a pod: conditions by type',
    steps: [
      create(pods, { metadata: { name: 'p' }, spec: { containers: [{ name: 'c', image: 'i' }] } }),
      send(`${pods}/p/status`, {
        status: {
          conditions: [
            { type: 'Ready', status: 'True', ...times },
            { type: 'Other', status: 'False', ...times },
          ],
        },
      }),
      send(`${pods}/p/status`, { status: { conditions: [{ type: 'Ready', status: 'False' }] } }),
    ],
  },
  {
    name: 'owner references by uid',
    steps: [
      create(configMaps, { metadata: { name: 'm', ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'p', uid: 'u1' }] } }),
      send(`${configMaps}/m`, {
        metadata: {
          ownerReferences: [
            { uid: 'u1', name: 'q' },
            { apiVersion: 'v1', kind: 'Pod', name: 'r', uid: 'u2' },
          ],
        },
      }),
      send(`${configMaps}/m`, { metadata: { ownerReferences: [{ uid: 'u1', $patch: 'delete' }] } }),
    ],
  },
]

export const cases = all.map((one) => (serverFaults.has(one.name) ? { ...one, differs } : one))
