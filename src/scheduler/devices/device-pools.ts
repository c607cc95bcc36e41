import type { Informer } from '../../client/informer-contract.ts'
import type { Node } from '../../kinds/generated/types/core-v1.ts'
import type { CounterSet, Device, ResourceSlice } from '../../kinds/generated/types/resource-v1.ts'
import { matchesTerm } from '../../kinds/node-selection.ts'
import { parseQuantity } from '../../machinery/quantity.ts'
import type { Amounts } from './device-capacity.ts'

const poolIndex = 'device-pool'
const nodeIndex = 'device-node'
/** Where slices stand that more than one node may reach. */
const anyNode = '*'

/** A device of a pool; its id is `driver/pool/name`. */
export type PooledDevice = {
  readonly id: string
  readonly pool: DevicePool
  readonly slice: ResourceSlice
  readonly device: Device
}

/** The devices that a driver publishes under one name, over all of its slices of the newest generation. */
export type DevicePool = {
  /** `driver/name`. */
  readonly key: string
  readonly driver: string
  readonly name: string
  readonly devices: readonly PooledDevice[]
  /** Why nothing may be taken from it: its slices are being replaced, or contradict each other. */
  readonly problem: string | undefined
  /** `set/counter` → how much of it there is, in 10⁻⁹ units. */
  readonly counters: Amounts
  readonly waitsForConditions: boolean
}

/** A pool as one node reaches it. */
export type NodePool = { readonly pool: DevicePool; readonly devices: readonly PooledDevice[] }

/** Pools by node, from ResourceSlices; kept as long as no slice changes. */
export class DevicePools {
  /** Grows with every change of a slice. */
  version = 0
  /** Stops following the slices. */
  readonly close: () => void
  readonly #slices: Informer<ResourceSlice>
  readonly #pools = new Map<string, DevicePool>()
  #byNode = new WeakMap<Node, readonly NodePool[]>()

  constructor(slices: Informer<ResourceSlice>) {
    this.#slices = slices
    slices.addIndex(poolIndex, (slice) => [keyOfPool(slice)])
    slices.addIndex(nodeIndex, ({ spec }) => [spec.nodeName ?? anyNode])
    this.close = slices.onChange(({ current, old }) => {
      for (const slice of [current, old]) if (slice) this.#pools.delete(keyOfPool(slice))
      this.#byNode = new WeakMap()
      this.version++
    })
  }

  /** Pools whose devices need no further conditions come first, then by name. */
  on(node: Node): readonly NodePool[] {
    const known = this.#byNode.get(node)
    if (known) return known
    const reachable = [...this.#slices.byIndex(nodeIndex, node.metadata.name ?? ''), ...this.#slices.byIndex(nodeIndex, anyNode)]
    const pools = [...new Set(reachable.map(keyOfPool))].map((key) => this.#pool(key))
    const found = pools
      .map((pool) => ({ pool, devices: pool.devices.filter((d) => reaches(node, d)) }))
      .filter(({ devices }) => devices.length > 0)
      .sort((a, b) => Number(a.pool.waitsForConditions) - Number(b.pool.waitsForConditions) || (a.pool.key < b.pool.key ? -1 : 1))
    this.#byNode.set(node, found)
    return found
  }

  #pool(key: string): DevicePool {
    let pool = this.#pools.get(key)
    if (!pool) this.#pools.set(key, (pool = poolOf(this.#slices.byIndex(poolIndex, key))))
    return pool
  }
}

const keyOfPool = ({ spec }: ResourceSlice) => `${spec.driver}/${spec.pool.name}`

function poolOf(all: readonly ResourceSlice[]): DevicePool {
  const generation = Math.max(...all.map((s) => s.spec.pool.generation))
  const slices = all
    .filter((s) => s.spec.pool.generation === generation)
    .toSorted((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
  const { driver, pool: named } = slices[0]!.spec
  const counters = new Map(slices.flatMap((s) => s.spec.sharedCounters ?? []).flatMap(({ name, counters: of }) => counterAmounts(name, of)))
  const devices: PooledDevice[] = []
  const pool: DevicePool = {
    key: `${driver}/${named.name}`,
    driver,
    name: named.name,
    devices,
    problem: problemOf(slices),
    counters,
    waitsForConditions: slices.some((s) => s.spec.devices?.some((d) => (d.bindingConditions?.length ?? 0) > 0)),
  }
  for (const slice of slices)
    for (const device of slice.spec.devices ?? []) devices.push({ id: `${pool.key}/${device.name}`, pool, slice, device })
  return pool
}

const counterAmounts = (set: string, counters: CounterSet['counters']) =>
  Object.entries(counters).map(([name, { value }]) => [`${set}/${name}`, parseQuantity(value).nano] as const)

/** What allocating the device takes from its pool's counters. */
export function countersOf({ device }: PooledDevice): Amounts {
  return new Map((device.consumesCounters ?? []).flatMap(({ counterSet, counters }) => counterAmounts(counterSet, counters)))
}

function problemOf(slices: readonly ResourceSlice[]): string | undefined {
  const wanted = slices[0]!.spec.pool.resourceSliceCount
  if (slices.length !== wanted) return `is being updated: ${slices.length} of its ${wanted} slices are there`
  const seen = new Set<string>()
  const twice = slices
    .flatMap((s) => s.spec.devices ?? [])
    .map((d) => d.name)
    .find((name) => seen.size === seen.add(name).size)
  return twice === undefined ? undefined : `is invalid: device ${twice} is published twice`
}

function reaches(node: Node, { slice: { spec }, device }: PooledDevice): boolean {
  const { nodeName, allNodes, nodeSelector } = spec.perDeviceNodeSelection ? device : spec
  if (nodeName) return nodeName === node.metadata.name
  if (allNodes) return true
  return nodeSelector?.nodeSelectorTerms.some((term) => matchesTerm(term, node)) ?? false
}
