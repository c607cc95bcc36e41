import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deployments } from '../apps/deployment.ts'
import type { Container, Pod, PodSpec, Volume } from '../generated/types/core-v1.ts'
import { created, defaulted } from '../kind-test-support.ts'
import { pods } from './pod.ts'
import { defaultPullPolicy } from './pod-template/defaults.ts'

const pod = (spec: Partial<PodSpec>): Pod => ({ metadata: { name: 'p' }, spec: { containers: [], ...spec } })
const specOf = (spec: Partial<PodSpec>): PodSpec => defaulted(pods, pod(spec)).spec!
const containerOf = (container: Partial<Container>, spec: Partial<PodSpec> = {}): Container =>
  specOf({ ...spec, containers: [{ name: 'c', ...container }] }).containers[0]!

function check(title: string, actual: unknown, expected: unknown): void {
  test(title, () => assert.deepEqual(actual, expected))
}

check('the least pod gets everything', defaulted(pods, pod({ containers: [{ name: 'c', image: 'nginx' }] })).spec, {
  containers: [
    {
      name: 'c',
      image: 'nginx',
      imagePullPolicy: 'Always',
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      resources: {},
    },
  ],
  dnsPolicy: 'ClusterFirst',
  restartPolicy: 'Always',
  securityContext: {},
  terminationGracePeriodSeconds: 30,
  schedulerName: 'default-scheduler',
  enableServiceLinks: true,
})

for (const [image, policy] of [
  ['nginx', 'Always'],
  ['nginx:latest', 'Always'],
  ['nginx:1.27', 'IfNotPresent'],
  ['localhost:5000/nginx', 'Always'],
  ['localhost:5000/a/nginx:1', 'IfNotPresent'],
  ['nginx@sha256:0000', 'IfNotPresent'],
  ['nginx:latest@sha256:0000', 'Always'],
  ['', 'IfNotPresent'],
] as const)
  check(`image "${image}" is pulled ${policy}`, defaultPullPolicy(image), policy)

check(
  'requests follow limits where not stated',
  containerOf({ resources: { limits: { cpu: '1000m', memory: '1Gi' }, requests: { cpu: '0.5' } } }).resources,
  {
    limits: { cpu: '1', memory: '1Gi' },
    requests: { cpu: '500m', memory: '1Gi' },
  },
)
check(
  'pod-level requests follow the containers, then the limits',
  specOf({
    containers: [
      { name: 'a', resources: { requests: { cpu: '100m' } } },
      { name: 'b', resources: { requests: { cpu: '200m' } } },
    ],
    resources: { limits: { cpu: '1', memory: '1Gi' } },
  }).resources,
  { limits: { cpu: '1', memory: '1Gi' }, requests: { cpu: '300m', memory: '1Gi' } },
)
check(
  'a template keeps requests, links and ports as they are',
  (() => {
    const template = {
      spec: {
        hostNetwork: true,
        containers: [{ name: 'c', image: 'x:1', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1' } } }],
      },
    }
    const { spec } = defaulted(deployments, { metadata: {}, spec: { selector: {}, template } })
    const { containers, enableServiceLinks } = spec!.template.spec!
    return { ports: containers[0]!.ports, requests: containers[0]!.resources?.requests, enableServiceLinks }
  })(),
  { ports: [{ containerPort: 80, protocol: 'TCP' }], requests: undefined, enableServiceLinks: undefined },
)
check('host networking opens the same ports on the host', containerOf({ ports: [{ containerPort: 80 }] }, { hostNetwork: true }).ports, [
  { containerPort: 80, hostPort: 80, protocol: 'TCP' },
])
check(
  'probes get their rhythm',
  containerOf({ livenessProbe: { httpGet: { port: 80 } }, readinessProbe: { grpc: { port: 9 }, periodSeconds: 5 } }),
  {
    ...containerOf({}),
    livenessProbe: {
      httpGet: { port: 80, path: '/', scheme: 'HTTP' },
      timeoutSeconds: 1,
      periodSeconds: 10,
      successThreshold: 1,
      failureThreshold: 3,
    },
    readinessProbe: { grpc: { port: 9, service: '' }, periodSeconds: 5, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 },
  },
)
check(
  'references to fields name their version',
  containerOf({
    env: [
      { name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.cpu' } } },
    ],
  }).env,
  [
    { name: 'A', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.name' } } },
    { name: 'B', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: '0' } } },
  ],
)

const volumes: readonly (readonly [Volume, Volume])[] = [
  [{ name: 'v' }, { name: 'v', emptyDir: {} }],
  [
    { name: 'v', secret: { secretName: 's' } },
    { name: 'v', secret: { secretName: 's', defaultMode: 420 } },
  ],
  [
    { name: 'v', configMap: { name: 's' } },
    { name: 'v', configMap: { name: 's', defaultMode: 420 } },
  ],
  [
    { name: 'v', hostPath: { path: '/x' } },
    { name: 'v', hostPath: { path: '/x', type: '' } },
  ],
  [
    { name: 'v', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } },
    { name: 'v', projected: { defaultMode: 420, sources: [{ serviceAccountToken: { path: 't', expirationSeconds: 3600 } }] } },
  ],
  [
    { name: 'v', image: { reference: 'x:1' } },
    { name: 'v', image: { reference: 'x:1', pullPolicy: 'IfNotPresent' } },
  ],
]
for (const [given, expected] of volumes) check(`volume ${JSON.stringify(given)}`, specOf({ volumes: [given] }).volumes, [expected])

check('the old field of the service account mirrors the new one', specOf({ serviceAccount: 'robot' }).serviceAccountName, 'robot')
check(
  'a created pod is pending, in its class, of the first generation',
  (() => {
    const { metadata, status } = created(
      pods,
      pod({ containers: [{ name: 'c', image: 'x', resources: { limits: { cpu: '1', memory: '1Gi' } } }] }),
    )
    return { generation: metadata.generation, status }
  })(),
  { generation: 1, status: { phase: 'Pending', qosClass: 'Guaranteed' } },
)
