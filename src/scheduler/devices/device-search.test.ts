import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../base/random.ts'
import type { DeviceClaim, DeviceClass, ResourceClaim } from '../../kinds/generated/types/resource-v1.ts'
import { testNode } from '../core/fixtures.ts'
import { fixedInformer } from '../what-if/cluster-view.ts'
import { PlannedClaims } from '../what-if/planned-claims.ts'
import { allocationResult } from './allocation-result.ts'
import { compileClaim, type CompiledClaim } from './claim-requests.ts'
import { ClaimLedger } from './claim-ledger.ts'
import { DeviceState } from './device-fit.ts'
import { lackOnNode } from './device-lack.ts'
import { DevicePools } from './device-pools.ts'
import { searchDevices } from './device-search.ts'
import { driver, exactly, selecting, type SliceInput, testClaim, testClass, testDevice, testSlice } from './fixtures.ts'

type Input = {
  readonly slices: readonly SliceInput[]
  /** Of the pod, in order; named c0, c1, … */
  readonly claims: readonly DeviceClaim[]
  readonly allocated?: readonly ResourceClaim[]
  readonly classes?: readonly DeviceClass[]
  readonly labels?: Readonly<Record<string, string>>
}

function ask({ slices, claims, allocated = [], classes = [testClass('gpu')], labels = {} }: Input) {
  const byName = new Map(classes.map((c) => [c.metadata.name!, c]))
  const compiled = claims.map((devices, i) => compileClaim(testClaim(`c${i}`, devices), (name) => byName.get(name)))
  const problem = compiled.find((c) => 'problem' in c)
  if (problem && 'problem' in problem) return { problem: problem.problem }
  const pools = new DevicePools(fixedInformer(slices.map(testSlice))).on(testNode({ name: 'n', labels }))
  const state = new DeviceState(new ClaimLedger(new PlannedClaims(allocated, []).informer))
  const result = searchDevices(compiled as readonly CompiledClaim[], pools, state)
  const classOf = (name: string) => byName.get(name)
  if (result.kind === 'Found')
    return { found: result.claims.map((c) => allocationResult(c, { nodeName: 'n', classOf, shareId: () => 'share', now: 'now' })) }
  return { problem: result.problem, lack: lackOnNode(compiled as readonly CompiledClaim[], pools, state) }
}

/** What each request of each claim got, or why the node does not do. */
function outcome(input: Input): string {
  const { found, problem, lack } = ask(input)
  if (!found)
    return `${problem ?? ''}${problem ? '' : lack!.details.join(' | ')}${lack?.remedies?.map((r) => ` → ${(r as { text: string }).text}`).join('') ?? ''}`
  return found
    .map((a) => a.devices!.results!.map((r) => `${r.request}=${r.pool}/${r.device}${r.adminAccess ? '!' : ''}`).join(' '))
    .join('; ')
}

const check = (title: string, input: Input, expected: string) => void test(title, () => assert.equal(outcome(input), expected))

const gpus = (count: number, more: Parameters<typeof testDevice>[2] = {}): SliceInput => ({
  name: 'n',
  on: 'n',
  devices: Array.from({ length: count }, (_, i) => testDevice(`gpu-${i}`, '40Gi', more)),
})
const request = (name: string, more: Parameters<typeof exactly>[0] = {}) => ({ name, exactly: exactly(more) })
const one = (more: Parameters<typeof exactly>[0] = {}): DeviceClaim => ({ requests: [request('gpu', more)] })
const holding = (...devices: readonly string[]): ResourceClaim => ({
  ...testClaim('other', {}),
  status: { allocation: { devices: { results: devices.map((device) => ({ request: 'r', driver, pool: 'n', device })) } } },
})

check('takes the first device that is free', { slices: [gpus(3)], claims: [one()], allocated: [holding('gpu-0')] }, 'gpu=n/gpu-1')
check(
  'serves several claims and requests with different devices',
  { slices: [gpus(4)], claims: [one({ count: 2 }), one()] },
  'gpu=n/gpu-0 gpu=n/gpu-1; gpu=n/gpu-2',
)
check(
  'selects by attributes, capacity and version',
  {
    slices: [{ name: 'n', on: 'n', devices: [testDevice('gpu-0', '20Gi'), testDevice('gpu-1', '80Gi')] }],
    claims: [
      one(
        selecting(
          `device.capacity["${driver}"].memory.compareTo(quantity("40Gi")) >= 0`,
          `device.attributes["${driver}"].driverVersion.isGreaterThan(semver("1.2.0")) && device.attributes["${driver}"].model == "a100"`,
          `!("other.example.com" in device.attributes) && !has(device.attributes["other.example.com"].model)`,
        ),
      ),
    ],
  },
  'gpu=n/gpu-1',
)
check(
  'goes back when the first choice leaves nothing for the next request',
  {
    slices: [gpus(2)],
    claims: [{ requests: [request('any'), request('zero', selecting(`device.attributes["${driver}"].index == 0`))] }],
  },
  'any=n/gpu-1 zero=n/gpu-0',
)
check('takes all', { slices: [gpus(3)], claims: [one({ allocationMode: 'All' })] }, 'gpu=n/gpu-0 gpu=n/gpu-1 gpu=n/gpu-2')
check(
  'takes all or nothing',
  { slices: [gpus(2)], claims: [one({ allocationMode: 'All' })], allocated: [holding('gpu-1')] },
  'claim default/c0, request gpu: wants all of class gpu, 1 can be had, short 1 (2 there: 1 in use by claim default/other) → free device gpu.example.com/n/gpu-1, held by claim default/other',
)
check(
  'asks for all of a pool only when it is complete',
  {
    slices: [{ ...gpus(1), pool: { name: 'n', generation: 1, resourceSliceCount: 2 } }],
    claims: [one({ allocationMode: 'All' })],
  },
  'claim default/c0, request gpu: asks for all devices, but resource pool gpu.example.com/n is currently being updated',
)
check(
  'looks at the newest generation of a pool only',
  {
    slices: [
      { ...gpus(3), name: 'old' },
      { name: 'new', on: 'n', pool: { name: 'n', generation: 2, resourceSliceCount: 1 }, devices: [testDevice('gpu-9')] },
    ],
    claims: [one()],
  },
  'gpu=n/gpu-9',
)
check(
  'takes the first alternative that can be had',
  {
    slices: [gpus(2)],
    claims: [
      {
        requests: [
          {
            name: 'gpu',
            firstAvailable: [
              { ...exactly({ count: 3 }), name: 'three' },
              { ...exactly({ count: 2 }), name: 'two' },
            ],
          },
        ],
      },
    ],
  },
  'gpu/two=n/gpu-0 gpu/two=n/gpu-1',
)
const withNuma = (numa: readonly number[]): SliceInput => ({
  name: 'n',
  on: 'n',
  devices: numa.map((int, i) => testDevice(`gpu-${i}`, '40Gi', { attributes: { numa: { int } } })),
})
const twoOf = (constraint: NonNullable<DeviceClaim['constraints']>[number]): DeviceClaim => ({
  requests: [request('a'), request('b')],
  constraints: [constraint],
})
check(
  'keeps devices alike in an attribute',
  { slices: [withNuma([0, 1, 1])], claims: [twoOf({ matchAttribute: `${driver}/numa` })] },
  'a=n/gpu-1 b=n/gpu-2',
)
check(
  'keeps devices distinct in an attribute',
  { slices: [withNuma([0, 0, 1])], claims: [twoOf({ distinctAttribute: `${driver}/numa` })] },
  'a=n/gpu-0 b=n/gpu-2',
)
check(
  'says when only the combination fails',
  { slices: [withNuma([0, 1])], claims: [twoOf({ matchAttribute: `${driver}/numa` })] },
  'each request has enough devices by itself, but no combination serves all of them at once and keeps matchAttribute gpu.example.com/numa',
)
check(
  'leaves requests alone that a constraint does not name',
  {
    slices: [withNuma([0, 1])],
    claims: [twoOf({ matchAttribute: `${driver}/numa`, requests: ['a'] })],
  },
  'a=n/gpu-0 b=n/gpu-1',
)
check(
  'lets administrators look at devices in use',
  { slices: [gpus(1)], claims: [one({ adminAccess: true })], allocated: [holding('gpu-0')] },
  'gpu=n/gpu-0!',
)
const taint = { key: 'broken', value: 'fan', effect: 'NoSchedule' } as const
check(
  'keeps off tainted devices',
  { slices: [gpus(1, { taints: [taint] })], claims: [one()] },
  'claim default/c0, request gpu: wants 1 of class gpu, 0 can be had, short 1 (1 there: 1 tainted (has taint broken=fan:NoSchedule)) → tolerate what the device has taint broken=fan:NoSchedule in request gpu',
)
check(
  'uses tainted devices that are tolerated, and those whose taint only informs',
  {
    slices: [gpus(2, { taints: [taint, { key: 'info', effect: 'None' }] })],
    claims: [one({ count: 2, tolerations: [{ key: 'broken', operator: 'Exists' }] })],
  },
  'gpu=n/gpu-0 gpu=n/gpu-1',
)

const partitions: SliceInput = {
  name: 'n',
  on: 'n',
  sharedCounters: [{ name: 'gpu-0', counters: { memory: { value: '40Gi' } } }],
  devices: [
    testDevice('whole', '40Gi', { consumesCounters: [{ counterSet: 'gpu-0', counters: { memory: { value: '40Gi' } } }] }),
    ...[0, 1].map((i) =>
      testDevice(`half-${i}`, '20Gi', { consumesCounters: [{ counterSet: 'gpu-0', counters: { memory: { value: '20Gi' } } }] }),
    ),
  ],
}
check(
  'takes partitions together only as far as their counters go',
  { slices: [partitions], claims: [one({ count: 2 })] },
  'gpu=n/half-0 gpu=n/half-1',
)
check(
  'counts what allocated partitions took',
  { slices: [partitions], claims: [one({ count: 2 })], allocated: [holding('half-0')] },
  'claim default/c0, request gpu: wants 2 of class gpu, 1 can be had, short 1 (3 there: 1 in use by claim default/other, 1 that need more of a shared counter than is left) → free device gpu.example.com/n/half-0, held by claim default/other',
)
const shared: SliceInput = {
  name: 'n',
  on: 'n',
  devices: [
    testDevice('nic', '1', {
      allowMultipleAllocations: true,
      capacity: { bandwidth: { value: '10G', requestPolicy: { default: '1G', validRange: { min: '1G', step: '2G', max: '8G' } } } },
    }),
  ],
}
const bandwidth = (amount?: string): DeviceClaim => one(amount ? { capacity: { requests: { bandwidth: amount } } } : {})
test('shares a device by capacity: rounded up by its policy, and never beyond what there is', () => {
  const { found } = ask({ slices: [shared], claims: [bandwidth('2G'), bandwidth()] })
  assert.deepEqual(
    found!.map((a) => a.devices!.results!.map((r) => [r.consumedCapacity, r.shareID])),
    [[[{ bandwidth: '3G' }, 'share']], [[{ bandwidth: '1G' }, 'share']]],
  )
  assert.equal(
    outcome({ slices: [shared], claims: [bandwidth('7G'), bandwidth('4G')] }),
    'each request has enough devices by itself, but no combination serves all of them at once',
  )
  assert.match(outcome({ slices: [shared], claims: [bandwidth('9G')] }), /does not give 9G of bandwidth by its request policy/)
  const holder = {
    ...holding('nic'),
    status: {
      allocation: {
        devices: { results: [{ request: 'r', driver, pool: 'n', device: 'nic', shareID: 's', consumedCapacity: { bandwidth: '7G' } }] },
      },
    },
  }
  assert.match(
    outcome({ slices: [shared], claims: [bandwidth('5G')], allocated: [holder] }),
    /has too little left of bandwidth: wants 5G, 7G of 10G in use/,
  )
})

test('says what an allocation is: settings of class and claim, the nodes that reach it, conditions to wait for', () => {
  const opaque = { driver, parameters: { kind: 'Config' } }
  const { found } = ask({
    slices: [
      {
        name: 'fabric',
        nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'rack', operator: 'In', values: ['r1'] }] }] },
        devices: [testDevice('gpu-0', '40Gi', { bindingConditions: ['attached'], bindingFailureConditions: ['failed'] })],
      },
    ],
    classes: [testClass('gpu', 'true', { config: [{ opaque }] })],
    labels: { rack: 'r1' },
    claims: [{ ...one(), config: [{ opaque, requests: ['gpu'] }] }],
  })
  assert.deepEqual(found, [
    {
      devices: {
        results: [
          {
            request: 'gpu',
            driver,
            pool: 'fabric',
            device: 'gpu-0',
            bindingConditions: ['attached'],
            bindingFailureConditions: ['failed'],
          },
        ],
        config: [
          { source: 'FromClass', requests: ['gpu'], opaque },
          { source: 'FromClaim', requests: ['gpu'], opaque },
        ],
      },
      nodeSelector: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'rack', operator: 'In', values: ['r1'] }] }] },
      allocationTimestamp: 'now',
    },
  ])
})

for (const [title, expression, expected] of [
  [
    'a selector that fails',
    `device.attributes["${driver}"].missing == 1`,
    'claim default/c0: selector #0: CEL runtime error: no such key: missing',
  ],
  [
    'a selector that costs too much',
    '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, [1,2,3,4,5,6,7,8,9,10].all(f, a + b + c + d + e + f > 0))))))',
    /CEL runtime error: .*cost/,
  ],
] as const)
  test(`${title} closes the node, with its reason`, () => {
    const text = outcome({ slices: [gpus(1)], claims: [one(selecting(expression))] })
    if (typeof expected === 'string') assert.equal(text, expected)
    else assert.match(text, expected)
  })

test('a class that is missing or does not compile refuses the pod', () => {
  assert.equal(outcome({ slices: [], claims: [one()], classes: [] }), 'request gpu: device class gpu does not exist')
  assert.match(
    outcome({ slices: [], claims: [one()], classes: [testClass('gpu', 'device.nope')] }),
    /^class gpu: selector #0: CEL compile error: compilation failed: /,
  )
})

test('gives up a search without end by steps, and says so', () => {
  const alike = Array.from({ length: 24 }, (_, i) => testDevice(`gpu-${i}`, '40Gi', { attributes: { numa: { int: i } } }))
  const wants = { requests: Array.from({ length: 8 }, (_, i) => request(`r${i}`)) }
  const input: Input = {
    slices: [{ name: 'n', on: 'n', devices: alike }],
    claims: [{ ...wants, constraints: [{ matchAttribute: `${driver}/numa`, requests: ['r0', 'r7'] }] }],
  }
  assert.match(outcome(input), /^timed out trying to allocate devices/)
})

/** Every way to give requests devices, without any cleverness. */
function existsByHand(numa: readonly number[], counts: readonly number[], mustMatch: boolean): boolean {
  const give = (request: number, free: readonly number[], got: readonly number[]): boolean => {
    if (request === counts.length) return !mustMatch || new Set(got.map((d) => numa[d])).size <= 1
    const choose = (from: readonly number[], count: number): number[][] =>
      count === 0 ? [[]] : from.flatMap((d, i) => choose(from.slice(i + 1), count - 1).map((rest) => [d, ...rest]))
    return choose(free, counts[request]!).some((chosen) =>
      give(
        request + 1,
        free.filter((d) => !chosen.includes(d)),
        [...got, ...chosen],
      ),
    )
  }
  return give(0, [...numa.keys()], [])
}

test('finds devices exactly where some combination exists, and never one twice', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seededRandom(seed)
    const numa = Array.from({ length: 1 + random.below(6) }, () => random.below(3))
    const counts = Array.from({ length: 1 + random.below(3) }, () => 1 + random.below(2))
    const mustMatch = random.below(2) === 0
    const { found } = ask({
      slices: [withNuma(numa)],
      claims: [
        {
          requests: counts.map((count, i) => request(`r${i}`, { count })),
          ...(mustMatch ? { constraints: [{ matchAttribute: `${driver}/numa` }] } : {}),
        },
      ],
    })
    assert.equal(found !== undefined, existsByHand(numa, counts, mustMatch), `seed ${seed}`)
    const given = found?.flatMap((a) => a.devices!.results!.map((r) => r.device)) ?? []
    assert.equal(new Set(given).size, given.length, `seed ${seed}`)
    if (found)
      assert.equal(
        given.length,
        counts.reduce((a, b) => a + b),
      )
  }
})
