import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PodSpec } from './generated/types/core-v1.ts'
import { deployments } from './apps/deployment.ts'
import { statefulSets } from './apps/stateful-set.ts'
import { jobs } from './batch/job.ts'
import { persistentVolumeClaims } from './core/persistent-volume-claim.ts'
import { persistentVolumes } from './core/persistent-volume.ts'
import { pods } from './core/pod.ts'
import { services } from './core/service.ts'
import type { KindDefinition } from './kind.ts'
import { ingresses } from './networking/ingress.ts'
import { storageClasses } from './storage/storage-class.ts'

const container = { name: 'c', image: 'i' }

function pod(title: string, spec: Partial<PodSpec>, expected: readonly string[], annotations: Record<string, string> = {}): void {
  test(`a pod with ${title}`, () =>
    assert.deepEqual(pods.warnings!({ metadata: { name: 'p', annotations }, spec: { containers: [container], ...spec } }), expected))
}

pod('nothing odd', { terminationGracePeriodSeconds: 30 }, [])
pod('old labels of nodes', { nodeSelector: { 'beta.kubernetes.io/os': 'linux' } }, [
  'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
])
pod(
  'an old label in its affinity',
  {
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'node-role.kubernetes.io/master', operator: 'Exists' }] }],
        },
      },
      podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey: 'kubernetes.io/hostname' }] },
    },
  },
  [
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key: node-role.kubernetes.io/master is use "node-role.kubernetes.io/control-plane" instead',
    'spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].labelSelector: a null labelSelector results in matching no pod',
  ],
)
pod('parts of a byte', { containers: [{ ...container, resources: { limits: { memory: '100m' } } }] }, [
  'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
])
pod(
  'a variable that is set twice, and one that is added to',
  {
    containers: [
      {
        ...container,
        env: [
          { name: 'A', value: '1' },
          { name: 'A', value: '2' },
          { name: 'B', value: '1' },
          { name: 'B', value: '$(B)2' },
        ],
      },
    ],
  },
  ['spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply'],
)
pod(
  'ports that meet',
  {
    initContainers: [{ ...container, name: 'i', ports: [{ containerPort: 80, protocol: 'TCP' }] }],
    containers: [
      {
        ...container,
        ports: [
          { containerPort: 80, protocol: 'TCP' },
          { containerPort: 80, protocol: 'UDP' },
          { containerPort: 80, protocol: 'TCP', hostPort: 8080 },
        ],
      },
    ],
  },
  [
    'spec.containers[0].ports[0]: duplicate port definition with spec.initContainers[0].ports[0]',
    'spec.containers[0].ports[2]: overlapping port definition with spec.initContainers[0].ports[0]',
    'spec.containers[0].ports[2]: overlapping port definition with spec.containers[0].ports[0]',
  ],
)
pod('volumes of yesterday', { volumes: [{ name: 'v', cephfs: { monitors: [] } }] }, [
  'spec.volumes[0].cephfs: deprecated in v1.28, non-functional in v1.31+',
])
pod('a negative grace', { terminationGracePeriodSeconds: -1 }, [
  'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
])

const selector = { matchLabels: { a: 'b' } }
const template = {
  metadata: { labels: { a: 'b' } },
  spec: { containers: [container], nodeSelector: { 'beta.kubernetes.io/arch': 'amd64' } },
}
const ofTemplate = 'spec.template.spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "kubernetes.io/arch" instead'

function check(title: string, kind: KindDefinition, object: unknown, expected: readonly string[], old?: unknown): void {
  test(title, () => assert.deepEqual(kind.warnings!(object as never, old as never), expected))
}

check(
  'a deployment speaks of its name and of its template',
  deployments as unknown as KindDefinition,
  { metadata: { name: 'a.b', generation: 1 }, spec: { selector, template } },
  [
    'metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]',
    ofTemplate,
  ],
)
check(
  'a deployment whose spec stays says nothing again',
  deployments as unknown as KindDefinition,
  { metadata: { name: 'a', generation: 1 }, spec: { selector, template } },
  [],
  { metadata: { name: 'a', generation: 1 }, spec: { selector, template } },
)
check(
  'a stateful set keeps all revisions',
  statefulSets as unknown as KindDefinition,
  { metadata: { name: 'a' }, spec: { selector, revisionHistoryLimit: -1 } },
  ['spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended'],
)
check('a job speaks of its template', jobs as unknown as KindDefinition, { metadata: { name: 'a' }, spec: { template } }, [ofTemplate])
check(
  'a headless service',
  services as unknown as KindDefinition,
  { metadata: { name: 's' }, spec: { type: 'ClusterIP', clusterIP: 'None', sessionAffinity: 'ClientIP' } },
  ['spec.SessionAffinity is ignored for headless services'],
)
check(
  'addresses from outside',
  services as unknown as KindDefinition,
  { metadata: { name: 's' }, spec: { type: 'ClusterIP', externalIPs: ['192.0.2.1'], externalName: 'x' } },
  [
    'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    'spec.externalName is ignored when spec.type is not "ExternalName"',
  ],
)
check(
  'an ingress with the class as an annotation',
  ingresses as unknown as KindDefinition,
  { metadata: { name: 'i', annotations: { 'kubernetes.io/ingress.class': 'x' } }, spec: {} },
  [`annotation "kubernetes.io/ingress.class" is deprecated, please use 'spec.ingressClassName' instead`],
)
check(
  'a volume to be scrubbed',
  persistentVolumes as unknown as KindDefinition,
  { metadata: { name: 'v' }, spec: { persistentVolumeReclaimPolicy: 'Recycle' } },
  [
    'spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.',
  ],
)
check(
  'a claim for part of a byte',
  persistentVolumeClaims as unknown as KindDefinition,
  { metadata: { name: 'c' }, spec: { resources: { requests: { storage: '1500m' } } } },
  ['spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer'],
)
check(
  'a class of an old zone label',
  storageClasses as unknown as KindDefinition,
  {
    metadata: { name: 'c' },
    provisioner: 'x',
    allowedTopologies: [{ matchLabelExpressions: [{ key: 'failure-domain.beta.kubernetes.io/zone', values: ['a'] }] }],
  },
  ['allowedTopologies[0].matchLabelExpressions[0].key: deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
)
