/** What `kubectl get` shows of workloads, and of what brings traffic to them. */
import { clusterWide, namespaced } from '../upstream-case.ts'
import { shown } from '../table-cases.ts'

const one = (spec: object, more: object = {}) => ({ metadata: { name: 'one' }, spec, ...more })
const containers = [
  { name: 'a', image: 'a:1' },
  { name: 'b', image: 'b:1' },
]
const labels = { b: 'c', a: 'b' }
const selector = { matchLabels: labels, matchExpressions: [{ key: 'a', operator: 'In', values: ['b', 'x'] }] }
const template = { metadata: { labels }, spec: { containers } }
const once = { spec: { containers, restartPolicy: 'Never' } }
const workload = (name: string, resource: string, spec: object, status?: object) =>
  shown(name, namespaced('apps/v1', resource), one({ selector, template, ...spec }), status)
const job = (name: string, spec: object, status?: object) =>
  shown(`jobs: ${name}`, namespaced('batch/v1', 'jobs'), one({ template: once, ...spec }), status)
const ended = { startTime: '2020-01-01T00:00:00Z' }
const cron = (name: string, spec: object, status?: object) =>
  shown(
    `cron jobs: ${name}`,
    namespaced('batch/v1', 'cronjobs'),
    one({ schedule: '0 0 * * *', jobTemplate: { spec: { template: once } }, ...spec }),
    status,
  )
const target = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }
const scaler = (name: string, spec: object, status?: object) =>
  shown(
    `autoscalers: ${name}`,
    namespaced('autoscaling/v2', 'horizontalpodautoscalers'),
    one({ scaleTargetRef: target, maxReplicas: 5, ...spec }),
    status,
  )
const metric = (name: string) => ({ name })
const object = { kind: 'Service', name: 's' }
const everyMetric = [
  { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } } },
  { type: 'Resource', resource: { name: 'memory', target: { type: 'AverageValue', averageValue: '1Gi' } } },
  { type: 'Pods', pods: { metric: metric('m'), target: { type: 'AverageValue', averageValue: '5' } } },
  { type: 'Object', object: { metric: metric('m'), describedObject: object, target: { type: 'Value', value: '7' } } },
  { type: 'Object', object: { metric: metric('m'), describedObject: object, target: { type: 'AverageValue', averageValue: '8' } } },
  { type: 'External', external: { metric: metric('m'), target: { type: 'Value', value: '9' } } },
  { type: 'External', external: { metric: metric('m'), target: { type: 'AverageValue', averageValue: '10' } } },
  {
    type: 'ContainerResource',
    containerResource: { name: 'cpu', container: 'a', target: { type: 'Utilization', averageUtilization: 60 } },
  },
  { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'b', target: { type: 'AverageValue', averageValue: '100m' } } },
]
const everyCurrent = [
  { type: 'Resource', resource: { name: 'cpu', current: { averageUtilization: 40, averageValue: '40m' } } },
  { type: 'Resource', resource: { name: 'memory', current: { averageValue: '500Mi' } } },
  { type: 'Pods', pods: { metric: metric('m'), current: { averageValue: '2500m' } } },
  { type: 'Object', object: { metric: metric('m'), describedObject: object, current: { value: '3' } } },
  { type: 'Object', object: { metric: metric('m'), describedObject: object, current: { averageValue: '4' } } },
  { type: 'External', external: { metric: metric('m'), current: { value: '5' } } },
  { type: 'External', external: { metric: metric('m'), current: { averageValue: '6' } } },
  { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'a', current: { averageUtilization: 30, averageValue: '1' } } },
  { type: 'ContainerResource', containerResource: { name: 'cpu', container: 'b', current: { averageValue: '50m' } } },
]
const oldScalers = namespaced('autoscaling/v1', 'horizontalpodautoscalers')
const budget = (name: string, spec: object, status?: object) =>
  shown(`budgets: ${name}`, namespaced('policy/v1', 'poddisruptionbudgets'), one({ selector, ...spec }), status)
const ingress = (name: string, spec: object, status?: object, annotations: object = {}) =>
  shown(`ingresses: ${name}`, namespaced('networking.k8s.io/v1', 'ingresses'), { metadata: { name: 'one', annotations }, spec }, status)
const backend = { service: { name: 's', port: { number: 80 } } }
const rule = (host: string) => ({ host, http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } })
const slices = namespaced('discovery.k8s.io/v1', 'endpointslices')
const slice = (more: object) => ({ metadata: { name: 'one' }, addressType: 'IPv4', endpoints: [], ...more })
const endpoint = (address: string) => ({ addresses: [address] })

export const cases = [
  workload('deployments: new', 'deployments', {}),
  workload(
    'deployments: on its way',
    'deployments',
    { replicas: 4 },
    { replicas: 5, updatedReplicas: 2, readyReplicas: 3, availableReplicas: 1, unavailableReplicas: 4 },
  ),
  workload('replica sets', 'replicasets', { replicas: 3 }, { replicas: 2, readyReplicas: 1 }),
  workload(
    'daemon sets',
    'daemonsets',
    { template: { ...template, spec: { containers, nodeSelector: { x: 'y' } } } },
    {
      desiredNumberScheduled: 5,
      currentNumberScheduled: 4,
      numberReady: 3,
      updatedNumberScheduled: 2,
      numberAvailable: 1,
      numberMisscheduled: 0,
    },
  ),
  workload('stateful sets', 'statefulsets', { serviceName: 's', replicas: 3 }, { replicas: 2, readyReplicas: 1 }),
  shown('revisions', namespaced('apps/v1', 'controllerrevisions'), {
    metadata: { name: 'one', ownerReferences: [{ ...target, uid: 'u', controller: true }] },
    revision: 3,
    data: {},
  }),
  shown('revisions of nobody', namespaced('apps/v1', 'controllerrevisions'), { metadata: { name: 'one' }, revision: 3, data: {} }),
  job('new', {}),
  job('suspended', { suspend: true, completions: 3, parallelism: 2 }),
  job('running', { completions: 3, parallelism: 2 }, { ...ended, active: 2, succeeded: 1, ready: 1, uncountedTerminatedPods: {} }),
  job('without completions', { parallelism: 2 }, { ...ended, active: 2, ready: 0, uncountedTerminatedPods: {} }),
  job('without completions, alone', { parallelism: 1, completions: null }, { ...ended, active: 1, ready: 0, uncountedTerminatedPods: {} }),
  job(
    'complete',
    {},
    {
      ...ended,
      succeeded: 1,
      completionTime: '2020-01-01T00:01:40Z',
      uncountedTerminatedPods: {},
      conditions: [
        { type: 'SuccessCriteriaMet', status: 'True' },
        { type: 'Complete', status: 'True' },
      ],
    },
  ),
  job(
    'failing',
    {},
    { ...ended, active: 0, failed: 1, uncountedTerminatedPods: {}, conditions: [{ type: 'FailureTarget', status: 'True', reason: 'X' }] },
  ),
  job(
    'failed',
    {},
    {
      ...ended,
      failed: 1,
      uncountedTerminatedPods: {},
      conditions: [
        { type: 'FailureTarget', status: 'True' },
        { type: 'Failed', status: 'True' },
      ],
    },
  ),
  cron('new', {}),
  cron(
    'active',
    { timeZone: 'Europe/Berlin', suspend: true },
    { active: [{ kind: 'Job', name: 'a' }], lastScheduleTime: '2020-01-01T00:00:00Z' },
  ),
  scaler('new', {}),
  scaler('of the old version', { minReplicas: 2 }, { currentReplicas: 3, desiredReplicas: 3, conditions: [] }),
  scaler(
    'two metrics',
    { metrics: everyMetric.slice(0, 2) },
    { currentReplicas: 3, desiredReplicas: 4, conditions: [], currentMetrics: everyCurrent.slice(0, 2) },
  ),
  scaler('many metrics, unknown', { metrics: everyMetric }),
  ...everyMetric.map((_, i) =>
    scaler(
      `metric ${i}`,
      { metrics: [everyMetric[i]] },
      { currentReplicas: 3, desiredReplicas: 4, conditions: [], currentMetrics: [everyCurrent[i]] },
    ),
  ),
  ...everyMetric.map((_, i) => scaler(`metric ${i}, unknown`, { metrics: [everyMetric[i]] })),
  shown('old autoscalers: new', oldScalers, one({ scaleTargetRef: target, maxReplicas: 5 })),
  shown(
    'old autoscalers: cpu',
    oldScalers,
    one({ scaleTargetRef: target, maxReplicas: 5, minReplicas: 2, targetCPUUtilizationPercentage: 50 }),
    { currentReplicas: 3, desiredReplicas: 3, currentCPUUtilizationPercentage: 40 },
  ),
  budget('new', {}),
  budget('by least', { minAvailable: '50%' }, { currentHealthy: 3, desiredHealthy: 2, expectedPods: 4, disruptionsAllowed: 1 }),
  budget('by most', { maxUnavailable: 1 }, { currentHealthy: 3, desiredHealthy: 2, expectedPods: 4, disruptionsAllowed: 1 }),
  ingress('of everything', { defaultBackend: backend }),
  ingress(
    'of hosts',
    {
      ingressClassName: 'c',
      rules: [rule('a.example.com'), rule('b.example.com'), rule('c.example.com'), rule('d.example.com')],
      tls: [{ hosts: ['a.example.com'], secretName: 's' }],
    },
    { loadBalancer: { ingress: [{ ip: '1.2.3.4' }, { hostname: 'x.example.com' }] } },
  ),
  ingress('without a host', { rules: [{ http: rule('').http }] }),
  ingress('by the old annotation', { defaultBackend: backend }, undefined, { 'kubernetes.io/ingress.class': 'old' }),
  shown('ingress classes', clusterWide('networking.k8s.io/v1', 'ingressclasses'), {
    metadata: { name: 'upstream-table' },
    spec: { controller: 'example.com/c' },
  }),
  shown('ingress classes: with parameters', clusterWide('networking.k8s.io/v1', 'ingressclasses'), {
    metadata: { name: 'upstream-table', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'example.com/c', parameters: { apiGroup: 'g.example.com', kind: 'K', name: 'n' } },
  }),
  shown('network policies', namespaced('networking.k8s.io/v1', 'networkpolicies'), one({ podSelector: selector })),
  shown('network policies: of all', namespaced('networking.k8s.io/v1', 'networkpolicies'), one({ podSelector: {} })),
  {
    ...shown('addresses', clusterWide('networking.k8s.io/v1', 'ipaddresses'), {
      metadata: { name: '192.168.77.1' },
      spec: { parentRef: { resource: 'services', namespace: 'n', name: 's' } },
    }),
    differs: 'upstream sends an age that no column is for',
  },
  {
    ...shown('addresses: of a group', clusterWide('networking.k8s.io/v1', 'ipaddresses'), {
      metadata: { name: '192.168.77.1' },
      spec: { parentRef: { group: 'g.example.com', resource: 'things', name: 's' } },
    }),
    differs: 'upstream sends an age that no column is for',
  },
  shown('service ranges', clusterWide('networking.k8s.io/v1', 'servicecidrs'), {
    metadata: { name: 'upstream-table' },
    spec: { cidrs: ['192.168.77.0/24', 'fd00:77::/64'] },
  }),
  shown('slices: none', slices, slice({})),
  shown(
    'slices: few',
    slices,
    slice({
      endpoints: [endpoint('1.1.1.1'), endpoint('1.1.1.2')],
      ports: [
        { port: 80, name: 'a' },
        { port: 81, name: 'b' },
      ],
    }),
  ),
  shown(
    'slices: many',
    slices,
    slice({
      endpoints: ['1.1.1.1', '1.1.1.2', '1.1.1.3', '1.1.1.4', '1.1.1.5'].map(endpoint),
      ports: ['a', 'b', 'c', 'd', 'e'].map((name, i) => ({ port: 80 + i, name })),
    }),
  ),
  shown('slices: every port', slices, slice({ endpoints: [endpoint('1.1.1.1')], ports: [{}] })),
]
