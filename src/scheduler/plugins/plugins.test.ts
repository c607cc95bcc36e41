import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import { type NodeInput, type PodInput, testNode, testPod } from '../core/fixtures.ts'
import { fitErrorMessage } from '../core/fit-error.ts'
import type { DefaultSpread } from '../core/plugin.ts'
import { SchedulerCore } from '../core/scheduler-core.ts'
import { scan } from '../core/scan.ts'
import { allPlugins } from './all.ts'

type Case = {
  readonly nodes: readonly NodeInput[]
  /** Pods that are there, each with its node. */
  readonly running?: readonly (PodInput & { readonly on: string })[]
  readonly namespaces?: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly pod: Omit<PodInput, 'name'>
  readonly defaultSpread?: DefaultSpread
}

type Expected = {
  /** Feasible nodes. */
  readonly fits?: readonly string[]
  /** The plugin's own score of every feasible node (before its weight). */
  readonly scores?: { readonly plugin: string; readonly of: Readonly<Record<string, number>> }
  /** The sentence when nothing fits. */
  readonly message?: string
}

function check(input: Case, expected: Expected): void {
  const core = new SchedulerCore({ plugins: allPlugins, random: seededRandom(1) })
  const { snapshot } = core
  for (const [name, labels] of Object.entries(input.namespaces ?? {})) snapshot.setNamespace(name, labels)
  for (const node of input.nodes) snapshot.setNode(testNode(node))
  for (const pod of input.running ?? []) snapshot.addPod(`${pod.namespace ?? 'default'}/${pod.name}`, testPod(pod), pod.on)
  const pod = testPod({ name: 'incoming', ...input.pod })
  const target = { key: 'default/incoming', pod, priority: 0, defaultSpread: input.defaultSpread }
  const plan = core.planOf(target)
  const { rows } = scan(plan, snapshot)
  if (expected.fits)
    assert.deepEqual(
      rows.map((row) => snapshot.nodeName(row)),
      expected.fits,
    )
  if (expected.scores) {
    const { plugin, of } = expected.scores
    assert.deepEqual(Object.fromEntries(rows.map((row) => [snapshot.nodeName(row), core.pluginScore({ plan, plugin, rows, row })])), of)
  }
  if (expected.message) {
    const { nodeCount, reasons } = core.diagnose(target)
    assert.equal(fitErrorMessage({ nodeCount, reasons }), expected.message)
  }
}

const zone = (name: string) => ({ 'topology.kubernetes.io/zone': name })
const small: NodeInput[] = [{ name: 'a' }, { name: 'b' }]
const requests = (cpu: string, memory = '1Gi') => ({ cpu, memory })
const appTerm = (topologyKey: string, app = 'web') => ({ labelSelector: { matchLabels: { app } }, topologyKey })

test('node resources: fit', async (t) => {
  const cases: [string, Case, Expected][] = [
    ['takes a node with exactly enough', { nodes: [{ name: 'a', cpu: '1' }], pod: { requests: requests('1') } }, { fits: ['a'] }],
    [
      'counts what runs there',
      { nodes: small, running: [{ name: 'x', on: 'a', requests: requests('3500m') }], pod: { requests: requests('1') } },
      { fits: ['b'] },
    ],
    [
      'names every missing resource, and pods',
      {
        nodes: [{ name: 'a', cpu: '1', memory: '1Gi', pods: '0' }],
        pod: { requests: { cpu: '2', memory: '2Gi', 'example.com/gpu': '1' } },
      },
      { message: '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient example.com/gpu, 1 Insufficient memory, 1 Too many pods.' },
    ],
    [
      'does not care where another pod of the same shape happens to run',
      {
        nodes: small,
        running: [{ name: 'x', on: 'a', requests: requests('1'), spec: { nodeName: 'a' } }],
        pod: { requests: requests('1') },
      },
      { fits: ['a', 'b'] },
    ],
    [
      'gives out extended resources by the piece',
      {
        nodes: [
          { name: 'a', resources: { 'example.com/gpu': '2' } },
          { name: 'b', resources: { 'example.com/gpu': '1' } },
        ],
        running: [{ name: 'x', on: 'b', requests: { 'example.com/gpu': '1' } }],
        pod: { requests: { 'example.com/gpu': '1' } },
      },
      { fits: ['a'] },
    ],
    ['says when there is no node at all', { nodes: [], pod: {} }, { message: 'no nodes available to schedule pods' }],
    [
      'takes the larger of init containers and the sum of containers',
      {
        nodes: [
          { name: 'a', cpu: '2' },
          { name: 'b', cpu: '1500m' },
        ],
        pod: {
          requests: requests('1'),
          spec: { initContainers: [{ name: 'init', resources: { requests: { cpu: '1800m' } } }] },
        },
      },
      { fits: ['a'] },
    ],
  ]
  for (const [name, input, expected] of cases) await t.test(name, () => check(input, expected))
})

test('node resources: scores', async (t) => {
  const cases: [string, Case, Expected][] = [
    [
      'least allocated truncates per resource and then the mean',
      {
        nodes: [
          { name: 'a', cpu: '4', memory: '10000' },
          { name: 'b', cpu: '10', memory: '20000' },
        ],
        pod: { requests: { cpu: '3000m', memory: '5000' } },
      },
      // a: ⌊100×1000/4000⌋ = 25, ⌊100×5000/10000⌋ = 50 → ⌊75/2⌋ = 37; b: 70, 75 → ⌊145/2⌋ = 72.
      { scores: { plugin: 'NodeResourcesFit', of: { a: 37, b: 72 } } },
    ],
    [
      'uses 100m and 200 MB for containers without requests',
      { nodes: [{ name: 'a', cpu: '1', memory: '1000Mi' }], pod: {} },
      { scores: { plugin: 'NodeResourcesFit', of: { a: 85 } } },
    ],
    [
      'balanced allocation is 50 + half of 50 plus what the pod changes of 100 × (1 − |cpu − memory| / 2), each truncated',
      {
        nodes: [
          { name: 'a', cpu: '4', memory: '10000' },
          { name: 'b', cpu: '6', memory: '10000' },
        ],
        pod: { requests: { cpu: '3000m', memory: '5000' } },
      },
      { scores: { plugin: 'NodeResourcesBalancedAllocation', of: { a: 68, b: 75 } } },
    ],
    [
      'image locality counts bytes above 23 MiB, damped by the share of nodes',
      {
        nodes: [{ name: 'a', images: [{ name: 'app:latest', sizeBytes: 500 * 1024 * 1024 }] }, { name: 'b' }],
        pod: { image: 'app' },
      },
      // 500 MiB × 1/2 = 250 MiB; ⌊100 × (250 − 23)/(1000 − 23)⌋ = 23.
      { scores: { plugin: 'ImageLocality', of: { a: 23, b: 0 } } },
    ],
  ]
  for (const [name, input, expected] of cases) await t.test(name, () => check(input, expected))
})

test('taints, cordon, selectors, ports', async (t) => {
  const dedicated = { key: 'dedicated', value: 'x', effect: 'NoSchedule' } as const
  const cases: [string, Case, Expected][] = [
    [
      'keeps off tainted nodes',
      {
        nodes: [
          { name: 'a', taints: [dedicated] },
          { name: 'b', unschedulable: true },
        ],
        pod: {},
      },
      { message: '0/2 nodes are available: 1 node(s) had untolerated taint(s), 1 node(s) were unschedulable.' },
    ],
    [
      'accepts a taint by value, by key and by everything',
      {
        nodes: [{ name: 'a', taints: [dedicated] }],
        pod: { spec: { tolerations: [{ key: 'dedicated', operator: 'Equal', value: 'x', effect: 'NoSchedule' }] } },
      },
      { fits: ['a'] },
    ],
    [
      'does not accept another value',
      { nodes: [{ name: 'a', taints: [dedicated] }], pod: { spec: { tolerations: [{ key: 'dedicated', value: 'y' }] } } },
      { fits: [] },
    ],
    [
      'compares numbers with Gt',
      {
        nodes: [{ name: 'a', taints: [{ key: 'sla', value: '950', effect: 'NoSchedule' }] }],
        pod: { spec: { tolerations: [{ key: 'sla', operator: 'Gt', value: '900' }] } },
      },
      { fits: ['a'] },
    ],
    [
      'tolerates a cordon',
      { nodes: [{ name: 'a', unschedulable: true }], pod: { spec: { tolerations: [{ operator: 'Exists' }] } } },
      { fits: ['a'] },
    ],
    [
      'scores against PreferNoSchedule taints',
      {
        nodes: [
          { name: 'a', taints: [{ key: 'k', effect: 'PreferNoSchedule' }] },
          { name: 'b' },
          {
            name: 'c',
            taints: [
              { key: 'k', effect: 'PreferNoSchedule' },
              { key: 'l', effect: 'PreferNoSchedule' },
              { key: 'm', effect: 'PreferNoSchedule' },
            ],
          },
        ],
        pod: {},
      },
      { scores: { plugin: 'TaintToleration', of: { a: 67, b: 100, c: 0 } } },
    ],
    [
      'honours nodeSelector',
      { nodes: [{ name: 'a', labels: { disk: 'ssd' } }, { name: 'b' }], pod: { spec: { nodeSelector: { disk: 'ssd' } } } },
      { fits: ['a'] },
    ],
    [
      'honours expressions, each operator',
      {
        nodes: [{ name: 'a', labels: { n: '5', disk: 'ssd' } }, { name: 'b', labels: { n: '1' } }, { name: 'c' }],
        pod: {
          spec: {
            affinity: {
              nodeAffinity: {
                requiredDuringSchedulingIgnoredDuringExecution: {
                  nodeSelectorTerms: [
                    {
                      matchExpressions: [
                        { key: 'n', operator: 'Gt', values: ['3'] },
                        { key: 'disk', operator: 'In', values: ['ssd'] },
                      ],
                    },
                    { matchExpressions: [{ key: 'n', operator: 'DoesNotExist' }] },
                    { matchExpressions: [] },
                  ],
                },
              },
            },
          },
        },
      },
      { fits: ['a', 'c'] },
    ],
    [
      'names the plugin when the affinity names nodes',
      {
        nodes: [{ name: 'a', cpu: '1' }, { name: 'b' }],
        pod: {
          requests: requests('2'),
          spec: {
            affinity: {
              nodeAffinity: {
                requiredDuringSchedulingIgnoredDuringExecution: {
                  nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['a'] }] }],
                },
              },
            },
          },
        },
      },
      { message: `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity].` },
    ],
    [
      'adds the weights of preferred terms',
      {
        nodes: [{ name: 'a', labels: { x: '1', y: '1' } }, { name: 'b', labels: { x: '1' } }, { name: 'c' }],
        pod: {
          spec: {
            affinity: {
              nodeAffinity: {
                preferredDuringSchedulingIgnoredDuringExecution: [
                  { weight: 10, preference: { matchExpressions: [{ key: 'x', operator: 'Exists' }] } },
                  { weight: 20, preference: { matchExpressions: [{ key: 'y', operator: 'Exists' }] } },
                ],
              },
            },
          },
        },
      },
      { scores: { plugin: 'NodeAffinity', of: { a: 100, b: 33, c: 0 } } },
    ],
    ['keeps host ports apart', { nodes: small, running: [{ name: 'x', on: 'a', hostPort: 80 }], pod: { hostPort: 80 } }, { fits: ['b'] }],
  ]
  for (const [name, input, expected] of cases) await t.test(name, () => check(input, expected))
})

test('inter-pod affinity', async (t) => {
  const zones: NodeInput[] = [
    { name: 'a', labels: zone('z1') },
    { name: 'b', labels: zone('z1') },
    { name: 'c', labels: zone('z2') },
    { name: 'd' },
  ]
  const zoneKey = 'topology.kubernetes.io/zone'
  const web = { labels: { app: 'web' } }
  const affinity = (term: object) => ({ affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }) as never
  const anti = (term: object) => ({ affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } }) as never
  const cases: [string, Case, Expected][] = [
    [
      'goes to the zone of the pods it wants',
      { nodes: zones, running: [{ name: 'x', on: 'c', ...web }], pod: { spec: affinity(appTerm(zoneKey)) } },
      { fits: ['c'] },
    ],
    [
      'the first of a group that wants itself goes anywhere with the label',
      { nodes: zones, pod: { ...web, spec: affinity(appTerm(zoneKey)) } },
      { fits: ['a', 'b', 'c'] },
    ],
    [
      'a pod that wants another that does not exist waits',
      { nodes: zones, pod: { spec: affinity(appTerm(zoneKey)) } },
      { message: `0/4 nodes are available: 4 node(s) didn't match pod affinity rules.` },
    ],
    [
      'anti-affinity keeps a host apart',
      {
        nodes: zones,
        running: [{ name: 'x', on: 'a', ...web }],
        pod: { spec: anti(appTerm('kubernetes.io/hostname')) },
      },
      { fits: ['b', 'c', 'd'] },
    ],
    [
      'anti-affinity of pods that are there counts too',
      {
        nodes: zones,
        running: [{ name: 'x', on: 'a', spec: anti(appTerm(zoneKey)) }],
        pod: web,
      },
      { fits: ['c', 'd'] },
    ],
    [
      'another namespace does not count unless it is named',
      {
        nodes: zones,
        running: [{ name: 'x', namespace: 'other', on: 'a', ...web }],
        pod: { spec: anti(appTerm(zoneKey)) },
      },
      { fits: ['a', 'b', 'c', 'd'] },
    ],
    [
      'a namespace selector reads the labels of namespaces',
      {
        nodes: zones,
        namespaces: { other: { team: 'blue' }, third: { team: 'red' } },
        running: [
          { name: 'x', namespace: 'other', on: 'a', ...web },
          { name: 'y', namespace: 'third', on: 'c', ...web },
        ],
        pod: { spec: anti({ ...appTerm(zoneKey), namespaceSelector: { matchLabels: { team: 'blue' } } }) },
      },
      { fits: ['c', 'd'] },
    ],
    [
      'preferred terms of both sides add up',
      {
        nodes: zones,
        running: [
          { name: 'x', on: 'a', ...web },
          {
            name: 'y',
            on: 'c',
            spec: {
              affinity: {
                podAffinity: {
                  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 5, podAffinityTerm: appTerm(zoneKey, 'me') }],
                },
              },
            },
          },
        ],
        pod: {
          labels: { app: 'me' },
          spec: {
            affinity: {
              podAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 20, podAffinityTerm: appTerm(zoneKey) }] },
              podAntiAffinity: {
                preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 10, podAffinityTerm: appTerm('kubernetes.io/hostname') }],
              },
            },
          },
        },
      },
      // a: 20 − 10 = 10, b: 20, c: 5, d: 0 → by min 0 and max 20.
      { scores: { plugin: 'InterPodAffinity', of: { a: 50, b: 100, c: 25, d: 0 } } },
    ],
  ]
  for (const [name, input, expected] of cases) await t.test(name, () => check(input, expected))
})

test('topology spread', async (t) => {
  const zoneKey = 'topology.kubernetes.io/zone'
  const zones: NodeInput[] = [
    { name: 'a', labels: zone('z1') },
    { name: 'b', labels: zone('z1') },
    { name: 'c', labels: zone('z2') },
    { name: 'd' },
  ]
  const web = { labels: { app: 'web' } }
  const spread = (extra: object) => ({
    ...web,
    spec: {
      topologySpreadConstraints: [
        { topologyKey: zoneKey, maxSkew: 1, whenUnsatisfiable: 'DoNotSchedule', labelSelector: { matchLabels: { app: 'web' } }, ...extra },
      ],
    } as never,
  })
  const cases: [string, Case, Expected][] = [
    ['keeps the skew within maxSkew', { nodes: zones, running: [{ name: 'x', on: 'a', ...web }], pod: spread({}) }, { fits: ['c'] }],
    [
      'does not count terminating pods',
      { nodes: zones, running: [{ name: 'x', on: 'a', terminating: true, ...web }], pod: spread({}) },
      { fits: ['a', 'b', 'c'] },
    ],
    [
      'says what fails',
      {
        nodes: zones.filter((n) => n.name !== 'c').concat({ name: 'c', labels: zone('z2'), cpu: '0' }),
        running: [{ name: 'x', on: 'a', ...web }],
        pod: { ...spread({}), requests: requests('1') },
      },
      {
        message: `0/4 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match pod topology spread constraints (missing required label), 2 node(s) didn't match pod topology spread constraints.`,
      },
    ],
    [
      'with too few domains the minimum counts as zero',
      {
        nodes: zones,
        running: [
          { name: 'x', on: 'a', ...web },
          { name: 'y', on: 'c', ...web },
        ],
        pod: spread({ minDomains: 3 }),
      },
      { fits: [] },
    ],
    [
      'counts only nodes that the selector allows, unless told otherwise',
      {
        nodes: [
          { name: 'a', labels: { ...zone('z1'), disk: 'ssd' } },
          { name: 'b', labels: zone('z2') },
        ],
        running: [{ name: 'x', on: 'a', ...web }],
        pod: (() => {
          const pod = spread({})
          return { ...pod, spec: { ...(pod.spec as object), nodeSelector: { disk: 'ssd' } } }
        })(),
      },
      { fits: ['a'] },
    ],
    [
      'soft constraints prefer empty domains',
      {
        nodes: [
          { name: 'a', labels: zone('z1') },
          { name: 'b', labels: zone('z2') },
        ],
        running: [
          { name: 'x', on: 'a', ...web },
          { name: 'y', on: 'a', ...web },
        ],
        pod: spread({ whenUnsatisfiable: 'ScheduleAnyway' }),
      },
      // raw a = round(2 × ln 4) = 3, b = 0 → a: ⌊100 × (3 + 0 − 3)/3⌋ = 0, b: 100.
      { scores: { plugin: 'PodTopologySpread', of: { a: 0, b: 100 } } },
    ],
    [
      'system defaults spread by host and zone, also where nodes have no zone',
      {
        nodes: zones,
        running: [
          { name: 'x', on: 'a', ...web },
          { name: 'y', on: 'd', ...web },
        ],
        pod: web,
        defaultSpread: { key: 'app=web', matches: (l) => l.app === 'web' },
      },
      // hostname weight ln 6, zone weight ln 5 (z1, z2, none); raw a = round(ln6 + 2 + ln5 + 4) = 9, b = round(2 + ln5 + 4) = 8, c = 6, d = round(ln6 + 2) = 4.
      { scores: { plugin: 'PodTopologySpread', of: { a: 44, b: 55, c: 77, d: 100 } } },
    ],
  ]
  for (const [name, input, expected] of cases) await t.test(name, () => check(input, expected))
})
