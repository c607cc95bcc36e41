/** Nodes: creation, updates and status. */
import { type Case, clusterWide, create, merged, patch, read, replace } from '../upstream-case.ts'

const nodes = clusterWide('v1', 'nodes')
const name = 'upstream-node'
const at = `${nodes}/${name}`
const plain = { metadata: { name } }
const made = (named: Readonly<Record<string, object>>): Case[] =>
  Object.entries(named).map(([title, change]) => ({ name: title, steps: [create(nodes, merged(plain, change))] }))
const changed = (named: Readonly<Record<string, object>>, first: object = {}, path = at): Case[] =>
  Object.entries(named).map(([title, change]) => ({
    name: title,
    given: [create(nodes, merged(plain, first))],
    steps: [patch('merge', path, change)],
  }))
const taints = (...list: object[]) => ({ spec: { taints: list } })
const ranges = (...podCIDRs: string[]) => ({ spec: { podCIDRs } })
const config = (configMap: object | null) => ({ spec: { configSource: configMap ? { configMap } : {} } })
const good = { namespace: 'a', name: 'b', kubeletConfigKey: 'c' }

export const cases: readonly Case[] = [
  ...made({
    'the least node': {},
    'a name that is none': { metadata: { name: 'A_b' } },
    'a status beside': { status: { capacity: { cpu: '1' }, addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] } },
    'a negative capacity': { status: { capacity: { cpu: '-1' } } },
    'half an extended resource': { status: { capacity: { 'example.com/gpu': '500m' } } },
    'a fraction of pods': { status: { allocatable: { pods: '1500m' } } },
    'capacity in odd forms': { status: { capacity: { memory: '1024Ki', cpu: '0.5' } } },
    'fractions of a byte': { status: { capacity: { memory: '1.5' } } },
    'a taint': taints({ key: 'a', value: 'b', effect: 'NoSchedule' }),
    'a taint without anything': taints({}),
    'a taint of an unknown effect': taints({ key: 'a', effect: 'Explode' }),
    'a taint of a bad key and value': taints({ key: 'a b', value: 'c d', effect: 'NoExecute' }),
    'a taint twice': taints({ key: 'a', effect: 'NoSchedule' }, { key: 'a', value: 'b', effect: 'NoSchedule' }),
    'a taint of two effects': taints({ key: 'a', effect: 'NoSchedule' }, { key: 'a', effect: 'NoExecute' }),
    'a taint at a time': taints({ key: 'a', effect: 'NoExecute', timeAdded: '2024-01-01T00:00:00Z' }, { key: 'a', effect: 'NoExecute' }),
    'a range of pods': { spec: { podCIDR: '10.1.0.0/24' } },
    'ranges of pods': ranges('10.1.0.0/24', '2001:db8::/64'),
    'a range and other ranges': { spec: { podCIDR: '10.2.0.0/24', podCIDRs: ['10.1.0.0/24'] } },
    'two ranges of one family': ranges('10.1.0.0/24', '10.2.0.0/24'),
    'three ranges': ranges('10.1.0.0/24', '2001:db8::/64', '10.2.0.0/24'),
    'a range that is none': ranges('10.1.0.0'),
    'a range with bits beyond': ranges('10.1.0.1/24'),
    'a range with zeros': ranges('010.1.0.0/24'),
    'no swap': { status: { nodeInfo: { swap: { capacity: 0 } } } },
    swap: { status: { nodeInfo: { swap: { capacity: 5 } } } },
    features: { status: { declaredFeatures: ['A', 'B/c'] } },
    'features out of order': { status: { declaredFeatures: ['B', 'A', 'A'] } },
    'features that are none': { status: { declaredFeatures: ['a', 'A-b'] } },
    'taints as an annotation that is no JSON': { metadata: { annotations: { 'scheduler.alpha.kubernetes.io/taints': '{' } } },
    'taints as an annotation that are wrong': { metadata: { annotations: { 'scheduler.alpha.kubernetes.io/taints': '[{"key":"a b"}]' } } },
    'pods to avoid that are no JSON': { metadata: { annotations: { 'scheduler.alpha.kubernetes.io/preferAvoidPods': '{' } } },
    'labels of its past': { metadata: { labels: { 'beta.kubernetes.io/os': 'linux', 'failure-domain.beta.kubernetes.io/zone': 'z' } } },
    'an external id': { spec: { externalID: 'x' } },
    'a source of configuration': config(good),
    'a bad source of configuration': config({ namespace: 'A', name: '', kubeletConfigKey: '..', uid: 'x' }),
    unschedulable: { spec: { unschedulable: true } },
    'a provider': { spec: { providerID: 'a://b' } },
  }),
  ...changed({
    'a first range of pods': { spec: { podCIDR: '10.1.0.0/24' } },
    'a first provider': { spec: { providerID: 'a' } },
    'a first external id': { spec: { externalID: 'a' } },
    'a bad taint': taints({ key: 'a b', effect: 'X' }),
    cordoned: { spec: { unschedulable: true } },
    'configuration from nowhere': config(null),
    'configuration from a bad place': config({ namespace: 'A_b', name: '', kubeletConfigKey: '..' }),
    'a label': { metadata: { labels: { a: 'b' } } },
    'a status by the way': { status: { phase: 'Running' } },
    'a status by the way that is wrong': { status: { capacity: { cpu: '-1' } } },
    'the generation': { metadata: { generation: 9 } },
  }),
  ...changed(
    {
      'another range of pods': { spec: { podCIDR: '10.2.0.0/24', podCIDRs: ['10.2.0.0/24'] } },
      'a range of pods more': ranges('10.1.0.0/24', '2001:db8::/64'),
      'no range of pods': { spec: { podCIDR: null, podCIDRs: null } },
      'another provider': { spec: { providerID: 'b' } },
      'another external id': { spec: { externalID: 'y' } },
      'several at once': { spec: { podCIDRs: ['10.2.0.0/24'], providerID: 'b', taints: [{}] } },
    },
    { spec: { podCIDR: '10.1.0.0/24', providerID: 'a', externalID: 'x' } },
  ),
  ...changed(
    {
      'a condition': { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
      addresses: {
        status: {
          addresses: [
            { type: 'InternalIP', address: '10.0.0.1' },
            { type: 'Hostname', address: 'n' },
          ],
        },
      },
      'an address twice': {
        status: {
          addresses: [
            { type: 'InternalIP', address: '10.0.0.1' },
            { type: 'InternalIP', address: '10.0.0.1' },
          ],
        },
      },
      capacity: { status: { capacity: { cpu: '2', memory: '1Gi' } } },
      'a negative allocatable': { status: { allocatable: { memory: '-1' } } },
      'images and volumes': {
        status: { images: [{ names: ['a'], sizeBytes: 5 }], volumesInUse: ['x'], volumesAttached: [{ name: 'x', devicePath: 'y' }] },
      },
      information: {
        status: { nodeInfo: { kubeletVersion: 'v1', operatingSystem: 'linux' }, daemonEndpoints: { kubeletEndpoint: { Port: 5 } } },
      },
      'configuration that is': { status: { config: { assigned: { configMap: { namespace: 'A', name: 'b' } }, lastKnownGood: {} } } },
      'features of a status out of order': { status: { declaredFeatures: ['B', 'A'] } },
      'a spec by way of the status': { spec: { unschedulable: true }, metadata: { labels: { a: 'b' } } },
      'a taint by way of the status': taints({ key: 'a', effect: 'NoSchedule' }),
    },
    {},
    `${at}/status`,
  ),
  { name: 'a replacement without ranges', given: [create(nodes, merged(plain, ranges('10.1.0.0/24')))], steps: [replace(at, plain)] },
  { name: 'the status read', given: [create(nodes, plain)], steps: [read(`${at}/status`)] },
]
