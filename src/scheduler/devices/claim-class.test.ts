import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../base/random.ts'
import type { Informer } from '../../client/informer-contract.ts'
import type { Device, DeviceClaim, ResourceClaim, ResourceSlice } from '../../kinds/generated/types/resource-v1.ts'
import { keyOf, type KubeObject } from '../../machinery/object.ts'
import { testNode } from '../core/fixtures.ts'
import { Snapshot } from '../core/snapshot.ts'
import { fixedInformer } from '../what-if/cluster-view.ts'
import { ClaimClasses } from './claim-class.ts'
import { ClaimLedger } from './claim-ledger.ts'
import { DeviceState } from './device-fit.ts'
import { DevicePools } from './device-pools.ts'
import { searchDevices, type SearchResult } from './device-search.ts'
import { driver, exactly, selecting, testClaim, testClass, testDevice, testSlice } from './fixtures.ts'

/** Objects that come and go, as informers show them. */
class Changing<T extends KubeObject> {
  readonly informer: Informer<T>
  readonly objects = new Map<string, T>()
  readonly #handlers: ((change: { readonly current: T | undefined; readonly old: T | undefined }) => void)[] = []

  constructor() {
    const indexes = new Map<string, (object: T) => readonly string[]>()
    this.informer = {
      ...fixedInformer<T>([]),
      get: (key) => this.objects.get(key),
      list: () => [...this.objects.values()],
      addIndex: (name, valuesOf) => void indexes.set(name, valuesOf),
      byIndex: (name, value) => [...this.objects.values()].filter((o) => indexes.get(name)!(o).includes(value)),
      onChange: (handler) => {
        this.#handlers.push(handler)
        for (const current of this.objects.values()) handler({ current, old: undefined })
        return () => {}
      },
    }
  }

  set(current: T): void {
    const old = this.objects.get(keyOf(current))
    this.objects.set(keyOf(current), current)
    for (const handler of this.#handlers) handler({ current, old })
  }

  delete(key: string): void {
    const old = this.objects.get(key)
    this.objects.delete(key)
    for (const handler of this.#handlers) handler({ current: undefined, old })
  }
}

const nodes = ['a', 'b', 'c', 'd']

const asks: readonly DeviceClaim[] = [
  { requests: [{ name: 'r', exactly: exactly() }] },
  { requests: [{ name: 'r', exactly: exactly({ count: 2 }) }], constraints: [{ matchAttribute: `${driver}/numa` }] },
  { requests: [{ name: 'r', exactly: exactly(selecting(`device.attributes["${driver}"].index == 1`)) }] },
  { requests: [{ name: 'r', exactly: exactly({ allocationMode: 'All' }) }] },
  {
    requests: [
      { name: 'r', exactly: exactly({ capacity: { requests: { memory: '10Gi' } } }) },
      { name: 's', exactly: exactly({ capacity: { requests: { memory: '30Gi' } } }) },
    ],
  },
  {
    requests: [
      {
        name: 'r',
        firstAvailable: [
          { ...exactly({ count: 3 }), name: 'three' },
          { ...exactly(), name: 'one' },
        ],
      },
    ],
  },
]

function randomSlice(random: Random, i: number): ResourceSlice {
  const on = random.below(3) === 0 ? undefined : nodes[random.below(nodes.length)]!
  const devices = Array.from({ length: 1 + random.below(3) }, (_, d): Device => {
    const more: Partial<Device> = {
      attributes: { index: { int: d }, numa: { int: random.below(2) } },
      ...(random.below(3) === 0 ? { allowMultipleAllocations: true } : {}),
      ...(random.below(3) === 0 ? { consumesCounters: [{ counterSet: 'set', counters: { units: { value: '1' } } }] } : {}),
    }
    return testDevice(`gpu-${d}`, '40Gi', more)
  })
  return testSlice({
    name: `slice-${i}`,
    ...(on === undefined
      ? {
          nodeSelector: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'rack', operator: 'In' as const, values: [String(random.below(2))] }] }],
          },
        }
      : { nodeName: on }),
    sharedCounters: [{ name: 'set', counters: { units: { value: '1' } } }],
    devices,
  })
}

const outcomeText = (result: SearchResult) =>
  result.kind === 'None'
    ? `none ${result.problem ?? ''}`
    : result.claims.map((c) => `${c.chosen.join()}: ${c.devices.map((d) => `${d.request.name}=${d.device.id}`).join()}`).join('; ')

/** Kept answers against ones that are found from nothing, while slices and allocations come and go. */
for (const seed of [1, 2, 3, 8, 16, 21])
  void test(`what is kept about devices is what a fresh look finds, seed ${seed}`, () => {
    const random = seededRandom(seed)
    const [claims, slices, snapshot] = [new Changing<ResourceClaim>(), new Changing<ResourceSlice>(), new Snapshot()]
    const node = (name: string) => testNode({ name, labels: { rack: String(random.below(2)) } })
    for (const name of nodes) snapshot.setNode(node(name))
    const sources = { claims: claims.informer, slices: slices.informer, classes: fixedInformer([testClass('gpu')]) }
    const ledger = new ClaimLedger(claims.informer)
    const pools = new DevicePools(slices.informer)
    const classes = new ClaimClasses({ sources, snapshot, pools, state: new DeviceState(ledger), ledger })
    let serial = 0
    let position = snapshot.position
    const before = new Map<string, string>()
    for (let step = 0; step < 60; step++) {
      change()
      const touched = new Set<number>()
      snapshot.changesSince(position, (row) => void touched.add(row))
      position = snapshot.position
      for (const [i, ask] of asks.entries()) compare(i, ask, touched)
    }

    function change(): void {
      const what = random.below(8)
      if (what === 0) slices.set(randomSlice(random, random.below(6)))
      else if (what === 1) slices.delete(`slice-${random.below(6)}`)
      else if (what === 2) snapshot.setNode(node(nodes[random.below(nodes.length)]!))
      else if (what < 5) {
        const held = [...claims.objects.keys()]
        if (held.length > 0) claims.delete(held[random.below(held.length)]!)
      } else allocate()
    }

    /** What the kept answers grant is granted, to show that a mistake would add up. */
    function allocate(): void {
      const claim = testClaim(`c${serial++}`, asks[random.below(asks.length)]!)
      const found = classes.classOf([claim])
      assert.ok(!('problem' in found))
      const result = found.resultAt(classes.reachOf(random.below(nodes.length)))
      if (result.kind === 'None') return
      const results = result.claims[0]!.devices.map(({ request, device, share }) => ({
        ...{ request: request.name, driver, pool: device.pool.name, device: device.device.name },
        ...(share ? { shareID: `share-${serial++}`, consumedCapacity: { memory: `${share.get('memory')! / 1_000_000_000n}` } } : {}),
      }))
      claims.set({ ...claim, status: { allocation: { devices: { results } } } })
    }

    function compare(i: number, ask: DeviceClaim, touched: ReadonlySet<number>): void {
      const claim = testClaim('asked', ask)
      const freshPools = new DevicePools(slices.informer)
      const freshState = new DeviceState(new ClaimLedger(claims.informer))
      const kept = classes.classOf([claim])
      assert.ok(!('problem' in kept))
      for (const row of nodes.keys()) {
        const answer = outcomeText(kept.resultAt(classes.reachOf(row)))
        assert.equal(answer, outcomeText(searchDevices(kept.compiled, freshPools.on(snapshot.nodes[row]!), freshState)))
        // The cells look again only at rows that were touched.
        const key = `${i} ${row}`
        if (!touched.has(row) && before.has(key)) assert.equal(answer, before.get(key))
        before.set(key, answer)
      }
    }
  })
