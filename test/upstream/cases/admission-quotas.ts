/** ResourceQuota: each scope, each kind of resource, what has no request, and what grows later. */
import { podOf, podWith, pods } from '../pod-cases.ts'
import { type Case, clusterWide, create, merged, namespaced, patch, type Request, titled } from '../upstream-case.ts'

const quotas = namespaced('v1', 'resourcequotas')
const claims = namespaced('v1', 'persistentvolumeclaims')
const services = namespaced('v1', 'services')
const priorities = clusterWide('scheduling.k8s.io/v1', 'priorityclasses')
const storageClasses = clusterWide('storage.k8s.io/v1', 'storageclasses')

/** No controller fills a status here: it is written. */
const quota = (hard: object, used: object, spec: object = {}, name = 'q'): Request[] => [
  create(quotas, { metadata: { name }, spec: { hard, ...spec } }),
  patch('merge', `${quotas}/${name}/status`, { status: { hard, used } }),
]
/** Tried without writing until it is refused: the server learns of a quota a moment later. */
const learnt = ({ path, ...request }: Request): Request => ({ ...request, path: `${path}?dryRun=All`, until: 403 })
const selected = (scopeName: string, operator: string, ...values: string[]) => ({
  scopeSelector: { matchExpressions: [{ scopeName, operator, ...(values.length > 0 ? { values } : {}) }] },
})

/** A quota of no pods for a scope: what is in it is refused, what is out of it is made. */
const scoped = (name: string, spec: object, { within, without }: { within: object; without: object }, given: Request[] = []): Case => ({
  name,
  given: [...given, ...quota({ pods: '0' }, { pods: '0' }, spec), learnt(create(pods, within))],
  steps: [create(pods, within), create(pods, without)],
})

const plain = podWith({})
const ending = podWith({ activeDeadlineSeconds: 60 })
const requesting = podOf({ resources: { requests: { cpu: '1' } } })
const limited = podOf({ resources: { limits: { 'example.com/x': '1' } } })
const term = (more: object) => ({ topologyKey: 't', labelSelector: {}, ...more })
const abroad = (kind: 'podAffinity' | 'podAntiAffinity', more: object) =>
  podWith({ affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term(more)] } } })
const preferring = podWith({
  affinity: {
    podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term({ namespaces: ['other'] }) }] },
  },
})
const high = create(priorities, { metadata: { name: 'upstream-quotas-high' }, value: 7 })
const ofClass = podWith({ priorityClassName: 'upstream-quotas-high' })
/** The plugin that looks the class up has to have learnt of it. */
const known = [high, { ...create(`${pods}?dryRun=All`, ofClass), until: 201 }]

const scopes: Case[] = [
  scoped('those that end', { scopes: ['Terminating'] }, { within: ending, without: plain }),
  scoped('those that do not end', { scopes: ['NotTerminating'] }, { within: plain, without: ending }),
  scoped('best effort', { scopes: ['BestEffort'] }, { within: plain, without: requesting }),
  scoped('not best effort', { scopes: ['NotBestEffort'] }, { within: requesting, without: plain }),
  scoped('best effort with what is no share of the machine', { scopes: ['BestEffort'] }, { within: limited, without: requesting }),
  scoped(
    'two at once',
    { scopes: ['Terminating', 'NotBestEffort'] },
    { within: podOf({ resources: { requests: { cpu: '1' } } }, { activeDeadlineSeconds: 5 }), without: ending },
  ),
  scoped(
    'affinity to named namespaces',
    { scopes: ['CrossNamespacePodAffinity'] },
    { within: abroad('podAffinity', { namespaces: ['other'] }), without: abroad('podAffinity', {}) },
  ),
  scoped(
    'affinity to selected namespaces',
    { scopes: ['CrossNamespacePodAffinity'] },
    { within: abroad('podAntiAffinity', { namespaceSelector: {} }), without: plain },
  ),
  scoped('affinity that is a wish', selected('CrossNamespacePodAffinity', 'Exists'), { within: preferring, without: plain }),
  scoped('of a class', selected('PriorityClass', 'In', 'upstream-quotas-high'), { within: ofClass, without: plain }, known),
  scoped('of any class', selected('PriorityClass', 'Exists'), { within: ofClass, without: plain }, known),
  scoped('of no class', selected('PriorityClass', 'DoesNotExist'), { within: plain, without: ofClass }, known),
  scoped(
    'of another class',
    selected('PriorityClass', 'NotIn', 'other'),
    { within: ofClass, without: podWith({ activeDeadlineSeconds: 5, priorityClassName: 'upstream-quotas-high' }, { name: 'z' }) },
    known,
  ),
  scoped('a selector of those that end', selected('Terminating', 'Exists'), { within: ending, without: plain }),
]

const over = (name: string, hard: object, used: object, ...requests: object[]): Case => ({
  name,
  given: [...quota(hard, used), learnt(create(pods, requests[0]!))],
  steps: requests.map((pod) => create(pods, pod)),
})
const sized = (requests: object, limits: object = {}, spec: object = {}) => podOf({ resources: { requests, limits } }, spec)
const zeros = (...names: string[]) => Object.fromEntries(names.map((name) => [name, '0']))

const amounts: Case[] = [
  over(
    'several at once',
    { 'requests.cpu': '1', 'requests.memory': '1Gi', pods: '5' },
    zeros('requests.cpu', 'requests.memory', 'pods'),
    sized({ cpu: '2', memory: '2Gi' }),
  ),
  over(
    'one of several',
    { 'requests.cpu': '1', 'requests.memory': '1Gi' },
    zeros('requests.cpu', 'requests.memory'),
    sized({ cpu: '500m', memory: '1025Mi' }),
  ),
  over('by its plain name', { cpu: '1', memory: '1Gi' }, zeros('cpu', 'memory'), sized({ cpu: '1500m', memory: '1Gi' })),
  over(
    'limits',
    { 'limits.cpu': '1', 'limits.memory': '1Gi' },
    zeros('limits.cpu', 'limits.memory'),
    sized({}, { cpu: '2', memory: '1Mi' }),
  ),
  over(
    'what is not said, of two containers',
    { 'requests.cpu': '1', 'limits.cpu': '1', 'requests.memory': '1Gi' },
    zeros('requests.cpu', 'limits.cpu', 'requests.memory'),
    podWith({
      initContainers: [{ name: 'i', image: 'i' }],
      containers: [
        { name: 'a', image: 'i', resources: { requests: { cpu: '1m' } } },
        { name: 'b', image: 'i', resources: { limits: { memory: '1Mi' } } },
      ],
    }),
  ),
  over('what is not said, by its plain name', { cpu: '1' }, zeros('cpu'), plain),
  over(
    'what the pod says itself',
    { 'requests.cpu': '1' },
    zeros('requests.cpu'),
    podWith({ resources: { requests: { cpu: '2' }, limits: { cpu: '2' } } }),
  ),
  over(
    'room on the disk',
    { 'requests.ephemeral-storage': '1Gi', 'ephemeral-storage': '1Gi' },
    zeros('requests.ephemeral-storage', 'ephemeral-storage'),
    sized({ 'ephemeral-storage': '2Gi' }),
  ),
  over(
    'an own resource',
    { 'requests.example.com/x': '1' },
    zeros('requests.example.com/x'),
    sized({ 'example.com/x': '2' }, { 'example.com/x': '2' }),
  ),
  over(
    'huge pages',
    { 'hugepages-2Mi': '2Mi', 'requests.hugepages-2Mi': '2Mi' },
    zeros('hugepages-2Mi', 'requests.hugepages-2Mi'),
    sized({ 'hugepages-2Mi': '4Mi', cpu: '1' }, { 'hugepages-2Mi': '4Mi' }),
  ),
  over(
    'an init container that needs more',
    { 'requests.cpu': '1' },
    zeros('requests.cpu'),
    podWith({
      initContainers: [{ name: 'i', image: 'i', resources: { requests: { cpu: '2' } } }],
      containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '1m' } } }],
    }),
  ),
  over(
    'an init container that stays',
    { 'requests.cpu': '1' },
    zeros('requests.cpu'),
    podWith({
      initContainers: [{ name: 'i', image: 'i', restartPolicy: 'Always', resources: { requests: { cpu: '600m' } } }],
      containers: [{ name: 'c', image: 'i', resources: { requests: { cpu: '600m' } } }],
    }),
  ),
  over('counted by the kind', { 'count/pods': '0' }, zeros('count/pods'), plain),
  over('counted both ways', { 'count/pods': '0', pods: '0' }, zeros('count/pods', 'pods'), plain),
]

/** `used`: how many there are already. */
function counted(name: string, collection: string, resource: string, object: object, used = '0'): Case {
  const made = create(collection, object)
  return { name, given: [...quota({ [resource]: '0' }, { [resource]: used }), learnt(made)], steps: [made] }
}
const named = (more: object = {}) => ({ metadata: { name: 'x' }, ...more })
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
const workload = named({ spec: { selector: { matchLabels: { a: 'b' } }, template } })
const counts: Case[] = [
  counted('Deployments', namespaced('apps/v1', 'deployments'), 'count/deployments.apps', workload),
  counted(
    'Jobs',
    namespaced('batch/v1', 'jobs'),
    'count/jobs.batch',
    named({ spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } }),
  ),
  counted('secrets', namespaced('v1', 'secrets'), 'secrets', named()),
  counted('quotas', namespaced('v1', 'resourcequotas'), 'resourcequotas', named({ spec: { hard: { pods: '1' } } }), '1'),
  counted('accounts', namespaced('v1', 'serviceaccounts'), 'count/serviceaccounts', named(), '1'),
  counted('services', namespaced('v1', 'services'), 'services', named({ spec: { ports: [{ port: 1 }] } })),
  counted('controllers', namespaced('v1', 'replicationcontrollers'), 'replicationcontrollers', named({ spec: { template } })),
  counted('leases', namespaced('coordination.k8s.io/v1', 'leases'), 'count/leases.coordination.k8s.io', named()),
]

const service = (spec: object) => named({ spec: { ports: [{ port: 1 }], ...spec } })
const asked = (name: string, hard: object, used: object, ...requests: Request[]): Case => ({
  name,
  given: [...quota(hard, used), learnt(requests[0]!)],
  steps: requests,
})
const ofServices: Case[] = [
  asked(
    'balancers, their ports too',
    { 'services.loadbalancers': '0', 'services.nodeports': '0' },
    zeros('services.loadbalancers', 'services.nodeports'),
    create(services, service({ type: 'LoadBalancer' })),
  ),
  asked(
    'a balancer without ports',
    { 'services.nodeports': '0' },
    zeros('services.nodeports'),
    create(services, service({ type: 'NodePort' })),
    create(services, service({ type: 'LoadBalancer', allocateLoadBalancerNodePorts: false })),
  ),
  {
    name: 'a service that takes a port later',
    given: [create(services, service({})), ...quota({ 'services.nodeports': '0' }, { 'services.nodeports': '0' })],
    steps: [
      { ...patch('merge', `${services}/x`, { spec: { type: 'NodePort' } }), until: 403 },
      patch('merge', `${services}/x`, { metadata: { labels: { a: 'b' } } }),
    ],
  },
]

const claim = (storage: string, more: object = {}) =>
  merged({ metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage } } } }, more)
const gold = { spec: { storageClassName: 'gold' } }
const goldRoom = 'gold.storageclass.storage.k8s.io/requests.storage'
const goldCount = 'gold.storageclass.storage.k8s.io/persistentvolumeclaims'
const ofClaims: Case[] = [
  asked('room of a class', { [goldRoom]: '1Gi' }, zeros(goldRoom), create(claims, claim('2Gi', gold)), create(claims, claim('2Gi'))),
  asked(
    'claims of a class',
    { [goldCount]: '0', persistentvolumeclaims: '5' },
    zeros(goldCount, 'persistentvolumeclaims'),
    create(claims, claim('1Gi', gold)),
  ),
  asked(
    'room and number',
    { 'requests.storage': '1Gi', persistentvolumeclaims: '0' },
    zeros('requests.storage', 'persistentvolumeclaims'),
    create(claims, claim('2Gi')),
  ),
  {
    name: 'a class of attributes',
    given: quota({ 'requests.storage': '0' }, { 'requests.storage': '0' }, selected('VolumeAttributesClass', 'In', 'a')),
    steps: [
      learnt(create(claims, claim('1Gi', { spec: { volumeAttributesClassName: 'a' } }))),
      create(claims, claim('1Gi', { spec: { volumeAttributesClassName: 'b' } })),
    ],
  },
  {
    name: 'no class of attributes',
    given: quota({ persistentvolumeclaims: '0' }, { persistentvolumeclaims: '0' }, selected('VolumeAttributesClass', 'DoesNotExist')),
    steps: [learnt(create(claims, claim('1Gi'))), create(claims, claim('1Gi', { spec: { volumeAttributesClassName: 'b' } }))],
  },
  {
    name: 'growing beyond',
    given: [
      create(storageClasses, { metadata: { name: 'upstream-quotas-grows' }, provisioner: 'p', allowVolumeExpansion: true }),
      create(claims, claim('1Gi', { spec: { storageClassName: 'upstream-quotas-grows', volumeName: 'v' } })),
      patch('merge', `${claims}/c/status`, { status: { phase: 'Bound', capacity: { storage: '1Gi' } } }),
      ...quota({ 'requests.storage': '2Gi' }, { 'requests.storage': '1Gi' }),
    ],
    steps: [{ ...patch('merge', `${claims}/c`, { spec: { resources: { requests: { storage: '3Gi' } } } }), until: 403 }],
  },
]

const later: Case[] = [
  {
    name: 'a container that grows beyond',
    given: [create(pods, sized({ cpu: '1' })), ...quota({ 'requests.cpu': '2' }, { 'requests.cpu': '1' })],
    steps: [
      {
        ...patch('strategic', `${pods}/p/resize`, { spec: { containers: [{ name: 'c', resources: { requests: { cpu: '4' } } }] } }),
        until: 403,
      },
    ],
  },
  {
    name: 'a pod while the quota is full, changed',
    given: [create(pods, plain), ...quota({ pods: '1' }, { pods: '1' })],
    steps: [
      learnt(create(pods, podWith({}, { name: 'second' }))),
      patch('merge', `${pods}/p`, { metadata: { labels: { a: 'b' } } }),
      { ...create(`${pods}?dryRun=All`, podWith({}, { name: 'third' })) },
    ],
  },
  {
    name: 'what is not said, tried without writing',
    given: quota({ 'requests.cpu': '1' }, { 'requests.cpu': '0' }),
    steps: [learnt(create(pods, plain))],
  },
]

export const cases: readonly Case[] = [
  ...titled('scope', scopes),
  ...titled('amount', amounts),
  ...titled('count', counts),
  ...titled('services', ofServices),
  ...titled('claims', ofClaims),
  ...titled('later', later),
]
