/** Server-side apply to workloads and Services: items of lists, scale, status, what is atomic. */
import { type Case, clusterWide, create, namespaced, patch, type Request } from '../upstream-case.ts'

const deployments = namespaced('apps/v1', 'deployments')
const services = namespaced('v1', 'services')
const pods = namespaced('v1', 'pods')

const apply = (path: string, manager: string, body: object | string, more = ''): Request =>
  patch('apply', `${path}?fieldManager=${manager}${more}`, body)
const onMap = (name: string, ...steps: readonly Request[]): Case => ({ name, steps, withManagedFields: true })

const differs = 'upstream answers 500 to what is the fault of the client'
const serverFault = (name: string, ...steps: readonly Request[]): Case => ({ ...onMap(name, ...steps), differs })

const container = (name: string, more: object = {}) => ({ name, image: 'i', ...more })
const deployment = (containers: readonly object[], spec: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd' },
  spec: { ...spec, selector: { matchLabels: { app: 'd' } }, template: { metadata: { labels: { app: 'd' } }, spec: { containers } } },
})
const d = `${deployments}/d`
const service = (ports: readonly object[], spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 's' },
  spec: { ports, ...spec },
})
const s = `${services}/s`

export const cases: readonly Case[] = [
  onMap(
    'items by their key',
    apply(d, 'a', deployment([container('one'), container('two')])),
    apply(d, 'b', deployment([container('three'), container('one')])),
    apply(d, 'a', deployment([container('two')])),
  ),
  onMap('an item without its key', apply(d, 'a', deployment([{ image: 'i' }]))),
  serverFault('two items of one key', apply(d, 'a', deployment([container('one'), container('one')]))),
  serverFault('an item that is no object', apply(d, 'a', deployment(['one' as unknown as object]))),
  onMap(
    'replicas: a conflict',
    apply(d, 'a', deployment([container('one')], { replicas: 1 })),
    apply(d, 'b', deployment([container('one')], { replicas: 2 })),
  ),
  onMap(
    'replicas: handed over through scale',
    apply(d, 'a', deployment([container('one')], { replicas: 1 })),
    patch('merge', `${d}/scale?fieldManager=hpa`, { spec: { replicas: 3 } }),
    apply(d, 'a', deployment([container('one')])),
  ),
  onMap(
    'scale applied',
    apply(d, 'a', deployment([container('one')])),
    apply(`${d}/scale`, 'b', { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd' }, spec: { replicas: 4 } }),
    patch('merge', `${d}?fieldManager=m`, { metadata: { labels: { l: 'm' } } }),
  ),
  onMap(
    'scale of what an update made',
    create(`${deployments}?fieldManager=u`, deployment([container('one')], { replicas: 1 })),
    patch('merge', `${d}/scale?fieldManager=hpa`, { spec: { replicas: 3 } }),
    patch('merge', `${d}?fieldManager=m`, { metadata: { labels: { l: 'm' } } }),
    patch('merge', `${d}/scale?fieldManager=u`, { spec: { replicas: 4 } }),
    patch('merge', `${d}?fieldManager=m`, { metadata: { labels: { l: 'n' } } }),
  ),
  onMap(
    'scale applied by force',
    apply(d, 'a', deployment([container('one')], { replicas: 1 })),
    apply(
      `${d}/scale`,
      'b',
      { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd' }, spec: { replicas: 4 } },
      '&force=true',
    ),
    patch('merge', `${d}?fieldManager=m`, { metadata: { labels: { l: 'm' } } }),
  ),
  onMap(
    'scale in conflict',
    apply(d, 'a', deployment([container('one')], { replicas: 1 })),
    apply(`${d}/scale`, 'b', { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'd' }, spec: { replicas: 4 } }),
  ),
  onMap(
    'status applied',
    apply(d, 'a', deployment([container('one')])),
    apply(`${d}/status`, 'b', {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd', labels: { no: 'no' } },
      status: { observedGeneration: 1 },
    }),
  ),
  onMap('status through the main resource', apply(d, 'a', { ...deployment([container('one')]), status: { replicas: 3 } })),
  onMap(
    'status of what is not there',
    apply(`${d}/status`, 'b', { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, status: { observedGeneration: 1 } }),
  ),
  onMap(
    'nested items',
    apply(d, 'a', deployment([container('one', { env: [{ name: 'A', value: 'a' }], ports: [{ containerPort: 80 }] })])),
    apply(
      d,
      'b',
      deployment([
        container('one', {
          env: [{ name: 'B', value: 'b' }],
          ports: [
            { containerPort: 80, protocol: 'UDP' },
            { containerPort: 80, name: 'web' },
          ],
        }),
      ]),
    ),
  ),
  onMap(
    'an atomic list',
    apply(d, 'a', deployment([container('one', { args: ['x'] })])),
    apply(d, 'b', deployment([container('one', { args: ['y'] })])),
  ),
  onMap(
    'an atomic map',
    apply(d, 'a', deployment([container('one')])),
    apply(d, 'b', { ...deployment([container('one')]), spec: { selector: { matchLabels: { app: 'e' } } } }),
  ),
  onMap(
    'one of a union',
    apply(d, 'a', deployment([container('one')], { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } })),
    apply(d, 'a', deployment([container('one')], { strategy: { type: 'Recreate' } })),
  ),
  onMap(
    'service ports with a default key',
    apply(
      s,
      'a',
      service([
        { name: 'one', port: 1 },
        { name: 'two', port: 2 },
      ]),
    ),
    apply(s, 'b', service([{ name: 'udp', port: 1, protocol: 'UDP' }])),
  ),
  onMap(
    'a selector that is atomic',
    apply(s, 'a', service([{ port: 1 }], { selector: { a: 'b' } })),
    apply(s, 'b', service([{ port: 1 }], { selector: { c: 'd' } })),
  ),
  onMap(
    'topology spread',
    apply(`${pods}/p`, 'a', {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p' },
      spec: {
        containers: [container('c', { resources: { limits: { cpu: '1000m' } } })],
        topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'z', whenUnsatisfiable: 'DoNotSchedule' }],
        hostAliases: [{ ip: '1.2.3.4', hostnames: ['h'] }],
        tolerations: [{ operator: 'Exists' }],
      },
    }),
  ),
  onMap(
    'a cluster role',
    apply(`${clusterWide('rbac.authorization.k8s.io/v1', 'clusterroles')}/upstream-apply`, 'a', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'upstream-apply' },
      rules: [{ verbs: ['get'], apiGroups: [''], resources: ['pods'] }],
    }),
  ),
  onMap(
    'with a namespace where there is none',
    apply(`${clusterWide('rbac.authorization.k8s.io/v1', 'clusterroles')}/upstream-apply`, 'a', {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'upstream-apply', namespace: 'x' },
      rules: [{ verbs: ['get'], nonResourceURLs: ['/x'] }],
    }),
  ),
]
