/** What the creator of an object owns of it once the server has filled it in. */
import { configured, labelled, showsManagers, shownTo } from '../managers-shown.ts'
import { plainContainer, podWith } from '../pod-cases.ts'
import { type Case, clusterWide, create, merged, namespaced, patch, replace, type Request } from '../upstream-case.ts'

export const hooks = { shows: showsManagers, last: showsManagers }
const configMaps = namespaced('v1', 'configmaps')
export const given: readonly Request[] = [
  configured('validating', 'kinds-shows', labelled('shows')),
  configured('validating', 'kinds-last', labelled('last')),
  { ...create(configMaps, shownTo('last', { metadata: { name: 'c' } })), until: 400 },
]

const metadata = { name: 'n' }
const selector = { matchLabels: { a: 'b' } }
const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [plainContainer] } }
const group = (name: string, plural: string) => namespaced(name, plural)

type Shown = { readonly path: string; readonly object: object; readonly change?: object }

/** By what is created, and then changed. */
const kinds: Readonly<Record<string, Shown>> = {
  pod: { path: namespaced('v1', 'pods'), object: podWith({}) },
  'pod of an account': {
    path: namespaced('v1', 'pods'),
    object: podWith({ automountServiceAccountToken: false }),
    change: { metadata: { annotations: { a: 'b' } } },
  },
  'pod with more': {
    path: namespaced('v1', 'pods'),
    object: podWith({
      volumes: [
        { name: 'v', emptyDir: {} },
        { name: 'w', configMap: { name: 'c' } },
      ],
      tolerations: [{ operator: 'Exists', effect: 'NoSchedule' }],
      containers: [
        {
          ...plainContainer,
          ports: [{ containerPort: 80 }],
          env: [{ name: 'E', value: 'f' }],
          resources: { requests: { cpu: '1' } },
          volumeMounts: [{ name: 'v', mountPath: '/v' }],
          livenessProbe: { httpGet: { port: 80 } },
          securityContext: {},
        },
      ],
      securityContext: { runAsUser: 1 },
      priorityClassName: 'system-node-critical',
    }),
  },
  'pod with a status': { path: namespaced('v1', 'pods'), object: merged(podWith({}), { status: { phase: 'Running' } }) },
  service: {
    path: namespaced('v1', 'services'),
    object: { metadata, spec: { ports: [{ port: 80 }], selector: { a: 'b' } } },
    change: { spec: { type: 'NodePort' } },
  },
  'service with an address': {
    path: namespaced('v1', 'services'),
    object: { metadata, spec: { ports: [{ port: 80, name: 'a' }], clusterIP: 'None' } },
  },
  'service of a balancer': {
    path: namespaced('v1', 'services'),
    object: { metadata, spec: { type: 'LoadBalancer', ports: [{ port: 80 }], externalTrafficPolicy: 'Local' } },
  },
  secret: { path: namespaced('v1', 'secrets'), object: { metadata, stringData: { a: 'b' } }, change: { stringData: { c: 'd' } } },
  'config map': { path: configMaps, object: { metadata: { ...metadata, finalizers: ['a.b/c'] }, data: { a: 'b' }, immutable: true } },
  'service account': { path: namespaced('v1', 'serviceaccounts'), object: { metadata, automountServiceAccountToken: false } },
  claim: {
    path: namespaced('v1', 'persistentvolumeclaims'),
    object: { metadata, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } },
    change: { spec: { volumeName: 'v' } },
  },
  volume: {
    path: clusterWide('v1', 'persistentvolumes'),
    object: {
      metadata: { name: 'upstream-managers' },
      spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/v' } },
    },
    change: { spec: { persistentVolumeReclaimPolicy: 'Delete' } },
  },
  node: {
    path: clusterWide('v1', 'nodes'),
    object: { metadata: { name: 'upstream-managers' } },
    change: { spec: { unschedulable: true } },
  },
  namespace: {
    path: clusterWide('v1', 'namespaces'),
    object: { metadata: { name: 'upstream-managers' } },
    change: { metadata: { annotations: { a: 'b' } } },
  },
  quota: { path: namespaced('v1', 'resourcequotas'), object: { metadata, spec: { hard: { pods: '10' } } } },
  range: { path: namespaced('v1', 'limitranges'), object: { metadata, spec: { limits: [{ type: 'Container', max: { cpu: '1' } }] } } },
  controller: { path: namespaced('v1', 'replicationcontrollers'), object: { metadata, spec: { template } } },
  endpoints: {
    path: namespaced('v1', 'endpoints'),
    object: { metadata, subsets: [{ addresses: [{ ip: '10.1.1.1' }], ports: [{ port: 80 }] }] },
  },
  event: {
    path: namespaced('v1', 'events'),
    object: { metadata, involvedObject: { kind: 'Pod', namespace: '$ns', name: 'p' }, reason: 'r', message: 'm', type: 'Normal', count: 1 },
  },
  deployment: {
    path: group('apps/v1', 'deployments'),
    object: { metadata, spec: { selector, template } },
    change: { spec: { replicas: 3 } },
  },
  'stateful set': {
    path: group('apps/v1', 'statefulsets'),
    object: { metadata, spec: { selector, template, serviceName: 's' } },
    change: { spec: { replicas: 3 } },
  },
  'daemon set': { path: group('apps/v1', 'daemonsets'), object: { metadata, spec: { selector, template } } },
  'replica set': { path: group('apps/v1', 'replicasets'), object: { metadata, spec: { selector, template } } },
  revision: { path: group('apps/v1', 'controllerrevisions'), object: { metadata, revision: 1, data: { a: { b: 1 } } } },
  job: {
    path: group('batch/v1', 'jobs'),
    object: { metadata, spec: { template: merged(template, { spec: { restartPolicy: 'Never' } }) } },
  },
  'cron job': {
    path: group('batch/v1', 'cronjobs'),
    object: {
      metadata,
      spec: { schedule: '@daily', jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [plainContainer] } } } } },
    },
  },
  autoscaler: {
    path: group('autoscaling/v2', 'horizontalpodautoscalers'),
    object: { metadata, spec: { scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' }, maxReplicas: 3 } },
  },
  'autoscaler of v1': {
    path: group('autoscaling/v1', 'horizontalpodautoscalers'),
    object: {
      metadata,
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'd' },
        maxReplicas: 3,
        targetCPUUtilizationPercentage: 50,
      },
    },
  },
  budget: {
    path: group('policy/v1', 'poddisruptionbudgets'),
    object: { metadata, spec: { selector, minAvailable: 1 } },
    change: { spec: { minAvailable: 2 } },
  },
  ingress: {
    path: group('networking.k8s.io/v1', 'ingresses'),
    object: { metadata, spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } } },
  },
  'network policy': {
    path: group('networking.k8s.io/v1', 'networkpolicies'),
    object: { metadata, spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] } },
  },
  role: {
    path: group('rbac.authorization.k8s.io/v1', 'roles'),
    object: { metadata, rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }] },
  },
  binding: {
    path: group('rbac.authorization.k8s.io/v1', 'rolebindings'),
    object: {
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'User', name: 'u' }],
    },
  },
  class: {
    path: clusterWide('storage.k8s.io/v1', 'storageclasses'),
    object: { metadata: { name: 'upstream-managers' }, provisioner: 'a.b/c' },
  },
  attachment: {
    path: clusterWide('storage.k8s.io/v1', 'volumeattachments'),
    object: {
      metadata: { name: 'upstream-managers' },
      spec: { attacher: 'a.b', nodeName: 'n', source: { persistentVolumeName: 'v' } },
      status: { attached: true },
    },
  },
  driver: { path: clusterWide('storage.k8s.io/v1', 'csidrivers'), object: { metadata: { name: 'upstream-managers' }, spec: {} } },
  priority: {
    path: clusterWide('scheduling.k8s.io/v1', 'priorityclasses'),
    object: { metadata: { name: 'upstream-managers' }, value: 10 },
  },
  lease: {
    path: group('coordination.k8s.io/v1', 'leases'),
    object: { metadata, spec: { holderIdentity: 'a', renewTime: '2026-01-01T00:00:00.000000Z' } },
  },
  slice: {
    path: group('discovery.k8s.io/v1', 'endpointslices'),
    object: { metadata, addressType: 'IPv4', endpoints: [{ addresses: ['10.1.1.1'] }], ports: [{ port: 80 }] },
  },
  'resource claim': {
    path: group('resource.k8s.io/v1', 'resourceclaims'),
    object: { metadata, spec: { devices: { requests: [{ name: 'r', exactly: { deviceClassName: 'c' } }] } } },
  },
  'flow schema': {
    path: clusterWide('flowcontrol.apiserver.k8s.io/v1', 'flowschemas'),
    object: { metadata: { name: 'upstream-managers' }, spec: { priorityLevelConfiguration: { name: 'exempt' } } },
  },
  policy: {
    path: clusterWide('admissionregistration.k8s.io/v1', 'validatingadmissionpolicies'),
    object: {
      metadata: { name: 'upstream-managers' },
      spec: {
        matchConstraints: { resourceRules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods'] }] },
        validations: [{ expression: 'true' }],
      },
    },
  },
  definition: {
    path: clusterWide('apiextensions.k8s.io/v1', 'customresourcedefinitions'),
    object: {
      metadata: { name: 'shows.managers.example.com' },
      spec: {
        group: 'managers.example.com',
        scope: 'Namespaced',
        names: { plural: 'shows', kind: 'Show' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    },
  },
}

const nameOf = (object: object) => (object as { metadata: { name: string } }).metadata.name
const shows = { metadata: { labels: { 'shown-to': 'shows' } } }

export const cases: readonly Case[] = Object.entries(kinds).flatMap(([name, { path, object, change }]) => [
  { name: `${name} created`, steps: [create(path, merged(object, shows))] },
  ...(change
    ? [
        {
          name: `${name} changed`,
          given: [create(path, object)],
          steps: [
            { ...patch('merge', `${path}/${nameOf(object)}?fieldManager=second`, merged(change, shows)) },
            { ...replace(`${path}/${nameOf(object)}?fieldManager=third`, merged(merged(object, change), shows)) },
          ],
        },
      ]
    : []),
])
