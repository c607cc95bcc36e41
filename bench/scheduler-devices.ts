// Placing pods with devices, in the shape of upstream's scheduler_perf scenarios for dynamic resource allocation: claims from a
// template, claims that pods share, a steady state among devices in use, partitions, shared capacity. No API objects on the wire.
import { seededRandom } from '../src/base/random.ts'
import type { Pod } from '../src/kinds/generated/types/core-v1.ts'
import type { DeviceClaim, DeviceClass, ResourceClaim, ResourceSlice } from '../src/kinds/generated/types/resource-v1.ts'
import { testNode, testPod } from '../src/scheduler/core/fixtures.ts'
import { judge } from '../src/scheduler/core/judgement.ts'
import { SchedulerCore } from '../src/scheduler/core/scheduler-core.ts'
import { ClaimLedger } from '../src/scheduler/devices/claim-ledger.ts'
import { DevicePools } from '../src/scheduler/devices/device-pools.ts'
import { dynamicResources } from '../src/scheduler/devices/dynamic-resources.ts'
import { allPlugins } from '../src/scheduler/plugins/all.ts'
import { fixedInformer } from '../src/scheduler/what-if/cluster-view.ts'
import { PlannedClaims } from '../src/scheduler/what-if/planned-claims.ts'
import { type Figure, percentile } from './measure.ts'

const driver = 'test-driver.cdi.k8s.io'

type Scenario = {
  readonly name: string
  readonly nodes: number
  readonly pods: number
  /** Decisions a second. */
  readonly goal: number
  readonly slices: (nodes: number) => readonly ResourceSlice[]
  readonly claim: DeviceClaim
  /** Claims that hold devices before. */
  readonly before?: { readonly count: (nodes: number) => number; readonly claim: DeviceClaim }
  /** Pods that run at a time; the oldest goes when another comes. Default: all stay. */
  readonly steady?: number
  /** Pods to one claim. Default: each has its own, from a template. */
  readonly perClaim?: number
  readonly deviceClass?: string
  /** Pods ask by resources' names, each of so many classes in turn. */
  readonly byResource?: number
}

const one: DeviceClaim = {
  requests: [{ name: 'req-0', exactly: { deviceClassName: 'test-class', allocationMode: 'ExactCount', count: 1 } }],
}
const perNode =
  (devices: number) =>
  (nodes: number): readonly ResourceSlice[] =>
    Array.from({ length: nodes }, (_, i) =>
      slice(`node-${i}`, { nodeName: `node-${i}`, devices: Array.from({ length: devices }, (_, d) => ({ name: `device-${d}` })) }),
    )
const anyNode = {
  nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'node-with-dra', operator: 'In' as const, values: ['true'] }] }] },
}

/** `inUse`: tenths of the devices; all but what the steady pods take at most. */
const steady = (name: string, inUse: number): Scenario => ({
  name: `steady state, ${name}`,
  nodes: 500,
  pods: 5_000,
  goal: 4_000,
  slices: perNode(10),
  claim: one,
  before: { count: (nodes) => Math.min(nodes * inUse, nodes * 10 - 10), claim: one },
  steady: 10,
})

const scenarios: readonly Scenario[] = [
  { name: 'claims from a template', nodes: 500, pods: 5_000, goal: 4_000, slices: perNode(10), claim: one },
  { name: 'the same, 5,000 nodes', nodes: 5_000, pods: 5_000, goal: 4_000, slices: perNode(10), claim: one },
  { name: 'claims shared by five pods', nodes: 500, pods: 5_000, goal: 2_000, slices: perNode(2), claim: one, perClaim: 5 },
  { name: 'by resource name, 25 classes', nodes: 500, pods: 5_000, goal: 4_000, slices: perNode(10), claim: one, byResource: 25 },
  steady('empty', 0),
  steady('half in use', 5),
  steady('full but for ten', 10),
  {
    name: 'partitions',
    nodes: 100,
    pods: 2_000,
    goal: 1_000,
    slices: () => Array.from({ length: 2_000 }, (_, i) => partitioned(i)),
    claim: {
      requests: [{ name: 'req-0', exactly: { deviceClassName: 'test-class', allocationMode: 'ExactCount', count: 2 } }],
      constraints: [{ requests: ['req-0'], matchAttribute: 'dra.example.com/slice' }],
    },
    before: {
      count: (nodes) => nodes * 20,
      claim: {
        requests: [
          {
            name: 'req-0',
            exactly: {
              deviceClassName: 'test-class',
              allocationMode: 'ExactCount',
              count: 1,
              selectors: [
                {
                  cel: {
                    expression: `device.capacity['${driver}'].counters.compareTo(quantity('2')) >= 0 && device.attributes['${driver}'].preallocate`,
                  },
                },
              ],
            },
          },
        ],
      },
    },
  },
  {
    name: 'shared capacity',
    nodes: 100,
    pods: 2_000,
    goal: 1_000,
    slices: () =>
      Array.from({ length: 2_000 }, (_, i) =>
        slice(`slice-${i}`, {
          ...anyNode,
          devices: [
            {
              name: 'shareable-device',
              allowMultipleAllocations: true,
              capacity: { memory: { value: '80Gi', requestPolicy: { default: '1Gi', validRange: { min: '1Gi' } } } },
            },
          ],
        }),
      ),
    deviceClass: `device.driver == "${driver}" && device.allowMultipleAllocations == true`,
    claim: {
      requests: ['req-0', 'req-1'].map((name) => ({
        name,
        exactly: {
          deviceClassName: 'test-class',
          allocationMode: 'ExactCount',
          count: 1,
          capacity: { requests: { memory: '40Gi' } },
        },
      })),
    },
  },
]

export function deviceFigures(isQuick: boolean): Figure[] {
  return scenarios.flatMap((scenario) => {
    run({ ...scenario, ...smaller(scenario, 0.1) })
    return run(isQuick ? { ...scenario, ...smaller(scenario, 0.2) } : scenario)
  })
}

function smaller({ nodes, pods, slices }: Scenario, by: number): Partial<Scenario> {
  return {
    nodes: nodes * by,
    pods: pods * by,
    slices: () => slices(nodes).slice(0, slices(nodes).length * by),
  }
}

function run(scenario: Scenario): Figure[] {
  const { nodes, pods, perClaim } = scenario
  const random = seededRandom(1)
  const core = new SchedulerCore({ plugins: allPlugins, random })
  for (let i = 0; i < nodes; i++)
    core.snapshot.setNode(testNode({ name: `node-${i}`, cpu: '4', memory: '32Gi', labels: { 'node-with-dra': 'true' } }))
  const before = Array.from({ length: scenario.before?.count(nodes) ?? 0 }, (_, i) => claimNamed(`before-${i}`, scenario.before!.claim))
  const shared = perClaim ? Array.from({ length: pods / perClaim }, (_, i) => claimNamed(`shared-${i}`, scenario.claim)) : []
  const template = {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaimTemplate',
    metadata: { name: 't', namespace: 'default' },
    spec: { spec: { devices: scenario.claim } },
  } as const
  const claims = new PlannedClaims([...before, ...shared], [template])
  const ledger = new ClaimLedger(claims.informer)
  const slices = fixedInformer(scenario.slices(nodes))
  const plugin = dynamicResources({
    snapshot: core.snapshot,
    sources: { claims: claims.informer, classes: fixedInformer(classesOf(scenario)), slices },
    ledger,
    pools: new DevicePools(slices),
    binder: claims.binder(ledger),
    now: () => 0,
    shareId: () => random.uuid(),
  })
  const place = (pod: Pod) => {
    const judged = judge([plugin], pod)
    if ('kind' in judged) throw new Error(judged.reason)
    const key = `default/${pod.metadata.name}`
    const decision = core.decide({ key, pod, priority: 0, judged })
    if (decision.kind === 'Unplaced') return false
    for (const { reserve } of judged) reserve?.(decision.row)
    core.snapshot.addPod(key, pod, core.snapshot.nodeName(decision.row))
    return true
  }
  for (const claim of before) if (!place(podNamed(`of-${claim.metadata.name}`, claim.metadata.name!))) throw new Error('no device left')
  const { byResource } = scenario
  const all = Array.from({ length: pods }, (_, i) =>
    byResource
      ? testPod({ name: `p${i}`, requests: { [`example.com/gpu-${i % byResource}`]: '1' } })
      : podNamed(`p${i}`, perClaim ? `shared-${Math.floor(i / perClaim)}` : undefined),
  )
  const running: Pod[] = []
  const micros = new Float64Array(pods)
  const cpu = process.cpuUsage()
  let spentMs = 0
  let placed = 0
  for (const [i, wanted] of all.entries()) {
    const pod = claims.renewed(wanted)
    const beganMs = performance.now()
    if (running.length === scenario.steady) {
      const oldest = running.shift()!
      core.snapshot.removePod(`default/${oldest.metadata.name}`)
      claims.release(oldest)
    }
    if (place(pod)) placed++
    running.push(pod)
    const tookMs = performance.now() - beganMs
    micros[i] = tookMs * 1000
    spentMs += tookMs
  }
  const used = process.cpuUsage(cpu)
  if (placed < pods) console.log(`  (${scenario.name}: ${placed} of ${pods} pods got their devices)`)
  return [
    { name: scenario.name, value: (pods * 1000) / spentMs, unit: 'pods/s', goal: scenario.goal, better: 'higher' },
    {
      name: `${scenario.name}, p99`,
      value: percentile(
        [...micros].sort((a, b) => a - b),
        99,
      ),
      unit: 'µs',
      better: 'lower',
    },
    { name: `${scenario.name}, CPU`, value: (used.user + used.system) / pods, unit: 'µs/pod', better: 'lower' },
  ]
}

function podNamed(name: string, claim: string | undefined): Pod {
  const entry = { name: 'resource', ...(claim === undefined ? { resourceClaimTemplateName: 't' } : { resourceClaimName: claim }) }
  return testPod({ name, spec: { resourceClaims: [entry] } })
}

function claimNamed(name: string, devices: DeviceClaim): ResourceClaim {
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceClaim',
    metadata: { name, namespace: 'default', uid: `uid-${name}` },
    spec: { devices },
  }
}

function classesOf({ deviceClass: expression = `device.driver == "${driver}"`, byResource = 0 }: Scenario): readonly DeviceClass[] {
  const named = (name: string, more: Partial<DeviceClass['spec']>): DeviceClass => ({
    apiVersion: 'resource.k8s.io/v1',
    kind: 'DeviceClass',
    metadata: { name },
    spec: { selectors: [{ cel: { expression } }], ...more },
  })
  const byName = Array.from({ length: byResource }, (_, i) => named(`class-${i}`, { extendedResourceName: `example.com/gpu-${i}` }))
  return [named('test-class', {}), ...byName]
}

function slice(name: string, spec: Partial<ResourceSlice['spec']>): ResourceSlice {
  return {
    apiVersion: 'resource.k8s.io/v1',
    kind: 'ResourceSlice',
    metadata: { name, uid: `uid-${name}` },
    spec: { driver, pool: { name, generation: 1, resourceSliceCount: 1 }, ...spec },
  }
}

function partitioned(i: number): ResourceSlice {
  const device = (name: string, counters: readonly number[], preallocate: boolean) => ({
    name,
    attributes: { preallocate: { bool: preallocate }, 'dra.example.com/slice': { int: i } },
    capacity: { counters: { value: String(counters.length) } },
    consumesCounters: [{ counterSet: 'counter-set', counters: Object.fromEntries(counters.map((c) => [`counter${c}`, { value: '1' }])) }],
  })
  return slice(`slice-${i}`, {
    ...anyNode,
    sharedCounters: [{ name: 'counter-set', counters: Object.fromEntries([1, 2, 3, 4].map((c) => [`counter${c}`, { value: '1' }])) }],
    devices: [
      device('device-2-counters-1', [1, 2], true),
      device('device-2-counters-2', [3, 4], false),
      ...[1, 2, 3, 4].map((c) => device(`device-1-counter-${c}`, [c], false)),
    ],
  })
}
