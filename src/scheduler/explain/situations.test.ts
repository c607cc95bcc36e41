import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { Pod, PodSpec } from '../../kinds/generated/types/core-v1.ts'
import { profileOf } from '../config/scheduler-profile.ts'
import { type NodeInput, type PodInput, testNode, testPod } from '../core/fixtures.ts'
import { judge } from '../core/judgement.ts'
import { driver, exactly, testClaim, testClass, testDevice, testSlice } from '../devices/fixtures.ts'
import { emptyView } from '../what-if/empty-view.ts'
import type { ClusterView } from '../what-if/cluster-view.ts'
import { PlannedClaims } from '../what-if/planned-claims.ts'
import { loadAssigned, PlannedProfiles } from '../what-if/planned-profiles.ts'
import { explainPod } from './explain.ts'

type Situation = {
  readonly title: string
  readonly nodes: readonly NodeInput[]
  readonly running?: readonly (PodInput & { readonly on: string })[]
  readonly view?: Partial<ClusterView>
  readonly pod: Omit<PodInput, 'name'>
  readonly summary?: string
  readonly suggests: readonly string[]
}

const on = ({ on: nodeName, ...input }: PodInput & { readonly on: string }): Pod => {
  const pod = testPod(input)
  return { ...pod, spec: { ...pod.spec!, nodeName } }
}

function explained({ nodes, running = [], view: more, pod: input }: Situation) {
  const view = { ...emptyView, nodes: nodes.map(testNode), pods: running.map(on), ...more }
  const claims = new PlannedClaims(view.resourceClaims, view.resourceClaimTemplates)
  const profiles = new PlannedProfiles({ profiles: [profileOf({})], view, claims, random: seededRandom(1) })
  const { snapshot } = profiles.cluster
  for (const node of view.nodes) snapshot.setNode(node)
  loadAssigned(snapshot, view.pods)
  const pod = testPod({ ...input, name: 'p' })
  const { core, podPlugins } = profiles.first
  const judged = judge(podPlugins, pod)
  const refused = 'kind' in judged ? judged : undefined
  const target = { key: 'default/p', pod, priority: 0, judged: 'kind' in judged ? [] : judged }
  return explainPod({ core, target, refused, record: undefined, isOurs: true, isGated: false })
}

const zone = 'topology.kubernetes.io/zone'
const web = { app: 'web' }
const requires = (key: string, operator: 'In' | 'NotIn' | 'Exists', values?: string[]): Partial<PodSpec> => ({
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key, operator, ...(values ? { values } : {}) }] }],
      },
    },
  },
})
const pods = (kind: 'podAffinity' | 'podAntiAffinity', topologyKey: string): Partial<PodSpec> => ({
  affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [{ topologyKey, labelSelector: { matchLabels: web } }] } },
})
const spread = { topologyKey: zone, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule' as const, labelSelector: { matchLabels: web } }
const claimed = (claimName: string): Partial<PodSpec> => ({ volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }] })
const claim = (name: string, spec: object, annotations?: Record<string, string>) => ({
  metadata: { name, namespace: 'default', uid: name, ...(annotations ? { annotations } : {}) },
  spec: { accessModes: ['ReadWriteOnce' as const], resources: { requests: { storage: '1Gi' } }, ...spec },
})
const inZone = (name: string, where: string, more: Partial<NodeInput> = {}): NodeInput => ({ name, labels: { [zone]: where }, ...more })
const volumeIn = (name: string, where: string) => ({
  metadata: { name, labels: { [zone]: where } },
  spec: { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce' as const] },
})

const situations: readonly Situation[] = [
  {
    title: 'two taints: both have to go',
    nodes: [
      {
        name: 'a',
        taints: [
          { key: 'dedicated', value: 'db', effect: 'NoSchedule' },
          { key: 'gpu', effect: 'NoExecute' },
        ],
      },
    ],
    pod: {},
    suggests: ['on node a: tolerate taint dedicated=db:NoSchedule (or remove it), and tolerate taint gpu:NoExecute (or remove it)'],
  },
  {
    title: 'a cordoned node: its taint goes with the cordon',
    nodes: [{ name: 'a', unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] }],
    pod: {},
    suggests: ['uncordon node a'],
  },
  {
    title: 'a node that is not ready is to be mended, not tolerated',
    nodes: [{ name: 'a', taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' }] }],
    pod: {},
    suggests: ['on node a: get it ready: its agent reports that it is not, or nothing (taint node.kubernetes.io/not-ready:NoSchedule)'],
  },
  {
    title: 'a taint that closes most nodes, and what is free on the others',
    nodes: [{ name: 'a', cpu: '2' }, ...['b', 'c'].map((name) => ({ name, taints: [{ key: 'batch', effect: 'NoSchedule' as const }] }))],
    running: [{ name: 'x', on: 'a', requests: { cpu: '1500m' } }],
    pod: { requests: { cpu: '1' } },
    suggests: [
      'free 500m of cpu on node a',
      'reduce the cpu request from 1000m to 500m: then it fits on node a',
      'tolerate taint batch:NoSchedule (or remove it): that opens 2 nodes',
    ],
  },
  {
    title: 'a selector with one letter wrong',
    nodes: ['a', 'b'].map((name) => ({ name, labels: { disk: 'ssd' } })),
    pod: { spec: { nodeSelector: { disk: 'sdd' } } },
    suggests: [
      'ask for label disk=ssd instead of disk=sdd: that opens 2 nodes',
      'label node a with disk=sdd',
      'label node b with disk=sdd',
    ],
  },
  {
    title: 'a key with one letter wrong',
    nodes: [{ name: 'a', labels: { 'example.com/disk': 'ssd' } }],
    pod: { spec: { nodeSelector: { 'exmaple.com/disk': 'ssd' } } },
    suggests: [
      'ask for label example.com/disk=ssd instead of exmaple.com/disk=ssd: that opens node a',
      'label node a with exmaple.com/disk=ssd',
    ],
  },
  {
    title: 'another zone is no slip, and nobody relabels zones',
    nodes: [inZone('a', 'zone1')],
    pod: { spec: { nodeSelector: { [zone]: 'zone2' } } },
    suggests: [],
  },
  {
    title: 'required node affinity: the label that the term asks for',
    nodes: [{ name: 'a', labels: { tier: 'back' } }],
    pod: { spec: requires('tier', 'In', ['front', 'edge']) },
    suggests: ['label node a with tier=front'],
  },
  {
    title: 'required node affinity: the label that keeps it away',
    nodes: [{ name: 'a', labels: { reserved: 'yes' } }],
    pod: { spec: requires('reserved', 'NotIn', ['yes']) },
    suggests: ['take label reserved off node a'],
  },
  {
    title: 'more than any node has, and something free',
    nodes: [{ name: 'a', cpu: '4' }],
    running: [{ name: 'x', on: 'a', requests: { cpu: '1' } }],
    pod: { requests: { cpu: '64' } },
    suggests: ['reduce the cpu request from 64000m to 3000m: then it fits on node a'],
  },
  {
    title: 'more than any node has, and nothing free',
    nodes: [{ name: 'a', cpu: '4' }],
    running: [{ name: 'x', on: 'a', requests: { cpu: '4' } }],
    pod: { requests: { cpu: '64', memory: '1Gi' } },
    suggests: ['add a node like a that has cpu 64000m, memory 1Gi to give'],
  },
  {
    title: 'too much cpu for the node, and memory that others use',
    nodes: [{ name: 'a', cpu: '4', memory: '4Gi' }],
    running: [{ name: 'x', on: 'a', requests: { cpu: '1', memory: '4Gi' } }],
    pod: { requests: { cpu: '8', memory: '1Gi' } },
    suggests: ['on node a: reduce the cpu request from 8000m to 3000m, and free 1Gi of memory'],
  },
  {
    title: 'of nodes that lack an amount the one that lacks least',
    nodes: [{ name: 'a' }, { name: 'b' }],
    running: [
      { name: 'x', on: 'a', requests: { cpu: '4' } },
      { name: 'y', on: 'b', requests: { cpu: '3500m' } },
    ],
    pod: { requests: { cpu: '1' } },
    suggests: ['free 500m of cpu on node b', 'reduce the cpu request from 1000m to 500m: then it fits on node b'],
  },
  {
    title: 'too many pods',
    nodes: [{ name: 'a', pods: '1' }],
    running: [{ name: 'x', on: 'a' }],
    pod: {},
    suggests: ['free 1 pod place on node a'],
  },
  {
    title: 'a resource that no node knows',
    nodes: [{ name: 'a' }],
    pod: { requests: { 'example.com/gpu': '1' } },
    suggests: ['add a node like a that has example.com/gpu 1 to give'],
  },
  {
    title: 'a host port in use',
    nodes: [{ name: 'a' }],
    running: [{ name: 'x', on: 'a', hostPort: 80 }],
    pod: { hostPort: 80 },
    suggests: ['free host port 80/TCP on node a'],
  },
  {
    title: 'spread that is uneven',
    nodes: [inZone('a', 'z1'), inZone('b', 'z2', { unschedulable: true })],
    running: [{ name: 'x', on: 'a', labels: web }],
    pod: { labels: web, spec: { topologySpreadConstraints: [spread] } },
    suggests: ['uncordon node b', `raise maxSkew over ${zone} from 1 to 2: that opens node a`],
  },
  {
    title: 'spread over a label that the node lacks',
    nodes: [{ name: 'a' }],
    pod: { labels: web, spec: { topologySpreadConstraints: [spread] } },
    suggests: [`on node a: give it the label ${zone}`],
  },
  {
    title: 'affinity to pods that are nowhere',
    nodes: [inZone('a', 'z1')],
    pod: { spec: pods('podAffinity', zone) },
    suggests: [`on node a: run a pod that the affinity asks for in ${zone}=z1`],
  },
  {
    title: 'anti-affinity against pods that are everywhere',
    nodes: [{ name: 'a' }],
    running: [{ name: 'x', on: 'a', labels: web }],
    pod: { spec: pods('podAntiAffinity', 'kubernetes.io/hostname') },
    suggests: ['on node a: move away the pod in kubernetes.io/hostname=a that the anti-affinity excludes'],
  },
  {
    title: "others' anti-affinity against it",
    nodes: [{ name: 'a' }],
    running: [{ name: 'x', on: 'a', spec: pods('podAntiAffinity', 'kubernetes.io/hostname') }],
    pod: { labels: web },
    suggests: ['on node a: move away the pod in kubernetes.io/hostname=a with an anti-affinity against this one'],
  },
  {
    title: 'mixed reasons: the node with the fewest steps, of equals with the least to free',
    nodes: [
      { name: 'a', unschedulable: true, taints: [{ key: 'x', effect: 'NoSchedule' }], cpu: '500m' },
      { name: 'b', unschedulable: true },
      { name: 'c', unschedulable: true },
    ],
    running: [
      { name: 'x', on: 'b', requests: { cpu: '4' } },
      { name: 'y', on: 'c', requests: { cpu: '3500m' } },
    ],
    pod: { requests: { cpu: '1' } },
    suggests: ['on node c: uncordon it, and free 500m of cpu'],
  },
  {
    title: 'a claim that is not there',
    nodes: [{ name: 'a' }],
    pod: { spec: claimed('data') },
    summary: 'no node is asked before this is settled: persistentvolumeclaim "data" not found',
    suggests: ['create the PersistentVolumeClaim data'],
  },
  {
    title: 'a claim of a class that is not there',
    nodes: [{ name: 'a' }],
    view: { claims: [claim('data', { storageClassName: 'fast' })] },
    pod: { spec: claimed('data') },
    summary: 'no node is asked before this is settled: pod has unbound immediate PersistentVolumeClaims',
    suggests: ['create the StorageClass fast that claim data names, or a PersistentVolume of it'],
  },
  {
    title: 'a claim without a class',
    nodes: [{ name: 'a' }],
    view: { claims: [claim('data', {})] },
    pod: { spec: claimed('data') },
    summary: 'no node is asked before this is settled: pod has unbound immediate PersistentVolumeClaims',
    suggests: ['create a PersistentVolume that serves claim data: it names no storage class that could make one'],
  },
  {
    title: 'a volume in another zone, where the node is full',
    nodes: [inZone('a', 'z1'), inZone('b', 'z2')],
    running: [{ name: 'x', on: 'a', requests: { cpu: '4' } }],
    view: {
      pods: [on({ name: 'x', on: 'a', requests: { cpu: '4' } })],
      claims: [claim('data', { volumeName: 'v' }, { 'pv.kubernetes.io/bind-completed': 'yes' })],
      volumes: [volumeIn('v', 'z1')],
    },
    pod: { requests: { cpu: '1' }, spec: claimed('data') },
    suggests: ['free 1000m of cpu on node a'],
  },
  {
    title: 'a device claim that is not there',
    nodes: [{ name: 'a' }],
    pod: { spec: { resourceClaims: [{ name: 'gpu', resourceClaimName: 'mine' }] } },
    summary: 'no node is asked before this is settled: resourceclaim.resource.k8s.io "mine" not found',
    suggests: ['create the ResourceClaim mine'],
  },
  {
    title: 'a device that another claim holds',
    nodes: [{ name: 'a' }],
    view: {
      resourceSlices: [testSlice({ name: 'a', on: 'a', devices: [testDevice('gpu-0')] })],
      deviceClasses: [testClass('gpu')],
      resourceClaims: [
        testClaim('mine', { requests: [{ name: 'gpu', exactly: exactly() }] }),
        {
          ...testClaim('theirs', { requests: [{ name: 'gpu', exactly: exactly() }] }),
          status: { allocation: { devices: { results: [{ request: 'gpu', driver, pool: 'a', device: 'gpu-0' }] } } },
        },
      ],
    },
    pod: { spec: { resourceClaims: [{ name: 'gpu', resourceClaimName: 'mine' }] } },
    suggests: ['on node a: free device gpu.example.com/a/gpu-0, held by claim default/theirs'],
  },
]

for (const situation of situations)
  test(situation.title, () => {
    const { summary, suggestions } = explained(situation)
    assert.deepEqual(
      suggestions.map((s) => s.text),
      situation.suggests,
    )
    assert.equal(summary, situation.summary ?? `none of ${situation.nodes.length} nodes takes it`)
  })
