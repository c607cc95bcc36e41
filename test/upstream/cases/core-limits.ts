/** LimitRange and ResourceQuota, and what quotas refuse. */
import { type Case, create, creations, merged, namespaced, patch, replace, updates } from '../upstream-case.ts'

const ranges = namespaced('v1', 'limitranges')
const range = (...limits: object[]) => ({ metadata: { name: 'r' }, spec: { limits } })
const one = range({ type: 'Container', max: { cpu: '2' } })
const limits = (...list: object[]) => ({ spec: { limits: list } })

const ofRanges: Case[] = [
  ...creations(ranges, one, {
    'a maximum': {},
    'no limits': { spec: { limits: null } },
    'no spec of a range': { spec: null },
    'no type': limits({ max: { cpu: '2' } }),
    'a type of its own': limits({ type: 'example.com/Thing', max: { storage: '1Gi' } }),
    'an unknown type': limits({ type: 'Thing', max: { cpu: '1' } }),
    'a bad type': limits({ type: 'a b', max: { cpu: '1' } }),
    'a type twice': limits({ type: 'Pod', max: { cpu: '2' } }, { type: 'Pod', min: { cpu: '1' } }),
    'a minimum above the maximum': limits({ type: 'Container', min: { cpu: '3' }, max: { cpu: '2' } }),
    'a default above the maximum': limits({ type: 'Container', default: { memory: '3Gi' }, max: { memory: '2Gi' } }),
    'a default below the minimum': limits({ type: 'Container', default: { memory: '1Gi' }, min: { memory: '2Gi' } }),
    'a default request above the default': limits({ type: 'Container', defaultRequest: { cpu: '2' }, default: { cpu: '1' } }),
    'a default request below the minimum': limits({ type: 'Container', defaultRequest: { cpu: '500m' }, min: { cpu: '1' } }),
    'a default request above the maximum': limits({ type: 'Container', defaultRequest: { cpu: '3' }, max: { cpu: '2' } }),
    'everything in the wrong order': limits({
      type: 'Container',
      min: { cpu: '4' },
      max: { cpu: '1' },
      default: { cpu: '2' },
      defaultRequest: { cpu: '3' },
    }),
    'a default of a pod': limits({ type: 'Pod', default: { cpu: '1' }, defaultRequest: { cpu: '1' } }),
    'a ratio below one': limits({ type: 'Container', maxLimitRequestRatio: { cpu: '500m' } }),
    'a ratio that cannot be': limits({ type: 'Container', maxLimitRequestRatio: { cpu: '4' }, min: { cpu: '1' }, max: { cpu: '2' } }),
    'a ratio of a pod': limits({ type: 'Pod', maxLimitRequestRatio: { memory: '1.5' } }),
    'a claim without storage': limits({ type: 'PersistentVolumeClaim', max: { cpu: '1' } }),
    'a claim': limits({ type: 'PersistentVolumeClaim', max: { storage: '1Gi' }, min: { storage: '1Mi' } }),
    'a resource of no container': limits({ type: 'Container', max: { pods: '1' } }),
    'an unknown resource': limits({ type: 'Container', max: { gold: '1' } }),
    'a bad resource': limits({ type: 'Pod', min: { 'a b': '1' } }),
    'a resource of an unknown claim': limits({ type: 'PersistentVolumeClaim', min: { storage: '1', gold: '1' } }),
    'a resource with a domain': limits({ type: 'Container', max: { 'example.com/gpu': '1' } }),
    'a resource that may not be overcommitted': limits({
      type: 'Container',
      default: { 'example.com/gpu': '2' },
      defaultRequest: { 'example.com/gpu': '1' },
    }),
    'huge pages': limits({ type: 'Container', default: { 'hugepages-2Mi': '4Mi' }, defaultRequest: { 'hugepages-2Mi': '2Mi' } }),
    'a negative maximum': limits({ type: 'Container', max: { cpu: '-1' } }),
    'quantities that are not canonical': limits({ type: 'Container', max: { cpu: '1000m', memory: '1024Mi' }, min: { cpu: 0.5 } }),
    'only a minimum': limits({ type: 'Container', min: { cpu: '1' } }),
  }),
  ...updates(ranges, one, {
    'another maximum': limits({ type: 'Container', max: { cpu: '3' } }),
    'a bad limit later': limits({ type: 'Container', max: { cpu: '1' }, min: { cpu: '2' } }),
  }),
]

const quotas = namespaced('v1', 'resourcequotas')
const quota = { metadata: { name: 'q' }, spec: { hard: { pods: '1' } } }
const hard = (list: object) => ({ spec: { hard: list } })
const selector = (...matchExpressions: object[]) => ({ spec: { scopeSelector: { matchExpressions } } })

const ofQuotas: Case[] = [
  ...creations(quotas, quota, {
    'a quota': {},
    'no limits of a quota': { spec: { hard: null } },
    'no spec of a quota': { spec: null },
    'every resource': hard({
      cpu: '1',
      memory: '1Gi',
      'requests.cpu': '1',
      'requests.memory': '1',
      'limits.cpu': '1',
      'limits.memory': '1',
      'requests.storage': '1',
      'ephemeral-storage': '1',
      'requests.ephemeral-storage': '1',
      'limits.ephemeral-storage': '1',
      pods: '1',
      services: '1',
      replicationcontrollers: '1',
      resourcequotas: '1',
      secrets: '1',
      configmaps: '1',
      persistentvolumeclaims: '1',
      'services.nodeports': '1',
      'services.loadbalancers': '1',
      'count/jobs.batch': '1',
      'requests.example.com/gpu': '1',
      'gold.storageclass.storage.k8s.io/requests.storage': '1',
      'hugepages-2Mi': '1',
      'requests.hugepages-2Mi': '1',
    }),
    'an unknown resource of a quota': hard({ gold: '1' }),
    'a resource of containers alone': hard({ storage: '1Gi' }),
    'a resource of limits with huge pages': hard({ 'limits.hugepages-2Mi': '1' }),
    'a bad resource of a quota': hard({ 'a b': '1' }),
    'a bad resource with a domain': hard({ 'A_b/c': '1' }),
    'a part of a pod': hard({ pods: '500m' }),
    'a negative limit': hard({ cpu: '-1' }),
    'a limit that is none': hard({ cpu: 'x' }),
    'limits that are not canonical': hard({ cpu: '1000m', memory: '1024Mi' }),
    'an unknown scope': { spec: { scopes: ['X'] } },
    'scopes that exclude each other': { spec: { scopes: ['BestEffort', 'NotBestEffort', 'Terminating', 'NotTerminating'] } },
    'a scope for another resource': { spec: { hard: { cpu: '1' }, scopes: ['BestEffort'] } },
    'a scope for several other resources': { spec: { hard: { services: '1', configmaps: '1', pods: '1' }, scopes: ['Terminating'] } },
    'a scope for counts': { spec: { hard: { 'count/pods': '1' }, scopes: ['Terminating'] } },
    'a scope of priorities': selector({ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }),
    'a scope of priorities without values': selector({ scopeName: 'PriorityClass', operator: 'In' }),
    'a scope of priorities that exists with values': selector({ scopeName: 'PriorityClass', operator: 'Exists', values: ['a'] }),
    'an unknown operator': selector({ scopeName: 'PriorityClass', operator: 'X' }),
    'a plain scope with values': selector({ scopeName: 'Terminating', operator: 'In', values: ['a'] }),
    'a plain scope that does not exist': selector({ scopeName: 'BestEffort', operator: 'DoesNotExist' }),
    'an unknown scope of a selector': selector({ scopeName: 'X', operator: 'Exists' }),
    'a scope of a selector for another resource': merged(
      selector({ scopeName: 'BestEffort', operator: 'Exists' }),
      hard({ pods: null, cpu: '1' }),
    ),
    'scopes of a selector that exclude each other': selector(
      { scopeName: 'BestEffort', operator: 'Exists' },
      { scopeName: 'NotBestEffort', operator: 'Exists' },
    ),
    'affinity across namespaces': selector({ scopeName: 'CrossNamespacePodAffinity', operator: 'Exists' }),
    'classes of volume attributes': merged(
      selector({ scopeName: 'VolumeAttributesClass', operator: 'In', values: ['a'] }),
      hard({ pods: null, 'requests.storage': '1' }),
    ),
    'classes of volume attributes for pods': selector({ scopeName: 'VolumeAttributesClass', operator: 'Exists' }),
    'a status of a quota': { status: { hard: { pods: '1' }, used: { pods: '0' } } },
  }),
  ...updates(quotas, merged(quota, { spec: { scopes: ['Terminating'] } }) as typeof quota, {
    'another limit': hard({ pods: '2' }),
    'other scopes': { spec: { scopes: ['NotTerminating'] } },
    'no scopes': { spec: { scopes: null } },
    'a selector later': selector({ scopeName: 'PriorityClass', operator: 'Exists' }),
    'a status of a quota past its door': { status: { used: { pods: '5' } } },
  }),
  ...updates(
    quotas,
    quota,
    {
      'a status of a quota by its door': { status: { hard: { pods: '1' }, used: { pods: '0' } } },
      'a bad status of a quota': { status: { hard: { gold: '1' }, used: { pods: '-1' } } },
      'a spec of a quota by its status': { metadata: { labels: { a: 'b' } }, spec: { hard: { pods: '7' } } },
    },
    'status',
  ),
]

/** No controller fills a status here: it is written. */
const full = (name: string, hardList: object, used: object, spec: object = {}) => [
  create(quotas, { metadata: { name }, spec: { hard: hardList, ...spec } }),
  patch('merge', `${quotas}/${name}/status`, { status: { hard: hardList, used } }),
]
const maps = namespaced('v1', 'configmaps')
const services = namespaced('v1', 'services')
const claims = namespaced('v1', 'persistentvolumeclaims')
const pods = namespaced('v1', 'pods')
const map = (name: string) => ({ metadata: { name }, data: { a: 'b' } })
const pod = (resources?: object) => ({
  metadata: { name: 'p' },
  spec: { containers: [{ name: 'c', image: 'i', ...(resources ? { resources } : {}) }] },
})

const refusals: Case[] = [
  {
    name: 'a map too many',
    given: [create(maps, map('w')), ...full('maps', { configmaps: '1' }, { configmaps: '1' })],
    steps: [create(maps, map('x'))],
  },
  {
    name: 'a map too many of two kinds',
    given: [
      create(maps, map('w')),
      ...full('maps', { configmaps: '1', 'count/configmaps': '1' }, { configmaps: '1', 'count/configmaps': '1' }),
    ],
    steps: [create(maps, map('x'))],
  },
  {
    name: 'a map while there is room',
    given: full('maps', { configmaps: '1' }, { configmaps: '0' }),
    steps: [create(maps, map('x')), create(maps, map('y'))],
  },
  {
    name: 'a pod without requests',
    given: full('cpu', { 'requests.cpu': '1', 'limits.memory': '1Gi' }, { 'requests.cpu': '0', 'limits.memory': '0' }),
    steps: [create(pods, pod())],
  },
  {
    name: 'a pod too big',
    given: full('cpu', { 'requests.cpu': '500m' }, { 'requests.cpu': '0' }),
    steps: [create(pods, pod({ requests: { cpu: '750m' } }))],
  },
  {
    name: 'a pod too big in two quotas',
    given: [...full('a', { cpu: '1' }, { cpu: '0' }), ...full('b', { pods: '0' }, { pods: '0' })],
    steps: [create(pods, pod({ requests: { cpu: '2' } }))],
  },
  {
    name: 'a pod of a scope',
    given: full('best', { pods: '0' }, { pods: '0' }, { scopes: ['BestEffort'] }),
    steps: [create(pods, pod()), create(pods, pod({ requests: { cpu: '1' } }))],
  },
  {
    name: 'a claim too big',
    given: full(
      'disk',
      { 'requests.storage': '1Gi', persistentvolumeclaims: '5' },
      { 'requests.storage': '0', persistentvolumeclaims: '0' },
    ),
    steps: [
      create(claims, { metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } } }),
    ],
  },
  {
    name: 'node ports too many',
    given: full('ports', { 'services.nodeports': '1' }, { 'services.nodeports': '0' }),
    steps: [
      create(services, {
        metadata: { name: 's' },
        spec: {
          type: 'NodePort',
          ports: [
            { name: 'a', port: 1 },
            { name: 'b', port: 2 },
          ],
        },
      }),
    ],
  },
  {
    name: 'a balancer too many',
    given: full('lb', { 'services.loadbalancers': '0' }, { 'services.loadbalancers': '0' }),
    steps: [create(services, { metadata: { name: 's' }, spec: { type: 'LoadBalancer', ports: [{ port: 1 }] } })],
  },
  {
    name: 'a service that becomes a balancer',
    given: [
      create(services, { metadata: { name: 's' }, spec: { ports: [{ port: 1 }] } }),
      ...full('lb', { 'services.loadbalancers': '0' }, { 'services.loadbalancers': '0' }),
    ],
    steps: [patch('merge', `${services}/s`, { spec: { type: 'LoadBalancer' } })],
  },
  {
    name: 'limits above a range',
    given: [create(ranges, range({ type: 'Container', max: { cpu: '1' } }))],
    steps: [
      create(pods, pod({ limits: { cpu: '2' } })),
      create(claims, { metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } } }),
    ],
  },
  {
    name: 'a claim above a range',
    given: [create(ranges, range({ type: 'PersistentVolumeClaim', max: { storage: '1Gi' }, min: { storage: '1Mi' } }))],
    steps: [
      create(claims, { metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '2Gi' } } } }),
      create(claims, { metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Ki' } } } }),
    ],
  },
  { name: 'a range put where there was none', steps: [replace(`${ranges}/r`, one)] },
]

export const withNulls = true
export const cases: readonly Case[] = [...ofRanges, ...ofQuotas, ...refusals]
