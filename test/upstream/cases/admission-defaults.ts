/** What admission fills in and refuses beside limits and quotas: default classes, protections, tolerations, runtimes, accounts. */
import { podOf, podWith, pods } from '../pod-cases.ts'
import { type Case, clusterWide, create, merged, namespaced, patch, read, remove, replace, type Request, titled } from '../upstream-case.ts'

const claims = namespaced('v1', 'persistentvolumeclaims')
const volumes = clusterWide('v1', 'persistentvolumes')
const storageClasses = clusterWide('storage.k8s.io/v1', 'storageclasses')
const ingresses = namespaced('networking.k8s.io/v1', 'ingresses')
const ingressClasses = clusterWide('networking.k8s.io/v1', 'ingressclasses')
const priorities = clusterWide('scheduling.k8s.io/v1', 'priorityclasses')
const runtimes = clusterWide('node.k8s.io/v1', 'runtimeclasses')
const nodes = clusterWide('v1', 'nodes')
const accounts = namespaced('v1', 'serviceaccounts')

const claim = (more: object = {}) =>
  merged({ metadata: { name: 'c' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }, more)
const isDefault = (group: string) => ({ annotations: { [`${group}.kubernetes.io/is-default-class`]: 'true' } })
const storageClass = (name: string, metadata: object) => create(storageClasses, { metadata: { name, ...metadata }, provisioner: 'p' })
/** Tried without writing until it is taken: the server learns of a class a moment later. */
const taken = ({ path, ...request }: Request): Request => ({ ...request, path: `${path}?dryRun=All`, until: 201 })

const ofStorage: Case[] = [
  {
    name: 'a default class',
    given: [storageClass('upstream-defaults-a', isDefault('storageclass'))],
    steps: [create(claims, claim()), create(claims, claim({ metadata: { name: 'd' }, spec: { storageClassName: '' } }))],
  },
  {
    name: 'a default class by its old annotation',
    given: [storageClass('upstream-defaults-b', { annotations: { 'storageclass.beta.kubernetes.io/is-default-class': 'true' } })],
    steps: [create(claims, claim())],
  },
  {
    name: 'a default class beside an annotation',
    given: [storageClass('upstream-defaults-e', isDefault('storageclass'))],
    steps: [create(claims, claim({ metadata: { annotations: { 'volume.beta.kubernetes.io/storage-class': 'x' } } }))],
  },
  {
    name: 'a class that is no default',
    given: [storageClass('upstream-defaults-f', { annotations: { 'storageclass.kubernetes.io/is-default-class': 'True' } })],
    steps: [create(claims, claim())],
  },
]

const volume = {
  metadata: { name: 'upstream-defaults-v' },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], hostPath: { path: '/x' } },
}
const ofProtection: Case[] = [
  {
    name: 'own finalizers',
    steps: [
      create(claims, claim({ metadata: { finalizers: ['a/b'] } })),
      create(volumes, merged(volume, { metadata: { finalizers: ['a/b'] } })),
    ],
  },
  {
    name: 'the same finalizer',
    steps: [
      create(claims, claim({ metadata: { finalizers: ['kubernetes.io/pvc-protection'] } })),
      create(volumes, merged(volume, { metadata: { finalizers: ['kubernetes.io/pv-protection', 'a/b'] } })),
    ],
  },
  {
    name: 'taken away',
    given: [create(claims, claim())],
    steps: [patch('merge', `${claims}/c`, { metadata: { finalizers: null } }), remove(`${claims}/c`), read(`${claims}/c`)],
  },
  {
    name: 'gone with the finalizer',
    given: [create(claims, claim())],
    steps: [
      remove(`${claims}/c`),
      patch('merge', `${claims}/c`, { metadata: { finalizers: ['x/y', 'kubernetes.io/pvc-protection'] } }),
      patch('merge', `${claims}/c`, { metadata: { finalizers: [] } }),
      read(`${claims}/c`),
    ],
  },
]

const ingress = (more: object = {}) =>
  merged({ metadata: { name: 'i' }, spec: { defaultBackend: { service: { name: 's', port: { number: 1 } } } } }, more)
const ingressClass = (name: string, metadata: object) =>
  create(ingressClasses, { metadata: { name, ...metadata }, spec: { controller: 'a.b/c' } })
const ofIngress: Case[] = [
  {
    name: 'a default class',
    given: [ingressClass('upstream-defaults-i', isDefault('ingressclass'))],
    steps: [
      create(ingresses, ingress()),
      create(ingresses, ingress({ metadata: { name: 'j', annotations: { 'kubernetes.io/ingress.class': 'x' } } })),
    ],
  },
]

const tolerating = (...tolerations: object[]) => podWith({ tolerations })
const notReady = 'node.kubernetes.io/not-ready'
const unreachable = 'node.kubernetes.io/unreachable'
const ofTolerations: Case[] = Object.entries({
  none: podWith({}),
  'one of both': tolerating({ key: notReady, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 7 }),
  'another effect': tolerating({ key: notReady, operator: 'Exists', effect: 'NoSchedule' }),
  'any effect': tolerating({ key: notReady, operator: 'Exists' }, { key: unreachable, operator: 'Equal', value: 'x' }),
  everything: tolerating({ operator: 'Exists' }),
  'everything that evicts': tolerating({ operator: 'Exists', effect: 'NoExecute' }),
  'something else': tolerating({ key: 'a', operator: 'Equal', value: 'b', effect: 'NoExecute', tolerationSeconds: 1 }),
}).map(([name, pod]) => ({ name, steps: [create(pods, pod)] }))

const priority = (name: string, more: object = {}) => create(priorities, { metadata: { name }, value: 7, ...more })
const ofPriority: Case[] = [
  {
    name: 'a second default',
    given: [priority('upstream-defaults-p', { globalDefault: true, value: 3 })],
    steps: [
      { ...priority('upstream-defaults-q', { globalDefault: true }), path: `${priorities}?dryRun=All`, until: 403 },
      priority('upstream-defaults-q'),
      patch('merge', `${priorities}/upstream-defaults-q`, { globalDefault: true }),
      patch('merge', `${priorities}/upstream-defaults-p`, { description: 'd', globalDefault: true }),
      create(pods, podWith({})),
      create(pods, podWith({ priorityClassName: 'upstream-defaults-q' }, { name: 'q' })),
    ],
  },
  {
    name: 'numbers of the cluster alone',
    steps: [
      priority('upstream-defaults-r', { value: 1_000_000_001 }),
      priority('system-x', { value: 1 }),
      priority('upstream-defaults-r', { value: 1_000_000_000 }),
      priority('upstream-defaults-s', { value: -2_147_483_648, preemptionPolicy: 'Perhaps' }),
    ],
  },
  {
    name: 'a class and its own number',
    steps: [
      create(pods, podWith({ priorityClassName: 'system-cluster-critical', priority: 2_000_000_000 })),
      create(pods, podWith({ priorityClassName: 'system-cluster-critical', preemptionPolicy: 'Never' }, { name: 'q' })),
    ],
  },
  {
    name: 'changed later',
    given: [create(pods, podWith({}))],
    steps: [
      patch('merge', `${pods}/p`, { spec: { priorityClassName: 'system-cluster-critical' } }),
      patch('merge', `${pods}/p`, { spec: { priority: 5 } }),
    ],
  },
]

const runtime = (name: string, more: object) => create(runtimes, { metadata: { name }, handler: 'h', ...more })
const toleration = (more: object) => ({ key: 'k', effect: 'NoSchedule', ...more })
const run = (name: string, spec: object = {}, metadata: object = {}) => create(pods, podWith({ runtimeClassName: name, ...spec }, metadata))
const ofRuntime: Case[] = [
  {
    name: 'what it costs',
    given: [
      runtime('upstream-defaults-cost', { overhead: { podFixed: { cpu: '10m', memory: '1Mi' } } }),
      taken(run('upstream-defaults-cost')),
    ],
    steps: [
      run('upstream-defaults-cost'),
      run('upstream-defaults-cost', { overhead: { cpu: '0.01', memory: '1024Ki' } }, { name: 'q' }),
      run('upstream-defaults-cost', { overhead: { cpu: '10m' } }, { name: 'r' }),
    ],
  },
  {
    name: 'where it is',
    given: [
      runtime('upstream-defaults-where', {
        scheduling: {
          nodeSelector: { a: 'b', c: 'd' },
          tolerations: [toleration({ operator: 'Equal', value: 'v' }), toleration({ operator: 'Exists' })],
        },
      }),
      taken(run('upstream-defaults-where')),
    ],
    steps: [
      run('upstream-defaults-where', { nodeSelector: { a: 'b', x: 'y' } }),
      run(
        'upstream-defaults-where',
        { tolerations: [toleration({ operator: 'Equal', value: 'v' }), { key: 'z', operator: 'Exists' }] },
        { name: 'q' },
      ),
      run('upstream-defaults-where', { nodeSelector: { c: 'x' } }, { name: 'r' }),
    ],
  },
  {
    name: 'what costs nothing',
    given: [runtime('upstream-defaults-free', {}), taken(run('upstream-defaults-free'))],
    steps: [run('upstream-defaults-free', { overhead: { cpu: '1' } })],
  },
]

const ofAccounts: Case[] = [
  {
    name: 'no token by the pod',
    given: [create(accounts, { metadata: { name: 'quiet' }, automountServiceAccountToken: false })],
    steps: [
      create(pods, podWith({ automountServiceAccountToken: false })),
      create(pods, podWith({ serviceAccountName: 'quiet', automountServiceAccountToken: true }, { name: 'q' })),
    ],
  },
  {
    name: 'an own volume at its place',
    steps: [
      create(
        pods,
        podOf(
          { volumeMounts: [{ name: 'own', mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' }] },
          { volumes: [{ name: 'own', emptyDir: {} }] },
        ),
      ),
      create(pods, podWith({ volumes: [{ name: 'kube-api-access-own', emptyDir: {} }] }, { name: 'q' })),
    ],
  },
  {
    name: 'the old field',
    steps: [
      create(pods, podWith({ serviceAccount: 'none' })),
      create(pods, podWith({ serviceAccount: 'default', serviceAccountName: 'other' })),
    ],
  },
  {
    name: 'a pod that the server names',
    steps: [
      create(pods, { metadata: { generateName: 'made-' }, spec: { serviceAccountName: 'none', containers: [{ name: 'c', image: 'i' }] } }),
    ],
  },
  {
    name: 'mirrors',
    steps: [
      create(pods, podWith({ nodeName: 'n', serviceAccountName: 'default' }, { annotations: { 'kubernetes.io/config.mirror': 'x' } })),
      create(
        pods,
        podWith(
          { nodeName: 'n', volumes: [{ name: 'v', secret: { secretName: 's' } }] },
          { annotations: { 'kubernetes.io/config.mirror': 'x' } },
        ),
      ),
      create(
        pods,
        podWith(
          { nodeName: 'n', volumes: [{ name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }] },
          { annotations: { 'kubernetes.io/config.mirror': 'x' } },
        ),
      ),
    ],
  },
  {
    name: 'ephemeral containers of a strict account',
    differs: 'upstream calls this refusal an error of its own (500)',
    given: [
      create(accounts, {
        metadata: { name: 'strict', annotations: { 'kubernetes.io/enforce-mountable-secrets': 'true' } },
        secrets: [{ name: 'a' }],
      }),
      { ...create(`${pods}?dryRun=All`, podWith({ serviceAccountName: 'strict' })), until: 201 },
      create(pods, podWith({ serviceAccountName: 'strict' })),
    ],
    steps: [
      patch('strategic', `${pods}/p/ephemeralcontainers`, {
        spec: { ephemeralContainers: [{ name: 'e', image: 'i', envFrom: [{ secretRef: { name: 'b' } }] }] },
      }),
      patch('strategic', `${pods}/p/ephemeralcontainers`, {
        spec: {
          ephemeralContainers: [{ name: 'e', image: 'i', env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'b', key: 'k' } } }] }],
        },
      }),
    ],
  },
]

const gone = '/api/v1/namespaces/upstream-defaults-gone'
const ofNamespaces: Case[] = [
  {
    name: 'that is not there',
    steps: [
      create(`${gone}/configmaps`, { metadata: { name: 'm' } }),
      create(`${gone}/pods`, podWith({})),
      replace(`${gone}/configmaps/m`, { metadata: { name: 'm' } }),
      remove(`${gone}/configmaps/m`),
    ],
  },
  { name: 'that nobody deletes', steps: ['default', 'kube-system', 'kube-public'].map((name) => remove(`/api/v1/namespaces/${name}`)) },
  {
    name: 'that ends',
    given: [create('/api/v1/namespaces', { metadata: { name: 'upstream-defaults-gone' } }), remove(gone)],
    steps: [
      { ...create(`${gone}/configmaps`, { metadata: { name: 'm' } }), until: 403 },
      create(`${gone}/serviceaccounts`, { metadata: { generateName: 'a-' } }),
      create('/api/v1/namespaces', { metadata: { name: 'upstream-defaults-gone' } }),
    ],
  },
]

const ofNodes: Case[] = [
  {
    name: 'a new one',
    steps: [
      create(nodes, { metadata: { name: 'upstream-defaults-n' } }),
      create(nodes, {
        metadata: { name: 'upstream-defaults-m' },
        spec: {
          taints: [
            { key: notReady, effect: 'NoSchedule' },
            { key: 'a', effect: 'NoExecute' },
          ],
        },
      }),
    ],
  },
]

export const cases: readonly Case[] = [
  ...titled('storage', ofStorage),
  ...titled('protection', ofProtection),
  ...titled('ingress', ofIngress),
  ...titled('tolerations', ofTolerations),
  ...titled('priority', ofPriority),
  ...titled('runtime', ofRuntime),
  ...titled('accounts', ofAccounts),
  ...titled('namespaces', ofNamespaces),
  ...titled('nodes', ofNodes),
]
