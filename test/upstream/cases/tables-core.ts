/** What `kubectl get` shows of core kinds. */
import { clusterWide, namespaced } from '../upstream-case.ts'
import { shown, tableForms } from '../table-cases.ts'

const pods = namespaced('v1', 'pods')
const container = (name: string) => ({ name, image: `${name}:1` })
const pod = (spec: object = {}, metadata: object = {}) => ({
  metadata: { name: 'one', ...metadata },
  spec: { containers: [container('a'), container('b')], ...spec },
})
const running = { running: { startedAt: '2020-01-01T00:00:00Z' } }
const waiting = (reason: string) => ({ waiting: { reason } })
const ended = (exitCode: number, more: object = {}) => ({
  terminated: { exitCode, startedAt: '2020-01-01T00:00:00Z', finishedAt: '2020-01-01T00:00:09Z', containerID: 'c://1', ...more },
})
const state = (name: string, state: object, more: object = {}) => ({
  name,
  image: name,
  imageID: '',
  ready: 'running' in state,
  restartCount: 0,
  state,
  ...more,
})
const shownPod = (name: string, status: object, spec: object = {}) => shown(name, pods, pod(spec), status)
const init = { initContainers: [container('i'), container('j')] }

const services = namespaced('v1', 'services')
const service = (spec: object) => ({ metadata: { name: 'one' }, spec: { clusterIP: '10.96.200.77', ports: [{ port: 80 }], ...spec } })
const nodes = clusterWide('v1', 'nodes')
const node = (metadata: object = {}, spec: object = {}) => ({ metadata: { name: 'upstream-table', ...metadata }, spec })
const volumes = clusterWide('v1', 'persistentvolumes')
const volume = (spec: object = {}) => ({
  metadata: { name: 'upstream-table' },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' }, ...spec },
})
const claims = namespaced('v1', 'persistentvolumeclaims')
const claim = (spec: object = {}) => ({
  metadata: { name: 'one' },
  spec: { accessModes: ['ReadWriteOnce', 'ReadOnlyMany'], resources: { requests: { storage: '1Gi' } }, ...spec },
})
const events = namespaced('v1', 'events')
const event = (more: object) => ({
  metadata: { name: 'one' },
  involvedObject: { kind: 'Pod', name: 'p', namespace: '$ns', fieldPath: 'spec.containers{a}' },
  reason: 'Why',
  message: 'what  \nhappened',
  type: 'Normal',
  ...more,
})

export const cases = [
  ...tableForms(namespaced('v1', 'configmaps'), { metadata: { name: 'one', labels: { a: 'b' } }, data: { a: 'b' }, binaryData: { c: '' } }),
  shown('pods: new', pods, pod()),
  shownPod('pods: running', {
    phase: 'Running',
    podIPs: [{ ip: '10.1.1.1' }, { ip: 'fd00::1' }],
    podIP: '10.1.1.1',
    nominatedNodeName: 'n',
    containerStatuses: [
      state('a', running, { restartCount: 2, lastState: ended(1, { finishedAt: '2020-01-02T00:00:00Z' }) }),
      state('b', running),
    ],
    conditions: [{ type: 'Ready', status: 'True' }],
  }),
  shownPod('pods: crashing', {
    phase: 'Running',
    containerStatuses: [state('a', waiting('CrashLoopBackOff'), { restartCount: 5 }), state('b', running)],
  }),
  shownPod('pods: completed beside a running one', {
    phase: 'Running',
    containerStatuses: [state('a', ended(0, { reason: 'Completed' })), state('b', running)],
    conditions: [{ type: 'Ready', status: 'True' }],
  }),
  shownPod('pods: completed beside a running one that is not ready', {
    phase: 'Running',
    containerStatuses: [state('a', ended(0, { reason: 'Completed' })), state('b', running, { ready: false })],
  }),
  shownPod('pods: by a signal', { phase: 'Failed', containerStatuses: [state('a', ended(137, { signal: 9 })), state('b', ended(0))] }),
  shownPod('pods: by a code', { phase: 'Failed', containerStatuses: [state('a', ended(3)), state('b', ended(0))] }),
  shownPod('pods: succeeded', { phase: 'Succeeded', containerStatuses: [state('a', ended(0)), state('b', ended(0))] }),
  shownPod('pods: failed', { phase: 'Failed', reason: 'Evicted' }),
  shownPod(
    'pods: starting, the first initial container',
    { phase: 'Pending', initContainerStatuses: [state('i', running), state('j', waiting('PodInitializing'))] },
    init,
  ),
  shownPod(
    'pods: starting, the second initial container',
    { phase: 'Pending', initContainerStatuses: [state('i', ended(0)), state('j', waiting('ImagePullBackOff'))] },
    init,
  ),
  shownPod(
    'pods: an initial container failed',
    { phase: 'Pending', initContainerStatuses: [state('i', ended(2)), state('j', waiting('PodInitializing'))] },
    init,
  ),
  shownPod(
    'pods: an initial container was killed',
    { phase: 'Pending', initContainerStatuses: [state('i', ended(2, { signal: 9 }))] },
    init,
  ),
  shownPod(
    'pods: a sidecar',
    {
      phase: 'Running',
      initContainerStatuses: [state('i', running, { started: true, restartCount: 3 })],
      containerStatuses: [state('a', running), state('b', waiting('ErrImagePull'))],
    },
    { initContainers: [{ ...container('i'), restartPolicy: 'Always' }] },
  ),
  shownPod(
    'pods: with gates',
    {},
    { readinessGates: [{ conditionType: 'a.io/x' }, { conditionType: 'a.io/y' }], schedulingGates: [{ name: 'a.io/g' }] },
  ),
  shownPod(
    'pods: with gates that are met',
    { conditions: [{ type: 'a.io/x', status: 'True' }] },
    { readinessGates: [{ conditionType: 'a.io/x' }, { conditionType: 'a.io/y' }] },
  ),
  shownPod('pods: gated', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] }),
  shown('services: plain', services, service({ selector: { b: 'c', a: 'b' } })),
  shown('services: without a selector', services, service({ clusterIP: 'None', ports: [{ port: 80, protocol: 'UDP' }] })),
  shown('services: of a name', services, { metadata: { name: 'one' }, spec: { type: 'ExternalName', externalName: 'example.com' } }),
  shown('services: without ports', services, { metadata: { name: 'one' }, spec: { clusterIP: 'None' } }),
  shown('services: external addresses', services, service({ externalIPs: ['1.2.3.4', '1.2.3.5'] })),
  shown(
    'services: node ports',
    services,
    service({
      type: 'NodePort',
      ports: [
        { port: 80, nodePort: 30999, name: 'a' },
        { port: 81, nodePort: 30998, name: 'b', protocol: 'SCTP' },
      ],
    }),
  ),
  shown('services: a balancer to come', services, service({ type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30997 }] })),
  shown(
    'services: a balancer',
    services,
    service({ type: 'LoadBalancer', externalIPs: ['1.2.3.4'], ports: [{ port: 80, nodePort: 30997 }] }),
    { loadBalancer: { ingress: [{ ip: '5.6.7.8' }, { hostname: 'a.example.com' }] } },
  ),
  shown('endpoints: many', namespaced('v1', 'endpoints'), {
    metadata: { name: 'one' },
    subsets: [{ addresses: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4'].map((ip) => ({ ip })), ports: [{ port: 80 }] }],
  }),
  shown('endpoints: few', namespaced('v1', 'endpoints'), {
    metadata: { name: 'one' },
    subsets: [
      {
        addresses: [{ ip: '1.1.1.1' }],
        ports: [
          { port: 80, name: 'a' },
          { port: 81, name: 'b' },
        ],
      },
      { addresses: [{ ip: 'fd00::1' }], notReadyAddresses: [{ ip: '1.1.1.9' }] },
    ],
  }),
  shown('endpoints: none', namespaced('v1', 'endpoints'), { metadata: { name: 'one' } }),
  shown('nodes: new', nodes, node()),
  shown(
    'nodes: ready',
    nodes,
    node(
      { labels: { 'node-role.kubernetes.io/control-plane': '', 'kubernetes.io/role': 'x', 'node-role.kubernetes.io/a': '' } },
      { unschedulable: true },
    ),
    {
      conditions: [{ type: 'Ready', status: 'True' }],
      addresses: [
        { type: 'InternalIP', address: '10.0.0.1' },
        { type: 'ExternalIP', address: '1.2.3.4' },
        { type: 'Hostname', address: 'h' },
      ],
      nodeInfo: {
        kubeletVersion: 'v1.36.0',
        osImage: 'Debian',
        kernelVersion: '6.1',
        containerRuntimeVersion: 'containerd://2',
        machineID: '',
        systemUUID: '',
        bootID: '',
        kubeProxyVersion: '',
        operatingSystem: 'linux',
        architecture: 'amd64',
      },
    },
  ),
  shown('nodes: not ready', nodes, node(), {
    conditions: [
      { type: 'Ready', status: 'False' },
      { type: 'DiskPressure', status: 'True' },
    ],
  }),
  shown('nodes: unknown', nodes, node(), { conditions: [{ type: 'Ready', status: 'Unknown' }] }),
  shown('namespaces', clusterWide('v1', 'namespaces'), { metadata: { name: 'upstream-table' } }),
  shown('volumes: plain', volumes, volume()),
  shown(
    'volumes: bound',
    volumes,
    volume({
      claimRef: { namespace: 'n', name: 'c' },
      storageClassName: 'fast',
      persistentVolumeReclaimPolicy: 'Delete',
      volumeMode: 'Block',
      volumeAttributesClassName: 'gold',
      csi: { driver: 'd', volumeHandle: 'v' },
      hostPath: null,
      accessModes: ['ReadWriteMany', 'ReadOnlyMany', 'ReadWriteOnce', 'ReadWriteOncePod'].slice(0, 3),
    }),
    { phase: 'Failed', reason: 'Why' },
  ),
  shown('claims: plain', claims, claim()),
  shown(
    'claims: bound',
    claims,
    claim({ volumeName: 'v', storageClassName: 'fast', volumeMode: 'Block', volumeAttributesClassName: 'gold' }),
    { phase: 'Bound', accessModes: ['ReadWriteOncePod'], capacity: { storage: '2Gi' } },
  ),
  shown(
    'controllers',
    namespaced('v1', 'replicationcontrollers'),
    {
      metadata: { name: 'one' },
      spec: {
        replicas: 3,
        selector: { a: 'b', c: 'd' },
        template: { metadata: { labels: { a: 'b', c: 'd' } }, spec: { containers: [container('a'), container('b')] } },
      },
    },
    { replicas: 2, readyReplicas: 1 },
  ),
  shown('pod templates', namespaced('v1', 'podtemplates'), {
    metadata: { name: 'one' },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [container('a'), container('b')] } },
  }),
  shown('secrets', namespaced('v1', 'secrets'), { metadata: { name: 'one' }, data: { a: 'YQ==', b: 'YQ==' } }),
  shown('accounts', namespaced('v1', 'serviceaccounts'), { metadata: { name: 'one' }, secrets: [{ name: 'a' }] }),
  shown('limits', namespaced('v1', 'limitranges'), { metadata: { name: 'one' }, spec: { limits: [] } }),
  shown(
    'quotas',
    namespaced('v1', 'resourcequotas'),
    {
      metadata: { name: 'one' },
      spec: { hard: { pods: '5', 'requests.cpu': '1', 'limits.cpu': '2', memory: '1Gi', 'limits.memory': '4Gi' } },
    },
    {
      hard: { pods: '5', 'requests.cpu': '1', 'limits.cpu': '2', memory: '1Gi', 'limits.memory': '4Gi' },
      used: { pods: '1', 'requests.cpu': '500m', 'limits.cpu': '0' },
    },
  ),
  shown(
    'events: plain',
    events,
    event({
      source: { component: 'c', host: 'h' },
      count: 3,
      firstTimestamp: '2020-01-01T00:00:00Z',
      lastTimestamp: '2020-01-02T00:00:00Z',
    }),
  ),
  shown(
    'events: of the newer form',
    events,
    event({
      eventTime: '2020-01-01T00:00:00.000000Z',
      series: { count: 4, lastObservedTime: '2020-01-02T00:00:00.000000Z' },
      reportingComponent: 'c',
      reportingInstance: 'i',
      action: 'Did',
    }),
  ),
  shown('events: bare', events, event({})),
]
